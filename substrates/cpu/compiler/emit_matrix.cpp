// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Operations on whole vectors and matrices, and dot products of integers.
#include <llvm/IR/IntrinsicsX86.h>

#include "compiler/emitter.hpp"
#include "compiler/rounding.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;
using llvm::Intrinsic::ID;

// a0 * b0 + a1 * b1 + ...
LlvmValue* Emitter::sum_of_products(llvm::ArrayRef<LlvmValue*> v) {
  std::size_t n = v.size() / 2;
  LlvmValue* sum = nullptr;
  bool half = v[0]->getType()->getScalarType()->isHalfTy();
  bool exact = half && float_modes(*p_.entry).exact_halves();
  auto wide = [&](LlvmValue* x) {
    x = widen_half(x);
    return exact ? b_.CreateFPExt(x, x->getType()->getWithNewType(b_.getDoubleTy())) : x;
  };
  auto narrow = [&](LlvmValue* x) { return exact ? to_half(x, UINT32_MAX) : narrow_half(x); };
  for (std::size_t i = 0; i < n; ++i) {
    LlvmValue *a = v[i], *b = v[n + i];
    if (half) {
      a = wide(a);
      b = wide(b);
    }
    if (!half) {
      sum = sum ? contracted(a, b, sum) : b_.CreateFMul(a, b);
      continue;
    }
    LlvmValue* product = wide(narrow(b_.CreateFMul(a, b)));
    sum = sum ? wide(narrow(b_.CreateFAdd(sum, product))) : product;
  }
  return half ? narrow(sum) : sum;
}

Leaves Emitter::emit_matrix(const Op& op) {
  const Inst& inst = op.inst;
  Leaves out;
  std::uint32_t count = leaf_count(*p_.module, inst.type);
  auto rows_of = [&](Id value) {
    const spirv::Type* matrix = p_.module->type(p_.type_of(value));
    const spirv::Type* column = matrix ? p_.module->type(matrix->element) : nullptr;
    return column ? column->count : 1;
  };
  auto dot = [&](std::uint32_t leaf, llvm::ArrayRef<const Val*> a, llvm::ArrayRef<const Val*> b) {
    llvm::SmallVector<const Val*, 8> all(a.begin(), a.end());
    all.append(b.begin(), b.end());
    out.push_back(apply(shape_of_leaf(op, leaf), all,
                        [&](llvm::ArrayRef<LlvmValue*> v) { return sum_of_products(v); }));
  };
  llvm::SmallVector<const Val*, 4> x, y;
  switch (inst.op) {
    case spv::Op::OpDot:
      for (const auto& leaf : op.args[0]) x.push_back(&leaf);
      for (const auto& leaf : op.args[1]) y.push_back(&leaf);
      dot(0, x, y);
      return out;
    case spv::Op::OpAny:
    case spv::Op::OpAll:
      for (const auto& leaf : op.args[0]) x.push_back(&leaf);
      out.push_back(apply(shape_of_leaf(op, 0), x, [&](llvm::ArrayRef<LlvmValue*> v) {
        LlvmValue* sum = v[0];
        for (LlvmValue* one : v.drop_front())
          sum = inst.op == spv::Op::OpAny ? b_.CreateOr(sum, one) : b_.CreateAnd(sum, one);
        return sum;
      }));
      return out;
    case spv::Op::OpTranspose: {
      std::uint32_t rows = rows_of(inst.args[0]);
      std::uint32_t columns = count / rows;
      for (std::uint32_t r = 0; r < rows; ++r)
        for (std::uint32_t c = 0; c < columns; ++c) out.push_back(op.args[0][c * rows + r]);
      return out;
    }
    case spv::Op::OpOuterProduct: {
      std::size_t rows = op.args[0].size();
      for (std::uint32_t i = 0; i < count; ++i)
        dot(i, {&op.args[0][i % rows]}, {&op.args[1][i / rows]});
      return out;
    }
    case spv::Op::OpMatrixTimesVector: {
      std::uint32_t rows = rows_of(inst.args[0]);
      for (std::uint32_t r = 0; r < count; ++r) {
        x.clear();
        y.clear();
        for (std::size_t k = 0; k < op.args[1].size(); ++k) {
          x.push_back(&op.args[0][k * rows + r]);
          y.push_back(&op.args[1][k]);
        }
        dot(r, x, y);
      }
      return out;
    }
    case spv::Op::OpVectorTimesMatrix: {
      std::uint32_t rows = rows_of(inst.args[1]);
      for (std::uint32_t c = 0; c < count; ++c) {
        x.clear();
        y.clear();
        for (std::uint32_t k = 0; k < rows; ++k) {
          x.push_back(&op.args[0][k]);
          y.push_back(&op.args[1][c * rows + k]);
        }
        dot(c, x, y);
      }
      return out;
    }
    case spv::Op::OpMatrixTimesMatrix: {
      std::uint32_t rows = rows_of(inst.args[0]), inner = rows_of(inst.args[1]);
      for (std::uint32_t i = 0; i < count; ++i) {
        x.clear();
        y.clear();
        for (std::uint32_t k = 0; k < inner; ++k) {
          x.push_back(&op.args[0][k * rows + i % rows]);
          y.push_back(&op.args[1][i / rows * inner + k]);
        }
        dot(i, x, y);
      }
      return out;
    }
    default:
      internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
      return out;
  }
}

