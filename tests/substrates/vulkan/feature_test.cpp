// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Yes means yes: of a device that has every feature but one, a kernel that needs this one is
// refused with its name.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <spirv-tools/libspirv.hpp>

#include "known_faults.hpp"
#include "newer_kernels.hpp"
#include "pipeline.hpp"
#include "requirements.hpp"
#include "thread_seconds.hpp"

namespace sokr::vulkan::test {
namespace {

// ---- A device -----------------------------------------------------------------------------

template <class T>
void fill(T& structure) {
  constexpr std::size_t kHead = sizeof(VkBaseOutStructure);
  const VkBool32 yes = VK_TRUE;
  for (std::size_t at = kHead; at + sizeof yes <= sizeof structure; at += sizeof yes)
    std::memcpy(reinterpret_cast<std::byte*>(&structure) + at, &yes, sizeof yes);
}

CooperativeMatrixProperties product(std::array<std::uint32_t, 3> mnk, MatrixComponent factors,
                                    MatrixComponent sums) {
  return {{},
          nullptr,
          mnk[0],
          mnk[1],
          mnk[2],
          factors,
          factors,
          sums,
          sums,
          VK_FALSE,
          static_cast<std::uint32_t>(spv::Scope::Subgroup)};
}

PhysicalDevice device_without(std::vector<std::string> disabled) {
  PhysicalDevice device;
  FeatureSet& all = device.offer.features;
  fill(all.core), fill(all.storage16), fill(all.variable_pointers), fill(all.storage8);
  fill(all.atomic_int64), fill(all.float16_int8), fill(all.scalar_layout);
  fill(all.uniform_layout), fill(all.subgroup_types), fill(all.timeline), fill(all.address);
  fill(all.memory_model), fill(all.descriptor_indexing), fill(all.subgroup_size);
  fill(all.zero_workgroup), fill(all.sync2), fill(all.dot_product), fill(all.maintenance4);
  fill(all.atomic_float), fill(all.atomic_float2), fill(all.robustness2);
  fill(all.pipeline_robustness);
  fill(all.workgroup_layout), fill(all.clock), fill(all.rotate), fill(all.expect_assume);
  fill(all.uniform_control_flow), fill(all.reconvergence), fill(all.cooperative_matrix),
      fill(all.float_controls2);
  device.offer.api = VK_API_VERSION_1_3;
  device.offer.extensions = {"VK_EXT_shader_atomic_float",
                             "VK_EXT_shader_atomic_float2",
                             "VK_KHR_workgroup_memory_explicit_layout",
                             "VK_KHR_shader_clock",
                             "VK_KHR_shader_subgroup_rotate",
                             "VK_KHR_shader_expect_assume",
                             "VK_KHR_shader_subgroup_uniform_control_flow",
                             "VK_KHR_shader_maximal_reconvergence",
                             "VK_KHR_cooperative_matrix",
                             "VK_KHR_shader_float_controls2"};
  device.cooperative.stages = VK_SHADER_STAGE_COMPUTE_BIT;
  device.cooperative.products = {
      product({16, 16, 16}, MatrixComponent::kF16, MatrixComponent::kF32),
      product({16, 8, 8}, MatrixComponent::kF16, MatrixComponent::kF16),
      product({16, 16, 32}, MatrixComponent::kS8, MatrixComponent::kS32)};
  Options options;
  options.disabled = std::move(disabled);
  device.usable = usable_features(device.offer, options);
  std::memset(&device.properties.limits, 0x3f, sizeof device.properties.limits);
  std::strcpy(device.properties.deviceName, "made up");
  device.subgroup.subgroupSize = 32;
  device.subgroup.supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
  device.subgroup.supportedOperations = ~VkSubgroupFeatureFlags{0};
  device.maintenance3.maxPerSetDescriptors = 1u << 20;
  fill(device.float_controls);
  device.float_controls.denormBehaviorIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_ALL;
  device.float_controls.roundingModeIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_ALL;
  return device;
}

// ---- Kernels ------------------------------------------------------------------------------

struct Parts {
  std::string capabilities, modes, decorations, declarations, body;
  std::string addressing = "Logical GLSL450";
  std::vector<std::uint8_t> made;  // a whole module instead, where assemblers may be too old
};

std::string text_of(const Parts& parts) {
  return fmt::format(R"(
OpCapability Shader
{}
OpMemoryModel {}
OpEntryPoint GLCompute %main "main"
{}
{}
%void = OpTypeVoid
%function = OpTypeFunction %void
%bool = OpTypeBool
%uint = OpTypeInt 32 0
%float = OpTypeFloat 32
%v3float = OpTypeVector %float 3
%zero = OpConstant %uint 0
%one = OpConstant %uint 1
%two = OpConstant %uint 2
%three = OpConstant %uint 3
%four = OpConstant %uint 4
%unknown = OpUndef %uint
{}
%main = OpFunction %void None %function
%entry = OpLabel
{}
OpReturn
OpFunctionEnd)",
                     parts.capabilities, parts.addressing,
                     parts.modes.empty() ? "OpExecutionMode %main LocalSize 1 1 1" : parts.modes,
                     parts.decorations, parts.declarations, parts.body);
}

Result<void> judge_bytes(std::span<const std::uint8_t> bytes, const PhysicalDevice& device,
                         const std::string& text = "") {
  const auto module = spirv::decode(bytes);
  if (!module) {
    ADD_FAILURE() << module.failure().sentence << text;
    return module.failure();
  }
  return check_capability(**module, device);
}

std::vector<std::uint8_t> assembled(const Parts& parts) {
  spvtools::SpirvTools tools(SPV_ENV_UNIVERSAL_1_6);
  tools.SetMessageConsumer([](spv_message_level_t, const char*, const spv_position_t& at,
                              const char* what) { ADD_FAILURE() << at.line << ": " << what; });
  std::vector<std::uint32_t> words;
  const std::string text = text_of(parts);
  EXPECT_TRUE(tools.Assemble(text, &words)) << text;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words.data());
  return {bytes, bytes + words.size() * 4};
}

