// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Vulkan as this substrate sees it: loaded at run time through volk, every device
// call through a device's own table, every VkResult turned into a sentence.
#ifndef SOKR_VULKAN_VK_HPP_
#define SOKR_VULKAN_VK_HPP_

#include <volk.h>

#include <cstdint>
#include <sokr/base/result.hpp>
#include <string>
#include <string_view>

namespace sokr::vulkan {

// "VK_ERROR_DEVICE_LOST (the device was lost)"; "VkResult -4711" if unknown.
std::string describe(VkResult result);

// SOKR_DISPATCH_FAILED with "vkQueueSubmit failed on llvmpipe: VK_ERROR_...".
Failure vk_failure(VkResult result, std::string_view call, std::string_view device);

// Behind what is before it: what the stages `from` wrote is there for the uses of the stages `to`.
void barrier(const VolkDeviceTable& vk, VkCommandBuffer commands, VkPipelineStageFlags from,
             VkAccessFlags written, VkPipelineStageFlags to, VkAccessFlags used);

// "1.3.230"
std::string version_string(std::uint32_t version);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_VK_HPP_
