// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/endings.hpp"

#include <cstdlib>
#include <vector>

namespace sokr::cpu {
namespace {

// What a counter does from round to round.
struct Counter {
  std::uint32_t bits = 0;
  std::int64_t step = 0;  // 0: it is none
};

std::int64_t signed_value(const spirv::Constant& constant, std::uint32_t bits) {
  if (constant.is_null) return 0;
  const std::uint32_t above = 64 - bits;
  return static_cast<std::int64_t>(constant.bits << above) >> above;
}

// The phi of the loop's header that a value is, or is a constant away from.
Counter counter_of(const Program& p, std::uint32_t loop, Id id) {
  const Phi* phi = p.phi(id);
  if (!phi) {
    const Inst* sum = p.inst(id);
    if (!sum || sum->op != spv::Op::OpIAdd || !p.constant(sum->args[1])) return {};
    phi = p.phi(sum->args[0]);
  }
  if (!phi || p.definition(phi->id)->block != p.constructs[loop].header) return {};
  const spirv::Type* type = p.module->type(phi->type);
  if (!type || type->kind != spirv::TypeKind::kInt) return {};
  Counter counter{type->width, 0};
  for (const auto& in : phi->incoming) {
    if (!p.contains(loop, in.block)) continue;
    const Inst* sum = p.inst(in.value);
    if (!sum || sum->op != spv::Op::OpIAdd || sum->args[0] != phi->id) return {};
    const spirv::Constant* by = p.constant(sum->args[1]);
    const std::int64_t step = by ? signed_value(*by, counter.bits) : 0;
    if (step == 0 || (counter.step != 0 && counter.step != step)) return {};
    counter.step = step;
  }
  return counter;
}

// For as long as this holds between counter and limit, the loop goes on.
struct Relation {
  bool is_signed = false, less = false, or_equal = false;
};

Relation relation_of(spv::Op op) {
  using enum spv::Op;
  return {
      op == OpSLessThan || op == OpSLessThanEqual || op == OpSGreaterThan ||
          op == OpSGreaterThanEqual,
      op == OpULessThan || op == OpSLessThan || op == OpULessThanEqual || op == OpSLessThanEqual,
      op == OpULessThanEqual || op == OpSLessThanEqual || op == OpUGreaterThanEqual ||
          op == OpSGreaterThanEqual};
}

Relation negated(const Relation& r) {
  return {r.is_signed, !r.less, !r.or_equal};
}

Relation mirrored(const Relation& r) {
  return {r.is_signed, !r.less, r.or_equal};
}

// Whether a counter comes to where the relation does not hold before it wraps around. By one, and
// to a strict limit, it meets each number on its way, whatever the limit is; otherwise the last
// number for which the relation holds must be a step away from where numbers end.
bool ends(const Relation& goes_on, const Counter& counter, const spirv::Constant* limit) {
  if (goes_on.less != (counter.step > 0)) return false;
  const std::uint64_t step = static_cast<std::uint64_t>(std::abs(counter.step));
  if (step == 1 && !goes_on.or_equal) return true;
  if (!limit) return false;
  const std::uint64_t all = (std::uint64_t{1} << counter.bits) - 1;  // of at most 32
  std::uint64_t last = (limit->is_null ? 0 : limit->bits) & all;
  if (goes_on.is_signed) last ^= (all >> 1) + 1;  // in the order of unsigned numbers
  if (!goes_on.less) last = all - last;
  if (!goes_on.or_equal) {
    if (last == 0) return true;  // it never holds
    --last;
  }
  return all - last >= step;
}

}  // namespace

Id limit_of_counted_exit(const Program& p, std::uint32_t loop, std::uint32_t block) {
  const Block& here = p.blocks[block];
  if (here.exit != Exit::kBranch) return 0;
  const std::uint32_t merge = p.constructs[loop].merge;
  const bool leaves_if_true = here.targets[0] == merge;
  if (leaves_if_true == (here.targets[1] == merge)) return 0;
  const Inst* test = p.inst(here.condition);
  if (!test || test->op < spv::Op::OpUGreaterThan || test->op > spv::Op::OpSLessThanEqual) return 0;
  Relation goes_on = relation_of(test->op);
  if (leaves_if_true) goes_on = negated(goes_on);
  for (const bool swapped : {false, true}) {
    const Id limit = test->args[!swapped];
    const Counter counter = counter_of(p, loop, test->args[swapped]);
    // One of 64 bits may come to its limit, and nobody would see it.
    if (counter.step == 0 || counter.bits > 32) continue;
    if (ends(swapped ? mirrored(goes_on) : goes_on, counter, p.constant(limit))) return limit;
  }
  return 0;
}

// Whether every round of a loop comes by a block.
bool is_in_every_round(const Program& p, std::uint32_t loop, std::uint32_t block) {
  const Construct& c = p.constructs[loop];
  std::vector<bool> seen(c.end - c.begin);
  std::vector<std::uint32_t> waiting;
  const auto reach = [&](std::uint32_t b) {
    if (b == block || b < c.begin || b >= c.end || seen[b - c.begin]) return;
    seen[b - c.begin] = true;
    waiting.push_back(b);
  };
  reach(c.header);
  while (!waiting.empty()) {
    const Block& here = p.blocks[waiting.back()];
    waiting.pop_back();
    bool goes_round = false;
    const auto follow = [&](std::uint32_t to) {
      goes_round |= to == c.header;
      reach(to);
    };
    for (const std::uint32_t to : here.targets) follow(to);
    for (const Case& one : here.cases) follow(one.target);
    if (goes_round) return false;
  }
  return true;
}

}  // namespace sokr::cpu