Result<void> judge(const Parts& parts, const PhysicalDevice& device) {
  if (!parts.made.empty()) return judge_bytes(parts.made, device);
  return judge_bytes(assembled(parts), device, text_of(parts));
}

Parts declares(const char* capability) {
  return {.capabilities = fmt::format("OpCapability {}", capability)};
}

// A block with one member of type %value in a storage class.
Parts atomic(const char* capability, const char* type, const char* storage, const char* body) {
  Parts parts;
  parts.capabilities = fmt::format("OpCapability {}", capability);
  if (std::string(type) == "OpTypeInt 64 0") parts.capabilities += "\nOpCapability Int64";
  if (std::string(type) == "OpTypeFloat 64") parts.capabilities += "\nOpCapability Float64";
  if (std::string(type) == "OpTypeFloat 16") parts.capabilities += "\nOpCapability Float16";
  const bool is_buffer = std::string(storage) == "StorageBuffer";
  if (is_buffer)
    parts.decorations =
        "OpDecorate %block Block\nOpMemberDecorate %block 0 Offset 0\n"
        "OpDecorate %memory DescriptorSet 0\nOpDecorate %memory Binding 0";
  // A type that the prelude has may not be declared again.
  const std::string value = std::string(type) == "OpTypeFloat 32" ? "%float" : "%value";
  parts.declarations = fmt::format(
      "{0}%block = OpTypeStruct {1}\n%to_block = OpTypePointer {2} %block\n"
      "%to_value = OpTypePointer {2} {1}\n%memory = OpVariable %to_block {2}\n"
      "%some = OpUndef {1}",
      value == "%value" ? fmt::format("%value = {}\n", type) : "", value, storage);
  parts.body = "%at = OpAccessChain %to_value %memory %zero\n" +
               fmt::format(fmt::runtime(body), fmt::arg("type", value));
  return parts;
}

constexpr const char* kAdd = "%r = OpAtomicFAddEXT {type} %at %one %zero %some";
constexpr const char* kMax = "%r = OpAtomicFMaxEXT {type} %at %one %zero %some";
constexpr const char* kExchange = "%r = OpAtomicExchange {type} %at %one %zero %some";
constexpr const char* kUMax = "%r = OpAtomicUMax {type} %at %one %zero %some";

// A buffer, or array of buffers, of members with offsets.
Parts layout(const char* storage, const char* members, std::vector<int> offsets,
             const char* capabilities = "") {
  Parts parts;
  parts.capabilities = capabilities;
  parts.decorations = "OpDecorate %block Block\n";
  for (std::size_t i = 0; i < offsets.size(); ++i)
    parts.decorations += fmt::format("OpMemberDecorate %block {} Offset {}\n", i, offsets[i]);
  if (std::string(storage) != "Workgroup")
    parts.decorations += "OpDecorate %memory DescriptorSet 0\nOpDecorate %memory Binding 0\n";
  parts.decorations += "OpDecorate %floats ArrayStride 4";
  parts.declarations = fmt::format(
      "%floats = OpTypeArray %float %four\n%block = OpTypeStruct {0}\n"
      "%to_block = OpTypePointer {1} %block\n%to_float = OpTypePointer {1} %float\n"
      "%memory = OpVariable %to_block {1}",
      members, storage);
  parts.body = "%at = OpAccessChain %to_float %memory %zero\n";
  return parts;
}

Parts clock(const char* scope) {
  return {.capabilities =
              "OpCapability ShaderClockKHR\nOpCapability Int64\n"
              "OpExtension \"SPV_KHR_shader_clock\"",
          .declarations = "%ulong = OpTypeInt 64 0",
          .body = fmt::format("%r = OpReadClockKHR %ulong {}", scope)};
}

Parts rotate(const char* cluster) {
  return {.capabilities =
              "OpCapability GroupNonUniform\nOpCapability GroupNonUniformRotateKHR\n"
              "OpExtension \"SPV_KHR_subgroup_rotate\"",
          .body = fmt::format("%r = OpGroupNonUniformRotateKHR %uint %three %unknown %one {}",
                              cluster)};
}

