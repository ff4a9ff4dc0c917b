// SPDX-License-Identifier: MIT OR Apache-2.0
//
// vkCmd* that copy and clear images. A box of texels is copied row by row between two places, each
// of which knows where its rows lie.
#include <cstring>
#include <utility>
#include <vector>

#include "command_buffer.hpp"
#include "entry_points.hpp"
#include "image.hpp"

namespace sokr::icd {
namespace {

// A box of texels in memory. Its rows are `row` bytes apart, its slices `slice`, layers `layer`.
struct Box {
  Slice memory;
  VkDeviceSize start = 0, row = 0, slice = 0, layer = 0;
};

// Texels that are set one by one in a piece: what takes about as long as kPieceBytes of a copy.
constexpr VkDeviceSize kPieceTexels = 8192;

struct Size {
  std::uint32_t row_bytes = 0, rows = 0, slices = 0, layers = 0;
};

// Rows from `first` on, in the order of memory. What was freed is read as zero.
void copy_rows(const Box& from, const Box& to, const Size& size, VkDeviceSize first,
               VkDeviceSize count) {
  const std::byte* read = from.memory.data();
  std::byte* write = to.memory.data();
  if (!write) return;
  for (VkDeviceSize i = first; i < first + count; ++i) {
    const VkDeviceSize row = i % size.rows, slice = i / size.rows % size.slices;
    const VkDeviceSize layer = i / size.rows / size.slices;
    const VkDeviceSize a = from.start + layer * from.layer + slice * from.slice + row * from.row;
    const VkDeviceSize b = to.start + layer * to.layer + slice * to.slice + row * to.row;
    const bool inside = a <= from.memory.size && size.row_bytes <= from.memory.size - a &&
                        b <= to.memory.size && size.row_bytes <= to.memory.size - b;
    if (!inside) continue;
    if (read) {
      std::memmove(write + b, read + a, size.row_bytes);
    } else {
      std::memset(write + b, 0, size.row_bytes);
    }
  }
}

void record_steps(Recording& r, VkDeviceSize steps, VkDeviceSize piece,
                  command::OnImages::Run run) {
  r.commands.emplace_back(command::OnImages{
      steps, piece, std::make_shared<const command::OnImages::Run>(std::move(run))});
}

void record_box(VkCommandBuffer buffer, const Box& from, const Box& to, const Size& size) {
  of(buffer)->record([&](Recording& r) {
    const VkDeviceSize rows = VkDeviceSize{size.layers} * size.slices * size.rows;
    const VkDeviceSize piece =
        std::max(kPieceBytes / std::max(size.row_bytes, 1u), VkDeviceSize{1});
    record_steps(r, rows, piece, [from, to, size](VkDeviceSize first, VkDeviceSize count) {
      copy_rows(from, to, size, first, count);
    });
  });
}

std::uint32_t layers_of(const ImageShape& shape, const VkImageSubresourceLayers& s) {
  if (s.baseArrayLayer >= shape.layers) return 0;
  return std::min(s.layerCount, shape.layers - s.baseArrayLayer);
}

// The box from `origin` on in a level of an image.
Box box_of(const Image& image, const VkImageSubresourceLayers& s, const VkOffset3D& origin) {
  const ImageShape& shape = image.shape;
  const VkExtent3D extent = shape.extent_of(s.mipLevel);
  Box box;
  box.memory = image.memory;
  box.row = VkDeviceSize{extent.width} * shape.texel_bytes();
  box.slice = box.row * extent.height;
  box.layer = shape.offset_of(0, 1);
  box.start = shape.offset_of(s.mipLevel, s.baseArrayLayer) +
              static_cast<VkDeviceSize>(origin.z) * box.slice +
              static_cast<VkDeviceSize>(origin.y) * box.row +
              static_cast<VkDeviceSize>(origin.x) * shape.texel_bytes();
  return box;
}

// How much of `extent` is within the level from `origin` on.
VkExtent3D cut(const ImageShape& shape, std::uint32_t level, const VkOffset3D& origin,
               const VkExtent3D& extent) {
  const VkExtent3D all = shape.extent_of(level);
  const auto one = [](std::int32_t from, std::uint32_t wanted, std::uint32_t has) {
    if (from < 0 || static_cast<std::uint32_t>(from) >= has) return 0u;
    return std::min(wanted, has - static_cast<std::uint32_t>(from));
  };
  return {one(origin.x, extent.width, all.width), one(origin.y, extent.height, all.height),
          one(origin.z, extent.depth, all.depth)};
}

template <class Region>
void copy_with_buffer(VkCommandBuffer commands, VkBuffer buffer, VkImage image, std::uint32_t count,
                      const Region* regions, bool to_image) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const Region& region = regions[i];
    const Image& in = *of(image);
    const VkImageSubresourceLayers& s = region.imageSubresource;
    if (s.mipLevel >= in.shape.levels) continue;
    const VkExtent3D extent = cut(in.shape, s.mipLevel, region.imageOffset, region.imageExtent);
    const std::uint32_t texel = in.shape.texel_bytes();
    Box flat;
    flat.memory = of(buffer)->part(region.bufferOffset, VK_WHOLE_SIZE);
    const std::uint32_t row =
        region.bufferRowLength ? region.bufferRowLength : region.imageExtent.width;
    const std::uint32_t rows =
        region.bufferImageHeight ? region.bufferImageHeight : region.imageExtent.height;
    flat.row = VkDeviceSize{row} * texel;
    flat.slice = flat.row * rows;
    flat.layer = flat.slice * region.imageExtent.depth;
    const Box box = box_of(in, s, region.imageOffset);
    const Size size{extent.width * texel, extent.height, extent.depth, layers_of(in.shape, s)};
    record_box(commands, to_image ? flat : box, to_image ? box : flat, size);
  }
}

