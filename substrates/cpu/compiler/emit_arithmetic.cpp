// SPDX-License-Identifier: MIT OR Apache-2.0
#include <llvm/Analysis/VectorUtils.h>

#include "compiler/bounds.hpp"
#include "compiler/emitter.hpp"
#include "compiler/rounding.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;
using llvm::Intrinsic::ID;

// ---- Division ---------------------------------------------------------------------------

// Division by 0 is 0 and INT_MIN / -1 is INT_MIN; nothing traps. Vectors of up to 32 bits
// divide as doubles, which is exact and has instructions.
LlvmValue* Emitter::divide(spv::Op op, LlvmValue* a, LlvmValue* b) {
  LlvmType* type = a->getType();
  bool is_signed = op != spv::Op::OpUDiv && op != spv::Op::OpUMod;
  unsigned bits = type->getScalarSizeInBits();
  LlvmValue* zero = integer_like(type, 0);
  auto* constant = llvm::dyn_cast<llvm::Constant>(b);
  if (constant && constant->getType()->isVectorTy()) constant = constant->getSplatValue();
  auto* number = constant ? llvm::dyn_cast<ConstantInt>(constant) : nullptr;
  LlvmValue* bad = b_.CreateICmpEQ(b, zero);
  LlvmValue* safe = b_.CreateSelect(bad, integer_like(type, 1), b);
  if (is_signed) {
    LlvmValue* lowest = ConstantInt::get(type, llvm::APInt::getSignedMinValue(bits));
    LlvmValue* overflow = b_.CreateAnd(b_.CreateICmpEQ(a, lowest),
                                       b_.CreateICmpEQ(b, llvm::Constant::getAllOnesValue(type)));
    safe = b_.CreateSelect(overflow, integer_like(type, 1), safe);
  }
  LlvmValue* quotient = nullptr;
  if (type->isVectorTy() && bits <= 32 && !number) {
    LlvmType* d = type->getWithNewType(b_.getDoubleTy());
    LlvmType* i32 = type->getWithNewBitWidth(32);
    const auto as_double = [&](LlvmValue* v, LlvmType* to) {
      return is_signed ? b_.CreateSIToFP(v, to) : b_.CreateUIToFP(v, to);
    };
    LlvmValue* x = as_double(a, d);
    LlvmValue* q = nullptr;
    if (LlvmValue* one = llvm::getSplatValue(b); one && has(Part::kReciprocals)) {
      // By one number for all lanes: its reciprocal is made outside of loops. Half a unit away from
      // zero keeps quotients that are whole from falling short. The distance of (|a| + 1/2) / |b|
      // from the next whole number is at least 1 / 2|b|, and what two roundings of a number below
      // 2^32 / |b| can be off by is 2^-20 / |b|.
      LlvmValue* divisor = b_.CreateExtractElement(safe, std::uint64_t{0});
      LlvmValue* by = b_.CreateFDiv(llvm::ConstantFP::get(b_.getDoubleTy(), 1),
                                    as_double(divisor, b_.getDoubleTy()));
      LlvmValue* half = llvm::ConstantFP::get(d, 0.5);
      if (is_signed) half = b_.CreateCopySign(half, x);
      q = b_.CreateFMul(b_.CreateFAdd(x, half), b_.CreateVectorSplat(g_.width, by));
    } else {
      q = b_.CreateFDiv(x, as_double(safe, d));
    }
    q = is_signed ? b_.CreateFPToSI(q, i32) : b_.CreateFPToUI(q, i32);
    quotient = bits == 32 ? q : b_.CreateTrunc(q, type);
  } else {
    quotient = is_signed ? b_.CreateSDiv(a, safe) : b_.CreateUDiv(a, safe);
  }
  if (op == spv::Op::OpUDiv || op == spv::Op::OpSDiv) return b_.CreateSelect(bad, zero, quotient);
  LlvmValue* rest = b_.CreateSub(a, b_.CreateMul(quotient, safe));
  if (op == spv::Op::OpSMod) {
    LlvmValue* wrong =
        b_.CreateAnd(b_.CreateICmpNE(rest, zero), b_.CreateICmpSLT(b_.CreateXor(rest, b), zero));
    rest = b_.CreateSelect(wrong, b_.CreateAdd(rest, b), rest);
  }
  return b_.CreateSelect(bad, zero, rest);
}

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

// ---- Half precision ----------------------------------------------------------------------------