// Which kernel needs a feature; nobody = it is asked of the device, not by kernels.
std::map<std::string, std::optional<Parts>, std::less<>> kernels() {
  const std::optional<Parts> nobody;
  std::map<std::string, std::optional<Parts>, std::less<>> table = {
      {"robustBufferAccess", nobody},
      {"robustBufferAccess2", nobody},
      {"nullDescriptor", nobody},
      {"pipelineRobustness", nobody},
      {"timelineSemaphore", nobody},  // without it there is no substrate
      {"synchronization2", nobody},
      {"subgroupSizeControl", nobody},  // of launches that ask for a size
      {"computeFullSubgroups", nobody},
      {"vulkanMemoryModelAvailabilityVisibilityChains", nobody},
      {"shaderFloat64", declares("Float64")},
      {"shaderFloat16", declares("Float16")},
      {"shaderInt64", declares("Int64")},
      {"shaderInt16", declares("Int16")},
      {"shaderInt8", declares("Int8")},
      {"shaderUniformBufferArrayDynamicIndexing", declares("UniformBufferArrayDynamicIndexing")},
      {"shaderStorageBufferArrayDynamicIndexing", declares("StorageBufferArrayDynamicIndexing")},
      {"storageBuffer16BitAccess", declares("StorageBuffer16BitAccess")},
      {"uniformAndStorageBuffer16BitAccess", declares("UniformAndStorageBuffer16BitAccess")},
      {"storagePushConstant16", declares("StoragePushConstant16")},
      {"storageBuffer8BitAccess", declares("StorageBuffer8BitAccess")},
      {"uniformAndStorageBuffer8BitAccess", declares("UniformAndStorageBuffer8BitAccess")},
      {"storagePushConstant8", declares("StoragePushConstant8")},
      {"variablePointersStorageBuffer", declares("VariablePointersStorageBuffer")},
      {"variablePointers", declares("VariablePointers")},
      {"bufferDeviceAddress", declares("PhysicalStorageBufferAddresses")},
      {"vulkanMemoryModel", declares("VulkanMemoryModel")},
      {"vulkanMemoryModelDeviceScope", declares("VulkanMemoryModelDeviceScope")},
      {"shaderUniformBufferArrayNonUniformIndexing",
       declares("UniformBufferArrayNonUniformIndexing")},
      {"shaderStorageBufferArrayNonUniformIndexing",
       declares("StorageBufferArrayNonUniformIndexing")},
      {"runtimeDescriptorArray", declares("RuntimeDescriptorArray")},
      {"shaderIntegerDotProduct", declares("DotProduct")},
      {"workgroupMemoryExplicitLayout", declares("WorkgroupMemoryExplicitLayoutKHR")},
      {"workgroupMemoryExplicitLayout8BitAccess",
       declares("WorkgroupMemoryExplicitLayout8BitAccessKHR")},
      {"workgroupMemoryExplicitLayout16BitAccess",
       declares("WorkgroupMemoryExplicitLayout16BitAccessKHR")},
      {"workgroupMemoryExplicitLayoutScalarBlockLayout",
       layout("Workgroup", "%float %v3float", {0, 8},
              "OpCapability WorkgroupMemoryExplicitLayoutKHR")},
      {"scalarBlockLayout", layout("StorageBuffer", "%float %v3float", {0, 8})},
      {"uniformBufferStandardLayout", layout("Uniform", "%float %floats", {0, 16})},
      // Also where a constant decides the size in its place.
      {"maintenance4", Parts{.modes = "OpExecutionModeId %main LocalSizeId %one %one %one",
                             .decorations = "OpDecorate %size BuiltIn WorkgroupSize",
                             .declarations = "%v3uint = OpTypeVector %uint 3\n"
                                             "%size = OpConstantComposite %v3uint %one %one %one"}},
      {"shaderZeroInitializeWorkgroupMemory",
       Parts{.declarations = "%to = OpTypePointer Workgroup %uint\n%null = OpConstantNull %uint\n"
                             "%memory = OpVariable %to Workgroup %null",
             .body = "OpStore %memory %one"}},
      {"shaderSubgroupExtendedTypes",
       Parts{.capabilities = "OpCapability Int64\nOpCapability GroupNonUniformArithmetic",
             .declarations = "%ulong = OpTypeInt 64 0\n%some = OpUndef %ulong",
             .body = "%r = OpGroupNonUniformIAdd %ulong %three Reduce %some"}},
      {"shaderSubgroupClock", clock("%three")},
      {"shaderDeviceClock", clock("%one")},
      {"shaderSubgroupRotate", rotate("")},
      {"shaderSubgroupRotateClustered", rotate("%four")},
      {"shaderExpectAssume",
       Parts{.capabilities =
                 "OpCapability ExpectAssumeKHR\nOpExtension \"SPV_KHR_expect_assume\""}},
      {"shaderSubgroupUniformControlFlow",
       Parts{.capabilities = "OpExtension \"SPV_KHR_subgroup_uniform_control_flow\"",
             .modes = "OpExecutionMode %main LocalSize 1 1 1\n"
                      "OpExecutionMode %main SubgroupUniformControlFlowKHR"}},
      // By its number: assemblers older than it do not know the name.
      {"shaderMaximalReconvergence",
       Parts{.capabilities = "OpExtension \"SPV_KHR_maximal_reconvergence\"",
             .modes = "OpExecutionMode %main LocalSize 1 1 1\nOpExecutionMode %main !6023"}},
      {"cooperativeMatrix", Parts{.made = spirv::test::MatrixKernel().bytes()}},
      {"cooperativeMatrixRobustBufferAccess", Parts{.made = spirv::test::MatrixKernel().bytes()}},
      {"shaderFloatControls2", Parts{.made = spirv::test::FastMathKernel{.by_default = 0}.bytes()}},
      {"shaderBufferInt64Atomics",
       atomic("Int64Atomics", "OpTypeInt 64 0", "StorageBuffer", kUMax)},
      {"shaderSharedInt64Atomics", atomic("Int64Atomics", "OpTypeInt 64 0", "Workgroup", kUMax)},
  };
  for (const auto& [where, storage] :
       {std::pair{"Buffer", "StorageBuffer"}, std::pair{"Shared", "Workgroup"}})
    for (int width : {16, 32, 64}) {
      const std::string type = fmt::format("OpTypeFloat {}", width);
      const auto row = [&](const char* what, const char* capability, const char* body) {
        table.emplace(fmt::format("shader{}Float{}{}", where, width, what),
                      atomic(fmt::format(fmt::runtime(capability), width).c_str(), type.c_str(),
                             storage, body));
      };
      row("Atomics", "AtomicFloat{}AddEXT", kExchange);
      row("AtomicAdd", "AtomicFloat{}AddEXT", kAdd);
      row("AtomicMinMax", "AtomicFloat{}MinMaxEXT", kMax);
    }
  return table;
}