template <class Region>
void copy_images(VkCommandBuffer commands, VkImage from, VkImage to, std::uint32_t count,
                 const Region* regions) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const Region& region = regions[i];
    const Image &a = *of(from), &b = *of(to);
    if (a.shape.texel_bytes() != b.shape.texel_bytes() ||
        region.srcSubresource.mipLevel >= a.shape.levels ||
        region.dstSubresource.mipLevel >= b.shape.levels) {
      continue;
    }
    Box read = box_of(a, region.srcSubresource, region.srcOffset);
    Box write = box_of(b, region.dstSubresource, region.dstOffset);
    // Layers of one may be the slices of the other.
    const std::uint32_t layers = std::max(layers_of(a.shape, region.srcSubresource),
                                          layers_of(b.shape, region.dstSubresource));
    const std::uint32_t deep = std::max(layers, region.extent.depth);
    VkExtent3D extent =
        cut(a.shape, region.srcSubresource.mipLevel, region.srcOffset, region.extent);
    const VkExtent3D other =
        cut(b.shape, region.dstSubresource.mipLevel, region.dstOffset, region.extent);
    extent = {std::min(extent.width, other.width), std::min(extent.height, other.height), deep};
    if (a.shape.type != VK_IMAGE_TYPE_3D) read.slice = read.layer;
    if (b.shape.type != VK_IMAGE_TYPE_3D) write.slice = write.layer;
    record_box(commands, read, write,
               {extent.width * a.shape.texel_bytes(), extent.height, extent.depth, 1});
  }
}

VkDeviceSize texels_of(const ImageShape& shape, std::uint32_t level) {
  const VkExtent3D e = shape.extent_of(level);
  return VkDeviceSize{e.width} * e.height * e.depth;
}

