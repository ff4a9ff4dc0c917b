// SPDX-License-Identifier: MIT OR Apache-2.0
#include "device.hpp"

#include <algorithm>

namespace sokr::vulkan {
namespace {

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

}  // namespace

std::function<void(VolkDeviceTable&)> device_table_hook;

Result<std::unique_ptr<Device>> Device::create(const PhysicalDevice& physical,
                                               const Options& options) {
  std::unique_ptr<Device> device(new Device(physical, options));
  SOKR_TRY(device->create_device());
  SOKR_ASSIGN(device->queue_, Queue::create(*device, physical.queue_family));
  if (physical.transfer_family != UINT32_MAX) {
    SOKR_ASSIGN(device->transfer_queue_, Queue::create(*device, physical.transfer_family));
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
  clock_ = std::make_unique<DeviceClock>(device_, physical_, table_);
  constexpr std::uint64_t kMostSpinUs = 1'000'000, kDefaultSpinUs = 50;
  const bool is_software = physical_.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  spin_ns_ =
      std::min(options_.spin_us.value_or(is_software ? 0 : kDefaultSpinUs), kMostSpinUs) * 1000;
  return {};
}

Device::~Device() {
  if (!device_) return;
  table_.vkDeviceWaitIdle(device_);
  slabs_.reset();
  transfer_queue_.reset();
  queue_.reset();
  table_.vkDestroyDevice(device_, nullptr);
}

std::uint64_t Device::slice_ns() const {
  constexpr std::uint64_t kMostMs = 1'000'000, kDefaultMs = 100;
  const bool is_software = physical_.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  const std::uint64_t ms = options_.slice_ms.value_or(is_software ? 0 : kDefaultMs);
  return std::min(ms, kMostMs) * 1'000'000;
}

std::uint64_t Device::patience_ns() const {
  constexpr std::uint64_t kMostMs = 1'000'000'000;
  return std::min(options_.patience_ms, kMostMs) * 1'000'000;
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

void Device::come_after_copy(std::uint64_t value) {
  std::uint64_t due = copy_due_.load(std::memory_order_relaxed);
  while (due < value && !copy_due_.compare_exchange_weak(due, value, std::memory_order_release)) {
  }
}

// Others go on submitting meanwhile; only a device that is lost is waited for as a whole.
void Device::drain() {
  if (const std::uint64_t last = last_submitted(); last != 0 && !is_lost())
    (void)wait(last, UINT64_MAX);
  if (transfer_queue_ && !is_lost()) (void)transfer_queue_->wait(transfer_queue_->last_submitted());
  if (!is_lost()) return;
  std::lock_guard lock(queue_->mutex());
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
