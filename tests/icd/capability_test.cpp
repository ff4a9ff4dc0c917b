// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the device says that kernels may use, and what it takes: a kernel with each capability that
// a reported feature stands for is made into a pipeline.
#include <cstdlib>
#include <string_view>

#include "gpu.hpp"

namespace sokr::test {
namespace {

// Of extensions that are younger than some headers, as the specification declares them.
struct LaterFeatures {
  VkStructureType type;
  void* next;
  VkBool32 first, second;
};

constexpr auto kRotateFeatures = static_cast<VkStructureType>(1000416000);
constexpr auto kReconvergenceFeatures = static_cast<VkStructureType>(1000434000);
constexpr auto kExpectAssumeFeatures = static_cast<VkStructureType>(1000544000);

struct Reported {
  VkPhysicalDeviceFeatures2 base{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2};
  VkPhysicalDeviceVulkan11Features v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  VkPhysicalDeviceVulkan12Features v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  VkPhysicalDeviceVulkan13Features v13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES};
  VkPhysicalDeviceShaderAtomicFloatFeaturesEXT atomics{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_FLOAT_FEATURES_EXT};
  VkPhysicalDeviceShaderAtomicFloat2FeaturesEXT atomics2{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_FLOAT_2_FEATURES_EXT};
  VkPhysicalDeviceShaderClockFeaturesKHR clock{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CLOCK_FEATURES_KHR};
  VkPhysicalDeviceWorkgroupMemoryExplicitLayoutFeaturesKHR layout{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_WORKGROUP_MEMORY_EXPLICIT_LAYOUT_FEATURES_KHR};
  LaterFeatures rotate{kRotateFeatures, nullptr, VK_FALSE, VK_FALSE};
  LaterFeatures reconvergence{kReconvergenceFeatures, nullptr, VK_FALSE, VK_FALSE};
  LaterFeatures expect{kExpectAssumeFeatures, nullptr, VK_FALSE, VK_FALSE};
  VkPhysicalDeviceSubgroupProperties subgroups{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES};

