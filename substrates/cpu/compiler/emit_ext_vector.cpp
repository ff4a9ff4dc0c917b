// SPDX-License-Identifier: MIT OR Apache-2.0
//
// GLSL.std.450 functions that mix the components of a vector or matrix, pack and unpack,
// or have two results.
#include <spirv/unified1/GLSL.std.450.h>

#include "compiler/emitter.hpp"
#include "compiler/float_modes.hpp"
#include "compiler/rounding.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantFP;

namespace {

bool is_packing(std::uint32_t which) {
  return which >= GLSLstd450PackSnorm4x8 && which <= GLSLstd450UnpackDouble2x32;
}

}  // namespace

// Determinant by expansion of the first row; `skip` holds the used columns.
LlvmValue* Emitter::determinant(llvm::ArrayRef<LlvmValue*> m, unsigned n) {
  if (n == 1) return m[0];
  if (n == 2) return contracted(m[0], m[3], b_.CreateFNeg(b_.CreateFMul(m[2], m[1])));
  LlvmValue* sum = nullptr;
  for (unsigned c = 0; c < n; ++c) {
    LlvmValue* minor = determinant(minor_of(m, n, c, 0), n - 1);
    LlvmValue* factor = c % 2 ? b_.CreateFNeg(m[c * n]) : m[c * n];
    sum = sum ? contracted(factor, minor, sum) : b_.CreateFMul(factor, minor);
  }
  return sum;
}

LlvmValues Emitter::minor_of(llvm::ArrayRef<LlvmValue*> m, unsigned n, unsigned column,
                             unsigned row) {
  LlvmValues out;
  for (unsigned c = 0; c < n; ++c)
    for (unsigned r = 0; r < n; ++r)
      if (c != column && r != row) out.push_back(m[c * n + r]);
  return out;
}

