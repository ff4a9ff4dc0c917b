// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From a pointer of the program to an Address: a base, a limit, and the offsets of lanes as far as
// they are known (steps, tables, rows of chunks). Emits arithmetic on offsets at the insertion
// point, loads of descriptors where the function begins, and no access.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ADDRESSES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ADDRESSES_HPP_

#include <optional>

#include "compiler/analysis/ranges.hpp"
#include "compiler/emit/builder/op.hpp"
#include "compiler/emit/frame/values.hpp"
#include "compiler/emit/memory/constant_tables.hpp"
#include "compiler/emit/memory/workgroup_memory.hpp"

namespace sokr::cpu {

class Addresses : Room {
 public:
  Addresses(VectorBuilder& builder, Frame& frame, Values& values, WorkgroupMemory& workgroup_memory,
            ConstantTables& constant_tables);

  Address address_of(Id pointer);
  // Of a buffer, or of element `index` of an array of them.
  Address buffer_address(const spirv::Variable& variable, const Val* index);
  // The pointer as a value: three numbers of 64 bits if it is Logical, else one.
  Leaves pointer_leaves(Id pointer);
  Leaves emit_pointer_test(const Op& op);  // comparisons and differences

  // Is there one place for all lanes?
  bool is_scalar_address(const Address& address) const;
  // Moves the address by index * stride bytes.
  void add_term(Address& address, const Val& index, LlvmType* type, std::int64_t stride);
  void add_reach(Address& address, const std::optional<Range>& index, std::int64_t stride);

 private:
  Placed pointee_of(const spirv::Type& pointer) const {
    return pointer.storage == spv::StorageClass::Workgroup
               ? workgroup_memory_.workgroup_place(pointer.element)
               : Placed{pointer.element, {}, 0};
  }
  void walk_chain(Address& address, const Inst& chain);
  llvm::LoadInst* table_field(LlvmValue* entry, std::uint64_t byte, LlvmType* type);
  LlvmValue* elements_of(std::uint32_t binding, LlvmValue* table);
  llvm::LoadInst* binding_size(llvm::LoadInst* size);
  Val held_index(const Val& index, std::int64_t stride);
  bool split_term(Address& address, Id index, std::int64_t stride);
  void track_part(Address& address, const Val& index, std::int64_t stride);
  LlvmValue* step_between_chunks(Id id);
  void track_step(Address& address, Id index, const Val& value, std::int64_t stride);
  bool leads_back(const Address& address) const;
  void fold_index(Address& address);
  bool is_wide_term(const Address& address, Id index, std::int64_t stride) const;
  void add_wide_term(Address& address, const Val& value, std::int64_t stride, bool is_signed);
  static constexpr unsigned kEntryBytes = sizeof(KernelBinding),
                            kEntryData = offsetof(KernelBinding, data),
                            kEntrySize = offsetof(KernelBinding, size);
  static constexpr std::uint64_t kPlaceOfElements = UINT32_MAX;
  // Descriptors: of which of the table's entries on, how many, and the entry in place of one that
  // is not there; null where there is one at least.
  struct Elements {
    LlvmValue *place, *count, *none;
  };
  LlvmValue* element_field(LlvmValue* table, const Elements& from, LlvmValue* index, unsigned byte,
                           LlvmType* type);
  const spirv::Type* buffer_array(Id pointer_type) const;
  Leaves array_leaves(const spirv::Variable& variable, const spirv::Type& array);
  Address element_of(const Leaves& array, const spirv::Type& type, const Val& index);
  Address root_address(Id root);
  bool may_be_live(const spirv::Type& pointer);
  Address dynamic_address(const Leaves& pointer, Id pointer_type);
  std::uint64_t element_stride(const spirv::Type& pointer, const Placed& pointee) const;

  Frame& frame_;
  Values& values_;
  WorkgroupMemory& workgroup_memory_;
  ConstantTables& constant_tables_;
  Ranges ranges_;
  std::optional<bool> some_member_is_live_;  // of any type of the module, once it was asked
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ADDRESSES_HPP_
