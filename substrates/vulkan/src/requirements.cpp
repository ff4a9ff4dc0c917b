// SPDX-License-Identifier: MIT OR Apache-2.0
#include "requirements.hpp"

#include <algorithm>
#include <array>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/instructions.hpp>
#include <sokr/spirv/newer.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <utility>

#include "known_faults.hpp"
#include "usage.hpp"

namespace sokr::vulkan {
namespace {

using spv::Capability;

// A capability and the features of which any one is enough; none listed = always there.
struct CapabilityRule {
  Capability capability;
  std::array<const char*, 2> features{};
};

constexpr auto kCapabilities = std::to_array<CapabilityRule>({
    {Capability::Matrix},
    {Capability::Shader},
    {Capability::DeviceGroup},
    {Capability::Sampled1D},
    {Capability::Image1D},
    {Capability::SampledBuffer},
    {Capability::ImageBuffer},
    {Capability::ImageQuery},
    {Capability::Float16, {"shaderFloat16"}},
    {Capability::Float64, {"shaderFloat64"}},
    {Capability::Int8, {"shaderInt8"}},
    {Capability::Int16, {"shaderInt16"}},
    {Capability::Int64, {"shaderInt64"}},
    {Capability::Int64Atomics, {"shaderBufferInt64Atomics", "shaderSharedInt64Atomics"}},
    {Capability::UniformBufferArrayDynamicIndexing, {"shaderUniformBufferArrayDynamicIndexing"}},
    {Capability::StorageBufferArrayDynamicIndexing, {"shaderStorageBufferArrayDynamicIndexing"}},
    {Capability::StorageBuffer16BitAccess, {"storageBuffer16BitAccess"}},
    {Capability::UniformAndStorageBuffer16BitAccess, {"uniformAndStorageBuffer16BitAccess"}},
    {Capability::StoragePushConstant16, {"storagePushConstant16"}},
    {Capability::StorageBuffer8BitAccess, {"storageBuffer8BitAccess"}},
    {Capability::UniformAndStorageBuffer8BitAccess, {"uniformAndStorageBuffer8BitAccess"}},
    {Capability::StoragePushConstant8, {"storagePushConstant8"}},
    {Capability::VariablePointersStorageBuffer, {"variablePointersStorageBuffer"}},
    {Capability::VariablePointers, {"variablePointers"}},
    {Capability::RuntimeDescriptorArray, {"runtimeDescriptorArray"}},
    {Capability::ShaderNonUniform,
     {"shaderStorageBufferArrayNonUniformIndexing", "shaderUniformBufferArrayNonUniformIndexing"}},
    {Capability::UniformBufferArrayNonUniformIndexing,
     {"shaderUniformBufferArrayNonUniformIndexing"}},
    {Capability::StorageBufferArrayNonUniformIndexing,
     {"shaderStorageBufferArrayNonUniformIndexing"}},
    {Capability::VulkanMemoryModel, {"vulkanMemoryModel"}},
    {Capability::VulkanMemoryModelDeviceScope, {"vulkanMemoryModelDeviceScope"}},
    {Capability::PhysicalStorageBufferAddresses, {"bufferDeviceAddress"}},
    {Capability::AtomicFloat16AddEXT,
     {"shaderBufferFloat16AtomicAdd", "shaderSharedFloat16AtomicAdd"}},
    {Capability::AtomicFloat32AddEXT,
     {"shaderBufferFloat32AtomicAdd", "shaderSharedFloat32AtomicAdd"}},
    {Capability::AtomicFloat64AddEXT,
     {"shaderBufferFloat64AtomicAdd", "shaderSharedFloat64AtomicAdd"}},
    {Capability::AtomicFloat16MinMaxEXT,
     {"shaderBufferFloat16AtomicMinMax", "shaderSharedFloat16AtomicMinMax"}},
    {Capability::AtomicFloat32MinMaxEXT,
     {"shaderBufferFloat32AtomicMinMax", "shaderSharedFloat32AtomicMinMax"}},
    {Capability::AtomicFloat64MinMaxEXT,
     {"shaderBufferFloat64AtomicMinMax", "shaderSharedFloat64AtomicMinMax"}},
    {Capability::DotProduct, {"shaderIntegerDotProduct"}},
    {Capability::DotProductInputAll, {"shaderIntegerDotProduct"}},
    {Capability::DotProductInput4x8Bit, {"shaderIntegerDotProduct"}},
    {Capability::DotProductInput4x8BitPacked, {"shaderIntegerDotProduct"}},
    {Capability::WorkgroupMemoryExplicitLayoutKHR, {"workgroupMemoryExplicitLayout"}},
    {Capability::WorkgroupMemoryExplicitLayout8BitAccessKHR,
     {"workgroupMemoryExplicitLayout8BitAccess"}},
    {Capability::WorkgroupMemoryExplicitLayout16BitAccessKHR,
     {"workgroupMemoryExplicitLayout16BitAccess"}},
    {Capability::ShaderClockKHR, {"shaderSubgroupClock", "shaderDeviceClock"}},
    {Capability::GroupNonUniformRotateKHR, {"shaderSubgroupRotate"}},
    {Capability::ExpectAssumeKHR, {"shaderExpectAssume"}},
    {spirv::kCooperativeMatrixCapability, {"cooperativeMatrix"}},
    {spirv::kFloatControls2Capability, {"shaderFloatControls2"}},
});

// Subgroup operations that compute shaders may use.
struct SubgroupRule {
  Capability capability;
  VkSubgroupFeatureFlagBits operation;
  const char* name;
};

constexpr auto kSubgroups = std::to_array<SubgroupRule>({
    {Capability::GroupNonUniform, VK_SUBGROUP_FEATURE_BASIC_BIT, "basic"},
    {Capability::GroupNonUniformVote, VK_SUBGROUP_FEATURE_VOTE_BIT, "vote"},
    {Capability::GroupNonUniformArithmetic, VK_SUBGROUP_FEATURE_ARITHMETIC_BIT, "arithmetic"},
    {Capability::GroupNonUniformBallot, VK_SUBGROUP_FEATURE_BALLOT_BIT, "ballot"},
    {Capability::GroupNonUniformShuffle, VK_SUBGROUP_FEATURE_SHUFFLE_BIT, "shuffle"},
    {Capability::GroupNonUniformShuffleRelative, VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT,
     "shuffle relative"},
    {Capability::GroupNonUniformClustered, VK_SUBGROUP_FEATURE_CLUSTERED_BIT, "clustered"},
    {Capability::GroupNonUniformQuad, VK_SUBGROUP_FEATURE_QUAD_BIT, "quad"},
});

// A name and the Vulkan version or device extension that brings it; an empty
// extension = the version only.
struct ExtensionRule {
  const char* name;
  std::uint32_t core_since;
  const char* extension;
};

constexpr std::uint32_t k11 = VK_API_VERSION_1_1;
constexpr std::uint32_t k12 = VK_API_VERSION_1_2;
constexpr std::uint32_t k13 = VK_API_VERSION_1_3;

constexpr auto kCapabilityExtensions = std::to_array<ExtensionRule>({
    {"DenormPreserve", k12, "VK_KHR_shader_float_controls"},
    {"DenormFlushToZero", k12, "VK_KHR_shader_float_controls"},
    {"SignedZeroInfNanPreserve", k12, "VK_KHR_shader_float_controls"},
    {"RoundingModeRTE", k12, "VK_KHR_shader_float_controls"},
    {"RoundingModeRTZ", k12, "VK_KHR_shader_float_controls"},
    {"SubgroupBallotKHR", 0, "VK_EXT_shader_subgroup_ballot"},
    {"SubgroupVoteKHR", 0, "VK_EXT_shader_subgroup_vote"},
});

constexpr auto kExtensions = std::to_array<ExtensionRule>({
    {"SPV_KHR_storage_buffer_storage_class", k11, ""},
    {"SPV_KHR_variable_pointers", k11, ""},
    {"SPV_KHR_16bit_storage", k11, ""},
    {"SPV_KHR_device_group", k11, ""},
    {"SPV_KHR_no_integer_wrap_decoration", k11, ""},
    {"SPV_KHR_8bit_storage", k12, "VK_KHR_8bit_storage"},
    {"SPV_KHR_float_controls", k12, "VK_KHR_shader_float_controls"},
    {"SPV_KHR_vulkan_memory_model", k12, "VK_KHR_vulkan_memory_model"},
    {"SPV_KHR_physical_storage_buffer", k12, "VK_KHR_buffer_device_address"},
    {"SPV_EXT_physical_storage_buffer", k12, "VK_KHR_buffer_device_address"},
    {"SPV_EXT_descriptor_indexing", k12, "VK_EXT_descriptor_indexing"},
    {"SPV_KHR_integer_dot_product", k13, "VK_KHR_shader_integer_dot_product"},
    {"SPV_KHR_terminate_invocation", k13, "VK_KHR_shader_terminate_invocation"},
    {"SPV_KHR_non_semantic_info", k13, "VK_KHR_shader_non_semantic_info"},
    {"SPV_EXT_shader_atomic_float_add", 0, "VK_EXT_shader_atomic_float"},
    {"SPV_EXT_shader_atomic_float16_add", 0, "VK_EXT_shader_atomic_float2"},
    {"SPV_EXT_shader_atomic_float_min_max", 0, "VK_EXT_shader_atomic_float2"},
    {"SPV_KHR_workgroup_memory_explicit_layout", 0, "VK_KHR_workgroup_memory_explicit_layout"},
    {"SPV_KHR_shader_clock", 0, "VK_KHR_shader_clock"},
    {"SPV_KHR_subgroup_rotate", 0, "VK_KHR_shader_subgroup_rotate"},
    {"SPV_KHR_expect_assume", 0, "VK_KHR_shader_expect_assume"},
    {"SPV_KHR_subgroup_uniform_control_flow", 0, "VK_KHR_shader_subgroup_uniform_control_flow"},
    {"SPV_KHR_maximal_reconvergence", 0, "VK_KHR_shader_maximal_reconvergence"},
    {"SPV_KHR_cooperative_matrix", 0, "VK_KHR_cooperative_matrix"},
    {"SPV_KHR_float_controls2", 0, "VK_KHR_shader_float_controls2"},
    {"SPV_KHR_shader_ballot", 0, "VK_EXT_shader_subgroup_ballot"},
    {"SPV_KHR_subgroup_vote", 0, "VK_EXT_shader_subgroup_vote"},
    {"SPV_GOOGLE_decorate_string", 0, "VK_GOOGLE_decorate_string"},
    {"SPV_GOOGLE_hlsl_functionality1", 0, "VK_GOOGLE_hlsl_functionality1"},
    {"SPV_GOOGLE_user_type", 0, "VK_GOOGLE_user_type"},
});

Failure needs(std::string_view what, const PhysicalDevice& device) {
  return fail(SOKR_CAPABILITY_DENIED, "needs {}; {} does not have it", what, device.name());
}

template <std::size_t N>
const ExtensionRule* find_rule(const std::array<ExtensionRule, N>& rules, std::string_view name) {
  auto rule = std::find_if(rules.begin(), rules.end(),
                           [&](const ExtensionRule& r) { return name == r.name; });
  return rule == rules.end() ? nullptr : &*rule;
}

Result<void> check_rule(const ExtensionRule& rule, const PhysicalDevice& device) {
  if (device.offer.has(rule.core_since, rule.extension)) return {};
  if (*rule.extension) return needs(rule.extension, device);
  return needs(fmt::format("Vulkan {} for {}", version_string(rule.core_since), rule.name), device);
}

Result<void> check_one_capability(Capability capability, const PhysicalDevice& device) {
  for (const CapabilityRule& rule : kCapabilities) {
    if (rule.capability != capability) continue;
    if (!rule.features[0]) return {};
    for (const char* feature : rule.features) {
      if (feature && device.usable.has(feature)) return {};
    }
    return needs(rule.features[1] ? fmt::format("{} or {}", rule.features[0], rule.features[1])
                                  : std::string(rule.features[0]),
                 device);
  }
  for (const SubgroupRule& rule : kSubgroups) {
    if (rule.capability != capability) continue;
    const bool in_compute = device.subgroup.supportedStages & VK_SHADER_STAGE_COMPUTE_BIT;
    if (in_compute && (device.subgroup.supportedOperations & rule.operation)) return {};
    return needs(fmt::format("{} subgroup operations in compute shaders", rule.name), device);
  }
  const std::string name = spirv::capability_name(capability);
  if (const ExtensionRule* rule = find_rule(kCapabilityExtensions, name)) {
    return check_rule(*rule, device);
  }
  return fail(SOKR_CAPABILITY_DENIED,
              "needs the SPIR-V capability {}, which the Vulkan substrate does not offer", name);
}

// One line of the float controls: bits of widths in a module, and the property of each.
Result<void> check_float_mode(std::uint8_t widths, std::string_view mode, VkBool32 has16,
                              VkBool32 has32, VkBool32 has64, const PhysicalDevice& device) {
  const std::array<VkBool32, 3> has{has16, has32, has64};
  for (std::uint32_t i = 0; i < 3; ++i) {
    if ((widths >> i & 1) && !has[i]) {
      return needs(fmt::format("shader{}Float{}", mode, 16u << i), device);
    }
  }
  return {};
}

// Two modes that exclude each other, by width: may they differ from one width to another?
Result<void> check_independence(std::array<std::uint8_t, 2> modes,
                                VkShaderFloatControlsIndependence has, const char* property,
                                const PhysicalDevice& device) {
  if (has == VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_ALL) return {};
  const auto differ = [&](std::uint8_t a, std::uint8_t b) {
    return ((modes[0] & a) && (modes[1] & b)) || ((modes[1] & a) && (modes[0] & b));
  };
  const bool is_32_apart = has == VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_32_BIT_ONLY;
  for (const auto& [a, b] : {std::pair<std::uint8_t, std::uint8_t>{1, 4}, {1, 2}, {2, 4}}) {
    if (!differ(a, b) || (is_32_apart && (a == 2 || b == 2))) continue;
    return fail(SOKR_CAPABILITY_DENIED,
                "needs other modes for floats of {} bits than for those of {}, but {} of {} is {}",
                a == 1 ? 16 : 32, b == 4 ? 64 : 32, property, device.name(),
                is_32_apart ? "32_BIT_ONLY" : "NONE");
  }
  return {};
}

Result<void> check_float_controls(const spirv::FloatControls& controls,
                                  const PhysicalDevice& device) {
  const VkPhysicalDeviceFloatControlsProperties& has = device.float_controls;
#define SOKR_MODE(bits, mode)                                                \
  SOKR_TRY(check_float_mode(controls.bits, #mode, has.shader##mode##Float16, \
                            has.shader##mode##Float32, has.shader##mode##Float64, device))
  SOKR_MODE(denorm_preserve, DenormPreserve);
  SOKR_MODE(denorm_flush_to_zero, DenormFlushToZero);
  SOKR_MODE(signed_zero_inf_nan_preserve, SignedZeroInfNanPreserve);
  SOKR_MODE(rounding_rte, RoundingModeRTE);
  SOKR_MODE(rounding_rtz, RoundingModeRTZ);
#undef SOKR_MODE
  SOKR_TRY(check_independence({controls.denorm_preserve, controls.denorm_flush_to_zero},
                              has.denormBehaviorIndependence, "denormBehaviorIndependence",
                              device));
  return check_independence({controls.rounding_rte, controls.rounding_rtz},
                            has.roundingModeIndependence, "roundingModeIndependence", device);
}

// Where zeros, infinities and NaN may not be left out, the device has to keep them: in what the
// defaults of an entry point say, by width, and in what is decorated.
class FastMathCheck {
 public:
  FastMathCheck(const spirv::Module& module, const PhysicalDevice& device)
      : m_(module), device_(device) {}

  Result<void> run(const spirv::EntryPoint& entry) const {
    std::uint8_t widths = 0;
    for (std::size_t i = 0; i < entry.float_controls.fast_math_default.size(); ++i)
      if (preserves(entry.float_controls.fast_math_default[i]))
        widths |= static_cast<std::uint8_t>(1u << i);
    SOKR_TRY(check(widths));
    for (const spirv::Id id : entry.functions)
      for (const spirv::Block& block : m_.function(id)->blocks)
        for (const spirv::Instruction& i : block.body)
          if (i.id != 0 && preserves(m_.decorations(i.id).fast_math)) SOKR_TRY(check(widths_of(i)));
    return {};
  }

 private:
  static bool preserves(std::uint32_t mask) {
    return mask != UINT32_MAX &&
           (mask & spirv::fast_math::kSpecialValues) != spirv::fast_math::kSpecialValues;
  }

  std::uint8_t width_bit(spirv::Id type) const {
    const spirv::Type& scalar = m_.scalar_type(type);
    const bool is_float = scalar.kind == spirv::TypeKind::kFloat && scalar.width >= 16;
    return is_float ? static_cast<std::uint8_t>(scalar.width / 16) : std::uint8_t{0};
  }

  // Of the result and of all operands.
  std::uint8_t widths_of(const spirv::Instruction& i) const {
    std::uint8_t widths = width_bit(i.type);
    for (std::size_t at = 0; at < i.args.size(); ++at)
      if (spirv::operand_kind(i.op, at) != spirv::OperandKind::kLiteral)
        widths |= width_bit(m_.type_of(i.args[at]));
    return widths;
  }

  Result<void> check(std::uint8_t widths) const {
    const VkPhysicalDeviceFloatControlsProperties& has = device_.float_controls;
    return check_float_mode(widths, "SignedZeroInfNanPreserve",
                            has.shaderSignedZeroInfNanPreserveFloat16,
                            has.shaderSignedZeroInfNanPreserveFloat32,
                            has.shaderSignedZeroInfNanPreserveFloat64, device_);
  }

  const spirv::Module& m_;
  const PhysicalDevice& device_;
};

Result<void> check_descriptors(const ir::EntryReflection& entry,
                               std::span<const std::uint32_t> counts,
                               const PhysicalDevice& device) {
  const VkPhysicalDeviceLimits& limits = device.properties.limits;
  std::uint64_t storage = 0, uniform = 0, in_set = 0;
  for (std::size_t i = 0; i < entry.bindings.size(); ++i) {
    const ir::Binding& binding = entry.bindings[i];
    if (i == 0 || binding.set != entry.bindings[i - 1].set) in_set = 0;
    in_set += counts[i];
    (binding.kind == SOKR_IR_UNIFORM_BUFFER ? uniform : storage) += counts[i];
    const std::uint32_t most = device.maintenance3.maxPerSetDescriptors;
    if (in_set > most) {
      return fail(SOKR_CAPABILITY_DENIED,
                  "entry point '{}' uses {} descriptors in set {}; {} takes "
                  "at most {} in a set",
                  entry.name, in_set, binding.set, device.name(), most);
    }
  }
  const std::uint32_t most_storage =
      std::min(limits.maxPerStageDescriptorStorageBuffers, limits.maxDescriptorSetStorageBuffers);
  const std::uint32_t most_uniform =
      std::min(limits.maxPerStageDescriptorUniformBuffers, limits.maxDescriptorSetUniformBuffers);
  if (storage > most_storage) {
    return fail(SOKR_CAPABILITY_DENIED,
                "entry point '{}' uses {} storage buffers; {} takes at most "
                "{}",
                entry.name, storage, device.name(), most_storage);
  }
  if (uniform > most_uniform) {
    return fail(SOKR_CAPABILITY_DENIED,
                "entry point '{}' uses {} uniform buffers; {} takes at most "
                "{}",
                entry.name, uniform, device.name(), most_uniform);
  }
  if (storage + uniform > limits.maxPerStageResources) {
    return fail(SOKR_CAPABILITY_DENIED, "entry point '{}' uses {} buffers; {} takes at most {}",
                entry.name, storage + uniform, device.name(), limits.maxPerStageResources);
  }
  return {};
}

}  // namespace

Result<void> check_module(const spirv::Module& module, const PhysicalDevice& device) {
  if (module.needed_version() > device.max_spirv()) {
    return fail(SOKR_CAPABILITY_DENIED,
                "the module {} SPIR-V 1.{}; {} with Vulkan {} takes at most 1.{}",
                module.version() > device.max_spirv() ? "is" : "uses what came with",
                (module.needed_version() >> 8) & 0xFF, device.name(),
                version_string(device.offer.api), (device.max_spirv() >> 8) & 0xFF);
  }
  for (Capability capability : spirv::with_implied(module.capabilities())) {
    SOKR_TRY(check_one_capability(capability, device));
  }
  for (const std::string& name : module.extensions()) {
    const ExtensionRule* rule = find_rule(kExtensions, name);
    if (!rule) {
      return fail(SOKR_CAPABILITY_DENIED,
                  "needs the SPIR-V extension {}, which the Vulkan substrate does not offer", name);
    }
    SOKR_TRY(check_rule(*rule, device));
  }
  for (const spirv::Variable& variable : module.variables()) {
    if (variable.storage == spv::StorageClass::Workgroup && variable.initializer != 0 &&
        !device.usable.has("shaderZeroInitializeWorkgroupMemory")) {
      return needs("shaderZeroInitializeWorkgroupMemory", device);
    }
  }
  return check_known_faults(module, device);
}

std::vector<std::uint32_t> declared_counts(const ir::EntryReflection& reflection) {
  std::vector<std::uint32_t> counts;
  for (const ir::Binding& binding : reflection.bindings) {
    counts.push_back(std::max(binding.count, 1u));
  }
  return counts;
}

Result<void> check_entry_point(const spirv::Module& module, const spirv::EntryPoint& entry,
                               const ir::EntryReflection& reflection,
                               std::span<const std::uint32_t> counts,
                               const PhysicalDevice& device) {
  SOKR_TRY(spirv::check_allowed(module, entry));
  if (entry.has_local_size_id && !device.usable.has("maintenance4")) {
    return needs("maintenance4 for LocalSizeId", device);
  }
  if (entry.maximally_reconverges && !device.usable.has("shaderMaximalReconvergence"))
    return needs("shaderMaximalReconvergence", device);
  if (entry.subgroup_uniform_control_flow && !device.usable.has("shaderSubgroupUniformControlFlow"))
    return needs("shaderSubgroupUniformControlFlow", device);
  SOKR_TRY(check_float_controls(entry.float_controls, device));
  SOKR_TRY(FastMathCheck(module, device).run(entry));
  SOKR_TRY(check_cooperative_matrices(module, entry, device));
  for (const Need& need : needs_of(module, entry)) {
    if (device.usable.has(need.feature) || device.usable.has(need.alternative)) continue;
    return needs(need.alternative.empty() ? need.feature
                                          : fmt::format("{} or {}", need.feature, need.alternative),
                 device);
  }
  for (const ir::Binding& binding : reflection.bindings) {
    if (binding.kind != SOKR_IR_STORAGE_BUFFER && binding.kind != SOKR_IR_UNIFORM_BUFFER) {
      return fail(SOKR_CAPABILITY_DENIED,
                  "binding {}.{} is neither a storage nor a uniform buffer; "
                  "the Vulkan substrate binds buffers only",
                  binding.set, binding.binding);
    }
  }
  return check_descriptors(reflection, counts, device);
}

Result<void> check_capability(const spirv::Module& module, const PhysicalDevice& device) {
  SOKR_TRY(check_module(module, device));
  if (module.entry_points().empty()) {
    return fail(SOKR_CAPABILITY_DENIED, "the module has no GLCompute entry point");
  }
  std::optional<Failure> first;
  for (const spirv::EntryPoint& entry : module.entry_points()) {
    const ir::EntryReflection reflection = spirv::reflect_entry(module, entry);
    Result<void> result =
        check_entry_point(module, entry, reflection, declared_counts(reflection), device);
    if (result) result = substrate::check_entry(reflection, device.limits());
    if (result) return {};
    if (!first) first = std::move(result).failure();
  }
  first->code = SOKR_CAPABILITY_DENIED;
  return *first;
}

}  // namespace sokr::vulkan
