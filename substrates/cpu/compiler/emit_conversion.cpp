// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emitter.hpp"
#include "compiler/rounding.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;

// The nearest representable integer for what is out of range, 0 for NaN. LLVM has an operation for
// that, and makes scalar code of it where the processor has none: some hundred instructions for
// sixteen lanes.
LlvmValue* Emitter::to_integer(LlvmValue* x, LlvmType* to, bool is_signed) {
  LlvmType* from = x->getType();
  if (t_.isa == Isa::kNeon)
    return b_.CreateIntrinsic(is_signed ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat,
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
  LlvmValue* inside = b_.CreateSelect(b_.CreateFCmpOGT(x, low), x, low);  // low, if x is NaN
  inside = b_.CreateSelect(b_.CreateFCmpOLT(inside, high), inside, high);
  LlvmType* through = to;  // bytes and halves by way of words, for which there are instructions
  if (bits < 32) through = to->getWithNewBitWidth(32);
  LlvmValue* whole =
      is_signed || bits < 32 ? b_.CreateFPToSI(inside, through) : b_.CreateFPToUI(inside, through);
  if (bits < 32) whole = b_.CreateTrunc(whole, to);
  // The largest float of the range may be less than the largest integer.
  if (bits > llvm::APFloat::semanticsPrecision(semantics))
    whole = b_.CreateSelect(b_.CreateFCmpOGT(x, high), llvm::ConstantInt::get(to, most), whole);
  return b_.CreateSelect(b_.CreateFCmpORD(x, x), whole, llvm::Constant::getNullValue(to));
}

Leaves Emitter::emit_conversion(const Op& op) {
  const Inst& inst = op.inst;
  LlvmType* scalar = scalar_type(inst.type);
  std::uint32_t rounding = p_.module->decorations(inst.origin).fp_rounding_mode;
  auto one = [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    LlvmValue* x = v[0];
    LlvmType* to = x->getType()->getWithNewType(scalar);
    LlvmType* from = x->getType()->getScalarType();
    unsigned from_bits = from->getScalarSizeInBits(), to_bits = scalar->getScalarSizeInBits();
    switch (inst.op) {
      case spv::Op::OpConvertFToS:
      case spv::Op::OpConvertFToU:
        if (from->isHalfTy()) x = widen_half(x);
        return to_integer(x, to, inst.op == spv::Op::OpConvertFToS);
      case spv::Op::OpConvertSToF:
      case spv::Op::OpConvertUToF: {
        bool is_signed = inst.op == spv::Op::OpConvertSToF;
        if (scalar->isHalfTy()) {
          // Through float: exact for what half can tell apart after rounding to odd; wide
          // integers clamp first, all beyond 65520 is infinity anyway.
          LlvmType* f32 = to->getWithNewType(b_.getFloatTy());
          LlvmType* type = x->getType();
          if (from_bits > 16) {
            auto limit = [&](std::int64_t n) {
              return ConstantInt::get(type, static_cast<std::uint64_t>(n), true);
            };
            if (is_signed) {
              x = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, x, limit(-(1 << 20)));
              x = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, x, limit(1 << 20));
            } else {
              x = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, x, limit(1 << 20));
            }
          }
          return narrow_half(is_signed ? b_.CreateSIToFP(x, f32) : b_.CreateUIToFP(x, f32));
        }
        return is_signed ? b_.CreateSIToFP(x, to) : b_.CreateUIToFP(x, to);
      }
      case spv::Op::OpUConvert:
        return b_.CreateZExtOrTrunc(x, to);
      case spv::Op::OpSConvert:
        return b_.CreateSExtOrTrunc(x, to);
      case spv::Op::OpFConvert:
        if (from->isHalfTy() && scalar->isHalfTy()) return x;
        if (from->isHalfTy()) {
          x = widen_half(x);
          return scalar->isDoubleTy() ? b_.CreateFPExt(x, to) : x;
        }
        if (scalar->isHalfTy()) return to_half(x, rounding);
        return to_bits < from_bits ? b_.CreateFPTrunc(x, to) : b_.CreateFPExt(x, to);
      case spv::Op::OpQuantizeToF16: {
        LlvmValue* q = widen_half(to_half(x, static_cast<std::uint32_t>(spv::FPRoundingMode::RTE)));
        // Results below the smallest normal half are zero of the same sign.
        LlvmType* i32 = x->getType()->getWithNewType(b_.getInt32Ty());
        LlvmValue* small = b_.CreateFCmpOLT(b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, q),
                                            llvm::ConstantFP::get(x->getType(), 0x1p-14));
        LlvmValue* sign = b_.CreateAnd(b_.CreateBitCast(x, i32), integer_like(i32, 0x80000000));
        return b_.CreateSelect(small, b_.CreateBitCast(sign, x->getType()), q);
      }
      case spv::Op::OpBitcast:
        return b_.CreateBitCast(x, to);
      case spv::Op::OpConvertPtrToU:
      case spv::Op::OpConvertUToPtr:
        return b_.CreateZExtOrTrunc(x, to);
      default:
        internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
        return llvm::Constant::getNullValue(to);
    }
  };
  std::uint32_t count = leaf_count(*p_.module, inst.type);
  Leaves out;
  if (inst.op == spv::Op::OpBitcast && op.args[0].size() != count) return emit_regrouped_bits(op);
  for (std::uint32_t i = 0; i < count; ++i)
    out.push_back(apply(shape_of_leaf(op, i), {&op.args[0][i]}, one));
  return out;
}

