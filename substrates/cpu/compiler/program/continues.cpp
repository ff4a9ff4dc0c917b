// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Rounds that some leave early. A `continue` is an edge out of its selection to the end of the
// loop's round. As it stands, invocations that part there would have parted in the loop: it would
// count its rounds for each of them, under masks. But all of them meet again at the end of the
// round. So what a round does behind the loop's test becomes a construct of its own, which
// `continue` leaves as `return` leaves a function. Only loops that are left at their test alone:
// elsewhere they part anyway.
#include <algorithm>

#include "compiler/program/program.hpp"

namespace sokr::cpu {
namespace {

class Rounds {
 public:
  explicit Rounds(Program& program) : p_(program) {}

  bool run() {
    bool some = false;
    // Blocks move behind the loop's own: from the last loop on, places ahead stay true.
    for (std::uint32_t c = 0; c < p_.constructs.size(); ++c) {
      if (p_.constructs[c].kind != ConstructKind::kLoop) continue;
      const std::uint32_t first = round_of(c);
      if (first == kNone || !is_left_early(c, first)) continue;
      close(c, first);
      some = true;
      c = kNone;  // from the start: constructs have new numbers
    }
    return some;
  }

 private:
  // Every edge of a block.
  template <class Visit>
  static void visit_edges(Block& block, Visit visit) {
    for (auto& to : block.targets) visit(to);
    for (auto& one : block.cases) visit(one.target);
  }

  // The block behind the test at the loop's top; kNone if it is left elsewhere, too.
  std::uint32_t round_of(std::uint32_t loop) {
    const Construct& c = p_.constructs[loop];
    std::uint32_t test = c.header;
    while (p_.blocks[test].exit == Exit::kJump && p_.blocks[test].targets[0] == test + 1 &&
           p_.blocks[test + 1].predecessors.size() == 1 && test + 1 < c.continue_target)
      ++test;
    const Block& block = p_.blocks[test];
    const std::uint32_t first = test + 1;
    if (c.has_barrier || block.exit != Exit::kBranch || block.construct != loop ||
        c.continue_target == kNone || first >= c.continue_target || c.continue_target >= c.end ||
        p_.blocks[first].predecessors != std::vector{test})
      return kNone;
    const bool on = block.targets[0] == first || block.targets[1] == first;
    const bool off = !p_.contains(loop, block.targets[0]) || !p_.contains(loop, block.targets[1]);
    if (!on || !off) return kNone;
    bool whole = true;
    for (std::uint32_t b = first; b < c.end; ++b)
      visit_edges(p_.blocks[b], [&](std::uint32_t to) {
        whole &= p_.contains(loop, to);
        // Rounds end in the part behind `continue` alone.
        if (b < c.continue_target) whole &= to >= first && to <= c.continue_target;
      });
    for (const Construct& other : p_.constructs)
      if (other.begin >= first && other.begin < c.continue_target)
        whole &= other.end <= c.continue_target;
    return whole ? first : kNone;
  }

  // Does an edge from inside of a construct of the round lead to the round's end?
  bool is_left_early(std::uint32_t loop, std::uint32_t first) {
    const Construct& c = p_.constructs[loop];
    bool some = false;
    for (std::uint32_t b = first; b < c.continue_target; ++b)
      visit_edges(p_.blocks[b], [&](std::uint32_t to) {
        some |= to == c.continue_target && p_.blocks[b].construct != loop;
      });
    // A round that is a construct already has one block that leads to its end.
    return some && p_.blocks[c.continue_target].predecessors.size() > 1;
  }

  // A construct of the blocks from `first` to the end of the round, and a block where all meet.
  void close(std::uint32_t loop, std::uint32_t first) {
    const std::uint32_t at = p_.constructs[loop].continue_target;
    const auto moved = [&](std::uint32_t block) { return block >= at ? block + 1 : block; };
    for (std::uint32_t b = 0; b < p_.blocks.size(); ++b) {
      const bool inside = b >= first && b < at;
      visit_edges(p_.blocks[b], [&](std::uint32_t& to) {
        if (!(inside && to == at)) to = moved(to);
      });
      for (Phi& phi : p_.blocks[b].phis)
        for (Incoming& in : phi.incoming) in.block = moved(in.block);
    }
    for (Construct& c : p_.constructs) {
      const bool inside = c.begin >= first && c.begin < at;
      for (std::uint32_t* place : {&c.begin, &c.end, &c.header, &c.merge, &c.continue_target})
        if (*place != kNone && !(inside && *place == at)) *place = moved(*place);
    }
    Block meeting;
    meeting.exit = Exit::kJump;
    meeting.targets = {at + 1};
    p_.blocks.insert(p_.blocks.begin() + at, std::move(meeting));
    for (Phi& phi : p_.blocks[at + 1].phis) {
      Phi early{fresh(phi.type), phi.type, {}, phi.origin};
      std::vector<Incoming> others;
      for (const Incoming& in : phi.incoming)
        (in.block >= first && in.block < at ? early.incoming : others).push_back(in);
      others.push_back({early.id, at});
      phi.incoming = std::move(others);
      p_.blocks[at].phis.push_back(std::move(early));
    }
    Construct round;
    round.begin = round.header = first;
    round.end = round.merge = at;
    p_.constructs.push_back(round);
    nest_constructs(p_);
    index_definitions(p_);
    link_predecessors(p_);
  }

  Id fresh(Id type) {
    p_.definitions.push_back({type, kNone, -1});
    return p_.module->bound() + static_cast<Id>(p_.definitions.size()) - 1;
  }

  Program& p_;
};

}  // namespace

bool close_rounds(Program& program) {
  return Rounds(program).run();
}

}  // namespace sokr::cpu
