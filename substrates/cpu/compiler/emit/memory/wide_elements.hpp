// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elements of several components that lie apart: one access moves what a lane has side by side, and
// transposes make the components' vectors.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WIDE_ELEMENTS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WIDE_ELEMENTS_HPP_

#include "compiler/analysis/lane_groups.hpp"
#include "compiler/emit/memory/lanes.hpp"

namespace sokr::cpu {

class WideElements : Room {
 public:
  WideElements(VectorBuilder& builder, Frame& frame, Places& places, Lanes& lanes)
      : Room(builder), frame_(frame), places_(places), lanes_(lanes), groups_(p_, a_, g_.width) {}

  // How many accesses of a lane move such an element, and the element of each lane's pointer.
  unsigned element_accesses(const std::vector<PlacedLeaf>& leaves) const;
  LlvmValues load_elements(const Address& address, const std::vector<PlacedLeaf>& leaves,
                           llvm::ArrayRef<LlvmValue*> pointers);
  // Of how many lanes each the elements are known to follow one another, if that is worth a load
  // for each such group; 0 if not.
  unsigned lanes_of_groups(const Address& address, const std::vector<PlacedLeaf>& leaves);
  Leaves load_groups(const Address& address, const std::vector<PlacedLeaf>& leaves, unsigned lanes);
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
  // Elements of so many lanes each are one load.
  Leaves load_scattered(const Address& address, const std::vector<PlacedLeaf>& leaves,
                        unsigned lanes);
  LlvmValues load_rows_of_groups(const Address& address, const std::vector<PlacedLeaf>& leaves,
                                 LlvmValue* pointers, unsigned lanes);
  LlvmValue* are_groups_whole(LlvmValue* who, unsigned lanes);
  Leaves load_table(const Address& address, const std::vector<PlacedLeaf>& leaves);

  Frame& frame_;
  Places& places_;
  Lanes& lanes_;
  LaneGroups groups_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WIDE_ELEMENTS_HPP_
