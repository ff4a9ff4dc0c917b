// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What drivers are known to crash on, by driver and version: a crash would take the program along,
// so that a kernel that would cause it is refused, with a sentence.
#ifndef SOKR_VULKAN_KNOWN_FAULTS_HPP_
#define SOKR_VULKAN_KNOWN_FAULTS_HPP_

#include <sokr/spirv/module.hpp>
#include <string>

#include "physical_device.hpp"

namespace sokr::vulkan {

// SOKR_CAPABILITY_DENIED if the device's driver would crash on the module, or compile it for
// minutes.
Result<void> check_known_faults(const spirv::Module& module, const PhysicalDevice& device);
// Those of the device's driver, for people; empty if none is known.
std::string known_faults(const PhysicalDevice& device);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_KNOWN_FAULTS_HPP_
