// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/ops/numbers.hpp"

#include <llvm/IR/PatternMatch.h>

#include "compiler/emit/builder/rounding.hpp"

namespace sokr::cpu {

using llvm::ConstantFP;

LlvmValue* contracted(VectorBuilder& ir, LlvmValue* a, LlvmValue* b, LlvmValue* c) {
  if (ir.at.contracts) return multiply_add(ir, a, b, c);
  return ir.CreateFAdd(ir.CreateFMul(a, b), c);
}

// Each step of a sum of halves would be rounded to a half, of which the rounding is nearly all that
// it costs. A product of two is exact as a float.
LlvmValue* contracted_halves(VectorBuilder& ir, llvm::ArrayRef<LlvmValue*> v) {
  const std::size_t n = v.size() / 2;
  LlvmValue* sum = v.size() % 2 ? widen_half(ir, v.back()) : nullptr;
  for (std::size_t i = 0; i < n; ++i) {
    LlvmValue *a = widen_half(ir, v[i]), *b = widen_half(ir, v[n + i]);
    sum = sum ? contracted(ir, a, b, sum) : ir.CreateFMul(a, b);
  }
  return narrow_half(ir, sum);
}

// a0 * b0 + a1 * b1 + ..., and what is left behind these added to it.
LlvmValue* sum_of_products(VectorBuilder& ir, llvm::ArrayRef<LlvmValue*> v) {
  std::size_t n = v.size() / 2;
  LlvmValue* sum = nullptr;
  bool half = v[0]->getType()->getScalarType()->isHalfTy();
  const FloatModes modes = float_modes(*ir.program.entry);
  const bool has_rest = v.size() % 2 != 0;  // which contraction alone leaves here
  if (half && (has_rest || (ir.at.contracts && modes.contracts(16))))
    return contracted_halves(ir, v);
  bool exact = half && modes.exact_halves();
  auto wide = [&](LlvmValue* x) {
    x = widen_half(ir, x);
    return exact ? ir.CreateFPExt(x, x->getType()->getWithNewType(ir.getDoubleTy())) : x;
  };
  auto narrow = [&](LlvmValue* x) {
    return exact ? to_half(ir, x, UINT32_MAX) : narrow_half(ir, x);
  };
  for (std::size_t i = 0; i < n; ++i) {
    LlvmValue *a = v[i], *b = v[n + i];
    if (half) {
      a = wide(a);
      b = wide(b);
    }
    if (!half) {
      sum = sum ? contracted(ir, a, b, sum) : ir.CreateFMul(a, b);
      continue;
    }
    LlvmValue* product = wide(narrow(ir.CreateFMul(a, b)));
    sum = sum ? wide(narrow(ir.CreateFAdd(sum, product))) : product;
  }
  return half ? narrow(sum) : sum;
}

// The other one if one is NaN; the first of two equal ones. Where the second is known to be a
// number, one comparison says both.
LlvmValue* float_min(VectorBuilder& ir, LlvmValue* a, LlvmValue* b) {
  if (llvm::PatternMatch::match(b, llvm::PatternMatch::m_NonNaN()))
    return ir.CreateSelect(ir.CreateFCmpULT(b, a), b, a);
  LlvmValue* r = ir.CreateSelect(ir.CreateFCmpOLT(b, a), b, a);
  return ir.CreateSelect(ir.CreateFCmpUNO(a, a), b, r);
}

LlvmValue* float_max(VectorBuilder& ir, LlvmValue* a, LlvmValue* b) {
  if (llvm::PatternMatch::match(b, llvm::PatternMatch::m_NonNaN()))
    return ir.CreateSelect(ir.CreateFCmpULT(a, b), b, a);
  LlvmValue* r = ir.CreateSelect(ir.CreateFCmpOLT(a, b), b, a);
  return ir.CreateSelect(ir.CreateFCmpUNO(a, a), b, r);
}

// The fraction in [1/2, 1) and the exponent; zeros, infinities and NaN keep exponent 0.
std::pair<LlvmValue*, LlvmValue*> split_exponent(VectorBuilder& ir, LlvmValue* x) {
  bool wide_type = x->getType()->getScalarType()->isDoubleTy();
  LlvmType* bits = x->getType()->getWithNewType(wide_type ? ir.getInt64Ty() : ir.getInt32Ty());
  std::uint64_t mantissa = wide_type ? 52 : 23, bias = wide_type ? 1022 : 126;
  std::uint64_t fields = wide_type ? 0x7ff : 0xff;
  auto number = [&](std::uint64_t v) { return ir.integer_like(bits, v); };
  LlvmValue* magnitude = ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  LlvmValue* smallest = ConstantFP::get(x->getType(), wide_type ? 0x1p-1022 : 0x1p-126);
  LlvmValue* subnormal = ir.CreateFCmpOLT(magnitude, smallest);
  LlvmValue* scaled = ir.CreateSelect(
      subnormal, ir.CreateFMul(x, ConstantFP::get(x->getType(), wide_type ? 0x1p54 : 0x1p25)), x);
  LlvmValue* raw = ir.CreateBitCast(scaled, bits);
  LlvmValue* field = ir.CreateAnd(ir.CreateLShr(raw, number(mantissa)), number(fields));
  LlvmValue* exponent = ir.CreateSub(field, number(bias));
  exponent =
      ir.CreateSub(exponent, ir.CreateSelect(subnormal, number(wide_type ? 54 : 25), number(0)));
  LlvmValue* keep = ir.CreateAnd(raw, number(~(fields << mantissa)));
  LlvmValue* fraction = ir.CreateBitCast(ir.CreateOr(keep, number(bias << mantissa)), x->getType());
  LlvmValue* odd = ir.CreateOr(ir.CreateICmpEQ(field, number(fields)),
                               ir.CreateFCmpOEQ(x, ConstantFP::get(x->getType(), 0.0)));
  return {ir.CreateSelect(odd, x, fraction), ir.CreateSelect(odd, number(0), exponent)};
}

// ---- Halves -----------------------------------------------------------------------------------

LlvmValue* widen_half(VectorBuilder& ir, LlvmValue* value) {
  const AnyRounding any_rounding(ir);  // it is exact
  LlvmType* to = value->getType()->getWithNewType(ir.getFloatTy());
  if (ir.target.half) return ir.CreateFPExt(value, to);
  // Shift the fields into place and rescale: exact for numbers, and by a second
  // path for infinities and NaN.
  LlvmType* i32 = value->getType()->getWithNewType(ir.getInt32Ty());
  LlvmType* i16 = value->getType()->getWithNewType(ir.getInt16Ty());
  LlvmValue* bits = ir.CreateZExt(ir.CreateBitCast(value, i16), i32);
  LlvmValue* sign =
      ir.CreateShl(ir.CreateAnd(bits, ir.integer_like(i32, 0x8000)), ir.integer_like(i32, 16));
  LlvmValue* magnitude =
      ir.CreateShl(ir.CreateAnd(bits, ir.integer_like(i32, 0x7fff)), ir.integer_like(i32, 13));
  LlvmValue* special = ir.CreateICmpUGE(magnitude, ir.integer_like(i32, 0x7c00 << 13));
  LlvmValue* scaled =
      ir.CreateFMul(ir.CreateBitCast(magnitude, to), llvm::ConstantFP::get(to, 0x1p112));
  LlvmValue* number = ir.CreateBitCast(scaled, i32);
  LlvmValue* infinite = ir.CreateOr(magnitude, ir.integer_like(i32, 0x7f800000));
  return ir.CreateBitCast(ir.CreateOr(ir.CreateSelect(special, infinite, number), sign), to);
}

LlvmValue* narrow_half(VectorBuilder& ir, LlvmValue* value) {
  const FloatModes modes = float_modes(*ir.program.entry);
  if (modes.exact_halves()) return half_from_float(ir, value, modes.half_toward_zero);
  LlvmType* to = value->getType()->getWithNewType(ir.getHalfTy());
  if (ir.target.half) return ir.CreateFPTrunc(value, to);
  LlvmType* f32 = value->getType();
  LlvmType* i32 = f32->getWithNewType(ir.getInt32Ty());
  auto number = [&](std::uint64_t n) { return ir.integer_like(i32, n); };
  LlvmValue* bits = ir.CreateBitCast(value, i32);
  LlvmValue* sign = ir.CreateLShr(ir.CreateAnd(bits, number(0x80000000)), number(16));
  LlvmValue* magnitude = ir.CreateAnd(bits, number(0x7fffffff));
  // Normal results: round the mantissa to nearest even.
  LlvmValue* odd = ir.CreateAnd(ir.CreateLShr(magnitude, number(13)), number(1));
  LlvmValue* rounded = ir.CreateAdd(ir.CreateAdd(magnitude, number(0xfff)), odd);
  LlvmValue* normal = ir.CreateLShr(ir.CreateSub(rounded, number(0x38000000)), number(13));
  normal = ir.CreateSelect(ir.CreateICmpUGE(rounded, number(0x47800000)), number(0x7c00), normal);
  // Subnormal results: the addition rounds.
  LlvmValue* shifted =
      ir.CreateFAdd(ir.CreateBitCast(magnitude, f32), llvm::ConstantFP::get(f32, 0.5));
  LlvmValue* small = ir.CreateSub(ir.CreateBitCast(shifted, i32), number(0x3f000000));
  LlvmValue* nan = ir.CreateOr(number(0x7e00),
                               ir.CreateAnd(ir.CreateLShr(magnitude, number(13)), number(0x3ff)));
  LlvmValue* result =
      ir.CreateSelect(ir.CreateICmpULT(magnitude, number(0x38800000)), small, normal);
  result = ir.CreateSelect(ir.CreateICmpUGT(magnitude, number(0x7f800000)), nan, result);
  LlvmType* i16 = f32->getWithNewType(ir.getInt16Ty());
  return ir.CreateBitCast(ir.CreateTrunc(ir.CreateOr(result, sign), i16), to);
}

// LLVM calls these functions where it moves single halves on processors that cannot
// convert them.
void define_half_conversions(VectorBuilder& ir) {
  if (ir.target.half) return;
  llvm::IRBuilder<>::InsertPointGuard place(ir);
  LlvmType *f16 = ir.getHalfTy(), *f32 = ir.getFloatTy();
  auto define = [&](const char* name, LlvmType* from, LlvmType* to, auto body) {
    auto* function = llvm::Function::Create(llvm::FunctionType::get(to, {from}, false),
                                            llvm::GlobalValue::ExternalLinkage, name, ir.module);
    function->setVisibility(llvm::GlobalValue::HiddenVisibility);
    function->setDoesNotThrow();
    // Or a mask of a half's bits becomes a function of the half, for which LLVM calls this one.
    function->addFnAttr(llvm::Attribute::NoImplicitFloat);
    ir.SetInsertPoint(BasicBlock::Create(ir.context, "entry", function));
    ir.CreateRet(body(function->getArg(0)));
  };
  define("__extendhfsf2", f16, f32, [&](LlvmValue* v) { return widen_half(ir, v); });
  define("__truncsfhf2", f32, f16, [&](LlvmValue* v) { return narrow_half(ir, v); });
}

// From float or double, with one rounding: FPRoundingMode, or that of the kernel.
LlvmValue* to_half(VectorBuilder& ir, LlvmValue* x, std::uint32_t rounding) {
  if (x->getType()->getScalarType()->isDoubleTy()) x = float_to_odd(ir, x);
  const FloatModes modes = float_modes(*ir.program.entry);
  const bool zero = rounding == UINT32_MAX
                        ? modes.half_toward_zero
                        : rounding == static_cast<std::uint32_t>(spv::FPRoundingMode::RTZ);
  if (zero || modes.exact_halves()) return half_from_float(ir, x, zero);
  return narrow_half(ir, x);
}

}  // namespace sokr::cpu
