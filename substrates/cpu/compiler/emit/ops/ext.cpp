// SPDX-License-Identifier: MIT OR Apache-2.0
//
// GLSL.std.450, component by component. Vectors and packing are in ext_vector.cpp.
#include "compiler/emit/ops/ext.hpp"

#include <llvm/IR/PatternMatch.h>
#include <spirv/unified1/GLSL.std.450.h>

#include <numbers>

#include "compiler/analysis/transfer.hpp"
#include "compiler/emit/builder/rounding.hpp"
#include "compiler/emit/ops/numbers.hpp"
#include "compiler/emit/ops/operations.hpp"
#include "compiler/math/vector_elementary.hpp"

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

LlvmValue* fused_multiply_add(VectorBuilder& ir, LlvmValue* a, LlvmValue* b, LlvmValue* c) {
  if (ir.target.fma) return multiply_add(ir, a, b, c);
  return ir.CreateFAdd(ir.CreateFMul(a, b), c);
}

// x * 2^n in steps, of which one rounds at most: two that take n into the range of exponents, as
// far from the denormals as the mantissa is long, so that what rounds there becomes 0; and the
// rest. `n` is signed, of any width: what it loses to the width of x it loses after it is clamped.
LlvmValue* scale_by_power(VectorBuilder& ir, LlvmValue* x, LlvmValue* n) {
  bool wide_type = x->getType()->getScalarType()->isDoubleTy();
  LlvmType* bits = x->getType()->getWithNewType(wide_type ? ir.getInt64Ty() : ir.getInt32Ty());
  unsigned mantissa = wide_type ? 52 : 23;
  std::int64_t bias = wide_type ? 1023 : 127, most = wide_type ? 2200 : 300;
  auto number = [&](std::int64_t v) {
    return llvm::ConstantInt::get(bits, static_cast<std::uint64_t>(v), true);
  };
  if (n->getType()->getScalarSizeInBits() < bits->getScalarSizeInBits()) n = ir.CreateSExt(n, bits);
  auto limit = [&](std::int64_t v) {
    return llvm::ConstantInt::get(n->getType(), static_cast<std::uint64_t>(v), true);
  };
  n = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, n, limit(-most));
  n = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, n, limit(most));
  n = ir.CreateTrunc(n, bits);
  auto power = [&](LlvmValue* e) {
    return ir.CreateBitCast(ir.CreateShl(ir.CreateAdd(e, number(bias)), number(mantissa)),
                            x->getType());
  };
  const std::int64_t down = 1 - bias + mantissa + 1;
  for (int k = 0; k < 2; ++k) {
    LlvmValue* step = ir.CreateSelect(
        ir.CreateICmpSLT(n, number(1 - bias)), number(down),
        ir.CreateSelect(ir.CreateICmpSGT(n, number(bias)), number(bias), number(0)));
    x = ir.CreateFMul(x, power(step));
    n = ir.CreateSub(n, step);
  }
  return ir.CreateFMul(x, power(n));
}

