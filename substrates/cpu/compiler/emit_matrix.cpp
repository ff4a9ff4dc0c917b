// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Operations on whole vectors and matrices, and dot products of integers.
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

using llvm::ConstantInt;

// a0 * b0 + a1 * b1 + ...
LlvmValue* Emitter::sum_of_products(llvm::ArrayRef<LlvmValue*> v) {
  std::size_t n = v.size() / 2;
  LlvmValue* sum = nullptr;
  bool half = v[0]->getType()->getScalarType()->isHalfTy();
  for (std::size_t i = 0; i < n; ++i) {
    LlvmValue *a = v[i], *b = v[n + i];
    if (half) {
      a = widen_half(a);
      b = widen_half(b);
    }
    LlvmValue* product = b_.CreateFMul(a, b);
    if (half) product = widen_half(narrow_half(product));
    sum = sum ? b_.CreateFAdd(sum, product) : product;
    if (half) sum = widen_half(narrow_half(sum));
  }
  return half ? narrow_half(sum) : sum;
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
