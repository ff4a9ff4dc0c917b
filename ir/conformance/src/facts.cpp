// SPDX-License-Identifier: MIT OR Apache-2.0
#include "facts.hpp"

#include <fmt/format.h>

#include <sokr/base/elements.hpp>
#include <sokr/ir/conformance.hpp>

namespace sokr::ir {
namespace {

constexpr std::size_t kEntry1_0 = SOKR_IR_ENTRY_POINT_SIZE_1_0;

template <class T>
Elements<T> elements(const T* from, std::uint32_t count, std::size_t size, std::size_t least) {
  auto all = Elements<T>::of(from, count, size, least, "");
  return all ? *all : Elements<T>();
}

// What is wrong with a name is said elsewhere.
const char* text(const char* name) {
  return name != nullptr ? name : "(null)";
}

void add_bindings(const SokrIrEntryPoint& entry, bool has_sizes, std::string& out) {
  for (const SokrIrBinding& binding : bindings_of(entry, has_sizes)) {
    out += fmt::format(
        "  binding {}.{} count {} kind {} access {} stride {} bytes {} image {}/{}/{}/{}\n",
        binding.set, binding.binding, binding.count, binding.kind, binding.access,
        binding.runtime_stride, binding.min_size, binding.image_flags, binding.dimension,
        binding.image_format, binding.sampled_type);
  }
}

}  // namespace

std::vector<SokrIrEntryPoint> entries_of(const SokrIrReflection& all) {
  const bool is_sized = SOKR_HAS(SokrIrReflection, &all, entry_point_size);
  const auto from = elements(all.entry_points, all.entry_point_count,
                             is_sized ? all.entry_point_size : kEntry1_0, kEntry1_0);
  std::vector<SokrIrEntryPoint> out;
  for (std::uint32_t i = 0; i < from.size(); ++i) out.push_back(from[i]);
  return out;
}

std::vector<SokrIrSpecConstant> constants_of(const SokrIrReflection& all) {
  const bool is_sized = SOKR_HAS(SokrIrReflection, &all, spec_constant_size);
  const auto from = elements(all.spec_constants, all.spec_constant_count,
                             is_sized ? all.spec_constant_size : SOKR_IR_SPEC_CONSTANT_SIZE_1_0,
                             SOKR_IR_SPEC_CONSTANT_SIZE_1_0);
  std::vector<SokrIrSpecConstant> out;
  for (std::uint32_t i = 0; i < from.size(); ++i) out.push_back(from[i]);
  return out;
}

bool has_sizes(const SokrIrReflection& all) {
  return !SOKR_HAS(SokrIrReflection, &all, entry_point_size) ||
                 all.entry_point_size < SOKR_SIZE_THROUGH(SokrIrEntryPoint, push_member_size)
             ? false
             : true;
}

std::vector<SokrIrBinding> bindings_of(const SokrIrEntryPoint& entry, bool sized) {
  const auto from =
      elements(entry.bindings, entry.binding_count,
               sized ? entry.binding_size : SOKR_IR_BINDING_SIZE_1_0, SOKR_IR_BINDING_SIZE_1_0);
  std::vector<SokrIrBinding> out;
  for (std::uint32_t i = 0; i < from.size(); ++i) out.push_back(from[i]);
  return out;
}

std::vector<SokrIrPushMember> members_of(const SokrIrEntryPoint& entry, bool sized) {
  const auto from = elements(entry.push_members, entry.push_member_count,
                             sized ? entry.push_member_size : SOKR_IR_PUSH_MEMBER_SIZE_1_0,
                             SOKR_IR_PUSH_MEMBER_SIZE_1_0);
  std::vector<SokrIrPushMember> out;
  for (std::uint32_t i = 0; i < from.size(); ++i) out.push_back(from[i]);
  return out;
}

std::vector<SokrIrPort> ports_of(const SokrIrEntryPoint& entry, bool sized) {
  const auto from = elements(entry.ports, sized ? entry.port_count : 0, entry.port_size,
                             SOKR_SIZE_THROUGH(SokrIrPort, offset));
  std::vector<SokrIrPort> out;
  for (std::uint32_t i = 0; i < from.size(); ++i) out.push_back(from[i]);
  return out;
}

std::optional<SokrIrEntryTypes> types_of(const SokrIrReflection& all, std::uint32_t index) {
  if (!SOKR_HAS(SokrIrReflection, &all, entry_types) || all.entry_types == nullptr) return {};
  SokrIrEntryTypes types;
  (void)sokr_copy_sized(
      &types, sizeof types,
      SOKR_ELEMENT(SokrIrEntryTypes, all.entry_types, all.entry_types_size, index),
      all.entry_types_size);
  return types;
}

std::string launch_facts(const SokrIrReflection& all) {
  std::string out;
  const std::vector<SokrIrEntryPoint> entries = entries_of(all);
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    const SokrIrEntryPoint& entry = entries[i];
    out += fmt::format("entry point '{}' of {} x {} x {}, from {}, constants {:#x} {:#x} {:#x}\n",
                       text(entry.name), entry.local_size[0], entry.local_size[1],
                       entry.local_size[2], entry.local_size_source, entry.local_size_spec_ids[0],
                       entry.local_size_spec_ids[1], entry.local_size_spec_ids[2]);
    out += fmt::format("  workgroup bytes {}, push bytes {}\n", entry.workgroup_bytes,
                       entry.push_size);
    add_bindings(entry, has_sizes(all), out);
    const auto types = types_of(all, i);
    if (!types) continue;
    for (std::uint32_t p = 0; types->push_scalars && p < types->push_scalar_count; ++p) {
      const auto* scalar =
          SOKR_ELEMENT(SokrIrPushScalar, types->push_scalars, types->push_scalar_size, p);
      out += fmt::format("  push {} type {}\n", scalar->offset, scalar->type);
    }
    for (std::uint32_t b = 0; types->binding_scalars && b < entry.binding_count; ++b)
      out += fmt::format("  scalars {:#x}\n", types->binding_scalars[b]);
  }
  for (const SokrIrSpecConstant& constant : constants_of(all)) {
    out += fmt::format("constant {} type {} default {:#x} '{}'\n", constant.id, constant.type,
                       constant.default_value, text(constant.name));
  }
  return out;
}

}  // namespace sokr::ir
