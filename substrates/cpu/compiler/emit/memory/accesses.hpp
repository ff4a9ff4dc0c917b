// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Chooses for each access of memory with a layout the way in which it is made, best first, and
// tells the plan which one and why not a better one.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ACCESSES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ACCESSES_HPP_

#include <vector>

#include "compiler/emit/memory/register_cache.hpp"
#include "compiler/emit/memory/runs.hpp"

namespace sokr::cpu {

// The ways that there are.
struct Strategies {
  Places& places;
  Lanes& lanes;
  Scalars& scalars;
  WideElements& elements;
  Words& words;
  Strides& strides;
  TableRows& table_rows;
  RegisterCache& cache;
  RunAccesses& runs;
};

// All of these act under the active mask. They may end the block and go on in another one.
class Accesses : Room {
 public:
  Accesses(VectorBuilder& builder, Addresses& addresses, const Strategies& strategies);

  Leaves load_memory(Address address, Id type);
  void store_memory(Address address, const Leaves& value);
  // Of some leaves of what lies there.
  Leaves load_leaves(Address address, const std::vector<PlacedLeaf>& leaves);
  void store_leaves(Address address, const std::vector<PlacedLeaf>& leaves, const Leaves& value);

 private:
  bool is_trusted(const Address& address) const;
  bool is_proven(const Address& address, const std::vector<PlacedLeaf>& leaves) const;

  Addresses& addresses_;
  const Strategies by_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_ACCESSES_HPP_
