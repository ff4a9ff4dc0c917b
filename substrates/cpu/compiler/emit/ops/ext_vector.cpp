// SPDX-License-Identifier: MIT OR Apache-2.0
//
// GLSL.std.450 functions that mix the components of a vector or matrix, pack and unpack,
// or have two results.
#include <spirv/unified1/GLSL.std.450.h>

#include "compiler/emit/builder/rounding.hpp"
#include "compiler/emit/ops/ext.hpp"
#include "compiler/emit/ops/numbers.hpp"
#include "compiler/program/float_modes.hpp"

namespace sokr::cpu {

using llvm::ConstantFP;

namespace {

bool is_packing(std::uint32_t which) {
  return which >= GLSLstd450PackSnorm4x8 && which <= GLSLstd450UnpackDouble2x32;
}

LlvmValues minor_of(llvm::ArrayRef<LlvmValue*> m, unsigned n, unsigned column, unsigned row) {
  LlvmValues out;
  for (unsigned c = 0; c < n; ++c)
    for (unsigned r = 0; r < n; ++r)
      if (c != column && r != row) out.push_back(m[c * n + r]);
  return out;
}

// Determinant by expansion of the first row; `skip` holds the used columns.
LlvmValue* determinant(VectorBuilder& ir, llvm::ArrayRef<LlvmValue*> m, unsigned n) {
  if (n == 1) return m[0];
  if (n == 2) return contracted(ir, m[0], m[3], ir.CreateFNeg(ir.CreateFMul(m[2], m[1])));
  LlvmValue* sum = nullptr;
  for (unsigned c = 0; c < n; ++c) {
    LlvmValue* minor = determinant(ir, minor_of(m, n, c, 0), n - 1);
    LlvmValue* factor = c % 2 ? ir.CreateFNeg(m[c * n]) : m[c * n];
    sum = sum ? contracted(ir, factor, minor, sum) : ir.CreateFMul(factor, minor);
  }
  return sum;
}

Leaves emit_ext_pack(VectorBuilder& ir, const Op& op, std::uint32_t which) {
  struct Format {
    std::uint32_t pack, unpack;
    unsigned bits, count;
    bool is_signed;
  };
  static constexpr Format kFormats[] = {
      {GLSLstd450PackSnorm4x8, GLSLstd450UnpackSnorm4x8, 8, 4, true},
      {GLSLstd450PackUnorm4x8, GLSLstd450UnpackUnorm4x8, 8, 4, false},
      {GLSLstd450PackSnorm2x16, GLSLstd450UnpackSnorm2x16, 16, 2, true},
      {GLSLstd450PackUnorm2x16, GLSLstd450UnpackUnorm2x16, 16, 2, false},
  };
  const Leaves& a = op.args[2];
  llvm::SmallVector<const Val*, 4> all;
  for (const auto& leaf : a) all.push_back(&leaf);
  LlvmType *i16 = ir.getInt16Ty(), *i32 = ir.getInt32Ty(), *i64 = ir.getInt64Ty();
  Leaves out;
  auto type_like = [](LlvmValue* v, LlvmType* t) { return v->getType()->getWithNewType(t); };
  for (const auto& f : kFormats) {
    double most = f.is_signed ? (1 << (f.bits - 1)) - 1 : (1 << f.bits) - 1;
    if (f.pack == which)
      return {ir.apply(op.shape(0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmValue* sum = nullptr;
        for (unsigned i = 0; i < f.count; ++i) {
          LlvmType* type = v[i]->getType();
          LlvmValue* x = float_max(ir, v[i], ConstantFP::get(type, f.is_signed ? -1.0 : 0.0));
          x = float_min(ir, x, ConstantFP::get(type, 1.0));
          x = ir.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven,
                                      ir.CreateFMul(x, ConstantFP::get(type, most)));
          LlvmType* to = type_like(x, i32);
          LlvmValue* n = ir.CreateFPToSI(x, to);  // clamped, and a number
          n = ir.CreateAnd(n, ir.integer_like(to, (UINT64_C(1) << f.bits) - 1));
          n = ir.CreateShl(n, ir.integer_like(to, std::uint64_t{f.bits} * i));
          sum = sum ? ir.CreateOr(sum, n) : n;
        }
        return sum;
      })};
    if (f.unpack != which) continue;
    for (unsigned i = 0; i < f.count; ++i)
      out.push_back(ir.apply(op.shape(i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmType* from = v[0]->getType();
        LlvmType* to = type_like(v[0], ir.getFloatTy());
        LlvmValue* up = ir.CreateShl(v[0], ir.integer_like(from, 32 - f.bits * (i + 1)));
        LlvmValue* n = f.is_signed ? ir.CreateAShr(up, ir.integer_like(from, 32 - f.bits))
                                   : ir.CreateLShr(up, ir.integer_like(from, 32 - f.bits));
        LlvmValue* x = ir.CreateFDiv(ir.CreateSIToFP(n, to), ConstantFP::get(to, most));
        return f.is_signed ? float_max(ir, x, ConstantFP::get(to, -1.0)) : x;
      }));
    return out;
  }
  switch (which) {
    case GLSLstd450PackHalf2x16:
      return {ir.apply(op.shape(0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmType* to = type_like(v[0], i32);
        auto bits = [&](LlvmValue* x) {
          return ir.CreateZExt(ir.CreateBitCast(narrow_half(ir, x), type_like(x, i16)), to);
        };
        return ir.CreateOr(bits(v[0]), ir.CreateShl(bits(v[1]), ir.integer_like(to, 16)));
      })};
    case GLSLstd450UnpackHalf2x16:
      for (unsigned i = 0; i < 2; ++i)
        out.push_back(ir.apply(op.shape(i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
          LlvmValue* part = ir.CreateTrunc(
              ir.CreateLShr(v[0], ir.integer_like(v[0]->getType(), 16 * i)), type_like(v[0], i16));
          return widen_half(ir, ir.CreateBitCast(part, type_like(part, ir.getHalfTy())));
        }));
      return out;
    case GLSLstd450PackDouble2x32:
      return {ir.apply(op.shape(0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmType* to = type_like(v[0], i64);
        LlvmValue* high = ir.CreateShl(ir.CreateZExt(v[1], to), ir.integer_like(to, 32));
        return ir.CreateBitCast(ir.CreateOr(ir.CreateZExt(v[0], to), high),
                                type_like(v[0], ir.getDoubleTy()));
      })};
    default:  // UnpackDouble2x32
      for (unsigned i = 0; i < 2; ++i)
        out.push_back(ir.apply(op.shape(i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
          LlvmType* from = type_like(v[0], i64);
          LlvmValue* bits = ir.CreateBitCast(v[0], from);
          return ir.CreateTrunc(ir.CreateLShr(bits, ir.integer_like(from, 32 * i)),
                                type_like(v[0], i32));
        }));
      return out;
  }
}

}  // namespace

