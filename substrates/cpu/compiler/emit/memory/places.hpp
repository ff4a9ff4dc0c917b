// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From an Address to LLVM pointers and tests of what is in range, and from values to what memory
// has of them. Straight code at the insertion point.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_PLACES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_PLACES_HPP_

#include <vector>

#include "compiler/emit/frame/frame.hpp"
#include "compiler/emit/memory/address.hpp"

namespace sokr::cpu {

// Places that are constants, in bytes, by lane.
using Offsets = llvm::SmallVector<std::int64_t, 16>;

class Places : Room {
 public:
  Places(VectorBuilder& builder, Frame& frame) : Room(builder), frame_(frame) {}

  // ---- Pointers, `offset` bytes beside the address
  LlvmValue* element_pointer(const Address& address, unsigned chunk,
                             std::int64_t offset);  // lane 0
  LlvmValue* lane_pointers(const Address& address, unsigned chunk, std::int64_t offset);
  // Of the first lane; `before` is that of the chunk before, null for the first.
  LlvmValue* row_pointer(const Address& address, unsigned chunk, std::int64_t offset,
                         LlvmValue* before);

  // Of elements side by side each is counted by an index of its own, since the first may lie before
  // where they begin, and the others not: by so many more than the address's the one at `offset`
  // is.
  static std::int64_t elements_before(const Address& address, std::int64_t offset) {
    return address.scale > 0 && offset > 0 ? offset / address.scale : 0;
  }

  // ---- Tests: are [low, high) bytes beside the address in range?
  LlvmValue* lane_in_bounds(const Address& address, unsigned chunk, std::int64_t low,
                            std::int64_t high);  // of each lane
  LlvmValue* range_in_bounds(const Address& address, std::int64_t low,
                             std::int64_t high);  // of all lanes and chunks
  bool is_inside(const Address& address, std::int64_t low, std::int64_t high) const;  // always?
  // Is one test of the first and of the last chunk enough for all?
  bool has_even_rows(const Address& address) const;
  LlvmValue* room(LlvmValue* limit, std::int64_t span);  // of `limit` bytes, where a span may begin

  // ---- Values in memory: bools are words
  LlvmType* memory_type(Id scalar) const;
  LlvmValue* to_memory(LlvmValue* value);
  LlvmValue* from_memory(LlvmValue* value, Id scalar);
  // Tells LLVM what is known of the memory that is accessed.
  template <class Instruction>
  Instruction* annotate(Instruction* inst, const Address& address);

  // ---- What is chosen for an access, told to CompileOptions::trace. The robust path of an access
  // is not an access of its own.
  void note(const char* decision, const Address& address,
            const std::vector<PlacedLeaf>& leaves) const;
  void note(const char* decision) const;

 private:
  LlvmValue* last_offset(const Address& address);
  bool always_inside(const Address& address, unsigned chunk, LlvmValue* start, std::int64_t span);

  Frame& frame_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_PLACES_HPP_
