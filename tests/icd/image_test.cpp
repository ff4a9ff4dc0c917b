// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Images as memory that is copied and cleared.
#include <array>
#include <numeric>

#include "gpu.hpp"

namespace sokr::test {
namespace {

struct Picture {
  Picture(Gpu& of, VkFormat format, VkExtent3D extent, std::uint32_t levels = 1,
          std::uint32_t layers = 1)
      : gpu(of) {
    VkImageCreateInfo info{VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
    info.imageType = extent.depth > 1 ? VK_IMAGE_TYPE_3D : VK_IMAGE_TYPE_2D;
    info.format = format;
    info.extent = extent;
    info.mipLevels = levels;
    info.arrayLayers = layers;
    info.samples = VK_SAMPLE_COUNT_1_BIT;
    info.tiling = VK_IMAGE_TILING_OPTIMAL;
    info.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
    EXPECT_EQ(VK_SUCCESS, vkCreateImage(gpu.device, &info, nullptr, &image));
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(gpu.device, image, &needs);
    VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    allocation.allocationSize = needs.size;
    EXPECT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &allocation, nullptr, &memory));
    EXPECT_EQ(VK_SUCCESS, vkBindImageMemory(gpu.device, image, memory, 0));
  }
  ~Picture() {
    vkDestroyImage(gpu.device, image, nullptr);
    vkFreeMemory(gpu.device, memory, nullptr);
  }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  void use(VkCommandBuffer commands, VkImageLayout from, VkImageLayout to) const {
    VkImageMemoryBarrier barrier{VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER};
    barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
    barrier.oldLayout = from;
    barrier.newLayout = to;
    barrier.srcQueueFamilyIndex = barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
    barrier.image = image;
    barrier.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, VK_REMAINING_MIP_LEVELS, 0,
                                VK_REMAINING_ARRAY_LAYERS};
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1,
                         &barrier);
  }
  Gpu& gpu;
  VkImage image = VK_NULL_HANDLE;
  VkDeviceMemory memory = VK_NULL_HANDLE;
};

constexpr VkImageLayout kGeneral = VK_IMAGE_LAYOUT_GENERAL;
constexpr VkImageSubresourceLayers kColor{VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};

TEST(Images, ABoxGoesThereAndBack) {
  Gpu gpu;
  Memory from(gpu, 4096), to(gpu, 4096);
  std::iota(from.as<std::uint32_t>(), from.as<std::uint32_t>() + 1024, 1u);
  const Picture a(gpu, VK_FORMAT_R8G8B8A8_UNORM, {16, 8, 1}, 2, 2);
  const Picture b(gpu, VK_FORMAT_R32_UINT, {16, 8, 1});
  const VkCommandBuffer commands = begin(gpu);
  a.use(commands, VK_IMAGE_LAYOUT_UNDEFINED, kGeneral);
  b.use(commands, VK_IMAGE_LAYOUT_UNDEFINED, kGeneral);
  // Rows of 10 texels in the buffer, 5 of them to (3, 2) of the second layer.
  VkBufferImageCopy in{16, 10, 0, {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 1}, {3, 2, 0}, {5, 4, 1}};
  vkCmdCopyBufferToImage(commands, from.buffer, a.image, kGeneral, 1, &in);
  a.use(commands, kGeneral, kGeneral);
  VkImageCopy across{{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 1}, {3, 2, 0}, kColor, {1, 1, 0}, {5, 4, 1}};
  vkCmdCopyImage(commands, a.image, kGeneral, b.image, kGeneral, 1, &across);
  b.use(commands, kGeneral, kGeneral);
  VkBufferImageCopy out{0, 0, 0, kColor, {1, 1, 0}, {5, 4, 1}};
  vkCmdCopyImageToBuffer(commands, b.image, kGeneral, to.buffer, 1, &out);
  run(gpu, commands);
  for (unsigned row = 0; row < 4; ++row) {
    for (unsigned x = 0; x < 5; ++x) {
      ASSERT_EQ(1 + 4 + row * 10 + x, to.as<std::uint32_t>()[row * 5 + x]) << row << " " << x;
    }
  }
  EXPECT_EQ(0u, to.as<std::uint32_t>()[20]);
}

