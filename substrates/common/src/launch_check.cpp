// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <sokr/limits.hpp>
#include <sokr/substrate/launch_check.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sokr::substrate {
namespace {

constexpr std::uint32_t kUnset = UINT32_MAX;
constexpr char kAxis[] = {'x', 'y', 'z'};

const char* kind_name(SokrIrBindingKind kind) {
  switch (kind) {
    case SOKR_IR_STORAGE_BUFFER:
      return "a storage buffer";
    case SOKR_IR_UNIFORM_BUFFER:
      return "a uniform buffer";
    case SOKR_IR_STORAGE_IMAGE:
      return "a storage image";
    case SOKR_IR_SAMPLED_IMAGE:
      return "a sampled image";
    case SOKR_IR_SAMPLER:
      return "a sampler";
    case SOKR_IR_COMBINED_IMAGE_SAMPLER:
      return "a combined image sampler";
    case SOKR_IR_UNIFORM_TEXEL_BUFFER:
      return "a uniform texel buffer";
    case SOKR_IR_STORAGE_TEXEL_BUFFER:
      return "a storage texel buffer";
    default:
      return "something that is not a buffer";
  }
}

bool is_buffer(SokrIrBindingKind kind) {
  return kind == SOKR_IR_STORAGE_BUFFER || kind == SOKR_IR_UNIFORM_BUFFER;
}

const char* access_name(std::uint32_t access) {
  switch (access & 3u) {
    case 1:
      return "reads";
    case 2:
      return "writes";
    case 3:
      return "reads and writes";
    default:
      return "does not access";
  }
}

std::string describe(const ir::Binding& b) {
  return b.name.empty() ? fmt::format("binding {}.{}", b.set, b.binding)
                        : fmt::format("binding {}.{} ({})", b.set, b.binding, b.name);
}

std::string describe(const ir::Binding& b, std::uint32_t index) {
  std::string text = fmt::format("binding {}.{}", b.set, b.binding);
  if (b.count != 1) text += fmt::format("[{}]", index);
  return b.name.empty() ? text : text + " (" + b.name + ")";
}

std::string entry_name(const ir::EntryReflection& entry) {
  return entry.name.empty() ? std::string("the entry point")
                            : fmt::format("entry point \"{}\"", entry.name);
}

std::string subgroup_sizes(const SokrComputeLimits& limits) {
  std::string list;
  for (std::uint32_t size = 0; (size = next_subgroup_size(limits, size)) != 0;)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", size);
  return list;
}

Result<void> check_local_size(const std::array<std::uint32_t, 3>& local,
                              const SokrComputeLimits& limits) {
  std::uint64_t invocations = 1;
  for (std::size_t i = 0; i < 3; ++i) {
    if (local[i] == 0) {
      return fail(SOKR_INVALID_INPUT, "the workgroup size {},{},{} has a 0", local[0], local[1],
                  local[2]);
    }
    if (!is_within(local[i], limits.max_local_size[i])) {
      return fail(SOKR_INVALID_INPUT, "the workgroup size {},{},{} is over the limit of {} in {}",
                  local[0], local[1], local[2], limits.max_local_size[i], kAxis[i]);
    }
    // Saturates well above every limit: a factor has 32 bits.
    invocations = std::min(invocations * local[i], std::uint64_t{UINT32_MAX});
  }
  if (!is_within(invocations, limits.max_local_invocations)) {
    return fail(SOKR_INVALID_INPUT,
                "the workgroup size {},{},{} has more than the limit of {} invocations", local[0],
                local[1], local[2], limits.max_local_invocations);
  }
  return {};
}

Result<void> check_subgroup_size(std::uint32_t size, const SokrComputeLimits& limits) {
  if (is_subgroup_size(limits, size)) return {};
  const std::string sizes = subgroup_sizes(limits);
  if (sizes.empty()) {
    return fail(SOKR_INVALID_INPUT,
                "subgroup size {} was asked for, but this substrate's cannot be chosen; leave it 0",
                size);
  }
  return fail(SOKR_INVALID_INPUT, "subgroup size {} is not supported; supported are {}", size,
              sizes);
}

// As many bytes as the block has room for.
std::span<const std::uint8_t> first_of(std::span<const std::uint8_t> given,
                                       const ir::EntryReflection& entry) {
  const std::uint64_t room = (std::uint64_t{entry.push_constant_size} + 3) & ~UINT64_C(3);
  return given.first(static_cast<std::size_t>(std::min<std::uint64_t>(given.size(), room)));
}

Result<void> check_base_groups(const std::array<std::uint32_t, 3>& base,
                               const std::array<std::uint32_t, 3>& groups,
                               const SokrComputeLimits& limits) {
  if ((base[0] | base[1] | base[2]) == 0) return {};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::uint32_t limit = limits.max_group_count[i] ? limits.max_group_count[i] : UINT32_MAX;
    if (std::uint64_t{base[i]} + groups[i] <= limit) continue;
    return fail(SOKR_INVALID_INPUT,
                "{} workgroups in {} that start at {} (base_groups) end beyond the limit of {}",
                groups[i], kAxis[i], base[i], limit);
  }
  return {};
}