Leaves emit_ext_vector(const Operations& ops, const Op& op, std::uint32_t which) {
  if (is_packing(which)) return emit_ext_pack(ops.ir, op, which);
  const Inst& inst = op.inst;
  std::uint32_t count = leaf_count(*ops.ir.program.module, inst.type);
  const Leaves& a = op.args[2];
  llvm::SmallVector<const Val*, 16> all;
  for (std::size_t i = 2; i < op.args.size(); ++i)
    if (!(i == 3 && (which == GLSLstd450Modf || which == GLSLstd450Frexp)))
      for (const auto& leaf : op.args[i]) all.push_back(&leaf);
  std::size_t n = a.size();
  // One result component from all operands, halves widened.
  auto each = [&](std::size_t leaf, auto fn) {
    return ops.ir.apply(op.shape(leaf), all, [&](llvm::ArrayRef<LlvmValue*> in) -> LlvmValue* {
      LlvmValues v(in.begin(), in.end());
      bool half = v[0]->getType()->getScalarType()->isHalfTy();
      for (auto& x : v)
        if (x->getType()->getScalarType()->isHalfTy()) x = widen_half(ops.ir, x);
      LlvmValue* r = fn(llvm::ArrayRef<LlvmValue*>(v));
      return half && r->getType()->isFPOrFPVectorTy() ? narrow_half(ops.ir, r) : r;
    });
  };
  auto dot = [&](llvm::ArrayRef<LlvmValue*> x, llvm::ArrayRef<LlvmValue*> y) {
    LlvmValues v(x.begin(), x.end());
    v.append(y.begin(), y.end());
    return sum_of_products(ops.ir, v);
  };
  auto root = [&](LlvmValue* x) { return square_root(ops.ir, x); };
  auto zero_of = [](LlvmValue* x) { return ConstantFP::get(x->getType(), 0.0); };
  Leaves out;
  switch (which) {
    case GLSLstd450Length:
      return {each(0, [&](auto v) {
        return v.size() == 1 ? ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, v[0])
                             : root(dot(v, v));
      })};
    case GLSLstd450Distance:
      return {each(0, [&](auto v) {
        LlvmValues d;
        for (std::size_t i = 0; i < n; ++i) d.push_back(ops.ir.CreateFSub(v[i], v[n + i]));
        return n == 1 ? ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, d[0]) : root(dot(d, d));
      })};
    case GLSLstd450Normalize:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* length = root(dot(v, v));
          LlvmType* type = length->getType();
          const FloatModes modes = float_modes(*ops.ir.program.entry);
          if (!type->getScalarType()->isFloatTy() || modes.exact_halves() || modes.flush != 0)
            return ops.ir.CreateFDiv(v[i], length);
          // A root is nowhere near the ends of the range: see reciprocals.cpp.
          return ops.ir.CreateFMul(v[i], ops.ir.CreateFDiv(ConstantFP::get(type, 1.0), length));
        }));
      return out;
    case GLSLstd450Cross:
      for (std::size_t i = 0; i < 3; ++i)
        out.push_back(each(i, [&](auto v) {
          std::size_t j = (i + 1) % 3, k = (i + 2) % 3;
          return contracted(ops.ir, v[j], v[3 + k],
                            ops.ir.CreateFNeg(ops.ir.CreateFMul(v[3 + j], v[k])));
        }));
      return out;
    case GLSLstd450FaceForward:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* d = dot(v.slice(2 * n, n), v.slice(n, n));
          return ops.ir.CreateSelect(ops.ir.CreateFCmpOLT(d, zero_of(d)), v[i],
                                     ops.ir.CreateFNeg(v[i]));
        }));
      return out;
    case GLSLstd450Reflect:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* d = dot(v.slice(n, n), v.slice(0, n));
          LlvmValue* twice = ops.ir.CreateFMul(ConstantFP::get(d->getType(), -2.0), d);
          return contracted(ops.ir, twice, v[n + i], v[i]);
        }));
      return out;
    case GLSLstd450Refract:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* d = dot(v.slice(n, n), v.slice(0, n));
          // Of any width: it is computed with at that of the vectors.
          LlvmValue* eta = ops.ir.CreateFPCast(v[2 * n], d->getType());
          LlvmValue* one = ConstantFP::get(d->getType(), 1.0);
          LlvmValue* rest = contracted(ops.ir, ops.ir.CreateFNeg(d), d, one);
          LlvmValue* k =
              contracted(ops.ir, ops.ir.CreateFNeg(ops.ir.CreateFMul(eta, eta)), rest, one);
          LlvmValue* total = ops.ir.CreateFCmpOLT(k, zero_of(k));
          LlvmValue* along =
              contracted(ops.ir, eta, d, root(ops.ir.CreateSelect(total, zero_of(k), k)));
          LlvmValue* bent =
              contracted(ops.ir, eta, v[i], ops.ir.CreateFNeg(ops.ir.CreateFMul(along, v[n + i])));
          return ops.ir.CreateSelect(total, zero_of(k), bent);
        }));
      return out;
    case GLSLstd450Determinant:
    case GLSLstd450MatrixInverse: {
      unsigned size = n == 4 ? 2 : n == 9 ? 3 : 4;
      if (which == GLSLstd450Determinant)
        return {each(0, [&](auto v) { return determinant(ops.ir, v, size); })};
      for (unsigned i = 0; i < count; ++i)
        out.push_back(each(i, [&](auto v) {
          unsigned column = i / size, row = i % size;  // the cofactor of the transposed place
          LlvmValue* cofactor = determinant(ops.ir, minor_of(v, size, row, column), size - 1);
          if ((column + row) % 2) cofactor = ops.ir.CreateFNeg(cofactor);
          return ops.ir.CreateFDiv(cofactor, determinant(ops.ir, v, size));
        }));
      return out;
    }
    case GLSLstd450Modf:
    case GLSLstd450ModfStruct: {
      Leaves fraction, whole;
      for (std::size_t i = 0; i < n; ++i) {
        fraction.push_back(each(i, [&](auto v) {
          LlvmValue* w = ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, v[i]);
          LlvmValue* magnitude = ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, v[i]);
          LlvmValue* infinite =
              ops.ir.CreateFCmpOEQ(magnitude, ConstantFP::getInfinity(v[i]->getType()));
          LlvmValue* rest = ops.ir.CreateSelect(infinite, zero_of(w), ops.ir.CreateFSub(v[i], w));
          return ops.ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, rest, v[i]);
        }));
        whole.push_back(each(which == GLSLstd450Modf ? i : n + i, [&](auto v) {
          return ops.ir.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, v[i]);
        }));
      }
      if (which == GLSLstd450Modf) {
        ops.memory.store_through(inst.args[3], whole);
        return fraction;
      }
      fraction.append(whole.begin(), whole.end());
      return fraction;
    }
    case GLSLstd450Frexp:
    case GLSLstd450FrexpStruct: {
      Leaves fraction, exponent;
      LlvmType* to = nullptr;
      if (which == GLSLstd450Frexp) {
        const spirv::Type* pointer =
            ops.ir.program.module->type(ops.ir.program.type_of(inst.args[3]));
        to = ops.ir.scalar_type(pointer ? pointer->element : 0);
      } else {
        to = ops.ir.scalar_type(ops.ir.program.module->type(inst.type)->members[1].type);
      }
      for (std::size_t i = 0; i < n; ++i) {
        fraction.push_back(each(i, [&](auto v) { return split_exponent(ops.ir, v[i]).first; }));
        exponent.push_back(each(which == GLSLstd450Frexp ? i : n + i, [&](auto v) {
          LlvmValue* e = split_exponent(ops.ir, v[i]).second;
          return ops.ir.CreateSExtOrTrunc(e, e->getType()->getWithNewType(to));
        }));
      }
      if (which == GLSLstd450Frexp) {
        ops.memory.store_through(inst.args[3], exponent);
        return fraction;
      }
      fraction.append(exponent.begin(), exponent.end());
      return fraction;
    }
    default:
      ops.ir.internal_error(
          fmt::format("GLSL.std.450 {} has no code", spirv::glsl_std_450_name(which)));
      return out;
  }
}

}  // namespace sokr::cpu