// Texels from `first` on, of the level in one layer and those behind it.
void clear_texels(const Image& image, std::uint32_t level, std::uint32_t layer,
                  const std::byte* texel, VkDeviceSize first, VkDeviceSize count) {
  std::byte* data = image.memory.data();
  if (!data) return;
  const VkDeviceSize in_layer = texels_of(image.shape, level);
  const std::size_t size = image.shape.texel_bytes();
  while (count) {
    const VkDeviceSize at = first % in_layer, here = std::min(count, in_layer - at);
    const auto number = layer + static_cast<std::uint32_t>(first / in_layer);
    std::byte* to = data + image.shape.offset_of(level, number) + at * size;
    for (VkDeviceSize i = 0; i < here; ++i) std::memcpy(to + i * size, texel, size);
    first += here;
    count -= here;
  }
}

}  // namespace

VKAPI_ATTR void VKAPI_CALL vkCmdCopyBufferToImage(VkCommandBuffer commands, VkBuffer from,
                                                  VkImage to, VkImageLayout, std::uint32_t count,
                                                  const VkBufferImageCopy* regions) {
  copy_with_buffer(commands, from, to, count, regions, true);
}
VKAPI_ATTR void VKAPI_CALL vkCmdCopyBufferToImage2(VkCommandBuffer commands,
                                                   const VkCopyBufferToImageInfo2* info) {
  copy_with_buffer(commands, info->srcBuffer, info->dstImage, info->regionCount, info->pRegions,
                   true);
}
VKAPI_ATTR void VKAPI_CALL vkCmdCopyImageToBuffer(VkCommandBuffer commands, VkImage from,
                                                  VkImageLayout, VkBuffer to, std::uint32_t count,
                                                  const VkBufferImageCopy* regions) {
  copy_with_buffer(commands, to, from, count, regions, false);
}
VKAPI_ATTR void VKAPI_CALL vkCmdCopyImageToBuffer2(VkCommandBuffer commands,
                                                   const VkCopyImageToBufferInfo2* info) {
  copy_with_buffer(commands, info->dstBuffer, info->srcImage, info->regionCount, info->pRegions,
                   false);
}
VKAPI_ATTR void VKAPI_CALL vkCmdCopyImage(VkCommandBuffer commands, VkImage from, VkImageLayout,
                                          VkImage to, VkImageLayout, std::uint32_t count,
                                          const VkImageCopy* regions) {
  copy_images(commands, from, to, count, regions);
}
VKAPI_ATTR void VKAPI_CALL vkCmdCopyImage2(VkCommandBuffer commands, const VkCopyImageInfo2* info) {
  copy_images(commands, info->srcImage, info->dstImage, info->regionCount, info->pRegions);
}

VKAPI_ATTR void VKAPI_CALL vkCmdClearColorImage(VkCommandBuffer commands, VkImage handle,
                                                VkImageLayout, const VkClearColorValue* color,
                                                std::uint32_t count,
                                                const VkImageSubresourceRange* ranges) {
  of(commands)->record([&](Recording& r) {
    const Image image = *of(handle);
    std::vector<std::byte> texel(image.shape.texel_bytes());
    for (std::uint32_t sample = 0; sample < image.shape.samples; ++sample) {
      pack(*image.shape.format, *color, texel.data() + sample * image.shape.format->size);
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      const VkImageSubresourceRange range = ranges[i];
      const auto end = [](std::uint32_t first, std::uint32_t wanted, std::uint32_t has) {
        return first >= has || wanted > has - first ? has : first + wanted;
      };
      const std::uint32_t levels = end(range.baseMipLevel, range.levelCount, image.shape.levels);
      const std::uint32_t layers = end(range.baseArrayLayer, range.layerCount, image.shape.layers);
      const std::uint32_t layer = range.baseArrayLayer;
      if (layer >= layers) continue;
      for (std::uint32_t level = range.baseMipLevel; level < levels; ++level) {
        record_steps(r, texels_of(image.shape, level) * (layers - layer), kPieceTexels,
                     [=](VkDeviceSize first, VkDeviceSize number) {
                       clear_texels(image, level, layer, texel.data(), first, number);
                     });
      }
    }
  });
}

}  // namespace sokr::icd