// `known`: the second operand is a constant of the kernel, whoever compiles it.
LlvmValue* math_ext(VectorBuilder& ir, std::uint32_t which, llvm::ArrayRef<LlvmValue*> in,
                    bool known) {
  LlvmValues v(in.begin(), in.end());
  bool half = v[0]->getType()->getScalarType()->isHalfTy();
  if (half)
    for (auto& x : v)
      if (x->getType()->getScalarType()->isHalfTy()) x = widen_half(ir, x);
  LlvmType* type = v[0]->getType();
  auto done = [&](LlvmValue* r) { return half ? narrow_half(ir, r) : r; };
  auto number = [&](double x) { return ConstantFP::get(type, x); };
  for (const auto& row : kElementary)
    if (row.instruction == which) {
      const AnyRounding any_rounding(ir);
      const FloatModes modes = float_modes(*ir.program.entry);
      const int quarters = which == GLSLstd450Pow && known ? math::known_quarters(v[1]) : 0;
      const math::MathTarget target{ir.target.fma, ir.target.scales};
      LlvmValue* r = quarters != 0 ? math::emit_power(ir, v[0], quarters, target)
                                   : math::emit_elementary(
                                         ir, row.function, v, target,
                                         [&](llvm::StringRef name) { return ir.is_builtin(name); });
      if (modes.toward_zero)
        r = called_to_nearest(ir, r, ir.target.control,
                              processor_may_flush(*ir.program.module, *ir.program.entry));
      return done(r);
    }
  if (which == GLSLstd450Sqrt) return done(square_root(ir, v[0]));
  for (const auto& row : kUnary)
    if (row.instruction == which) return done(ir.CreateUnaryIntrinsic(row.id, v[0]));
  for (const auto& row : kIntegerBinary)
    if (row.instruction == which) return ir.CreateBinaryIntrinsic(row.id, v[0], v[1]);
  switch (which) {
    case GLSLstd450Round: {
      // Halves away from zero.
      LlvmValue* whole = ir.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, v[0]);
      LlvmValue* rest = ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, ir.CreateFSub(v[0], whole));
      LlvmValue* one = ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, number(1.0), v[0]);
      LlvmValue* up = ir.CreateFCmpOGE(rest, number(0.5));
      LlvmValue* moved = ir.CreateSelect(up, ir.CreateFAdd(whole, one), whole);
      return done(ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, moved, v[0]));
    }
    case GLSLstd450Fract: {
      LlvmValue* rest = ir.CreateFSub(v[0], ir.CreateUnaryIntrinsic(llvm::Intrinsic::floor, v[0]));
      bool wide_type = type->getScalarType()->isDoubleTy();
      LlvmValue* below = number(half        ? 0x1.ffcp-1
                                : wide_type ? 0x1.fffffffffffffp-1
                                            : 0x1.fffffep-1);
      return done(ir.CreateSelect(ir.CreateFCmpOGT(rest, below), below, rest));
    }
    case GLSLstd450SAbs: {
      LlvmValue* negative = ir.CreateICmpSLT(v[0], ir.integer_like(type, 0));
      return ir.CreateSelect(negative, ir.CreateNeg(v[0]), v[0]);
    }
    case GLSLstd450FSign: {
      LlvmValue* r = ir.CreateSelect(ir.CreateFCmpOEQ(v[0], number(0.0)), v[0], number(0.0));
      r = ir.CreateSelect(ir.CreateFCmpOGT(v[0], number(0.0)), number(1.0), r);
      return done(ir.CreateSelect(ir.CreateFCmpOLT(v[0], number(0.0)), number(-1.0), r));
    }
    case GLSLstd450SSign: {
      LlvmValue* zero = ir.integer_like(type, 0);
      LlvmValue* r = ir.CreateSelect(ir.CreateICmpSGT(v[0], zero), ir.integer_like(type, 1), zero);
      return ir.CreateSelect(ir.CreateICmpSLT(v[0], zero), llvm::Constant::getAllOnesValue(type),
                             r);
    }
    case GLSLstd450Radians:
      return done(ir.CreateFMul(v[0], number(std::numbers::pi / 180.0)));
    case GLSLstd450Degrees:
      return done(ir.CreateFMul(v[0], number(180.0 / std::numbers::pi)));
    case GLSLstd450InverseSqrt:
      return done(ir.CreateFDiv(number(1.0), square_root(ir, v[0])));
    case GLSLstd450FMin:
    case GLSLstd450NMin:
      return done(float_min(ir, v[0], v[1]));
    case GLSLstd450FMax:
    case GLSLstd450NMax:
      return done(float_max(ir, v[0], v[1]));
    case GLSLstd450FClamp:
    case GLSLstd450NClamp:
      return done(float_min(ir, float_max(ir, v[0], v[1]), v[2]));
    case GLSLstd450SClamp:
      return ir.CreateBinaryIntrinsic(
          llvm::Intrinsic::smin, ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, v[0], v[1]), v[2]);
    case GLSLstd450UClamp:
      return ir.CreateBinaryIntrinsic(
          llvm::Intrinsic::umin, ir.CreateBinaryIntrinsic(llvm::Intrinsic::umax, v[0], v[1]), v[2]);
    case GLSLstd450FMix:
      return done(
          contracted(ir, v[0], ir.CreateFSub(number(1.0), v[2]), ir.CreateFMul(v[1], v[2])));
    case GLSLstd450Step:
      return done(ir.CreateSelect(ir.CreateFCmpOLT(v[1], v[0]), number(0.0), number(1.0)));
    case GLSLstd450SmoothStep: {
      LlvmValue* t = ir.CreateFDiv(ir.CreateFSub(v[2], v[0]), ir.CreateFSub(v[1], v[0]));
      t = float_min(ir, float_max(ir, t, number(0.0)), number(1.0));
      LlvmValue* line = contracted(ir, number(-2.0), t, number(3.0));
      return done(ir.CreateFMul(ir.CreateFMul(t, t), line));
    }
    case GLSLstd450Fma: {
      if (!half) return fused_multiply_add(ir, v[0], v[1], v[2]);
      // In double: the product of two halves is exact there, and the sum nearly so.
      LlvmType* f64 = type->getWithNewType(ir.getDoubleTy());
      LlvmValue* product = ir.CreateFMul(ir.CreateFPExt(v[0], f64), ir.CreateFPExt(v[1], f64));
      return to_half(ir, ir.CreateFAdd(product, ir.CreateFPExt(v[2], f64)), UINT32_MAX);
    }
    case GLSLstd450Ldexp:
      return done(scale_by_power(ir, v[0], v[1]));
    case GLSLstd450FindILsb: {
      LlvmValue* at = ir.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, v[0], ir.getFalse());
      return ir.CreateSelect(ir.CreateICmpEQ(v[0], ir.integer_like(type, 0)),
                             llvm::Constant::getAllOnesValue(type), at);
    }
    case GLSLstd450FindUMsb:
    case GLSLstd450FindSMsb: {
      LlvmValue* x = v[0];
      unsigned bits = type->getScalarSizeInBits();
      if (which == GLSLstd450FindSMsb)
        x = ir.CreateXor(x, ir.CreateAShr(x, ir.integer_like(type, bits - 1)));
      LlvmValue* leading = ir.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, x, ir.getFalse());
      return ir.CreateSub(ir.integer_like(type, bits - 1), leading);
    }
    default:
      ir.internal_error(
          fmt::format("GLSL.std.450 {} has no code", spirv::glsl_std_450_name(which)));
      return llvm::Constant::getNullValue(type);
  }
}

}  // namespace

Leaves emit_ext(const Operations& ops, const Op& op) {
  std::uint32_t which = op.inst.args[1];
  bool vector = !is_elementwise(op.inst);
  if (vector) return emit_ext_vector(ops, op, which);
  Leaves out;
  std::uint32_t count = leaf_count(*ops.ir.program.module, op.inst.type);
  const bool known = op.inst.args.size() > 3 && ops.ir.program.constant(op.inst.args[3]);
  for (std::uint32_t i = 0; i < count; ++i) {
    llvm::SmallVector<const Val*, 4> operands;
    for (const auto& arg : op.args)
      if (!arg.empty()) operands.push_back(&arg[arg.size() == 1 ? 0 : i]);
    out.push_back(ops.ir.apply(op.shape(i), operands, [&](llvm::ArrayRef<LlvmValue*> v) {
      return math_ext(ops.ir, which, v, known);
    }));
  }
  return out;
}

}  // namespace sokr::cpu
