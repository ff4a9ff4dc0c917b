// SPDX-License-Identifier: MIT OR Apache-2.0
#include <llvm/Analysis/VectorUtils.h>

#include "compiler/analysis/bounds.hpp"
#include "compiler/emit/builder/rounding.hpp"
#include "compiler/emit/ops/numbers.hpp"
#include "compiler/emit/ops/operations.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;
using llvm::Intrinsic::ID;

// ---- Division ---------------------------------------------------------------------------

namespace {

// Division by 0 is 0 and INT_MIN / -1 is INT_MIN; nothing traps. Vectors of up to 32 bits
// divide as doubles, which is exact and has instructions.
LlvmValue* divide(VectorBuilder& ir, spv::Op op, LlvmValue* a, LlvmValue* b) {
  LlvmType* type = a->getType();
  bool is_signed = op != spv::Op::OpUDiv && op != spv::Op::OpUMod;
  unsigned bits = type->getScalarSizeInBits();
  LlvmValue* zero = ir.integer_like(type, 0);
  auto* constant = llvm::dyn_cast<llvm::Constant>(b);
  if (constant && constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  auto* number = constant ? llvm::dyn_cast<ConstantInt>(constant) : nullptr;
  LlvmValue* bad = ir.CreateICmpEQ(b, zero);
  LlvmValue* safe = ir.CreateSelect(bad, ir.integer_like(type, 1), b);  // of b alone
  LlvmValue *overflow = nullptr, *top = a;
  if (is_signed) {
    LlvmValue* lowest = ConstantInt::get(type, llvm::APInt::getSignedMinValue(bits));
    overflow = ir.CreateAnd(ir.CreateICmpEQ(a, lowest),
                            ir.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(type)));
    top = ir.CreateSelect(overflow, zero, a);
  }
  LlvmValue* quotient = nullptr;
  if (type->isVectorTy() && bits <= 32 && !number) {
    LlvmType* d = type->getWithNewType(ir.getDoubleTy());
    LlvmType* i32 = type->getWithNewBitWidth(32);
    const auto as_double = [&](LlvmValue* v, LlvmType* to) {
      return is_signed ? ir.CreateSIToFP(v, to) : ir.CreateUIToFP(v, to);
    };
    LlvmValue* x = as_double(top, d);
    LlvmValue* q = nullptr;
    if (LlvmValue* one = llvm::getSplatValue(b); one && ir.has(Part::kReciprocals)) {
      // By one number for all lanes: its reciprocal is made outside of loops. Half a unit away from
      // zero keeps quotients that are whole from falling short. The distance of (|a| + 1/2) / |b|
      // from the next whole number is at least 1 / 2|b|, and what two roundings of a number below
      // 2^32 / |b| can be off by is 2^-20 / |b|.
      LlvmValue* divisor = ir.CreateExtractElement(safe, std::uint64_t{0});
      LlvmValue* by = ir.CreateFDiv(llvm::ConstantFP::get(ir.getDoubleTy(), 1),
                                    as_double(divisor, ir.getDoubleTy()));
      LlvmValue* half = llvm::ConstantFP::get(d, 0.5);
      if (is_signed) half = ir.CreateCopySign(half, x);
      q = ir.CreateFMul(ir.CreateFAdd(x, half), ir.CreateVectorSplat(ir.geometry.width, by));
    } else {
      q = ir.CreateFDiv(x, as_double(safe, d));
    }
    q = is_signed ? ir.CreateFPToSI(q, i32) : ir.CreateFPToUI(q, i32);
    quotient = bits == 32 ? q : ir.CreateTrunc(q, type);
  } else {
    quotient = is_signed ? ir.CreateSDiv(top, safe) : ir.CreateUDiv(top, safe);
  }
  if (op == spv::Op::OpSDiv) quotient = ir.CreateSelect(overflow, a, quotient);
  if (op == spv::Op::OpUDiv || op == spv::Op::OpSDiv) return ir.CreateSelect(bad, zero, quotient);
  LlvmValue* rest = ir.CreateSub(top, ir.CreateMul(quotient, safe));
  if (op == spv::Op::OpSMod) {
    LlvmValue* wrong =
        ir.CreateAnd(ir.CreateICmpNE(rest, zero), ir.CreateICmpSLT(ir.CreateXor(rest, b), zero));
    rest = ir.CreateSelect(wrong, ir.CreateAdd(rest, b), rest);
  }
  return ir.CreateSelect(bad, zero, rest);
}

}  // namespace