LlvmValue* Emitter::widen_half(LlvmValue* value) {
  const AnyRounding any_rounding(b_);  // it is exact
  LlvmType* to = value->getType()->getWithNewType(b_.getFloatTy());
  if (t_.half) return b_.CreateFPExt(value, to);
  // Shift the fields into place and rescale: exact for numbers, and by a second
  // path for infinities and NaN.
  LlvmType* i32 = value->getType()->getWithNewType(b_.getInt32Ty());
  LlvmType* i16 = value->getType()->getWithNewType(b_.getInt16Ty());
  LlvmValue* bits = b_.CreateZExt(b_.CreateBitCast(value, i16), i32);
  LlvmValue* sign =
      b_.CreateShl(b_.CreateAnd(bits, integer_like(i32, 0x8000)), integer_like(i32, 16));
  LlvmValue* magnitude =
      b_.CreateShl(b_.CreateAnd(bits, integer_like(i32, 0x7fff)), integer_like(i32, 13));
  LlvmValue* special = b_.CreateICmpUGE(magnitude, integer_like(i32, 0x7c00 << 13));
  LlvmValue* scaled =
      b_.CreateFMul(b_.CreateBitCast(magnitude, to), llvm::ConstantFP::get(to, 0x1p112));
  LlvmValue* number = b_.CreateBitCast(scaled, i32);
  LlvmValue* infinite = b_.CreateOr(magnitude, integer_like(i32, 0x7f800000));
  return b_.CreateBitCast(b_.CreateOr(b_.CreateSelect(special, infinite, number), sign), to);
}

LlvmValue* Emitter::narrow_half(LlvmValue* value) {
  const FloatModes modes = float_modes(*p_.entry);
  if (modes.exact_halves()) return half_from_float(b_, value, modes.half_toward_zero);
  LlvmType* to = value->getType()->getWithNewType(b_.getHalfTy());
  if (t_.half) return b_.CreateFPTrunc(value, to);
  LlvmType* f32 = value->getType();
  LlvmType* i32 = f32->getWithNewType(b_.getInt32Ty());
  auto number = [&](std::uint64_t n) { return integer_like(i32, n); };
  LlvmValue* bits = b_.CreateBitCast(value, i32);
  LlvmValue* sign = b_.CreateLShr(b_.CreateAnd(bits, number(0x80000000)), number(16));
  LlvmValue* magnitude = b_.CreateAnd(bits, number(0x7fffffff));
  // Normal results: round the mantissa to nearest even.
  LlvmValue* odd = b_.CreateAnd(b_.CreateLShr(magnitude, number(13)), number(1));
  LlvmValue* rounded = b_.CreateAdd(b_.CreateAdd(magnitude, number(0xfff)), odd);
  LlvmValue* normal = b_.CreateLShr(b_.CreateSub(rounded, number(0x38000000)), number(13));
  normal = b_.CreateSelect(b_.CreateICmpUGE(rounded, number(0x47800000)), number(0x7c00), normal);
  // Subnormal results: the addition rounds.
  LlvmValue* shifted =
      b_.CreateFAdd(b_.CreateBitCast(magnitude, f32), llvm::ConstantFP::get(f32, 0.5));
  LlvmValue* small = b_.CreateSub(b_.CreateBitCast(shifted, i32), number(0x3f000000));
  LlvmValue* nan = b_.CreateOr(number(0x7e00),
                               b_.CreateAnd(b_.CreateLShr(magnitude, number(13)), number(0x3ff)));
  LlvmValue* result =
      b_.CreateSelect(b_.CreateICmpULT(magnitude, number(0x38800000)), small, normal);
  result = b_.CreateSelect(b_.CreateICmpUGT(magnitude, number(0x7f800000)), nan, result);
  LlvmType* i16 = f32->getWithNewType(b_.getInt16Ty());
  return b_.CreateBitCast(b_.CreateTrunc(b_.CreateOr(result, sign), i16), to);
}

// LLVM calls these functions where it moves single halves on processors that cannot
// convert them.
void Emitter::define_half_conversions() {
  if (t_.half) return;
  llvm::IRBuilder<>::InsertPointGuard place(b_);
  LlvmType *f16 = b_.getHalfTy(), *f32 = b_.getFloatTy();
  auto define = [&](const char* name, LlvmType* from, LlvmType* to, auto body) {
    auto* function = llvm::Function::Create(llvm::FunctionType::get(to, {from}, false),
                                            llvm::GlobalValue::ExternalLinkage, name, m_);
    function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    function->setDoesNotThrow();
    // Or a mask of a half's bits becomes a function of the half, for which LLVM calls this one.
    function->addFnAttr(llvm::Attribute::NoImplicitFloat);
    b_.SetInsertPoint(BasicBlock::Create(cx_, "entry", function));
    b_.CreateRet(body(function->getArg(0)));
  };
  define("__extendhfsf2", f16, f32, [&](LlvmValue* v) { return widen_half(v); });
  define("__truncsfhf2", f32, f16, [&](LlvmValue* v) { return narrow_half(v); });
}