TEST(Images, ClearsPackTheirColour) {
  Gpu gpu;
  Memory to(gpu, 4096);
  struct Row {
    VkFormat format;
    std::uint32_t texel;      // the first 4 bytes
    std::uint32_t last = 15;  // word of the picture
  };
  const VkClearColorValue color{{1.0f, 0.5f, 0.0f, 0.25f}};
  for (const Row& row :
       {Row{VK_FORMAT_R8G8B8A8_UNORM, 0x400080FF}, Row{VK_FORMAT_B8G8R8A8_UNORM, 0x40FF8000},
        Row{VK_FORMAT_R16G16_SFLOAT, 0x38003C00}, Row{VK_FORMAT_R32_SFLOAT, 0x3F800000},
        Row{VK_FORMAT_A2B10G10R10_UNORM_PACK32, 0x400803FF},
        Row{VK_FORMAT_R8G8B8A8_SRGB, 0x4000BCFF},
        Row{VK_FORMAT_B5G5R5A1_UNORM_PACK16, 0x043E043E, 7},
        Row{VK_FORMAT_A1R5G5B5_UNORM_PACK16, 0x7E007E00, 7}}) {
    const Picture picture(gpu, row.format, {4, 4, 1});
    const VkCommandBuffer commands = begin(gpu);
    picture.use(commands, VK_IMAGE_LAYOUT_UNDEFINED, kGeneral);
    const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    vkCmdClearColorImage(commands, picture.image, kGeneral, &color, 1, &range);
    picture.use(commands, kGeneral, kGeneral);
    VkBufferImageCopy out{0, 0, 0, kColor, {0, 0, 0}, {4, 4, 1}};
    vkCmdCopyImageToBuffer(commands, picture.image, kGeneral, to.buffer, 1, &out);
    run(gpu, commands);
    EXPECT_EQ(row.texel, to.as<std::uint32_t>()[0]) << std::hex << to.as<std::uint32_t>()[0];
    EXPECT_EQ(row.texel, to.as<std::uint32_t>()[row.last]);
  }
}

// The registry of some headers names the second component of these B.
TEST(Images, ComponentsOf64BitsAreInTheOrderOfTheName) {
  Gpu gpu;
  Memory to(gpu, 4096);
  struct Row {
    VkFormat format;
    std::uint32_t components;
  };
  VkClearColorValue color{};
  for (std::uint32_t i = 0; i < 4; ++i) color.uint32[i] = 11 + i;
  for (const Row& row :
       {Row{VK_FORMAT_R64_UINT, 1}, Row{VK_FORMAT_R64G64_UINT, 2}, Row{VK_FORMAT_R64G64_SINT, 2},
        Row{VK_FORMAT_R64G64B64_UINT, 3}, Row{VK_FORMAT_R64G64B64A64_UINT, 4}}) {
    const Picture picture(gpu, row.format, {4, 4, 1});
    const VkCommandBuffer commands = begin(gpu);
    picture.use(commands, VK_IMAGE_LAYOUT_UNDEFINED, kGeneral);
    const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
    vkCmdClearColorImage(commands, picture.image, kGeneral, &color, 1, &range);
    picture.use(commands, kGeneral, kGeneral);
    VkBufferImageCopy out{0, 0, 0, kColor, {0, 0, 0}, {4, 4, 1}};
    vkCmdCopyImageToBuffer(commands, picture.image, kGeneral, to.buffer, 1, &out);
    run(gpu, commands);
    for (std::uint32_t i = 0; i < 2 * row.components; ++i) {
      EXPECT_EQ(11 + i % row.components, to.as<std::uint64_t>()[i]) << row.format << " " << i;
    }
  }
}