// ---- Tables -------------------------------------------------------------------------------

namespace {

using llvm::Instruction;

struct Binary {
  spv::Op op;
  Instruction::BinaryOps code;
};
constexpr Binary kBinary[] = {
    {spv::Op::OpIAdd, Instruction::Add},
    {spv::Op::OpISub, Instruction::Sub},
    {spv::Op::OpIMul, Instruction::Mul},
    {spv::Op::OpBitwiseAnd, Instruction::And},
    {spv::Op::OpBitwiseOr, Instruction::Or},
    {spv::Op::OpBitwiseXor, Instruction::Xor},
    {spv::Op::OpFAdd, Instruction::FAdd},
    {spv::Op::OpFSub, Instruction::FSub},
    {spv::Op::OpFMul, Instruction::FMul},
    {spv::Op::OpFDiv, Instruction::FDiv},
    {spv::Op::OpVectorTimesScalar, Instruction::FMul},
    {spv::Op::OpMatrixTimesScalar, Instruction::FMul},
    {spv::Op::OpLogicalAnd, Instruction::And},
    {spv::Op::OpLogicalOr, Instruction::Or},
    {spv::Op::OpLogicalNotEqual, Instruction::Xor},
};

struct Compare {
  spv::Op op;
  llvm::CmpInst::Predicate predicate;
};
constexpr Compare kCompare[] = {
    {spv::Op::OpIEqual, llvm::CmpInst::ICMP_EQ},
    {spv::Op::OpINotEqual, llvm::CmpInst::ICMP_NE},
    {spv::Op::OpUGreaterThan, llvm::CmpInst::ICMP_UGT},
    {spv::Op::OpSGreaterThan, llvm::CmpInst::ICMP_SGT},
    {spv::Op::OpUGreaterThanEqual, llvm::CmpInst::ICMP_UGE},
    {spv::Op::OpSGreaterThanEqual, llvm::CmpInst::ICMP_SGE},
    {spv::Op::OpULessThan, llvm::CmpInst::ICMP_ULT},
    {spv::Op::OpSLessThan, llvm::CmpInst::ICMP_SLT},
    {spv::Op::OpULessThanEqual, llvm::CmpInst::ICMP_ULE},
    {spv::Op::OpSLessThanEqual, llvm::CmpInst::ICMP_SLE},
    {spv::Op::OpFOrdEqual, llvm::CmpInst::FCMP_OEQ},
    {spv::Op::OpFUnordEqual, llvm::CmpInst::FCMP_UEQ},
    {spv::Op::OpFOrdNotEqual, llvm::CmpInst::FCMP_ONE},
    {spv::Op::OpFUnordNotEqual, llvm::CmpInst::FCMP_UNE},
    {spv::Op::OpFOrdLessThan, llvm::CmpInst::FCMP_OLT},
    {spv::Op::OpFUnordLessThan, llvm::CmpInst::FCMP_ULT},
    {spv::Op::OpFOrdGreaterThan, llvm::CmpInst::FCMP_OGT},
    {spv::Op::OpFUnordGreaterThan, llvm::CmpInst::FCMP_UGT},
    {spv::Op::OpFOrdLessThanEqual, llvm::CmpInst::FCMP_OLE},
    {spv::Op::OpFUnordLessThanEqual, llvm::CmpInst::FCMP_ULE},
    {spv::Op::OpFOrdGreaterThanEqual, llvm::CmpInst::FCMP_OGE},
    {spv::Op::OpFUnordGreaterThanEqual, llvm::CmpInst::FCMP_UGE},
};

template <class Row, std::size_t N>
const Row* find(const Row (&table)[N], spv::Op op) {
  for (const auto& row : table)
    if (row.op == op) return &row;
  return nullptr;
}

bool is_half(LlvmValue* v) {
  return v->getType()->getScalarType()->isHalfTy();
}

}  // namespace