// ---- Bytes ----------------------------------------------------------------------------------

namespace {

// One component of a vector of four bytes, extended to 32 bits.
struct ByteFactor {
  Id bytes = 0;
  std::uint32_t part = 0;
  bool is_signed = false;
};

struct ByteProduct {
  ByteFactor a, b;
};

// Recognises parts of a dot product of bytes, among what one block computes.
class ByteDots {
 public:
  ByteDots(const Program& program, std::uint32_t block) : p_(program), block_(block) {}

  // Numbers that add up to `id`; some are products.
  void collect(Id id, std::vector<Id>& terms) const {
    const Inst* sum = here(id);
    if (sum && sum->op == spv::Op::OpIAdd && terms.size() < kMost) {
      collect(sum->args[0], terms);
      collect(sum->args[1], terms);
      return;
    }
    terms.push_back(id);
  }

  std::optional<ByteProduct> product(Id id) const {
    const Inst* inst = here(id);
    if (!inst) return std::nullopt;
    std::optional<ByteFactor> a, b;
    if (inst->op == spv::Op::OpIMul) {
      a = scalar_factor(inst->args[0]);
      b = scalar_factor(inst->args[1]);
    } else if (inst->op == spv::Op::OpCompositeExtract && inst->args.size() == 2) {
      const Inst* product = here(inst->args[0]);
      if (!product || product->op != spv::Op::OpIMul) return std::nullopt;
      a = extended(product->args[0], inst->args[1]);
      b = extended(product->args[1], inst->args[1]);
    }
    if (!a || !b || a->part != b->part) return std::nullopt;
    if (a->bytes > b->bytes) std::swap(a, b);
    return ByteProduct{*a, *b};
  }

  static constexpr std::size_t kMost = 8;

 private:
  const Inst* here(Id id) const {
    const Definition* definition = p_.definition(id);
    return definition && definition->block == block_ ? p_.inst(id) : nullptr;
  }

  bool is_bytes(Id id) const {
    const spirv::Type* type = p_.module->type(p_.type_of(id));
    const spirv::Type* element = type && type->kind == spirv::TypeKind::kVector && type->count == 4
                                     ? p_.module->type(type->element)
                                     : nullptr;
    return element && element->kind == spirv::TypeKind::kInt && element->width == 8;
  }

  static bool extends(const Inst& inst) {
    return inst.op == spv::Op::OpSConvert || inst.op == spv::Op::OpUConvert;
  }

  std::optional<ByteFactor> extended(Id id, std::uint32_t part) const {
    const Inst* inst = here(id);
    if (!inst || !extends(*inst) || !is_bytes(inst->args[0]) ||
        p_.module->scalar_type(inst->type).width != 32)
      return std::nullopt;
    return ByteFactor{inst->args[0], part, inst->op == spv::Op::OpSConvert};
  }

  std::optional<ByteFactor> scalar_factor(Id id) const {
    const Inst* inst = here(id);
    if (!inst) return std::nullopt;
    if (inst->op == spv::Op::OpCompositeExtract && inst->args.size() == 2)
      return extended(inst->args[0], inst->args[1]);
    if (!extends(*inst) || p_.module->scalar_type(inst->type).width != 32) return std::nullopt;
    const Inst* from = here(inst->args[0]);
    if (!from || from->op != spv::Op::OpCompositeExtract || from->args.size() != 2 ||
        !is_bytes(from->args[0]))
      return std::nullopt;
    return ByteFactor{from->args[0], from->args[1], inst->op == spv::Op::OpSConvert};
  }

  const Program& p_;
  std::uint32_t block_;
};

}  // namespace

