// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What description.txt may use in its values: constants, and what is found out of the substrate and
// the machine.
#ifndef SOKR_ICD_FACTS_HPP_
#define SOKR_ICD_FACTS_HPP_

#include <sokr/compute.h>

#include <array>
#include <cstdint>
#include <string>

#include "vk.hpp"

namespace sokr::icd {

inline constexpr std::uint32_t kMaxPushConstants = 4096;  // bytes
inline constexpr std::uint32_t kMaxSets = 32;
// Of a set, a stage, all pools: as many as a launch may name in an array (kMaxRuntimeDescriptors of
// the substrates).
inline constexpr std::uint32_t kMaxDescriptors = 1u << 20;
inline constexpr std::uint32_t kMaxDynamic = 64;  // dynamic buffers of a set
inline constexpr std::uint32_t kMaxPushDescriptors = 64;
inline constexpr std::uint32_t kMaxInlineBytes = 65536;  // of one inline uniform block
// Each is a mapping of the process, of which Linux gives it 65,530; others have some, too.
inline constexpr std::uint32_t kMaxAllocations = 1u << 15;
inline constexpr std::uint32_t kMaxSamplers = 1u << 22;
inline constexpr std::uint32_t kMaxQueries = 1u << 24;  // of one pool
// Of what vkMapMemory returns of the driver's own memory: the least that Vulkan allows. Imported
// memory is mapped where it lies, and may lie anywhere: whoever imported it knows its address, and
// programs (IREE's to_host) import what is as long as their arrays are.
inline constexpr std::uint32_t kMemoryAlignment = 64;
inline constexpr std::uint32_t kImportAlignment = 1;
// Where buffers may lie in their memory, by what they are used for. No more than has to be: Halide
// cuts what it copies at a multiple of it. 64-bit atomics are atomic where they are at multiples of
// 8: a program that wants them binds its buffers so, as it does on GPUs that take multiples of 4.
inline constexpr std::uint32_t kStorageAlignment = 4, kUniformAlignment = 16, kTexelAlignment = 16;
inline constexpr std::uint32_t kImageAlignment = 32;
inline constexpr VkDeviceSize kMaxImageBytes = VkDeviceSize{1} << 40;
inline constexpr const char* kDriverName = "SOKR";

// Of VK_KHR_shader_subgroup_rotate, which the headers may not know.
inline constexpr VkSubgroupFeatureFlags kSubgroupRotate = 0x200, kSubgroupRotateClustered = 0x400;
inline constexpr VkSubgroupFeatureFlags kSubgroupOperations =
    VK_SUBGROUP_FEATURE_BASIC_BIT | VK_SUBGROUP_FEATURE_VOTE_BIT |
    VK_SUBGROUP_FEATURE_ARITHMETIC_BIT | VK_SUBGROUP_FEATURE_BALLOT_BIT |
    VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT |
    VK_SUBGROUP_FEATURE_CLUSTERED_BIT | VK_SUBGROUP_FEATURE_QUAD_BIT | kSubgroupRotate |
    kSubgroupRotateClustered;

struct DeviceFacts {
  SokrComputeLimits limits{};
  std::uint32_t min_subgroup_size = 0, max_subgroup_size = 0;  // within what Vulkan can say
  std::uint32_t max_workgroup_subgroups = 0;
  // Bytes of memory that this process may have, by heap; see memory.hpp.
  VkDeviceSize local_heap_size = 0, other_heap_size = 0;
  std::array<std::uint8_t, VK_UUID_SIZE> device_uuid{}, driver_uuid{};
  std::string device_name, driver_info;
};

}  // namespace sokr::icd

#endif  // SOKR_ICD_FACTS_HPP_