llvm::CmpInst::Predicate predicate_of(spv::Op op) {
  const auto* row = find(kCompare, op);
  return row ? row->predicate : llvm::CmpInst::BAD_ICMP_PREDICATE;
}

// ---- Elementwise ----------------------------------------------------------------------------

namespace {

LlvmValue* bit_insert(llvm::IRBuilder<>& b, llvm::ArrayRef<LlvmValue*> v,
                      llvm::function_ref<LlvmValue*(LlvmType*, std::uint64_t)> number) {
  LlvmType* type = v[0]->getType();
  unsigned bits = type->getScalarSizeInBits();
  auto fit = [&](LlvmValue* n) { return b.CreateZExtOrTrunc(n, type); };
  LlvmValue *offset = fit(v[2]), *count = fit(v[3]);
  LlvmValue* left = b.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, number(type, bits), offset);
  count = b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, count, left);
  LlvmValue* shift = b.CreateAnd(offset, number(type, bits - 1));
  LlvmValue* whole = b.CreateICmpUGE(count, number(type, bits));
  LlvmValue* ones = b.CreateSub(
      b.CreateShl(number(type, 1), b.CreateAnd(count, number(type, bits - 1))), number(type, 1));
  ones = b.CreateSelect(whole, llvm::Constant::getAllOnesValue(type), ones);
  LlvmValue* field = b.CreateShl(ones, shift);
  LlvmValue* in = b.CreateAnd(b.CreateShl(v[1], shift), field);
  return b.CreateOr(b.CreateAnd(v[0], b.CreateNot(field)), in);
}

LlvmValue* bit_extract(llvm::IRBuilder<>& b, llvm::ArrayRef<LlvmValue*> v, bool is_signed,
                       llvm::function_ref<LlvmValue*(LlvmType*, std::uint64_t)> number) {
  LlvmType* type = v[0]->getType();
  unsigned bits = type->getScalarSizeInBits();
  auto fit = [&](LlvmValue* n) { return b.CreateZExtOrTrunc(n, type); };
  LlvmValue *offset = fit(v[1]), *count = fit(v[2]);
  LlvmValue* left = b.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, number(type, bits), offset);
  count = b.CreateBinaryIntrinsic(llvm::Intrinsic::umin, count, left);
  LlvmValue* none = b.CreateICmpEQ(count, number(type, 0));
  // Up against the top, then down again.
  LlvmValue* down = b.CreateAnd(b.CreateSub(number(type, bits), count), number(type, bits - 1));
  LlvmValue* up = b.CreateAnd(b.CreateSub(down, offset), number(type, bits - 1));
  LlvmValue* top = b.CreateShl(v[0], up);
  LlvmValue* field = is_signed ? b.CreateAShr(top, down) : b.CreateLShr(top, down);
  return b.CreateSelect(none, number(type, 0), field);
}

}  // namespace