TEST(Features, EachIsAskedForByTheKernelThatNeedsIt) {
  const auto table = kernels();
  const PhysicalDevice whole = device_without({});
  for (const std::string_view name : feature_names()) {
    SCOPED_TRACE(std::string(name));
    const auto row = table.find(name);
    ASSERT_NE(row, table.end()) << "no kernel needs it";
    if (!row->second) continue;
    const auto accepted = judge(*row->second, whole);
    EXPECT_TRUE(accepted) << accepted.failure().sentence;
    std::vector<std::string> disabled{std::string(name)};
    // What would do as well.
    if (name == "uniformBufferStandardLayout") disabled.emplace_back("scalarBlockLayout");
    const auto refused = judge(*row->second, device_without(disabled));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
    EXPECT_NE(refused.failure().sentence.find(fmt::format("needs {}", name)), std::string::npos)
        << refused.failure().sentence;
    EXPECT_NE(refused.failure().sentence.find("made up does not have it"), std::string::npos);
  }
}

TEST(Features, ALayerThatIsOlderThanTheyAreIsNotHeard) {
  EXPECT_TRUE(is_beyond_layer(
      "[ VUID-VkDeviceCreateInfo-pNext-pNext ] pCreateInfo->pNext chain includes a structure with "
      "unknown VkStructureType (1000416000); Allowed structures are [...]"));
  EXPECT_TRUE(is_beyond_layer(
      "Device Extension VK_KHR_shader_subgroup_rotate is not supported by this layer.  Using it"));
  EXPECT_TRUE(is_beyond_layer(
      "vkCreateDevice(): pCreateInfo->ppEnabledExtensionNames[9] VK_KHR_shader_float_controls2 is "
      "not "
      "supported by this layer.  Using this extension may adversely affect validation results"));
  // One that is not ours, and one that is no structure of a device.
  EXPECT_FALSE(is_beyond_layer("chain includes a structure with unknown VkStructureType (7)"));
  EXPECT_FALSE(is_beyond_layer("Device Extension VK_KHR_made_up is not supported by this layer."));
  EXPECT_FALSE(is_beyond_layer("vkCmdDispatch(): 1000416000 groups are too many"));
}

TEST(Features, NoKernelIsRefusedForAnotherOne) {
  for (const auto& [name, kernel] : kernels()) {
    if (!kernel || !name.starts_with("shaderBuffer")) continue;
    std::string other = name;
    other.replace(0, std::strlen("shaderBuffer"), "shaderShared");
    EXPECT_TRUE(judge(*kernel, device_without({other}))) << name;
  }
}

TEST(Features, WhatACapabilityImpliesIsAskedForToo) {
  struct Case {
    const char *declared, *feature;
  };
  const Case cases[] = {{"DotProductInput4x8Bit", "shaderInt8"},
                        {"Int64Atomics", "shaderInt64"},
                        {"VariablePointers", "variablePointersStorageBuffer"},
                        {"UniformAndStorageBuffer8BitAccess", "storageBuffer8BitAccess"}};
  for (const Case& one : cases) {
    EXPECT_TRUE(judge(declares(one.declared), device_without({}))) << one.declared;
    const auto refused = judge(declares(one.declared), device_without({one.feature}));
    ASSERT_FALSE(refused) << one.declared;
    EXPECT_NE(refused.failure().sentence.find(fmt::format("needs {}", one.feature)),
              std::string::npos)
        << refused.failure().sentence;
  }
  PhysicalDevice device = device_without({});
  device.subgroup.supportedOperations &= ~VkSubgroupFeatureFlags{VK_SUBGROUP_FEATURE_BASIC_BIT};
  EXPECT_FALSE(judge(declares("GroupNonUniformRotateKHR"), device));
}

// Where sizes vary, whatever works on subgroups gets the size that the limits name.
TEST(Features, KernelsWithAnySubgroupOperationGetTheSizeOfTheLimits) {
  PhysicalDevice device = device_without({});
  device.subgroup_size.minSubgroupSize = 8;
  device.subgroup_size.maxSubgroupSize = 32;
  device.subgroup_size.maxComputeWorkgroupSubgroups = 64;
  device.subgroup_size.requiredSubgroupSizeStages = VK_SHADER_STAGE_COMPUTE_BIT;
  device.subgroup.subgroupSize = 16;
  const auto planned = [&](const Parts& parts) {
    const std::vector<std::uint8_t> bytes = assembled(parts);
    SokrLaunch launch{};
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
    std::vector<unsigned char> params(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params.data(), params.size());
    const auto view = substrate::LaunchView::parse(params.data(), params.size());
    const auto module = spirv::decode(bytes, {.any_values = true});
    EXPECT_TRUE(view && module);
    if (!view || !module) return std::uint32_t{0};
    const auto plan = plan_pipeline(bytes, **module, *view, *view, device);
    EXPECT_TRUE(plan) << plan.failure().sentence;
    return plan ? plan->subgroup_size : 0;
  };
  EXPECT_EQ(planned({}), 0u);
  EXPECT_EQ(planned(declares("GroupNonUniform")), 16u);
  EXPECT_EQ(planned(declares("GroupNonUniformRotateKHR")), 16u);
  device.offer.extensions.insert(device.offer.extensions.end(),
                                 {"VK_EXT_shader_subgroup_ballot", "VK_EXT_shader_subgroup_vote"});
  EXPECT_EQ(planned(declares("SubgroupBallotKHR")), 16u);
  EXPECT_EQ(planned(declares("SubgroupVoteKHR")), 16u);
}

