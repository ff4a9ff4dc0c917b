// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Vulkan's headers, without prototypes of functions that would be somebody else's.
#ifndef SOKR_ICD_VK_HPP_
#define SOKR_ICD_VK_HPP_

#ifndef VK_NO_PROTOTYPES
#define VK_NO_PROTOTYPES
#endif
#include <vulkan/vk_icd.h>
#include <vulkan/vulkan_core.h>

#endif  // SOKR_ICD_VK_HPP_
