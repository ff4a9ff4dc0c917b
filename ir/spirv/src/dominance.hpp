// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which block lies on every way from the entry to another one.
#ifndef SOKR_SPIRV_SRC_DOMINANCE_HPP_
#define SOKR_SPIRV_SRC_DOMINANCE_HPP_

#include <sokr/spirv/module.hpp>

namespace sokr::spirv {

// The dominator tree of a structured function: its blocks are in reverse post-order, and back
// edges lead to a dominator. Blocks that are not reachable hang below the entry. Making it and
// asking it take a time that grows with the logarithm of the depth.
class Dominators {
 public:
  explicit Dominators(const std::vector<Block>& blocks);

  std::uint32_t depth(BlockIndex block) const { return depth_[block]; }  // of the entry: 0
  bool dominates(BlockIndex above, BlockIndex below) const;

 private:
  BlockIndex common(BlockIndex a, BlockIndex b) const;
  BlockIndex ancestor(BlockIndex block, std::uint32_t depth) const;

  std::vector<BlockIndex> parent_, jump_;  // jump_: an ancestor far up
  std::vector<std::uint32_t> depth_;
};

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_DOMINANCE_HPP_
