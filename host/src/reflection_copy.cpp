// SPDX-License-Identifier: MIT OR Apache-2.0
#include "reflection_copy.hpp"

#include "sized.hpp"

namespace sokr::host {
namespace {

// The first header had no reflections without these two, and no later one may be shorter.
constexpr std::size_t kLeastEntryTypes = SOKR_SIZE_THROUGH(SokrIrEntryTypes, push_scalar_size);
constexpr std::size_t kLeastPushScalar = SOKR_SIZE_THROUGH(SokrIrPushScalar, type);
constexpr std::size_t kLeastPort = SOKR_SIZE_THROUGH(SokrIrPort, offset);

// Elements of another size, in a place that stays.
template <class T>
const ElementArray<T>& copy_to(std::deque<ElementArray<T>>& place, const Elements<T>& from,
                               std::size_t size) {
  ElementArray<T>& copy = place.emplace_back(size);
  for (std::uint32_t i = 0; i < from.size(); ++i) copy.push_back(from[i]);
  return copy;
}

}  // namespace

ReflectionSizes ReflectionSizes::of_1_0() {
  ReflectionSizes sizes;
  sizes.reflection = SOKR_SIZE_THROUGH(SokrIrReflection, entry_types);
  sizes.entry_point = SOKR_IR_ENTRY_POINT_SIZE_1_0;
  sizes.binding = SOKR_IR_BINDING_SIZE_1_0;
  sizes.push_member = SOKR_IR_PUSH_MEMBER_SIZE_1_0;
  sizes.spec_constant = SOKR_IR_SPEC_CONSTANT_SIZE_1_0;
  return sizes;
}

Result<std::unique_ptr<const ReflectionCopy>> ReflectionCopy::make(const SokrIrReflection* original,
                                                                   const ReflectionSizes& sizes) {
  std::unique_ptr<ReflectionCopy> copy(new ReflectionCopy(sizes));
  SOKR_ASSIGN(copy->table_, sized_copy(original, SOKR_SIZE_THROUGH(SokrIrReflection, entry_points),
                                       "SokrIrReflection"));
  SOKR_TRY(copy->fill());
  return std::unique_ptr<const ReflectionCopy>(std::move(copy));
}

Result<void> ReflectionCopy::fill() {
  const bool says_sizes = SOKR_HAS(SokrIrReflection, &table_, spec_constant_size);
  SOKR_ASSIGN(const auto entries,
              Elements<SokrIrEntryPoint>::of(
                  table_.entry_points, table_.entry_point_count,
                  says_sizes ? table_.entry_point_size : SOKR_IR_ENTRY_POINT_SIZE_1_0,
                  SOKR_IR_ENTRY_POINT_SIZE_1_0, "SokrIrEntryPoint"));
  entries_say_sizes_ = entries.stride() >= SOKR_SIZE_THROUGH(SokrIrEntryPoint, push_member_size);
  for (std::uint32_t i = 0; i < entries.size(); ++i) SOKR_TRY(add_entry(entries[i]));
  SOKR_ASSIGN(const auto constants,
              Elements<SokrIrSpecConstant>::of(
                  table_.spec_constants, table_.spec_constant_count,
                  says_sizes ? table_.spec_constant_size : SOKR_IR_SPEC_CONSTANT_SIZE_1_0,
                  SOKR_IR_SPEC_CONSTANT_SIZE_1_0, "SokrIrSpecConstant"));
  for (std::uint32_t i = 0; i < constants.size(); ++i) constants_.push_back(constants[i]);
  // These have their size from the first: without it there are none.
  const auto* types_given = table_.entry_types_size ? table_.entry_types : nullptr;
  SOKR_ASSIGN(const auto types, Elements<SokrIrEntryTypes>::of(
                                    types_given, table_.entry_point_count, table_.entry_types_size,
                                    kLeastEntryTypes, "SokrIrEntryTypes"));
  for (std::uint32_t i = 0; i < types.size(); ++i) SOKR_TRY(add_types(types[i]));
  table_.struct_size = static_cast<std::uint32_t>(sizes_.reflection);
  table_.entry_points = entries_.data();
  table_.entry_point_count = entries_.count();
  table_.entry_point_size = entries_.element_size();
  table_.spec_constants = constants_.data();
  table_.spec_constant_count = constants_.count();
  table_.spec_constant_size = constants_.element_size();
  table_.entry_types = types_.data();
  table_.entry_types_size = types_.element_size();
  return {};
}

Result<void> ReflectionCopy::add_entry(SokrIrEntryPoint entry) {
  const bool says_sizes = entries_say_sizes_;
  SOKR_ASSIGN(const auto bindings, Elements<SokrIrBinding>::of(
                                       entry.bindings, entry.binding_count,
                                       says_sizes ? entry.binding_size : SOKR_IR_BINDING_SIZE_1_0,
                                       SOKR_IR_BINDING_SIZE_1_0, "SokrIrBinding"));
  SOKR_ASSIGN(const auto members,
              Elements<SokrIrPushMember>::of(
                  entry.push_members, entry.push_member_count,
                  says_sizes ? entry.push_member_size : SOKR_IR_PUSH_MEMBER_SIZE_1_0,
                  SOKR_IR_PUSH_MEMBER_SIZE_1_0, "SokrIrPushMember"));
  SOKR_ASSIGN(const auto ports,
              Elements<SokrIrPort>::of(entry.ports, entry.port_count, entry.port_size, kLeastPort,
                                       "SokrIrPort"));
  for (std::uint32_t i = 0; i < ports.size(); ++i) {
    const SokrIrPort port = ports[i];
    if (port.name == nullptr || *port.name == 0)
      return fail(SOKR_INVALID_INPUT, "its port {} has no name", i);
    if (port.rank != 0 && port.shape == nullptr) {
      return fail(SOKR_INVALID_INPUT, "its port {} has {} dimensions and no shape", port.name,
                  port.rank);
    }
  }
  const auto& own_bindings = copy_to(bindings_, bindings, sizes_.binding);
  const auto& own_members = copy_to(push_members_, members, sizes_.push_member);
  const auto& own_ports = copy_to(ports_, ports, sizes_.port);
  entry.bindings = own_bindings.data();
  entry.binding_count = own_bindings.count();
  entry.binding_size = own_bindings.element_size();
  entry.push_members = own_members.data();
  entry.push_member_count = own_members.count();
  entry.push_member_size = own_members.element_size();
  entry.ports = own_ports.data();
  entry.port_count = own_ports.count();
  entry.port_size = own_ports.element_size();
  entries_.push_back(entry);
  return {};
}

Result<void> ReflectionCopy::add_types(SokrIrEntryTypes types) {
  const auto* given = types.push_scalar_size ? types.push_scalars : nullptr;
  SOKR_ASSIGN(const auto scalars,
              Elements<SokrIrPushScalar>::of(given, types.push_scalar_count, types.push_scalar_size,
                                             kLeastPushScalar, "SokrIrPushScalar"));
  const auto& own = copy_to(push_scalars_, scalars, sizes_.push_scalar);
  types.push_scalars = own.data();
  types.push_scalar_count = own.count();
  types.push_scalar_size = own.element_size();
  types_.push_back(types);
  return {};
}

}  // namespace sokr::host
