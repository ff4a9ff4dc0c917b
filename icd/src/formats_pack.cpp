// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>

#include "formats.hpp"

namespace sokr::icd {
namespace {

double to_srgb(double linear) {
  return linear <= 0.0031308 ? linear * 12.92 : 1.055 * std::pow(linear, 1 / 2.4) - 0.055;
}

std::uint64_t half_bits(float value) {
  const auto half = static_cast<_Float16>(value);
  std::uint16_t bits = 0;
  std::memcpy(&bits, &half, sizeof bits);
  return bits;
}

std::uint64_t float_bits(float value, unsigned bits) {
  if (bits == 16) return half_bits(value);
  std::uint64_t result = 0;
  if (bits == 64) {
    const double wide = value;
    std::memcpy(&result, &wide, sizeof wide);
  } else {
    std::memcpy(&result, &value, sizeof value);
  }
  return result;
}

std::uint64_t bits_of(const Format& format, const Component& c, const VkClearColorValue& color) {
  const std::uint64_t mask = c.bits >= 64 ? UINT64_MAX : (std::uint64_t{1} << c.bits) - 1;
  double value = color.float32[c.channel];
  if (std::isnan(value)) value = 0;
  const double most_unsigned = static_cast<double>(mask);
  const double most_signed = static_cast<double>(mask >> 1);
  switch (c.numeric) {
    case Numeric::Unorm:
      value = std::clamp(value, 0.0, 1.0);
      if (format.srgb && c.channel < 3) value = to_srgb(value);
      return static_cast<std::uint64_t>(std::llround(value * most_unsigned)) & mask;
    case Numeric::Snorm:
      value = std::clamp(value, -1.0, 1.0) * most_signed;
      return static_cast<std::uint64_t>(std::llround(value)) & mask;
    case Numeric::Uint:
      return color.uint32[c.channel] & mask;
    case Numeric::Sint:
      return static_cast<std::uint64_t>(std::int64_t{color.int32[c.channel]}) & mask;
    case Numeric::Sfloat:
      return float_bits(color.float32[c.channel], c.bits);
  }
  return 0;
}

}  // namespace

const Format* find_format(VkFormat format) {
  const Format* end = kFormats + kFormatCount;
  const Format* found =
      std::find_if(kFormats, end, [&](const Format& f) { return f.format == format; });
  return found == end ? nullptr : found;
}

void pack(const Format& format, const VkClearColorValue& color, std::byte* out) {
  std::fill_n(out, format.size, std::byte{});
  unsigned at = 0;
  for (std::uint32_t i = 0; i < format.component_count; ++i) {
    const Component& component = format.components[i];
    const std::uint64_t bits = bits_of(format, component, color);
    for (unsigned bit = 0; bit < component.bits; ++bit, ++at) {
      if (bits >> bit & 1) out[at / 8] |= std::byte{1} << at % 8;
    }
  }
}

}  // namespace sokr::icd
