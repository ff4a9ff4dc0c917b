// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/substrate/edge_semantics.hpp - what our processor substrates compute
// where SPIR-V leaves the result undefined or unspecified. The interpreter and
// the code generator agree on this table bit by bit, and tests use the functions.
//
//   instruction                     case                       result
//   ------------------------------  -------------------------  --------------------------------
//   OpUDiv OpSDiv                   divisor 0                  0
//   OpUMod OpSRem OpSMod            divisor 0                  0
//   OpSDiv                          INT_MIN / -1               INT_MIN
//   OpSRem OpSMod                   INT_MIN, -1                0
//   OpShift*                        amount >= width            amount modulo width (low bits)
//   OpConvertFToU OpConvertFToS     out of range               nearest representable value
//   OpConvertFToU OpConvertFToS     NaN                        0
//   OpBitFieldInsert                offset >= width, count 0   base
//   OpBitField{S,U}Extract          offset >= width, count 0   0
//   OpBitField*                     offset + count > width     count = width - offset
//   FindILsb                        0                          -1
//   FindUMsb                        0                          -1
//   FindSMsb                        0 and -1                   -1
//   FMin FMax FClamp                one operand NaN            the other one, as NMin and NMax
//   NMin NMax NClamp                both operands NaN          NaN
//   FMin FMax ...                   zeros of different sign    the first operand
//   out-of-range buffer read        every component            0; a write is dropped
//   OpVectorExtractDynamic          index >= components        0
//   OpVectorInsertDynamic           index >= components        the vector unchanged
//   OpUndef, uninitialised memory   Function, Private          0
//   shuffle from an inactive lane   OpGroupNonUniformShuffle*  0
//
// Everything here is a pure constexpr function: any thread, no state. T is an
// unsigned type and holds the bit pattern, whatever the signedness of the operation.
#ifndef SOKR_SUBSTRATE_EDGE_SEMANTICS_HPP_
#define SOKR_SUBSTRATE_EDGE_SEMANTICS_HPP_

#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace sokr::substrate::edge {

template <std::unsigned_integral T>
inline constexpr unsigned kWidth = std::numeric_limits<T>::digits;

template <std::unsigned_integral T>
constexpr std::make_signed_t<T> as_signed(T value) {
  return static_cast<std::make_signed_t<T>>(value);
}

// ---- Division ------------------------------------------------------------------

template <std::unsigned_integral T>
constexpr T udiv(T a, T b) {
  return b == 0 ? T{0} : static_cast<T>(a / b);
}

template <std::unsigned_integral T>
constexpr T umod(T a, T b) {
  return b == 0 ? T{0} : static_cast<T>(a % b);
}

template <std::unsigned_integral T>
constexpr T sdiv(T a, T b) {
  if (b == 0) return 0;
  if (as_signed(b) == -1) return static_cast<T>(T{0} - a);
  return static_cast<T>(as_signed(a) / as_signed(b));
}

// The sign of the dividend.
template <std::unsigned_integral T>
constexpr T srem(T a, T b) {
  if (b == 0 || as_signed(b) == -1) return 0;
  return static_cast<T>(as_signed(a) % as_signed(b));
}

// The sign of the divisor.
template <std::unsigned_integral T>
constexpr T smod(T a, T b) {
  const T remainder = srem(a, b);
  const bool signs_differ = (as_signed(remainder) < 0) != (as_signed(b) < 0);
  return remainder != 0 && signs_differ ? static_cast<T>(remainder + b) : remainder;
}

// ---- Shifts: the low bits of the amount --------------------------------------------

template <std::unsigned_integral T>
constexpr T shift_left(T value, std::uint64_t amount) {
  return static_cast<T>(static_cast<std::uint64_t>(value) << (amount & (kWidth<T> - 1)));
}

template <std::unsigned_integral T>
constexpr T shift_right_logical(T value, std::uint64_t amount) {
  return static_cast<T>(value >> (amount & (kWidth<T> - 1)));
}

template <std::unsigned_integral T>
constexpr T shift_right_arithmetic(T value, std::uint64_t amount) {
  return static_cast<T>(as_signed(value) >> (amount & (kWidth<T> - 1)));
}

// ---- Bit fields ------------------------------------------------------------------------

template <std::unsigned_integral T>
constexpr T low_bits(unsigned count) {
  return count >= kWidth<T> ? static_cast<T>(~T{0})
                            : static_cast<T>((std::uint64_t{1} << count) - 1);
}

// Bits of a field that lie inside the value.
template <std::unsigned_integral T>
constexpr unsigned field_bits(std::uint64_t offset, std::uint64_t count) {
  if (offset >= kWidth<T>) return 0;
  const std::uint64_t room = kWidth<T> - offset;
  return static_cast<unsigned>(count < room ? count : room);
}

