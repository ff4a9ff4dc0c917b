// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the simulated device says of itself.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <vector>

#include "layer.hpp"

namespace sokr::vulkan::sim {
namespace {

struct FeatureRow {
  std::string_view name;
  VkStructureType type;
  std::size_t offset;
};

#define SOKR_CORE(name)                                                                          \
  FeatureRow {                                                                                   \
    #name, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,                                         \
        offsetof(VkPhysicalDeviceFeatures2, features) + offsetof(VkPhysicalDeviceFeatures, name) \
  }
#define SOKR_ROW(type, structure, name)                                                          \
  FeatureRow {                                                                                   \
    #name, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##type, offsetof(VkPhysicalDevice##structure, name) \
  }
#define SOKR_BOTH(type, structure, version, number, name) \
  SOKR_ROW(type, structure, name), SOKR_ROW(version, number, name)
#define SOKR_IN11(type, structure, name) \
  SOKR_BOTH(type, structure, VULKAN_1_1_FEATURES, Vulkan11Features, name)
#define SOKR_IN12(type, structure, name) \
  SOKR_BOTH(type, structure, VULKAN_1_2_FEATURES, Vulkan12Features, name)
#define SOKR_IN13(type, structure, name) \
  SOKR_BOTH(type, structure, VULKAN_1_3_FEATURES, Vulkan13Features, name)

// Those that a profile hides, in every structure that has them.
constexpr auto kFeatures = std::to_array<FeatureRow>({
    SOKR_CORE(shaderFloat64),
    SOKR_CORE(shaderInt64),
    SOKR_CORE(shaderInt16),
    SOKR_IN11(16BIT_STORAGE_FEATURES, 16BitStorageFeatures, storageBuffer16BitAccess),
    SOKR_IN11(16BIT_STORAGE_FEATURES, 16BitStorageFeatures, uniformAndStorageBuffer16BitAccess),
    SOKR_IN11(VARIABLE_POINTERS_FEATURES, VariablePointersFeatures, variablePointersStorageBuffer),
    SOKR_IN11(VARIABLE_POINTERS_FEATURES, VariablePointersFeatures, variablePointers),
    SOKR_IN12(8BIT_STORAGE_FEATURES, 8BitStorageFeatures, storageBuffer8BitAccess),
    SOKR_IN12(8BIT_STORAGE_FEATURES, 8BitStorageFeatures, uniformAndStorageBuffer8BitAccess),
    SOKR_IN12(SHADER_ATOMIC_INT64_FEATURES, ShaderAtomicInt64Features, shaderBufferInt64Atomics),
    SOKR_IN12(SHADER_ATOMIC_INT64_FEATURES, ShaderAtomicInt64Features, shaderSharedInt64Atomics),
    SOKR_IN12(SHADER_FLOAT16_INT8_FEATURES, ShaderFloat16Int8Features, shaderFloat16),
    SOKR_IN12(SHADER_FLOAT16_INT8_FEATURES, ShaderFloat16Int8Features, shaderInt8),
    SOKR_IN12(SCALAR_BLOCK_LAYOUT_FEATURES, ScalarBlockLayoutFeatures, scalarBlockLayout),
    SOKR_IN12(UNIFORM_BUFFER_STANDARD_LAYOUT_FEATURES, UniformBufferStandardLayoutFeatures,
              uniformBufferStandardLayout),
    SOKR_IN12(SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES, ShaderSubgroupExtendedTypesFeatures,
              shaderSubgroupExtendedTypes),
    SOKR_IN12(BUFFER_DEVICE_ADDRESS_FEATURES, BufferDeviceAddressFeatures, bufferDeviceAddress),
    SOKR_IN13(SYNCHRONIZATION_2_FEATURES, Synchronization2Features, synchronization2),
    SOKR_IN13(MAINTENANCE_4_FEATURES, Maintenance4Features, maintenance4),
    SOKR_ROW(ROBUSTNESS_2_FEATURES_EXT, Robustness2FeaturesEXT, robustBufferAccess2),
    SOKR_ROW(ROBUSTNESS_2_FEATURES_EXT, Robustness2FeaturesEXT, nullDescriptor),
    SOKR_ROW(SHADER_ATOMIC_FLOAT_FEATURES_EXT, ShaderAtomicFloatFeaturesEXT,
             shaderSharedFloat32AtomicAdd),
});
#undef SOKR_CORE
#undef SOKR_ROW
#undef SOKR_BOTH
#undef SOKR_IN11
#undef SOKR_IN12
#undef SOKR_IN13

// Calls visit(feature, name) for each hidden feature in a chain of feature structures.
template <class Visit>
void for_each_hidden(const void* chain, Visit visit) {
  for (auto* node = static_cast<const VkBaseInStructure*>(chain); node; node = node->pNext) {
    for (const FeatureRow& row : kFeatures) {
      if (row.type != node->sType || !hides(profile(), row.name)) continue;
      auto* bytes = reinterpret_cast<std::byte*>(const_cast<VkBaseInStructure*>(node));
      visit(*reinterpret_cast<VkBool32*>(bytes + row.offset), row.name);
    }
  }
}

template <class T>
T* find_out(void* chain, VkStructureType type) {
  return const_cast<T*>(find_in_chain<T>(chain, type));
}

void narrow(std::uint32_t& limit, std::uint32_t most) {
  limit = std::min(limit, most);
}

// What the specification asks of every device.
void narrow_to_minimum(VkPhysicalDeviceLimits& limits) {
  narrow(limits.maxStorageBufferRange, 1u << 27);
  narrow(limits.maxUniformBufferRange, 16384);
  narrow(limits.maxPushConstantsSize, 128);
  narrow(limits.maxPerStageDescriptorUniformBuffers, 12);
  narrow(limits.maxPerStageDescriptorStorageBuffers, 4);
  narrow(limits.maxPerStageResources, 128);
  narrow(limits.maxDescriptorSetUniformBuffers, 72);
  narrow(limits.maxDescriptorSetStorageBuffers, 24);
  narrow(limits.maxComputeSharedMemorySize, 16384);
  narrow(limits.maxComputeWorkGroupInvocations, 128);
  narrow(limits.maxComputeWorkGroupSize[0], 128);
  narrow(limits.maxComputeWorkGroupSize[1], 128);
  narrow(limits.maxComputeWorkGroupSize[2], 64);
}

void simulate(VkPhysicalDeviceProperties& properties) {
  const Profile& row = profile();
  VkPhysicalDeviceLimits& limits = properties.limits;
  if (row.type != VK_PHYSICAL_DEVICE_TYPE_OTHER) properties.deviceType = row.type;
  const VkDeviceSize alignment = row.alignment;
  limits.minStorageBufferOffsetAlignment =
      std::max(limits.minStorageBufferOffsetAlignment, alignment);
  limits.minUniformBufferOffsetAlignment =
      std::max(limits.minUniformBufferOffsetAlignment, alignment);
  if (row.atom != 0) limits.nonCoherentAtomSize = row.atom;
  if (row.allocations != 0) narrow(limits.maxMemoryAllocationCount, row.allocations);
  if (row.sets != 0) narrow(limits.maxBoundDescriptorSets, row.sets);
  if (row.groups != 0) {
    for (std::uint32_t& most : limits.maxComputeWorkGroupCount) narrow(most, row.groups);
  }
  if (row.timestamp_bits == 0) limits.timestampComputeAndGraphics = VK_FALSE;
  if (row.minimum_limits) narrow_to_minimum(limits);
  char name[sizeof properties.deviceName];
  std::snprintf(name, sizeof name, "simulated %.*s on %.200s", static_cast<int>(row.name.size()),
                row.name.data(), properties.deviceName);
  std::memcpy(properties.deviceName, name, sizeof name);
}

void simulate_chain(void* chain) {
  const Profile& row = profile();
  if (auto* size = find_out<VkPhysicalDeviceMaintenance4Properties>(
          chain, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
      size && row.most_buffer != 0) {
    size->maxBufferSize = std::min(size->maxBufferSize, row.most_buffer);
  }
  if (row.most_subgroup != 0) {
    if (auto* size = find_out<VkPhysicalDeviceSubgroupSizeControlProperties>(
            chain, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES)) {
      size->maxSubgroupSize = std::max(size->maxSubgroupSize, row.most_subgroup);
      size->requiredSubgroupSizeStages |= VK_SHADER_STAGE_COMPUTE_BIT;
    }
    if (auto* all = find_out<VkPhysicalDeviceVulkan13Properties>(
            chain, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES)) {
      all->maxSubgroupSize = std::max(all->maxSubgroupSize, row.most_subgroup);
      all->requiredSubgroupSizeStages |= VK_SHADER_STAGE_COMPUTE_BIT;
    }
  }
  if (!row.minimum_limits) return;
  constexpr VkDeviceSize kMostAtOnce = 1u << 30;
  if (auto* size = find_out<VkPhysicalDeviceMaintenance3Properties>(
          chain, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES)) {
    size->maxMemoryAllocationSize = std::min(size->maxMemoryAllocationSize, kMostAtOnce);
    narrow(size->maxPerSetDescriptors, 1024);
  }
  if (auto* all = find_out<VkPhysicalDeviceVulkan11Properties>(
          chain, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES)) {
    all->maxMemoryAllocationSize = std::min(all->maxMemoryAllocationSize, kMostAtOnce);
    narrow(all->maxPerSetDescriptors, 1024);
  }
}

void simulate(VkPhysicalDeviceMemoryProperties& memory) {
  const MemoryLayout& layout = profile().memory;
  if (layout.types.empty()) return;
  memory = {};
  memory.memoryHeapCount = static_cast<std::uint32_t>(layout.heaps.size());
  std::ranges::copy(layout.heaps, memory.memoryHeaps);
  memory.memoryTypeCount = static_cast<std::uint32_t>(layout.types.size());
  std::ranges::copy(layout.types, memory.memoryTypes);
}

void simulate(VkQueueFamilyProperties& family) {
  if (profile().timestamp_bits >= 0) {
    narrow(family.timestampValidBits, static_cast<std::uint32_t>(profile().timestamp_bits));
  }
}

VKAPI_ATTR VkResult VKAPI_CALL enumerate_physical_devices(VkInstance handle, std::uint32_t* count,
                                                          VkPhysicalDevice* out) {
  maybe_die("vkEnumeratePhysicalDevices");
  const Instance& instance = instance_of(handle);
  std::uint32_t all = 0;
  VkResult result = instance.next.EnumeratePhysicalDevices(handle, &all, nullptr);
  if (result != VK_SUCCESS) return result;
  std::vector<VkPhysicalDevice> found(all);
  result = instance.next.EnumeratePhysicalDevices(handle, &all, found.data());
  if (result < VK_SUCCESS) return result;
  found.resize(all);
  // Hardware that is really here is not what is simulated.
  std::erase_if(found, [&](VkPhysicalDevice device) {
    VkPhysicalDeviceProperties properties;
    instance.next.GetPhysicalDeviceProperties(device, &properties);
    return (properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) == profile().only_compiles;
  });
  const auto total = static_cast<std::uint32_t>(found.size());
  if (!out) {
    *count = total;
    return VK_SUCCESS;
  }
  const bool fits = *count >= total;
  *count = std::min(*count, total);
  std::copy_n(found.begin(), *count, out);
  return fits ? VK_SUCCESS : VK_INCOMPLETE;
}

VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice device,
                                          VkPhysicalDeviceProperties* out) {
  instance_of(device).next.GetPhysicalDeviceProperties(device, out);
  simulate(*out);
}

VKAPI_ATTR void VKAPI_CALL get_properties2(VkPhysicalDevice device,
                                           VkPhysicalDeviceProperties2* out) {
  instance_of(device).next.GetPhysicalDeviceProperties2(device, out);
  simulate(out->properties);
  simulate_chain(out);
}

VKAPI_ATTR void VKAPI_CALL get_features2(VkPhysicalDevice device, VkPhysicalDeviceFeatures2* out) {
  instance_of(device).next.GetPhysicalDeviceFeatures2(device, out);
  for_each_hidden(out, [](VkBool32& feature, std::string_view) { feature = VK_FALSE; });
  if (auto* robustness = find_out<VkPhysicalDevicePipelineRobustnessFeaturesEXT>(
          out, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_ROBUSTNESS_FEATURES_EXT);
      robustness)
    robustness->pipelineRobustness = profile().unchecked ? VK_TRUE : VK_FALSE;
}

VKAPI_ATTR void VKAPI_CALL get_features(VkPhysicalDevice device, VkPhysicalDeviceFeatures* out) {
  VkPhysicalDeviceFeatures2 all{};
  all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  instance_of(device).next.GetPhysicalDeviceFeatures(device, &all.features);
  for_each_hidden(&all, [](VkBool32& feature, std::string_view) { feature = VK_FALSE; });
  *out = all.features;
}

VKAPI_ATTR void VKAPI_CALL get_memory(VkPhysicalDevice device,
                                      VkPhysicalDeviceMemoryProperties* out) {
  instance_of(device).next.GetPhysicalDeviceMemoryProperties(device, out);
  simulate(*out);
}

VKAPI_ATTR void VKAPI_CALL get_memory2(VkPhysicalDevice device,
                                       VkPhysicalDeviceMemoryProperties2* out) {
  instance_of(device).next.GetPhysicalDeviceMemoryProperties2(device, out);
  simulate(out->memoryProperties);
  auto* budget = find_out<VkPhysicalDeviceMemoryBudgetPropertiesEXT>(
      out, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
  if (!budget || !profile().budgets) return;
  for (std::uint32_t heap = 0; heap < VK_MAX_MEMORY_HEAPS; ++heap) {
    const bool exists = heap < out->memoryProperties.memoryHeapCount;
    budget->heapBudget[heap] = exists ? out->memoryProperties.memoryHeaps[heap].size : 0;
    budget->heapUsage[heap] = exists ? used_of_heap(heap) : 0;
  }
  if (const std::uint64_t given = state().budget.load(); given != 0) budget->heapBudget[0] = given;
}

VKAPI_ATTR void VKAPI_CALL get_external_buffer(VkPhysicalDevice device,
                                               const VkPhysicalDeviceExternalBufferInfo* info,
                                               VkExternalBufferProperties* out) {
  instance_of(device).next.GetPhysicalDeviceExternalBufferProperties(device, info, out);
  if (profile().no_import) out->externalMemoryProperties.externalMemoryFeatures = 0;
}

// Those of the driver, and behind them one that only copies where the profile has it.
template <class Row, class Ask, class Of>
void list_families(VkPhysicalDevice device, std::uint32_t* count, Row* out, Ask ask, Of of) {
  const std::uint32_t own = own_families(device);
  const std::uint32_t total = own + (profile().copies ? 1 : 0);
  if (!out) {
    *count = total;
    return;
  }
  std::uint32_t real = std::min(*count, own);
  ask(&real, out);
  for (std::uint32_t i = 0; i < real; ++i) simulate(of(out[i]));
  *count = std::min(*count, total);
  if (*count <= own) return;
  VkQueueFamilyProperties& copies = of(out[own]);
  copies = {};
  copies.queueFlags = VK_QUEUE_TRANSFER_BIT | VK_QUEUE_SPARSE_BINDING_BIT;
  copies.queueCount = 1;
}

VKAPI_ATTR void VKAPI_CALL get_families(VkPhysicalDevice device, std::uint32_t* count,
                                        VkQueueFamilyProperties* out) {
  const Instance& instance = instance_of(device);
  list_families(
      device, count, out,
      [&](std::uint32_t* all, VkQueueFamilyProperties* into) {
        instance.next.GetPhysicalDeviceQueueFamilyProperties(device, all, into);
      },
      [](VkQueueFamilyProperties& row) -> VkQueueFamilyProperties& { return row; });
}

VKAPI_ATTR void VKAPI_CALL get_families2(VkPhysicalDevice device, std::uint32_t* count,
                                         VkQueueFamilyProperties2* out) {
  const Instance& instance = instance_of(device);
  list_families(
      device, count, out,
      [&](std::uint32_t* all, VkQueueFamilyProperties2* into) {
        instance.next.GetPhysicalDeviceQueueFamilyProperties2(device, all, into);
      },
      [](VkQueueFamilyProperties2& row) -> VkQueueFamilyProperties& {
        return row.queueFamilyProperties;
      });
}

VKAPI_ATTR VkResult VKAPI_CALL enumerate_extensions(VkPhysicalDevice device, const char* layer,
                                                    std::uint32_t* count,
                                                    VkExtensionProperties* out) {
  const Instance& instance = instance_of(device);
  std::uint32_t all = 0;
  VkResult result = instance.next.EnumerateDeviceExtensionProperties(device, layer, &all, nullptr);
  if (result != VK_SUCCESS) return result;
  std::vector<VkExtensionProperties> found(all);
  result = instance.next.EnumerateDeviceExtensionProperties(device, layer, &all, found.data());
  if (result < VK_SUCCESS) return result;
  found.resize(all);
  std::erase_if(found, [](const VkExtensionProperties& extension) {
    // The manifest lists what only some profiles have.
    const std::string_view name = extension.extensionName;
    return hides(profile(), name) ||
           (!profile().unchecked && name == VK_EXT_PIPELINE_ROBUSTNESS_EXTENSION_NAME);
  });
  const auto add = [&](const VkExtensionProperties& added) {
    const auto is_it = [&](const VkExtensionProperties& extension) {
      return std::string_view(extension.extensionName) == added.extensionName;
    };
    if (std::ranges::none_of(found, is_it)) found.push_back(added);
  };
  if (profile().budgets)
    add({VK_EXT_MEMORY_BUDGET_EXTENSION_NAME, VK_EXT_MEMORY_BUDGET_SPEC_VERSION});
  if (profile().unchecked)
    add({VK_EXT_PIPELINE_ROBUSTNESS_EXTENSION_NAME, VK_EXT_PIPELINE_ROBUSTNESS_SPEC_VERSION});
  const auto total = static_cast<std::uint32_t>(found.size());
  if (!out) {
    *count = total;
    return VK_SUCCESS;
  }
  const bool fits = *count >= total;
  *count = std::min(*count, total);
  std::copy_n(found.begin(), *count, out);
  return fits ? VK_SUCCESS : VK_INCOMPLETE;
}

}  // namespace

std::uint32_t own_families(VkPhysicalDevice physical) {
  std::uint32_t count = 0;
  instance_of(physical).next.GetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
  return count;
}

void fill_simulated(Device& device, VkPhysicalDevice physical) {
  VkPhysicalDeviceProperties properties;
  get_properties(physical, &properties);
  device.limits = properties.limits;
  VkPhysicalDeviceMemoryProperties real;
  device.instance->next.GetPhysicalDeviceMemoryProperties(physical, &real);
  constexpr VkMemoryPropertyFlags kNeeded =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  while (device.real_type + 1 < real.memoryTypeCount &&
         (real.memoryTypes[device.real_type].propertyFlags & kNeeded) != kNeeded) {
    ++device.real_type;
  }
  get_memory(physical, &device.memory);
  VkPhysicalDeviceSubgroupProperties subgroup{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};
  VkPhysicalDeviceProperties2 head{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &subgroup};
  device.instance->next.GetPhysicalDeviceProperties2(physical, &head);
  device.subgroup_size = subgroup.subgroupSize;
}

VkResult check_enabled(const VkDeviceCreateInfo& info) {
  for (std::uint32_t i = 0; i < info.enabledExtensionCount; ++i) {
    if (!hides(profile(), info.ppEnabledExtensionNames[i])) continue;
    violation("%s is enabled, which the device does not have", info.ppEnabledExtensionNames[i]);
    return VK_ERROR_EXTENSION_NOT_PRESENT;
  }
  VkResult result = VK_SUCCESS;
  const auto look = [&](VkBool32& feature, std::string_view name) {
    if (!feature) return;
    violation("%.*s is enabled, which the device does not have", static_cast<int>(name.size()),
              name.data());
    result = VK_ERROR_FEATURE_NOT_PRESENT;
  };
  for_each_hidden(info.pNext, look);
  if (info.pEnabledFeatures) {
    VkPhysicalDeviceFeatures2 plain{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, nullptr,
                                    *info.pEnabledFeatures};
    for_each_hidden(&plain, look);
  }
  return result;
}

PFN_vkVoidFunction find_physical(std::string_view name) {
  static const auto functions = std::to_array<Function>({
      SOKR_SIM_FUNCTION("vkEnumeratePhysicalDevices", enumerate_physical_devices),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceProperties", get_properties),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceProperties2", get_properties2),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceFeatures", get_features),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceFeatures2", get_features2),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceMemoryProperties", get_memory),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceMemoryProperties2", get_memory2),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceExternalBufferProperties", get_external_buffer),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceQueueFamilyProperties", get_families),
      SOKR_SIM_FUNCTION("vkGetPhysicalDeviceQueueFamilyProperties2", get_families2),
      SOKR_SIM_FUNCTION("vkEnumerateDeviceExtensionProperties", enumerate_extensions),
  });
  return find_function(functions, name);
}

}  // namespace sokr::vulkan::sim
