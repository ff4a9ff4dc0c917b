// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elements of several components that lie apart: one access moves what a lane has side by side, and
// transposes make the components' vectors.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WIDE_ELEMENTS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WIDE_ELEMENTS_HPP_

#include "compiler/emit/memory/lanes.hpp"

namespace sokr::cpu {

class WideElements : Room {
 public:
  WideElements(VectorBuilder& builder, Frame& frame, Places& places, Lanes& lanes)
      : Room(builder), frame_(frame), places_(places), lanes_(lanes) {}

  // How many accesses of a lane move such an element, and the element of each lane's pointer.
  unsigned element_accesses(const std::vector<PlacedLeaf>& leaves) const;
  LlvmValues load_elements(const Address& address, const std::vector<PlacedLeaf>& leaves,
                           llvm::ArrayRef<LlvmValue*> pointers);
  // By the best way there is, if no better one than lane by lane.
  Leaves load_apart(const Address& address, const std::vector<PlacedLeaf>& leaves);
  // Stores to places that are constants beside a base.
  bool has_table_elements(const Address& address, const std::vector<PlacedLeaf>& leaves);
  void store_table(const Address& address, const std::vector<PlacedLeaf>& leaves,
                   const Leaves& value);

 private:
  bool has_wide_elements(const std::vector<PlacedLeaf>& leaves) const;
  LlvmValues load_shared_elements(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                  LlvmValue* start, const Offsets& places);
  Leaves load_scattered(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_table(const Address& address, const std::vector<PlacedLeaf>& leaves);

  Frame& frame_;
  Places& places_;
  Lanes& lanes_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WIDE_ELEMENTS_HPP_