template <std::unsigned_integral T>
constexpr T bit_field_insert(T base, T insert, std::uint64_t offset, std::uint64_t count) {
  const unsigned bits = field_bits<T>(offset, count);
  if (bits == 0) return base;
  const T mask = shift_left(low_bits<T>(bits), offset);
  return static_cast<T>((base & static_cast<T>(~mask)) | (shift_left(insert, offset) & mask));
}

template <std::unsigned_integral T>
constexpr T bit_field_uextract(T base, std::uint64_t offset, std::uint64_t count) {
  const unsigned bits = field_bits<T>(offset, count);
  if (bits == 0) return 0;
  return static_cast<T>(shift_right_logical(base, offset) & low_bits<T>(bits));
}

template <std::unsigned_integral T>
constexpr T bit_field_sextract(T base, std::uint64_t offset, std::uint64_t count) {
  const unsigned bits = field_bits<T>(offset, count);
  if (bits == 0) return 0;
  const unsigned up = kWidth<T> - bits;
  return shift_right_arithmetic(shift_left(shift_right_logical(base, offset), up), up);
}

template <std::unsigned_integral T>
constexpr T bit_reverse(T value) {
  T result = 0;
  for (unsigned i = 0; i < kWidth<T>; ++i)
    result = static_cast<T>(result | (static_cast<T>((value >> i) & 1u) << (kWidth<T> - 1 - i)));
  return result;
}

template <std::unsigned_integral T>
constexpr T bit_count(T value) {
  return static_cast<T>(std::popcount(value));
}

template <std::unsigned_integral T>
constexpr T find_lsb(T value) {
  return value == 0 ? static_cast<T>(~T{0}) : static_cast<T>(std::countr_zero(value));
}

template <std::unsigned_integral T>
constexpr T find_umsb(T value) {
  return value == 0 ? static_cast<T>(~T{0})
                    : static_cast<T>(static_cast<int>(kWidth<T>) - 1 - std::countl_zero(value));
}

template <std::unsigned_integral T>
constexpr T find_smsb(T value) {
  return find_umsb(as_signed(value) < 0 ? static_cast<T>(~value) : value);
}

// ---- Extended multiplication -----------------------------------------------------------

template <std::unsigned_integral T>
struct Wide {
  T low = 0, high = 0;
  constexpr bool operator==(const Wide&) const = default;
};

template <std::unsigned_integral T>
constexpr Wide<T> umul_extended(T a, T b) {
  if constexpr (kWidth<T> <= 32) {
    const std::uint64_t product = static_cast<std::uint64_t>(a) * b;
    return {static_cast<T>(product), static_cast<T>(product >> kWidth<T>)};
  } else {
    constexpr std::uint64_t kLow = 0xFFFFFFFFu;
    const std::uint64_t low = (a & kLow) * (b & kLow);
    const std::uint64_t middle1 = (a >> 32) * (b & kLow) + (low >> 32);
    const std::uint64_t middle2 = (a & kLow) * (b >> 32) + (middle1 & kLow);
    return {(middle2 << 32) | (low & kLow),
            (a >> 32) * (b >> 32) + (middle1 >> 32) + (middle2 >> 32)};
  }
}

template <std::unsigned_integral T>
constexpr Wide<T> smul_extended(T a, T b) {
  Wide<T> wide = umul_extended(a, b);
  if (as_signed(a) < 0) wide.high = static_cast<T>(wide.high - b);
  if (as_signed(b) < 0) wide.high = static_cast<T>(wide.high - a);
  return wide;
}

// ---- Float to integer -----------------------------------------------------------------------

// Toward zero; saturates; NaN gives 0. A double holds every f16 and f32 exactly.
template <std::unsigned_integral T>
constexpr T float_to_unsigned(double value) {
  if (!(value > 0)) return 0;
  constexpr double kLimit = 2.0 * static_cast<double>(T{1} << (kWidth<T> - 1));
  return value >= kLimit ? static_cast<T>(~T{0}) : static_cast<T>(value);
}

template <std::unsigned_integral T>
constexpr T float_to_signed(double value) {
  using S = std::make_signed_t<T>;
  constexpr double kLimit = static_cast<double>(T{1} << (kWidth<T> - 1));
  if (value != value) return 0;
  if (value >= kLimit) return static_cast<T>(std::numeric_limits<S>::max());
  if (value <= -kLimit) return static_cast<T>(std::numeric_limits<S>::min());
  return static_cast<T>(static_cast<S>(value));
}

// ---- Minimum and maximum ------------------------------------------------------------------------

template <std::floating_point F>
constexpr F float_min(F a, F b) {
  if (a != a) return b;
  return b < a ? b : a;
}

template <std::floating_point F>
constexpr F float_max(F a, F b) {
  if (a != a) return b;
  return a < b ? b : a;
}

template <std::floating_point F>
constexpr F float_clamp(F value, F low, F high) {
  return float_min(float_max(value, low), high);
}

}  // namespace sokr::substrate::edge

#endif  // SOKR_SUBSTRATE_EDGE_SEMANTICS_HPP_
