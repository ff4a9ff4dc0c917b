// SPDX-License-Identifier: MIT OR Apache-2.0
#include "device.hpp"

#include <time.h>

#include <array>
#include <cstdio>

#include "entry_points.hpp"
#include "queue.hpp"
#include "refused.hpp"

namespace sokr::icd {
namespace {

// The sentence about the first thing in a request that is not there; empty if all is.
std::string refusal(const VkDeviceCreateInfo& info, Extensions& extensions, VkResult& result) {
  result = VK_ERROR_EXTENSION_NOT_PRESENT;
  if (const char* unknown = enable(info.ppEnabledExtensionNames, info.enabledExtensionCount,
                                   kExtensions, kExtensionCount, extensions)) {
    return std::string("there is no device extension ") + unknown;
  }
  result = VK_ERROR_FEATURE_NOT_PRESENT;
  const char* missing = info.pEnabledFeatures ? missing_feature(*info.pEnabledFeatures) : nullptr;
  for (auto* at = static_cast<const VkBaseInStructure*>(info.pNext); at && !missing;
       at = at->pNext) {
    if (at->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2) {
      missing = missing_feature(reinterpret_cast<const VkPhysicalDeviceFeatures2*>(at)->features);
    } else {
      missing = missing_feature(at);
    }
  }
  if (missing) return std::string("the feature ") + missing + " is not supported";
  result = VK_ERROR_INITIALIZATION_FAILED;
  for (std::uint32_t i = 0; i < info.queueCreateInfoCount; ++i) {
    const VkDeviceQueueCreateInfo& queue = info.pQueueCreateInfos[i];
    if (queue.queueFamilyIndex != 0 || queue.queueCount != 1) {
      return "there is one queue family, 0, with one queue; asked for are " +
             std::to_string(queue.queueCount) + " of family " +
             std::to_string(queue.queueFamilyIndex);
    }
  }
  return {};
}

std::uint64_t nanoseconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

// Of each time domain: what Vulkan calls it, and the clock of this system. A tick is 1 ns in all.
struct TimeDomain {
  VkTimeDomainEXT domain;
  clockid_t clock;
};
constexpr TimeDomain kDomains[] = {{VK_TIME_DOMAIN_DEVICE_EXT, CLOCK_MONOTONIC},
                                   {VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT, CLOCK_MONOTONIC},
                                   {VK_TIME_DOMAIN_CLOCK_MONOTONIC_RAW_EXT, CLOCK_MONOTONIC_RAW}};

std::array<std::atomic<VkDeviceSize>, kHeapCount> all_memory{}, own_memory{};

}  // namespace

VkDeviceSize memory_in_use(std::uint32_t heap) {
  return all_memory[heap].load(std::memory_order_relaxed);
}
VkDeviceSize own_memory_in_use(std::uint32_t heap) {
  return own_memory[heap].load(std::memory_order_relaxed);
}
void count_memory(const Allocation& of, VkDeviceSize added, VkDeviceSize removed) {
  all_memory[of.heap].fetch_add(added - removed, std::memory_order_relaxed);
  if (!of.imported) own_memory[of.heap].fetch_add(added - removed, std::memory_order_relaxed);
}

Device::Device(PhysicalDevice* of, const Extensions& enabled)
    : physical(of), substrate(*of->substrate), extensions(enabled), queue(new Queue(*this)) {}
Device::~Device() {
  delete queue;
  // What the program left is unmapped: no later kernel may be let to it by its address.
  memory.for_each([this](Allocation& allocation) { forget_address(*this, allocation); });
}

void Device::lose(const char* why) noexcept {
  const VkInstance of = instance_of(*this);
  try {
    report(of, SOKR_LOG_ERROR, std::string("the device is lost: ") + why);
  } catch (...) {
    report(of, SOKR_LOG_ERROR, why);
  }
  std::lock_guard lock(monitor.mutex);
  lost.store(true, std::memory_order_release);
  monitor.notify();
}

bool deadline_of(std::uint64_t timeout, std::chrono::steady_clock::time_point& out) {
  const auto now = std::chrono::steady_clock::now();
  const auto left = (std::chrono::steady_clock::time_point::max() - now).count();
  if (timeout >= static_cast<std::uint64_t>(left)) return false;
  out = now + std::chrono::nanoseconds(timeout);
  return true;
}

VkResult refuse(VkInstance of, const char* command) {
  std::array<char, 128> sentence{};
  std::snprintf(sentence.data(), sentence.size(), "%s: this device computes, and has no graphics",
                command);
  report(of, SOKR_LOG_ERROR, sentence.data());
  return VK_ERROR_FEATURE_NOT_PRESENT;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDevice(VkPhysicalDevice physical,
                                              const VkDeviceCreateInfo* info,
                                              const VkAllocationCallbacks* callbacks,
                                              VkDevice* out) {
  *out = VK_NULL_HANDLE;
  return guarded([&]() -> VkResult {
    Extensions extensions;
    VkResult result = VK_SUCCESS;
    if (const std::string why = refusal(*info, extensions, result); !why.empty()) {
      report(reinterpret_cast<VkInstance>(of(physical)->instance), SOKR_LOG_ERROR,
             "vkCreateDevice: " + why);
      return result;
    }
    if (is_forked()) return VK_ERROR_DEVICE_LOST;
    Device* device =
        make<Device>(callbacks, VK_SYSTEM_ALLOCATION_SCOPE_DEVICE, of(physical), extensions);
    if (!device) return VK_ERROR_OUT_OF_HOST_MEMORY;
    *out = reinterpret_cast<VkDevice>(device);
    return VK_SUCCESS;
  });
}

VKAPI_ATTR void VKAPI_CALL vkDestroyDevice(VkDevice handle,
                                           const VkAllocationCallbacks* callbacks) {
  if (is_forked()) return;  // what threads of the parent wait with cannot be destroyed
  destroy(callbacks, of(handle));
}

VKAPI_ATTR void VKAPI_CALL vkGetDeviceQueue(VkDevice handle, std::uint32_t, std::uint32_t,
                                            VkQueue* out) {
  *out = reinterpret_cast<VkQueue>(of(handle)->queue);
}
VKAPI_ATTR void VKAPI_CALL vkGetDeviceQueue2(VkDevice handle, const VkDeviceQueueInfo2* info,
                                             VkQueue* out) {
  *out = info->flags ? VK_NULL_HANDLE : reinterpret_cast<VkQueue>(of(handle)->queue);
}

VKAPI_ATTR void VKAPI_CALL vkGetDeviceGroupPeerMemoryFeatures(VkDevice, std::uint32_t,
                                                              std::uint32_t, std::uint32_t,
                                                              VkPeerMemoryFeatureFlags* out) {
  *out = VK_PEER_MEMORY_FEATURE_COPY_SRC_BIT | VK_PEER_MEMORY_FEATURE_COPY_DST_BIT |
         VK_PEER_MEMORY_FEATURE_GENERIC_SRC_BIT | VK_PEER_MEMORY_FEATURE_GENERIC_DST_BIT;
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetPhysicalDeviceCalibrateableTimeDomainsEXT(
    VkPhysicalDevice, std::uint32_t* count, VkTimeDomainEXT* out) {
  return give_list(std::size(kDomains), count, out,
                   [](std::uint32_t i, VkTimeDomainEXT& to) { to = kDomains[i].domain; });
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetCalibratedTimestampsEXT(
    VkDevice, std::uint32_t count, const VkCalibratedTimestampInfoEXT* infos, std::uint64_t* out,
    std::uint64_t* deviation) {
  const std::uint64_t before = nanoseconds_of(CLOCK_MONOTONIC);
  for (std::uint32_t i = 0; i < count; ++i) {
    out[i] = 0;
    for (const TimeDomain& row : kDomains) {
      if (row.domain == infos[i].timeDomain) out[i] = nanoseconds_of(row.clock);
    }
  }
  *deviation = nanoseconds_of(CLOCK_MONOTONIC) - before + 1;
  return VK_SUCCESS;
}

}  // namespace sokr::icd
