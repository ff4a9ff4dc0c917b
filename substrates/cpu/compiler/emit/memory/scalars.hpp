// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One element for all lanes, or one for each chunk.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_SCALARS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_SCALARS_HPP_

#include "compiler/emit/memory/places.hpp"

namespace sokr::cpu {

class Scalars : Room {
 public:
  Scalars(VectorBuilder& builder, Frame& frame, Places& places)
      : Room(builder), frame_(frame), places_(places) {}

  // Is the load that follows the same in every round of its loop?
  void expect_steady(bool steady) { steady_ = steady; }
  Leaves load_uniform(const Address& address, const std::vector<PlacedLeaf>& leaves);
  // Chunks whose places are tested together.
  Leaves load_rows(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_uniform(const Address& address, const std::vector<PlacedLeaf>& leaves,
                     const Leaves& value);

 private:
  LlvmValue* parts_in_bounds(const Address& address, std::int64_t low, std::int64_t high);
  Leaves load_uniform_parts(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_lone(const Address& address, const PlacedLeaf& leaf);

  Frame& frame_;
  Places& places_;
  bool steady_ = false;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_SCALARS_HPP_
