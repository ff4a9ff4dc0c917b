// SPDX-License-Identifier: MIT OR Apache-2.0
#include "device.hpp"

#include <algorithm>
#include <chrono>
#include <sokr/substrate/inline_vector.hpp>
#include <thread>

namespace sokr::vulkan {
namespace {

// A wait sleeps in slices, so that a loss that another thread noticed ends it even
// where the driver forgets its sleepers.
constexpr std::uint64_t kWaitSliceNs = 100'000'000;

// Before they became core, functions had names with KHR.
void fill_promoted(VolkDeviceTable& table) {
#define SOKR_PROMOTED(name) \
  if (!table.name) table.name = table.name##KHR
  SOKR_PROMOTED(vkWaitSemaphores);
  SOKR_PROMOTED(vkGetSemaphoreCounterValue);
  SOKR_PROMOTED(vkGetBufferDeviceAddress);
  SOKR_PROMOTED(vkQueueSubmit2);
#undef SOKR_PROMOTED
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace

std::function<void(VolkDeviceTable&)> device_table_hook;

Result<std::unique_ptr<Device>> Device::create(const PhysicalDevice& physical,
                                               const Options& options) {
  std::unique_ptr<Device> device(new Device(physical, options));
  SOKR_TRY(device->create_device());
  SOKR_TRY(device->create_timeline());
  if (physical.transfer_family != UINT32_MAX) {
    SOKR_ASSIGN(device->transfer_queue_, TransferQueue::create(*device, physical.transfer_family));
  }
  return device;
}

Result<void> Device::create_device() {
  const float priority = 1.0f;
  families_ = {physical_.queue_family, physical_.transfer_family};
  std::array<VkDeviceQueueCreateInfo, 2> queues{};
  for (std::size_t i = 0; i < queues.size(); ++i) {
    queues[i].sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queues[i].queueFamilyIndex = families_[i];
    queues[i].queueCount = 1;
    queues[i].pQueuePriorities = &priority;
  }

  const std::vector<const char*> extensions = usable_extensions(physical_.offer);
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.pNext = link_features(physical_.usable, physical_.offer);
  info.queueCreateInfoCount = physical_.transfer_family != UINT32_MAX ? 2 : 1;
  info.pQueueCreateInfos = queues.data();
  info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  if (VkResult result = vkCreateDevice(physical_.handle, &info, nullptr, &device_);
      result != VK_SUCCESS) {
    device_ = VK_NULL_HANDLE;
    return vk_failure(result, "vkCreateDevice", name());
  }
  volkLoadDeviceTable(&table_, device_);
  fill_promoted(table_);
  if (device_table_hook) device_table_hook(table_);
  use_sync2_ = features().has("synchronization2");
  slabs_ = std::make_unique<SlabPool>(*this);
  constexpr std::uint64_t kMostSpinUs = 1'000'000, kDefaultSpinUs = 50;
  const bool is_software = physical_.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  spin_ns_ =
      std::min(options_.spin_us.value_or(is_software ? 0 : kDefaultSpinUs), kMostSpinUs) * 1000;
  table_.vkGetDeviceQueue(device_, physical_.queue_family, 0, &queue_);
  return {};
}

Result<void> Device::create_timeline() {
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkSemaphoreCreateInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
  info.pNext = &type;
  VkResult result = table_.vkCreateSemaphore(device_, &info, nullptr, &timeline_);
  if (result != VK_SUCCESS) timeline_ = VK_NULL_HANDLE;
  return check(result, "vkCreateSemaphore");
}

Device::~Device() {
  if (!device_) return;
  table_.vkDeviceWaitIdle(device_);
  slabs_.reset();
  transfer_queue_.reset();
  if (timeline_) table_.vkDestroySemaphore(device_, timeline_, nullptr);
  table_.vkDestroyDevice(device_, nullptr);
}

std::uint64_t Device::slice_ns() const {
  constexpr std::uint64_t kMostMs = 1'000'000, kDefaultMs = 100;
  const bool is_software = physical_.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  const std::uint64_t ms = options_.slice_ms.value_or(is_software ? 0 : kDefaultMs);
  return std::min(ms, kMostMs) * 1'000'000;
}

std::uint64_t Device::idle_bytes() const {
  constexpr std::uint64_t kMost = 512u << 20, kShare = 16;
  return options_.staging_bytes.value_or(std::min(kMost, physical_.device_memory() / kShare));
}

Failure Device::lose(const char* call) {
  std::lock_guard lock(loss_mutex_);
  if (loss_.empty()) {
    loss_ = vk_failure(VK_ERROR_DEVICE_LOST, call, name()).sentence;
    // Software has no watchdog.
    if (physical_.properties.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU)
      loss_ +=
          "; most likely the driver's watchdog ended a kernel that ran for too long: launch "
          "fewer workgroups at a time. All buffers are gone; the next launch starts anew";
    lost_.store(true, std::memory_order_release);
  }
  return Failure{SOKR_DISPATCH_FAILED, loss_};
}

Failure Device::loss() {
  std::lock_guard lock(loss_mutex_);
  return Failure{SOKR_DISPATCH_FAILED, loss_};
}

Result<void> Device::check(VkResult result, const char* call) {
  if (result == VK_SUCCESS) return {};
  if (result == VK_ERROR_DEVICE_LOST) return lose(call);
  return vk_failure(result, call, name());
}

// To wait for what the host saw finished makes its writes visible.
Result<std::uint64_t> Device::submit_behind(std::span<const VkCommandBuffer> commands,
                                            std::uint64_t wait) {
  std::lock_guard lock(submit_mutex_);
  if (is_lost()) return loss();
  const std::uint64_t value = submitted_.load(std::memory_order_relaxed) + 1;
  Waits waits{wait, 0};
  const std::uint64_t due = copy_due_.load(std::memory_order_acquire);
  if (due > copy_awaited_.load(std::memory_order_relaxed)) waits.copy = due;
  issued_.store(value, std::memory_order_release);
  SOKR_TRY(use_sync2_ ? submit2(commands, waits, value) : submit1(commands, waits, value));
  if (waits.copy != 0) copy_awaited_.store(waits.copy, std::memory_order_relaxed);
  submitted_.store(value, std::memory_order_release);
  return value;
}

void Device::come_after_copy(std::uint64_t value) {
  std::uint64_t due = copy_due_.load(std::memory_order_relaxed);
  while (due < value && !copy_due_.compare_exchange_weak(due, value, std::memory_order_release)) {
  }
}

Result<void> Device::submit1(std::span<const VkCommandBuffer> commands, const Waits& waits,
                             std::uint64_t signal) {
  VkTimelineSemaphoreSubmitInfo values{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &signal;
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.pNext = &values;
  info.commandBufferCount = static_cast<std::uint32_t>(commands.size());
  info.pCommandBuffers = commands.data();
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &timeline_;
  substrate::InlineVector<VkSemaphore, 2> semaphores;
  substrate::InlineVector<std::uint64_t, 2> awaited;
  const auto add = [&](VkSemaphore semaphore, std::uint64_t value) {
    semaphores.push_back(semaphore);
    awaited.push_back(value);
  };
  if (waits.value != 0) add(timeline_, waits.value);
  if (waits.copy != 0) add(transfer_queue_->timeline(), waits.copy);
  constexpr std::array<VkPipelineStageFlags, 2> kStages{VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                                        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT};
  values.waitSemaphoreValueCount = info.waitSemaphoreCount =
      static_cast<std::uint32_t>(semaphores.size());
  values.pWaitSemaphoreValues = awaited.data();
  info.pWaitSemaphores = semaphores.data();
  info.pWaitDstStageMask = kStages.data();
  return check(table_.vkQueueSubmit(queue_, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit");
}

Result<void> Device::submit2(std::span<const VkCommandBuffer> commands, const Waits& waits,
                             std::uint64_t signal) {
  VkSemaphoreSubmitInfo signalled{VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO};
  signalled.semaphore = timeline_;
  signalled.value = signal;
  signalled.stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT;
  substrate::InlineVector<VkSemaphoreSubmitInfo, 2> awaited;
  const auto add = [&](VkSemaphore semaphore, std::uint64_t value) {
    VkSemaphoreSubmitInfo one = signalled;
    one.semaphore = semaphore;
    one.value = value;
    awaited.push_back(one);
  };
  if (waits.value != 0) add(timeline_, waits.value);
  if (waits.copy != 0) add(transfer_queue_->timeline(), waits.copy);
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
  return check(table_.vkQueueSubmit2(queue_, 1, &info, VK_NULL_HANDLE), "vkQueueSubmit2");
}

void Device::note_reached(std::uint64_t value) {
  std::uint64_t seen = reached_.load(std::memory_order_relaxed);
  while (seen < value && !reached_.compare_exchange_weak(seen, value, std::memory_order_release)) {
  }
}

Result<std::uint64_t> Device::reached() {
  if (is_lost()) return loss();
  std::uint64_t value = 0;
  SOKR_TRY(check(table_.vkGetSemaphoreCounterValue(device_, timeline_, &value),
                 "vkGetSemaphoreCounterValue"));
  // A lost device may report any value.
  if (value > issued_.load(std::memory_order_acquire)) return lose("vkGetSemaphoreCounterValue");
  note_reached(value);
  return value;
}

// An interrupt that wakes a sleeper takes longer than most small kernels. A question that fails
// says nothing of the work.
Result<bool> Device::spin(std::uint64_t value, std::uint64_t until_ns) {
  do {
    const Result<std::uint64_t> current = reached();
    if (is_lost()) return loss();
    if (!current) return false;
    if (*current >= value) return true;
  } while (now_ns() < until_ns);
  return false;
}

Result<bool> Device::wait(std::uint64_t value, std::uint64_t timeout_ns) {
  if (is_lost()) return loss();
  if (value <= seen()) return true;
  if (timeout_ns == 0) return spin(value, 0);
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &timeline_;
  info.pValues = &value;
  const std::uint64_t start = now_ns();
  if (spin_ns_ != 0) {
    SOKR_ASSIGN(const bool ended, spin(value, start + std::min(spin_ns_, timeout_ns)));
    if (ended) return true;
  }
  while (true) {
    if (is_lost()) return loss();
    const std::uint64_t spent = now_ns() - start;
    const std::uint64_t left = spent < timeout_ns ? timeout_ns - spent : 0;
    const VkResult result = table_.vkWaitSemaphores(device_, &info, std::min(left, kWaitSliceNs));
    if (result == VK_SUCCESS) {
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
      if (!current) return is_lost() ? loss() : lose("vkGetSemaphoreCounterValue");
      if (*current >= value) return true;
      if (left == 0) return false;
      std::this_thread::yield();
    }
  }
}

// Others go on submitting meanwhile; only a device that is lost is waited for as a whole.
void Device::drain() {
  if (const std::uint64_t last = last_submitted(); last != 0 && !is_lost())
    (void)wait(last, UINT64_MAX);
  if (transfer_queue_ && !is_lost()) (void)transfer_queue_->wait(transfer_queue_->last_submitted());
  if (!is_lost()) return;
  std::lock_guard lock(submit_mutex_);
  std::unique_lock<std::mutex> copies;
  if (transfer_queue_) copies = std::unique_lock(transfer_queue_->mutex());
  table_.vkDeviceWaitIdle(device_);
}

std::string Device::budget_text(std::uint32_t type) const {
  constexpr std::uint64_t kMega = 1 << 20;
  const std::uint32_t heap = physical_.memory.memoryTypes[type].heapIndex;
  const auto budget = physical_.budget(heap);
  if (!budget) return {};
  return fmt::format(
      "; the driver gives this process {} MiB of the {} MiB of heap {}, and {} MiB of them are in "
      "use",
      budget->allowed / kMega, physical_.memory.memoryHeaps[heap].size / kMega, heap,
      budget->used / kMega);
}

void Device::note_memory(std::uint32_t type, std::uint32_t first) {
  const auto& types = physical_.memory.memoryTypes;
  const std::uint32_t heap = types[first].heapIndex;
  const bool elsewhere = types[type].heapIndex != heap;
  const std::uint32_t bit = 1u << heap;
  if (noted_heaps_.load(std::memory_order_relaxed) & bit) return;
  if (!elsewhere) {
    const auto budget = physical_.budget(heap);
    if (!budget || budget->used <= budget->allowed) return;
  }
  if (noted_heaps_.fetch_or(bit) & bit) return;
  host_.log_warning("vulkan: memory of {} is short: {}{}", name(),
                    elsewhere ? "buffers go to memory that it reaches more slowly"
                              : "the driver may move what is in it elsewhere",
                    budget_text(first));
}

}  // namespace sokr::vulkan
