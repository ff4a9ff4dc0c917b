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

// What the kernel would give without swapping, as far as it can tell.
VkDeviceSize available_memory(VkDeviceSize heap) {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  for (VkDeviceSize value = 0; file >> name >> value; std::getline(file, unit)) {
    if (name == "MemAvailable:") return std::min(heap, value * 1024);
  }
  return heap;
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
  out.memoryHeapCount = 1;
  out.memoryHeaps[0] = {device.substrate->facts.heap_size, VK_MEMORY_HEAP_DEVICE_LOCAL_BIT};
  const VkMemoryPropertyFlags host = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                     VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                     VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
  out.memoryTypeCount = 2;
  out.memoryTypes[0] = {host | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0};
  out.memoryTypes[1] = {host, 0};
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
    std::fill_n(budget->heapBudget, VK_MAX_MEMORY_HEAPS, VkDeviceSize{0});
    std::fill_n(budget->heapUsage, VK_MAX_MEMORY_HEAPS, VkDeviceSize{0});
    budget->heapBudget[0] = available_memory(of(handle)->substrate->facts.heap_size);
    budget->heapUsage[0] = memory_in_use();
    budget->heapBudget[0] = std::min(budget->heapBudget[0] + budget->heapUsage[0],
                                     of(handle)->substrate->facts.heap_size);
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
