// SPDX-License-Identifier: MIT OR Apache-2.0
#include "features.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace sokr::vulkan {
namespace {

constexpr std::uint32_t kNever = 0;
constexpr std::uint32_t k11 = VK_API_VERSION_1_1;
constexpr std::uint32_t k12 = VK_API_VERSION_1_2;
constexpr std::uint32_t k13 = VK_API_VERSION_1_3;

// Offered by newer drivers under the second name, with the same structures and values.
constexpr const char* kRobustness2 = "VK_EXT_robustness2";
constexpr const char* kRobustness2Khr = "VK_KHR_robustness2";

struct Block {
  std::size_t offset;
  VkStructureType type;
  std::uint32_t core_since;
  const char* extension;
};

#define SOKR_BLOCK(member, type, since, extension)                                           \
  Block {                                                                                    \
    offsetof(FeatureSet, member), VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_##type, since, extension \
  }

constexpr auto kBlocks = std::to_array<Block>({
    SOKR_BLOCK(storage16, 16BIT_STORAGE_FEATURES, k11, ""),
    SOKR_BLOCK(variable_pointers, VARIABLE_POINTERS_FEATURES, k11, ""),
    SOKR_BLOCK(storage8, 8BIT_STORAGE_FEATURES, k12, "VK_KHR_8bit_storage"),
    SOKR_BLOCK(atomic_int64, SHADER_ATOMIC_INT64_FEATURES, k12, "VK_KHR_shader_atomic_int64"),
    SOKR_BLOCK(float16_int8, SHADER_FLOAT16_INT8_FEATURES, k12, "VK_KHR_shader_float16_int8"),
    SOKR_BLOCK(scalar_layout, SCALAR_BLOCK_LAYOUT_FEATURES, k12, "VK_EXT_scalar_block_layout"),
    SOKR_BLOCK(uniform_layout, UNIFORM_BUFFER_STANDARD_LAYOUT_FEATURES, k12,
               "VK_KHR_uniform_buffer_standard_layout"),
    SOKR_BLOCK(subgroup_types, SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES, k12,
               "VK_KHR_shader_subgroup_extended_types"),
    SOKR_BLOCK(timeline, TIMELINE_SEMAPHORE_FEATURES, k12, "VK_KHR_timeline_semaphore"),
    SOKR_BLOCK(address, BUFFER_DEVICE_ADDRESS_FEATURES, k12, "VK_KHR_buffer_device_address"),
    SOKR_BLOCK(memory_model, VULKAN_MEMORY_MODEL_FEATURES, k12, "VK_KHR_vulkan_memory_model"),
    SOKR_BLOCK(descriptor_indexing, DESCRIPTOR_INDEXING_FEATURES, k12,
               "VK_EXT_descriptor_indexing"),
    SOKR_BLOCK(subgroup_size, SUBGROUP_SIZE_CONTROL_FEATURES, k13, "VK_EXT_subgroup_size_control"),
    SOKR_BLOCK(zero_workgroup, ZERO_INITIALIZE_WORKGROUP_MEMORY_FEATURES, k13,
               "VK_KHR_zero_initialize_workgroup_memory"),
    SOKR_BLOCK(sync2, SYNCHRONIZATION_2_FEATURES, k13, "VK_KHR_synchronization2"),
    SOKR_BLOCK(dot_product, SHADER_INTEGER_DOT_PRODUCT_FEATURES, k13,
               "VK_KHR_shader_integer_dot_product"),
    SOKR_BLOCK(maintenance4, MAINTENANCE_4_FEATURES, k13, "VK_KHR_maintenance4"),
    SOKR_BLOCK(atomic_float, SHADER_ATOMIC_FLOAT_FEATURES_EXT, kNever,
               "VK_EXT_shader_atomic_float"),
    SOKR_BLOCK(atomic_float2, SHADER_ATOMIC_FLOAT_2_FEATURES_EXT, kNever,
               "VK_EXT_shader_atomic_float2"),
    SOKR_BLOCK(robustness2, ROBUSTNESS_2_FEATURES_EXT, kNever, kRobustness2),
    SOKR_BLOCK(pipeline_robustness, PIPELINE_ROBUSTNESS_FEATURES_EXT, kNever,
               "VK_EXT_pipeline_robustness"),
    SOKR_BLOCK(workgroup_layout, WORKGROUP_MEMORY_EXPLICIT_LAYOUT_FEATURES_KHR, kNever,
               "VK_KHR_workgroup_memory_explicit_layout"),
    SOKR_BLOCK(clock, SHADER_CLOCK_FEATURES_KHR, kNever, "VK_KHR_shader_clock"),
    SOKR_BLOCK(uniform_control_flow, SHADER_SUBGROUP_UNIFORM_CONTROL_FLOW_FEATURES_KHR, kNever,
               "VK_KHR_shader_subgroup_uniform_control_flow"),
    {offsetof(FeatureSet, rotate), static_cast<VkStructureType>(1000416000), kNever,
     "VK_KHR_shader_subgroup_rotate"},
    {offsetof(FeatureSet, expect_assume), static_cast<VkStructureType>(1000544000), kNever,
     "VK_KHR_shader_expect_assume"},
    {offsetof(FeatureSet, reconvergence), static_cast<VkStructureType>(1000434000), kNever,
     "VK_KHR_shader_maximal_reconvergence"},
    {offsetof(FeatureSet, cooperative_matrix), static_cast<VkStructureType>(1000506000), kNever,
     "VK_KHR_cooperative_matrix"},
    {offsetof(FeatureSet, float_controls2), static_cast<VkStructureType>(1000528000), kNever,
     "VK_KHR_shader_float_controls2"},
});
#undef SOKR_BLOCK

struct Feature {
  const char* name;
  std::size_t offset;
};

#define SOKR_CORE(name)                                                                 \
  Feature {                                                                             \
    #name, offsetof(FeatureSet, core) + offsetof(VkPhysicalDeviceFeatures2, features) + \
               offsetof(VkPhysicalDeviceFeatures, name)                                 \
  }
#define SOKR_FEATURE(member, name)                                                     \
  Feature {                                                                            \
    #name, offsetof(FeatureSet, member) + offsetof(decltype(FeatureSet::member), name) \
  }

constexpr auto kFeatures = std::to_array<Feature>({
    SOKR_CORE(robustBufferAccess),
    SOKR_CORE(shaderFloat64),
    SOKR_CORE(shaderInt64),
    SOKR_CORE(shaderInt16),
    SOKR_CORE(shaderUniformBufferArrayDynamicIndexing),
    SOKR_CORE(shaderStorageBufferArrayDynamicIndexing),
    SOKR_FEATURE(storage16, storageBuffer16BitAccess),
    SOKR_FEATURE(storage16, uniformAndStorageBuffer16BitAccess),
    SOKR_FEATURE(storage16, storagePushConstant16),
    SOKR_FEATURE(variable_pointers, variablePointersStorageBuffer),
    SOKR_FEATURE(variable_pointers, variablePointers),
    SOKR_FEATURE(storage8, storageBuffer8BitAccess),
    SOKR_FEATURE(storage8, uniformAndStorageBuffer8BitAccess),
    SOKR_FEATURE(storage8, storagePushConstant8),
    SOKR_FEATURE(atomic_int64, shaderBufferInt64Atomics),
    SOKR_FEATURE(atomic_int64, shaderSharedInt64Atomics),
    SOKR_FEATURE(float16_int8, shaderFloat16),
    SOKR_FEATURE(float16_int8, shaderInt8),
    SOKR_FEATURE(scalar_layout, scalarBlockLayout),
    SOKR_FEATURE(uniform_layout, uniformBufferStandardLayout),
    SOKR_FEATURE(subgroup_types, shaderSubgroupExtendedTypes),
    SOKR_FEATURE(timeline, timelineSemaphore),
    SOKR_FEATURE(address, bufferDeviceAddress),
    SOKR_FEATURE(memory_model, vulkanMemoryModel),
    SOKR_FEATURE(memory_model, vulkanMemoryModelDeviceScope),
    SOKR_FEATURE(memory_model, vulkanMemoryModelAvailabilityVisibilityChains),
    SOKR_FEATURE(descriptor_indexing, shaderUniformBufferArrayNonUniformIndexing),
    SOKR_FEATURE(descriptor_indexing, shaderStorageBufferArrayNonUniformIndexing),
    SOKR_FEATURE(descriptor_indexing, runtimeDescriptorArray),
    SOKR_FEATURE(subgroup_size, subgroupSizeControl),
    SOKR_FEATURE(subgroup_size, computeFullSubgroups),
    SOKR_FEATURE(zero_workgroup, shaderZeroInitializeWorkgroupMemory),
    SOKR_FEATURE(sync2, synchronization2),
    SOKR_FEATURE(dot_product, shaderIntegerDotProduct),
    SOKR_FEATURE(maintenance4, maintenance4),
    SOKR_FEATURE(atomic_float, shaderBufferFloat32Atomics),
    SOKR_FEATURE(atomic_float, shaderBufferFloat32AtomicAdd),
    SOKR_FEATURE(atomic_float, shaderBufferFloat64Atomics),
    SOKR_FEATURE(atomic_float, shaderBufferFloat64AtomicAdd),
    SOKR_FEATURE(atomic_float, shaderSharedFloat32Atomics),
    SOKR_FEATURE(atomic_float, shaderSharedFloat32AtomicAdd),
    SOKR_FEATURE(atomic_float, shaderSharedFloat64Atomics),
    SOKR_FEATURE(atomic_float, shaderSharedFloat64AtomicAdd),
    SOKR_FEATURE(atomic_float2, shaderBufferFloat16Atomics),
    SOKR_FEATURE(atomic_float2, shaderBufferFloat16AtomicAdd),
    SOKR_FEATURE(atomic_float2, shaderBufferFloat16AtomicMinMax),
    SOKR_FEATURE(atomic_float2, shaderBufferFloat32AtomicMinMax),
    SOKR_FEATURE(atomic_float2, shaderBufferFloat64AtomicMinMax),
    SOKR_FEATURE(atomic_float2, shaderSharedFloat16Atomics),
    SOKR_FEATURE(atomic_float2, shaderSharedFloat16AtomicAdd),
    SOKR_FEATURE(atomic_float2, shaderSharedFloat16AtomicMinMax),
    SOKR_FEATURE(atomic_float2, shaderSharedFloat32AtomicMinMax),
    SOKR_FEATURE(atomic_float2, shaderSharedFloat64AtomicMinMax),
    SOKR_FEATURE(robustness2, robustBufferAccess2),
    SOKR_FEATURE(robustness2, nullDescriptor),
    SOKR_FEATURE(pipeline_robustness, pipelineRobustness),
    SOKR_FEATURE(workgroup_layout, workgroupMemoryExplicitLayout),
    SOKR_FEATURE(workgroup_layout, workgroupMemoryExplicitLayoutScalarBlockLayout),
    SOKR_FEATURE(workgroup_layout, workgroupMemoryExplicitLayout8BitAccess),
    SOKR_FEATURE(workgroup_layout, workgroupMemoryExplicitLayout16BitAccess),
    SOKR_FEATURE(clock, shaderSubgroupClock),
    SOKR_FEATURE(clock, shaderDeviceClock),
    SOKR_FEATURE(rotate, shaderSubgroupRotate),
    SOKR_FEATURE(rotate, shaderSubgroupRotateClustered),
    SOKR_FEATURE(expect_assume, shaderExpectAssume),
    SOKR_FEATURE(uniform_control_flow, shaderSubgroupUniformControlFlow),
    SOKR_FEATURE(reconvergence, shaderMaximalReconvergence),
    SOKR_FEATURE(cooperative_matrix, cooperativeMatrix),
    SOKR_FEATURE(cooperative_matrix, cooperativeMatrixRobustBufferAccess),
    SOKR_FEATURE(float_controls2, shaderFloatControls2),
});
#undef SOKR_CORE
#undef SOKR_FEATURE

// Those of the option vulkan.robust.
constexpr auto kRobust = std::to_array<std::string_view>(
    {"robustBufferAccess", "robustBufferAccess2", "cooperativeMatrixRobustBufferAccess"});

// Extensions without a feature structure here; core from `core_since` on.
struct PlainExtension {
  const char* name;
  std::uint32_t core_since;
};

constexpr auto kPlainExtensions = std::to_array<PlainExtension>({
    {"VK_KHR_shader_float_controls", k12},
    {"VK_KHR_spirv_1_4", k12},
    {"VK_KHR_driver_properties", k12},
    {"VK_KHR_shader_non_semantic_info", k13},
    {"VK_KHR_shader_terminate_invocation", k13},
    {"VK_EXT_shader_subgroup_ballot", kNever},
    {"VK_EXT_shader_subgroup_vote", kNever},
    {"VK_GOOGLE_decorate_string", kNever},
    {"VK_GOOGLE_hlsl_functionality1", kNever},
    {"VK_GOOGLE_user_type", kNever},
    {"VK_EXT_external_memory_host", kNever},
    {"VK_EXT_calibrated_timestamps", kNever},
    {"VK_KHR_portability_subset", kNever},  // must be enabled where it is offered
});

std::byte* at(FeatureSet& set, std::size_t offset) {
  return reinterpret_cast<std::byte*>(&set) + offset;
}

VkBool32 read(const FeatureSet& set, std::size_t offset) {
  VkBool32 value;
  std::memcpy(&value, reinterpret_cast<const std::byte*>(&set) + offset, sizeof value);
  return value;
}

}  // namespace

