// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Float arithmetic and linear algebra.
#include <cmath>

#include "numeric.hpp"

namespace sokr::reference {

using spirv::Instruction;
using spirv::TypeKind;

// The exact sum of the exact product and c has an error term; a double that is forced odd
// when that term is not zero keeps the information that a later rounding needs.
double fused_half(double a, double b, double c) {
  const double product = a * b;
  const double sum = product + c;
  if (!std::isfinite(sum)) return sum;
  const double part = sum - product;
  const double error = (product - (sum - part)) + (c - part);
  if (error == 0) return sum;
  const auto bits = std::bit_cast<std::uint64_t>(sum);
  if (bits & 1) return sum;
  const bool away = (error > 0) == (sum > 0);
  return std::bit_cast<double>(away ? bits + 1 : bits - 1);
}

namespace {

struct Add {
  template <class V>
  V operator()(V a, V b) const {
    return a + b;
  }
};
struct Subtract {
  template <class V>
  V operator()(V a, V b) const {
    return a - b;
  }
};
struct Multiply {
  template <class V>
  V operator()(V a, V b) const {
    return a * b;
  }
};
struct Divide {
  template <class V>
  V operator()(V a, V b) const {
    return a / b;
  }
};
struct Remainder {
  template <class V>
  V operator()(V a, V b) const {
    return std::fmod(a, b);
  }
};
struct Modulo {
  template <class V>
  V operator()(V a, V b) const {
    const V remainder = std::fmod(a, b);
    if (remainder == 0) return std::copysign(remainder, b);
    return (remainder < 0) != (b < 0) ? remainder + b : remainder;
  }
};

// A sign flip of the bit pattern: exact for NaN and zero too.
template <class T>
void negate(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t i = 0; i < step.n; ++i)
    to[i] = static_cast<T>(a[i] ^ (T{1} << (sizeof(T) * 8 - 1)));
}
template <class T>
struct Negate {
  static constexpr Handler handler = straight<negate<T>>;
};

// to = every component of a times the scalar b.
template <class T>
void scale(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const auto factor = decode<T>(lane.slot(step.b));
  for (std::uint32_t i = 0; i < step.n; ++i) to[i] = encode<T>(decode<T>(a[i]) * factor);
}
template <class T>
struct Scale {
  static constexpr Handler handler = straight<scale<T>>;
};

// Sums of products are formed in double and rounded once.
template <class T>
double sum_of_products(const Slot* a, std::uint32_t a_step, const Slot* b, std::uint32_t count) {
  double sum = static_cast<double>(decode<T>(a[0])) * static_cast<double>(decode<T>(b[0]));
  for (std::uint32_t i = 1; i < count; ++i)
    sum += static_cast<double>(decode<T>(a[i * a_step])) * static_cast<double>(decode<T>(b[i]));
  return sum;
}

template <class T>
void dot(Lane& lane, const Step& step) {
  lane.slot(step.dst) =
      encode<T>(sum_of_products<T>(lane.slots(step.a), 1, lane.slots(step.b), step.n));
}
template <class T>
struct Dot {
  static constexpr Handler handler = straight<dot<T>>;
};

// a: rows x n matrix, b: n components; c = rows.
template <class T>
void matrix_vector(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  for (std::uint32_t row = 0; row < step.c; ++row)
    to[row] =
        encode<T>(sum_of_products<T>(lane.slots(step.a) + row, step.c, lane.slots(step.b), step.n));
}
template <class T>
struct MatrixVector {
  static constexpr Handler handler = straight<matrix_vector<T>>;
};

// a: n components, b: matrix of `extra` columns of n rows.
template <class T>
void vector_matrix(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  for (std::uint32_t column = 0; column < step.extra; ++column)
    to[column] = encode<T>(
        sum_of_products<T>(lane.slots(step.a), 1, lane.slots(step.b) + column * step.n, step.n));
}
template <class T>
struct VectorMatrix {
  static constexpr Handler handler = straight<vector_matrix<T>>;
};

// a: c rows x n columns, b: n rows x `extra` columns.
template <class T>
void matrix_matrix(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  for (std::uint32_t column = 0; column < step.extra; ++column)
    for (std::uint32_t row = 0; row < step.c; ++row)
      to[column * step.c + row] = encode<T>(sum_of_products<T>(
          lane.slots(step.a) + row, step.c, lane.slots(step.b) + column * step.n, step.n));
}
template <class T>
struct MatrixMatrix {
  static constexpr Handler handler = straight<matrix_matrix<T>>;
};

// a: n rows, b: `extra` columns.
template <class T>
void outer_product(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  const Slot* b = lane.slots(step.b);
  for (std::uint32_t column = 0; column < step.extra; ++column)
    for (std::uint32_t row = 0; row < step.n; ++row)
      to[column * step.n + row] = encode<T>(decode<T>(a[row]) * decode<T>(b[column]));
}
template <class T>
struct OuterProduct {
  static constexpr Handler handler = straight<outer_product<T>>;
};

// n rows x `extra` columns.
void transpose(Lane& lane, const Step& step) {
  Slot* to = lane.slots(step.dst);
  const Slot* a = lane.slots(step.a);
  for (std::uint32_t column = 0; column < step.extra; ++column)
    for (std::uint32_t row = 0; row < step.n; ++row)
      to[row * step.extra + column] = a[column * step.n + row];
}

Handler float_handler(Lowerer& l, spirv::Id type, Handler (*choose)(std::uint32_t, bool)) {
  return choose(l.scalar(type).width, l.rounds_half_to_zero());
}

void lower_negate(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, for_integer<Negate>(l.scalar(i.type).width), l.components(i.type),
               {l.operand(i, 0)});
}

