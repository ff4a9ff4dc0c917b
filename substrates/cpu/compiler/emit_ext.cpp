// SPDX-License-Identifier: MIT OR Apache-2.0
//
// GLSL.std.450, component by component. Vectors and packing are in emit_ext_vector.cpp.
#include <llvm/IR/PatternMatch.h>
#include <spirv/unified1/GLSL.std.450.h>

#include <numbers>

#include "compiler/emitter.hpp"
#include "compiler/math/vector_elementary.hpp"
#include "compiler/rounding.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantFP;
using llvm::Intrinsic::ID;
using math::ElementaryFunction;

namespace {

struct Elementary {
  std::uint32_t instruction;
  ElementaryFunction function;
};
constexpr Elementary kElementary[] = {
    {GLSLstd450Exp, ElementaryFunction::kExp},     {GLSLstd450Exp2, ElementaryFunction::kExp2},
    {GLSLstd450Log, ElementaryFunction::kLog},     {GLSLstd450Log2, ElementaryFunction::kLog2},
    {GLSLstd450Pow, ElementaryFunction::kPow},     {GLSLstd450Sin, ElementaryFunction::kSin},
    {GLSLstd450Cos, ElementaryFunction::kCos},     {GLSLstd450Tan, ElementaryFunction::kTan},
    {GLSLstd450Asin, ElementaryFunction::kAsin},   {GLSLstd450Acos, ElementaryFunction::kAcos},
    {GLSLstd450Atan, ElementaryFunction::kAtan},   {GLSLstd450Atan2, ElementaryFunction::kAtan2},
    {GLSLstd450Sinh, ElementaryFunction::kSinh},   {GLSLstd450Cosh, ElementaryFunction::kCosh},
    {GLSLstd450Tanh, ElementaryFunction::kTanh},   {GLSLstd450Asinh, ElementaryFunction::kAsinh},
    {GLSLstd450Acosh, ElementaryFunction::kAcosh}, {GLSLstd450Atanh, ElementaryFunction::kAtanh},
};

struct Rounding {
  std::uint32_t instruction;
  ID id;
};
constexpr Rounding kUnary[] = {
    {GLSLstd450RoundEven, llvm::Intrinsic::roundeven}, {GLSLstd450Trunc, llvm::Intrinsic::trunc},
    {GLSLstd450Floor, llvm::Intrinsic::floor},         {GLSLstd450Ceil, llvm::Intrinsic::ceil},
    {GLSLstd450FAbs, llvm::Intrinsic::fabs},
};

constexpr Rounding kIntegerBinary[] = {
    {GLSLstd450SMin, llvm::Intrinsic::smin},
    {GLSLstd450SMax, llvm::Intrinsic::smax},
    {GLSLstd450UMin, llvm::Intrinsic::umin},
    {GLSLstd450UMax, llvm::Intrinsic::umax},
};

}  // namespace

// The other one if one is NaN; the first of two equal ones. Where the second is known to be a
// number, one comparison says both.
LlvmValue* Emitter::float_min(LlvmValue* a, LlvmValue* b) {
  if (llvm::PatternMatch::match(b, llvm::PatternMatch::m_NonNaN()))
    return b_.CreateSelect(b_.CreateFCmpULT(b, a), b, a);
  LlvmValue* r = b_.CreateSelect(b_.CreateFCmpOLT(b, a), b, a);
  return b_.CreateSelect(b_.CreateFCmpUNO(a, a), b, r);
}
LlvmValue* Emitter::float_max(LlvmValue* a, LlvmValue* b) {
  if (llvm::PatternMatch::match(b, llvm::PatternMatch::m_NonNaN()))
    return b_.CreateSelect(b_.CreateFCmpULT(a, b), b, a);
  LlvmValue* r = b_.CreateSelect(b_.CreateFCmpOLT(a, b), b, a);
  return b_.CreateSelect(b_.CreateFCmpUNO(a, a), b, r);
}

LlvmValue* Emitter::contracted(LlvmValue* a, LlvmValue* b, LlvmValue* c) {
  if (contract_) return multiply_add(b_, a, b, c);
  return b_.CreateFAdd(b_.CreateFMul(a, b), c);
}

