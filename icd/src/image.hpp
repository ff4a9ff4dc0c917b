// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Images as linear memory: created, bound, copied and cleared, whatever they are to be used for. No
// kernel can use them yet.
#ifndef SOKR_ICD_IMAGE_HPP_
#define SOKR_ICD_IMAGE_HPP_

#include <algorithm>

#include "formats.hpp"
#include "memory.hpp"

namespace sokr::icd {

// Layers of levels of slices of rows of texels, without gaps but for those between levels. Samples
// of a texel lie side by side.
struct ImageShape {
  const Format* format = nullptr;
  VkImageType type = VK_IMAGE_TYPE_2D;
  VkExtent3D extent{};
  std::uint32_t levels = 1, layers = 1, samples = 1;

  std::uint32_t texel_bytes() const { return format->size * samples; }
  VkExtent3D extent_of(std::uint32_t level) const;
  VkDeviceSize bytes_of(std::uint32_t level) const;
  VkDeviceSize offset_of(std::uint32_t level, std::uint32_t layer) const;
  VkDeviceSize size() const { return offset_of(0, layers); }
};

struct Image {
  ImageShape shape;
  Slice memory;
};
SOKR_ICD_OBJECT(VkImage, Image)

struct ImageView {};
SOKR_ICD_OBJECT(VkImageView, ImageView)

}  // namespace sokr::icd

#endif  // SOKR_ICD_IMAGE_HPP_
