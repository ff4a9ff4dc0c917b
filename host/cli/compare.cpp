// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "scalar.hpp"

namespace sokr::cli {
namespace {

std::uint64_t load(std::span<const std::byte> bytes, std::size_t at, std::uint32_t size) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes.data() + at, size);
  return bits;
}

bool agree(long double a, long double b, const Tolerance& tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (std::isinf(a) || std::isinf(b)) return a == b;
  return std::fabs(a - b) <=
         tolerance.absolute + tolerance.relative * std::max(std::fabs(a), std::fabs(b));
}

}  // namespace

Tolerance tolerance_of(SokrIrScalar type) {
  switch (type) {
    case SOKR_IR_F16:
      return {0x1p-7, 0x1p-7};
    case SOKR_IR_F32:
      return {0x1p-11, 0x1p-11};
    case SOKR_IR_F64:
      return {0x1p-30, 0x1p-30};
    default:
      return {};
  }
}

std::optional<std::string> difference(std::span<const std::byte> a, std::span<const std::byte> b,
                                      std::optional<SokrIrScalar> type,
                                      std::optional<Tolerance> given) {
  if (std::equal(a.begin(), a.end(), b.begin(), b.end())) return std::nullopt;
  const SokrIrScalar element = type.value_or(SOKR_IR_U8);
  const std::uint32_t size = scalar_size(element);
  const Tolerance tolerance = given.value_or(tolerance_of(element));
  std::size_t count = 0, first = 0;
  for (std::size_t at = 0; at + size <= a.size(); at += size) {
    const std::uint64_t x = load(a, at, size), y = load(b, at, size);
    if (x == y) continue;
    if ((scalar_is_float(element) || given) &&
        agree(scalar_value(element, x), scalar_value(element, y), tolerance)) {
      continue;
    }
    if (count++ == 0) first = at / size;
  }
  if (count == 0) return std::nullopt;
  std::string text = fmt::format("{} {} is {} and {}", type ? "element" : "byte", first,
                                 scalar_text(element, load(a, first * size, size)),
                                 scalar_text(element, load(b, first * size, size)));
  if (count > 1)
    text += fmt::format(", and {} other{} differ{}", count - 1, count > 2 ? "s" : "",
                        count > 2 ? "" : "s");
  return text;
}

std::optional<std::string> disagreement(const Plan& plan, const PlannedOutput& output,
                                        std::span<const std::byte> a, std::span<const std::byte> b,
                                        const std::optional<Tolerance>& given) {
  // Without --tolerance, raw outputs are bytes.
  const auto type = output.spec.npy || !given ? output.spec.npy : plan.buffers[output.buffer].type;
  return difference(a, b, type, given);
}

}  // namespace sokr::cli