// Returns those that the block has room for.
Result<std::span<const std::uint8_t>> check_push(std::span<const std::uint8_t> given,
                                                 const ir::EntryReflection& entry,
                                                 const SokrComputeLimits& limits) {
  if (!is_within(given.size(), limits.max_push_constant_size)) {
    return fail(SOKR_INVALID_INPUT, "{} bytes of push constants were given, over the limit of {}",
                given.size(), limits.max_push_constant_size);
  }
  for (const ir::PushConstantMember& member : entry.push_constants) {
    if (member.read_end <= given.size()) continue;
    return fail(SOKR_INVALID_INPUT,
                "{} bytes of push constants were given; {} reads member {} ({} at offset {}), up "
                "to byte {}",
                given.size(), entry_name(entry),
                member.name.empty() ? "without a name" : member.name, member.type, member.offset,
                member.read_end);
  }
  return first_of(given, entry);
}

Result<void> check_waits(const LaunchView& launch, std::uint32_t substrate_id) {
  if (substrate_id == 0) return {};
  for (std::uint32_t i = 0; i < launch.wait_count(); ++i) {
    if (launch.wait_substrate(i) == substrate_id) continue;
    return fail(SOKR_INVALID_INPUT,
                "wait {} is a token of substrate {}, but this is substrate {}; wait for it on the "
                "host before the launch",
                i, launch.wait_substrate(i), substrate_id);
  }
  return {};
}

// Where a launch's binding goes: the position of its (set, binding) in the reflection.
std::size_t find_reflected(const ir::EntryReflection& entry, const SokrBinding& b,
                           std::size_t guess) {
  const auto& all = entry.bindings;
  if (guess < all.size() && all[guess].set == b.set && all[guess].binding == b.binding)
    return guess;
  const auto at =
      std::lower_bound(all.begin(), all.end(), b, [](const auto& x, const SokrBinding& y) {
        return x.set != y.set ? x.set < y.set : x.binding < y.binding;
      });
  if (at == all.end() || at->set != b.set || at->binding != b.binding) return all.size();
  return static_cast<std::size_t>(at - all.begin());
}

Result<void> check_access(const SokrBinding& b, const ir::Binding& declared) {
  const std::uint32_t missing = declared.access & ~b.access & 3u;
  if (missing == 0) return {};
  return fail(SOKR_INVALID_INPUT, "the kernel {} {}, but it is bound for {} only",
              access_name(missing), describe(declared, b.index),
              b.access == SOKR_ACCESS_READ ? "reading" : "writing");
}

Result<void> check_size(const SokrBinding& b, const ir::Binding& declared,
                        const SokrComputeLimits& limits, Bounds bounds) {
  if (bounds == Bounds::kUnchecked && b.size < declared.data_size) {
    return fail(SOKR_INVALID_INPUT,
                "{} has {} bytes; the kernel's block needs at least {} where accesses are not "
                "checked",
                describe(declared, b.index), b.size, declared.data_size);
  }
  if (!is_within(b.size, limits.max_binding_size)) {
    return fail(SOKR_INVALID_INPUT, "{} has {} bytes, over the limit of {}",
                describe(declared, b.index), b.size, limits.max_binding_size);
  }
  return {};
}

class Resolver {
 public:
  Resolver(const LaunchView& launch, const ir::EntryReflection& entry,
           const SokrComputeLimits& limits, Bounds bounds, ResolvedLaunch& out)
      : launch_(launch), entry_(entry), limits_(limits), bounds_(bounds), out_(out) {}

  Result<void> run() {
    SOKR_TRY(lay_out());
    for (std::uint32_t i = 0; i < launch_.binding_count(); ++i) {
      SOKR_TRY(place(launch_.binding(i), i));
    }
    SOKR_TRY(check_unused());
    return check_complete();
  }

