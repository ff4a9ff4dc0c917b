// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Cooperative matrices (VK_KHR_cooperative_matrix): which a device offers, and whether those of a
// kernel are among them. Sizes are in components; a product is of an MxK and a KxN matrix, added to
// an MxN one.
#ifndef SOKR_VULKAN_COOPERATIVE_HPP_
#define SOKR_VULKAN_COOPERATIVE_HPP_

#include <cstdint>
#include <sokr/spirv/module.hpp>
#include <string>
#include <vector>

#include "vk.hpp"

namespace sokr::vulkan {

struct PhysicalDevice;

// Of VkComponentTypeKHR, which the oldest headers lack.
enum class MatrixComponent : std::uint32_t {
  kF16 = 0,
  kF32 = 1,
  kF64 = 2,
  kS8 = 3,
  kS16 = 4,
  kS32 = 5,
  kS64 = 6,
  kU8 = 7,
  kU16 = 8,
  kU32 = 9,
  kU64 = 10,
};

// A line of what a device offers: VkCooperativeMatrixPropertiesKHR, whose layout this has.
struct CooperativeMatrixProperties {
  VkStructureType sType;
  void* pNext;
  std::uint32_t m, n, k;
  MatrixComponent a, b, c, result;
  VkBool32 saturating;
  std::uint32_t scope;  // numbers of spv::Scope
};

struct CooperativeMatrices {
  VkShaderStageFlags stages = 0;
  std::vector<CooperativeMatrixProperties> products;  // of a subgroup
};

// Asks a device that has the extension. The instance functions of volk are loaded.
Result<CooperativeMatrices> query_cooperative_matrices(VkInstance instance, VkPhysicalDevice handle,
                                                       std::string_view name);

// "16x16x16 of f16 with f32 sums"; "8x8x32 of s8 and u8 with s32 saturating sums, as f32".
std::string describe(const CooperativeMatrixProperties& product);
// All of them, separated by commas.
std::string describe(const CooperativeMatrices& offered);

// Are the matrices of the module, and the products, loads and stores that the entry point reaches,
// among what the device offers? What specialization constants decide is left out in a module for
// any values. SOKR_CAPABILITY_DENIED with what is missing and what there is instead.
Result<void> check_cooperative_matrices(const spirv::Module& module, const spirv::EntryPoint& entry,
                                        const PhysicalDevice& device);

// Does the module declare them?
bool uses_cooperative_matrices(const spirv::Module& module);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_COOPERATIVE_HPP_
