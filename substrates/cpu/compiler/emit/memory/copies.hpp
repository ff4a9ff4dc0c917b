// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Values of many scalars, from memory to memory: loops.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_COPIES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_COPIES_HPP_

#include "compiler/emit/memory/private_memory.hpp"

namespace sokr::cpu {

class Copies : Room {
 public:
  Copies(VectorBuilder& builder, Branches& branches, Values& values, ConstantTables& tables,
         Addresses& addresses, RegisterCache& cache, Accesses& accesses,
         PrivateMemory& private_memory)
      : Room(builder),
        branches_(branches),
        values_(values),
        constant_tables_(tables),
        addresses_(addresses),
        cache_(cache),
        accesses_(accesses),
        private_memory_(private_memory) {}

  // Of a value of this type, of invocations for which `condition` holds (0: of all).
  void emit_copy(Id to, Id from, Id condition, Id type);

 private:
  struct Bulk;
  Bulk bulk_of(Id id, Id type);
  Bulk bulk_member(const Bulk& whole, Id type, std::uint32_t member);
  Bulk bulk_element(const Bulk& whole, Id type, LlvmValue* number, std::uint32_t count);
  void advance(Address& address, const Val& number, std::int64_t stride, Range range);
  void copy_part(const Bulk& to, const Bulk& from, Id type);
  void copy_whole(const Bulk& to, const Bulk& from, Id type);

  Branches& branches_;
  Values& values_;
  ConstantTables& constant_tables_;
  Addresses& addresses_;
  RegisterCache& cache_;
  Accesses& accesses_;
  PrivateMemory& private_memory_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_COPIES_HPP_
