// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Everything optional that compute can use: features and device extensions, by the
// names of the Vulkan specification. A FeatureSet says what a device offers, or
// what was enabled on it: exactly what is offered among what is listed here.
#ifndef SOKR_VULKAN_FEATURES_HPP_
#define SOKR_VULKAN_FEATURES_HPP_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"
#include "vk.hpp"

namespace sokr::vulkan {

// Newer than the oldest headers that this is built with; the layouts are Vulkan's.
struct SubgroupRotateFeatures {
  VkStructureType sType;
  void* pNext;
  VkBool32 shaderSubgroupRotate, shaderSubgroupRotateClustered;
};
struct ExpectAssumeFeatures {
  VkStructureType sType;
  void* pNext;
  VkBool32 shaderExpectAssume;
};
struct MaximalReconvergenceFeatures {
  VkStructureType sType;
  void* pNext;
  VkBool32 shaderMaximalReconvergence;
};
struct CooperativeMatrixFeatures {
  VkStructureType sType;
  void* pNext;
  VkBool32 cooperativeMatrix, cooperativeMatrixRobustBufferAccess;
};
struct FloatControls2Features {
  VkStructureType sType;
  void* pNext;
  VkBool32 shaderFloatControls2;
};

// One Vulkan structure for each group of features. The chain (pNext) is not kept:
// link_features makes it anew.
struct FeatureSet {
  VkPhysicalDeviceFeatures2 core{};
  VkPhysicalDevice16BitStorageFeatures storage16{};
  VkPhysicalDeviceVariablePointersFeatures variable_pointers{};
  VkPhysicalDevice8BitStorageFeatures storage8{};
  VkPhysicalDeviceShaderAtomicInt64Features atomic_int64{};
  VkPhysicalDeviceShaderFloat16Int8Features float16_int8{};
  VkPhysicalDeviceScalarBlockLayoutFeatures scalar_layout{};
  VkPhysicalDeviceUniformBufferStandardLayoutFeatures uniform_layout{};
  VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures subgroup_types{};
  VkPhysicalDeviceTimelineSemaphoreFeatures timeline{};
  VkPhysicalDeviceBufferDeviceAddressFeatures address{};
  VkPhysicalDeviceVulkanMemoryModelFeatures memory_model{};
  VkPhysicalDeviceDescriptorIndexingFeatures descriptor_indexing{};
  VkPhysicalDeviceSubgroupSizeControlFeatures subgroup_size{};
  VkPhysicalDeviceZeroInitializeWorkgroupMemoryFeatures zero_workgroup{};
  VkPhysicalDeviceSynchronization2Features sync2{};
  VkPhysicalDeviceShaderIntegerDotProductFeatures dot_product{};
  VkPhysicalDeviceMaintenance4Features maintenance4{};
  VkPhysicalDeviceShaderAtomicFloatFeaturesEXT atomic_float{};
  VkPhysicalDeviceShaderAtomicFloat2FeaturesEXT atomic_float2{};
  VkPhysicalDeviceRobustness2FeaturesEXT robustness2{};
  VkPhysicalDevicePipelineRobustnessFeaturesEXT pipeline_robustness{};
  VkPhysicalDeviceWorkgroupMemoryExplicitLayoutFeaturesKHR workgroup_layout{};
  VkPhysicalDeviceShaderClockFeaturesKHR clock{};
  SubgroupRotateFeatures rotate{};
  ExpectAssumeFeatures expect_assume{};
  VkPhysicalDeviceShaderSubgroupUniformControlFlowFeaturesKHR uniform_control_flow{};
  MaximalReconvergenceFeatures reconvergence{};
  CooperativeMatrixFeatures cooperative_matrix{};
  FloatControls2Features float_controls2{};

  // By its name in the Vulkan specification: "shaderInt64". False if unknown.
  bool has(std::string_view feature) const;
};

// All that a FeatureSet knows by name.
std::vector<std::string_view> feature_names();

// A device as far as optional things matter.
struct Offer {
  std::uint32_t api = 0;                // what may be used: the lower of device's and ours
  std::vector<std::string> extensions;  // device extensions that may be used
  FeatureSet features;

  bool has_extension(std::string_view name) const;
  // Core since `core_since` (0 = never), or present as an extension.
  bool has(std::uint32_t core_since, std::string_view extension) const;
};

// Chains the structures of `set` that a device with this api and these extensions
// knows, with the right sType, and returns the head for pNext.
VkPhysicalDeviceFeatures2* link_features(FeatureSet& set, const Offer& offer);

// What of `offer` compute uses: the set to enable, and the extensions to enable with it.
FeatureSet usable_features(const Offer& offer, const Options& options);
std::vector<const char*> usable_extensions(const Offer& offer);

// Whether a validation layer says only that it is older than a structure or an extension of these:
// drivers are often newer than it.
bool is_beyond_layer(std::string_view message);

// The minimum without which a device cannot be a substrate; empty if it has it all,
// else the reason.
std::string missing_minimum(const Offer& offer);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_FEATURES_HPP_