// A module may say an older version than it needs, which is read all the same.
TEST(Features, TheVersionIsWhatTheModuleNeeds) {
  const Parts copies{.declarations =
                         "%a = OpTypeStruct %uint %float\n%b = OpTypeStruct %uint %float\n"
                         "%some = OpUndef %a",
                     .body = "%r = OpCopyLogical %b %some"};
  PhysicalDevice device = device_without({});
  for (const Parts& parts : {Parts(), copies}) {
    std::vector<std::uint8_t> bytes = assembled(parts);
    const std::uint32_t version = 0x00010300;
    std::memcpy(bytes.data() + 4, &version, sizeof version);
    const bool needs_more = !parts.body.empty();
    device.offer.api = VK_API_VERSION_1_3;
    EXPECT_TRUE(judge_bytes(bytes, device));
    device.offer.api = VK_API_VERSION_1_1;
    const auto judged = judge_bytes(bytes, device);
    EXPECT_EQ(!judged, needs_more);
    if (judged) continue;
    EXPECT_NE(judged.failure().sentence.find("uses what came with SPIR-V 1.4"), std::string::npos)
        << judged.failure().sentence;
  }
}

// ---- Layouts and sizes --------------------------------------------------------------------

TEST(Features, MembersMayBeDeclaredInAnyOrder) {
  const PhysicalDevice device = device_without({"scalarBlockLayout"});
  const auto judged = judge(layout("StorageBuffer", "%float %v3float", {12, 0}), device);
  EXPECT_TRUE(judged) << judged.failure().sentence;
  EXPECT_FALSE(judge(layout("StorageBuffer", "%float %v3float", {0, 8}), device));
  EXPECT_FALSE(judge(layout("StorageBuffer", "%float %v3float", {8, 0}), device));
}

// Seconds of this thread that it takes to judge many accesses, by an address, of a struct that has
// two members of the same type each, so deep.
double seconds_of_accesses(int depth) {
  Parts parts;
  parts.capabilities = "OpCapability PhysicalStorageBufferAddresses\nOpCapability Int64";
  parts.addressing = "PhysicalStorageBuffer64 GLSL450";
  parts.decorations =
      fmt::format("OpDecorate %s{} Block\nOpMemberDecorate %s0 0 Offset 0\n", depth);
  parts.declarations =
      "%ulong = OpTypeInt 64 0\n%some = OpUndef %ulong\n%s0 = OpTypeStruct %uint\n";
  std::string way = " %zero";
  for (int i = 1; i <= depth; ++i) {
    parts.declarations += fmt::format("%s{0} = OpTypeStruct %s{1} %s{1}\n", i, i - 1);
    parts.decorations += fmt::format(
        "OpMemberDecorate %s{0} 0 Offset 0\nOpMemberDecorate %s{0} 1 Offset {1}\n", i, 2u << i);
    way += " %zero";
  }
  parts.declarations += fmt::format(
      "%to_block = OpTypePointer PhysicalStorageBuffer %s{}\n"
      "%to_uint = OpTypePointer PhysicalStorageBuffer %uint",
      depth);
  parts.body = "%base = OpConvertUToPtr %to_block %some\n";
  for (int i = 0; i < 2000; ++i)
    parts.body += fmt::format("%at{} = OpAccessChain %to_uint %base{}\n", i, way);
  const auto module = spirv::decode(assembled(parts));
  EXPECT_TRUE(module) << module.failure().sentence;
  if (!module) return 0;
  const PhysicalDevice device = device_without({});
  const double before = thread_seconds();
  const auto judged = check_capability(**module, device);
  const double seconds = thread_seconds() - before;
  EXPECT_TRUE(judged) << judged.failure().sentence;
  return seconds;
}

// Each type is looked at once, however often it is named.
TEST(Features, LayoutsThatAreNamedOftenCostLittle) {
  const double flat = seconds_of_accesses(1);
  EXPECT_LT(seconds_of_accesses(12), 50 * flat);
}

// The size of a workgroup that a launch decides, by an expression or as a whole, is left to it.
TEST(CooperativeMatrices, RowsThatALaunchDecidesAreLeftToIt) {
  const PhysicalDevice device = device_without({});
  using spirv::test::MatrixKernel;
  for (const auto size : {MatrixKernel::Size::kExpression, MatrixKernel::Size::kChosen}) {
    const MatrixKernel kernel{.local_size = 24, .size = size};
    const auto module = spirv::decode(kernel.bytes(), {.any_values = true});
    ASSERT_TRUE(module) << module.failure().sentence;
    const auto judged = check_capability(**module, device);
    EXPECT_TRUE(judged) << judged.failure().sentence;
    const auto as_it_is = judge_bytes(kernel.bytes(), device);
    ASSERT_FALSE(as_it_is);
    EXPECT_NE(as_it_is.failure().sentence.find("multiple of the subgroup size"), std::string::npos)
        << as_it_is.failure().sentence;
  }
}

// ---- Float controls -----------------------------------------------------------------------

Parts modes(const std::vector<std::pair<const char*, int>>& given) {
  Parts parts{.modes = "OpExecutionMode %main LocalSize 1 1 1"};
  for (const auto& [mode, width] : given) {
    const std::string capability = fmt::format("OpCapability {}\n", mode);
    if (parts.capabilities.find(capability) == std::string::npos) parts.capabilities += capability;
    parts.modes += fmt::format("\nOpExecutionMode %main {} {}", mode, width);
  }
  return parts;
}

