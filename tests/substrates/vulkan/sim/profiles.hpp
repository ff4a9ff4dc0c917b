// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The devices that the simulation layer makes of a software device: one row each.
#ifndef SOKR_TESTS_VULKAN_SIM_PROFILES_HPP_
#define SOKR_TESTS_VULKAN_SIM_PROFILES_HPP_

#include <vulkan/vulkan.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sokr::vulkan::sim {

struct MemoryLayout {
  std::span<const VkMemoryHeap> heaps;
  std::span<const VkMemoryType> types;
};

// A 0 or an empty part leaves what the driver says. No limit is ever made wider than the
// driver's: the work is really done there.
struct Profile {
  std::string_view name;
  VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
  MemoryLayout memory;
  std::uint32_t alignment = 0;      // of offsets in descriptors
  std::uint32_t atom = 0;           // nonCoherentAtomSize
  std::uint32_t allocations = 0;    // maxMemoryAllocationCount
  std::uint32_t groups = 0;         // maxComputeWorkGroupCount on each axis
  std::uint32_t sets = 0;           // maxBoundDescriptorSets
  int timestamp_bits = -1;          // -1 = as the driver
  std::uint32_t most_subgroup = 0;  // sizes vary from the driver's up to this one
  std::uint64_t most_buffer = 0;    // maxBufferSize
  bool budgets = false;             // VK_EXT_memory_budget
  bool unchecked = false;           // VK_EXT_pipeline_robustness
  bool no_import = false;           // buffers of host memory can be named, but not made
  bool minimum_limits = false;      // of all else, what the specification asks at least
  bool copies = false;              // a queue that only copies, of a family of its own
  std::string_view hidden;          // features and extensions that it lacks, by comma
  // Nothing can be submitted: the driver runs without hardware, and only compiles.
  bool only_compiles = false;
};

// Null if SOKR_SIM_PROFILE is not set. Names no profile: prints those that there are, and
// ends the process.
const Profile* chosen_profile();

bool hides(const Profile& profile, std::string_view name);

}  // namespace sokr::vulkan::sim

#endif  // SOKR_TESTS_VULKAN_SIM_PROFILES_HPP_
