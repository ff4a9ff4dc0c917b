// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Jump pointers as in a skew-binary list: from any block the way up to any depth takes a
// logarithm of steps, and each block keeps one pointer.
#include "dominance.hpp"

#include "work.hpp"

namespace sokr::spirv {

Dominators::Dominators(const std::vector<Block>& blocks)
    : parent_(blocks.size(), 0), jump_(blocks.size(), 0), depth_(blocks.size(), 0) {
  for (BlockIndex at = 1; at < blocks.size(); ++at) {
    BlockIndex above = kNone;
    for (const BlockIndex from : blocks[at].predecessors) {
      count_work();
      if (from >= at || blocks[from].reachable != blocks[at].reachable) continue;
      above = above == kNone ? from : common(above, from);
    }
    if (above == kNone) above = 0;
    parent_[at] = above;
    depth_[at] = depth_[above] + 1;
    const BlockIndex far = jump_[above];
    const bool joins = depth_[above] - depth_[far] == depth_[far] - depth_[jump_[far]];
    jump_[at] = joins ? jump_[far] : above;
  }
}

BlockIndex Dominators::ancestor(BlockIndex block, std::uint32_t depth) const {
  while (depth_[block] > depth) {
    count_work();
    block = depth_[jump_[block]] >= depth ? jump_[block] : parent_[block];
  }
  return block;
}

BlockIndex Dominators::common(BlockIndex a, BlockIndex b) const {
  if (depth_[a] > depth_[b]) a = ancestor(a, depth_[b]);
  if (depth_[b] > depth_[a]) b = ancestor(b, depth_[a]);
  while (a != b) {
    count_work();
    const bool is_far = jump_[a] != jump_[b];
    a = is_far ? jump_[a] : parent_[a];
    b = is_far ? jump_[b] : parent_[b];
  }
  return a;
}

bool Dominators::dominates(BlockIndex above, BlockIndex below) const {
  return depth_[above] <= depth_[below] && ancestor(below, depth_[above]) == above;
}

}  // namespace sokr::spirv
