// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Numbers along the lanes: what an index is in the first lane and by how much it grows from lane to
// lane, as two scalars, where shapes know no constant for that. Sums, products with what is the
// same for all lanes, quotients, remainders, and what is clamped: each says under which condition
// it is such a line. Where steps are multiples of the divisor, any quotient is one. Else a quotient
// is the same for all lanes if the remainder of the last one has not gone round, so that one scalar
// division stands for all of them, and where that holds nothing of the index is ever computed for
// each lane.
#include <spirv/unified1/GLSL.std.450.h>

#include <map>
#include <numeric>

#include "compiler/emit/memory/runs.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;

namespace {

constexpr int kMostIndexSteps = 48;              // operations of an index
constexpr std::uint32_t kLargestStep = 1 << 24;  // below it the span of the lanes cannot wrap

bool is_zero(LlvmValue* v) {
  auto* constant = llvm::dyn_cast<ConstantInt>(v);
  return constant && constant->isZero();
}

}  // namespace

struct RunAccesses::LineFinder {
  RunAccesses& e;
  unsigned chunk;
  int steps = 0;
  std::map<std::pair<Id, unsigned>, std::optional<Line>> known = {};

  llvm::IRBuilder<>& b() { return e.b_; }
  LlvmValue* number(std::uint64_t n) { return b().getInt32(static_cast<std::uint32_t>(n)); }

  LlvmValue* both(LlvmValue* x, LlvmValue* y) { return x && y ? b().CreateAnd(x, y) : x ? x : y; }

  LlvmValue* last(const Line& line) {
    return b().CreateAdd(line.first, b().CreateMul(line.step, number(e.g_.width - 1)));
  }

  // Does the line not go down, nor around?
  LlvmValue* climbs(const Line& line, bool is_signed) {
    LlvmValue* end = last(line);
    LlvmValue* up =
        is_signed ? b().CreateICmpSGE(end, line.first) : b().CreateICmpUGE(end, line.first);
    return b().CreateAnd(up, b().CreateICmpULT(line.step, number(kLargestStep)));
  }

  std::optional<Line> of(Id id, unsigned leaf) {
    auto [it, fresh] = known.try_emplace({id, leaf});
    if (!fresh) return it->second;
    const std::optional<Line> line = make(id, leaf);
    known[{id, leaf}] = line;
    return line;
  }

  std::optional<Line> make(Id id, unsigned leaf) {
    const spirv::Type& type = e.p_.module->scalar_type(e.p_.type_of(id));
    if (type.kind != spirv::TypeKind::kInt || type.width != 32 || ++steps > kMostIndexSteps)
      return std::nullopt;
    const std::size_t leaves = leaf_count(*e.p_.module, e.p_.type_of(id));
    if (leaf >= leaves) return std::nullopt;
    const bool constant = id < e.bound_;
    const Shapes* shapes = constant ? nullptr : &e.a_.values[id - e.bound_];
    if (constant || (leaf < shapes->size() && (*shapes)[leaf].known && (*shapes)[leaf].affine)) {
      const Leaves value = e.values_.get(id);
      if (leaf >= value.size() || !value[leaf].s.affine) return std::nullopt;
      return Line{e.b_.base_of(value[leaf], chunk),
                  number(static_cast<std::uint64_t>(value[leaf].s.ls)), nullptr,
                  value[leaf].s.chunk_align()};
    }
    // Operands of what is made elsewhere may not be at hand.
    const Definition* made = e.p_.definition(id);
    const Inst* inst = made && made->block == e.at_.block ? e.p_.inst(id) : nullptr;
    return inst ? of_inst(*inst, leaf) : std::nullopt;
  }

  // An operand of as many components as the result, or of one.
  std::optional<Line> operand(const Inst& inst, std::size_t i, unsigned leaf) {
    const Id id = inst.args[i];
    return of(id, leaf_count(*e.p_.module, e.p_.type_of(id)) == 1 ? 0 : leaf);
  }