TEST(FloatControls, EachIsAskedOfTheDevice) {
  PhysicalDevice device = device_without({});
  auto& has = device.float_controls;
  const std::vector<std::tuple<const char*, int, VkBool32*>> rows = {
      {"DenormPreserve", 16, &has.shaderDenormPreserveFloat16},
      {"DenormPreserve", 32, &has.shaderDenormPreserveFloat32},
      {"DenormPreserve", 64, &has.shaderDenormPreserveFloat64},
      {"DenormFlushToZero", 16, &has.shaderDenormFlushToZeroFloat16},
      {"DenormFlushToZero", 32, &has.shaderDenormFlushToZeroFloat32},
      {"DenormFlushToZero", 64, &has.shaderDenormFlushToZeroFloat64},
      {"SignedZeroInfNanPreserve", 16, &has.shaderSignedZeroInfNanPreserveFloat16},
      {"SignedZeroInfNanPreserve", 32, &has.shaderSignedZeroInfNanPreserveFloat32},
      {"SignedZeroInfNanPreserve", 64, &has.shaderSignedZeroInfNanPreserveFloat64},
      {"RoundingModeRTE", 16, &has.shaderRoundingModeRTEFloat16},
      {"RoundingModeRTE", 32, &has.shaderRoundingModeRTEFloat32},
      {"RoundingModeRTE", 64, &has.shaderRoundingModeRTEFloat64},
      {"RoundingModeRTZ", 16, &has.shaderRoundingModeRTZFloat16},
      {"RoundingModeRTZ", 32, &has.shaderRoundingModeRTZFloat32},
      {"RoundingModeRTZ", 64, &has.shaderRoundingModeRTZFloat64},
  };
  for (const auto& [mode, width, property] : rows) {
    const Parts kernel = modes({{mode, width}});
    EXPECT_TRUE(judge(kernel, device)) << mode << width;
    *property = VK_FALSE;
    const auto refused = judge(kernel, device);
    *property = VK_TRUE;
    ASSERT_FALSE(refused) << mode << width;
    EXPECT_NE(refused.failure().sentence.find(fmt::format("shader{}Float{}", mode, width)),
              std::string::npos)
        << refused.failure().sentence;
  }
}

TEST(FloatControls, WidthsThatDependOnEachOtherAgree) {
  PhysicalDevice device = device_without({});
  const auto says = [&](const Parts& kernel) {
    const auto result = judge(kernel, device);
    return result ? std::string() : result.failure().sentence;
  };
  const Parts halves_apart = modes({{"DenormPreserve", 16}, {"DenormFlushToZero", 64}});
  const Parts singles_apart = modes({{"DenormFlushToZero", 32}, {"DenormPreserve", 64}});
  const Parts alike = modes({{"DenormFlushToZero", 16}, {"DenormFlushToZero", 64}});
  const Parts rounding = modes({{"RoundingModeRTZ", 16}, {"RoundingModeRTE", 64}});
  EXPECT_EQ(says(halves_apart), "");
  EXPECT_EQ(says(rounding), "");
  device.float_controls.denormBehaviorIndependence =
      VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_32_BIT_ONLY;
  EXPECT_NE(says(halves_apart).find("denormBehaviorIndependence"), std::string::npos);
  EXPECT_EQ(says(singles_apart), "");
  EXPECT_EQ(says(alike), "");
  EXPECT_EQ(says(rounding), "");
  device.float_controls.denormBehaviorIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
  EXPECT_NE(says(singles_apart).find("NONE"), std::string::npos);
  device.float_controls.roundingModeIndependence =
      VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_32_BIT_ONLY;
  EXPECT_NE(says(rounding).find("roundingModeIndependence"), std::string::npos);
}

TEST(FloatControls, SpecialValuesThatFastMathKeepsAreAskedOfTheDevice) {
  using spirv::test::FastMathKernel;
  namespace bits = spirv::fast_math;
  PhysicalDevice device = device_without({});
  device.float_controls.shaderSignedZeroInfNanPreserveFloat32 = VK_FALSE;
  // Those of one width are not asked of another, and independence is not of these.
  device.float_controls.denormBehaviorIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
  device.float_controls.roundingModeIndependence = VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE;
  const std::uint32_t none_kept = bits::kSpecialValues;
  const auto says = [&](const FastMathKernel& kernel) {
    const auto result = judge_bytes(kernel.bytes(), device);
    return result ? std::string() : result.failure().sentence;
  };
  EXPECT_EQ(says({}), "");
  EXPECT_EQ(says({.by_default = none_kept}), "");
  EXPECT_EQ(says({.decorated = none_kept | bits::kAllowContract}), "");
  for (const std::uint32_t kept :
       {0u, bits::kNotNaN | bits::kNotInf, none_kept & ~bits::kNotNaN, bits::kAllowRecip}) {
    for (const FastMathKernel& kernel :
         {FastMathKernel{.by_default = kept}, FastMathKernel{.decorated = kept}}) {
      EXPECT_NE(says(kernel).find("needs shaderSignedZeroInfNanPreserveFloat32"), std::string::npos)
          << kept << says(kernel);
    }
  }
  device.float_controls.shaderSignedZeroInfNanPreserveFloat32 = VK_TRUE;
  device.float_controls.shaderSignedZeroInfNanPreserveFloat16 = VK_FALSE;
  EXPECT_EQ(says({.by_default = 0, .decorated = 0}), "");
}

