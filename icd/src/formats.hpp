// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Texel formats of images, out of the registry.
#ifndef SOKR_ICD_FORMATS_HPP_
#define SOKR_ICD_FORMATS_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "vk.hpp"

namespace sokr::icd {

enum class Numeric : std::uint8_t { Unorm, Snorm, Uint, Sint, Sfloat };

struct Component {
  Numeric numeric;
  std::uint8_t channel;  // 0 to 3: R, G, B, A
  std::uint8_t bits;
};

struct Format {
  VkFormat format;
  std::uint32_t size;             // bytes of a texel
  std::uint32_t component_count;  // 0: texels of depth or stencil, which are copied and never made
  bool srgb;
  std::array<Component, 4> components;  // from the lowest bit on

  bool is_color() const { return component_count != 0; }
};

extern const Format kFormats[];  // sorted by number
extern const std::size_t kFormatCount;

// Null for a format that there are no images of.
const Format* find_format(VkFormat format);
// One texel of this colour, in format.size bytes.
void pack(const Format& format, const VkClearColorValue& color, std::byte* out);

}  // namespace sokr::icd

#endif  // SOKR_ICD_FORMATS_HPP_
