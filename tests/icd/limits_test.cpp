// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The table "Required Limits" of the Vulkan specification, version 1.3, against what is reported.
// The specification excepts no device that lacks graphics; of rows that hang on a feature the value
// for devices without it is taken.
#include <vector>

#include "gpu.hpp"

namespace sokr::test {
namespace {

enum class Bound { AtLeast, AtMost, Has };  // Has: these bits

struct Row {
  const char* name;
  double reported;
  Bound bound;
  double required;
};

void expect(const Row& row) {
  switch (row.bound) {
    case Bound::AtLeast:
      EXPECT_GE(row.reported, row.required) << row.name;
      break;
    case Bound::AtMost:
      EXPECT_LE(row.reported, row.required) << row.name;
      break;
    case Bound::Has: {
      const auto bits = static_cast<std::uint64_t>(row.required);
      EXPECT_EQ(bits, static_cast<std::uint64_t>(row.reported) & bits) << row.name;
      break;
    }
  }
}

#define SOKR_AT_LEAST(of, name, value) \
  {#name, static_cast<double>((of).name), Bound::AtLeast, static_cast<double>(value)}
#define SOKR_AT_MOST(of, name, value) \
  {#name, static_cast<double>((of).name), Bound::AtMost, static_cast<double>(value)}
#define SOKR_HAS(of, name, value) \
  {#name, static_cast<double>((of).name), Bound::Has, static_cast<double>(value)}

std::vector<Row> rows_of_resources(const VkPhysicalDeviceLimits& l) {
  return {SOKR_AT_LEAST(l, maxImageDimension1D, 4096),
          SOKR_AT_LEAST(l, maxImageDimension2D, 4096),
          SOKR_AT_LEAST(l, maxImageDimension3D, 256),
          SOKR_AT_LEAST(l, maxImageDimensionCube, 4096),
          SOKR_AT_LEAST(l, maxImageArrayLayers, 256),
          SOKR_AT_LEAST(l, maxTexelBufferElements, 65536),
          SOKR_AT_LEAST(l, maxUniformBufferRange, 16384),
          SOKR_AT_LEAST(l, maxStorageBufferRange, 1u << 27),
          SOKR_AT_LEAST(l, maxPushConstantsSize, 128),
          SOKR_AT_LEAST(l, maxMemoryAllocationCount, 4096),
          SOKR_AT_LEAST(l, maxSamplerAllocationCount, 4000),
          SOKR_AT_MOST(l, bufferImageGranularity, 131072),
          SOKR_AT_LEAST(l, maxBoundDescriptorSets, 4),
          SOKR_AT_LEAST(l, maxPerStageDescriptorSamplers, 16),
          SOKR_AT_LEAST(l, maxPerStageDescriptorUniformBuffers, 12),
          SOKR_AT_LEAST(l, maxPerStageDescriptorStorageBuffers, 4),
          SOKR_AT_LEAST(l, maxPerStageDescriptorSampledImages, 16),
          SOKR_AT_LEAST(l, maxPerStageDescriptorStorageImages, 4),
          SOKR_AT_LEAST(l, maxPerStageDescriptorInputAttachments, 4),
          SOKR_AT_LEAST(l, maxPerStageResources, 128),
          SOKR_AT_LEAST(l, maxDescriptorSetSamplers, 96),
          SOKR_AT_LEAST(l, maxDescriptorSetUniformBuffers, 72),
          SOKR_AT_LEAST(l, maxDescriptorSetUniformBuffersDynamic, 8),
          SOKR_AT_LEAST(l, maxDescriptorSetStorageBuffers, 24),
          SOKR_AT_LEAST(l, maxDescriptorSetStorageBuffersDynamic, 4),
          SOKR_AT_LEAST(l, maxDescriptorSetSampledImages, 96),
          SOKR_AT_LEAST(l, maxDescriptorSetStorageImages, 24),
          SOKR_AT_LEAST(l, maxDescriptorSetInputAttachments, 4),
          SOKR_AT_LEAST(l, maxSamplerLodBias, 2),
          SOKR_AT_LEAST(l, maxSamplerAnisotropy, 1),
          SOKR_AT_LEAST(l, minMemoryMapAlignment, 64),
          SOKR_AT_MOST(l, minTexelBufferOffsetAlignment, 256),
          SOKR_AT_MOST(l, minUniformBufferOffsetAlignment, 256),
          SOKR_AT_MOST(l, minStorageBufferOffsetAlignment, 256),
          SOKR_AT_LEAST(l, discreteQueuePriorities, 2),
          SOKR_AT_MOST(l, nonCoherentAtomSize, 256)};
}

std::vector<Row> rows_of_compute(const VkPhysicalDeviceLimits& l) {
  std::vector<Row> rows{SOKR_AT_LEAST(l, maxComputeSharedMemorySize, 16384),
                        SOKR_AT_LEAST(l, maxComputeWorkGroupInvocations, 128)};
  const double sizes[] = {128, 128, 64};
  for (int i = 0; i < 3; ++i) {
    rows.push_back(SOKR_AT_LEAST(l, maxComputeWorkGroupCount[i], 65535));
    rows.push_back(SOKR_AT_LEAST(l, maxComputeWorkGroupSize[i], sizes[i]));
  }
  return rows;
}

std::vector<Row> rows_of_graphics(const VkPhysicalDeviceLimits& l) {
  const double samples = VK_SAMPLE_COUNT_1_BIT | VK_SAMPLE_COUNT_4_BIT;
  return {SOKR_AT_LEAST(l, maxVertexInputAttributes, 16),
          SOKR_AT_LEAST(l, maxVertexInputBindings, 16),
          SOKR_AT_LEAST(l, maxVertexInputAttributeOffset, 2047),
          SOKR_AT_LEAST(l, maxVertexInputBindingStride, 2048),
          SOKR_AT_LEAST(l, maxVertexOutputComponents, 64),
          SOKR_AT_LEAST(l, maxFragmentInputComponents, 64),
          SOKR_AT_LEAST(l, maxFragmentOutputAttachments, 4),
          SOKR_AT_LEAST(l, maxFragmentCombinedOutputResources, 4),
          SOKR_AT_LEAST(l, subPixelPrecisionBits, 4),
          SOKR_AT_LEAST(l, subTexelPrecisionBits, 4),
          SOKR_AT_LEAST(l, mipmapPrecisionBits, 4),
          SOKR_AT_LEAST(l, maxDrawIndexedIndexValue, (1u << 24) - 1),
          SOKR_AT_LEAST(l, maxDrawIndirectCount, 1),
          SOKR_AT_LEAST(l, maxViewports, 1),
          SOKR_AT_LEAST(l, maxViewportDimensions[0], l.maxFramebufferWidth),
          SOKR_AT_LEAST(l, maxViewportDimensions[1], l.maxFramebufferHeight),
          SOKR_AT_MOST(l, viewportBoundsRange[0], -2.0 * l.maxViewportDimensions[0]),
          SOKR_AT_LEAST(l, viewportBoundsRange[1], 2.0 * l.maxViewportDimensions[0] - 1),
          SOKR_AT_MOST(l, minTexelOffset, -8),
          SOKR_AT_LEAST(l, maxTexelOffset, 7),
          SOKR_AT_LEAST(l, maxFramebufferWidth, 4096),
          SOKR_AT_LEAST(l, maxFramebufferHeight, 4096),
          SOKR_AT_LEAST(l, maxFramebufferLayers, 256),
          SOKR_HAS(l, framebufferColorSampleCounts, samples),
          SOKR_HAS(l, framebufferDepthSampleCounts, samples),
          SOKR_HAS(l, framebufferStencilSampleCounts, samples),
          SOKR_HAS(l, framebufferNoAttachmentsSampleCounts, samples),
          SOKR_AT_LEAST(l, maxColorAttachments, 4),
          SOKR_HAS(l, sampledImageColorSampleCounts, samples),
          SOKR_HAS(l, sampledImageIntegerSampleCounts, VK_SAMPLE_COUNT_1_BIT),
          SOKR_HAS(l, sampledImageDepthSampleCounts, samples),
          SOKR_HAS(l, sampledImageStencilSampleCounts, samples),
          SOKR_HAS(l, storageImageSampleCounts, VK_SAMPLE_COUNT_1_BIT),
          SOKR_AT_LEAST(l, maxSampleMaskWords, 1),
          SOKR_AT_MOST(l, pointSizeRange[0], 1),
          SOKR_AT_LEAST(l, pointSizeRange[1], 1),
          SOKR_AT_MOST(l, lineWidthRange[0], 1),
          SOKR_AT_LEAST(l, lineWidthRange[1], 1)};
}

std::vector<Row> rows_of(const VkPhysicalDeviceVulkan11Properties& p) {
  return {SOKR_AT_LEAST(p, maxMultiviewViewCount, 6),
          SOKR_AT_LEAST(p, maxMultiviewInstanceIndex, (1u << 27) - 1),
          SOKR_AT_LEAST(p, maxPerSetDescriptors, 1024),
          SOKR_AT_LEAST(p, maxMemoryAllocationSize, 1u << 30),
          SOKR_HAS(p, subgroupSupportedStages, VK_SHADER_STAGE_COMPUTE_BIT),
          SOKR_HAS(p, subgroupSupportedOperations, VK_SUBGROUP_FEATURE_BASIC_BIT)};
}

std::vector<Row> rows_of(const VkPhysicalDeviceVulkan12Properties& p) {
  return {SOKR_AT_LEAST(p, maxUpdateAfterBindDescriptorsInAllPools, 500000),
          SOKR_AT_LEAST(p, maxPerStageDescriptorUpdateAfterBindSamplers, 500000),
          SOKR_AT_LEAST(p, maxPerStageDescriptorUpdateAfterBindUniformBuffers, 12),
          SOKR_AT_LEAST(p, maxPerStageDescriptorUpdateAfterBindStorageBuffers, 500000),
          SOKR_AT_LEAST(p, maxPerStageDescriptorUpdateAfterBindSampledImages, 500000),
          SOKR_AT_LEAST(p, maxPerStageDescriptorUpdateAfterBindStorageImages, 500000),
          SOKR_AT_LEAST(p, maxPerStageDescriptorUpdateAfterBindInputAttachments, 4),
          SOKR_AT_LEAST(p, maxPerStageUpdateAfterBindResources, 500000),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindSamplers, 500000),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindUniformBuffers, 72),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindUniformBuffersDynamic, 8),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindStorageBuffers, 500000),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindStorageBuffersDynamic, 4),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindSampledImages, 500000),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindStorageImages, 500000),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindInputAttachments, 4),
          SOKR_HAS(p, supportedDepthResolveModes, VK_RESOLVE_MODE_SAMPLE_ZERO_BIT),
          SOKR_HAS(p, supportedStencilResolveModes, VK_RESOLVE_MODE_SAMPLE_ZERO_BIT),
          SOKR_HAS(p, framebufferIntegerColorSampleCounts, VK_SAMPLE_COUNT_1_BIT),
          SOKR_AT_LEAST(p, maxTimelineSemaphoreValueDifference, (1u << 31) - 1.0)};
}

