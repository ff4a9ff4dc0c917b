// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/unreached.hpp"

#include <algorithm>

namespace sokr::cpu {

std::vector<Reach> reach_of_blocks(const Program& program) {
  std::vector<Reach> all(program.blocks.size(), Reach::kNot);
  std::vector<std::uint32_t> open;
  // From `first` on, to blocks from `begin` to before `end`.
  const auto spread = [&](std::uint32_t first, Reach reach, std::uint32_t begin,
                          std::uint32_t end) {
    const auto come_to = [&](std::uint32_t block) {
      if (block < begin || block >= end || all[block] != Reach::kNot) return;
      all[block] = reach;
      open.push_back(block);
    };
    come_to(first);
    while (!open.empty()) {
      const Block& block = program.blocks[open.back()];
      open.pop_back();
      for (const std::uint32_t target : block.targets) come_to(target);
      for (const Case& one : block.cases) come_to(one.target);
    }
  };
  const auto count = static_cast<std::uint32_t>(all.size());
  spread(0, Reach::kReached, 0, count);
  for (const Construct& one : program.constructs)
    if (one.kind == ConstructKind::kLoop && all[one.header] != Reach::kNot)
      spread(one.continue_target, Reach::kKept, one.continue_target, std::min(one.end, count));
  return all;
}

bool is_way(const std::vector<Reach>& reach, std::uint32_t from, std::uint32_t to) {
  if (reach[from] != Reach::kKept) return reach[from] == Reach::kReached;
  return to <= from || reach[to] == Reach::kKept;
}

void remove_unreached(Program& program) {
  const std::vector<Reach> reach = reach_of_blocks(program);
  std::vector<bool> dead(reach.size());
  for (std::size_t b = 0; b < dead.size(); ++b) dead[b] = reach[b] == Reach::kNot;
  if (program.blocks.empty()) return;
  dead.back() = false;  // where the kernel ends, if anybody gets there
  std::vector<bool> gone(program.constructs.size(), false);
  for (std::size_t c = 0; c < gone.size(); ++c) {
    const Construct& one = program.constructs[c];
    if (c != 0 && dead[one.header]) {
      gone[c] = true;
      continue;
    }
    // A place that a construct is known by stays, and so does a construct that begins there.
    for (const std::uint32_t block : {one.begin, one.header, one.merge, one.continue_target})
      if (block < dead.size()) dead[block] = false;
  }
  for (Block& block : program.blocks)
    for (Phi& phi : block.phis)
      std::erase_if(phi.incoming, [&](const Incoming& in) { return dead[in.block]; });
  for (std::size_t b = 0; b < dead.size(); ++b) {
    if (!dead[b]) continue;
    for (const Phi& phi : program.blocks[b].phis) forget_definition(program, phi.id);
    for (const Inst& inst : program.blocks[b].body)
      if (inst.id) forget_definition(program, inst.id);
  }
  remove_constructs(program, gone);
  remove_blocks(program, dead);
}

void drop_ways_not_taken(Program& program) {
  for (Block& block : program.blocks)
    for (Phi& phi : block.phis)
      std::erase_if(phi.incoming, [&](const Incoming& in) {
        return !std::ranges::binary_search(block.predecessors, in.block);
      });
}

}  // namespace sokr::cpu
