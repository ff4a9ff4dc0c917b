// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fold.hpp"

#include <bit>
#include <cmath>

namespace sokr::spirv {
namespace {

double to_double(const Scalar& value) {
  if (value.width == 16) return half_to_double(static_cast<std::uint16_t>(value.bits));
  if (value.width == 32) return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits));
  return std::bit_cast<double>(value.bits);
}

std::uint32_t double_to_single(double value, bool toward_zero) {
  auto single = static_cast<float>(value);
  if (toward_zero && std::fabs(static_cast<double>(single)) > std::fabs(value))
    single = std::nextafter(single, 0.0f);
  return std::bit_cast<std::uint32_t>(single);
}

std::uint64_t from_double(double value, std::uint32_t width, FloatFold how) {
  const std::uint64_t bits = width == 16   ? double_to_half(value, how.toward_zero)
                             : width == 32 ? double_to_single(value, how.toward_zero)
                                           : std::bit_cast<std::uint64_t>(value);
  const std::uint32_t mantissa = width == 16 ? 10 : width == 32 ? 23 : 52;
  const std::uint64_t sign = std::uint64_t{1} << (width - 1);
  return how.flush && (bits & (sign - 1)) >> mantissa == 0 ? bits & sign : bits;
}

std::uint64_t divide(spv::Op op, const Scalar& a, const Scalar& b) {
  if (b.bits == 0) return 0;
  if (op == spv::Op::OpUDiv) return a.bits / b.bits;
  if (op == spv::Op::OpUMod) return a.bits % b.bits;
  const std::int64_t x = sign_extend(a.bits, a.width);
  const std::int64_t y = sign_extend(b.bits, b.width);
  if (y == -1) return op == spv::Op::OpSDiv ? 0 - static_cast<std::uint64_t>(x) : 0;
  if (op == spv::Op::OpSDiv) return static_cast<std::uint64_t>(x / y);
  std::int64_t remainder = x % y;
  if (op == spv::Op::OpSMod && remainder != 0 && (remainder < 0) != (y < 0)) remainder += y;
  return static_cast<std::uint64_t>(remainder);
}

std::uint64_t shift(spv::Op op, const Scalar& a, const Scalar& b) {
  const bool is_out = b.bits >= a.width;
  switch (op) {
    case spv::Op::OpShiftLeftLogical:
      return is_out ? 0 : a.bits << b.bits;
    case spv::Op::OpShiftRightLogical:
      return is_out ? 0 : a.bits >> b.bits;
    default: {
      const std::int64_t value = sign_extend(a.bits, a.width);
      return static_cast<std::uint64_t>(value >> (is_out ? 63 : b.bits));
    }
  }
}

bool compare(spv::Op op, const Scalar& a, const Scalar& b) {
  const std::int64_t x = sign_extend(a.bits, a.width);
  const std::int64_t y = sign_extend(b.bits, b.width);
  switch (op) {
    case spv::Op::OpIEqual:
      return a.bits == b.bits;
    case spv::Op::OpINotEqual:
      return a.bits != b.bits;
    case spv::Op::OpULessThan:
      return a.bits < b.bits;
    case spv::Op::OpULessThanEqual:
      return a.bits <= b.bits;
    case spv::Op::OpUGreaterThan:
      return a.bits > b.bits;
    case spv::Op::OpUGreaterThanEqual:
      return a.bits >= b.bits;
    case spv::Op::OpSLessThan:
      return x < y;
    case spv::Op::OpSLessThanEqual:
      return x <= y;
    case spv::Op::OpSGreaterThan:
      return x > y;
    default:
      return x >= y;
  }
}

}  // namespace

double half_to_double(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double mantissa = bits & 0x3FF;
  const double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa == 0 ? sign * HUGE_VAL : std::copysign(NAN, sign);
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

std::uint16_t double_to_half(double value, bool toward_zero) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return sign | 0x7E00;
  const double magnitude = std::fabs(value);
  if (std::isinf(magnitude) || (magnitude >= 65520.0 && !toward_zero)) return sign | 0x7C00;
  if (magnitude >= 65504.0) return sign | 0x7BFF;
  // Round to a multiple of the last place that a half of this magnitude has.
  int exponent = magnitude == 0 ? -24 : std::ilogb(magnitude);
  exponent = exponent < -14 ? -14 : exponent;
  const double exact = std::ldexp(magnitude, 10 - exponent);
  const double rounded = toward_zero ? std::trunc(exact) : std::nearbyint(exact);
  const auto units = static_cast<std::uint32_t>(rounded);
  // A carry out of the mantissa moves to the next exponent by itself.
  return static_cast<std::uint16_t>(sign | ((exponent + 14) * 1024 + units));
}

