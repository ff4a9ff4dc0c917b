// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/analysis/bounds.hpp"

#include <algorithm>
#include <bit>

#include "compiler/analysis/analysis.hpp"

namespace sokr::cpu {
namespace {

constexpr int kMostStepsToBound = 12;  // from a number to what tells how large it is

class Bounds {
 public:
  Bounds(const Program& program, const Geometry& geometry, std::uint32_t block)
      : p_(program), g_(geometry), block_(block) {}

  std::optional<std::uint64_t> of(Id id, int depth = 0) const {
    if (const spirv::Constant* c = p_.constant(id)) {
      if (c->is_undef || !c->parts.empty()) return std::nullopt;
      return c->is_null ? 0 : c->bits & UINT32_MAX;
    }
    if (depth > kMostStepsToBound || !is_word(p_.type_of(id))) return std::nullopt;
    std::optional<std::uint64_t> most = of_condition(look_through(p_, id));
    const Inst* inst = p_.inst(id);
    const auto own = inst ? of_inst(*inst, depth + 1) : std::nullopt;
    if (own && *own <= UINT32_MAX) most = most ? std::min(*most, *own) : own;
    return most;
  }

 private:
  bool is_word(Id type) const {
    const spirv::Type* t = p_.module->type(type);
    return t && t->kind == spirv::TypeKind::kInt && t->width == 32;
  }

  std::optional<std::uint64_t> of_builtin(const spirv::Variable& variable,
                                          std::uint32_t leaf) const {
    if (variable.builtin == spv::BuiltIn::LocalInvocationId && leaf < 3)
      return std::uint64_t{g_.local[leaf]} - 1;
    if (variable.builtin == spv::BuiltIn::LocalInvocationIndex)
      return std::uint64_t{g_.total()} - 1;
    return std::nullopt;
  }

  std::optional<std::uint64_t> of_inst(const Inst& inst, int depth) const {
    const auto argument = [&](std::size_t i) { return of(inst.args[i], depth); };
    const auto constant = [&](std::size_t i) -> std::uint64_t {
      const spirv::Constant* c = p_.constant(inst.args[i]);
      return c && c->parts.empty() && !c->is_undef ? c->bits & UINT32_MAX : 0;
    };
    switch (inst.op) {
      case spv::Op::OpLoad: {
        const spirv::Variable* v = p_.module->variable(root_of(p_, inst.args[0]));
        const auto place = v && v->builtin ? private_place(p_, inst.args[0]) : std::nullopt;
        return place && place->leaf ? of_builtin(*v, *place->leaf) : std::nullopt;
      }
      case spv::Op::OpCompositeExtract: {
        const Inst* load = p_.inst(inst.args[0]);
        if (!load || load->op != spv::Op::OpLoad || inst.args.size() != 2) return std::nullopt;
        const spirv::Variable* v = p_.module->variable(load->args[0]);
        return v && v->builtin ? of_builtin(*v, inst.args[1]) : std::nullopt;
      }
      case spv::Op::OpCopyObject:
      case spv::Op::OpBitcast:
        return argument(0);
      case spv::Op::OpIAdd:
      case spv::Op::OpIMul: {
        const auto a = argument(0), b = argument(1);
        if (!a || !b) return std::nullopt;
        return inst.op == spv::Op::OpIAdd ? *a + *b : *a * *b;
      }
      case spv::Op::OpUDiv: {
        const auto a = argument(0);
        if (!a || constant(1) == 0) return std::nullopt;
        return *a / constant(1);
      }
      case spv::Op::OpUMod: {
        if (constant(1) == 0) return std::nullopt;
        const auto a = argument(0);
        return std::min(a.value_or(UINT32_MAX), constant(1) - 1);
      }
      default:
        return std::nullopt;
    }
  }

  // What a comparison with a constant says that everybody in the block has passed.
  std::optional<std::uint64_t> of_condition(Id id) const {
    for (std::uint32_t c = p_.blocks[block_].construct; c != kNone; c = p_.constructs[c].parent) {
      const Construct& one = p_.constructs[c];
      std::uint32_t test = one.header;
      while (one.kind == ConstructKind::kLoop && p_.blocks[test].exit == Exit::kJump &&
             p_.blocks[test].targets[0] == test + 1 && p_.blocks[test + 1].predecessors.size() == 1)
        ++test;
      const Block& block = p_.blocks[test];
      if (block.exit != Exit::kBranch || test >= block_) continue;
      const Inst* less = p_.inst(block.condition);
      if (!less || less->op != spv::Op::OpULessThan || look_through(p_, less->args[0]) != id)
        continue;
      const std::uint32_t yes = block.targets[0], no = block.targets[1];
      const bool passed = one.kind == ConstructKind::kLoop
                              ? p_.contains(c, yes) && !p_.contains(c, no)
                              : one.kind == ConstructKind::kSelection && yes <= block_ &&
                                    block_ < no && p_.blocks[yes].predecessors.size() == 1;
      const spirv::Constant* end = p_.constant(less->args[1]);
      if (passed && end && end->parts.empty() && !end->is_undef && end->bits != 0)
        return (end->bits & UINT32_MAX) - 1;
    }
    return std::nullopt;
  }

  const Program& p_;
  const Geometry& g_;
  const std::uint32_t block_;
};

}  // namespace

std::optional<std::uint32_t> most_of_active(const Program& program, const Geometry& geometry, Id id,
                                            std::uint32_t block) {
  const auto most = Bounds(program, geometry, block).of(id);
  if (!most || *most > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*most);
}

std::optional<SmallQuotient> small_quotient_of(const Program& program, const Geometry& geometry,
                                               const Inst& inst) {
  if (inst.op != spv::Op::OpUDiv && inst.op != spv::Op::OpUMod) return std::nullopt;
  const spirv::Type* type = program.module->type(inst.type);
  const spirv::Constant* divisor = program.constant(inst.args[1]);
  const Definition* made = program.definition(inst.id);
  if (!type || type->kind != spirv::TypeKind::kInt || type->width != 32 || !divisor ||
      !divisor->parts.empty() || divisor->is_undef || std::has_single_bit(divisor->bits) || !made ||
      made->block == kNone)
    return std::nullopt;
  const auto most = most_of_active(program, geometry, inst.args[0], made->block);
  return most ? small_quotient(*most, static_cast<std::uint32_t>(divisor->bits)) : std::nullopt;
}

// With factor * divisor = 2^shift + excess, x * factor / 2^shift is x / divisor and what is less
// than 1 / divisor beyond it, as long as x * excess < 2^shift.
std::optional<SmallQuotient> small_quotient(std::uint32_t most, std::uint32_t divisor) {
  if (divisor == 0) return std::nullopt;
  for (std::uint32_t shift = 0; shift < 32; ++shift) {
    const std::uint64_t power = UINT64_C(1) << shift, factor = (power + divisor - 1) / divisor,
                        excess = factor * divisor - power;
    if (std::uint64_t{most} * factor > UINT32_MAX) return std::nullopt;
    if (std::uint64_t{most} * excess < power)
      return SmallQuotient{static_cast<std::uint32_t>(factor), shift};
  }
  return std::nullopt;
}

}  // namespace sokr::cpu
