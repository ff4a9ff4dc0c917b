// SPDX-License-Identifier: MIT OR Apache-2.0
#include "queue.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <sokr/substrate/inline_vector.hpp>
#include <thread>
#include <utility>

#include "device.hpp"

namespace sokr::vulkan {
namespace {

// A wait sleeps in slices, so that a loss that another thread noticed ends it even
// where the driver forgets its sleepers.
constexpr std::uint64_t kWaitSliceNs = 100'000'000;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

Result<std::unique_ptr<Queue>> Queue::create(Device& device, std::uint32_t family) {
  std::unique_ptr<Queue> queue(new Queue(device, family));
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

Queue::~Queue() {
  if (timeline_) device_.vk().vkDestroySemaphore(device_.handle(), timeline_, nullptr);
}

Result<std::uint64_t> Queue::submit(std::span<const VkCommandBuffer> commands, std::uint64_t own,
                                    const OfOther& other) {
  std::lock_guard lock(mutex_);
  if (device_.is_lost()) return device_.loss();
  const std::uint64_t value = submitted_.load(std::memory_order_relaxed) + 1;
  Waits waits{own, other};
  if (other.value <= awaited_.load(std::memory_order_relaxed)) waits.other.value = 0;
  issued_.store(value, std::memory_order_release);
  SOKR_TRY(device_.uses_sync2() ? submit2(commands, waits, value)
                                : submit1(commands, waits, value));
  if (waits.other.value != 0) awaited_.store(waits.other.value, std::memory_order_release);
  submitted_.store(value, std::memory_order_release);
  return value;
}

Result<void> Queue::submit1(std::span<const VkCommandBuffer> commands, const Waits& waits,
                            std::uint64_t signal) {
  substrate::InlineVector<VkSemaphore, 2> semaphores;
  substrate::InlineVector<std::uint64_t, 2> awaited;
  const auto add = [&](VkSemaphore semaphore, std::uint64_t value) {
    semaphores.push_back(semaphore);
    awaited.push_back(value);
  };
  if (waits.own != 0) add(timeline_, waits.own);
  if (waits.other.value != 0) add(waits.other.queue->timeline_, waits.other.value);
  constexpr std::array<VkPipelineStageFlags, 2> kStages{VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT};
  VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  values.waitSemaphoreValueCount = static_cast<std::uint32_t>(awaited.size());
  values.pWaitSemaphoreValues = awaited.data();
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &signal;
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.pNext = &values;
  info.waitSemaphoreCount = static_cast<std::uint32_t>(semaphores.size());
  info.pWaitSemaphores = semaphores.data();
  info.pWaitDstStageMask = kStages.data();
  info.commandBufferCount = static_cast<std::uint32_t>(commands.size());
  info.pCommandBuffers = commands.data();
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &timeline_;
  return device_.check(device_.vk().vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE),
                       "vkQueueSubmit");
}

Result<void> Queue::submit2(std::span<const VkCommandBuffer> commands, const Waits& waits,
                            std::uint64_t signal) {
  const auto at = [](VkSemaphore semaphore, std::uint64_t value) {
    VkSemaphoreSubmitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO};
    info.semaphore = semaphore;
    info.value = value;
    info.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
    return info;
  };
  const VkSemaphoreSubmitInfo signalled = at(timeline_, signal);
  substrate::InlineVector<VkSemaphoreSubmitInfo, 2> awaited;
  if (waits.own != 0) awaited.push_back(at(timeline_, waits.own));
  if (waits.other.value != 0)
    awaited.push_back(at(waits.other.queue->timeline_, waits.other.value));
  substrate::InlineVector<VkCommandBufferSubmitInfo, 2> buffers;
  for (const VkCommandBuffer one : commands)
    buffers.push_back({VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO, nullptr, one, 0});
  VkSubmitInfo2 info{VK_STRUCTURE_TYPE_SUBMIT_INFO_2};
  info.waitSemaphoreInfoCount = static_cast<std::uint32_t>(awaited.size());
  info.pWaitSemaphoreInfos = awaited.data();
  info.commandBufferInfoCount = static_cast<std::uint32_t>(buffers.size());
  info.pCommandBufferInfos = buffers.data();
  info.signalSemaphoreInfoCount = 1;
  info.pSignalSemaphoreInfos = &signalled;
  return device_.check(device_.vk().vkQueueSubmit2(queue_, 1, &info, VK_NULL_HANDLE),
                       "vkQueueSubmit2");
}

Failure Queue::lose(const char* call) {
  return device_.check(VK_ERROR_DEVICE_LOST, call).failure();
}

void Queue::note_reached(std::uint64_t value) {
  std::uint64_t seen = reached_.load(std::memory_order_relaxed);
  while (seen < value && !reached_.compare_exchange_weak(seen, value, std::memory_order_release)) {
  }
}

Result<std::uint64_t> Queue::reached() {
  if (device_.is_lost()) return device_.loss();
  std::uint64_t value = 0;
  SOKR_TRY(
      device_.check(device_.vk().vkGetSemaphoreCounterValue(device_.handle(), timeline_, &value),
                    "vkGetSemaphoreCounterValue"));
  // A lost device may report any value.
  if (value > issued_.load(std::memory_order_acquire)) return lose("vkGetSemaphoreCounterValue");
  note_reached(value);
  return value;
}

// An interrupt that wakes a sleeper takes longer than most small kernels, and copies of a MiB. A
// question that fails says nothing of the work.
Result<bool> Queue::spin(std::uint64_t value, std::uint64_t until_ns) {
  do {
    const Result<std::uint64_t> current = reached();
    if (device_.is_lost()) return device_.loss();
    if (!current) return false;
    if (*current >= value) return true;
  } while (now_ns() < until_ns);
  return false;
}

Result<bool> Queue::wait(std::uint64_t value, std::uint64_t timeout_ns) {
  if (device_.is_lost()) return device_.loss();
  if (value <= seen()) return true;
  if (timeout_ns == 0) return spin(value, 0);
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &timeline_;
  info.pValues = &value;
  // Nobody asks for the time where it does not matter.
  bool is_timed = device_.spin_ns() != 0 || (timeout_ns > kWaitSliceNs && timeout_ns != UINT64_MAX);
  std::uint64_t start = is_timed ? now_ns() : 0;
  if (device_.spin_ns() != 0) {
    SOKR_ASSIGN(const bool ended, spin(value, start + std::min(device_.spin_ns(), timeout_ns)));
    if (ended) return true;
  }
  while (true) {
    if (device_.is_lost()) return device_.loss();
    const std::uint64_t spent = is_timed ? now_ns() - start : 0;
    const std::uint64_t left = spent < timeout_ns ? timeout_ns - spent : 0;
    const VkResult result =
        device_.vk().vkWaitSemaphores(device_.handle(), &info, std::min(left, kWaitSliceNs));
    if (result == VK_SUCCESS) {
      // On a device that was lost meanwhile it says nothing.
      if (device_.is_lost()) return device_.loss();
      note_reached(value);
      return true;
    }
    if (result == VK_TIMEOUT) {
      if (timeout_ns != UINT64_MAX && left <= kWaitSliceNs) return false;
    } else if (result == VK_ERROR_DEVICE_LOST) {
      return lose("vkWaitSemaphores");
    } else {
      // The wait failed, not the work. A device that cannot even be asked is lost to us.
      Result<std::uint64_t> current = reached();
      if (!current) return device_.is_lost() ? device_.loss() : lose("vkGetSemaphoreCounterValue");
      if (*current >= value) return true;
      if (left == 0) return false;
      if (!std::exchange(is_timed, true)) start = now_ns();
      std::this_thread::yield();
    }
  }
}

Result<void> Queue::wait(std::uint64_t value) {
  const Result<bool> ended = wait(value, UINT64_MAX);
  if (!ended) return ended.failure();
  return {};
}

}  // namespace sokr::vulkan
