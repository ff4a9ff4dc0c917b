// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The order is a reverse post-order of the flow graph with an edge added from each
// header to its merge block and continue target. A header's search visits the merge
// block first and the continue target second, so that what it visits last, its
// construct, ends up between header and merge block. Cases of a switch fall through
// to each other: a first order tells which comes later, and the second search visits
// that one first, which keeps each case in one piece.
#include "structure.hpp"

#include <algorithm>

#include "limits.hpp"
#include "work.hpp"

namespace sokr::spirv {
namespace {

class Orderer {
 public:
  explicit Orderer(const FlowGraph& flow) : flow_(flow) {}

  // Successors visited last come first. `rank`: a position per block, or empty.
  std::vector<std::uint32_t> order(const std::vector<std::uint32_t>& rank) {
    std::vector<std::uint32_t> post;
    post.reserve(flow_.blocks.size());
    std::vector<bool> seen(flow_.blocks.size(), false);
    stack_.clear();
    enter(0, seen, rank);
    while (!stack_.empty()) {
      count_work();
      Frame& frame = stack_.back();
      if (frame.next == frame.end) {
        post.push_back(frame.block);
        pool_.resize(frame.begin);
        stack_.pop_back();
        continue;
      }
      const std::uint32_t child = pool_[frame.next++];
      if (!seen[child]) enter(child, seen, rank);
    }
    std::reverse(post.begin(), post.end());
    return post;
  }

 private:
  struct Frame {
    std::uint32_t block;
    std::size_t begin, next, end;  // of pool_
  };

  void enter(std::uint32_t block, std::vector<bool>& seen, const std::vector<std::uint32_t>& rank) {
    seen[block] = true;
    const std::size_t begin = pool_.size();
    const FlowBlock& info = flow_.blocks[block];
    if (info.merge != kNone) pool_.push_back(info.merge);
    if (info.continue_target != kNone) pool_.push_back(info.continue_target);
    const std::size_t first = pool_.size();
    for (const std::uint32_t target : flow_.successors(block)) pool_.push_back(target);
    const auto successors = pool_.begin() + static_cast<std::ptrdiff_t>(first);
    if (rank.empty()) {
      std::reverse(successors, pool_.end());
    } else {
      std::sort(successors, pool_.end(), [&](auto a, auto b) { return rank[a] > rank[b]; });
    }
    stack_.push_back({block, begin, begin, pool_.size()});
  }

  const FlowGraph& flow_;
  std::vector<std::uint32_t> pool_;
  std::vector<Frame> stack_;
};

void set_order(std::vector<std::uint32_t> order, Structure& out) {
  std::fill(out.position.begin(), out.position.end(), kNone);
  for (std::uint32_t i = 0; i < order.size(); ++i) out.position[order[i]] = i;
  out.order = std::move(order);
}

void find_reachable(const FlowGraph& flow, Structure& out) {
  out.reachable.assign(flow.blocks.size(), false);
  std::vector<std::uint32_t> work{0};
  out.reachable[0] = true;
  while (!work.empty()) {
    const std::uint32_t block = work.back();
    work.pop_back();
    for (const std::uint32_t target : flow.successors(block)) {
      if (out.reachable[target]) continue;
      out.reachable[target] = true;
      work.push_back(target);
    }
  }
}

class ConstructFinder {
 public:
  ConstructFinder(const FlowGraph& flow, Structure& out)
      : flow_(flow), out_(out), is_merge_(flow.blocks.size(), false) {}

  StructureError run() {
    const auto count = static_cast<std::uint32_t>(out_.order.size());
    out_.innermost.assign(count, 0);
    out_.constructs.push_back({ConstructKind::kFunction, kNone, 0, count, 0, kNone, kNone});
    continues_.assign(count, kNone);
    cases_.assign(count, kNone);
    depth_.push_back(0);
    for (std::uint32_t at = 0; at < count; ++at) {
      while (out_.constructs[current_].end == at) current_ = out_.constructs[current_].parent;
      if (StructureError error = open_at(at); error.block != kNone) return error;
      out_.innermost[at] = current_;
    }
    return check_edges();
  }

 private:
  StructureError error(std::uint32_t block, const char* sentence) const {
    return {block, sentence};
  }

  StructureError open(std::uint32_t block, Construct construct) {
    if (construct.end > out_.constructs[current_].end) {
      return error(block, "starts a construct that ends after the construct around it");
    }
    if (depth_[current_] >= limits::kControlDepth) {
      return error(block, "is nested too deep, the limit is 1023 constructs");
    }
    construct.parent = current_;
    depth_.push_back(depth_[current_] + 1);
    current_ = static_cast<std::uint32_t>(out_.constructs.size());
    out_.constructs.push_back(construct);
    return {};
  }

  StructureError open_at(std::uint32_t at) {
    const std::uint32_t block = out_.order[at];
    const FlowBlock& info = flow_.blocks[block];
    if (cases_[at] != kNone) {
      StructureError failed = open_case(at);
      if (failed.block != kNone) return failed;
    }
    if (continues_[at] != kNone) {
      const Construct loop = out_.constructs[continues_[at]];
      StructureError failed =
          open(block, {ConstructKind::kContinue, kNone, at, loop.end, at, kNone, kNone});
      if (failed.block != kNone) return failed;
      if (out_.constructs[current_].parent != continues_[at]) {
        return error(block, "is a continue target inside a construct of the loop's body");
      }
    }
    if (info.merge_kind == MergeKind::kNone) return {};
    const std::uint32_t merge = out_.position[info.merge];
    if (merge <= at) return error(block, "has a merge block that does not follow it");
    if (is_merge_[info.merge]) return error(block, "has a merge block that another header has too");
    is_merge_[info.merge] = true;
    if (info.merge_kind == MergeKind::kLoop) return open_loop(at, block, info, merge);
    const ConstructKind kind = info.is_switch ? ConstructKind::kSwitch : ConstructKind::kSelection;
    StructureError failed = open(block, {kind, kNone, at, merge, at, merge, kNone});
    if (failed.block == kNone && info.is_switch) note_cases(block, at, merge);
    return failed;
  }