// ---- Elementwise
// ----------------------------------------------------------------------------------

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

Leaves Emitter::emit_arithmetic(const Op& op) {
  const Inst& inst = op.inst;
  if (inst.op == spv::Op::OpIAdd)
    if (auto dot = emit_byte_dot(op)) return *dot;
  const auto small = has(Part::kReciprocals) ? small_quotient_of(p_, g_, inst) : std::nullopt;
  auto number = [&](LlvmType* type, std::uint64_t n) { return integer_like(type, n); };
  auto one = [&](llvm::ArrayRef<LlvmValue*> in) -> LlvmValue* {
    LlvmValues v(in.begin(), in.end());
    bool half = is_half(v[0]) && inst.op != spv::Op::OpSelect;
    // Sums and products of halves are exact in double, and quotients as good as.
    bool exact = half && float_modes(*p_.entry).exact_halves();
    if (half)
      for (auto& x : v)
        if (is_half(x)) {
          x = widen_half(x);
          if (exact) x = b_.CreateFPExt(x, x->getType()->getWithNewType(b_.getDoubleTy()));
        }
    LlvmType* type = v[0]->getType();
    auto narrowed = [&](LlvmValue* x) {
      return exact ? to_half(x, UINT32_MAX) : half ? narrow_half(x) : x;
    };
    if (is_fused(inst.op)) {
      LlvmValue* product = inst.op == kNegatedMultiplyAdd ? b_.CreateFNeg(v[0]) : v[0];
      LlvmValue* sum = inst.op == kMultiplySubtract ? b_.CreateFNeg(v[2]) : v[2];
      return multiply_add(b_, product, v[1], sum);
    }
    if (const auto* row = find(kBinary, inst.op)) {
      bool is_float = type->isFPOrFPVectorTy();
      LlvmValue* result = float_operation(b_, row->code, v[0], v[1]);
      return is_float ? narrowed(result) : result;
    }
    if (const auto* row = find(kCompare, inst.op)) {
      return llvm::CmpInst::isFPPredicate(row->predicate)
                 ? b_.CreateFCmp(row->predicate, v[0], v[1])
                 : b_.CreateICmp(row->predicate, v[0], v[1]);
    }
    auto shift = [&] {
      LlvmValue* by = b_.CreateZExtOrTrunc(v[1], type);
      return b_.CreateAnd(by, number(type, type->getScalarSizeInBits() - 1));
    };
    switch (inst.op) {
      case spv::Op::OpSNegate:
        return b_.CreateNeg(v[0]);
      case spv::Op::OpFNegate:
        return narrowed(b_.CreateFNeg(v[0]));
      case spv::Op::OpNot:
      case spv::Op::OpLogicalNot:
        return b_.CreateNot(v[0]);
      case spv::Op::OpLogicalEqual:
        return b_.CreateNot(b_.CreateXor(v[0], v[1]));
      case spv::Op::OpUDiv:
      case spv::Op::OpSDiv:
      case spv::Op::OpUMod:
      case spv::Op::OpSRem:
      case spv::Op::OpSMod:
        if (small && type->isVectorTy()) {
          LlvmValue* product = b_.CreateMul(v[0], number(type, small->factor));
          LlvmValue* quotient = b_.CreateLShr(product, number(type, small->shift));
          return inst.op == spv::Op::OpUDiv ? quotient
                                            : b_.CreateSub(v[0], b_.CreateMul(quotient, v[1]));
        }
        return divide(inst.op, v[0], v[1]);
      case spv::Op::OpFRem:
      case spv::Op::OpFMod: {
        ID round = inst.op == spv::Op::OpFRem ? llvm::Intrinsic::trunc : llvm::Intrinsic::floor;
        LlvmValue* whole = b_.CreateUnaryIntrinsic(round, b_.CreateFDiv(v[0], v[1]));
        return narrowed(contracted(b_.CreateFNeg(v[1]), whole, v[0]));
      }
      case spv::Op::OpShiftLeftLogical:
        return b_.CreateShl(v[0], shift());
      case spv::Op::OpShiftRightLogical:
        return b_.CreateLShr(v[0], shift());
      case spv::Op::OpShiftRightArithmetic:
        return b_.CreateAShr(v[0], shift());
      case spv::Op::OpSelect:
        return b_.CreateSelect(v[0], v[1], v[2]);
      case spv::Op::OpIsNan:
        return b_.CreateFCmpUNO(v[0], v[0]);
      case spv::Op::OpIsInf:
        return b_.CreateFCmpOEQ(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, v[0]),
                                llvm::ConstantFP::getInfinity(type));
      case spv::Op::OpBitReverse:
        return b_.CreateUnaryIntrinsic(llvm::Intrinsic::bitreverse, v[0]);
      case spv::Op::OpBitCount: {
        LlvmValue* count = b_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, v[0]);
        return b_.CreateZExtOrTrunc(count, type->getWithNewType(scalar_type(inst.type)));
      }
      case spv::Op::OpBitFieldInsert:
        return bit_insert(b_, v, number);
      case spv::Op::OpBitFieldSExtract:
        return bit_extract(b_, v, true, number);
      case spv::Op::OpBitFieldUExtract:
        return bit_extract(b_, v, false, number);
      case spv::Op::OpExpectKHR:
        return v[0];
      default:
        internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
        return llvm::Constant::getNullValue(type->getWithNewType(scalar_type(inst.type)));
    }
  };
  Leaves out;
  std::uint32_t count = leaf_count(*p_.module, inst.type);
  for (std::uint32_t i = 0; i < count; ++i) {
    llvm::SmallVector<const Val*, 4> operands;
    for (const auto& arg : op.args)
      if (!arg.empty()) operands.push_back(&arg[arg.size() == 1 ? 0 : i]);
    out.push_back(apply(shape_of_leaf(op, i), operands, one));
  }
  return out;
}