TEST(Images, MayHaveMoreTexelsThanAWordCounts) {
  Gpu gpu;
  VkImageCreateInfo info{VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
  info.imageType = VK_IMAGE_TYPE_3D;
  info.format = VK_FORMAT_R8_UINT;
  info.extent = {2048, 2048, 1024};
  info.mipLevels = info.arrayLayers = 1;
  info.samples = VK_SAMPLE_COUNT_1_BIT;
  info.usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  VkImage image = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateImage(gpu.device, &info, nullptr, &image));
  VkMemoryRequirements needs;
  vkGetImageMemoryRequirements(gpu.device, image, &needs);
  EXPECT_EQ(VkDeviceSize{1} << 32, needs.size);
  vkDestroyImage(gpu.device, image, nullptr);
}

TEST(Images, FormatsReportNoUseByKernels) {
  Gpu gpu;
  VkFormatProperties properties;
  vkGetPhysicalDeviceFormatProperties(gpu.physical, VK_FORMAT_R8G8B8A8_UNORM, &properties);
  EXPECT_EQ(
      VkFormatFeatureFlags{VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT},
      properties.optimalTilingFeatures);
  EXPECT_EQ(0u, properties.bufferFeatures);
  VkImageFormatProperties limits;
  EXPECT_EQ(VK_ERROR_FORMAT_NOT_SUPPORTED,
            vkGetPhysicalDeviceImageFormatProperties(gpu.physical, VK_FORMAT_R8G8B8A8_UNORM,
                                                     VK_IMAGE_TYPE_2D, VK_IMAGE_TILING_OPTIMAL,
                                                     VK_IMAGE_USAGE_SAMPLED_BIT, 0, &limits));
}

VkImageCreateInfo image_info(VkFormat format, VkImageUsageFlags usage) {
  VkImageCreateInfo info{VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
  info.imageType = VK_IMAGE_TYPE_2D;
  info.format = format;
  info.extent = {16, 16, 1};
  info.mipLevels = info.arrayLayers = 1;
  info.samples = VK_SAMPLE_COUNT_1_BIT;
  info.usage = usage;
  return info;
}

VkResult offered(Gpu& gpu, VkFormat format, VkImageType type, VkImageUsageFlags usage,
                 VkImageCreateFlags flags) {
  VkImageFormatProperties limits;
  return vkGetPhysicalDeviceImageFormatProperties(gpu.physical, format, type,
                                                  VK_IMAGE_TILING_OPTIMAL, usage, flags, &limits);
}

// The specification has every device have some of these, and programs create them unasked; that
// they are of no use but as memory is said when they are asked for, and where the use would begin.
TEST(Images, ForUsesThatAreInvalidHereAreMemory) {
  Gpu gpu;
  struct Row {
    VkFormat format;
    VkImageUsageFlags usage;
    VkDeviceSize texel;
    VkSampleCountFlagBits samples = VK_SAMPLE_COUNT_1_BIT;
  };
  for (const Row& row :
       {Row{VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_USAGE_SAMPLED_BIT, 4},
        Row{VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_USAGE_STORAGE_BIT, 4},
        Row{VK_FORMAT_R32_UINT, VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT, 4},
        Row{VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_USAGE_TRANSFER_DST_BIT, 16, VK_SAMPLE_COUNT_4_BIT},
        Row{VK_FORMAT_D16_UNORM, VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT, 2},
        Row{VK_FORMAT_X8_D24_UNORM_PACK32, VK_IMAGE_USAGE_TRANSFER_SRC_BIT, 4},
        Row{VK_FORMAT_D32_SFLOAT, VK_IMAGE_USAGE_TRANSFER_SRC_BIT, 4},
        Row{VK_FORMAT_S8_UINT, VK_IMAGE_USAGE_TRANSFER_SRC_BIT, 1}}) {
    VkImageCreateInfo info = image_info(row.format, row.usage);
    info.samples = row.samples;
    VkImage image = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkCreateImage(gpu.device, &info, nullptr, &image)) << row.format;
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(gpu.device, image, &needs);
    EXPECT_EQ(256 * row.texel, needs.size) << row.format;
    vkDestroyImage(gpu.device, image, nullptr);
  }
  // No use of those is offered, and nothing of what there are no images of.
  constexpr VkImageUsageFlags kCopies =
      VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  constexpr VkImageType kFlat = VK_IMAGE_TYPE_2D;
  const VkFormat color = VK_FORMAT_R8G8B8A8_UNORM;
  EXPECT_EQ(VK_SUCCESS, offered(gpu, color, kFlat, kCopies, 0));
  for (VkImageUsageFlags bit = VK_IMAGE_USAGE_SAMPLED_BIT;
       bit <= VK_IMAGE_USAGE_INPUT_ATTACHMENT_BIT; bit *= 2) {
    EXPECT_EQ(VK_ERROR_FORMAT_NOT_SUPPORTED, offered(gpu, color, kFlat, kCopies | bit, 0)) << bit;
  }
  for (const VkFormat format :
       {VK_FORMAT_D16_UNORM, VK_FORMAT_X8_D24_UNORM_PACK32, VK_FORMAT_D32_SFLOAT, VK_FORMAT_S8_UINT,
        VK_FORMAT_D24_UNORM_S8_UINT, VK_FORMAT_R8_USCALED, VK_FORMAT_R16_SSCALED,
        VK_FORMAT_BC1_RGB_UNORM_BLOCK}) {
    EXPECT_EQ(VK_ERROR_FORMAT_NOT_SUPPORTED, offered(gpu, format, kFlat, kCopies, 0)) << format;
    VkFormatProperties properties;
    vkGetPhysicalDeviceFormatProperties(gpu.physical, format, &properties);
    EXPECT_EQ(0u, properties.optimalTilingFeatures) << format;
  }
  gpu.messages.clear();
  for (const VkFormat format :
       {VK_FORMAT_D24_UNORM_S8_UINT, VK_FORMAT_R8_USCALED, VK_FORMAT_BC1_RGB_UNORM_BLOCK}) {
    const VkImageCreateInfo info = image_info(format, kCopies);
    VkImage image = VK_NULL_HANDLE;
    EXPECT_EQ(VK_ERROR_FORMAT_NOT_SUPPORTED, vkCreateImage(gpu.device, &info, nullptr, &image));
    EXPECT_EQ(VkImage{VK_NULL_HANDLE}, image);
  }
  EXPECT_NE(std::string::npos, gpu.messages.find("there are no images of this format"));
}

