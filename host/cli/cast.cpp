// SPDX-License-Identifier: MIT OR Apache-2.0
#include "cast.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <sokr/sokr.hpp>
#include <vector>

#include "scalar.hpp"

namespace sokr::cli {
namespace {

constexpr std::uint32_t bit(SokrIrScalar type) {
  return 1u << type;
}

bool is_alike(SokrIrScalar a, SokrIrScalar b) {
  return scalar_size(a) == scalar_size(b) && scalar_is_float(a) == scalar_is_float(b);
}

std::vector<SokrIrScalar> types_of(std::uint32_t held) {
  std::vector<SokrIrScalar> types;
  for (int i = SOKR_IR_I8; i <= SOKR_IR_F64; ++i) {
    const auto type = static_cast<SokrIrScalar>(i);
    if (held & bit(type)) types.push_back(type);
  }
  return types;
}

// Bit patterns: of the source's type to those of the target's; none if it does not fit.
std::optional<std::uint64_t> to_integer(long double value, SokrIrScalar to) {
  const std::uint32_t bits = 8 * scalar_size(to);
  const long double whole = std::trunc(value);  // NaN stays NaN, and no comparison holds
  const bool is_signed = scalar_is_signed(to);
  const long double end = std::ldexp(1.0L, static_cast<int>(is_signed ? bits - 1 : bits));
  if (!(whole < end && whole >= (is_signed ? -end : 0.0L))) return std::nullopt;
  return is_signed ? static_cast<std::uint64_t>(static_cast<std::int64_t>(whole))
                   : static_cast<std::uint64_t>(whole);
}

std::optional<std::uint64_t> to_float(long double value, SokrIrScalar to) {
  std::uint64_t bits = 0;
  bool overflows = false;
  if (to == SOKR_IR_F16) {
    // No source has both more than 53 bits and a magnitude that a half has.
    const std::uint16_t half = half_from_double(static_cast<double>(value));
    overflows = (half & 0x7FFF) == 0x7C00;
    bits = half;
  } else if (to == SOKR_IR_F32) {
    const auto single = static_cast<float>(value);
    overflows = std::isinf(single);
    bits = std::bit_cast<std::uint32_t>(single);
  } else {
    bits = std::bit_cast<std::uint64_t>(static_cast<double>(value));
  }
  if (overflows && std::isfinite(value)) return std::nullopt;
  return bits;
}

}  // namespace

bool holds(std::uint32_t held, SokrIrScalar type) {
  if (held == 0) return true;
  for (const SokrIrScalar one : types_of(held)) {
    if (is_alike(one, type)) return true;
  }
  return false;
}

std::optional<SokrIrScalar> cast_target(std::uint32_t held, SokrIrScalar from) {
  const std::vector<SokrIrScalar> types = types_of(held);
  if (types.empty()) return std::nullopt;
  SokrIrScalar target = types.front();
  for (const SokrIrScalar one : types) {
    if (!is_alike(one, target)) return std::nullopt;
    if (scalar_is_signed(one) == scalar_is_signed(from)) target = one;
  }
  return target;
}

std::string types_text(std::uint32_t held) {
  std::string text;
  for (const SokrIrScalar one : types_of(held)) {
    text += fmt::format("{}{}", text.empty() ? "" : " or ", scalar_numpy_name(one));
  }
  return text;
}

PageBuffer cast(std::span<const std::byte> data, SokrIrScalar from, SokrIrScalar to,
                std::string_view name) {
  const std::size_t from_size = scalar_size(from), to_size = scalar_size(to);
  const std::size_t count = data.size() / from_size;
  PageBuffer out(std::uint64_t{count} * to_size);
  const std::span<std::byte> bytes = out.bytes();
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t bits = 0;
    std::memcpy(&bits, data.data() + i * from_size, from_size);
    const long double value = scalar_value(from, bits);
    const auto converted = scalar_is_float(to) ? to_float(value, to) : to_integer(value, to);
    if (!converted) {
      throw Error(SOKR_INVALID_INPUT,
                  fmt::format("{}: --cast: element {} is {}, which {} cannot "
                              "hold",
                              name, i, scalar_text(from, bits), scalar_numpy_name(to)));
    }
    std::memcpy(bytes.data() + i * to_size, &*converted, to_size);
  }
  return out;
}

}  // namespace sokr::cli
