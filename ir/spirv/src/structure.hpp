// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Orders a function's blocks so that every construct is a contiguous range, and finds
// the constructs. Knows blocks by number only.
#ifndef SOKR_SPIRV_SRC_STRUCTURE_HPP_
#define SOKR_SPIRV_SRC_STRUCTURE_HPP_

#include <sokr/spirv/module.hpp>

namespace sokr::spirv {

struct FlowBlock {
  std::uint32_t first = 0, count = 0;  // its range of FlowGraph::targets
  std::uint32_t merge = kNone, continue_target = kNone;
  MergeKind merge_kind = MergeKind::kNone;
  bool is_switch = false;
};

// Block 0 is the entry.
struct FlowGraph {
  std::vector<FlowBlock> blocks;
  std::vector<std::uint32_t> targets;
  bool structured = true;

  std::span<const std::uint32_t> successors(std::uint32_t block) const {
    return std::span(targets).subspan(blocks[block].first, blocks[block].count);
  }
};

struct Structure {
  std::vector<std::uint32_t> order;      // blocks in the model's order
  std::vector<std::uint32_t> position;   // per block of the graph; kNone = dropped
  std::vector<bool> reachable;           // per block of the graph, along real edges
  std::vector<Construct> constructs;     // positions, not block numbers
  std::vector<std::uint32_t> innermost;  // per position
};

struct StructureError {
  std::uint32_t block = kNone;  // of the graph
  std::string sentence;         // "... block", to follow the block's label
};

// An error has a block. Time is near linear.
StructureError find_structure(const FlowGraph& flow, Structure& out);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_STRUCTURE_HPP_