Leaves emit_arithmetic(const Operations& ops, const Op& op) {
  const Inst& inst = op.inst;
  if (inst.op == spv::Op::OpIAdd)
    if (auto dot = emit_byte_dot(ops, op)) return *dot;
  const auto small = ops.ir.has(Part::kReciprocals)
                         ? small_quotient_of(ops.ir.program, ops.ir.geometry, inst)
                         : std::nullopt;
  auto number = [&](LlvmType* type, std::uint64_t n) { return ops.ir.integer_like(type, n); };
  auto one = [&](llvm::ArrayRef<LlvmValue*> in) -> LlvmValue* {
    LlvmValues v(in.begin(), in.end());
    bool half = is_half(v[0]) && inst.op != spv::Op::OpSelect;
    // Sums and products of halves are exact in double, and quotients as good as.
    bool exact = half && float_modes(*ops.ir.program.entry).exact_halves();
    if (half)
      for (auto& x : v)
        if (is_half(x)) {
          x = widen_half(ops.ir, x);
          if (exact) x = ops.ir.CreateFPExt(x, x->getType()->getWithNewType(ops.ir.getDoubleTy()));
        }
    LlvmType* type = v[0]->getType();
    auto narrowed = [&](LlvmValue* x) {
      return exact ? to_half(ops.ir, x, UINT32_MAX) : half ? narrow_half(ops.ir, x) : x;
    };
    if (is_fused(inst.op)) {
      LlvmValue* product = inst.op == kNegatedMultiplyAdd ? ops.ir.CreateFNeg(v[0]) : v[0];
      LlvmValue* sum = inst.op == kMultiplySubtract ? ops.ir.CreateFNeg(v[2]) : v[2];
      return narrowed(multiply_add(ops.ir, product, v[1], sum));
    }
    if (const auto* row = find(kBinary, inst.op)) {
      bool is_float = type->isFPOrFPVectorTy();
      LlvmValue* result = float_operation(ops.ir, row->code, v[0], v[1]);
      return is_float ? narrowed(result) : result;
    }
    if (const auto* row = find(kCompare, inst.op)) {
      return llvm::CmpInst::isFPPredicate(row->predicate)
                 ? ops.ir.CreateFCmp(row->predicate, v[0], v[1])
                 : ops.ir.CreateICmp(row->predicate, v[0], v[1]);
    }
    auto shift = [&] {
      LlvmValue* by = ops.ir.CreateZExtOrTrunc(v[1], type);
      return ops.ir.CreateAnd(by, number(type, type->getScalarSizeInBits() - 1));
    };
    switch (inst.op) {
      case spv::Op::OpSNegate:
        return ops.ir.CreateNeg(v[0]);
      case spv::Op::OpFNegate:
        return narrowed(ops.ir.CreateFNeg(v[0]));
      case spv::Op::OpNot:
      case spv::Op::OpLogicalNot:
        return ops.ir.CreateNot(v[0]);
      case spv::Op::OpLogicalEqual:
        return ops.ir.CreateNot(ops.ir.CreateXor(v[0], v[1]));
      case spv::Op::OpUDiv:
      case spv::Op::OpSDiv:
      case spv::Op::OpUMod:
      case spv::Op::OpSRem:
      case spv::Op::OpSMod:
        if (small && type->isVectorTy()) {
          LlvmValue* product = ops.ir.CreateMul(v[0], number(type, small->factor));
          LlvmValue* quotient = ops.ir.CreateLShr(product, number(type, small->shift));
          return inst.op == spv::Op::OpUDiv
                     ? quotient
                     : ops.ir.CreateSub(v[0], ops.ir.CreateMul(quotient, v[1]));
        }
        return divide(ops.ir, inst.op, v[0], v[1]);
      case spv::Op::OpFRem:
      case spv::Op::OpFMod: {
        ID round = inst.op == spv::Op::OpFRem ? llvm::Intrinsic::trunc : llvm::Intrinsic::floor;
        LlvmValue* whole = ops.ir.CreateUnaryIntrinsic(round, ops.ir.CreateFDiv(v[0], v[1]));
        return narrowed(contracted(ops.ir, ops.ir.CreateFNeg(v[1]), whole, v[0]));
      }
      case spv::Op::OpShiftLeftLogical:
        return ops.ir.CreateShl(v[0], shift());
      case spv::Op::OpShiftRightLogical:
        return ops.ir.CreateLShr(v[0], shift());
      case spv::Op::OpShiftRightArithmetic:
        return ops.ir.CreateAShr(v[0], shift());
      case spv::Op::OpSelect:
        return ops.ir.CreateSelect(v[0], v[1], v[2]);
      case spv::Op::OpIsNan:
        return ops.ir.CreateFCmpUNO(v[0], v[0]);
      case spv::Op::OpIsInf:
        return ops.ir.CreateFCmpOEQ(ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, v[0]),
                                    llvm::ConstantFP::getInfinity(type));
      case spv::Op::OpBitReverse:
        return ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::bitreverse, v[0]);
      case spv::Op::OpBitCount: {
        LlvmValue* count = ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, v[0]);
        return ops.ir.CreateZExtOrTrunc(count, type->getWithNewType(ops.ir.scalar_type(inst.type)));
      }
      case spv::Op::OpBitFieldInsert:
        return bit_insert(ops.ir, v, number);
      case spv::Op::OpBitFieldSExtract:
        return bit_extract(ops.ir, v, true, number);
      case spv::Op::OpBitFieldUExtract:
        return bit_extract(ops.ir, v, false, number);
      case spv::Op::OpExpectKHR:
        return v[0];
      default:
        ops.ir.internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
        return llvm::Constant::getNullValue(type->getWithNewType(ops.ir.scalar_type(inst.type)));
    }
  };
  Leaves out;
  std::uint32_t count = leaf_count(*ops.ir.program.module, inst.type);
  for (std::uint32_t i = 0; i < count; ++i) {
    llvm::SmallVector<const Val*, 4> operands;
    for (const auto& arg : op.args)
      if (!arg.empty()) operands.push_back(&arg[arg.size() == 1 ? 0 : i]);
    out.push_back(ops.ir.apply(op.shape(i), operands, one));
  }
  return out;
}