 private:
  // out_.first[i + 1] becomes the count of elements of the runtime-sized array i, which ends at the
  // highest one that is named.
  Result<void> count_runtime_elements() {
    for (std::uint32_t i = 0; i < launch_.binding_count(); ++i) {
      const SokrBinding b = launch_.binding(i);
      const std::size_t at = find_reflected(entry_, b, i);
      if (at == entry_.bindings.size() || entry_.bindings[at].count != 0) continue;
      if (b.index >= kMaxRuntimeDescriptors) {
        return fail(SOKR_INVALID_INPUT, "{} is named with index {}; the largest possible is {}",
                    describe(entry_.bindings[at]), b.index, kMaxRuntimeDescriptors - 1);
      }
      out_.first[at + 1] = std::max(out_.first[at + 1], b.index + 1);
    }
    return {};
  }

  // One slot for each element, marked as unset by its set number. Nothing is allocated for what a
  // module merely claims, nor for more than one launch can name.
  Result<void> lay_out() {
    std::uint64_t sized = 0;
    bool has_runtime = false;
    // One null element if none is named: there is always something to bind.
    out_.first.resize(entry_.bindings.size() + 1, 1);
    out_.first[0] = 0;
    for (std::size_t at = 0; at < entry_.bindings.size(); ++at) {
      const std::uint32_t count = entry_.bindings[at].count;
      sized += count;
      if (count == 0)
        has_runtime = true;
      else
        out_.first[at + 1] = count;
    }
    if (sized > launch_.binding_count()) return first_missing();
    if (has_runtime) SOKR_TRY(count_runtime_elements());
    std::uint64_t runtime = 0;
    for (std::size_t at = 0; at < entry_.bindings.size(); ++at) {
      const ir::Binding& declared = entry_.bindings[at];
      if (declared.count == 0 && (runtime += out_.first[at + 1]) > kMaxRuntimeDescriptors) {
        return fail(SOKR_INVALID_INPUT,
                    "{} is named up to index {}, which makes {} elements of runtime-sized arrays "
                    "up to this one; {} are possible",
                    describe(declared), out_.first[at + 1] - 1, runtime, kMaxRuntimeDescriptors);
      }
      out_.first[at + 1] += out_.first[at];
    }
    ResolvedBinding slot;
    slot.set = kUnset;
    out_.bindings.resize(out_.first[entry_.bindings.size()], slot);
    return {};
  }

  // `index` is that of the binding in the launch, and a good guess where the kernel declares it.
  Result<void> place(const SokrBinding& b, std::size_t index) {
    const std::size_t at = find_reflected(entry_, b, index);
    if (at == entry_.bindings.size()) return ignore(b);
    const ir::Binding& declared = entry_.bindings[at];
    if (b.index >= out_.first[at + 1] - out_.first[at]) return ignore(b);
    ResolvedBinding& slot = out_.bindings[out_.first[at] + b.index];
    if (slot.set != kUnset) {
      return fail(SOKR_INVALID_INPUT, "{} is bound twice", describe(declared, b.index));
    }
    slot = {b.set,
            b.binding,
            b.index,
            declared.kind,
            declared.access,
            b.access,
            SOKR_BINDING_NULL,
            0,
            0,
            0,
            static_cast<std::uint32_t>(index)};
    if (b.kind == SOKR_BINDING_NULL) return {};
    SOKR_TRY(check_access(b, declared));
    SOKR_TRY(check_size(b, declared, limits_, bounds_));
    slot.source = static_cast<SokrBindingKind>(b.kind);
    slot.resource = b.resource;
    slot.offset = b.offset;
    slot.size = b.size;
    return {};
  }

  // The entry point does not use it. Nothing of it is looked at but its place.
  Result<void> ignore(const SokrBinding& b) {
    if (limits_.max_descriptor_sets != 0 && b.set >= limits_.max_descriptor_sets) {
      return fail(SOKR_INVALID_INPUT, "binding {}.{} is in set {}, over the limit of {} sets",
                  b.set, b.binding, b.set, limits_.max_descriptor_sets);
    }
    if (b.index >= kMaxRuntimeDescriptors) {
      return fail(SOKR_INVALID_INPUT,
                  "binding {}.{} is named with index {}; the largest possible is {}", b.set,
                  b.binding, b.index, kMaxRuntimeDescriptors - 1);
    }
    unused_.push_back({b.set, b.binding, b.index});
    return {};
  }