Leaves Emitter::emit_ext_vector(const Op& op, std::uint32_t which) {
  if (is_packing(which)) return emit_ext_pack(op, which);
  const Inst& inst = op.inst;
  std::uint32_t count = leaf_count(*p_.module, inst.type);
  const Leaves& a = op.args[2];
  llvm::SmallVector<const Val*, 16> all;
  for (std::size_t i = 2; i < op.args.size(); ++i)
    if (!(i == 3 && (which == GLSLstd450Modf || which == GLSLstd450Frexp)))
      for (const auto& leaf : op.args[i]) all.push_back(&leaf);
  std::size_t n = a.size();
  // One result component from all operands, halves widened.
  auto each = [&](std::size_t leaf, auto fn) {
    return apply(shape_of_leaf(op, leaf), all, [&](llvm::ArrayRef<LlvmValue*> in) -> LlvmValue* {
      LlvmValues v(in.begin(), in.end());
      bool half = v[0]->getType()->getScalarType()->isHalfTy();
      if (half)
        for (auto& x : v) x = widen_half(x);
      LlvmValue* r = fn(llvm::ArrayRef<LlvmValue*>(v));
      return half && r->getType()->isFPOrFPVectorTy() ? narrow_half(r) : r;
    });
  };
  auto dot = [&](llvm::ArrayRef<LlvmValue*> x, llvm::ArrayRef<LlvmValue*> y) {
    LlvmValues v(x.begin(), x.end());
    v.append(y.begin(), y.end());
    return sum_of_products(v);
  };
  auto root = [&](LlvmValue* x) { return square_root(b_, x); };
  auto zero_of = [](LlvmValue* x) { return ConstantFP::get(x->getType(), 0.0); };
  Leaves out;
  switch (which) {
    case GLSLstd450Length:
      return {each(0, [&](auto v) {
        return v.size() == 1 ? b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, v[0])
                             : root(dot(v, v));
      })};
    case GLSLstd450Distance:
      return {each(0, [&](auto v) {
        LlvmValues d;
        for (std::size_t i = 0; i < n; ++i) d.push_back(b_.CreateFSub(v[i], v[n + i]));
        return n == 1 ? b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, d[0]) : root(dot(d, d));
      })};
    case GLSLstd450Normalize:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* length = root(dot(v, v));
          LlvmType* type = length->getType();
          const FloatModes modes = float_modes(*p_.entry);
          if (!type->getScalarType()->isFloatTy() || modes.exact_halves() || modes.flush != 0)
            return b_.CreateFDiv(v[i], length);
          // A root is nowhere near the ends of the range: see reciprocals.cpp.
          return b_.CreateFMul(v[i], b_.CreateFDiv(ConstantFP::get(type, 1.0), length));
        }));
      return out;
    case GLSLstd450Cross:
      for (std::size_t i = 0; i < 3; ++i)
        out.push_back(each(i, [&](auto v) {
          std::size_t j = (i + 1) % 3, k = (i + 2) % 3;
          return contracted(v[j], v[3 + k], b_.CreateFNeg(b_.CreateFMul(v[3 + j], v[k])));
        }));
      return out;
    case GLSLstd450FaceForward:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* d = dot(v.slice(2 * n, n), v.slice(n, n));
          return b_.CreateSelect(b_.CreateFCmpOLT(d, zero_of(d)), v[i], b_.CreateFNeg(v[i]));
        }));
      return out;
    case GLSLstd450Reflect:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* d = dot(v.slice(n, n), v.slice(0, n));
          LlvmValue* twice = b_.CreateFMul(ConstantFP::get(d->getType(), -2.0), d);
          return contracted(twice, v[n + i], v[i]);
        }));
      return out;
    case GLSLstd450Refract:
      for (std::size_t i = 0; i < n; ++i)
        out.push_back(each(i, [&](auto v) {
          LlvmValue* d = dot(v.slice(n, n), v.slice(0, n));
          LlvmValue* eta = v[2 * n];
          LlvmValue* one = ConstantFP::get(d->getType(), 1.0);
          LlvmValue* rest = contracted(b_.CreateFNeg(d), d, one);
          LlvmValue* k = contracted(b_.CreateFNeg(b_.CreateFMul(eta, eta)), rest, one);
          LlvmValue* total = b_.CreateFCmpOLT(k, zero_of(k));
          LlvmValue* along = contracted(eta, d, root(b_.CreateSelect(total, zero_of(k), k)));
          LlvmValue* bent = contracted(eta, v[i], b_.CreateFNeg(b_.CreateFMul(along, v[n + i])));
          return b_.CreateSelect(total, zero_of(k), bent);
        }));
      return out;
    case GLSLstd450Determinant:
    case GLSLstd450MatrixInverse: {
      unsigned size = n == 4 ? 2 : n == 9 ? 3 : 4;
      if (which == GLSLstd450Determinant)
        return {each(0, [&](auto v) { return determinant(v, size); })};
      for (unsigned i = 0; i < count; ++i)
        out.push_back(each(i, [&](auto v) {
          unsigned column = i / size, row = i % size;  // the cofactor of the transposed place
          LlvmValue* cofactor = determinant(minor_of(v, size, row, column), size - 1);
          if ((column + row) % 2) cofactor = b_.CreateFNeg(cofactor);
          return b_.CreateFDiv(cofactor, determinant(v, size));
        }));
      return out;
    }
    case GLSLstd450Modf:
    case GLSLstd450ModfStruct: {
      Leaves fraction, whole;
      for (std::size_t i = 0; i < n; ++i) {
        fraction.push_back(each(i, [&](auto v) {
          LlvmValue* w = b_.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, v[i]);
          LlvmValue* magnitude = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, v[i]);
          LlvmValue* infinite =
              b_.CreateFCmpOEQ(magnitude, ConstantFP::getInfinity(v[i]->getType()));
          LlvmValue* rest = b_.CreateSelect(infinite, zero_of(w), b_.CreateFSub(v[i], w));
          return b_.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, rest, v[i]);
        }));
        whole.push_back(each(which == GLSLstd450Modf ? i : n + i, [&](auto v) {
          return b_.CreateUnaryIntrinsic(llvm::Intrinsic::trunc, v[i]);
        }));
      }
      if (which == GLSLstd450Modf) {
        store_through(inst.args[3], whole);
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
        const spirv::Type* pointer = p_.module->type(p_.type_of(inst.args[3]));
        to = scalar_type(pointer ? pointer->element : 0);
      } else {
        to = scalar_type(p_.module->type(inst.type)->members[1].type);
      }
      for (std::size_t i = 0; i < n; ++i) {
        fraction.push_back(each(i, [&](auto v) { return split_exponent(v[i]).first; }));
        exponent.push_back(each(which == GLSLstd450Frexp ? i : n + i, [&](auto v) {
          LlvmValue* e = split_exponent(v[i]).second;
          return b_.CreateSExtOrTrunc(e, e->getType()->getWithNewType(to));
        }));
      }
      if (which == GLSLstd450Frexp) {
        store_through(inst.args[3], exponent);
        return fraction;
      }
      fraction.append(exponent.begin(), exponent.end());
      return fraction;
    }
    default:
      internal_error(fmt::format("GLSL.std.450 {} has no code", spirv::glsl_std_450_name(which)));
      return out;
  }
}

