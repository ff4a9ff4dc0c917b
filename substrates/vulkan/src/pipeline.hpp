// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A compiled kernel: one entry point of a module with one set of specialization
// values, workgroup size, subgroup size and descriptor array lengths. Immutable; may
// be used by any thread; goes before its Device does.
#ifndef SOKR_VULKAN_PIPELINE_HPP_
#define SOKR_VULKAN_PIPELINE_HPP_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <sokr/spirv/grid.hpp>
#include <sokr/spirv/module.hpp>
#include <sokr/spirv/reflection.hpp>
#include <sokr/substrate/launch_view.hpp>
#include <span>
#include <vector>

#include "device.hpp"
#include "room.hpp"

namespace sokr::vulkan {

// What a launch asks the compiler for, checked against the module.
struct PipelinePlan {
  std::string entry;
  // With the launch's specialization and local size; until the pipeline is made.
  std::shared_ptr<const spirv::Module> module;
  std::uint32_t subgroup_size = 0;  // 0 = do not ask
  bool can_be_cut = false;          // parts of a grid give what the whole would
  bool full_subgroups = false;      // required: no subgroup is partly empty
  // The device is told to check no access: the kernel keeps inside of bindings that hold all data
  // of their blocks (inside.hpp), or nobody wants it checked.
  bool unchecked = false;
  ir::EntryReflection reflection;     // of `module`
  std::vector<std::uint32_t> counts;  // descriptors of each reflected binding
  // For grids of more workgroups than the device takes at once; its words until the pipeline is
  // made.
  std::optional<spirv::SlicedModule> sliced;
};

// Has a launch more workgroups than the device takes at once on an axis?
bool is_over_limit(const substrate::LaunchView& launch, const PhysicalDevice& device);
// The dispatches that such a grid takes; a sentence where they are too many.
Result<void> check_parts(const std::array<std::uint32_t, 3>& groups, const PhysicalDevice& device);

// SOKR_INVALID_INPUT or SOKR_CAPABILITY_DENIED with a sentence: no such entry point, a
// workgroup size that is not specialized, a subgroup size that the device does not take,
// lengths and sizes that are bad with the launch's values. `module` is decoded for any
// values; `bytes` are its bytes; `said` names entry point, specialization and sizes. `sliced`: for
// a launch that is_over_limit(). `any_bindings`: for one with bindings that do not hold all data.
Result<PipelinePlan> plan_pipeline(std::span<const std::uint8_t> bytes, const spirv::Module& module,
                                   const substrate::LaunchView& said,
                                   const substrate::LaunchView& launch,
                                   const PhysicalDevice& device, bool sliced = false,
                                   bool any_bindings = false);

// What of the launch's bindings decides the pipeline beyond compile_key(): the lengths
// of descriptor arrays. Appended to the key.
void append_array_lengths(const substrate::LaunchView& launch, substrate::CompileKey& key);

class Pipeline : public std::enable_shared_from_this<Pipeline> {
 public:
  // Where memory is short it is made once there is room, if there can be.
  static Result<std::shared_ptr<Pipeline>> create(Device& device, VkPipelineCache cache,
                                                  PipelinePlan plan,
                                                  const MakeRoom& make_room = {});
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  const PipelinePlan& plan() const { return plan_; }
  const ir::EntryReflection& reflection() const { return plan_.reflection; }
  VkPipeline handle() const { return pipeline_; }
  VkPipelineLayout layout() const { return layout_; }
  std::uint32_t push_size() const { return push_size_; }
  // Null unless it runs grids in parts.
  const spirv::SlicedModule* sliced() const { return plan_.sliced ? &*plan_.sliced : nullptr; }
  // May its grids be dispatched in parts?
  bool can_be_cut() const { return plan_.can_be_cut; }
  // As first measured; 0 = not yet. Any thread.
  double ns_per_group() const { return ns_per_group_.load(std::memory_order_relaxed); }
  void note_ns_per_group(double ns) { ns_per_group_.store(ns, std::memory_order_relaxed); }
  // Bytes that it is taken to occupy, for the bound on what is kept: the driver does not tell.
  std::size_t memory() const { return memory_; }

  struct Set {
    std::uint32_t number = 0;
    VkDescriptorSetLayout layout = VK_NULL_HANDLE;
  };
  std::span<const Set> sets() const { return sets_; }  // those with bindings, in order
  std::uint32_t storage_descriptors() const { return storage_; }
  std::uint32_t uniform_descriptors() const { return uniform_; }

 private:
  Pipeline(Device& device, PipelinePlan plan) : device_(device), plan_(std::move(plan)) {}
  Result<void> create_layouts();
  Result<void> create_pipeline(VkPipelineCache cache, std::span<const std::uint32_t> words,
                               const MakeRoom& make_room);

  Device& device_;
  PipelinePlan plan_;
  std::vector<VkDescriptorSetLayout> all_layouts_;  // one for each set number, gaps included
  std::vector<Set> sets_;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
  std::uint32_t push_size_ = 0, storage_ = 0, uniform_ = 0;
  std::size_t memory_ = 0;
  std::atomic<double> ns_per_group_{0};
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_PIPELINE_HPP_
