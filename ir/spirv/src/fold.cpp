// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fold.hpp"

#include <bit>

namespace sokr::spirv {
namespace {

// A float format of IEEE 754: bits of the fraction, and of the exponent's bias.
struct FloatFormat {
  std::uint32_t fraction, bias;
};

FloatFormat format_of(std::uint32_t width) {
  return width == 16   ? FloatFormat{10, 15}
         : width == 32 ? FloatFormat{23, 127}
                       : FloatFormat{52, 1023};
}

// In integers alone: what a module means does not depend on the rounding and the treatment of
// denormals that the calling thread has set. NaNs stay NaNs of their sign, and become quiet.
std::uint64_t convert_float(std::uint64_t bits, std::uint32_t from_width, std::uint32_t to_width,
                            bool toward_zero) {
  const FloatFormat from = format_of(from_width), to = format_of(to_width);
  const std::uint64_t sign = (bits >> (from_width - 1) & 1) << (to_width - 1);
  const std::uint64_t infinity = std::uint64_t{2 * to.bias + 1} << to.fraction;
  const std::uint64_t exponent = bits >> from.fraction & (2 * from.bias + 1);
  const std::uint64_t fraction = bits & width_mask(from.fraction);
  if (exponent == 2 * from.bias + 1) {
    if (fraction == 0) return sign | infinity;
    const std::uint64_t quiet = std::uint64_t{1} << (to.fraction - 1);
    const std::uint64_t kept = to.fraction >= from.fraction
                                   ? fraction << (to.fraction - from.fraction)
                                   : fraction >> (from.fraction - to.fraction);
    return sign | infinity | quiet | kept;
  }
  if (exponent == 0 && fraction == 0) return sign;
  // The leading one in bit 63: the value is `significand` * 2^(power - 63).
  std::uint64_t significand =
      exponent != 0 ? fraction | std::uint64_t{1} << from.fraction : fraction;
  const int zeros = std::countl_zero(significand);
  significand <<= zeros;
  const int power = 63 - zeros + static_cast<int>(exponent != 0 ? exponent : 1) -
                    static_cast<int>(from.bias + from.fraction);
  const int lowest = 1 - static_cast<int>(to.bias);
  if (power > static_cast<int>(to.bias)) return sign | (infinity - (toward_zero ? 1 : 0));
  // How many bits are below the last place that the result has there.
  const int dropped = 63 - static_cast<int>(to.fraction) + (power < lowest ? lowest - power : 0);
  std::uint64_t result = dropped < 64 ? significand >> dropped : 0;
  // What is dropped, in parts of 2^64 of the last place.
  const std::uint64_t rest = dropped < 64    ? significand << (64 - dropped)
                             : dropped == 64 ? significand
                                             : 1;
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 63;
  if (!toward_zero && (rest > kHalf || (rest == kHalf && (result & 1) != 0))) ++result;
  // The leading one adds 1 to the exponent; so does a carry out of the fraction.
  if (power >= lowest) result += static_cast<std::uint64_t>(power - lowest) << to.fraction;
  return sign | result;
}

bool is_below_normal(std::uint64_t bits, std::uint32_t width) {
  return (bits & width_mask(width - 1)) >> format_of(width).fraction == 0;
}

std::uint64_t fold_convert(const Scalar& value, std::uint32_t width, FloatFold how) {
  const std::uint64_t bits = convert_float(value.bits, value.width, width, how.toward_zero);
  const std::uint64_t sign = std::uint64_t{1} << (width - 1);
  return how.flush && is_below_normal(bits, width) ? bits & sign : bits;
}

// As SPIR-V has it: what a half of full precision cannot hold is a zero of its sign.
std::uint64_t fold_quantize(const Scalar& value, std::uint32_t width) {
  const std::uint64_t half = fold_convert(value, 16, {.flush = true});
  return convert_float(half, 16, width, false);
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
  return std::bit_cast<double>(convert_float(bits, 16, 64, false));
}

std::uint16_t double_to_half(double value, bool toward_zero) {
  return static_cast<std::uint16_t>(
      convert_float(std::bit_cast<std::uint64_t>(value), 64, 16, toward_zero));
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
      bits = fold_convert(a, result_width, how);
      break;
    case spv::Op::OpQuantizeToF16:
      bits = fold_quantize(a, result_width);
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
