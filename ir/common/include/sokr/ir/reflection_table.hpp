// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From a description in C++ to the SokrIrReflection that a host gets, which owns all that it
// points to.
#ifndef SOKR_IR_REFLECTION_TABLE_HPP_
#define SOKR_IR_REFLECTION_TABLE_HPP_

#include <sokr/ir.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace sokr::ir {

// The pointers in the elements (names, types, shapes) point to constants or into what
// ReflectionDescription::keeps keeps.
struct EntryDescription {
  const char* name = "";
  std::array<std::uint32_t, 3> local_size{1, 1, 1};
  SokrIrLocalSizeSource local_size_source = SOKR_IR_LOCAL_SIZE_LITERAL;
  std::array<std::uint32_t, 3> local_size_spec_ids{SOKR_IR_NO_SPEC_ID, SOKR_IR_NO_SPEC_ID,
                                                   SOKR_IR_NO_SPEC_ID};
  std::uint64_t workgroup_bytes = 0;
  std::uint32_t push_size = 0;
  std::vector<SokrIrBinding> bindings;  // sorted by set, binding
  std::vector<SokrIrPushMember> push_members;
  std::vector<SokrIrPort> ports;
  // What lies in the blocks, as SokrIrEntryTypes has it. As many elements as bindings, and as
  // push members; without any, it is not known.
  std::vector<std::uint32_t> binding_scalars, push_read_ends;
  std::vector<SokrIrPushScalar> push_scalars;
};

struct ReflectionDescription {
  std::vector<EntryDescription> entry_points;
  std::vector<SokrIrSpecConstant> spec_constants;  // sorted by id
  std::vector<const char*> capabilities, extensions;
  std::shared_ptr<const void> keeps;
};

// The sizes of elements that a caller reads: those of this header, or of version 1.0.
struct ElementSizes {
  std::size_t entry_point = sizeof(SokrIrEntryPoint);
  std::size_t binding = sizeof(SokrIrBinding);
  std::size_t push_member = sizeof(SokrIrPushMember);
  std::size_t spec_constant = sizeof(SokrIrSpecConstant);
};
inline constexpr ElementSizes kSizes1_0{SOKR_IR_ENTRY_POINT_SIZE_1_0, SOKR_IR_BINDING_SIZE_1_0,
                                        SOKR_IR_PUSH_MEMBER_SIZE_1_0,
                                        SOKR_IR_SPEC_CONSTANT_SIZE_1_0};

// To be given to free_reflection once. Throws std::bad_alloc.
const SokrIrReflection* new_reflection(ReflectionDescription description,
                                       const ElementSizes& sizes);
// Of new_reflection, or null.
void free_reflection(const SokrIrReflection* reflection) noexcept;

}  // namespace sokr::ir

#endif  // SOKR_IR_REFLECTION_TABLE_HPP_
