// SPDX-License-Identifier: MIT OR Apache-2.0
#include "scalar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <compare>
#include <system_error>
#include <utility>

#include "command.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

enum class Class { kBool, kSigned, kUnsigned, kFloat };

struct Scalar {
  const char* numpy;
  std::uint32_t size;
  Class kind;
};

// Indexed by SokrIrScalar.
constexpr std::array<Scalar, 12> kScalars{{
    {"bool", 4, Class::kBool},
    {"int8", 1, Class::kSigned},
    {"uint8", 1, Class::kUnsigned},
    {"int16", 2, Class::kSigned},
    {"uint16", 2, Class::kUnsigned},
    {"float16", 2, Class::kFloat},
    {"int32", 4, Class::kSigned},
    {"uint32", 4, Class::kUnsigned},
    {"float32", 4, Class::kFloat},
    {"int64", 8, Class::kSigned},
    {"uint64", 8, Class::kUnsigned},
    {"float64", 8, Class::kFloat},
}};

std::uint64_t mask(std::uint32_t size) {
  return size == 8 ? UINT64_MAX : (std::uint64_t{1} << (8 * size)) - 1;
}

// The whole text as a magnitude; false if it is no number or larger than 64 bits.
bool parse_magnitude(std::string_view text, std::uint64_t& out) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    text.remove_prefix(2);
    base = 16;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

std::uint64_t parse_integer(SokrIrScalar which, std::string_view text, std::string_view where) {
  const Scalar& type = kScalars[which];
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  std::uint64_t magnitude = 0;
  const bool number = parse_magnitude(digits, magnitude);
  const bool has_sign = type.kind == Class::kSigned;
  const std::uint64_t largest = has_sign ? mask(type.size) >> 1 : mask(type.size);
  const std::uint64_t limit = negative ? (has_sign ? largest + 1 : 0) : largest;
  if (!number || magnitude > limit) {
    throw UsageError(fmt::format("{}: '{}' is no {}; it takes {} to {}", where, text,
                                 scalar_name(which),
                                 has_sign ? fmt::format("-{}", largest + 1) : "0", largest));
  }
  return (negative ? 0 - magnitude : magnitude) & mask(type.size);
}

// A decimal number above 0: 0.d1d2d3... times ten to a power, without zeros at the ends.
struct Decimal {
  std::string digits;
  std::int64_t power = 0;
  auto operator<=>(const Decimal& other) const {
    return std::pair(power, std::string_view(digits)) <=>
           std::pair(other.power, std::string_view(other.digits));
  }
};

// Of a text without a sign that from_chars takes, and that is neither 0 nor an infinity nor NaN.
Decimal decimal_of(std::string_view text) {
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, e);
  Decimal number;
  if (std::string_view exponent = text.substr(e); !exponent.empty()) {
    // Far from any that a type has, and from where sums overflow.
    constexpr std::int64_t kMost = std::int64_t{1} << 60;
    exponent.remove_prefix(exponent.starts_with("e+") || exponent.starts_with("E+") ? 2 : 1);
    const auto [end, error] =
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), number.power);
    if (error != std::errc()) number.power = exponent.starts_with('-') ? -kMost : kMost;
    number.power = std::clamp(number.power, -kMost, kMost);
  }
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  number.power += static_cast<std::int64_t>(point);
  for (const char c : mantissa) {
    if (c != '.') number.digits += c;
  }
  const std::size_t first = std::min(number.digits.find_first_not_of('0'), number.digits.size());
  number.digits.erase(0, first);
  number.digits.erase(number.digits.find_last_not_of('0') + 1);
  number.power -= static_cast<std::int64_t>(first);
  return number;
}

// What is next to 0 is 0, with its sign; what is too large is no number of the type.
template <class T>
bool parse_whole(std::string_view text, T& out) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with('-')) return false;  // two signs
  out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (text.empty() || end != text.data() + text.size()) return false;
  if (error == std::errc::result_out_of_range) {
    if (decimal_of(text).power > 0) return false;
    out = 0;
  } else if (error != std::errc()) {
    return false;
  }
  out = std::copysign(out, negative ? T{-1} : T{1});
  return true;
}

// `value` is the double that is nearest to what the text says. Only where it lies in the middle
// of two halves the text tells which of them is nearer.
std::uint16_t half_from_text(std::string_view text, double value) {
  if (!std::isfinite(value) || value == 0) return half_from_double(value);
  const std::uint16_t low = half_from_double(std::nextafter(value, 0));
  const std::uint16_t high =
      half_from_double(std::nextafter(value, std::copysign(HUGE_VAL, value)));
  // What the largest half is followed by, if there were one more exponent.
  const double above = std::min(std::fabs(double_from_half(high)), 65536.0);
  const double middle = (std::fabs(double_from_half(low)) + above) / 2;
  if (low == high || std::fabs(value) != middle) return half_from_double(value);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  // With all of its digits: a middle has 22 at most.
  const auto order = decimal_of(text) <=> decimal_of(fmt::format("{:.40e}", middle));
  return order < 0 ? low : order > 0 ? high : half_from_double(value);
}