  StructureError open_loop(std::uint32_t at, std::uint32_t block, const FlowBlock& info,
                           std::uint32_t merge) {
    const std::uint32_t next = out_.position[info.continue_target];
    if (next < at || next >= merge) {
      return error(block, "has a continue target that is not between it and its merge block");
    }
    StructureError failed = open(block, {ConstructKind::kLoop, kNone, at, merge, at, merge, next});
    if (failed.block != kNone || next == at) return failed;
    if (continues_[next] != kNone)
      return error(block, "shares its continue target with another loop");
    continues_[next] = current_;
    return failed;
  }

  void note_cases(std::uint32_t block, std::uint32_t at, std::uint32_t merge) {
    for (const std::uint32_t target : flow_.successors(block)) {
      const std::uint32_t position = out_.position[target];
      if (position > at && position < merge) cases_[position] = current_;
    }
  }

  // A case ends where the next one of the same switch starts.
  StructureError open_case(std::uint32_t at) {
    const std::uint32_t owner = cases_[at];
    while (current_ != owner && out_.constructs[current_].kind == ConstructKind::kCase &&
           out_.constructs[current_].parent == owner) {
      out_.constructs[current_].end = at;
      current_ = owner;
    }
    if (current_ != owner) {
      return error(out_.order[at], "is a case inside another construct of its switch");
    }
    return open(out_.order[at],
                {ConstructKind::kCase, kNone, at, out_.constructs[owner].end, at, kNone, kNone});
  }

  bool contains(std::uint32_t construct, std::uint32_t at) const {
    return out_.constructs[construct].begin <= at && at < out_.constructs[construct].end;
  }

  StructureError check_edges() {
    std::vector<bool> has_back_edge(out_.order.size(), false);
    for (std::uint32_t at = 0; at < out_.order.size(); ++at) {
      for (const std::uint32_t target : flow_.successors(out_.order[at])) {
        const std::uint32_t to = out_.position[target];
        if (const char* problem = edge_problem(at, to)) return error(out_.order[at], problem);
        if (to > at) continue;
        if (has_back_edge[to]) return error(target, "is the target of two back edges");
        has_back_edge[to] = true;
      }
    }
    return {};
  }

  const char* edge_problem(std::uint32_t from, std::uint32_t to) const {
    if (to <= from) return is_back_edge(from, to) ? nullptr : "branches back outside of a loop";
    for (std::uint32_t c = out_.innermost[to]; !contains(c, from); c = out_.constructs[c].parent) {
      count_work();
      if (out_.constructs[c].begin != to) return "branches into the middle of a construct";
    }
    for (std::uint32_t c = out_.innermost[from]; !contains(c, to); c = out_.constructs[c].parent) {
      count_work();
      const Construct& left = out_.constructs[c];
      if (left.merge == to) return nullptr;
      if (left.kind == ConstructKind::kCase && cases_[to] == left.parent) return nullptr;
    }
    return is_inner_exit(from, to) ? nullptr : "leaves its construct for an arbitrary block";
  }

  // Within one construct anything goes forward; a continue target is reached from
  // anywhere in its loop.
  bool is_inner_exit(std::uint32_t from, std::uint32_t to) const {
    if (contains(out_.innermost[from], to)) return true;
    return continues_[to] != kNone && contains(continues_[to], from);
  }

  bool is_back_edge(std::uint32_t from, std::uint32_t to) const {
    const FlowBlock& header = flow_.blocks[out_.order[to]];
    if (header.merge_kind != MergeKind::kLoop) return false;
    return from >= out_.position[header.continue_target] && from < out_.position[header.merge];
  }

  const FlowGraph& flow_;
  Structure& out_;
  std::vector<bool> is_merge_;            // per block
  std::vector<std::uint32_t> continues_;  // per position: the loop it continues
  std::vector<std::uint32_t> cases_;      // per position: the switch it is a case of
  std::vector<std::uint32_t> depth_;      // per construct
  std::uint32_t current_ = 0;
};

}  // namespace

StructureError find_structure(const FlowGraph& flow, Structure& out) {
  out.position.assign(flow.blocks.size(), kNone);
  find_reachable(flow, out);
  Orderer orderer(flow);
  set_order(orderer.order({}), out);
  const bool has_switch = std::any_of(flow.blocks.begin(), flow.blocks.end(),
                                      [](const FlowBlock& block) { return block.is_switch; });
  if (has_switch) set_order(orderer.order(out.position), out);
  if (flow.structured) return ConstructFinder(flow, out).run();
  const auto count = static_cast<std::uint32_t>(out.order.size());
  out.innermost.assign(count, 0);
  out.constructs.push_back({ConstructKind::kFunction, kNone, 0, count, 0, kNone, kNone});
  return {};
}

}  // namespace sokr::spirv