// ---- Cooperative matrices -----------------------------------------------------------------

using spirv::test::Component;
using spirv::test::MatrixKernel;

constexpr Component kF16{true, 16, false}, kF32{true, 32, false};
constexpr Component kS8{false, 8, true}, kU8{false, 8, false}, kS32{false, 32, true};
constexpr std::uint32_t kSigned = 0xF;

TEST(CooperativeMatrices, WhatTheDeviceListsIsAccepted) {
  const PhysicalDevice device = device_without({});
  for (const MatrixKernel& kernel :
       {MatrixKernel(), MatrixKernel{.right_is_column_major = true},
        MatrixKernel{.left = kF16, .right = kF16, .sum = kF16, .n = 8, .k = 8},
        MatrixKernel{.left = kS8, .right = kS8, .sum = kS32, .k = 32, .operands = kSigned},
        // Types of numbers have a sign that products overrule.
        MatrixKernel{.left = kU8, .right = kU8, .sum = kS32, .k = 32, .operands = kSigned},
        MatrixKernel{.is_elementwise = true}, MatrixKernel{.is_specialized = true},
        // What launches may still give.
        MatrixKernel{.m = 3, .n = 5, .k = 7, .is_specialized = true}}) {
    const auto judged = [&] {
      const auto module = spirv::decode(kernel.bytes(), {.any_values = true});
      EXPECT_TRUE(module) << module.failure().sentence;
      return module ? check_capability(**module, device) : Result<void>(module.failure());
    }();
    EXPECT_TRUE(judged) << judged.failure().sentence;
  }
}

TEST(CooperativeMatrices, WhatTheDeviceDoesNotListIsRefusedWithTheList) {
  const PhysicalDevice device = device_without({});
  struct Case {
    MatrixKernel kernel;
    const char* what;
  };
  const Case cases[] = {
      {{.m = 8, .n = 8, .k = 8}, "8x8x8 of f16 with f32 sums"},
      {{.n = 8, .k = 8}, "16x8x8 of f16 with f32 sums"},  // each is offered, not together
      {{.sum = kF16}, "16x16x16 of f16 with f16 sums"},
      {{.left = kS8, .right = kS8, .sum = kS32, .k = 32}, "16x16x32 of u8 with u32 sums"},
      {{.left = kS8, .right = kS8, .sum = kS32, .k = 32, .operands = kSigned | 0x10},
       "16x16x32 of s8 with s32 saturating sums"},
      {{.left = kF32, .right = kF32}, "16x16x16 of f32 with f32 sums"},
      {{.scope = 2}, "16x16x16 of f16 with f32 sums of a workgroup"},
      // No product of it: the matrices themselves.
      {{.m = 8, .is_elementwise = true}, "a matrix of 8x16 f16 as the first factor"},
      {{.sum = kF16, .n = 16, .is_elementwise = true}, "a matrix of 16x16 f16 as a sum"},
  };
  for (const Case& one : cases) {
    const auto judged = judge_bytes(one.kernel.bytes(), device);
    ASSERT_FALSE(judged) << one.what;
    EXPECT_EQ(judged.code(), SOKR_CAPABILITY_DENIED);
    EXPECT_EQ(judged.failure().sentence,
              fmt::format("cooperative matrices: {} is not offered by made up; it offers: "
                          "16x16x16 of f16 with f32 sums; 16x8x8 of f16 with f16 sums; 16x16x32 of "
                          "s8 with s32 sums",
                          one.what));
  }
}

TEST(CooperativeMatrices, SizesAreJudgedWithTheValuesOfALaunch) {
  const PhysicalDevice device = device_without({});
  const MatrixKernel kernel{.m = 3, .n = 5, .k = 7, .is_specialized = true};
  const auto says = [&](std::uint32_t m, std::uint32_t n, std::uint32_t k) {
    const std::array<SokrIrSpecValue, 3> values{{{0, 4, m}, {1, 4, n}, {2, 4, k}}};
    const auto module = spirv::decode(kernel.bytes(), {.specializations = values});
    if (!module) return module.failure().sentence;
    const auto judged = check_capability(**module, device);
    return judged ? std::string() : judged.failure().sentence;
  };
  EXPECT_EQ(says(16, 16, 16), "");
  EXPECT_NE(says(16, 16, 8).find("16x16x8 of f16 with f32 sums is not offered by made up"),
            std::string::npos)
      << says(16, 16, 8);
  EXPECT_NE(says(3, 5, 7).find("3x5x7 of f16 with f32 sums"), std::string::npos) << says(3, 5, 7);
  EXPECT_NE(says(0, 16, 16).find("number of rows is 0"), std::string::npos) << says(0, 16, 16);
}

TEST(CooperativeMatrices, StagesRowsAndRobustnessAreRegarded) {
  PhysicalDevice device = device_without({});
  const auto says = [&](const MatrixKernel& kernel) {
    const auto judged = judge_bytes(kernel.bytes(), device);
    return judged ? std::string() : judged.failure().sentence;
  };
  for (const std::uint32_t size : {1u, 24u, 48u})
    EXPECT_NE(says({.local_size = size}).find("multiple of the subgroup size"), std::string::npos)
        << size;
  EXPECT_EQ(says({.local_size = 64}), "");
  device.cooperative.stages = VK_SHADER_STAGE_FRAGMENT_BIT;
  EXPECT_NE(says({}).find("in compute shaders"), std::string::npos) << says({});
  device = device_without({"cooperativeMatrixRobustBufferAccess"});
  EXPECT_NE(says({}).find("vulkan.robust=off"), std::string::npos) << says({});
  Options not_robust;
  not_robust.robust = false;
  device.usable = usable_features(device.offer, not_robust);
  EXPECT_FALSE(device.usable.has("cooperativeMatrixRobustBufferAccess"));
  EXPECT_EQ(says({}), "");
  device.cooperative.products.clear();
  EXPECT_NE(says({}).find("nor is any other"), std::string::npos) << says({});
}