std::uint64_t parse_float(SokrIrScalar which, std::string_view text, std::string_view where) {
  const Scalar& type = kScalars[which];
  const auto refuse = [&] {
    return UsageError(
        fmt::format("{}: '{}' is no {}; it takes a number such as 1.5, -2e3, inf or "
                    "nan that does not overflow",
                    where, text, scalar_name(which)));
  };
  double value = 0;
  if (type.size == 4) {
    float single = 0;  // rounded once, from the text
    if (!parse_whole(text, single)) throw refuse();
    return std::bit_cast<std::uint32_t>(single);
  }
  if (!parse_whole(text, value)) throw refuse();
  if (type.size == 8) return std::bit_cast<std::uint64_t>(value);
  const std::uint16_t half = half_from_text(text, value);
  if (std::isfinite(value) && (half & 0x7FFF) == 0x7C00) throw refuse();
  return half;
}

template <class T>
std::string shortest(T value) {
  return fmt::format("{}", value);
}

}  // namespace

std::optional<SokrIrScalar> scalar_from_name(std::string_view name) {
  for (std::size_t i = 0; i < kScalars.size(); ++i) {
    if (scalar_name(static_cast<std::uint32_t>(i)) == name) return static_cast<SokrIrScalar>(i);
  }
  return std::nullopt;
}

std::string scalar_names() {
  std::string names;
  for (std::size_t i = 1; i < kScalars.size(); ++i) {
    names += fmt::format("{}{}", i > 1 ? ", " : "", scalar_name(static_cast<std::uint32_t>(i)));
  }
  return names;
}

std::uint32_t scalar_size(SokrIrScalar type) {
  return kScalars[type].size;
}

bool scalar_is_float(SokrIrScalar type) {
  return kScalars[type].kind == Class::kFloat;
}

bool scalar_is_signed(SokrIrScalar type) {
  return kScalars[type].kind == Class::kSigned;
}

const char* scalar_numpy_name(SokrIrScalar type) {
  return kScalars[type].numpy;
}

std::string scalar_text(std::uint32_t type, std::uint64_t bits) {
  if (type >= kScalars.size()) return fmt::format("{:#x}", bits);
  const Scalar& scalar = kScalars[type];
  bits &= mask(scalar.size);
  switch (scalar.kind) {
    case Class::kBool:
      return bits ? "true" : "false";
    case Class::kUnsigned:
      return shortest(bits);
    case Class::kSigned: {
      const std::uint32_t shift = 64 - 8 * scalar.size;
      return shortest(static_cast<std::int64_t>(bits << shift) >> shift);
    }
    case Class::kFloat:
      break;
  }
  if (scalar.size == 2) return shortest(double_from_half(static_cast<std::uint16_t>(bits)));
  if (scalar.size == 4) return shortest(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  return shortest(std::bit_cast<double>(bits));
}

long double scalar_value(SokrIrScalar type, std::uint64_t bits) {
  const Scalar& scalar = kScalars[type];
  bits &= mask(scalar.size);
  if (scalar.kind == Class::kSigned) {
    const std::uint32_t shift = 64 - 8 * scalar.size;
    return static_cast<std::int64_t>(bits << shift) >> shift;
  }
  if (scalar.kind != Class::kFloat) return bits;
  if (scalar.size == 2) return double_from_half(static_cast<std::uint16_t>(bits));
  if (scalar.size == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  return std::bit_cast<double>(bits);
}

std::uint64_t parse_scalar(SokrIrScalar type, std::string_view text, std::string_view where) {
  const Scalar& scalar = kScalars[type];
  if (scalar.kind == Class::kFloat) return parse_float(type, text, where);
  if (scalar.kind != Class::kBool) return parse_integer(type, text, where);
  if (text == "true" || text == "1") return 1;
  if (text == "false" || text == "0") return 0;
  throw UsageError(fmt::format("{}: '{}' is no bool; it takes true, false, 1 or 0", where, text));
}

std::uint16_t half_from_double(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 48) & 0x8000);
  const double magnitude = std::fabs(value);
  if (std::isnan(value)) return sign | 0x7E00;
  // The halfway point above the largest half, 65504, rounds to infinity.
  if (magnitude >= 65520.0) return sign | 0x7C00;
  // In units of the last place: 2^-24 below 2^-14, else 2^(exponent - 10).
  const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  const auto units =
      static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // A subnormal has exponent field 0; a carry out of the significand raises the field by 1.
  const std::uint32_t field =
      units < 0x400 ? units : (static_cast<std::uint32_t>(exponent + 14) << 10) + units;
  return static_cast<std::uint16_t>(sign | field);
}

double double_from_half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F;
  const int significand = bits & 0x3FF;
  double magnitude = 0;
  if (exponent == 0x1F) {
    magnitude = significand ? std::nan("") : HUGE_VAL;
  } else if (exponent == 0) {
    magnitude = std::ldexp(significand, -24);
  } else {
    magnitude = std::ldexp(significand + 0x400, exponent - 25);
  }
  return (bits & 0x8000) ? -magnitude : magnitude;
}

}  // namespace sokr::cli
