// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What emission knows of the places of memory that a pointer leads to.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ADDRESS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ADDRESS_HPP_

#include "compiler/analysis/analysis.hpp"
#include "compiler/analysis/ranges.hpp"
#include "compiler/emit/builder/val.hpp"
#include "compiler/program/memory_layout.hpp"

namespace sokr::cpu {

enum class Space : std::uint8_t { kBuffer, kPush, kWorkgroup, kTable, kPhysical, kDynamic };

// A pointer to memory with a layout, as far as code is concerned.
struct Address {
  Space space = Space::kBuffer;
  LlvmValue* base = nullptr;   // ptr; null if kDynamic
  LlvmValue* limit = nullptr;  // i64, bytes from base that may be touched; null = unchecked
  Val begin, size;             // kDynamic: i64
  Val offset;                  // i64
  Val index;                   // i32, if `scale` is not 0: offset + index * scale
  std::int64_t scale = 0;
  Id lanes = 0;  // the value that `index` is
  // The places of a few tables together: what the lanes' offsets, 64 bits each, differ by in bytes
  // beside a base that each chunk has (i64), provided that `table_holds`. Null: not known.
  const Table* table = nullptr;
  Val table_base;
  LlvmValue* table_holds = nullptr;
  // While `parts`: the offset is also what all chunks have in common (null = 0) plus what
  // is each one's own (may be empty), provided `sums` (null = always). The second part
  // rarely changes in a loop around the access.
  bool parts = true;
  LlvmValue *common = nullptr, *sums = nullptr;
  Val own;
  // While `even`: the offsets of neighbouring chunks differ by `step` bytes (null = 0), provided
  // that the last chunk's index does not wrap (`unwrapped`; null = it cannot).
  bool even = false;
  LlvmValue *step = nullptr, *unwrapped = nullptr;
  // Of the offset and the index together, as far as they are known for every lane.
  std::optional<Range> reach = Range{};
  // While `counted`: the offset is this index, without sign, times its stride, plus a constant.
  bool counted = true;
  Val element;  // i32; empty = 0
  std::int64_t element_stride = 0, element_offset = 0;
  Placed placed;  // what is there
  int alias_scope = -1;
  bool invariant = false, is_volatile = false;
  Id root = 0;            // Workgroup: the variable's type
  bool anywhere = false;  // a pointer that was computed: nobody knows into what
};

// Elements between the same component of lanes that lie `distance` bytes apart, if all components
// of one lie in that space; 0 if there is no such pattern.
std::int64_t elements_apart(const spirv::Module& module, std::int64_t distance,
                            const std::vector<PlacedLeaf>& leaves);

// x * a + y * b of numbers that differ freely, all of it known to fit into 31 bits. Of two tables
// it is one.
Val joined_index(llvm::IRBuilder<>& b, const Geometry& geometry, const Val& x, std::int64_t a,
                 const Val& y, std::int64_t c);

// Adds what the address' index and this one, both tables, come to as places of lanes. Of more than
// 64 bits' worth of offsets nothing is lost: the index may be used as before.
void add_table(llvm::IRBuilder<>& b, const Geometry& geometry, Address& address, const Val& index,
               std::int64_t stride);

// Are an invocation's components the parts of one word, in order?
bool makes_words(const spirv::Module& module, std::int64_t step,
                 const std::vector<PlacedLeaf>& leaves);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ADDRESS_HPP_
