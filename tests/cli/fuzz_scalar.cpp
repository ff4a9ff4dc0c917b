// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any text as a value of any scalar type: refused with a sentence, or the number that the text
// says, which is written as a text that reads back to the same bits. The first byte is the type.
#include <bit>
#include <cmath>

#include "cast.hpp"
#include "command.hpp"
#include "fuzzing.hpp"
#include "scalar.hpp"

namespace {

using namespace sokr;
using namespace sokr::cli;
using fuzzing::require;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// A number of decimal or 0x hexadecimal digits; none if it is another text or has over 64 bits.
std::optional<__int128> integer_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  if (text.empty()) return std::nullopt;
  __int128 value = 0;
  for (const char c : text) {
    const int lower = c | 0x20;
    const int digit = is_digit(c)                                   ? c - '0'
                      : hexadecimal && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                                                    : -1;
    if (digit < 0) return std::nullopt;
    value = value * (hexadecimal ? 16 : 10) + digit;
    if (value > UINT64_MAX) return std::nullopt;
  }
  return negative ? -value : value;
}

bool fits(SokrIrScalar type, __int128 value) {
  const int bits = static_cast<int>(8 * scalar_size(type));
  const __int128 end = __int128{1} << (scalar_is_signed(type) ? bits - 1 : bits);
  return value < end && value >= (scalar_is_signed(type) ? -end : 0);
}

void check_integer(SokrIrScalar type, std::string_view text, std::optional<std::uint64_t> bits) {
  const std::optional<__int128> value = integer_of(text);
  require(bits.has_value() == (value && fits(type, *value)), text);
  if (!bits) return;
  const std::uint64_t kept =
      static_cast<std::uint64_t>(*value) & (UINT64_MAX >> (64 - 8 * scalar_size(type)));
  require(*bits == kept && scalar_value(type, *bits) == static_cast<long double>(*value), text);
}

// An accepted text is one sign at most, then digits, a point, an exponent; or inf or nan.
void check_float(SokrIrScalar type, std::string_view text, std::uint64_t bits) {
  std::string_view rest = text;
  if (rest.starts_with('+') || rest.starts_with('-')) rest.remove_prefix(1);
  require(!rest.empty() && (is_digit(rest[0]) || rest[0] == '.' || (rest[0] | 0x20) == 'i' ||
                            (rest[0] | 0x20) == 'n'),
          text);
  const std::string copy(text);
  const long double value = scalar_value(type, bits);
  if (type == SOKR_IR_F64) {
    const double same = std::strtod(copy.c_str(), nullptr);
    require(std::isnan(same) ? std::isnan(value) : value == same, text);
  } else if (type == SOKR_IR_F32) {
    const float same = std::strtof(copy.c_str(), nullptr);
    require(std::isnan(same) ? std::isnan(value) : value == same, text);
  } else {
    // No neighbour is nearer than what was taken, but for what a double does not tell apart.
    const long double exact = std::strtod(copy.c_str(), nullptr);
    if (!std::isfinite(exact)) {
      require(std::isnan(exact) ? std::isnan(value) : value == exact, text);
      return;
    }
    const auto half = static_cast<std::uint16_t>(bits);
    for (const int step : {-1, 1}) {
      const auto other = static_cast<std::uint16_t>(half + step);
      const long double neighbour = double_from_half(other);
      if ((other ^ half) & 0x8000 || !std::isfinite(neighbour)) continue;
      require(std::fabs(value - exact) <= std::fabs(neighbour - exact), text);
    }
  }
}

// What a number becomes in another type is that number, rounded or cut off, or is refused.
void check_cast(SokrIrScalar from, SokrIrScalar to, std::uint64_t bits) {
  std::byte bytes[8];
  std::memcpy(bytes, &bits, sizeof bytes);
  std::uint64_t made = 0;
  try {
    const PageBuffer out = cast(std::span(bytes).first(scalar_size(from)), from, to, "x");
    require(out.bytes().size() == scalar_size(to));
    std::memcpy(&made, out.bytes().data(), scalar_size(to));
  } catch (const Error& error) {
    fuzzing::require_sentence(error.what());
    return;
  }
  const long double before = scalar_value(from, bits), after = scalar_value(to, made);
  if (!scalar_is_float(to)) {
    require(after == std::trunc(before));
  } else if (std::isfinite(before)) {
    require(std::fabs(after - before) <= std::ldexp(std::fabs(before), -11) + 0x1p-25L);
  } else {
    require(std::isnan(before) ? std::isnan(after) : after == before);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto type = static_cast<SokrIrScalar>(data[0] % 12);
  // In memory of its own, so that what is read behind it is seen.
  const std::vector<char> copy(data + 1, data + size);
  const std::string_view text(copy.data(), copy.size());
  std::optional<std::uint64_t> bits;
  try {
    bits = parse_scalar(type, text, "--push");
  } catch (const UsageError& error) {
    require(std::string_view(error.what()).starts_with("--push: "), error.what());
  }
  if (type != SOKR_IR_BOOL && !scalar_is_float(type)) check_integer(type, text, bits);
  if (!bits) return 0;
  if (scalar_is_float(type)) check_float(type, text, *bits);
  const std::string written = scalar_text(type, *bits);
  require(parse_scalar(type, written, "x") == *bits, written);
  require(scalar_from_name(scalar_name(type)) == type);
  if (type == SOKR_IR_BOOL) return 0;
  for (int to = SOKR_IR_I8; to <= SOKR_IR_F64; ++to) {
    check_cast(type, static_cast<SokrIrScalar>(to), *bits);
  }
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  std::vector<std::string> seeds;
  for (char type = 0; type < 12; ++type) {
    for (const char* text : {"0", "-1", "255", "0x7F", "1.5", "-2e3", "inf", "true", "6e-8"}) {
      seeds.push_back(std::string(1, type) + text);
    }
  }
  return {std::move(seeds),
          {"-",
           "+",
           "0x",
           "0X",
           ".",
           "e",
           "e-",
           "nan",
           "-nan",
           "nan(1)",
           "infinity",
           "true",
           "false",
           "65504",
           "65519.99",
           "65520",
           "128",
           "-129",
           "32768",
           "2147483648",
           "-2147483649",
           "9223372036854775808",
           "18446744073709551615",
           "18446744073709551616",
           "3.4028236e38",
           "1.7976931348623159e308",
           "4.9e-324",
           "5.9604645e-08",
           " ",
           "1e-4000"}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