TEST(Images, AreOfferedAsCubesInTwoDimensionsAlone) {
  Gpu gpu;
  constexpr VkImageUsageFlags kUsage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
  constexpr VkImageCreateFlags kCube = VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT;
  const VkFormat format = VK_FORMAT_R8G8B8A8_UNORM;
  EXPECT_EQ(VK_SUCCESS, offered(gpu, format, VK_IMAGE_TYPE_2D, kUsage, kCube));
  EXPECT_EQ(VK_ERROR_FORMAT_NOT_SUPPORTED, offered(gpu, format, VK_IMAGE_TYPE_1D, kUsage, kCube));
  EXPECT_EQ(VK_ERROR_FORMAT_NOT_SUPPORTED, offered(gpu, format, VK_IMAGE_TYPE_3D, kUsage, kCube));
  VkSamplerYcbcrConversionImageFormatProperties planes{
      VK_STRUCTURE_TYPE_SAMPLER_YCBCR_CONVERSION_IMAGE_FORMAT_PROPERTIES, nullptr, 77};
  VkImageFormatProperties2 limits{VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, &planes, {}};
  VkPhysicalDeviceImageFormatInfo2 info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2};
  info.format = format;
  info.type = VK_IMAGE_TYPE_2D;
  info.usage = kUsage;
  EXPECT_EQ(VK_SUCCESS, vkGetPhysicalDeviceImageFormatProperties2(gpu.physical, &info, &limits));
  EXPECT_EQ(1u, planes.combinedImageSamplerDescriptorCount);
}