  explicit Reported(VkPhysicalDevice physical) {
    void* chain[] = {&v11,   &v12,    &v13,    &atomics,       &atomics2,
                     &clock, &layout, &rotate, &reconvergence, &expect};
    void** next = &base.pNext;
    for (void* one : chain) {
      *next = one;
      next = &static_cast<LaterFeatures*>(one)->next;
    }
    vkGetPhysicalDeviceFeatures2(physical, &base);
    VkPhysicalDeviceProperties2 properties{
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &subgroups, {}};
    vkGetPhysicalDeviceProperties2(physical, &properties);
  }
  bool does(VkSubgroupFeatureFlags operations) const {
    return (subgroups.supportedOperations & operations) == operations;
  }
};

struct CapabilityRow {
  const char* name;
  std::uint32_t number;
  bool is_reported;
  const char* extension = "";
};

std::vector<CapabilityRow> capability_rows(const Reported& r) {
  const VkPhysicalDeviceFeatures& f = r.base.features;
  const auto is = [](VkBool32 feature) { return feature != VK_FALSE; };
  return {
      {"Float64", 10, is(f.shaderFloat64)},
      {"Int64", 11, is(f.shaderInt64)},
      {"Int16", 22, is(f.shaderInt16)},
      {"UniformBufferArrayDynamicIndexing", 28, is(f.shaderUniformBufferArrayDynamicIndexing)},
      {"StorageBufferArrayDynamicIndexing", 30, is(f.shaderStorageBufferArrayDynamicIndexing)},
      {"StorageBuffer16BitAccess", 4433, is(r.v11.storageBuffer16BitAccess)},
      {"UniformAndStorageBuffer16BitAccess", 4434, is(r.v11.uniformAndStorageBuffer16BitAccess)},
      {"StoragePushConstant16", 4435, is(r.v11.storagePushConstant16)},
      {"VariablePointersStorageBuffer", 4441, is(r.v11.variablePointersStorageBuffer)},
      {"VariablePointers", 4442, is(r.v11.variablePointers)},
      {"Float16", 9, is(r.v12.shaderFloat16)},
      {"Int8", 39, is(r.v12.shaderInt8)},
      {"Int64Atomics", 12, is(r.v12.shaderBufferInt64Atomics)},
      {"StorageBuffer8BitAccess", 4448, is(r.v12.storageBuffer8BitAccess)},
      {"UniformAndStorageBuffer8BitAccess", 4449, is(r.v12.uniformAndStorageBuffer8BitAccess)},
      {"StoragePushConstant8", 4450, is(r.v12.storagePushConstant8)},
      {"ShaderNonUniform", 5301, is(r.v12.shaderStorageBufferArrayNonUniformIndexing)},
      {"RuntimeDescriptorArray", 5302, is(r.v12.runtimeDescriptorArray)},
      {"UniformBufferArrayNonUniformIndexing", 5306,
       is(r.v12.shaderUniformBufferArrayNonUniformIndexing)},
      {"StorageBufferArrayNonUniformIndexing", 5308,
       is(r.v12.shaderStorageBufferArrayNonUniformIndexing)},
      {"PhysicalStorageBufferAddresses", 5347, is(r.v12.bufferDeviceAddress)},
      {"VulkanMemoryModel", 5345, is(r.v12.vulkanMemoryModel)},
      {"VulkanMemoryModelDeviceScope", 5346, is(r.v12.vulkanMemoryModelDeviceScope)},
      {"DotProduct", 6019, is(r.v13.shaderIntegerDotProduct)},
      {"DotProductInput4x8Bit", 6017, is(r.v13.shaderIntegerDotProduct)},
      {"AtomicFloat32AddEXT", 6033, is(r.atomics.shaderBufferFloat32AtomicAdd),
       "SPV_EXT_shader_atomic_float_add"},
      {"AtomicFloat64AddEXT", 6034, is(r.atomics.shaderBufferFloat64AtomicAdd),
       "SPV_EXT_shader_atomic_float_add"},
      {"AtomicFloat32MinMaxEXT", 5612, is(r.atomics2.shaderBufferFloat32AtomicMinMax),
       "SPV_EXT_shader_atomic_float_min_max"},
      {"AtomicFloat64MinMaxEXT", 5613, is(r.atomics2.shaderBufferFloat64AtomicMinMax),
       "SPV_EXT_shader_atomic_float_min_max"},
      {"ShaderClockKHR", 5055,
       r.clock.shaderSubgroupClock != VK_FALSE || r.clock.shaderDeviceClock != VK_FALSE,
       "SPV_KHR_shader_clock"},
      {"WorkgroupMemoryExplicitLayoutKHR", 4428, is(r.layout.workgroupMemoryExplicitLayout),
       "SPV_KHR_workgroup_memory_explicit_layout"},
      {"WorkgroupMemoryExplicitLayout8BitAccessKHR", 4429,
       is(r.layout.workgroupMemoryExplicitLayout8BitAccess),
       "SPV_KHR_workgroup_memory_explicit_layout"},
      {"WorkgroupMemoryExplicitLayout16BitAccessKHR", 4430,
       is(r.layout.workgroupMemoryExplicitLayout16BitAccess),
       "SPV_KHR_workgroup_memory_explicit_layout"},
      {"GroupNonUniformRotateKHR", 6026, is(r.rotate.first), "SPV_KHR_subgroup_rotate"},
      {"ExpectAssumeKHR", 5629, is(r.expect.first), "SPV_KHR_expect_assume"},
      {"GroupNonUniform", 61, r.does(VK_SUBGROUP_FEATURE_BASIC_BIT)},
      {"GroupNonUniformVote", 62, r.does(VK_SUBGROUP_FEATURE_VOTE_BIT)},
      {"GroupNonUniformArithmetic", 63, r.does(VK_SUBGROUP_FEATURE_ARITHMETIC_BIT)},
      {"GroupNonUniformBallot", 64, r.does(VK_SUBGROUP_FEATURE_BALLOT_BIT)},
      {"GroupNonUniformShuffle", 65, r.does(VK_SUBGROUP_FEATURE_SHUFFLE_BIT)},
      {"GroupNonUniformShuffleRelative", 66, r.does(VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT)},
      {"GroupNonUniformClustered", 67, r.does(VK_SUBGROUP_FEATURE_CLUSTERED_BIT)},
      {"GroupNonUniformQuad", 68, r.does(VK_SUBGROUP_FEATURE_QUAD_BIT)},
  };
}

void add_instruction(std::vector<std::uint32_t>& words, std::uint32_t op,
                     const std::vector<std::uint32_t>& operands, std::string_view text = "") {
  std::vector<std::uint32_t> all = operands;
  if (!text.empty()) {
    const std::size_t at = all.size();
    all.resize(at + text.size() / 4 + 1);
    std::memcpy(all.data() + at, text.data(), text.size());
  }
  words.push_back((static_cast<std::uint32_t>(all.size()) + 1) << 16 | op);
  words.insert(words.end(), all.begin(), all.end());
}

// A kernel that does nothing.
std::vector<std::uint32_t> module_with(const CapabilityRow& row) {
  constexpr std::uint32_t kCapability = 17, kExtension = 10, kMemoryModel = 14, kEntryPoint = 15,
                          kExecutionMode = 16, kVoid = 19, kFunctionType = 33, kFunction = 54,
                          kFunctionEnd = 56, kLabel = 248, kReturn = 253;
  std::vector<std::uint32_t> words{0x07230203, 0x00010600, 0, 5, 0};
  const bool is_model = row.number == 5345 || row.number == 5346;
  add_instruction(words, kCapability, {1});
  add_instruction(words, kCapability, {row.number});
  if (row.number == 5346) add_instruction(words, kCapability, {5345});
  if (*row.extension) add_instruction(words, kExtension, {}, row.extension);
  add_instruction(words, kMemoryModel, {row.number == 5347 ? 5348u : 0u, is_model ? 3u : 1u});
  add_instruction(words, kEntryPoint, {5, 1}, "main");
  add_instruction(words, kExecutionMode, {1, 17, 1, 1, 1});
  add_instruction(words, kVoid, {2});
  add_instruction(words, kFunctionType, {3, 2});
  add_instruction(words, kFunction, {2, 1, 0, 3});
  add_instruction(words, kLabel, {4});
  add_instruction(words, kReturn, {});
  add_instruction(words, kFunctionEnd, {});
  return words;
}

TEST(Capabilities, ThatFeaturesStandForAreTaken) {
  if (std::getenv("SOKR_TEST_VALIDATED")) GTEST_SKIP() << "the layer is older than some of them";
  Gpu gpu;
  unsigned taken = 0;
  for (const CapabilityRow& row : capability_rows(Reported(gpu.physical))) {
    if (!row.is_reported) continue;
    const Kernel kernel(gpu, module_with(row), {});
    EXPECT_EQ(VK_SUCCESS, kernel.result) << row.name << ": " << gpu.messages;
    ++taken;
  }
  EXPECT_LE(38u, taken);
}

// What is offered does not depend on the headers that the driver was built with.
TEST(Capabilities, OfYoungExtensionsAreReported) {
  Gpu gpu;
  std::uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(gpu.physical, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> all(count);
  vkEnumerateDeviceExtensionProperties(gpu.physical, nullptr, &count, all.data());
  for (const std::string_view name :
       {"VK_KHR_shader_subgroup_rotate", "VK_KHR_shader_maximal_reconvergence",
        "VK_KHR_shader_expect_assume"}) {
    bool is_there = false;
    for (const VkExtensionProperties& one : all) is_there |= name == one.extensionName;
    EXPECT_TRUE(is_there) << name;
  }
  const Reported reported(gpu.physical);
  EXPECT_TRUE(reported.rotate.first && reported.rotate.second);
  EXPECT_TRUE(reported.reconvergence.first);
  EXPECT_TRUE(reported.expect.first);
  // Rotation, and rotation in clusters.
  EXPECT_TRUE(reported.does(0x200 | 0x400));
}

}  // namespace
}  // namespace sokr::test
