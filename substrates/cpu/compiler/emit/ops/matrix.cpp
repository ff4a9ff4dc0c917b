// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Operations on whole vectors and matrices, and dot products of integers.

#include "compiler/emit/builder/rounding.hpp"
#include "compiler/emit/ops/numbers.hpp"
#include "compiler/emit/ops/operations.hpp"
#include "compiler/target/instructions.hpp"
namespace sokr::cpu {

using llvm::ConstantInt;

Leaves emit_matrix(VectorBuilder& ir, const Op& op) {
  const Inst& inst = op.inst;
  Leaves out;
  std::uint32_t count = leaf_count(*ir.program.module, inst.type);
  auto rows_of = [&](Id value) {
    const spirv::Type* matrix = ir.program.module->type(ir.program.type_of(value));
    const spirv::Type* column = matrix ? ir.program.module->type(matrix->element) : nullptr;
    return column ? column->count : 1;
  };
  auto dot = [&](std::uint32_t leaf, llvm::ArrayRef<const Val*> a, llvm::ArrayRef<const Val*> b) {
    llvm::SmallVector<const Val*, 9> all(a.begin(), a.end());
    all.append(b.begin(), b.end());
    if (is_fused_dot(inst.op)) all.push_back(&op.args[2][leaf]);
    out.push_back(ir.apply(op.shape(leaf), all,
                           [&](llvm::ArrayRef<LlvmValue*> v) { return sum_of_products(ir, v); }));
  };
  llvm::SmallVector<const Val*, 4> x, y;
  switch (is_fused_dot(inst.op) ? product_of(inst.op) : inst.op) {
    case spv::Op::OpDot:
      for (const auto& leaf : op.args[0]) x.push_back(&leaf);
      for (const auto& leaf : op.args[1]) y.push_back(&leaf);
      dot(0, x, y);
      return out;
    case spv::Op::OpAny:
    case spv::Op::OpAll:
      for (const auto& leaf : op.args[0]) x.push_back(&leaf);
      out.push_back(ir.apply(op.shape(0), x, [&](llvm::ArrayRef<LlvmValue*> v) {
        LlvmValue* sum = v[0];
        for (LlvmValue* one : v.drop_front())
          sum = inst.op == spv::Op::OpAny ? ir.CreateOr(sum, one) : ir.CreateAnd(sum, one);
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
      ir.internal_error(fmt::format("{} has no code", spirv::op_name(inst.op)));
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

  // Numbers that add up to `id`; some are products. Not more than a few, from not more than a few
  // sums.
  void collect(Id id, std::vector<Id>& terms, std::size_t depth = 0) const {
    const Inst* sum = here(id);
    if (sum && sum->op == spv::Op::OpIAdd && terms.size() < kMost && depth < kMost) {
      collect(sum->args[0], terms, depth + 1);
      collect(sum->args[1], terms, depth + 1);
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

// sum + a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3 of the bytes of each word.
LlvmValue* dot_of_bytes(VectorBuilder& ir, LlvmValue* sum, LlvmValue* a, LlvmValue* b,
                        bool a_signed, bool b_signed) {
  LlvmType* type = a->getType();
  auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type);
  unsigned lanes = vector ? vector->getNumElements() : 1;
  if (ir.target.byte_dots && vector) {
    // The instruction multiplies unsigned by signed bytes. Where both are of one kind, one of
    // them is moved by 128, and 128 times the sum of the other one is put right.
    auto dot = [&](LlvmValue* to, LlvmValue* u, LlvmValue* s) { return byte_dot(ir, to, u, s); };
    if (!a_signed && b_signed) return dot(sum, a, b);
    if (a_signed && !b_signed) return dot(sum, b, a);
    LlvmValue* bias = ir.integer_like(type, 0x80808080);
    LlvmValue* zero = llvm::Constant::getNullValue(type);
    if (a_signed) return ir.CreateSub(dot(sum, ir.CreateXor(a, bias), b), dot(zero, bias, b));
    return ir.CreateSub(dot(sum, a, ir.CreateXor(b, bias)), dot(zero, a, bias));
  }
  if (vector && ir.target.pair_products) {
    auto* halves = llvm::FixedVectorType::get(ir.getInt16Ty(), 2 * lanes);
    auto odd = [&](LlvmValue* x, bool is_signed) {
      x = ir.CreateBitCast(x, halves);
      LlvmValue* by = ir.integer_like(halves, 8);
      return is_signed ? ir.CreateAShr(x, by) : ir.CreateLShr(x, by);
    };
    auto even = [&](LlvmValue* x, bool is_signed) {
      x = ir.CreateBitCast(x, halves);
      return is_signed ? odd(ir.CreateShl(x, ir.integer_like(halves, 8)), true)
                       : ir.CreateAnd(x, ir.integer_like(halves, 0xff));
    };
    const auto products = [&](auto& half) {
      LlvmValue* x = half(a, a_signed);
      return pair_products(ir, x, half(b, b_signed));
    };
    LlvmValue* evens = products(even);
    LlvmValue* odds = products(odd);
    return ir.CreateAdd(sum, ir.CreateAdd(evens, odds));
  }
  auto part = [&](LlvmValue* x, unsigned k, bool is_signed) {
    x = ir.CreateShl(x, ir.integer_like(type, 24 - 8 * k));
    LlvmValue* by = ir.integer_like(type, 24);
    return is_signed ? ir.CreateAShr(x, by) : ir.CreateLShr(x, by);
  };
  for (unsigned k = 0; k < 4; ++k)
    sum = ir.CreateAdd(sum, ir.CreateMul(part(a, k, a_signed), part(b, k, b_signed)));
  return sum;
}

}  // namespace

// A sum with the four products of two vectors of bytes in it. What was emitted for the
// products is then without use.
std::optional<Leaves> emit_byte_dot(const Operations& ops, const Op& op) {
  const Inst& inst = op.inst;
  const spirv::Type* type = ops.ir.program.module->type(inst.type);
  const Shape& shape = op.shape(0);
  if (!type || type->kind != spirv::TypeKind::kInt || type->width != 32 || shape.affine)
    return std::nullopt;
  ByteDots dots(ops.ir.program, ops.ir.at.block);
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
  Leaves a = ops.values.get(first->a.bytes), b = ops.values.get(first->b.bytes), others;
  for (Id term : rest) others.push_back(ops.values.get(term)[0]);
  llvm::SmallVector<const Val*, 12> all;
  for (const auto& leaf : a) all.push_back(&leaf);
  for (const auto& leaf : b) all.push_back(&leaf);
  for (const auto& leaf : others) all.push_back(&leaf);
  return Leaves{ops.ir.apply(shape, all, [&](llvm::ArrayRef<LlvmValue*> v) {
    LlvmValue* sum = llvm::Constant::getNullValue(ops.ir.wide(ops.ir.getInt32Ty()));
    for (LlvmValue* other : v.drop_front(8)) sum = ops.ir.CreateAdd(sum, other);
    return dot_of_bytes(ops.ir, sum, ops.ir.pack_word(v.slice(0, 4)),
                        ops.ir.pack_word(v.slice(4, 4)), first->a.is_signed, first->b.is_signed);
  })};
}

// Integer dot products, of vectors or of four bytes packed in a word.
Leaves emit_dot_product(VectorBuilder& ir, const Op& op) {
  const Inst& inst = op.inst;
  bool left_signed = inst.op != spv::Op::OpUDotKHR && inst.op != spv::Op::OpUDotAccSatKHR;
  bool right_signed = inst.op == spv::Op::OpSDotKHR || inst.op == spv::Op::OpSDotAccSatKHR;
  bool saturates = inst.op == spv::Op::OpSDotAccSatKHR || inst.op == spv::Op::OpUDotAccSatKHR ||
                   inst.op == spv::Op::OpSUDotAccSatKHR;
  const spirv::Type& element = ir.program.module->scalar_type(ir.program.type_of(inst.args[0]));
  bool packed = op.args[0].size() == 1 && element.width == 32;
  LlvmType* to = ir.scalar_type(inst.type);
  llvm::SmallVector<const Val*, 12> all;
  for (const auto& leaf : op.args[0]) all.push_back(&leaf);
  for (const auto& leaf : op.args[1]) all.push_back(&leaf);
  if (saturates) all.push_back(&op.args[2][0]);
  std::size_t n = op.args[0].size();
  return {ir.apply(op.shape(0), all, [&](llvm::ArrayRef<LlvmValue*> v) -> LlvmValue* {
    unsigned bits = to->getScalarSizeInBits();
    bool bytes = bits == 32 && (packed || (n == 4 && element.width == 8));
    if (bytes) {
      LlvmValue* dot =
          dot_of_bytes(ir, llvm::Constant::getNullValue(v[0]->getType()->getWithNewType(to)),
                       packed ? v[0] : ir.pack_word(v.slice(0, 4)),
                       packed ? v[1] : ir.pack_word(v.slice(4, 4)), left_signed, right_signed);
      if (!saturates) return dot;
      return ir.CreateBinaryIntrinsic(
          left_signed ? llvm::Intrinsic::sadd_sat : llvm::Intrinsic::uadd_sat, dot, v.back());
    }
    // Wide enough for the exact sum.
    unsigned exact = std::max(bits, saturates || element.width > 16 ? 64u : 32u);
    LlvmType* type = v[0]->getType()->getWithNewType(ir.getIntNTy(exact));
    auto grow = [&](LlvmValue* x, bool is_signed) {
      return is_signed ? ir.CreateSExtOrTrunc(x, type) : ir.CreateZExtOrTrunc(x, type);
    };
    auto part = [&](LlvmValue* x, std::size_t k, bool is_signed) {
      if (!packed) return grow(x, is_signed);
      LlvmType* i8 = x->getType()->getWithNewType(ir.getInt8Ty());
      return grow(ir.CreateTrunc(ir.CreateLShr(x, ir.integer_like(x->getType(), 8 * k)), i8),
                  is_signed);
    };
    LlvmValue* sum = nullptr;
    std::size_t parts = packed ? 4 : n;
    for (std::size_t k = 0; k < parts; ++k) {
      LlvmValue* product = ir.CreateMul(part(v[packed ? 0 : k], k, left_signed),
                                        part(v[packed ? 1 : n + k], k, right_signed));
      sum = sum ? ir.CreateAdd(sum, product) : product;
    }
    LlvmType* result = v[0]->getType()->getWithNewType(to);
    if (!saturates) return ir.CreateTrunc(sum, result);
    LlvmValue* total = ir.CreateAdd(sum, grow(v.back(), left_signed));
    if (bits == 64)
      return left_signed ? ir.CreateBinaryIntrinsic(llvm::Intrinsic::sadd_sat, sum, v.back())
                         : ir.CreateBinaryIntrinsic(llvm::Intrinsic::uadd_sat, sum, v.back());
    auto limit = [&](const llvm::APInt& x) {
      return ConstantInt::get(type, left_signed ? x.sext(exact) : x.zext(exact));
    };
    if (left_signed) {
      total = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smax, total,
                                       limit(llvm::APInt::getSignedMinValue(bits)));
      total = ir.CreateBinaryIntrinsic(llvm::Intrinsic::smin, total,
                                       limit(llvm::APInt::getSignedMaxValue(bits)));
    } else {
      total = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, total,
                                       limit(llvm::APInt::getMaxValue(bits)));
    }
    return ir.CreateTrunc(total, result);
  })};
}

}  // namespace sokr::cpu