  std::optional<Line> of_inst(const Inst& inst, unsigned leaf) {
    switch (inst.op) {
      case spv::Op::OpCopyObject:
      case spv::Op::OpBitcast:
        return of(inst.args[0], leaf);
      case spv::Op::OpCompositeExtract: {
        const spirv::Type* from = e.p_.module->type(e.p_.type_of(inst.args[0]));
        if (!from || from->kind != spirv::TypeKind::kVector || inst.args.size() != 2)
          return std::nullopt;
        return of(inst.args[0], inst.args[1]);
      }
      case spv::Op::OpCompositeConstruct:
        for (const Id part : inst.args) {
          const unsigned count = leaf_count(*e.p_.module, e.p_.type_of(part));
          if (leaf < count) return of(part, leaf);
          leaf -= count;
        }
        return std::nullopt;
      case spv::Op::OpVectorShuffle: {
        const unsigned count = leaf_count(*e.p_.module, e.p_.type_of(inst.args[0]));
        const std::uint32_t at = inst.args[2 + leaf];
        return at < count ? of(inst.args[0], at) : of(inst.args[1], at - count);
      }
      case spv::Op::OpExtInst:
        if (e.p_.module->instruction_set(inst.args[0]) != spirv::InstructionSet::kGlslStd450)
          return std::nullopt;
        return clamped(inst, leaf);
      default:
        break;
    }
    if (inst.args.size() != 2) return std::nullopt;
    const auto x = operand(inst, 0, leaf), y = operand(inst, 1, leaf);
    if (!x || !y) return std::nullopt;
    LlvmValue* holds = both(x->holds, y->holds);
    const std::uint32_t align = std::min(x->align, y->align);
    const double chance = std::min(x->chance, y->chance);
    switch (inst.op) {
      case spv::Op::OpIAdd:
        return Line{b().CreateAdd(x->first, y->first), b().CreateAdd(x->step, y->step), holds,
                    align, chance};
      case spv::Op::OpISub:
        return Line{b().CreateSub(x->first, y->first), b().CreateSub(x->step, y->step), holds,
                    align, chance};
      case spv::Op::OpIMul: {
        if (!is_zero(x->step) && !is_zero(y->step)) return std::nullopt;
        const Line& line = is_zero(y->step) ? *x : *y;
        LlvmValue* by = is_zero(y->step) ? y->first : x->first;
        return Line{b().CreateMul(line.first, by),
                    is_zero(line.step) ? line.step : b().CreateMul(line.step, by), holds,
                    line.align, chance};
      }
      default:
        break;
    }
    if (!is_zero(y->step)) return std::nullopt;
    auto* amount = llvm::dyn_cast<ConstantInt>(y->first);
    switch (inst.op) {
      case spv::Op::OpShiftLeftLogical:
        if (!amount || amount->getZExtValue() > 31) return std::nullopt;
        return Line{b().CreateShl(x->first, amount), b().CreateShl(x->step, amount), holds,
                    x->align, chance};
      case spv::Op::OpShiftRightLogical:
        if (!amount || amount->getZExtValue() > 31) return std::nullopt;
        return divided(*x, number(UINT64_C(1) << amount->getZExtValue()), holds, false, true);
      case spv::Op::OpBitwiseAnd:
        if (!amount || amount->isMinusOne() || !(amount->getValue() + 1).isPowerOf2())
          return std::nullopt;
        return divided(*x, number(amount->getZExtValue() + 1), holds, false, false);
      case spv::Op::OpUDiv:
      case spv::Op::OpUMod:
        return divided(*x, y->first, holds, false, inst.op == spv::Op::OpUDiv);
      case spv::Op::OpSDiv:
      case spv::Op::OpSRem:
      case spv::Op::OpSMod:
        return divided(*x, y->first, holds, true, inst.op == spv::Op::OpSDiv);
      default:
        return std::nullopt;
    }
  }

  // Steps that are multiples of the divisor: whatever the first number is, quotients have even
  // steps and remainders are the same for all.
  std::optional<Line> divided_evenly(const Line& x, ConstantInt& divisor, LlvmValue* holds,
                                     bool is_signed, bool wants_quotient) {
    auto* step = llvm::dyn_cast<ConstantInt>(x.step);
    const std::uint64_t by = divisor.getZExtValue();
    if (!step || step->isZero() || step->getZExtValue() >= kLargestStep ||
        step->getZExtValue() % by != 0)
      return std::nullopt;
    holds = both(holds, climbs(x, is_signed));
    if (is_signed) holds = both(holds, b().CreateICmpSGE(x.first, number(0)));
    LlvmValue* quotient = b().CreateUDiv(x.first, &divisor);
    if (wants_quotient)
      return Line{quotient, number(step->getZExtValue() / by), holds, 1, x.chance};
    return Line{b().CreateSub(x.first, b().CreateMul(quotient, &divisor)), number(0), holds, 1,
                x.chance};
  }