std::vector<std::string_view> feature_names() {
  std::vector<std::string_view> names;
  for (const Feature& feature : kFeatures) names.emplace_back(feature.name);
  return names;
}

bool FeatureSet::has(std::string_view feature) const {
  auto entry = std::find_if(kFeatures.begin(), kFeatures.end(),
                            [&](const Feature& f) { return feature == f.name; });
  return entry != kFeatures.end() && read(*this, entry->offset) == VK_TRUE;
}

bool Offer::has_extension(std::string_view name) const {
  return std::find(extensions.begin(), extensions.end(), name) != extensions.end();
}

bool Offer::has(std::uint32_t core_since, std::string_view extension) const {
  return (core_since != kNever && api >= core_since) || has_extension(extension) ||
         (extension == kRobustness2 && has_extension(kRobustness2Khr));
}

VkPhysicalDeviceFeatures2* link_features(FeatureSet& set, const Offer& offer) {
  set.core.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  set.core.pNext = nullptr;
  for (const Block& block : kBlocks) {
    if (!offer.has(block.core_since, block.extension)) continue;
    auto* node = reinterpret_cast<VkBaseOutStructure*>(at(set, block.offset));
    node->sType = block.type;
    node->pNext = static_cast<VkBaseOutStructure*>(set.core.pNext);
    set.core.pNext = node;
  }
  return &set.core;
}