Leaves Emitter::emit_ext_pack(const Op& op, std::uint32_t which) {
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
  LlvmType *i16 = b_.getInt16Ty(), *i32 = b_.getInt32Ty(), *i64 = b_.getInt64Ty();
  Leaves out;
  auto type_like = [](LlvmValue* v, LlvmType* t) { return v->getType()->getWithNewType(t); };
  for (const auto& f : kFormats) {
    double most = f.is_signed ? (1 << (f.bits - 1)) - 1 : (1 << f.bits) - 1;
    if (f.pack == which)
      return {apply(shape_of_leaf(op, 0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmValue* sum = nullptr;
        for (unsigned i = 0; i < f.count; ++i) {
          LlvmType* type = v[i]->getType();
          LlvmValue* x = float_max(v[i], ConstantFP::get(type, f.is_signed ? -1.0 : 0.0));
          x = float_min(x, ConstantFP::get(type, 1.0));
          x = b_.CreateUnaryIntrinsic(llvm::Intrinsic::roundeven,
                                      b_.CreateFMul(x, ConstantFP::get(type, most)));
          LlvmType* to = type_like(x, i32);
          LlvmValue* n = b_.CreateFPToSI(x, to);  // clamped, and a number
          n = b_.CreateAnd(n, integer_like(to, (UINT64_C(1) << f.bits) - 1));
          n = b_.CreateShl(n, integer_like(to, std::uint64_t{f.bits} * i));
          sum = sum ? b_.CreateOr(sum, n) : n;
        }
        return sum;
      })};
    if (f.unpack != which) continue;
    for (unsigned i = 0; i < f.count; ++i)
      out.push_back(
          apply(shape_of_leaf(op, i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
            LlvmType* from = v[0]->getType();
            LlvmType* to = type_like(v[0], b_.getFloatTy());
            LlvmValue* up = b_.CreateShl(v[0], integer_like(from, 32 - f.bits * (i + 1)));
            LlvmValue* n = f.is_signed ? b_.CreateAShr(up, integer_like(from, 32 - f.bits))
                                       : b_.CreateLShr(up, integer_like(from, 32 - f.bits));
            LlvmValue* x = b_.CreateFDiv(b_.CreateSIToFP(n, to), ConstantFP::get(to, most));
            return f.is_signed ? float_max(x, ConstantFP::get(to, -1.0)) : x;
          }));
    return out;
  }
  switch (which) {
    case GLSLstd450PackHalf2x16:
      return {apply(shape_of_leaf(op, 0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmType* to = type_like(v[0], i32);
        auto bits = [&](LlvmValue* x) {
          return b_.CreateZExt(b_.CreateBitCast(narrow_half(x), type_like(x, i16)), to);
        };
        return b_.CreateOr(bits(v[0]), b_.CreateShl(bits(v[1]), integer_like(to, 16)));
      })};
    case GLSLstd450UnpackHalf2x16:
      for (unsigned i = 0; i < 2; ++i)
        out.push_back(
            apply(shape_of_leaf(op, i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
              LlvmValue* part = b_.CreateTrunc(
                  b_.CreateLShr(v[0], integer_like(v[0]->getType(), 16 * i)), type_like(v[0], i16));
              return widen_half(b_.CreateBitCast(part, type_like(part, b_.getHalfTy())));
            }));
      return out;
    case GLSLstd450PackDouble2x32:
      return {apply(shape_of_leaf(op, 0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
        LlvmType* to = type_like(v[0], i64);
        LlvmValue* high = b_.CreateShl(b_.CreateZExt(v[1], to), integer_like(to, 32));
        return b_.CreateBitCast(b_.CreateOr(b_.CreateZExt(v[0], to), high),
                                type_like(v[0], b_.getDoubleTy()));
      })};
    default:  // UnpackDouble2x32
      for (unsigned i = 0; i < 2; ++i)
        out.push_back(
            apply(shape_of_leaf(op, i), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
              LlvmType* from = type_like(v[0], i64);
              LlvmValue* bits = b_.CreateBitCast(v[0], from);
              return b_.CreateTrunc(b_.CreateLShr(bits, integer_like(from, 32 * i)),
                                    type_like(v[0], i32));
            }));
      return out;
  }
}

}  // namespace sokr::cpu