std::uint32_t scalar_operands(spv::Op op) {
  switch (op) {
    case spv::Op::OpSConvert:
    case spv::Op::OpUConvert:
    case spv::Op::OpFConvert:
    case spv::Op::OpQuantizeToF16:
    case spv::Op::OpBitcast:
    case spv::Op::OpSNegate:
    case spv::Op::OpNot:
    case spv::Op::OpLogicalNot:
      return 1;
    case spv::Op::OpIAdd:
    case spv::Op::OpISub:
    case spv::Op::OpIMul:
    case spv::Op::OpUDiv:
    case spv::Op::OpSDiv:
    case spv::Op::OpUMod:
    case spv::Op::OpSRem:
    case spv::Op::OpSMod:
    case spv::Op::OpShiftRightLogical:
    case spv::Op::OpShiftRightArithmetic:
    case spv::Op::OpShiftLeftLogical:
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpLogicalOr:
    case spv::Op::OpLogicalAnd:
    case spv::Op::OpLogicalEqual:
    case spv::Op::OpLogicalNotEqual:
    case spv::Op::OpIEqual:
    case spv::Op::OpINotEqual:
    case spv::Op::OpULessThan:
    case spv::Op::OpSLessThan:
    case spv::Op::OpUGreaterThan:
    case spv::Op::OpSGreaterThan:
    case spv::Op::OpULessThanEqual:
    case spv::Op::OpSLessThanEqual:
    case spv::Op::OpUGreaterThanEqual:
    case spv::Op::OpSGreaterThanEqual:
      return 2;
    default:
      return 0;
  }
}

std::uint64_t fold_scalar(spv::Op op, std::uint32_t result_width, std::span<const Scalar> operands,
                          FloatFold how) {
  const Scalar& a = operands[0];
  const Scalar& b = operands.size() > 1 ? operands[1] : operands[0];
  std::uint64_t bits = 0;
  switch (op) {
    case spv::Op::OpSConvert:
      bits = static_cast<std::uint64_t>(sign_extend(a.bits, a.width));
      break;
    case spv::Op::OpUConvert:
    case spv::Op::OpBitcast:
      bits = a.bits;
      break;
    case spv::Op::OpFConvert:
      bits = from_double(to_double(a), result_width, how);
      break;
    case spv::Op::OpQuantizeToF16:
      bits = from_double(half_to_double(double_to_half(to_double(a))), result_width, {});
      break;
    case spv::Op::OpSNegate:
      bits = 0 - a.bits;
      break;
    case spv::Op::OpNot:
      bits = ~a.bits;
      break;
    case spv::Op::OpIAdd:
      bits = a.bits + b.bits;
      break;
    case spv::Op::OpISub:
      bits = a.bits - b.bits;
      break;
    case spv::Op::OpIMul:
      bits = a.bits * b.bits;
      break;
    case spv::Op::OpUDiv:
    case spv::Op::OpSDiv:
    case spv::Op::OpUMod:
    case spv::Op::OpSRem:
    case spv::Op::OpSMod:
      bits = divide(op, a, b);
      break;
    case spv::Op::OpShiftRightLogical:
    case spv::Op::OpShiftRightArithmetic:
    case spv::Op::OpShiftLeftLogical:
      bits = shift(op, a, b);
      break;
    case spv::Op::OpBitwiseOr:
    case spv::Op::OpLogicalOr:
      bits = a.bits | b.bits;
      break;
    case spv::Op::OpBitwiseXor:
    case spv::Op::OpLogicalNotEqual:
      bits = a.bits ^ b.bits;
      break;
    case spv::Op::OpBitwiseAnd:
    case spv::Op::OpLogicalAnd:
      bits = a.bits & b.bits;
      break;
    case spv::Op::OpLogicalEqual:
      bits = a.bits == b.bits;
      break;
    case spv::Op::OpLogicalNot:
      bits = a.bits ^ 1;
      break;
    default:
      bits = compare(op, a, b);
      break;
  }
  return bits & width_mask(result_width);
}

}  // namespace sokr::spirv