// ---- Results of two numbers -----------------------------------------------------------------

// {low, high} of a product, {sum, carry}, {difference, borrow}: two leaves a component,
// all first members before all second ones.
Leaves emit_wide_integer(VectorBuilder& ir, const Op& op) {
  const Inst& inst = op.inst;
  std::size_t n = op.args[0].size();
  Leaves first, second;
  for (std::size_t i = 0; i < n; ++i) {
    const Val *a = &op.args[0][i], *b = &op.args[1][i];
    auto emit = [&](bool high) {
      return ir.apply(
          op.shape(high ? n + i : i), {a, b}, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
            LlvmType* type = v[0]->getType();
            unsigned bits = type->getScalarSizeInBits();
            if (inst.op == spv::Op::OpIAddCarry) {
              LlvmValue* sum = ir.CreateAdd(v[0], v[1]);
              return high ? ir.CreateZExt(ir.CreateICmpULT(sum, v[0]), type) : sum;
            }
            if (inst.op == spv::Op::OpISubBorrow)
              return high ? ir.CreateZExt(ir.CreateICmpULT(v[0], v[1]), type)
                          : ir.CreateSub(v[0], v[1]);
            if (!high) return ir.CreateMul(v[0], v[1]);
            bool is_signed = inst.op == spv::Op::OpSMulExtended;
            if (bits <= 32) {
              LlvmType* twice = type->getWithNewBitWidth(bits * 2);
              auto grow = [&](LlvmValue* x) {
                return is_signed ? ir.CreateSExt(x, twice) : ir.CreateZExt(x, twice);
              };
              LlvmValue* product = ir.CreateMul(grow(v[0]), grow(v[1]));
              return ir.CreateTrunc(ir.CreateLShr(product, ir.integer_like(twice, bits)), type);
            }
            // 64 bits, from halves.
            LlvmValue* low_mask = ir.integer_like(type, UINT32_MAX);
            LlvmValue* half = ir.integer_like(type, 32);
            LlvmValue *al = ir.CreateAnd(v[0], low_mask), *ah = ir.CreateLShr(v[0], half);
            LlvmValue *bl = ir.CreateAnd(v[1], low_mask), *bh = ir.CreateLShr(v[1], half);
            LlvmValue* mid =
                ir.CreateAdd(ir.CreateMul(ah, bl), ir.CreateLShr(ir.CreateMul(al, bl), half));
            LlvmValue* mid2 = ir.CreateAdd(ir.CreateMul(al, bh), ir.CreateAnd(mid, low_mask));
            LlvmValue* top = ir.CreateAdd(ir.CreateMul(ah, bh), ir.CreateLShr(mid, half));
            top = ir.CreateAdd(top, ir.CreateLShr(mid2, half));
            if (!is_signed) return top;
            LlvmValue* zero = ir.integer_like(type, 0);
            top = ir.CreateSub(top, ir.CreateSelect(ir.CreateICmpSLT(v[0], zero), v[1], zero));
            return ir.CreateSub(top, ir.CreateSelect(ir.CreateICmpSLT(v[1], zero), v[0], zero));
          });
    };
    first.push_back(emit(false));
    second.push_back(emit(true));
  }
  first.append(second.begin(), second.end());
  return first;
}

}  // namespace sokr::cpu
