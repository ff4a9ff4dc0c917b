// SPDX-License-Identifier: MIT OR Apache-2.0
#include "image.hpp"

#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {
namespace {

constexpr VkFormatFeatureFlags kFeatures =
    VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT;
constexpr VkImageUsageFlags kUsages =
    VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;

std::uint32_t at_level(std::uint32_t extent, std::uint32_t level) {
  return std::max(level < 32 ? extent >> level : 0u, 1u);
}

// What images of this kind may be; VK_ERROR_FORMAT_NOT_SUPPORTED if there are none.
VkResult limits_of(VkFormat format, VkImageType type, VkImageUsageFlags usage,
                   VkImageCreateFlags flags, VkImageFormatProperties& out) {
  out = {};
  const VkImageCreateFlags allowed = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT |
                                     VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT |
                                     VK_IMAGE_CREATE_ALIAS_BIT | VK_IMAGE_CREATE_EXTENDED_USAGE_BIT;
  if (!find_format(format) || (usage & ~kUsages) || (flags & ~allowed)) {
    return VK_ERROR_FORMAT_NOT_SUPPORTED;
  }
  out.maxExtent = type == VK_IMAGE_TYPE_1D   ? VkExtent3D{16384, 1, 1}
                  : type == VK_IMAGE_TYPE_2D ? VkExtent3D{16384, 16384, 1}
                                             : VkExtent3D{2048, 2048, 2048};
  out.maxMipLevels = type == VK_IMAGE_TYPE_3D ? 12 : 15;
  out.maxArrayLayers = type == VK_IMAGE_TYPE_3D ? 1 : 2048;
  out.sampleCounts = VK_SAMPLE_COUNT_1_BIT;
  out.maxResourceSize = kMaxImageBytes;
  return VK_SUCCESS;
}

ImageShape shape_of(const VkImageCreateInfo& info) {
  return {find_format(info.format), info.imageType, info.extent, info.mipLevels, info.arrayLayers};
}

void give_requirements(const ImageShape& shape, VkMemoryRequirements& out) {
  out.size = (shape.size() + kImageAlignment - 1) / kImageAlignment * kImageAlignment;
  out.alignment = kImageAlignment;
  out.memoryTypeBits = kAllMemoryTypes;
}
void give_requirements(const ImageShape& shape, VkMemoryRequirements2& out) {
  give_requirements(shape, out.memoryRequirements);
  if (auto* dedicated = find_out<VkMemoryDedicatedRequirements>(out.pNext)) {
    dedicated->prefersDedicatedAllocation = VK_FALSE;
    dedicated->requiresDedicatedAllocation = VK_FALSE;
  }
}

}  // namespace

