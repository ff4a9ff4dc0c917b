// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which parts of a kernel lie between barriers, where a workgroup is several passes: a region is a
// loop over them. Decided before anything is emitted, from the program and its analysis alone.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_REGION_PLAN_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_REGION_PLAN_HPP_

#include <vector>

#include "compiler/emit/builder/room.hpp"

namespace sokr::cpu {

class RegionPlan : Room {
 public:
  explicit RegionPlan(VectorBuilder& builder);

  // Numbers the regions. Before any question below but the first two.
  void plan_regions();

  bool splits() const;  // is the kernel cut at barriers?
  bool is_split(std::uint32_t construct) const;
  std::uint32_t region_of(std::uint32_t block) const { return region_[block]; }
  // Is the mask of the block that of its construct, so that nobody keeps it?
  bool is_mask_known(std::uint32_t block) const { return mask_known_[block]; }
  // Is the mask of a block of a split construct kept in a slot?
  bool keeps_mask(std::uint32_t block) const;
  // Is whoever is in the item at `before`, the one ahead of `block`, all that comes to `block`,
  // with no barrier between?
  bool goes_on(std::uint32_t construct, std::uint32_t before, std::uint32_t block) const;
  // The outermost construct inside `construct` that begins at `block`; kNone = none.
  std::uint32_t item_at(std::uint32_t block, std::uint32_t construct) const;

 private:
  bool everyone_comes(std::uint32_t construct) const;
  void number_regions(std::uint32_t construct, std::uint32_t& next);

  std::vector<std::uint32_t> region_;  // by block
  std::vector<bool> mask_known_;       // by block
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_REGION_PLAN_HPP_
