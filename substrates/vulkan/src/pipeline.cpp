// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pipeline.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <sokr/substrate/launch_check.hpp>
#include <utility>

#include "inside.hpp"
#include "requirements.hpp"

namespace sokr::vulkan {
namespace {

using substrate::LaunchView;

// The workgroup size as values of the constants that decide it.
Result<void> add_local_size(const spirv::EntryPoint& entry, const LaunchView& launch,
                            std::vector<SokrIrSpecValue>& values) {
  const std::array<std::uint32_t, 3> wanted = launch.local_size();
  for (std::uint32_t axis = 0; axis < 3; ++axis) {
    const std::uint32_t id = entry.local_size_spec_ids[axis];
    if (id == UINT32_MAX) continue;
    auto given = std::find_if(values.begin(), values.end(),
                              [&](const SokrIrSpecValue& v) { return v.id == id; });
    if (given == values.end()) {
      values.push_back({id, 4, wanted[axis]});
    } else if (given->value != wanted[axis]) {
      return fail(
          SOKR_INVALID_INPUT,
          "local size {} on axis {} contradicts the value {} of specialization constant {}, "
          "which is that size",
          wanted[axis], axis, given->value, id);
    }
  }
  return {};
}

Result<void> check_local_size(const spirv::EntryPoint& entry, const LaunchView& launch) {
  if (!launch.has_local_size() || entry.local_size == launch.local_size()) return {};
  return fail(SOKR_CAPABILITY_DENIED,
              "local size {}: entry point '{}' has the fixed size {} there; the Vulkan substrate "
              "overrides only sizes that are specialization constants",
              fmt::format("{}", fmt::join(launch.local_size(), ",")), entry.name,
              fmt::format("{}", fmt::join(entry.local_size, ",")));
}

Result<std::uint32_t> plan_subgroup_size(std::uint32_t wanted, const PhysicalDevice& device) {
  if (wanted == 0) return 0u;
  if (!device.can_set_subgroup_size()) {
    if (wanted == device.subgroup.subgroupSize) return 0u;
  } else if (std::has_single_bit(wanted) && wanted >= device.subgroup_size.minSubgroupSize &&
             wanted <= device.subgroup_size.maxSubgroupSize) {
    return wanted;
  }
  return fail(SOKR_INVALID_INPUT, "subgroup size {} is not supported; {} supports {}", wanted,
              device.name(), device.subgroup_sizes());
}

// A failure to compile is the driver's: the sentence says which one.
Result<void> named_driver(Result<void> compiled, const PhysicalDevice& device) {
  if (compiled) return compiled;
  Failure failure = std::move(compiled).failure();
  failure.sentence += fmt::format("; it was compiled by {}", device.driver_text());
  return failure;
}

VkDescriptorType descriptor_type(SokrIrBindingKind kind) {
  return kind == SOKR_IR_UNIFORM_BUFFER ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                                        : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

Result<void> check_subgroup_count(const PipelinePlan& plan, const PhysicalDevice& device) {
  if (plan.subgroup_size == 0) return {};
  const auto& size = plan.reflection.local_size;
  const std::uint64_t invocations = std::uint64_t{size[0]} * size[1] * size[2];
  const std::uint64_t most =
      std::uint64_t{plan.subgroup_size} * device.subgroup_size.maxComputeWorkgroupSubgroups;
  if (invocations <= most) return {};
  return fail(SOKR_INVALID_INPUT,
              "a workgroup of {} invocations has more than {} subgroups of {}, "
              "the most that {} runs",
              invocations, device.subgroup_size.maxComputeWorkgroupSubgroups, plan.subgroup_size,
              device.name());
}

constexpr std::uint32_t kMayVaryFrom = 0x00010600;

// All subgroup operations imply the first, but for those that are older than it.
bool uses_subgroups(const spirv::Module& module) {
  if (uses_cooperative_matrices(module)) return true;
  constexpr std::array kFirst{spv::Capability::GroupNonUniform, spv::Capability::SubgroupBallotKHR,
                              spv::Capability::SubgroupVoteKHR};
  const std::vector<spv::Capability> all = spirv::with_implied(module.capabilities());
  return std::ranges::find_first_of(all, kFirst) != all.end();
}

// The size that subgroups have, or may have at most.
std::uint32_t effective_subgroup_size(const PipelinePlan& plan, const spirv::Module& module,
                                      const PhysicalDevice& device) {
  if (plan.subgroup_size != 0) return plan.subgroup_size;
  const bool may_vary =
      module.version() >= kMayVaryFrom && device.subgroup_size.maxSubgroupSize != 0;
  return may_vary ? device.subgroup_size.maxSubgroupSize : device.subgroup.subgroupSize;
}

// A driver may spread a workgroup over more subgroups than it fills, unless full ones are required.
// That is allowed where the workgroup's rows are whole subgroups of whichever size they get.
bool wants_full_subgroups(const PipelinePlan& plan, const spirv::Module& module,
                          const PhysicalDevice& device) {
  if (!uses_subgroups(module) || !device.usable.has("computeFullSubgroups")) return false;
  const std::uint32_t size = effective_subgroup_size(plan, module, device);
  return size != 0 && plan.reflection.local_size[0] % size == 0;
}

// From SPIR-V 1.6 on, a pipeline that requires no subgroup size may get any that the device has,
// and that size need not be the one that the limits name. A kernel that uses subgroups gets the
// one that they name, if a workgroup does not have too many of them.
void settle_subgroup_size(PipelinePlan& plan, const spirv::Module& module,
                          const PhysicalDevice& device) {
  if (plan.subgroup_size != 0 || module.version() < kMayVaryFrom || !uses_subgroups(module)) return;
  if (!device.can_set_subgroup_size() ||
      device.subgroup_size.minSubgroupSize == device.subgroup_size.maxSubgroupSize) {
    return;
  }
  plan.subgroup_size = device.subgroup.subgroupSize;
  if (!check_subgroup_count(plan, device)) plan.subgroup_size = 0;
}

// The subgroups that share matrices are rows of a workgroup, of whichever size they get.
Result<void> check_matrix_rows(const PipelinePlan& plan, const spirv::Module& module,
                               const PhysicalDevice& device) {
  if (!uses_cooperative_matrices(module)) return {};
  const std::uint32_t size = effective_subgroup_size(plan, module, device);
  const std::uint32_t row = plan.reflection.local_size[0];
  if (size != 0 && row % size == 0) return {};
  return fail(SOKR_INVALID_INPUT,
              "cooperative matrices want workgroups whose first size is a multiple of the subgroup "
              "size; it is {}, and subgroups of {} may have {} invocations here",
              row, device.name(), size);
}

// A grid in parts, with all that the parts are told in its push constants.
Result<spirv::SlicedModule> plan_parts(const spirv::Module& module, const spirv::EntryPoint& entry,
                                       const PhysicalDevice& device) {
  const auto because = [&](const std::string& reason) {
    const auto& most = device.properties.limits.maxComputeWorkGroupCount;
    return fail(
        SOKR_CAPABILITY_DENIED,
        "{} takes at most {}, {} and {} workgroups at once, and the kernel cannot be run in "
        "parts: {}",
        device.name(), most[0], most[1], most[2], reason);
  };
  auto sliced = spirv::sliced_words(module, entry);
  if (!sliced) return because(sliced.failure().sentence);
  const std::uint32_t most = device.properties.limits.maxPushConstantsSize;
  if (sliced->push_size > most) {
    return because(fmt::format("that takes {} bytes of push constants, and there are {}",
                               sliced->push_size, most));
  }
  return sliced;
}

}  // namespace

bool is_over_limit(const LaunchView& launch, const PhysicalDevice& device) {
  if (launch.is_indirect()) return false;
  const auto& most = device.properties.limits.maxComputeWorkGroupCount;
  const auto groups = launch.groups(), base = launch.base_groups();
  for (std::size_t i = 0; i < 3; ++i)
    if (std::uint64_t{base[i]} + groups[i] > most[i]) return true;
  return false;
}

Result<void> check_parts(const std::array<std::uint32_t, 3>& groups, const PhysicalDevice& device) {
  const auto& most = device.properties.limits.maxComputeWorkGroupCount;
  std::uint64_t parts = 1;
  for (std::size_t i = 0; i < 3 && parts <= kMostParts; ++i) {
    parts *= (std::uint64_t{groups[i]} + most[i] - 1) / most[i];
  }
  if (parts <= kMostParts) return {};
  return fail(SOKR_INVALID_INPUT,
              "{},{},{} workgroups are more than {} parts of {},{},{}, the most that {} takes at "
              "once",
              groups[0], groups[1], groups[2], kMostParts, most[0], most[1], most[2],
              device.name());
}

void append_array_lengths(const LaunchView& launch, substrate::CompileKey& key) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> lengths;
  for (std::uint32_t i = 0; i < launch.binding_count(); ++i) {
    const SokrBinding binding = launch.binding(i);
    if (binding.index == 0) continue;
    std::uint32_t& last = lengths[{binding.set, binding.binding}];
    last = std::max(last, binding.index);
  }
  for (const auto& [where, last] : lengths) {
    const std::array<std::uint32_t, 3> words{where.first, where.second, last};
    key.append(reinterpret_cast<const std::uint8_t*>(words.data()), sizeof words);
  }
}

Result<PipelinePlan> plan_pipeline(std::span<const std::uint8_t> bytes, const spirv::Module& module,
                                   const LaunchView& said, const LaunchView& launch,
                                   const PhysicalDevice& device, bool sliced, bool any_bindings) {
  SOKR_ASSIGN(const spirv::EntryPoint* entry, module.entry_point(said.entry()));
  PipelinePlan plan;
  plan.entry = entry->name;
  std::vector<SokrIrSpecValue> values = said.specializations();
  if (said.has_local_size()) SOKR_TRY(add_local_size(*entry, said, values));
  SOKR_ASSIGN(plan.subgroup_size, plan_subgroup_size(said.subgroup_size(), device));

  SOKR_ASSIGN(plan.module, spirv::decode(bytes, {.specializations = values}));
  const spirv::Module* used = plan.module.get();
  SOKR_ASSIGN(entry, used->entry_point(plan.entry));
  SOKR_TRY(check_local_size(*entry, said));
  plan.reflection = spirv::reflect_entry(*used, *entry);
  plan.counts = declared_counts(plan.reflection);
  for (std::size_t i = 0; i < plan.counts.size(); ++i) {
    const ir::Binding& declared = plan.reflection.bindings[i];
    for (std::uint32_t k = 0; declared.count == 0 && k < launch.binding_count(); ++k) {
      const SokrBinding given = launch.binding(k);
      if (given.set != declared.set || given.binding != declared.binding) continue;
      if (given.index >= substrate::kMaxRuntimeDescriptors) continue;  // refused by check_launch
      plan.counts[i] = std::max(plan.counts[i], given.index + 1);
    }
  }
  SOKR_TRY(substrate::check_entry(plan.reflection, device.limits()));
  SOKR_TRY(check_entry_point(*used, *entry, plan.reflection, plan.counts, device));
  SOKR_TRY(check_subgroup_count(plan, device));
  settle_subgroup_size(plan, *used, device);
  SOKR_TRY(check_matrix_rows(plan, *used, device));
  plan.full_subgroups = wants_full_subgroups(plan, *used, device);
  if (sliced) {
    SOKR_ASSIGN(plan.sliced, plan_parts(*used, *entry, device));
  }
  const bool is_robust = device.usable.has("robustBufferAccess");
  plan.unchecked = device.usable.has("pipelineRobustness") &&
                   (!is_robust || (!any_bindings && keeps_inside(*used, *entry)));
  // A part has its own number of workgroups.
  plan.can_be_cut =
      sliced || std::ranges::none_of(entry->globals, [&](spirv::Id id) {
        const spirv::Variable* variable = used->variable(id);
        return variable != nullptr && variable->builtin == spv::BuiltIn::NumWorkgroups;
      });
  return plan;
}

Result<std::shared_ptr<Pipeline>> Pipeline::create(Device& device, VkPipelineCache cache,
                                                   PipelinePlan plan, const MakeRoom& make_room) {
  // Drivers fold constants each in their own way, and some die of a division by zero: they
  // get numbers.
  const std::vector<std::uint32_t> words =
      plan.sliced ? std::exchange(plan.sliced->words, {}) : spirv::specialized_words(*plan.module);
  plan.module.reset();
  std::shared_ptr<Pipeline> pipeline(new Pipeline(device, std::move(plan)));
  // lavapipe keeps some 120 KiB for the smallest kernel, and more for larger ones.
  pipeline->memory_ = (std::size_t{128} << 10) + 32 * words.size();
  SOKR_TRY(pipeline->create_layouts());
  SOKR_TRY(pipeline->create_pipeline(cache, words, make_room));
  return pipeline;
}

Result<void> Pipeline::create_layouts() {
  const VolkDeviceTable& vk = device_.vk();
  const std::vector<ir::Binding>& bindings = plan_.reflection.bindings;
  const std::uint32_t set_count = bindings.empty() ? 0 : bindings.back().set + 1;
  std::size_t at = 0;
  for (std::uint32_t set = 0; set < set_count; ++set) {
    std::vector<VkDescriptorSetLayoutBinding> entries;
    for (; at < bindings.size() && bindings[at].set == set; ++at) {
      VkDescriptorSetLayoutBinding entry{};
      entry.binding = bindings[at].binding;
      entry.descriptorType = descriptor_type(bindings[at].kind);
      entry.descriptorCount = plan_.counts[at];
      entry.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
      entries.push_back(entry);
      (bindings[at].kind == SOKR_IR_UNIFORM_BUFFER ? uniform_ : storage_) += plan_.counts[at];
    }
    VkDescriptorSetLayoutCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
    info.bindingCount = static_cast<std::uint32_t>(entries.size());
    info.pBindings = entries.data();
    VkDescriptorSetLayout layout = VK_NULL_HANDLE;
    all_layouts_.reserve(set_count);
    sets_.reserve(set_count);
    SOKR_TRY(
        device_.check(vk.vkCreateDescriptorSetLayout(device_.handle(), &info, nullptr, &layout),
                      "vkCreateDescriptorSetLayout"));
    all_layouts_.push_back(layout);
    if (!entries.empty()) sets_.push_back({set, layout});
  }
  push_size_ =
      plan_.sliced ? plan_.sliced->push_size : (plan_.reflection.push_constant_size + 3u) & ~3u;
  VkPushConstantRange push{VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size_};
  VkPipelineLayoutCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  info.setLayoutCount = set_count;
  info.pSetLayouts = all_layouts_.data();
  info.pushConstantRangeCount = push_size_ ? 1 : 0;
  info.pPushConstantRanges = &push;
  const VkResult result = vk.vkCreatePipelineLayout(device_.handle(), &info, nullptr, &layout_);
  if (result != VK_SUCCESS) layout_ = VK_NULL_HANDLE;
  return device_.check(result, "vkCreatePipelineLayout");
}

Result<void> Pipeline::create_pipeline(VkPipelineCache cache, std::span<const std::uint32_t> words,
                                       const MakeRoom& make_room) {
  const VolkDeviceTable& vk = device_.vk();
  VkShaderModuleCreateInfo module_info{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = words.size_bytes();
  module_info.pCode = words.data();
  VkShaderModule module = VK_NULL_HANDLE;
  SOKR_TRY(named_driver(
      device_.check(vk.vkCreateShaderModule(device_.handle(), &module_info, nullptr, &module),
                    "vkCreateShaderModule"),
      device_.physical()));

  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroup{
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO};
  subgroup.requiredSubgroupSize = plan_.subgroup_size;
  VkComputePipelineCreateInfo info{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  if (plan_.subgroup_size != 0) info.stage.pNext = &subgroup;
  if (plan_.full_subgroups)
    info.stage.flags |= VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = plan_.entry.c_str();
  info.layout = layout_;
  // The others are as the device is: robust where that feature is enabled.
  VkPipelineRobustnessCreateInfoEXT unchecked{
      VK_STRUCTURE_TYPE_PIPELINE_ROBUSTNESS_CREATE_INFO_EXT};
  unchecked.storageBuffers = unchecked.uniformBuffers =
      VK_PIPELINE_ROBUSTNESS_BUFFER_BEHAVIOR_DISABLED_EXT;
  if (plan_.unchecked) info.pNext = &unchecked;
  plan_.can_be_cut = plan_.can_be_cut && device_.slice_ns() != 0;
  info.flags |= VK_PIPELINE_CREATE_DISPATCH_BASE_BIT;  // parts, and launches that start elsewhere
  VkResult result = VK_SUCCESS;
  Shortage shortage;
  do {
    result = vk.vkCreateComputePipelines(device_.handle(), cache, 1, &info, nullptr, &pipeline_);
  } while ((result == VK_ERROR_OUT_OF_DEVICE_MEMORY || result == VK_ERROR_OUT_OF_HOST_MEMORY) &&
           make_room && make_room(shortage));
  vk.vkDestroyShaderModule(device_.handle(), module, nullptr);
  if (result != VK_SUCCESS) pipeline_ = VK_NULL_HANDLE;
  return named_driver(device_.check(result, "vkCreateComputePipelines"), device_.physical());
}

Pipeline::~Pipeline() {
  const VolkDeviceTable& vk = device_.vk();
  if (pipeline_) vk.vkDestroyPipeline(device_.handle(), pipeline_, nullptr);
  if (layout_) vk.vkDestroyPipelineLayout(device_.handle(), layout_, nullptr);
  for (VkDescriptorSetLayout layout : all_layouts_) {
    vk.vkDestroyDescriptorSetLayout(device_.handle(), layout, nullptr);
  }
}

}  // namespace sokr::vulkan