LlvmValue* Emitter::fused_multiply_add(LlvmValue* a, LlvmValue* b, LlvmValue* c) {
  if (t_.fma) return multiply_add(b_, a, b, c);
  return b_.CreateFAdd(b_.CreateFMul(a, b), c);
}

// x * 2^n in steps, of which one rounds at most: two that take n into the range of exponents, as
// far from the denormals as the mantissa is long, so that what rounds there becomes 0; and the
// rest. `n` is signed, of any width: what it loses to the width of x it loses after it is clamped.
LlvmValue* Emitter::scale_by_power(LlvmValue* x, LlvmValue* n) {
  bool wide_type = x->getType()->getScalarType()->isDoubleTy();
  LlvmType* bits = x->getType()->getWithNewType(wide_type ? b_.getInt64Ty() : b_.getInt32Ty());
  unsigned mantissa = wide_type ? 52 : 23;
  std::int64_t bias = wide_type ? 1023 : 127, most = wide_type ? 2200 : 300;
  auto number = [&](std::int64_t v) {
    return llvm::ConstantInt::get(bits, static_cast<std::uint64_t>(v), true);
  };
  if (n->getType()->getScalarSizeInBits() < bits->getScalarSizeInBits()) n = b_.CreateSExt(n, bits);
  auto limit = [&](std::int64_t v) {
    return llvm::ConstantInt::get(n->getType(), static_cast<std::uint64_t>(v), true);
  };
  n = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, n, limit(-most));
  n = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, n, limit(most));
  n = b_.CreateTrunc(n, bits);
  auto power = [&](LlvmValue* e) {
    return b_.CreateBitCast(b_.CreateShl(b_.CreateAdd(e, number(bias)), number(mantissa)),
                            x->getType());
  };
  const std::int64_t down = 1 - bias + mantissa + 1;
  for (int k = 0; k < 2; ++k) {
    LlvmValue* step = b_.CreateSelect(
        b_.CreateICmpSLT(n, number(1 - bias)), number(down),
        b_.CreateSelect(b_.CreateICmpSGT(n, number(bias)), number(bias), number(0)));
    x = b_.CreateFMul(x, power(step));
    n = b_.CreateSub(n, step);
  }
  return b_.CreateFMul(x, power(n));
}

// The fraction in [1/2, 1) and the exponent; zeros, infinities and NaN keep exponent 0.
std::pair<LlvmValue*, LlvmValue*> Emitter::split_exponent(LlvmValue* x) {
  bool wide_type = x->getType()->getScalarType()->isDoubleTy();
  LlvmType* bits = x->getType()->getWithNewType(wide_type ? b_.getInt64Ty() : b_.getInt32Ty());
  std::uint64_t mantissa = wide_type ? 52 : 23, bias = wide_type ? 1022 : 126;
  std::uint64_t fields = wide_type ? 0x7ff : 0xff;
  auto number = [&](std::uint64_t v) { return integer_like(bits, v); };
  LlvmValue* magnitude = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x);
  LlvmValue* smallest = ConstantFP::get(x->getType(), wide_type ? 0x1p-1022 : 0x1p-126);
  LlvmValue* subnormal = b_.CreateFCmpOLT(magnitude, smallest);
  LlvmValue* scaled = b_.CreateSelect(
      subnormal, b_.CreateFMul(x, ConstantFP::get(x->getType(), wide_type ? 0x1p54 : 0x1p25)), x);
  LlvmValue* raw = b_.CreateBitCast(scaled, bits);
  LlvmValue* field = b_.CreateAnd(b_.CreateLShr(raw, number(mantissa)), number(fields));
  LlvmValue* exponent = b_.CreateSub(field, number(bias));
  exponent =
      b_.CreateSub(exponent, b_.CreateSelect(subnormal, number(wide_type ? 54 : 25), number(0)));
  LlvmValue* keep = b_.CreateAnd(raw, number(~(fields << mantissa)));
  LlvmValue* fraction = b_.CreateBitCast(b_.CreateOr(keep, number(bias << mantissa)), x->getType());
  LlvmValue* odd = b_.CreateOr(b_.CreateICmpEQ(field, number(fields)),
                               b_.CreateFCmpOEQ(x, ConstantFP::get(x->getType(), 0.0)));
  return {b_.CreateSelect(odd, x, fraction), b_.CreateSelect(odd, number(0), exponent)};
}