// sum + a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3 of the bytes of each word.
LlvmValue* Emitter::byte_dot(LlvmValue* sum, LlvmValue* a, LlvmValue* b, bool a_signed,
                             bool b_signed) {
  LlvmType* type = a->getType();
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  unsigned lanes = vector ? vector->getNumElements() : 1;
  if (t_.byte_dots && vector) {
    // The instruction multiplies unsigned by signed bytes. Where both are of one kind, one of
    // them is moved by 128, and 128 times the sum of the other one is put right.
    ID code = lanes == 16  ? llvm::Intrinsic::x86_avx512_vpdpbusd_512
              : lanes == 8 ? llvm::Intrinsic::x86_avx512_vpdpbusd_256
                           : llvm::Intrinsic::x86_avx512_vpdpbusd_128;
    auto dot = [&](LlvmValue* to, LlvmValue* u, LlvmValue* s) {
      return b_.CreateIntrinsic(code, {}, {to, u, s});
    };
    if (!a_signed && b_signed) return dot(sum, a, b);
    if (a_signed && !b_signed) return dot(sum, b, a);
    LlvmValue* bias = integer_like(type, 0x80808080);
    LlvmValue* zero = llvm::Constant::getNullValue(type);
    if (a_signed) return b_.CreateSub(dot(sum, b_.CreateXor(a, bias), b), dot(zero, bias, b));
    return b_.CreateSub(dot(sum, a, b_.CreateXor(b, bias)), dot(zero, a, bias));
  }
  if (vector && t_.isa != Isa::kNeon) {
    ID code = lanes == 16  ? llvm::Intrinsic::x86_avx512_pmaddw_d_512
              : lanes == 8 ? llvm::Intrinsic::x86_avx2_pmadd_wd
                           : llvm::Intrinsic::x86_sse2_pmadd_wd;
    auto* halves = llvm::FixedVectorType::get(b_.getInt16Ty(), 2 * lanes);
    auto odd = [&](LlvmValue* x, bool is_signed) {
      x = b_.CreateBitCast(x, halves);
      LlvmValue* by = integer_like(halves, 8);
      return is_signed ? b_.CreateAShr(x, by) : b_.CreateLShr(x, by);
    };
    auto even = [&](LlvmValue* x, bool is_signed) {
      x = b_.CreateBitCast(x, halves);
      return is_signed ? odd(b_.CreateShl(x, integer_like(halves, 8)), true)
                       : b_.CreateAnd(x, integer_like(halves, 0xff));
    };
    LlvmValue* evens = b_.CreateIntrinsic(code, {}, {even(a, a_signed), even(b, b_signed)});
    LlvmValue* odds = b_.CreateIntrinsic(code, {}, {odd(a, a_signed), odd(b, b_signed)});
    return b_.CreateAdd(sum, b_.CreateAdd(evens, odds));
  }
  auto part = [&](LlvmValue* x, unsigned k, bool is_signed) {
    x = b_.CreateShl(x, integer_like(type, 24 - 8 * k));
    LlvmValue* by = integer_like(type, 24);
    return is_signed ? b_.CreateAShr(x, by) : b_.CreateLShr(x, by);
  };
  for (unsigned k = 0; k < 4; ++k)
    sum = b_.CreateAdd(sum, b_.CreateMul(part(a, k, a_signed), part(b, k, b_signed)));
  return sum;
}

// A sum with the four products of two vectors of bytes in it. What was emitted for the
// products is then without use.
std::optional<Leaves> Emitter::emit_byte_dot(const Op& op) {
  const Inst& inst = op.inst;
  const spirv::Type* type = p_.module->type(inst.type);
  const Shape& shape = shape_of_leaf(op, 0);
  if (!type || type->kind != spirv::TypeKind::kInt || type->width != 32 || shape.affine)
    return std::nullopt;
  ByteDots dots(p_, block_);
  std::vector<Id> terms, rest;
  dots.collect(inst.args[0], terms);
  dots.collect(inst.args[1], terms);
  if (terms.size() < 4 || terms.size() > ByteDots::kMost) return std::nullopt;
  std::optional<ByteProduct> first;
  std::uint32_t parts = 0;
  for (Id term : terms) {
    auto product = dots.product(term);
    bool fits = product &&
                (!first ||
                 (product->a.bytes == first->a.bytes && product->b.bytes == first->b.bytes &&
                  product->a.is_signed == first->a.is_signed &&
                  product->b.is_signed == first->b.is_signed && !(parts & 1u << product->a.part)));
    if (!fits) {
      rest.push_back(term);
      continue;
    }
    if (!first) first = product;
    parts |= 1u << product->a.part;
  }
  if (parts != 0xf) return std::nullopt;
  Leaves a = get(first->a.bytes), b = get(first->b.bytes), others;
  for (Id term : rest) others.push_back(get(term)[0]);
  llvm::SmallVector<const Val*, 12> all;
  for (const auto& leaf : a) all.push_back(&leaf);
  for (const auto& leaf : b) all.push_back(&leaf);
  for (const auto& leaf : others) all.push_back(&leaf);
  return Leaves{apply(shape, all, [&](llvm::ArrayRef<LlvmValue*> v) {
    LlvmValue* sum = llvm::Constant::getNullValue(wide(b_.getInt32Ty()));
    for (LlvmValue* other : v.drop_front(8)) sum = b_.CreateAdd(sum, other);
    return byte_dot(sum, pack_word(v.slice(0, 4)), pack_word(v.slice(4, 4)), first->a.is_signed,
                    first->b.is_signed);
  })};
}