TEST(Images, OfDepthsAndSamplesThatAreInvalidHereAreCopied) {
  Gpu gpu;
  Memory from(gpu, 1024), to(gpu, 1024);
  std::iota(from.as<std::uint16_t>(), from.as<std::uint16_t>() + 512, std::uint16_t{1});
  const Picture depth(gpu, VK_FORMAT_D16_UNORM, {16, 16, 1});
  const VkBufferImageCopy region{0,         0,          0, {VK_IMAGE_ASPECT_DEPTH_BIT, 0, 0, 1},
                                 {0, 0, 0}, {16, 16, 1}};
  // Four samples: cleared and copied as a whole. What is in memory is seen through its map.
  VkImageCreateInfo info = image_info(
      VK_FORMAT_R32_UINT, VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
  info.samples = VK_SAMPLE_COUNT_4_BIT;
  const VkMemoryAllocateInfo size{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr, 4096, 0};
  std::array<VkImage, 2> images{};
  std::array<VkDeviceMemory, 2> memory{};
  std::array<void*, 2> data{};
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(VK_SUCCESS, vkCreateImage(gpu.device, &info, nullptr, &images[i]));
    ASSERT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &size, nullptr, &memory[i]));
    ASSERT_EQ(VK_SUCCESS, vkBindImageMemory(gpu.device, images[i], memory[i], 0));
    ASSERT_EQ(VK_SUCCESS, vkMapMemory(gpu.device, memory[i], 0, VK_WHOLE_SIZE, 0, &data[i]));
  }
  VkClearColorValue color{};
  color.uint32[0] = 5;
  const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  const VkCommandBuffer commands = begin(gpu);
  vkCmdCopyBufferToImage(commands, from.buffer, depth.image, kGeneral, 1, &region);
  vkCmdCopyImageToBuffer(commands, depth.image, kGeneral, to.buffer, 1, &region);
  vkCmdClearColorImage(commands, images[0], kGeneral, &color, 1, &range);
  const VkImageCopy part{kColor, {0, 0, 0}, kColor, {8, 8, 0}, {8, 8, 1}};
  vkCmdCopyImage(commands, images[0], kGeneral, images[1], kGeneral, 1, &part);
  run(gpu, commands);
  for (unsigned i = 0; i < 256; ++i) ASSERT_EQ(i + 1, to.as<std::uint16_t>()[i]);
  EXPECT_EQ(0u, to.as<std::uint16_t>()[256]);
  for (unsigned i = 0; i < 1024; ++i) {
    const unsigned x = i / 4 % 16, y = i / 4 / 16;
    ASSERT_EQ(5u, static_cast<std::uint32_t*>(data[0])[i]) << i;
    ASSERT_EQ(x >= 8 && y >= 8 ? 5u : 0u, static_cast<std::uint32_t*>(data[1])[i]) << i;
  }
  for (std::size_t i = 0; i < 2; ++i) {
    vkDestroyImage(gpu.device, images[i], nullptr);
    vkFreeMemory(gpu.device, memory[i], nullptr);
  }
}

TEST(Images, InDescriptorsAreInvalidHereByName) {
  Gpu gpu;
  const Picture picture(gpu, VK_FORMAT_R8G8B8A8_UNORM, {4, 4, 1});
  VkImageViewCreateInfo info{VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO};
  info.image = picture.image;
  info.viewType = VK_IMAGE_VIEW_TYPE_2D;
  info.format = VK_FORMAT_R8G8B8A8_UNORM;
  info.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  VkImageView view = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateImageView(gpu.device, &info, nullptr, &view));
  auto bindings = storage_buffers(3);
  bindings[2].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE;
  const Kernel kernel(gpu, shared_kernel("saxpy"), bindings, {.push_size = 8});
  const VkDescriptorImageInfo image{VK_NULL_HANDLE, view, kGeneral};
  VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
  write.dstSet = kernel.set;
  write.dstBinding = 2;
  write.descriptorCount = 1;
  write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_IMAGE;
  write.pImageInfo = &image;
  vkUpdateDescriptorSets(gpu.device, 1, &write, 0, nullptr);
  EXPECT_NE(std::string::npos,
            gpu.messages.find("binding 2 is written with a VK_DESCRIPTOR_TYPE_STORAGE_IMAGE"))
      << gpu.messages;
  vkDestroyImageView(gpu.device, view, nullptr);
}

}  // namespace
}  // namespace sokr::test
