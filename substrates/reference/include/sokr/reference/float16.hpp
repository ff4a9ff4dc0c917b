// SPDX-License-Identifier: MIT OR Apache-2.0
//
// IEEE binary16 by its bit pattern. Pure functions: any thread, no state.
#ifndef SOKR_REFERENCE_FLOAT16_HPP_
#define SOKR_REFERENCE_FLOAT16_HPP_

#include <bit>
#include <cstdint>

namespace sokr::reference {

// Exact: a double holds every f16.
constexpr double half_to_double(std::uint16_t half) {
  const std::uint64_t sign = static_cast<std::uint64_t>(half >> 15) << 63;
  const unsigned exponent = (half >> 10) & 0x1Fu;
  const std::uint64_t fraction = half & 0x3FFu;
  if (exponent == 0x1F) {
    const std::uint64_t quiet = fraction ? std::uint64_t{1} << 51 : 0;
    return std::bit_cast<double>(sign | 0x7FF0000000000000u | quiet | (fraction << 42));
  }
  if (exponent == 0) {
    const double magnitude = static_cast<double>(fraction) * 0x1p-24;
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<double>(sign | (std::uint64_t{exponent + 1023 - 15} << 52) |
                               (fraction << 42));
}

// One rounding: to nearest even, or toward zero.
constexpr std::uint16_t half_from_double(double value, bool toward_zero = false) {
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 63) << 15);
  const std::uint64_t magnitude = bits & 0x7FFFFFFFFFFFFFFFu;
  if (magnitude > 0x7FF0000000000000u)
    return static_cast<std::uint16_t>(sign | 0x7E00u | ((magnitude >> 42) & 0x1FFu));
  if (magnitude == 0x7FF0000000000000u) return static_cast<std::uint16_t>(sign | 0x7C00u);
  const int exponent = static_cast<int>(magnitude >> 52) - 1023;
  if (exponent >= 16) return static_cast<std::uint16_t>(sign | (toward_zero ? 0x7BFFu : 0x7C00u));
  if (exponent < -26) return sign;
  const std::uint64_t significand = (magnitude & 0xFFFFFFFFFFFFFu) | (std::uint64_t{1} << 52);
  const int shift = exponent >= -14 ? 42 : 42 + (-14 - exponent);
  std::uint64_t quotient = significand >> shift;
  const std::uint64_t rest = significand & ((std::uint64_t{1} << shift) - 1);
  const std::uint64_t half_way = std::uint64_t{1} << (shift - 1);
  if (!toward_zero && (rest > half_way || (rest == half_way && (quotient & 1)))) ++quotient;
  const std::uint64_t biased =
      exponent >= -14 ? static_cast<std::uint64_t>(exponent + 14) << 10 : 0;
  return static_cast<std::uint16_t>(sign | (biased + quotient));
}

// a * b + c for operands that are exact f16 values, to the nearest odd double where it
// is not exact, so that rounding it once more to f16 gives the correctly rounded result.
double fused_half(double a, double b, double c);

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_FLOAT16_HPP_
