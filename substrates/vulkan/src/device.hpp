// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One VkDevice with everything enabled that compute uses, its function table, the queue that
// computes, and one that only copies where there is one (queue.hpp).
//
// A device that was lost stays lost: every later call fails with the sentence of
// the first loss, every wait ends. All functions may be called from any thread.
#ifndef SOKR_VULKAN_DEVICE_HPP_
#define SOKR_VULKAN_DEVICE_HPP_

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <sokr/substrate/plugin_description.hpp>
#include <span>
#include <string>

#include "device_clock.hpp"
#include "options.hpp"
#include "physical_device.hpp"
#include "queue.hpp"
#include "slabs.hpp"
#include "vk.hpp"

namespace sokr::vulkan {

// Called with the function table of each new device. For fault injection in tests;
// empty otherwise. Set while no other thread is inside the substrate.
extern std::function<void(VolkDeviceTable&)> device_table_hook;

class Device {
 public:
  static Result<std::unique_ptr<Device>> create(const PhysicalDevice& physical,
                                                const Options& options);
  // Waits until nothing runs.
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const PhysicalDevice& physical() const { return physical_; }
  const Options& options() const { return options_; }
  const VolkDeviceTable& vk() const { return table_; }
  VkDevice handle() const { return device_; }
  const FeatureSet& features() const { return physical_.usable; }
  std::string name() const { return physical_.name(); }
  VkSemaphore timeline() const { return queue_->timeline(); }  // of the queue that computes
  // That which only copies; null if there is none.
  Queue* transfer_queue() const { return transfer_queue_.get(); }
  // Those whose queues are used: of the compute queue, and of the transfer queue.
  std::span<const std::uint32_t> families() const {
    return std::span(families_).first(transfer_queue_ ? 2 : 1);
  }
  // Where warnings go: nowhere until it is told.
  void set_host(const substrate::Host& host) { host_ = host; }
  const substrate::Host& host() const { return host_; }
  // Says once for each heap that memory went beyond what the driver gives this process, or to
  // `type` though `first` was wanted, which had no room. Any thread.
  void note_memory(std::uint32_t type, std::uint32_t first);
  // "; of the 6144 MiB of heap 0 ... "; empty where the driver does not tell.
  std::string budget_text(std::uint32_t type) const;

  // What one submission should not exceed; 0 = there is no watchdog.
  std::uint64_t slice_ns() const;
  // How long room is waited for, before one is refused.
  std::uint64_t patience_ns() const;
  // How long a wait looks before it sleeps.
  std::uint64_t spin_ns() const { return spin_ns_; }
  // Of each kind of idle memory: what is kept for reuse at most.
  std::uint64_t idle_bytes() const;
  // All parts are given back before the device goes.
  SlabPool& slabs() { return *slabs_; }
  DeviceClock& clock() { return *clock_; }

  // VK_SUCCESS or a failure that names the call; notices a lost device.
  Result<void> check(VkResult result, const char* call);
  bool uses_sync2() const { return use_sync2_; }
  bool is_lost() const { return lost_.load(std::memory_order_acquire); }
  // SOKR_DISPATCH_FAILED with the reason of the loss; only when lost.
  Failure loss();

  // Submits `commands` (none: nothing but the signal) in their order, to start when the timeline
  // has reached `after`. Returns the value that they will signal when all are done.
  Result<std::uint64_t> submit(std::span<const VkCommandBuffer> commands, std::uint64_t after) {
    return submit_behind(commands, std::max(after, seen()));
  }
  Result<std::uint64_t> submit(VkCommandBuffer commands, std::uint64_t after) {
    return submit(std::span(&commands, 1), after);
  }
  // The same of commands that begin with a barrier behind all that was submitted before.
  Result<std::uint64_t> submit_in_order(VkCommandBuffer commands) {
    return submit_behind(std::span(&commands, 1), 0);
  }
  // Whether a launch that is alone had better begin with such a barrier: for the device to look at
  // the timeline takes an H200 2.5 us, and software a barrier as long as a small launch.
  bool likes_barriers() const {
    return physical_.properties.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU;
  }
  // What is submitted from now on starts when the transfer queue has reached `value`, which it has
  // accepted.
  void come_after_copy(std::uint64_t value);
  // Whether the next submission does.
  bool comes_after_copy() const { return copy_due_.load() > queue_->awaited(); }
  // `commands` on the transfer queue start when the compute queue has reached `after`. Returns the
  // value of its timeline that they will signal.
  Result<std::uint64_t> submit_copy(VkCommandBuffer commands, std::uint64_t after) {
    return transfer_queue_->submit(std::span(&commands, 1), 0, {queue_.get(), after});
  }
  // Of the compute queue (queue.hpp).
  std::uint64_t last_submitted() const { return queue_->last_submitted(); }
  std::uint64_t seen() const { return queue_->seen(); }
  Result<std::uint64_t> reached() { return queue_->reached(); }
  Result<bool> wait(std::uint64_t value, std::uint64_t timeout_ns) {
    return queue_->wait(value, timeout_ns);
  }
  // Blocks until nothing of what was submitted so far runs; after a loss too, where Vulkan ends
  // everything soon.
  void drain();

 private:
  Device(const PhysicalDevice& physical, const Options& options)
      : physical_(physical), options_(options) {}
  Result<void> create_device();
  // When the timeline has reached `wait`, and the transfer queue what is due of it.
  Result<std::uint64_t> submit_behind(std::span<const VkCommandBuffer> commands,
                                      std::uint64_t wait) {
    return queue_->submit(commands, wait, {transfer_queue_.get(), copy_due_.load()});
  }
  Failure lose(const char* call);

  PhysicalDevice physical_;
  Options options_;
  substrate::Host host_;
  std::atomic<std::uint32_t> noted_heaps_{0};
  VkDevice device_ = VK_NULL_HANDLE;
  VolkDeviceTable table_{};
  bool use_sync2_ = false;
  std::unique_ptr<Queue> queue_, transfer_queue_;
  std::array<std::uint32_t, 2> families_{};
  std::unique_ptr<SlabPool> slabs_;
  std::unique_ptr<DeviceClock> clock_;

  std::uint64_t spin_ns_ = 0;
  // Of the transfer queue: what the next submission has to come after.
  std::atomic<std::uint64_t> copy_due_{0};

  std::mutex loss_mutex_;
  std::string loss_;
  std::atomic<bool> lost_{false};  // released after loss_ is written
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_DEVICE_HPP_
