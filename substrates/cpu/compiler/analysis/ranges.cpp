// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/ranges.hpp"

#include <algorithm>
#include <bit>

namespace sokr::cpu {
namespace {

constexpr std::uint64_t kLargestWord = UINT32_MAX;
constexpr int kMostRangeSteps = 256;  // from a value to what it is made of, each by a call

std::optional<Range> fitting(std::uint64_t low, std::uint64_t high) {
  if (low > high || high > kLargestWord) return std::nullopt;
  return Range{low, high};
}

// All numbers of as many bits as the largest one has.
std::uint64_t all_bits(std::uint64_t most) {
  return std::bit_ceil(most + 1) - 1;
}

std::optional<Range> combined(spv::Op op, const Range& a, const Range& b) {
  const bool natural = a.high <= INT32_MAX && b.high <= INT32_MAX;
  switch (op) {
    case spv::Op::OpIAdd:
      return fitting(a.low + b.low, a.high + b.high);
    case spv::Op::OpISub:
      if (a.low < b.high) return std::nullopt;
      return fitting(a.low - b.high, a.high - b.low);
    case spv::Op::OpIMul:
      return fitting(a.low * b.low, a.high * b.high);
    case spv::Op::OpSDiv:
      if (!natural) return std::nullopt;
      [[fallthrough]];
    case spv::Op::OpUDiv:
      if (b.low == 0) return std::nullopt;
      return fitting(a.low / b.high, a.high / b.low);
    case spv::Op::OpSRem:
    case spv::Op::OpSMod:
      if (!natural) return std::nullopt;
      [[fallthrough]];
    case spv::Op::OpUMod:
      if (b.low == 0) return std::nullopt;
      if (a.high < b.low) return a;
      return fitting(0, std::min(a.high, b.high - 1));
    case spv::Op::OpBitwiseAnd:
      return fitting(0, std::min(a.high, b.high));
    case spv::Op::OpBitwiseOr:
      return fitting(std::max(a.low, b.low), all_bits(std::max(a.high, b.high)));
    case spv::Op::OpBitwiseXor:
      return fitting(0, all_bits(std::max(a.high, b.high)));
    case spv::Op::OpShiftLeftLogical:
      if (b.high > 31) return std::nullopt;
      return fitting(a.low << b.low, a.high << b.high);
    case spv::Op::OpShiftRightArithmetic:
      if (!natural) return std::nullopt;
      [[fallthrough]];
    case spv::Op::OpShiftRightLogical:
      if (b.high > 31) return std::nullopt;
      return fitting(a.low >> b.high, a.high >> b.low);
    default:
      return std::nullopt;
  }
}

// What can be said of the result though one operand may be anything.
std::optional<Range> bounded(spv::Op op, const std::optional<Range>& a,
                             const std::optional<Range>& b) {
  if (op == spv::Op::OpBitwiseAnd && (a || b)) return Range{0, a ? a->high : b->high};
  if (op == spv::Op::OpUMod && b && b->low > 0) return Range{0, b->high - 1};
  if (op == spv::Op::OpShiftRightLogical && b && b->high <= 31)
    return Range{0, kLargestWord >> b->low};
  return std::nullopt;
}

}  // namespace

bool Ranges::is_word(Id type) const {
  const spirv::Type* t = p_.module->type(type);
  return t && t->kind == spirv::TypeKind::kInt && t->width == 32;
}

// May somebody miss the block? A selection's own branch comes after its header.
bool Ranges::is_parted(std::uint32_t block) const {
  for (std::uint32_t c = p_.blocks[block].construct; c != kNone; c = p_.constructs[c].parent) {
    const Construct& one = p_.constructs[c];
    const bool at_top = one.kind != ConstructKind::kLoop && one.header == block;
    if (!(at_top && !a_.escapes[c]) && a_.constructs[c]) return true;
  }
  return false;
}

std::optional<Range> Ranges::of(Id id, std::uint32_t user) {
  if (!is_word(p_.type_of(id))) return std::nullopt;
  if (const spirv::Constant* c = p_.constant(id)) {
    if (c->is_undef || !c->parts.empty()) return std::nullopt;
    std::uint64_t bits = c->is_null ? 0 : c->bits & kLargestWord;
    return Range{bits, bits};
  }
  const Definition* def = p_.definition(id);
  if (!def || def->block == kNone || is_parted(def->block) || g_.has_tail()) return std::nullopt;
  if (const Phi* phi = p_.phi(id)) {
    if (phi->incoming.size() == 1) return of(phi->incoming[0].value, user);
    return of_counter(*phi, def->block, user);
  }
  const Inst* inst = p_.inst(id);
  if (!inst) return std::nullopt;
  auto [it, fresh] = known_.try_emplace(id);
  if (!fresh) return it->second;  // nothing yet: a value that depends on itself
  if (depth_ >= kMostRangeSteps) return std::nullopt;
  ++depth_;
  std::optional<Range> range = of_inst(*inst, def->block);
  --depth_;
  return known_[id] = range;
}

std::optional<Range> Ranges::of_inst(const Inst& inst, std::uint32_t block) {
  switch (inst.op) {
    case spv::Op::OpLoad: {
      const spirv::Variable* v = p_.module->variable(root_of(p_, inst.args[0]));
      auto place = v && v->builtin ? private_place(p_, inst.args[0]) : std::nullopt;
      return place && place->leaf ? of_builtin(*v, *place->leaf) : std::nullopt;
    }
    case spv::Op::OpCompositeExtract: {
      const Inst* load = p_.inst(inst.args[0]);
      if (!load || load->op != spv::Op::OpLoad || inst.args.size() != 2) return std::nullopt;
      const spirv::Variable* v = p_.module->variable(load->args[0]);
      return v && v->builtin ? of_builtin(*v, inst.args[1]) : std::nullopt;
    }
    case spv::Op::OpSelect: {
      auto a = of(inst.args[1], block), b = of(inst.args[2], block);
      if (!a || !b) return std::nullopt;
      return Range{std::min(a->low, b->low), std::max(a->high, b->high)};
    }
    case spv::Op::OpBitcast:
    case spv::Op::OpCopyObject:
      return of(inst.args[0], block);
    default:
      break;
  }
  if (inst.args.size() != 2 || !operand_is_value(inst.op, 0, inst.args) ||
      !operand_is_value(inst.op, 1, inst.args))
    return std::nullopt;
  auto a = of(inst.args[0], block), b = of(inst.args[1], block);
  auto both = a && b ? combined(inst.op, *a, *b) : std::nullopt;
  return both ? both : bounded(inst.op, a, b);
}

std::optional<Range> Ranges::of_builtin(const spirv::Variable& variable, std::uint32_t leaf) const {
  switch (*variable.builtin) {
    case spv::BuiltIn::LocalInvocationId:
      return leaf < 3 ? std::optional(Range{0, std::uint64_t{g_.local[leaf]} - 1}) : std::nullopt;
    case spv::BuiltIn::LocalInvocationIndex:
      return Range{0, std::uint64_t{g_.total()} - 1};
    case spv::BuiltIn::SubgroupLocalInvocationId:
      return Range{0, std::uint64_t{g_.subgroup} - 1};
    case spv::BuiltIn::SubgroupId:
      return Range{0, (std::uint64_t{g_.total()} - 1) / g_.subgroup};
    default:
      return std::nullopt;
  }
}

// A loop's counter that starts at a constant, grows by one and is tested at the loop's top
// against another. Everyone has the same.
std::optional<Range> Ranges::of_counter(const Phi& phi, std::uint32_t header, std::uint32_t user) {
  const std::uint32_t index = p_.blocks[header].construct;
  const Construct& loop = p_.constructs[index];
  if (loop.kind != ConstructKind::kLoop || loop.header != header || phi.incoming.size() != 2)
    return std::nullopt;
  const bool second = p_.contains(index, phi.incoming[1].block);
  const Incoming &start = phi.incoming[second ? 0 : 1], &round = phi.incoming[second ? 1 : 0];
  if (p_.contains(index, start.block) || !p_.contains(index, round.block) ||
      !p_.constant(start.value))
    return std::nullopt;
  const Inst* step = p_.inst(look_through(p_, round.value));
  if (!step || step->op != spv::Op::OpIAdd || look_through(p_, step->args[0]) != phi.id)
    return std::nullopt;
  auto first = of(start.value, user), by = of(step->args[1], user);
  if (!first || !by || !p_.constant(step->args[1]) || by->high == 0 || by->high > INT32_MAX)
    return std::nullopt;
  std::uint32_t test = header;
  while (p_.blocks[test].exit == Exit::kJump && p_.blocks[test].targets[0] == test + 1 &&
         p_.blocks[test + 1].predecessors.size() == 1)
    ++test;
  const Block& block = p_.blocks[test];
  if (block.exit != Exit::kBranch || !p_.contains(index, test) ||
      !p_.contains(index, block.targets[0]) || p_.contains(index, block.targets[1]) ||
      user <= test || !p_.contains(index, user))
    return std::nullopt;
  const Inst* less = p_.inst(block.condition);
  const bool is_test = less &&
                       (less->op == spv::Op::OpULessThan || less->op == spv::Op::OpSLessThan) &&
                       look_through(p_, less->args[0]) == phi.id && p_.constant(less->args[1]);
  if (!is_test) return std::nullopt;
  auto end = of(less->args[1], user);
  // Signed or not: both ends and the step beyond are small positive numbers.
  if (!end || end->high == 0 || first->high > INT32_MAX || end->high + by->high > INT32_MAX ||
      first->high >= end->high)
    return std::nullopt;
  // The last number below the end that steps lead to, from one beginning.
  const std::uint64_t last = first->low == first->high
                                 ? first->low + (end->high - 1 - first->low) / by->high * by->high
                                 : end->high - 1;
  return Range{first->low, last};
}

}  // namespace sokr::cpu
