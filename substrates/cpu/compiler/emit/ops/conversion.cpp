// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/builder/rounding.hpp"
#include "compiler/emit/ops/numbers.hpp"
#include "compiler/emit/ops/operations.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;

namespace {

// The nearest representable integer for what is out of range, 0 for NaN. LLVM has an operation for
// that, and makes scalar code of it where the processor has none: some hundred instructions for
// sixteen lanes.
LlvmValue* to_integer(VectorBuilder& ir, LlvmValue* x, LlvmType* to, bool is_signed) {
  LlvmType* from = x->getType();
  if (ir.target.saturates)
    return ir.CreateIntrinsic(is_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat,
                              {to, from}, {x});
  const llvm::fltSemantics& semantics = from->getScalarType()->getFltSemantics();
  const unsigned bits = to->getScalarSizeInBits();
  const auto bound = [&](const llvm::APInt& limit) {
    llvm::APFloat value(semantics);
    value.convertFromAPInt(limit, is_signed, llvm::APFloat::rmTowardZero);
    return llvm::ConstantFP::get(from, value);
  };
  const llvm::APInt least =
      is_signed ? llvm::APInt::getSignedMinValue(bits) : llvm::APInt::getZero(bits);
  const llvm::APInt most =
      is_signed ? llvm::APInt::getSignedMaxValue(bits) : llvm::APInt::getMaxValue(bits);
  llvm::Constant *low = bound(least), *high = bound(most);
  LlvmValue* inside = ir.CreateSelect(ir.CreateFCmpOGT(x, low), x, low);  // low, if x is NaN
  inside = ir.CreateSelect(ir.CreateFCmpOLT(inside, high), inside, high);
  LlvmType* through = to;  // bytes and halves by way of words, for which there are instructions
  if (bits < 32) through = to->getWithNewBitWidth(32);
  LlvmValue* whole =
      is_signed || bits < 32 ? ir.CreateFPToSI(inside, through) : ir.CreateFPToUI(inside, through);
  if (bits < 32) whole = ir.CreateTrunc(whole, to);
  // The largest float of the range may be less than the largest integer.
  if (bits > llvm::APFloat::semanticsPrecision(semantics))
    whole = ir.CreateSelect(ir.CreateFCmpOGT(x, high), llvm::ConstantInt::get(to, most), whole);
  return ir.CreateSelect(ir.CreateFCmpORD(x, x), whole, llvm::Constant::getNullValue(to));
}

// Bitcast between vectors of different component counts: the low-order component first.
Leaves emit_regrouped_bits(VectorBuilder& ir, const Op& op) {
  LlvmType* to = ir.scalar_type(op.inst.type);
  std::uint32_t count = leaf_count(*ir.program.module, op.inst.type);
  unsigned to_bits = to->getScalarSizeInBits();
  const Leaves& in = op.args[0];
  Leaves out;
  llvm::SmallVector<const Val*, 8> all;
  for (const auto& leaf : in) all.push_back(&leaf);
  for (std::uint32_t i = 0; i < count; ++i)
    out.push_back(ir.apply(op.shape(i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
      unsigned from_bits = v[0]->getType()->getScalarSizeInBits();
      LlvmType* from_int = v[0]->getType()->getWithNewType(ir.getIntNTy(from_bits));
      LlvmType* to_int = v[0]->getType()->getWithNewType(ir.getIntNTy(to_bits));
      LlvmType* result = v[0]->getType()->getWithNewType(to);
      if (from_bits > to_bits) {
        unsigned parts = from_bits / to_bits;
        LlvmValue* whole = ir.CreateBitCast(v[i / parts], from_int);
        LlvmValue* part =
            ir.CreateLShr(whole, ir.integer_like(from_int, std::uint64_t{to_bits} * (i % parts)));
        return ir.CreateBitCast(ir.CreateTrunc(part, to_int), result);
      }
      unsigned parts = to_bits / from_bits;
      LlvmValue* sum = nullptr;
      for (unsigned k = 0; k < parts; ++k) {
        LlvmValue* part = ir.CreateZExt(ir.CreateBitCast(v[i * parts + k], from_int), to_int);
        part = ir.CreateShl(part, ir.integer_like(to_int, std::uint64_t{from_bits} * k));
        sum = sum ? ir.CreateOr(sum, part) : part;
      }
      return ir.CreateBitCast(sum, result);
    }));
  return out;
}

}  // namespace

