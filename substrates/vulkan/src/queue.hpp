// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A queue of the device, and its timeline semaphore. Every submission signals the next value of the
// timeline, in the order of submission; value v reached means that all submissions up to v are done
// and their writes are visible to who waited for it.
//
// A device has one that computes and, where there is such a family, one that only copies: its
// copies run while kernels do. What is before a submission on its own queue is before it in time,
// but nothing on the other queue is, for which a submission waits by that one's timeline. The other
// queue has accepted such a value by then, so that no two wait for each other.
//
// What goes wrong here is the device's, which is lost as a whole. Any thread.
#ifndef SOKR_VULKAN_QUEUE_HPP_
#define SOKR_VULKAN_QUEUE_HPP_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "vk.hpp"

namespace sokr::vulkan {

class Device;

class Queue {
 public:
  // The first of a family that the device was created with; no other is made of that one.
  static Result<std::unique_ptr<Queue>> create(Device& device, std::uint32_t family);
  ~Queue();
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  std::uint32_t family() const { return family_; }
  VkSemaphore timeline() const { return timeline_; }

  // A value of the other queue's timeline, which it has accepted; none if 0.
  struct OfOther {
    const Queue* queue = nullptr;
    std::uint64_t value = 0;
  };
  // Submits `commands` (none: nothing but the signal) in their order, to start when this timeline
  // has reached `own` (0 = at once) and the other one `other`. Returns the value that they will
  // signal when all are done.
  Result<std::uint64_t> submit(std::span<const VkCommandBuffer> commands, std::uint64_t own,
                               const OfOther& other);
  std::uint64_t last_submitted() const { return submitted_.load(std::memory_order_acquire); }
  // Of the other queue's timeline: what one submission waited for, all later ones are behind.
  std::uint64_t awaited() const { return awaited_.load(std::memory_order_acquire); }
  // The highest value that anybody saw reached; asks nobody.
  std::uint64_t seen() const { return reached_.load(std::memory_order_acquire); }
  // The timeline's value now.
  Result<std::uint64_t> reached();
  // Blocks at most timeout_ns; asks nobody about a value that was seen. True if the value was
  // reached, false if time ran out. Fails only if the device is lost.
  Result<bool> wait(std::uint64_t value, std::uint64_t timeout_ns);
  // The same without a bound.
  Result<void> wait(std::uint64_t value);
  // Held while nobody may submit.
  std::mutex& mutex() { return mutex_; }

 private:
  Queue(Device& device, std::uint32_t family) : device_(device), family_(family) {}
  // Values to wait for, of either timeline; 0 = none.
  struct Waits {
    std::uint64_t own = 0;
    OfOther other;
  };
  Result<void> submit1(std::span<const VkCommandBuffer> commands, const Waits& waits,
                       std::uint64_t signal);
  Result<void> submit2(std::span<const VkCommandBuffer> commands, const Waits& waits,
                       std::uint64_t signal);
  Result<bool> spin(std::uint64_t value, std::uint64_t until_ns);
  Failure lose(const char* call);
  void note_reached(std::uint64_t value);

  Device& device_;
  const std::uint32_t family_;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  std::mutex mutex_;  // the queue, and the order of values
  std::atomic<std::uint64_t> awaited_{0};
  std::atomic<std::uint64_t> issued_{0};     // the highest value given to the driver
  std::atomic<std::uint64_t> submitted_{0};  // the highest that it accepted
  std::atomic<std::uint64_t> reached_{0};    // the highest value that was seen
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_QUEUE_HPP_