void lower_scale(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, float_handler(l, i.type, for_float<Scale>), l.components(i.type),
               {l.operand(i, 0), l.operand(i, 1)});
}

void lower_dot(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, float_handler(l, i.type, for_float<Dot>),
               l.components(l.module().type_of(l.arg(i, 0))), {l.operand(i, 0), l.operand(i, 1)});
}

void lower_matrix_vector(Lowerer& l, const Instruction& i) {
  emit_or_deny(l, i, float_handler(l, i.type, for_float<MatrixVector>),
               l.type_of(l.arg(i, 0)).count,
               {l.operand(i, 0), l.operand(i, 1), l.components(i.type)});
}

void lower_vector_matrix(Lowerer& l, const Instruction& i) {
  if (emit_or_deny(l, i, float_handler(l, i.type, for_float<VectorMatrix>),
                   l.type_of(l.arg(i, 0)).count, {l.operand(i, 0), l.operand(i, 1)}))
    l.program().steps.back().extra = l.components(i.type);
}

void lower_matrix_matrix(Lowerer& l, const Instruction& i) {
  const spirv::Type& result = l.type(i.type);
  if (emit_or_deny(l, i, float_handler(l, i.type, for_float<MatrixMatrix>),
                   l.type_of(l.arg(i, 0)).count,
                   {l.operand(i, 0), l.operand(i, 1), l.components(result.element)}))
    l.program().steps.back().extra = result.count;
}

void lower_outer_product(Lowerer& l, const Instruction& i) {
  const spirv::Type& result = l.type(i.type);
  if (emit_or_deny(l, i, float_handler(l, i.type, for_float<OuterProduct>),
                   l.components(result.element), {l.operand(i, 0), l.operand(i, 1)}))
    l.program().steps.back().extra = result.count;
}

void lower_transpose(Lowerer& l, const Instruction& i) {
  const spirv::Type& from = l.type_of(l.arg(i, 0));
  l.emit(straight<transpose>, i, l.components(from.element), {l.operand(i, 0)}).extra = from.count;
}

constexpr OpRow kRows[] = {
    {spv::Op::OpFAdd, kFloat2<Add>},
    {spv::Op::OpFSub, kFloat2<Subtract>},
    {spv::Op::OpFMul, kFloat2<Multiply>},
    {spv::Op::OpFDiv, kFloat2<Divide>},
    {spv::Op::OpFRem, kFloat2<Remainder>},
    {spv::Op::OpFMod, kFloat2<Modulo>},
    {spv::Op::OpFNegate, lower_negate},
    {spv::Op::OpVectorTimesScalar, lower_scale},
    {spv::Op::OpMatrixTimesScalar, lower_scale},
    {spv::Op::OpDot, lower_dot},
    {spv::Op::OpMatrixTimesVector, lower_matrix_vector},
    {spv::Op::OpVectorTimesMatrix, lower_vector_matrix},
    {spv::Op::OpMatrixTimesMatrix, lower_matrix_matrix},
    {spv::Op::OpOuterProduct, lower_outer_product},
    {spv::Op::OpTranspose, lower_transpose},
};

}  // namespace

std::span<const OpRow> arithmetic_rows() {
  return kRows;
}

}  // namespace sokr::reference