  // Of the registers that begin at any multiple of the line's alignment, the part in which no
  // remainder by a constant goes round.
  double chance_of_one_quotient(const Line& x, ConstantInt* divisor) {
    auto* step = llvm::dyn_cast<ConstantInt>(x.step);
    if (!step || !divisor || step->getZExtValue() >= kLargestStep) return 1;
    const std::uint64_t by = divisor->getZExtValue(),
                        span = step->getZExtValue() * (e.g_.width - 1),
                        unit = std::gcd(by, std::uint64_t{x.align});
    const std::uint64_t good = span < by ? (by - span - 1) / unit + 1 : 0;
    return static_cast<double>(good) / static_cast<double>(by / unit);
  }

  // One quotient for all lanes, and remainders that go on as the numbers do.
  std::optional<Line> divided(const Line& x, LlvmValue* divisor, LlvmValue* holds, bool is_signed,
                              bool wants_quotient) {
    LlvmType* d = b().getDoubleTy();
    LlvmType* i64 = b().getInt64Ty();
    auto* constant = llvm::dyn_cast<ConstantInt>(divisor);
    if (constant && (constant->isZero() || (is_signed && constant->isNegative())))
      return std::nullopt;
    if (constant)
      if (const auto even = divided_evenly(x, *constant, holds, is_signed, wants_quotient))
        return even;
    LlvmValue* quotient = nullptr;
    if (constant) {
      quotient = b().CreateUDiv(x.first, divisor);
    } else {
      // As divide does it: the reciprocal is made outside of loops.
      LlvmValue* safe = b().CreateBinaryIntrinsic(llvm::Intrinsic::umax, divisor, number(1));
      LlvmValue* by = b().CreateFDiv(llvm::ConstantFP::get(d, 1), b().CreateUIToFP(safe, d));
      LlvmValue* half = b().CreateFAdd(b().CreateUIToFP(x.first, d), llvm::ConstantFP::get(d, 0.5));
      quotient = b().CreateFPToUI(b().CreateFMul(half, by), b().getInt32Ty());
      holds = both(holds, is_signed ? b().CreateICmpSGT(divisor, number(0))
                                    : b().CreateICmpNE(divisor, number(0)));
    }
    holds = both(holds, climbs(x, is_signed));
    if (is_signed) holds = both(holds, b().CreateICmpSGE(x.first, number(0)));
    LlvmValue* rest = b().CreateSub(x.first, b().CreateMul(quotient, divisor));
    LlvmValue* span = b().CreateMul(x.step, number(e.g_.width - 1));
    LlvmValue* furthest = b().CreateAdd(b().CreateZExt(rest, i64), b().CreateZExt(span, i64));
    holds = both(holds, b().CreateICmpULT(furthest, b().CreateZExt(divisor, i64)));
    const double chance = std::min(x.chance, chance_of_one_quotient(x, constant));
    return wants_quotient ? Line{quotient, number(0), holds, 1, chance}
                          : Line{rest, x.step, holds, 1, chance};
  }

  // All lanes between the ends.
  std::optional<Line> clamped(const Inst& inst, unsigned leaf) {
    const std::uint32_t which = inst.args[1];
    const bool is_clamp = which == GLSLstd450UClamp || which == GLSLstd450SClamp;
    const bool is_signed =
        which == GLSLstd450SMin || which == GLSLstd450SMax || which == GLSLstd450SClamp;
    const bool is_min = which == GLSLstd450UMin || which == GLSLstd450SMin;
    const bool is_max = which == GLSLstd450UMax || which == GLSLstd450SMax;
    if (!is_clamp && !is_min && !is_max) return std::nullopt;
    auto x = operand(inst, 2, leaf), low = operand(inst, 3, leaf);
    if (!x || !low) return std::nullopt;
    std::optional<Line> high;
    if (is_clamp) {
      high = operand(inst, 4, leaf);
      if (!high || !is_zero(high->step)) return std::nullopt;
    } else if (!is_zero(low->step)) {
      std::swap(x, low);
    }
    if (!is_zero(low->step)) return std::nullopt;
    if (is_min) std::swap(low, high);
    LlvmValue* holds = both(x->holds, climbs(*x, is_signed));
    const auto at_most = [&](LlvmValue* a, LlvmValue* c) {
      return is_signed ? b().CreateICmpSLE(a, c) : b().CreateICmpULE(a, c);
    };
    if (low) holds = both(both(holds, low->holds), at_most(low->first, x->first));
    if (high) holds = both(both(holds, high->holds), at_most(last(*x), high->first));
    return Line{x->first, x->step, holds, 1, std::min(x->chance, low ? low->chance : 1)};
  }
};

std::optional<RunAccesses::Line> RunAccesses::line_of(Id id, unsigned chunk) {
  if (!b_.has(Part::kLines)) return std::nullopt;
  return LineFinder{*this, chunk}.of(id, 0);
}

}  // namespace sokr::cpu