  Result<void> check_unused() {
    std::sort(unused_.begin(), unused_.end());
    const auto twice = std::adjacent_find(unused_.begin(), unused_.end());
    if (twice == unused_.end()) return {};
    const auto [set, binding, index] = *twice;
    return fail(SOKR_INVALID_INPUT, "binding {}.{}{} is bound twice", set, binding,
                index != 0 ? fmt::format("[{}]", index) : "");
  }

  Result<void> check_complete() {
    for (std::size_t at = 0; at < entry_.bindings.size(); ++at) {
      const ir::Binding& declared = entry_.bindings[at];
      for (std::uint32_t i = out_.first[at]; i < out_.first[at + 1]; ++i) {
        ResolvedBinding& slot = out_.bindings[i];
        if (slot.set != kUnset) continue;
        if (declared.count != 0) return missing(declared, i - out_.first[at]);
        slot = {declared.set,
                declared.binding,
                i - out_.first[at],
                declared.kind,
                declared.access,
                SOKR_ACCESS_READ_WRITE,
                SOKR_BINDING_NULL,
                0,
                0,
                0,
                ResolvedBinding::kNotGiven};
      }
    }
    return {};
  }

  // Of a launch that has fewer bindings than the kernel has elements of sized arrays.
  Failure first_missing() const {
    std::vector<std::pair<std::size_t, std::uint32_t>> given;  // position and index, in order
    given.reserve(launch_.binding_count());
    for (std::uint32_t i = 0; i < launch_.binding_count(); ++i) {
      const SokrBinding b = launch_.binding(i);
      given.emplace_back(find_reflected(entry_, b, i), b.index);
    }
    std::sort(given.begin(), given.end());
    auto next = given.begin();
    for (std::size_t at = 0;; ++at) {
      std::uint32_t index = 0;
      for (; next != given.end() && next->first == at; ++next)
        if (next->second == index) ++index;
      if (index < entry_.bindings[at].count) return missing(entry_.bindings[at], index);
    }
  }
  static Failure missing(const ir::Binding& declared, std::uint32_t index) {
    return fail(SOKR_INVALID_INPUT, "{} is missing: the kernel {} {}", describe(declared, index),
                access_name(declared.access), kind_name(declared.kind));
  }

  const LaunchView& launch_;
  const ir::EntryReflection& entry_;
  const SokrComputeLimits& limits_;
  const Bounds bounds_;
  ResolvedLaunch& out_;
  InlineVector<std::array<std::uint32_t, 3>, 8> unused_;  // set, binding, index
};

}  // namespace

std::span<const std::uint8_t> push_for(const LaunchView& launch, const ir::EntryReflection& entry) {
  return first_of(launch.push(), entry);
}

namespace {

// Walks along the launch's bindings and the entry point's, both in ascending order, so that none
// can be named twice.
bool has_plain_bindings(const LaunchView& launch, const ir::EntryReflection& entry,
                        const SokrComputeLimits& limits, Bounds bounds, PlainBindings& used) {
  const auto place_of = [](const auto& b) { return std::uint64_t{b.set} << 32 | b.binding; };
  const std::size_t declared_count = entry.bindings.size();
  std::uint64_t last = 0;
  for (std::uint32_t i = 0; i < launch.binding_count(); ++i) {
    const SokrBinding b = launch.binding(i);
    const std::uint64_t place = place_of(b);
    if ((i != 0 && place <= last) || b.index != 0 || b.kind == SOKR_BINDING_NULL) return false;
    last = place;
    if (used.size() == declared_count || place != place_of(entry.bindings[used.size()])) {
      // Not the next one: nobody's, or the last test finds the next one missing.
      if (limits.max_descriptor_sets != 0 && b.set >= limits.max_descriptor_sets) return false;
      continue;
    }
    const ir::Binding& declared = entry.bindings[used.size()];
    if (declared.count != 1 || (declared.access & ~b.access & 3u) != 0 ||
        !is_within(b.size, limits.max_binding_size) ||
        (bounds == Bounds::kUnchecked && b.size < declared.data_size))
      return false;
    used.push_back(i);
  }
  return used.size() == declared_count;
}

}  // namespace

