// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A queue that only copies, beside the one that computes: its copies run while kernels do. It has
// a timeline of its own, on which every submission signals the next value, in the order of
// submission. What is before a submission on the queue is before it in time, but nothing on the
// other queue is: a submission waits there for a value of this timeline, or here for one of that.
// Either has been accepted by then, so that no two wait for each other.
//
// What goes wrong here is the device's, which is lost as a whole. Any thread.
#ifndef SOKR_VULKAN_TRANSFER_QUEUE_HPP_
#define SOKR_VULKAN_TRANSFER_QUEUE_HPP_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "vk.hpp"

namespace sokr::vulkan {

class Device;

class TransferQueue {
 public:
  // Of a family that the device was created with, and that no other queue of it is of.
  static Result<std::unique_ptr<TransferQueue>> create(Device& device, std::uint32_t family);
  ~TransferQueue();
  TransferQueue(const TransferQueue&) = delete;
  TransferQueue& operator=(const TransferQueue&) = delete;

  std::uint32_t family() const { return family_; }
  VkSemaphore timeline() const { return timeline_; }

  // `commands` start when the device's own timeline has reached `after`. Returns the value that
  // they will signal when they are done.
  Result<std::uint64_t> submit(VkCommandBuffer commands, std::uint64_t after);
  std::uint64_t last_submitted() const { return submitted_.load(std::memory_order_acquire); }
  // The highest value that anybody saw reached; asks nobody.
  std::uint64_t seen() const { return reached_.load(std::memory_order_acquire); }
  // The timeline's value now.
  Result<std::uint64_t> reached();
  // Blocks until the value was reached. Fails only if the device is lost.
  Result<void> wait(std::uint64_t value);
  // Held while nobody may submit.
  std::mutex& mutex() { return mutex_; }

 private:
  TransferQueue(Device& device, std::uint32_t family) : device_(device), family_(family) {}
  Result<void> submit1(VkCommandBuffer commands, std::uint64_t after, std::uint64_t signal);
  Result<void> submit2(VkCommandBuffer commands, std::uint64_t after, std::uint64_t signal);
  void note_reached(std::uint64_t value);

  Device& device_;
  const std::uint32_t family_;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  std::mutex mutex_;                         // the queue, and the order of values
  std::uint64_t awaited_ = 0;                // of the device's timeline: one of them waited for it
  std::atomic<std::uint64_t> issued_{0};     // the highest value given to the driver
  std::atomic<std::uint64_t> submitted_{0};  // the highest that it accepted
  std::atomic<std::uint64_t> reached_{0};    // the highest value that was seen
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_TRANSFER_QUEUE_HPP_