FeatureSet usable_features(const Offer& offer, const Options& options) {
  FeatureSet usable{};
  for (const Feature& feature : kFeatures) {
    const bool unwanted =
        options.is_disabled(feature.name) ||
        (!options.robust && std::ranges::find(kRobust, feature.name) != kRobust.end());
    const VkBool32 value = unwanted ? VK_FALSE : read(offer.features, feature.offset);
    std::memcpy(at(usable, feature.offset), &value, sizeof value);
  }
  if (!usable.core.features.robustBufferAccess) usable.robustness2.robustBufferAccess2 = VK_FALSE;
  return usable;
}

std::vector<const char*> usable_extensions(const Offer& offer) {
  std::vector<const char*> names;
  auto add = [&](const char* name, std::uint32_t core_since) {
    if (*name && offer.has_extension(name) && (core_since == kNever || offer.api < core_since)) {
      names.push_back(name);
    }
  };
  for (const Block& block : kBlocks) add(block.extension, block.core_since);
  if (!offer.has_extension(kRobustness2)) add(kRobustness2Khr, kNever);
  for (const PlainExtension& extension : kPlainExtensions)
    add(extension.name, extension.core_since);
  return names;
}

bool is_beyond_layer(std::string_view message) {
  return std::ranges::any_of(kBlocks, [&](const Block& block) {
    const auto type = static_cast<std::uint32_t>(block.type);
    return message.find(fmt::format("a structure with unknown VkStructureType ({})", type)) !=
               message.npos ||
           (*block.extension && message.find(fmt::format(" {} is not supported by this layer",
                                                         block.extension)) != message.npos);
  });
}

std::string missing_minimum(const Offer& offer) {
  if (offer.api < VK_API_VERSION_1_1) {
    return fmt::format("it has Vulkan {}, and 1.1 is the oldest that is supported",
                       version_string(offer.api));
  }
  if (!offer.has(k12, "VK_KHR_timeline_semaphore") || !offer.features.has("timelineSemaphore")) {
    return "it has no timeline semaphores (VK_KHR_timeline_semaphore)";
  }
  return {};
}

}  // namespace sokr::vulkan