// `known`: the second operand is a constant of the kernel, whoever compiles it.
LlvmValue* Emitter::math_ext(std::uint32_t which, llvm::ArrayRef<LlvmValue*> in, bool known) {
  LlvmValues v(in.begin(), in.end());
  bool half = v[0]->getType()->getScalarType()->isHalfTy();
  if (half)
    for (auto& x : v)
      if (x->getType()->getScalarType()->isHalfTy()) x = widen_half(x);
  LlvmType* type = v[0]->getType();
  auto done = [&](LlvmValue* r) { return half ? narrow_half(r) : r; };
  auto number = [&](double x) { return ConstantFP::get(type, x); };
  for (const auto& row : kElementary)
    if (row.instruction == which) {
      const AnyRounding any_rounding(b_);
      const FloatModes modes = float_modes(*p_.entry);
      const int quarters = which == GLSLstd450Pow && known ? math::known_quarters(v[1]) : 0;
      const math::MathTarget target{t_.fma, t_.isa == Isa::kAvx512};
      LlvmValue* r = quarters != 0 ? math::emit_power(b_, v[0], quarters, target)
                                   : math::emit_elementary(
                                         b_, row.function, v, target,
                                         [&](llvm::StringRef name) { return is_builtin(name); });
      if (modes.toward_zero)
        r = called_to_nearest(b_, r, t_.isa, processor_may_flush(*p_.module, *p_.entry));
      return done(r);
    }
  if (which == GLSLstd450Sqrt) return done(square_root(b_, v[0]));
  for (const auto& row : kUnary)
    if (row.instruction == which) return done(b_.CreateUnaryIntrinsic(row.id, v[0]));
  for (const auto& row : kIntegerBinary)
    if (row.instruction == which) return b_.CreateBinaryIntrinsic(row.id, v[0], v[1]);
  switch (which) {
    case GLSLstd450Round: {
      // Halves away from zero.
      LlvmValue* whole = b_.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, v[0]);
      LlvmValue* rest = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, b_.CreateFSub(v[0], whole));
      LlvmValue* one = b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, number(1.0), v[0]);
      LlvmValue* up = b_.CreateFCmpOGE(rest, number(0.5));
      LlvmValue* moved = b_.CreateSelect(up, b_.CreateFAdd(whole, one), whole);
      return done(b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, moved, v[0]));
    }
    case GLSLstd450Fract: {
      LlvmValue* rest = b_.CreateFSub(v[0], b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, v[0]));
      bool wide_type = type->getScalarType()->isDoubleTy();
      LlvmValue* below = number(half        ? 0x1.ffcp-1
                                : wide_type ? 0x1.fffffffffffffp-1
                                            : 0x1.fffffep-1);
      return done(b_.CreateSelect(b_.CreateFCmpOGT(rest, below), below, rest));
    }
    case GLSLstd450SAbs: {
      LlvmValue* negative = b_.CreateICmpSLT(v[0], integer_like(type, 0));
      return b_.CreateSelect(negative, b_.CreateNeg(v[0]), v[0]);
    }
    case GLSLstd450FSign: {
      LlvmValue* r = b_.CreateSelect(b_.CreateFCmpOEQ(v[0], number(0.0)), v[0], number(0.0));
      r = b_.CreateSelect(b_.CreateFCmpOGT(v[0], number(0.0)), number(1.0), r);
      return done(b_.CreateSelect(b_.CreateFCmpOLT(v[0], number(0.0)), number(-1.0), r));
    }
    case GLSLstd450SSign: {
      LlvmValue* zero = integer_like(type, 0);
      LlvmValue* r = b_.CreateSelect(b_.CreateICmpSGT(v[0], zero), integer_like(type, 1), zero);
      return b_.CreateSelect(b_.CreateICmpSLT(v[0], zero), llvm::Constant::getAllOnesValue(type),
                             r);
    }
    case GLSLstd450Radians:
      return done(b_.CreateFMul(v[0], number(std::numbers::pi / 180.0)));
    case GLSLstd450Degrees:
      return done(b_.CreateFMul(v[0], number(180.0 / std::numbers::pi)));
    case GLSLstd450InverseSqrt:
      return done(b_.CreateFDiv(number(1.0), square_root(b_, v[0])));
    case GLSLstd450FMin:
    case GLSLstd450NMin:
      return done(float_min(v[0], v[1]));
    case GLSLstd450FMax:
    case GLSLstd450NMax:
      return done(float_max(v[0], v[1]));
    case GLSLstd450FClamp:
    case GLSLstd450NClamp:
      return done(float_min(float_max(v[0], v[1]), v[2]));
    case GLSLstd450SClamp:
      return b_.CreateBinaryIntrinsic(
          llvm::Intrinsic::smin, b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, v[0], v[1]), v[2]);
    case GLSLstd450UClamp:
      return b_.CreateBinaryIntrinsic(
          llvm::Intrinsic::umin, b_.CreateBinaryIntrinsic(llvm::Intrinsic::umax, v[0], v[1]), v[2]);
    case GLSLstd450FMix:
      return done(contracted(v[0], b_.CreateFSub(number(1.0), v[2]), b_.CreateFMul(v[1], v[2])));
    case GLSLstd450Step:
      return done(b_.CreateSelect(b_.CreateFCmpOLT(v[1], v[0]), number(0.0), number(1.0)));
    case GLSLstd450SmoothStep: {
      LlvmValue* t = b_.CreateFDiv(b_.CreateFSub(v[2], v[0]), b_.CreateFSub(v[1], v[0]));
      t = float_min(float_max(t, number(0.0)), number(1.0));
      LlvmValue* line = contracted(number(-2.0), t, number(3.0));
      return done(b_.CreateFMul(b_.CreateFMul(t, t), line));
    }
    case GLSLstd450Fma: {
      if (!half) return fused_multiply_add(v[0], v[1], v[2]);
      // In double: the product of two halves is exact there, and the sum nearly so.
      LlvmType* f64 = type->getWithNewType(b_.getDoubleTy());
      LlvmValue* product = b_.CreateFMul(b_.CreateFPExt(v[0], f64), b_.CreateFPExt(v[1], f64));
      return to_half(b_.CreateFAdd(product, b_.CreateFPExt(v[2], f64)), UINT32_MAX);
    }
    case GLSLstd450Ldexp:
      return done(scale_by_power(v[0], v[1]));
    case GLSLstd450FindILsb: {
      LlvmValue* at = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, v[0], b_.getFalse());
      return b_.CreateSelect(b_.CreateICmpEQ(v[0], integer_like(type, 0)),
                             llvm::Constant::getAllOnesValue(type), at);
    }
    case GLSLstd450FindUMsb:
    case GLSLstd450FindSMsb: {
      LlvmValue* x = v[0];
      unsigned bits = type->getScalarSizeInBits();
      if (which == GLSLstd450FindSMsb)
        x = b_.CreateXor(x, b_.CreateAShr(x, integer_like(type, bits - 1)));
      LlvmValue* leading = b_.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, x, b_.getFalse());
      return b_.CreateSub(integer_like(type, bits - 1), leading);
    }
    default:
      internal_error(fmt::format("GLSL.std.450 {} has no code", spirv::glsl_std_450_name(which)));
      return llvm::Constant::getNullValue(type);
  }
}

Leaves Emitter::emit_ext(const Op& op) {
  std::uint32_t which = op.inst.args[1];
  bool vector = !is_elementwise(op.inst);
  if (vector) return emit_ext_vector(op, which);
  Leaves out;
  std::uint32_t count = leaf_count(*p_.module, op.inst.type);
  const bool known = op.inst.args.size() > 3 && p_.constant(op.inst.args[3]);
  for (std::uint32_t i = 0; i < count; ++i) {
    llvm::SmallVector<const Val*, 4> operands;
    for (const auto& arg : op.args)
      if (!arg.empty()) operands.push_back(&arg[arg.size() == 1 ? 0 : i]);
    out.push_back(apply(shape_of_leaf(op, i), operands,
                        [&](llvm::ArrayRef<LlvmValue*> v) { return math_ext(which, v, known); }));
  }
  return out;
}

}  // namespace sokr::cpu
