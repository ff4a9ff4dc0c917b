// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <deque>
#include <sokr/base/elements.hpp>
#include <sokr/ir/reflection_table.hpp>
#include <utility>

namespace sokr::ir {
namespace {

// The C tables point into the description and the arrays that lie beside them.
struct OwnedReflection : SokrIrReflection {
  OwnedReflection(ReflectionDescription given, const ElementSizes& element_sizes)
      : SokrIrReflection{},
        description(std::move(given)),
        sizes(element_sizes),
        entries(sizes.entry_point),
        constants(sizes.spec_constant) {}
  OwnedReflection(const OwnedReflection&) = delete;
  OwnedReflection& operator=(const OwnedReflection&) = delete;

  ReflectionDescription description;
  ElementSizes sizes;
  ElementArray<SokrIrEntryPoint> entries;
  std::deque<ElementArray<SokrIrBinding>> bindings;
  std::deque<ElementArray<SokrIrPushMember>> push_members;
  std::vector<SokrIrEntryTypes> types;
  ElementArray<SokrIrSpecConstant> constants;
};

template <class T>
const T* data_or_null(const std::vector<T>& all) {
  return all.empty() ? nullptr : all.data();
}

template <class T>
std::uint32_t count(const std::vector<T>& all) {
  return static_cast<std::uint32_t>(all.size());
}

template <class T>
const ElementArray<T>& add_array(std::deque<ElementArray<T>>& arrays, const std::vector<T>& from,
                                 std::size_t size) {
  ElementArray<T>& to = arrays.emplace_back(size);
  for (const T& element : from) to.push_back(element);
  return to;
}

void add_entry(OwnedReflection& owned, const EntryDescription& entry) {
  SokrIrEntryPoint out{};
  out.name = entry.name;
  std::copy(entry.local_size.begin(), entry.local_size.end(), out.local_size);
  out.local_size_source = entry.local_size_source;
  std::copy(entry.local_size_spec_ids.begin(), entry.local_size_spec_ids.end(),
            out.local_size_spec_ids);
  out.workgroup_bytes = entry.workgroup_bytes;
  out.push_size = entry.push_size;
  const auto& bindings = add_array(owned.bindings, entry.bindings, owned.sizes.binding);
  out.bindings = bindings.data();
  out.binding_count = bindings.count();
  out.binding_size = bindings.element_size();
  const auto& members = add_array(owned.push_members, entry.push_members, owned.sizes.push_member);
  out.push_members = members.data();
  out.push_member_count = members.count();
  out.push_member_size = members.element_size();
  out.ports = data_or_null(entry.ports);
  out.port_count = count(entry.ports);
  out.port_size = sizeof(SokrIrPort);
  owned.entries.push_back(out);
  owned.types.push_back({data_or_null(entry.binding_scalars), data_or_null(entry.push_scalars),
                         count(entry.push_scalars), sizeof(SokrIrPushScalar),
                         data_or_null(entry.push_read_ends)});
}

// The scalars of a binding are counted like the bindings, so that none of them means not known.
void complete(EntryDescription& entry) {
  entry.binding_scalars.resize(entry.bindings.size());
}

}  // namespace

const SokrIrReflection* new_reflection(ReflectionDescription description,
                                       const ElementSizes& sizes) {
  auto owned = std::make_unique<OwnedReflection>(std::move(description), sizes);
  const ReflectionDescription& from = owned->description;
  for (EntryDescription& entry : owned->description.entry_points) complete(entry);
  for (const EntryDescription& entry : from.entry_points) add_entry(*owned, entry);
  for (const SokrIrSpecConstant& constant : from.spec_constants) {
    owned->constants.push_back(constant);
  }
  owned->struct_size = sizeof(SokrIrReflection);
  owned->entry_points = owned->entries.data();
  owned->entry_point_count = owned->entries.count();
  owned->entry_point_size = owned->entries.element_size();
  owned->entry_types = data_or_null(owned->types);
  owned->entry_types_size = sizeof(SokrIrEntryTypes);
  owned->spec_constants = owned->constants.data();
  owned->spec_constant_count = owned->constants.count();
  owned->spec_constant_size = owned->constants.element_size();
  owned->capabilities = data_or_null(from.capabilities);
  owned->capability_count = count(from.capabilities);
  owned->extensions = data_or_null(from.extensions);
  owned->extension_count = count(from.extensions);
  return owned.release();
}

void free_reflection(const SokrIrReflection* reflection) noexcept {
  delete static_cast<const OwnedReflection*>(reflection);
}

}  // namespace sokr::ir