// ---- Drivers that crash -------------------------------------------------------------------

struct DriverCase {
  VkDriverId id;
  const char* info;
  bool crashes;
};

TEST(KnownFaults, AKernelThatWouldCrashItsDriverIsRefused) {
  const Parts copies{.declarations =
                         "%a = OpTypeStruct %uint %float\n%b = OpTypeStruct %uint %float\n"
                         "%some = OpUndef %a",
                     .body = "%r = OpCopyLogical %b %some"};
  const auto cases = std::to_array<DriverCase>({
      {VK_DRIVER_ID_MESA_RADV, "Mesa 22.3.6", true},
      {VK_DRIVER_ID_MESA_RADV, "Mesa 22.0.0-rc1 (git-0123456789)", true},
      {VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, "Mesa 22.3.6", true},
      {VK_DRIVER_ID_MESA_RADV, "Mesa 25.0.7", false},
      {VK_DRIVER_ID_MESA_RADV, "Mesa 220.3", false},
      {VK_DRIVER_ID_MESA_RADV, "", false},
      {VK_DRIVER_ID_MESA_RADV, "Mesa ", false},
      {VK_DRIVER_ID_MESA_LLVMPIPE, "Mesa 22.3.6 (LLVM 15.0.6)", false},
      {VK_DRIVER_ID_NVIDIA_PROPRIETARY, "535.183.01", false},
  });
  for (const DriverCase& one : cases) {
    PhysicalDevice device = device_without({});
    device.driver.driverID = one.id;
    std::strcpy(device.driver.driverInfo, one.info);
    EXPECT_EQ(known_faults(device).find("OpCopyLogical") == std::string::npos, !one.crashes)
        << one.info;
    const auto judged = judge(copies, device);
    EXPECT_EQ(!judged, one.crashes) << one.info;
    if (!judged) {
      EXPECT_NE(judged.failure().sentence.find("OpCopyLogical"), std::string::npos)
          << judged.failure().sentence;
    }
    EXPECT_TRUE(judge({}, device)) << one.info;
  }
}

TEST(KnownFaults, ScalingByAnExponentOfAnotherWidthIsRefusedWhereItCrashes) {
  PhysicalDevice device = device_without({});
  device.driver.driverID = VK_DRIVER_ID_MESA_LLVMPIPE;
  const auto says = [&](const char* info, const char* type, const char* capability) {
    std::strcpy(device.driver.driverInfo, info);
    const Parts scales{
        .capabilities = fmt::format("{}\n%glsl = OpExtInstImport \"GLSL.std.450\"", capability),
        .declarations = fmt::format("%glsl_type = {}\n%by = OpUndef %glsl_type\n"
                                    "%x = OpUndef %float",
                                    type),
        .body = "%r = OpExtInst %float %glsl Ldexp %x %by"};
    const auto judged = judge(scales, device);
    return judged ? std::string() : judged.failure().sentence;
  };
  const char* old = "Mesa 22.3.6 (LLVM 15.0.6)";
  for (const auto& [type, capability] : {std::pair{"OpTypeInt 16 1", "OpCapability Int16"},
                                         std::pair{"OpTypeInt 64 1", "OpCapability Int64"},
                                         std::pair{"OpTypeInt 8 0", "OpCapability Int8"}}) {
    EXPECT_NE(says(old, type, capability).find("convert the exponent to 32 bits"),
              std::string::npos)
        << says(old, type, capability);
    EXPECT_EQ(says("Mesa 25.0.7", type, capability), "");
  }
  EXPECT_EQ(says(old, "OpTypeInt 32 1", ""), "");
}

TEST(KnownFaults, CopiesThatTakeMinutesToCompileAreRefused) {
  PhysicalDevice device = device_without({});
  device.driver.driverID = VK_DRIVER_ID_MESA_LLVMPIPE;
  const auto says = [&](const char* info, std::uint32_t elements, const char* use) {
    std::strcpy(device.driver.driverInfo, info);
    const Parts loads{
        .declarations =
            fmt::format("%many = OpConstant %uint {}\n%array = OpTypeArray %uint %many\n"
                        "%own = OpTypePointer Function %array",
                        elements),
        .body = fmt::format("%place = OpVariable %own Function\n%other = OpVariable %own Function\n"
                            "%all = OpLoad %array %place\n{}",
                            use)};
    const auto judged = judge(loads, device);
    return judged ? std::string() : judged.failure().sentence;
  };
  const char* old = "Mesa 22.3.6 (LLVM 15.0.6)";
  const char* store = "OpStore %other %all";
  EXPECT_EQ(says(old, 2048, store), "");
  EXPECT_NE(says(old, 2049, store).find("element by element"), std::string::npos);
  EXPECT_NE(says(old, 2049, "OpCopyMemory %other %place").find("element by element"),
            std::string::npos);
  EXPECT_EQ(says(old, 2048, "OpCopyMemory %other %place"), "");
  EXPECT_EQ(says(old, 4096, "%one_of = OpCompositeExtract %uint %all 7"), "");
  EXPECT_EQ(says("Mesa 25.0.7", 4096, store), "");
}

}  // namespace
}  // namespace sokr::vulkan::test