VkExtent3D ImageShape::extent_of(std::uint32_t level) const {
  return {at_level(extent.width, level), at_level(extent.height, level),
          at_level(extent.depth, level)};
}
VkDeviceSize ImageShape::bytes_of(std::uint32_t level) const {
  const VkExtent3D e = extent_of(level);
  const VkDeviceSize bytes = VkDeviceSize{e.width} * e.height * e.depth * format->size;
  return (bytes + 15) / 16 * 16;
}
VkDeviceSize ImageShape::offset_of(std::uint32_t level, std::uint32_t layer) const {
  VkDeviceSize before = 0, all = 0;
  for (std::uint32_t i = 0; i < levels; ++i) {
    if (i == level) before = all;
    all += bytes_of(i);
  }
  return all * layer + before;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateImage(VkDevice, const VkImageCreateInfo* info,
                                             const VkAllocationCallbacks* callbacks, VkImage* out) {
  *out = VK_NULL_HANDLE;
  VkImageFormatProperties limits;
  // What else an image is to be used for is nobody's loss as long as no kernel uses it.
  const VkImageUsageFlags usage = info->usage & kUsages;
  if (limits_of(info->format, info->imageType, usage, info->flags, limits) != VK_SUCCESS ||
      (info->usage & ~kUsages) || info->samples != VK_SAMPLE_COUNT_1_BIT) {
    report(SOKR_LOG_ERROR,
           "vkCreateImage: images are memory to be copied to and from here: no "
           "kernel can use them, and this format, usage or sample count is none "
           "that vkGetPhysicalDeviceImageFormatProperties offers");
    return VK_ERROR_FORMAT_NOT_SUPPORTED;
  }
  const VkExtent3D& e = info->extent;
  if (e.width > limits.maxExtent.width || e.height > limits.maxExtent.height ||
      e.depth > limits.maxExtent.depth || info->mipLevels > limits.maxMipLevels ||
      info->arrayLayers > limits.maxArrayLayers || e.width == 0 || e.height == 0 || e.depth == 0 ||
      shape_of(*info).size() > kMaxImageBytes) {
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  }
  const VkResult result = create<Image>(callbacks, out);
  if (result == VK_SUCCESS) of(*out)->shape = shape_of(*info);
  return result;
}
VKAPI_ATTR void VKAPI_CALL vkDestroyImage(VkDevice, VkImage handle,
                                          const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

VKAPI_ATTR void VKAPI_CALL vkGetImageMemoryRequirements(VkDevice, VkImage handle,
                                                        VkMemoryRequirements* out) {
  give_requirements(of(handle)->shape, *out);
}
VKAPI_ATTR void VKAPI_CALL vkGetImageMemoryRequirements2(VkDevice,
                                                         const VkImageMemoryRequirementsInfo2* info,
                                                         VkMemoryRequirements2* out) {
  give_requirements(of(info->image)->shape, *out);
}
VKAPI_ATTR void VKAPI_CALL vkGetDeviceImageMemoryRequirements(
    VkDevice, const VkDeviceImageMemoryRequirements* info, VkMemoryRequirements2* out) {
  const ImageShape shape = shape_of(*info->pCreateInfo);
  if (shape.format) {
    give_requirements(shape, *out);
  } else {
    out->memoryRequirements = {0, kImageAlignment, kAllMemoryTypes};
  }
}
VKAPI_ATTR void VKAPI_CALL vkGetImageSparseMemoryRequirements(VkDevice, VkImage,
                                                              std::uint32_t* count,
                                                              VkSparseImageMemoryRequirements*) {
  *count = 0;
}
VKAPI_ATTR void VKAPI_CALL
vkGetImageSparseMemoryRequirements2(VkDevice, const VkImageSparseMemoryRequirementsInfo2*,
                                    std::uint32_t* count, VkSparseImageMemoryRequirements2*) {
  *count = 0;
}
VKAPI_ATTR void VKAPI_CALL
vkGetDeviceImageSparseMemoryRequirements(VkDevice, const VkDeviceImageMemoryRequirements*,
                                         std::uint32_t* count, VkSparseImageMemoryRequirements2*) {
  *count = 0;
}

VKAPI_ATTR VkResult VKAPI_CALL vkBindImageMemory(VkDevice, VkImage image, VkDeviceMemory memory,
                                                 VkDeviceSize offset) {
  const Slice part = of(memory)->whole().part(offset, of(image)->shape.size());
  if (part.size < of(image)->shape.size()) {
    report(SOKR_LOG_ERROR, "vkBindImageMemory: the image is not within its memory");
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  }
  of(image)->memory = part;
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkBindImageMemory2(VkDevice device, std::uint32_t count,
                                                  const VkBindImageMemoryInfo* infos) {
  VkResult all = VK_SUCCESS;
  for (std::uint32_t i = 0; i < count; ++i) {
    const VkResult one =
        vkBindImageMemory(device, infos[i].image, infos[i].memory, infos[i].memoryOffset);
    if (one != VK_SUCCESS) all = one;
  }
  return all;
}

VKAPI_ATTR void VKAPI_CALL vkGetImageSubresourceLayout(VkDevice, VkImage handle,
                                                       const VkImageSubresource* of_what,
                                                       VkSubresourceLayout* out) {
  const ImageShape& shape = of(handle)->shape;
  const VkExtent3D extent = shape.extent_of(of_what->mipLevel);
  out->offset = shape.offset_of(of_what->mipLevel, of_what->arrayLayer);
  out->size = shape.bytes_of(of_what->mipLevel);
  out->rowPitch = VkDeviceSize{extent.width} * shape.format->size;
  out->depthPitch = out->rowPitch * extent.height;
  out->arrayPitch = shape.offset_of(0, 1);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateImageView(VkDevice, const VkImageViewCreateInfo*,
                                                 const VkAllocationCallbacks* callbacks,
                                                 VkImageView* out) {
  return create<ImageView>(callbacks, out);
}
VKAPI_ATTR void VKAPI_CALL vkDestroyImageView(VkDevice, VkImageView handle,
                                              const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceFormatProperties(VkPhysicalDevice, VkFormat format,
                                                               VkFormatProperties* out) {
  *out = {};
  if (find_format(format)) out->linearTilingFeatures = out->optimalTilingFeatures = kFeatures;
}
VKAPI_ATTR void VKAPI_CALL vkGetPhysicalDeviceFormatProperties2(VkPhysicalDevice device,
                                                                VkFormat format,
                                                                VkFormatProperties2* out) {
  vkGetPhysicalDeviceFormatProperties(device, format, &out->formatProperties);
  if (auto* wide = find_out<VkFormatProperties3>(out->pNext)) {
    wide->linearTilingFeatures = out->formatProperties.linearTilingFeatures;
    wide->optimalTilingFeatures = out->formatProperties.optimalTilingFeatures;
    wide->bufferFeatures = 0;
  }
}
VKAPI_ATTR VkResult VKAPI_CALL vkGetPhysicalDeviceImageFormatProperties(
    VkPhysicalDevice, VkFormat format, VkImageType type, VkImageTiling, VkImageUsageFlags usage,
    VkImageCreateFlags flags, VkImageFormatProperties* out) {
  return limits_of(format, type, usage, flags, *out);
}
VKAPI_ATTR VkResult VKAPI_CALL vkGetPhysicalDeviceImageFormatProperties2(
    VkPhysicalDevice, const VkPhysicalDeviceImageFormatInfo2* info, VkImageFormatProperties2* out) {
  const auto* external = find<VkPhysicalDeviceExternalImageFormatInfo>(info->pNext);
  if (external && external->handleType) return VK_ERROR_FORMAT_NOT_SUPPORTED;
  return limits_of(info->format, info->type, info->usage, info->flags, out->imageFormatProperties);
}

}  // namespace sokr::icd
