// SPDX-License-Identifier: MIT OR Apache-2.0
#include "transfer_queue.hpp"

#include <chrono>
#include <thread>

#include "device.hpp"

namespace sokr::vulkan {
namespace {

// A wait sleeps in slices, so that a loss that another thread noticed ends it.
constexpr std::uint64_t kWaitSliceNs = 100'000'000;

}  // namespace

Result<std::unique_ptr<TransferQueue>> TransferQueue::create(Device& device, std::uint32_t family) {
  std::unique_ptr<TransferQueue> queue(new TransferQueue(device, family));
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
  info.pNext = &type;
  const VkResult result =
      device.vk().vkCreateSemaphore(device.handle(), &info, nullptr, &queue->timeline_);
  if (result != VK_SUCCESS) queue->timeline_ = VK_NULL_HANDLE;
  SOKR_TRY(device.check(result, "vkCreateSemaphore"));
  device.vk().vkGetDeviceQueue(device.handle(), family, 0, &queue->queue_);
  return queue;
}

TransferQueue::~TransferQueue() {
  if (timeline_) device_.vk().vkDestroySemaphore(device_.handle(), timeline_, nullptr);
}

Result<std::uint64_t> TransferQueue::submit(VkCommandBuffer commands, std::uint64_t after) {
  std::lock_guard lock(mutex_);
  if (device_.is_lost()) return device_.loss();
  const std::uint64_t value = submitted_.load(std::memory_order_relaxed) + 1;
  // What one of them waited for, all later ones are behind.
  const std::uint64_t wait = after > awaited_ ? after : 0;
  issued_.store(value, std::memory_order_release);
  SOKR_TRY(device_.uses_sync2() ? submit2(commands, wait, value) : submit1(commands, wait, value));
  if (wait != 0) awaited_ = wait;
  submitted_.store(value, std::memory_order_release);
  return value;
}

Result<void> TransferQueue::submit1(VkCommandBuffer commands, std::uint64_t after,
                                    std::uint64_t signal) {
  const VkSemaphore awaited = device_.timeline();
  const VkPipelineStageFlags stages = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &signal;
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.pNext = &values;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &timeline_;
  if (after != 0) {
    values.waitSemaphoreValueCount = 1;
    values.pWaitSemaphoreValues = &after;
    info.waitSemaphoreCount = 1;
    info.pWaitSemaphores = &awaited;
    info.pWaitDstStageMask = &stages;
  }
  return device_.check(device_.vk().vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE),
                       "vkQueueSubmit");
}

Result<void> TransferQueue::submit2(VkCommandBuffer commands, std::uint64_t after,
                                    std::uint64_t signal) {
  VkSemaphoreSubmitInfo signalled{VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO};
  signalled.semaphore = timeline_;
  signalled.value = signal;
  signalled.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
  VkSemaphoreSubmitInfo awaited = signalled;
  awaited.semaphore = device_.timeline();
  awaited.value = after;
  const VkCommandBufferSubmitInfo buffer{VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, nullptr,
                                         commands, 0};
  VkSubmitInfo2 info{VK_STRUCTURE_TYPE_SUBMIT_INFO_2};
  info.waitSemaphoreInfoCount = after != 0 ? 1 : 0;
  info.pWaitSemaphoreInfos = &awaited;
  info.commandBufferInfoCount = 1;
  info.pCommandBufferInfos = &buffer;
  info.signalSemaphoreInfoCount = 1;
  info.pSignalSemaphoreInfos = &signalled;
  return device_.check(device_.vk().vkQueueSubmit2(queue_, 1, &info, VK_NULL_HANDLE),
                       "vkQueueSubmit2");
}

void TransferQueue::note_reached(std::uint64_t value) {
  std::uint64_t seen = reached_.load(std::memory_order_relaxed);
  while (seen < value && !reached_.compare_exchange_weak(seen, value, std::memory_order_release)) {
  }
}

Result<std::uint64_t> TransferQueue::reached() {
  if (device_.is_lost()) return device_.loss();
  std::uint64_t value = 0;
  SOKR_TRY(
      device_.check(device_.vk().vkGetSemaphoreCounterValue(device_.handle(), timeline_, &value),
                    "vkGetSemaphoreCounterValue"));
  // A lost device may report any value.
  if (value > issued_.load(std::memory_order_acquire))
    return device_.check(VK_ERROR_DEVICE_LOST, "vkGetSemaphoreCounterValue").failure();
  note_reached(value);
  return value;
}

// Looks before it sleeps, as a wait for a kernel does: who sleeps is woken later than a copy of a
// MiB takes. A question that fails says nothing of the copies.
Result<void> TransferQueue::wait(std::uint64_t value) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::nanoseconds(device_.spin_ns());
  while (value > seen() && Clock::now() < until)
    if (!reached()) break;
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &timeline_;
  info.pValues = &value;
  while (value > seen()) {
    if (device_.is_lost()) return device_.loss();
    const VkResult result = device_.vk().vkWaitSemaphores(device_.handle(), &info, kWaitSliceNs);
    if (result == VK_SUCCESS) {
      note_reached(value);
    } else if (result == VK_ERROR_DEVICE_LOST) {
      return device_.check(result, "vkWaitSemaphores");
    } else if (result != VK_TIMEOUT) {
      // The wait failed, not the copies. A device that cannot even be asked is lost to us.
      if (!reached() && !device_.is_lost())
        return device_.check(VK_ERROR_DEVICE_LOST, "vkGetSemaphoreCounterValue");
      std::this_thread::yield();
    }
  }
  return {};
}

}  // namespace sokr::vulkan
