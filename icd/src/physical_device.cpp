// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the only physical device reports. Numbers are those of description.txt.
#include <algorithm>
#include <cstring>
#include <fstream>
#include <string>

#include "assign.hpp"
#include "device.hpp"
#include "entry_points.hpp"
#include "instance.hpp"

namespace sokr::icd {
namespace {

// No registered vendor is ours; the number of Khronos is for those who have none.
constexpr std::uint32_t kVendor = 0x10000;
constexpr std::uint32_t kDriverVersion = VK_MAKE_API_VERSION(0, 0, 1, 1);

// What the kernel would give without swapping, as far as it can tell, of so much.
VkDeviceSize available_memory(VkDeviceSize most) {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (VkDeviceSize value = 0; file >> name >> value; std::getline(file, unit)) {
    if (name == "MemAvailable:") return std::min(most, value * 1024);
  }
  return most;
}

void fill(const PhysicalDevice& device, VkPhysicalDeviceProperties& out) {
  const DeviceFacts& facts = device.substrate->facts;
  out = {};
  out.apiVersion = VK_MAKE_API_VERSION(0, 1, 3, VK_HEADER_VERSION);
  out.driverVersion = kDriverVersion;
  out.vendorID = kVendor;
  out.deviceID = 1;
  out.deviceType = reported_type();
  assign(out.deviceName, facts.device_name.c_str());
  std::copy(facts.driver_uuid.begin(), facts.driver_uuid.end(), out.pipelineCacheUUID);
  fill_limits(out.limits, facts);
}

void fill(const PhysicalDevice& device, VkPhysicalDeviceMemoryProperties& out) {
  out = {};
  out.memoryHeapCount = kHeapCount;
  for (std::uint32_t heap = 0; heap < kHeapCount; ++heap) {
    out.memoryHeaps[heap].size = size_of(device.substrate->facts, heap);
  }
  out.memoryHeaps[kLocalHeap].flags = VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
  out.memoryTypeCount = static_cast<std::uint32_t>(kMemoryTypes.size());
  std::copy(kMemoryTypes.begin(), kMemoryTypes.end(), out.memoryTypes);
}

// What is still to be had is had by one heap or the other: each is told its part.
void fill(const DeviceFacts& facts, VkPhysicalDeviceMemoryBudgetPropertiesEXT& out) {
  std::fill_n(out.heapBudget, VK_MAX_MEMORY_HEAPS, VkDeviceSize{0});
  std::fill_n(out.heapUsage, VK_MAX_MEMORY_HEAPS, VkDeviceSize{0});
  const VkDeviceSize all = facts.local_heap_size + facts.other_heap_size;
  const double available = static_cast<double>(available_memory(all)) / static_cast<double>(all);
  for (std::uint32_t heap = 0; heap < kHeapCount; ++heap) {
    const VkDeviceSize size = size_of(facts, heap);
    out.heapUsage[heap] = memory_in_use(heap);
    const auto left = static_cast<VkDeviceSize>(static_cast<double>(size) * available);
    out.heapBudget[heap] = std::min(out.heapUsage[heap] + left, size);
  }
}

void fill(VkQueueFamilyProperties& out) {
  out = {};
  out.queueFlags = VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
  if (claims_graphics()) out.queueFlags |= VK_QUEUE_GRAPHICS_BIT;
  out.queueCount = 1;
  out.timestampValidBits = 64;
  out.minImageTransferGranularity = {1, 1, 1};
}

}  // namespace

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceFeatures(VkPhysicalDevice,
                                                       VkPhysicalDeviceFeatures* out) {
  fill_features(*out);
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceFeatures2(VkPhysicalDevice,
                                                        VkPhysicalDeviceFeatures2* out) {
  fill_features(out->features);
  for (auto* at = static_cast<VkBaseOutStructure*>(out->pNext); at; at = at->pNext)
    fill_features(at);
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceProperties(VkPhysicalDevice handle,
                                                         VkPhysicalDeviceProperties* out) {
  fill(*of(handle), *out);
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceProperties2(VkPhysicalDevice handle,
                                                          VkPhysicalDeviceProperties2* out) {
  fill(*of(handle), out->properties);
  for (auto* at = static_cast<VkBaseOutStructure*>(out->pNext); at; at = at->pNext) {
    fill_properties(at, of(handle)->substrate->facts);
  }
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceMemoryProperties(
    VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties* out) {
  fill(*of(handle), *out);
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceMemoryProperties2(
    VkPhysicalDevice handle, VkPhysicalDeviceMemoryProperties2* out) {
  fill(*of(handle), out->memoryProperties);
  if (auto* budget = find_out<VkPhysicalDeviceMemoryBudgetPropertiesEXT>(out->pNext)) {
    fill(of(handle)->substrate->facts, *budget);
  }
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceQueueFamilyProperties(VkPhysicalDevice,
                                                                    std::uint32_t* count,
                                                                    VkQueueFamilyProperties* out) {
  give_list(1, count, out, [](std::uint32_t, VkQueueFamilyProperties& to) { fill(to); });
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceQueueFamilyProperties2(
    VkPhysicalDevice, std::uint32_t* count, VkQueueFamilyProperties2* out) {
  give_list(1, count, out,
            [](std::uint32_t, VkQueueFamilyProperties2& to) { fill(to.queueFamilyProperties); });
}

// ---- What is not shared with anybody -----------------------------------------------------------

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceExternalBufferProperties(
    VkPhysicalDevice, const VkPhysicalDeviceExternalBufferInfo* info,
    VkExternalBufferProperties* out) {
  out->externalMemoryProperties = {};
  const bool host =
      info->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT ||
      info->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_MAPPED_FOREIGN_MEMORY_BIT_EXT;
  if (!host) return;
  out->externalMemoryProperties = {VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT, 0,
                                   static_cast<VkExternalMemoryHandleTypeFlags>(info->handleType)};
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceExternalFenceProperties(
    VkPhysicalDevice, const VkPhysicalDeviceExternalFenceInfo*, VkExternalFenceProperties* out) {
  out->exportFromImportedHandleTypes = 0;
  out->compatibleHandleTypes = 0;
  out->externalFenceFeatures = 0;
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceExternalSemaphoreProperties(
    VkPhysicalDevice, const VkPhysicalDeviceExternalSemaphoreInfo*,
    VkExternalSemaphoreProperties* out) {
  out->exportFromImportedHandleTypes = 0;
  out->compatibleHandleTypes = 0;
  out->externalSemaphoreFeatures = 0;
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceSparseImageFormatProperties(
    VkPhysicalDevice, VkFormat, VkImageType, VkSampleCountFlagBits, VkImageUsageFlags,
    VkImageTiling, std::uint32_t* count, VkSparseImageFormatProperties*) {
  *count = 0;
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceSparseImageFormatProperties2(
    VkPhysicalDevice, const VkPhysicalDeviceSparseImageFormatInfo2*, std::uint32_t* count,
    VkSparseImageFormatProperties2*) {
  *count = 0;
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetPhysicalDeviceToolProperties(VkPhysicalDevice,
                                                                 std::uint32_t* count,
                                                                 VkPhysicalDeviceToolProperties*) {
  *count = 0;
  return VK_SUCCESS;
}

}  // namespace sokr::icd
