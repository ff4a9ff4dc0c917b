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

// How large images of this type may be; VK_ERROR_FORMAT_NOT_SUPPORTED if there are none with the
// flags.
VkResult limits_of(VkImageType type, VkImageCreateFlags flags, VkImageFormatProperties& out) {
  out = {};
  const VkImageCreateFlags allowed = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT |
                                     VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT |
                                     VK_IMAGE_CREATE_ALIAS_BIT | VK_IMAGE_CREATE_EXTENDED_USAGE_BIT;
  const bool is_cube = (flags & VK_IMAGE_CREATE_CUBE_COMPATIBLE_BIT) != 0;
  if ((flags & ~allowed) || (is_cube && type != VK_IMAGE_TYPE_2D)) {
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

// What is offered: what images are good for here. vkCreateImage takes more.
VkResult offered(VkFormat format, VkImageType type, VkImageUsageFlags usage,
                 VkImageCreateFlags flags, VkImageFormatProperties& out) {
  const Format* known = find_format(format);
  out = {};
  if (!known || !known->is_color() || (usage & ~kUsages)) return VK_ERROR_FORMAT_NOT_SUPPORTED;
  return limits_of(type, flags, out);
}

// Sample counts that the limits name: only whole images of two dimensions have several.
bool has_samples(const VkImageCreateInfo& info) {
  if (info.samples == VK_SAMPLE_COUNT_1_BIT) return true;
  return info.samples == VK_SAMPLE_COUNT_4_BIT && info.imageType == VK_IMAGE_TYPE_2D &&
         info.mipLevels == 1;
}

ImageShape shape_of(const VkImageCreateInfo& info) {
  return {find_format(info.format), info.imageType,   info.extent,
          info.mipLevels,           info.arrayLayers, static_cast<std::uint32_t>(info.samples)};
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
  const VkDeviceSize bytes = VkDeviceSize{e.width} * e.height * e.depth * texel_bytes();
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

VKAPI_ATTR VkResult VKAPI_CALL vkCreateImage(VkDevice device, const VkImageCreateInfo* info,
                                             const VkAllocationCallbacks* callbacks, VkImage* out) {
  *out = VK_NULL_HANDLE;
  VkImageFormatProperties limits;
  if (!find_format(info->format) || !has_samples(*info) ||
      limits_of(info->imageType, info->flags, limits) != VK_SUCCESS) {
    report(instance_of(device), SOKR_LOG_ERROR,
           "vkCreateImage: there are no images of this format, flags or sample count: images are "
           "memory here, of plain texels of colour, depth or stencil, with 1 or 4 samples");
    return VK_ERROR_FORMAT_NOT_SUPPORTED;
  }
  // Programs create images that they use in no kernel, as nothing but memory, and devices have to
  // have images for every use: who goes on to use one is refused where the use begins.
  if (info->usage & ~kUsages) {
    report(
        instance_of(device), SOKR_LOG_INFO,
        "vkCreateImage: the image is memory to be copied to and from, and nothing else: no kernel "
        "can use it");
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

VKAPI_ATTR VkResult VKAPI_CALL vkBindImageMemory(VkDevice device, VkImage image,
                                                 VkDeviceMemory memory, VkDeviceSize offset) {
  const Slice part = of(memory)->whole().part(offset, of(image)->shape.size());
  if (part.size < of(image)->shape.size()) {
    report(instance_of(device), SOKR_LOG_ERROR,
           "vkBindImageMemory: the image is not within its memory");
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
  out->rowPitch = VkDeviceSize{extent.width} * shape.texel_bytes();
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
  const Format* known = find_format(format);
  if (known && known->is_color())
    out->linearTilingFeatures = out->optimalTilingFeatures = kFeatures;
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
  return offered(format, type, usage, flags, *out);
}
VKAPI_ATTR VkResult VKAPI_CALL vkGetPhysicalDeviceImageFormatProperties2(
    VkPhysicalDevice, const VkPhysicalDeviceImageFormatInfo2* info, VkImageFormatProperties2* out) {
  const auto* external = find<VkPhysicalDeviceExternalImageFormatInfo>(info->pNext);
  if (external && external->handleType) return VK_ERROR_FORMAT_NOT_SUPPORTED;
  if (auto* planes = find_out<VkSamplerYcbcrConversionImageFormatProperties>(out->pNext)) {
    planes->combinedImageSamplerDescriptorCount = 1;
  }
  return offered(info->format, info->type, info->usage, info->flags, out->imageFormatProperties);
}

}  // namespace sokr::icd
