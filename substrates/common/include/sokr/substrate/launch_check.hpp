// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The one decision whether a launch fits a kernel and a device. Every substrate
// asks it, so that the same launch is accepted, or refused with the same
// sentence, wherever it runs. The rules:
//
// - Every binding that the entry point uses is named, each element of a
//   descriptor array included; SOKR_BINDING_NULL counts. Elements of a
//   runtime-sized array that are not named are null, up to the highest named; if none
//   is named, it has one element, which is null.
// - No binding is named twice. One that the entry point does not use is ignored,
//   whatever it names, as long as its set and index could be a binding at all.
// - A binding lets the kernel do what its code does: read, write or both.
// - A binding may be smaller than the kernel's block: accesses beyond it are as
//   robust as those beyond a runtime array. Where they are not checked it holds all
//   data of the block; padding at its end and the runtime array may be missing.
// - Push constants hold every member that the entry point reads; the rest may be
//   missing, and is 0. What is beyond the block is ignored, up to the limit.
// - Where the ids of workgroups start plus how many there are is within the limit of counts,
//   and within 32 bits.
// - Group counts, workgroup size, shared memory, subgroup size, push constants,
//   sets and binding sizes are within the limits; a limit of 0 is no limit, except for
//   subgroup sizes, where it means that none can be asked for.
// - Tokens to wait for are of this substrate.
#ifndef SOKR_SUBSTRATE_LAUNCH_CHECK_HPP_
#define SOKR_SUBSTRATE_LAUNCH_CHECK_HPP_

#include <array>
#include <cstdint>
#include <sokr/ir/reflection.hpp>
#include <sokr/substrate/inline_vector.hpp>
#include <sokr/substrate/launch_view.hpp>
#include <span>

namespace sokr::substrate {

// One descriptor to bind: what the launch gave for what the kernel declares.
struct ResolvedBinding {
  std::uint32_t set = 0, binding = 0, index = 0;
  SokrIrBindingKind kind = SOKR_IR_STORAGE_BUFFER;  // storage or uniform buffer
  std::uint32_t kernel_access = 0;                  // SokrIrAccess: what the code does
  std::uint32_t access = 0;                         // SokrAccess: what the launch allows
  SokrBindingKind source = SOKR_BINDING_NULL;
  std::uint64_t resource = 0;  // host address or SokrBuffer; 0 if null
  std::uint64_t offset = 0, size = 0;
  std::uint32_t given = kNotGiven;  // index in the launch's bindings

  static constexpr std::uint32_t kNotGiven = UINT32_MAX;
  // The kernel's writes have to reach the resource; its contents matter to the kernel.
  bool writes() const { return (kernel_access & SOKR_IR_WRITE) != 0; }
  bool reads() const { return (kernel_access & SOKR_IR_READ) != 0; }
  SokrBinding as_binding() const {
    return {set, binding, index, static_cast<uint32_t>(source), access, 0, resource, offset, size};
  }
};

struct ResolvedLaunch {
  // In the order of the reflection; the elements of a descriptor array in a row.
  InlineVector<ResolvedBinding, 8> bindings;
  // bindings[first[i]] to bindings[first[i + 1]] belong to reflection.bindings[i].
  InlineVector<std::uint32_t, 9> first;
  std::array<std::uint32_t, 3> groups{};  // not checked if the launch is indirect
  std::array<std::uint32_t, 3> base_groups{};
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  std::uint32_t subgroup_size = 0;     // 0 = the substrate's default
  std::span<const std::uint8_t> push;  // at most what the block has room for, maybe less
  // A group count is 0 and the launch is not indirect: there is nothing to run.
  bool empty = false;

  std::span<const ResolvedBinding> elements(std::size_t reflected) const {
    return bindings.span().subspan(first[reflected], first[reflected + 1] - first[reflected]);
  }
};

// Elements of the runtime-sized descriptor arrays of a kernel, all together, that a launch may
// name: as many as Vulkan wants of devices with such arrays (500,000), and as the driver's sets
// have. There is memory for all up to the last one of each that is named.
inline constexpr std::uint32_t kMaxRuntimeDescriptors = 1u << 20;

// What becomes of an access beyond a binding's range.
enum class Bounds : std::uint8_t { kRobust, kUnchecked };

// SOKR_INVALID_INPUT with a sentence that names the binding, number or limit.
// `entry` is the reflection of the entry point that the launch names, decoded with the
// launch's specialization constants and local size. `substrate_id` is the request's;
// 0 leaves the waits unchecked. The result borrows the launch's bytes. Any thread;
// allocates nothing for up to 8 descriptors.
Result<ResolvedLaunch> check_launch(const LaunchView& launch, const ir::EntryReflection& entry,
                                    const SokrComputeLimits& limits, std::uint32_t substrate_id,
                                    Bounds bounds = Bounds::kRobust);

// The same for a kernel that passed check_entry when it was made.
Result<ResolvedLaunch> check_launch_alone(const LaunchView& launch,
                                          const ir::EntryReflection& entry,
                                          const SokrComputeLimits& limits,
                                          std::uint32_t substrate_id,
                                          Bounds bounds = Bounds::kRobust);

// Which of a launch's bindings are the entry point's, in its order.
using PlainBindings = InlineVector<std::uint32_t, 16>;
// Whether this is the common launch: of known counts, from workgroup 0,0,0, its bindings in
// ascending order, each of the entry point's among them, none null or of an array. It is then one
// that check_launch_alone accepts, and its descriptors are the bindings in `used`, which is empty
// before. False says nothing, and leaves anything in `used`. Costs a fraction of
// check_launch_alone.
bool is_plain_launch(const LaunchView& launch, const ir::EntryReflection& entry,
                     const SokrComputeLimits& limits, std::uint32_t substrate_id, Bounds bounds,
                     PlainBindings& used);
// ResolvedLaunch::push of a launch that was accepted.
std::span<const std::uint8_t> push_for(const LaunchView& launch, const ir::EntryReflection& entry);

// What a launch is told whose wait with this index names a token that nobody was given.
Failure never_issued(const LaunchView& launch, std::uint32_t index);

// The group counts alone: for counts that were read from an indirect buffer.
Result<void> check_group_counts(const std::array<std::uint32_t, 3>& groups,
                                const SokrComputeLimits& limits);

// SOKR_CAPABILITY_DENIED for a launch that does not start at workgroup 0,0,0: for a substrate that
// cannot do it.
Result<void> refuse_base_groups(const LaunchView& launch);

// What needs only the kernel and the device: workgroup size, shared memory, kinds
// of bindings, sets, push constants. For the capability call; check_launch includes it.
Result<void> check_entry(const ir::EntryReflection& entry, const SokrComputeLimits& limits);

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_LAUNCH_CHECK_HPP_