std::vector<Row> rows_of(const VkPhysicalDeviceVulkan13Properties& p) {
  return {SOKR_AT_LEAST(p, maxComputeWorkgroupSubgroups, 1),
          SOKR_AT_LEAST(p, maxInlineUniformBlockSize, 256),
          SOKR_AT_LEAST(p, maxPerStageDescriptorInlineUniformBlocks, 4),
          SOKR_AT_LEAST(p, maxPerStageDescriptorUpdateAfterBindInlineUniformBlocks, 4),
          SOKR_AT_LEAST(p, maxDescriptorSetInlineUniformBlocks, 4),
          SOKR_AT_LEAST(p, maxDescriptorSetUpdateAfterBindInlineUniformBlocks, 4),
          SOKR_AT_LEAST(p, maxInlineUniformTotalSize, 256),
          SOKR_AT_LEAST(p, maxBufferSize, 1u << 30)};
}

bool is_power_of_two(VkDeviceSize value) {
  return value != 0 && (value & (value - 1)) == 0;
}

TEST(Limits, AreAtLeastWhatTheSpecificationRequires) {
  Gpu gpu;
  VkPhysicalDeviceVulkan13Properties v13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES};
  VkPhysicalDeviceVulkan12Properties v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES,
                                         &v13};
  VkPhysicalDeviceVulkan11Properties v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
                                         &v12};
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v11, {}};
  vkGetPhysicalDeviceProperties2(gpu.physical, &all);
  const VkPhysicalDeviceLimits& limits = all.properties.limits;
  for (const auto& rows : {rows_of_resources(limits), rows_of_compute(limits),
                           rows_of_graphics(limits), rows_of(v11), rows_of(v12), rows_of(v13)}) {
    for (const Row& row : rows) expect(row);
  }
  for (const VkDeviceSize alignment :
       {VkDeviceSize{limits.minMemoryMapAlignment}, limits.minTexelBufferOffsetAlignment,
        limits.minUniformBufferOffsetAlignment, limits.minStorageBufferOffsetAlignment,
        limits.optimalBufferCopyOffsetAlignment, limits.optimalBufferCopyRowPitchAlignment,
        limits.nonCoherentAtomSize, limits.bufferImageGranularity}) {
    EXPECT_TRUE(is_power_of_two(alignment)) << alignment;
  }
}