// ---- Results of two numbers
// --------------------------------------------------------------------------

// {low, high} of a product, {sum, carry}, {difference, borrow}: two leaves a component,
// all first members before all second ones.
Leaves Emitter::emit_wide_integer(const Op& op) {
  const Inst& inst = op.inst;
  std::size_t n = op.args[0].size();
  Leaves first, second;
  for (std::size_t i = 0; i < n; ++i) {
    const Val *a = &op.args[0][i], *b = &op.args[1][i];
    auto emit = [&](bool high) {
      return apply(
          shape_of_leaf(op, high ? n + i : i), {a, b},
          [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
            LlvmType* type = v[0]->getType();
            unsigned bits = type->getScalarSizeInBits();
            if (inst.op == spv::Op::OpIAddCarry) {
              LlvmValue* sum = b_.CreateAdd(v[0], v[1]);
              return high ? b_.CreateZExt(b_.CreateICmpULT(sum, v[0]), type) : sum;
            }
            if (inst.op == spv::Op::OpISubBorrow)
              return high ? b_.CreateZExt(b_.CreateICmpULT(v[0], v[1]), type)
                          : b_.CreateSub(v[0], v[1]);
            if (!high) return b_.CreateMul(v[0], v[1]);
            bool is_signed = inst.op == spv::Op::OpSMulExtended;
            if (bits <= 32) {
              LlvmType* twice = type->getWithNewBitWidth(bits * 2);
              auto grow = [&](LlvmValue* x) {
                return is_signed ? b_.CreateSExt(x, twice) : b_.CreateZExt(x, twice);
              };
              LlvmValue* product = b_.CreateMul(grow(v[0]), grow(v[1]));
              return b_.CreateTrunc(b_.CreateLShr(product, integer_like(twice, bits)), type);
            }
            // 64 bits, from halves.
            LlvmValue* low_mask = integer_like(type, UINT32_MAX);
            LlvmValue* half = integer_like(type, 32);
            LlvmValue *al = b_.CreateAnd(v[0], low_mask), *ah = b_.CreateLShr(v[0], half);
            LlvmValue *bl = b_.CreateAnd(v[1], low_mask), *bh = b_.CreateLShr(v[1], half);
            LlvmValue* mid =
                b_.CreateAdd(b_.CreateMul(ah, bl), b_.CreateLShr(b_.CreateMul(al, bl), half));
            LlvmValue* mid2 = b_.CreateAdd(b_.CreateMul(al, bh), b_.CreateAnd(mid, low_mask));
            LlvmValue* top = b_.CreateAdd(b_.CreateMul(ah, bh), b_.CreateLShr(mid, half));
            top = b_.CreateAdd(top, b_.CreateLShr(mid2, half));
            if (!is_signed) return top;
            LlvmValue* zero = integer_like(type, 0);
            top = b_.CreateSub(top, b_.CreateSelect(b_.CreateICmpSLT(v[0], zero), v[1], zero));
            return b_.CreateSub(top, b_.CreateSelect(b_.CreateICmpSLT(v[1], zero), v[0], zero));
          });
    };
    first.push_back(emit(false));
    second.push_back(emit(true));
  }
  first.append(second.begin(), second.end());
  return first;
}

}  // namespace sokr::cpu