Leaves emit_conversion(VectorBuilder& ir, const Op& op) {
  const Inst& inst = op.inst;
  LlvmType* scalar = ir.scalar_type(inst.type);
  std::uint32_t rounding = ir.program.module->decorations(inst.origin).fp_rounding_mode;
  auto one = [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmValue* x = v[0];
    LlvmType* to = x->getType()->getWithNewType(scalar);
    LlvmType* from = x->getType()->getScalarType();
    unsigned from_bits = from->getScalarSizeInBits(), to_bits = scalar->getScalarSizeInBits();
    switch (inst.op) {
      case spv::Op::OpConvertFToS:
      case spv::Op::OpConvertFToU:
        if (from->isHalfTy()) x = widen_half(ir, x);
        return to_integer(ir, x, to, inst.op == spv::Op::OpConvertFToS);
      case spv::Op::OpConvertSToF:
      case spv::Op::OpConvertUToF: {
        bool is_signed = inst.op == spv::Op::OpConvertSToF;
        if (scalar->isHalfTy()) {
          // Through float: exact for what half can tell apart after rounding to odd; wide
          // integers clamp first, all beyond 65520 is infinity anyway.
          LlvmType* f32 = to->getWithNewType(ir.getFloatTy());
          LlvmType* type = x->getType();
          if (from_bits > 16) {
            auto limit = [&](std::int64_t n) {
              return ConstantInt::get(type, static_cast<std::uint64_t>(n), true);
            };
            if (is_signed) {
              x = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, x, limit(-(1 << 20)));
              x = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, limit(1 << 20));
            } else {
              x = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, x, limit(1 << 20));
            }
          }
          return narrow_half(ir, is_signed ? ir.CreateSIToFP(x, f32) : ir.CreateUIToFP(x, f32));
        }
        return is_signed ? ir.CreateSIToFP(x, to) : ir.CreateUIToFP(x, to);
      }
      case spv::Op::OpUConvert:
        return ir.CreateZExtOrTrunc(x, to);
      case spv::Op::OpSConvert:
        return ir.CreateSExtOrTrunc(x, to);
      case spv::Op::OpFConvert:
        if (from->isHalfTy() && scalar->isHalfTy()) return x;
        if (from->isHalfTy()) {
          x = widen_half(ir, x);
          return scalar->isDoubleTy() ? ir.CreateFPExt(x, to) : x;
        }
        if (scalar->isHalfTy()) return to_half(ir, x, rounding);
        return to_bits < from_bits ? ir.CreateFPTrunc(x, to) : ir.CreateFPExt(x, to);
      case spv::Op::OpQuantizeToF16: {
        LlvmValue* q =
            widen_half(ir, to_half(ir, x, static_cast<std::uint32_t>(spv::FPRoundingMode::RTE)));
        // Results below the smallest normal half are zero of the same sign.
        LlvmType* i32 = x->getType()->getWithNewType(ir.getInt32Ty());
        LlvmValue* small = ir.CreateFCmpOLT(ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, q),
                                            llvm::ConstantFP::get(x->getType(), 0x1p-14));
        LlvmValue* sign = ir.CreateAnd(ir.CreateBitCast(x, i32), ir.integer_like(i32, 0x80000000));
        return ir.CreateSelect(small, ir.CreateBitCast(sign, x->getType()), q);
      }
      case spv::Op::OpBitcast:
        return ir.CreateBitCast(x, to);
      case spv::Op::OpConvertPtrToU:
      case spv::Op::OpConvertUToPtr:
        return ir.CreateZExtOrTrunc(x, to);
      default:
        ir.internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
        return llvm::Constant::getNullValue(to);
    }
  };
  std::uint32_t count = leaf_count(*ir.program.module, inst.type);
  Leaves out;
  if (inst.op == spv::Op::OpBitcast && op.args[0].size() != count)
    return emit_regrouped_bits(ir, op);
  for (std::uint32_t i = 0; i < count; ++i)
    out.push_back(ir.apply(op.shape(i), {&op.args[0][i]}, one));
  return out;
}

}  // namespace sokr::cpu