// From float or double, with one rounding: FPRoundingMode, or that of the kernel.
LlvmValue* Emitter::to_half(LlvmValue* x, std::uint32_t rounding) {
  if (x->getType()->getScalarType()->isDoubleTy()) x = float_to_odd(b_, x);
  const FloatModes modes = float_modes(*p_.entry);
  const bool zero = rounding == UINT32_MAX
                        ? modes.half_toward_zero
                        : rounding == static_cast<std::uint32_t>(spv::FPRoundingMode::RTZ);
  if (zero || modes.exact_halves()) return half_from_float(b_, x, zero);
  return narrow_half(x);
}

// Bitcast between vectors of different component counts: the low-order component first.
Leaves Emitter::emit_regrouped_bits(const Op& op) {
  LlvmType* to = scalar_type(op.inst.type);
  std::uint32_t count = leaf_count(*p_.module, op.inst.type);
  unsigned to_bits = to->getScalarSizeInBits();
  const Leaves& in = op.args[0];
  Leaves out;
  llvm::SmallVector<const Val*, 8> all;
  for (const auto& leaf : in) all.push_back(&leaf);
  for (std::uint32_t i = 0; i < count; ++i)
    out.push_back(apply(shape_of_leaf(op, i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
      unsigned from_bits = v[0]->getType()->getScalarSizeInBits();
      LlvmType* from_int = v[0]->getType()->getWithNewType(b_.getIntNTy(from_bits));
      LlvmType* to_int = v[0]->getType()->getWithNewType(b_.getIntNTy(to_bits));
      LlvmType* result = v[0]->getType()->getWithNewType(to);
      if (from_bits > to_bits) {
        unsigned parts = from_bits / to_bits;
        LlvmValue* whole = b_.CreateBitCast(v[i / parts], from_int);
        LlvmValue* part =
            b_.CreateLShr(whole, integer_like(from_int, std::uint64_t{to_bits} * (i % parts)));
        return b_.CreateBitCast(b_.CreateTrunc(part, to_int), result);
      }
      unsigned parts = to_bits / from_bits;
      LlvmValue* sum = nullptr;
      for (unsigned k = 0; k < parts; ++k) {
        LlvmValue* part = b_.CreateZExt(b_.CreateBitCast(v[i * parts + k], from_int), to_int);
        part = b_.CreateShl(part, integer_like(to_int, std::uint64_t{from_bits} * k));
        sum = sum ? b_.CreateOr(sum, part) : part;
      }
      return b_.CreateBitCast(sum, result);
    }));
  return out;
}

}  // namespace sokr::cpu
