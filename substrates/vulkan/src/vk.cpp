// SPDX-License-Identifier: MIT OR Apache-2.0
#define VOLK_IMPLEMENTATION
#include "vk.hpp"

#include <array>
#include <cstdint>

namespace sokr::vulkan {
namespace {

struct ResultText {
  VkResult result;
  const char* text;
};

constexpr auto kResults = std::to_array<ResultText>({
    {VK_NOT_READY, "VK_NOT_READY"},
    {VK_TIMEOUT, "VK_TIMEOUT"},
    {VK_INCOMPLETE, "VK_INCOMPLETE"},
    {VK_ERROR_OUT_OF_HOST_MEMORY, "VK_ERROR_OUT_OF_HOST_MEMORY (out of host memory)"},
    {VK_ERROR_OUT_OF_DEVICE_MEMORY, "VK_ERROR_OUT_OF_DEVICE_MEMORY (out of device memory)"},
    {VK_ERROR_INITIALIZATION_FAILED, "VK_ERROR_INITIALIZATION_FAILED (the driver could not start)"},
    {VK_ERROR_DEVICE_LOST, "VK_ERROR_DEVICE_LOST (the device was lost)"},
    {VK_ERROR_MEMORY_MAP_FAILED, "VK_ERROR_MEMORY_MAP_FAILED (memory could not be mapped)"},
    {VK_ERROR_LAYER_NOT_PRESENT, "VK_ERROR_LAYER_NOT_PRESENT (a layer is not installed)"},
    {VK_ERROR_EXTENSION_NOT_PRESENT, "VK_ERROR_EXTENSION_NOT_PRESENT (an extension is missing)"},
    {VK_ERROR_FEATURE_NOT_PRESENT, "VK_ERROR_FEATURE_NOT_PRESENT (a feature is missing)"},
    {VK_ERROR_INCOMPATIBLE_DRIVER,
     "VK_ERROR_INCOMPATIBLE_DRIVER (there is no driver that it can use)"},
    {VK_ERROR_TOO_MANY_OBJECTS, "VK_ERROR_TOO_MANY_OBJECTS (too many objects)"},
    {VK_ERROR_FRAGMENTED_POOL, "VK_ERROR_FRAGMENTED_POOL (a descriptor pool is fragmented)"},
    {VK_ERROR_UNKNOWN, "VK_ERROR_UNKNOWN (the driver gave no reason)"},
    {VK_ERROR_OUT_OF_POOL_MEMORY, "VK_ERROR_OUT_OF_POOL_MEMORY (a descriptor pool is used up)"},
    {VK_ERROR_INVALID_EXTERNAL_HANDLE,
     "VK_ERROR_INVALID_EXTERNAL_HANDLE (the memory cannot be imported)"},
    {VK_ERROR_FRAGMENTATION, "VK_ERROR_FRAGMENTATION (a descriptor pool is fragmented)"},
    {VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS, "VK_ERROR_INVALID_OPAQUE_CAPTURE_ADDRESS"},
    {VK_PIPELINE_COMPILE_REQUIRED, "VK_PIPELINE_COMPILE_REQUIRED"},
    {VK_ERROR_INVALID_SHADER_NV, "VK_ERROR_INVALID_SHADER_NV (the compiler refused the shader)"},
});

}  // namespace

std::string describe(VkResult result) {
  for (const ResultText& entry : kResults) {
    if (entry.result == result) return entry.text;
  }
  return fmt::format("VkResult {}", static_cast<int>(result));
}

Failure vk_failure(VkResult result, std::string_view call, std::string_view device) {
  return fail(SOKR_DISPATCH_FAILED, "{} failed on {}: {}", call, device, describe(result));
}

void barrier(const VolkDeviceTable& vk, VkCommandBuffer commands, VkPipelineStageFlags from,
             VkAccessFlags written, VkPipelineStageFlags to, VkAccessFlags used) {
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = written;
  memory.dstAccessMask = used;
  vk.vkCmdPipelineBarrier(commands, from, to, 0, 1, &memory, 0, nullptr, 0, nullptr);
}

std::string version_string(std::uint32_t version) {
  return fmt::format("{}.{}.{}", VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version),
                     VK_API_VERSION_PATCH(version));
}

}  // namespace sokr::vulkan