// Each condition is one under which check_launch_alone has nothing to say, or to choose.
bool is_plain_launch(const LaunchView& launch, const ir::EntryReflection& entry,
                     const SokrComputeLimits& limits, std::uint32_t substrate_id, Bounds bounds,
                     PlainBindings& used) {
  if (launch.is_indirect() || launch.subgroup_size() != 0 || launch.has_base_groups() ||
      (launch.has_local_size() && launch.local_size() != entry.local_size))
    return false;
  const auto groups = launch.groups();
  if (axis_over_limit(limits, groups) < 3) return false;
  const std::size_t push_size = launch.push().size();
  if (!is_within(push_size, limits.max_push_constant_size)) return false;
  for (const ir::PushConstantMember& member : entry.push_constants)
    if (member.read_end > push_size) return false;
  for (std::uint32_t i = 0; substrate_id != 0 && i < launch.wait_count(); ++i)
    if (launch.wait_substrate(i) != substrate_id) return false;
  return has_plain_bindings(launch, entry, limits, bounds, used);
}

Failure never_issued(const LaunchView& launch, std::uint32_t index) {
  return fail(SOKR_INVALID_INPUT, "token {} to wait for, number {} of {}, was never issued",
              launch.wait(index), index, launch.wait_count());
}

Result<void> check_group_counts(const std::array<std::uint32_t, 3>& groups,
                                const SokrComputeLimits& limits) {
  const std::uint32_t axis = axis_over_limit(limits, groups);
  if (axis == 3) return {};
  return fail(SOKR_INVALID_INPUT, "{} workgroups in {} are over the limit of {}", groups[axis],
              kAxis[axis], limits.max_group_count[axis]);
}

Result<void> refuse_base_groups(const LaunchView& launch) {
  const auto& base = launch.base_groups();
  if (!launch.has_base_groups()) return {};
  return fail(SOKR_CAPABILITY_DENIED,
              "the launch starts at workgroup {},{},{} (base_groups); this substrate starts every "
              "launch at 0,0,0",
              base[0], base[1], base[2]);
}

Result<void> check_entry(const ir::EntryReflection& entry, const SokrComputeLimits& limits) {
  SOKR_TRY(check_local_size(entry.local_size, limits));
  if (!is_within(entry.workgroup_bytes, limits.max_shared_memory)) {
    return fail(SOKR_INVALID_INPUT, "{} needs {} bytes of shared memory, over the limit of {}",
                entry_name(entry), entry.workgroup_bytes, limits.max_shared_memory);
  }
  if (!is_within(entry.push_constant_size, limits.max_push_constant_size)) {
    return fail(SOKR_INVALID_INPUT, "{} needs {} bytes of push constants, over the limit of {}",
                entry_name(entry), entry.push_constant_size, limits.max_push_constant_size);
  }
  for (const ir::Binding& b : entry.bindings) {
    if (!is_buffer(b.kind)) {
      return fail(SOKR_INVALID_INPUT, "{} is {}; only storage and uniform buffers can be bound",
                  describe(b), kind_name(b.kind));
    }
    if (limits.max_descriptor_sets != 0 && b.set >= limits.max_descriptor_sets) {
      return fail(SOKR_INVALID_INPUT, "{} is in set {}, over the limit of {} descriptor sets",
                  describe(b), b.set, limits.max_descriptor_sets);
    }
  }
  return {};
}

Result<ResolvedLaunch> check_launch(const LaunchView& launch, const ir::EntryReflection& entry,
                                    const SokrComputeLimits& limits, std::uint32_t substrate_id,
                                    Bounds bounds) {
  SOKR_TRY(check_entry(entry, limits));
  return check_launch_alone(launch, entry, limits, substrate_id, bounds);
}

Result<ResolvedLaunch> check_launch_alone(const LaunchView& launch,
                                          const ir::EntryReflection& entry,
                                          const SokrComputeLimits& limits,
                                          std::uint32_t substrate_id, Bounds bounds) {
  ResolvedLaunch out;
  out.local_size = entry.local_size;
  if (launch.has_local_size() && launch.local_size() != entry.local_size) {
    out.local_size = launch.local_size();
    SOKR_TRY(check_local_size(out.local_size, limits));
  }
  out.subgroup_size = launch.subgroup_size();
  SOKR_TRY(check_subgroup_size(out.subgroup_size, limits));
  out.groups = launch.groups();
  if (!launch.is_indirect()) {
    SOKR_TRY(check_group_counts(out.groups, limits));
    out.base_groups = launch.base_groups();
    SOKR_TRY(check_base_groups(out.base_groups, out.groups, limits));
    out.empty = out.groups[0] == 0 || out.groups[1] == 0 || out.groups[2] == 0;
  }
  SOKR_ASSIGN(out.push, check_push(launch.push(), entry, limits));
  SOKR_TRY(check_waits(launch, substrate_id));
  SOKR_TRY(Resolver(launch, entry, limits, bounds, out).run());
  return out;
}

}  // namespace sokr::substrate