// Arrays of programs are imported as they are, and mapped where they lie.
TEST(Limits, OfImportsLetArraysBeImportedAsTheyAre) {
  Gpu gpu;
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &host, {}};
  vkGetPhysicalDeviceProperties2(gpu.physical, &all);
  std::vector<float> array(1001);
  float* const part = array.data() + 1;
  constexpr VkDeviceSize kSize = 1000 * sizeof(float);
  EXPECT_EQ(0u, kSize % host.minImportedHostPointerAlignment);
  EXPECT_EQ(0u, reinterpret_cast<std::uintptr_t>(part) % host.minImportedHostPointerAlignment);
  VkMemoryHostPointerPropertiesEXT properties{VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  constexpr auto kHost = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  ASSERT_EQ(VK_SUCCESS, vkGetMemoryHostPointerPropertiesEXT(gpu.device, kHost, part, &properties));
  ASSERT_EQ(3u, properties.memoryTypeBits);
  const VkImportMemoryHostPointerInfoEXT import{
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT, nullptr, kHost, part};
  for (std::uint32_t type = 0; type < 2; ++type) {
    const VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &import, kSize, type};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &info, nullptr, &memory));
    void* mapped = nullptr;
    ASSERT_EQ(VK_SUCCESS, vkMapMemory(gpu.device, memory, 0, VK_WHOLE_SIZE, 0, &mapped));
    EXPECT_EQ(part, mapped);
    vkFreeMemory(gpu.device, memory, nullptr);
  }
}

