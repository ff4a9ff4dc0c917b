// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a module needs and whether a device has it: SPIR-V version, capabilities,
// extensions, float controls, descriptor counts. Every refusal is
// SOKR_CAPABILITY_DENIED with the feature or limit by name: "needs shaderInt64;
// llvmpipe does not have it". Any thread; nothing is kept.
#ifndef SOKR_VULKAN_REQUIREMENTS_HPP_
#define SOKR_VULKAN_REQUIREMENTS_HPP_

#include <cstdint>
#include <sokr/spirv/module.hpp>
#include <sokr/spirv/reflection.hpp>
#include <span>

#include "physical_device.hpp"

namespace sokr::vulkan {

// What the module as a whole declares.
Result<void> check_module(const spirv::Module& module, const PhysicalDevice& device);

// What one entry point asks for beyond its numbers (those are check_entry's of
// sokr/substrate/launch_check.hpp): float controls, LocalSizeId, kinds and numbers of
// descriptors. `counts` has the length of each reflected binding's array.
Result<void> check_entry_point(const spirv::Module& module, const spirv::EntryPoint& entry,
                               const ir::EntryReflection& reflection,
                               std::span<const std::uint32_t> counts, const PhysicalDevice& device);

// The declared lengths, a runtime-sized array as one descriptor.
std::vector<std::uint32_t> declared_counts(const ir::EntryReflection& reflection);

// Can anything in this module run here? The module's needs, and at least one entry point
// whose needs and sizes fit. The module is decoded with any_values: what a launch sets is
// judged then.
Result<void> check_capability(const spirv::Module& module, const PhysicalDevice& device);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_REQUIREMENTS_HPP_