// Integer dot products, of vectors or of four bytes packed in a word.
Leaves Emitter::emit_dot_product(const Op& op) {
  const Inst& inst = op.inst;
  bool left_signed = inst.op != spv::Op::OpUDotKHR && inst.op != spv::Op::OpUDotAccSatKHR;
  bool right_signed = inst.op == spv::Op::OpSDotKHR || inst.op == spv::Op::OpSDotAccSatKHR;
  bool saturates = inst.op == spv::Op::OpSDotAccSatKHR || inst.op == spv::Op::OpUDotAccSatKHR ||
                   inst.op == spv::Op::OpSUDotAccSatKHR;
  const spirv::Type& element = p_.module->scalar_type(p_.type_of(inst.args[0]));
  bool packed = op.args[0].size() == 1 && element.width == 32;
  LlvmType* to = scalar_type(inst.type);
  llvm::SmallVector<const Val*, 12> all;
  for (const auto& leaf : op.args[0]) all.push_back(&leaf);
  for (const auto& leaf : op.args[1]) all.push_back(&leaf);
  if (saturates) all.push_back(&op.args[2][0]);
  std::size_t n = op.args[0].size();
  return {apply(shape_of_leaf(op, 0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    unsigned bits = to->getScalarSizeInBits();
    bool bytes = bits == 32 && (packed || (n == 4 && element.width == 8));
    if (bytes) {
      LlvmValue* dot =
          byte_dot(llvm::Constant::getNullValue(v[0]->getType()->getWithNewType(to)),
                   packed ? v[0] : pack_word(v.slice(0, 4)),
                   packed ? v[1] : pack_word(v.slice(4, 4)), left_signed, right_signed);
      if (!saturates) return dot;
      return b_.CreateBinaryIntrinsic(
          left_signed ? llvm::Intrinsic::sadd_sat : llvm::Intrinsic::uadd_sat, dot, v.back());
    }
    // Wide enough for the exact sum.
    unsigned exact = std::max(bits, saturates || element.width > 16 ? 64u : 32u);
    LlvmType* type = v[0]->getType()->getWithNewType(b_.getIntNTy(exact));
    auto grow = [&](LlvmValue* x, bool is_signed) {
      return is_signed ? b_.CreateSExtOrTrunc(x, type) : b_.CreateZExtOrTrunc(x, type);
    };
    auto part = [&](LlvmValue* x, std::size_t k, bool is_signed) {
      if (!packed) return grow(x, is_signed);
      LlvmType* i8 = x->getType()->getWithNewType(b_.getInt8Ty());
      return grow(b_.CreateTrunc(b_.CreateLShr(x, integer_like(x->getType(), 8 * k)), i8),
                  is_signed);
    };
    LlvmValue* sum = nullptr;
    std::size_t parts = packed ? 4 : n;
    for (std::size_t k = 0; k < parts; ++k) {
      LlvmValue* product = b_.CreateMul(part(v[packed ? 0 : k], k, left_signed),
                                        part(v[packed ? 1 : n + k], k, right_signed));
      sum = sum ? b_.CreateAdd(sum, product) : product;
    }
    LlvmType* result = v[0]->getType()->getWithNewType(to);
    if (!saturates) return b_.CreateTrunc(sum, result);
    LlvmValue* total = b_.CreateAdd(sum, grow(v.back(), left_signed));
    if (bits == 64)
      return left_signed ? b_.CreateBinaryIntrinsic(llvm::Intrinsic::sadd_sat, sum, v.back())
                         : b_.CreateBinaryIntrinsic(llvm::Intrinsic::uadd_sat, sum, v.back());
    auto limit = [&](const llvm::APInt& x) {
      return ConstantInt::get(type, left_signed ? x.sext(exact) : x.zext(exact));
    };
    if (left_signed) {
      total = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, total,
                                       limit(llvm::APInt::getSignedMinValue(bits)));
      total = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, total,
                                       limit(llvm::APInt::getSignedMaxValue(bits)));
    } else {
      total = b_.CreateBinaryIntrinsic(llvm::Intrinsic::umin, total,
                                       limit(llvm::APInt::getMaxValue(bits)));
    }
    return b_.CreateTrunc(total, result);
  })};
}

}  // namespace sokr::cpu