TEST(Limits, OfSubgroupsFitEachOther) {
  Gpu gpu;
  VkPhysicalDeviceVulkan13Properties v13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES};
  VkPhysicalDeviceVulkan11Properties v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
                                         &v13};
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v11, {}};
  vkGetPhysicalDeviceProperties2(gpu.physical, &all);
  EXPECT_TRUE(is_power_of_two(v11.subgroupSize));
  EXPECT_TRUE(is_power_of_two(v13.minSubgroupSize));
  EXPECT_TRUE(is_power_of_two(v13.maxSubgroupSize));
  EXPECT_LE(v13.minSubgroupSize, v11.subgroupSize);
  EXPECT_GE(v13.maxSubgroupSize, v11.subgroupSize);
  EXPECT_GE(v13.maxComputeWorkgroupSubgroups * v13.maxSubgroupSize,
            all.properties.limits.maxComputeWorkGroupInvocations);
}

TEST(Limits, WhatIsNotThereCannotBeUsedForAllItsLimits) {
  Gpu gpu;
  for (int format = VK_FORMAT_R4G4_UNORM_PACK8; format <= VK_FORMAT_ASTC_12x12_SRGB_BLOCK;
       ++format) {
    VkFormatProperties properties;
    vkGetPhysicalDeviceFormatProperties(gpu.physical, static_cast<VkFormat>(format), &properties);
    const VkFormatFeatureFlags transfers =
        VK_FORMAT_FEATURE_TRANSFER_SRC_BIT | VK_FORMAT_FEATURE_TRANSFER_DST_BIT;
    EXPECT_EQ(0u, properties.optimalTilingFeatures & ~transfers) << format;
    EXPECT_EQ(0u, properties.linearTilingFeatures & ~transfers) << format;
    EXPECT_EQ(0u, properties.bufferFeatures) << format;
  }
}

// Test suites and programs make as many as there may be.
TEST(Limits, OfWhatNoKernelCanUseAreWhatIsRequired) {
  Gpu gpu;
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(gpu.physical, &properties);
  const VkPhysicalDeviceLimits& limits = properties.limits;
  EXPECT_EQ(16u, limits.maxPerStageDescriptorSamplers);
  EXPECT_EQ(16u, limits.maxPerStageDescriptorSampledImages);
  EXPECT_EQ(4u, limits.maxPerStageDescriptorStorageImages);
  EXPECT_EQ(4u, limits.maxPerStageDescriptorInputAttachments);
  EXPECT_EQ(96u, limits.maxDescriptorSetSamplers);
  EXPECT_EQ(96u, limits.maxDescriptorSetSampledImages);
  EXPECT_EQ(24u, limits.maxDescriptorSetStorageImages);
  EXPECT_EQ(4u, limits.maxDescriptorSetInputAttachments);
}

}  // namespace
}  // namespace sokr::test
