// SPDX-License-Identifier: MIT OR Apache-2.0
#include "profiles.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace sokr::vulkan::sim {
namespace {

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kVisible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
constexpr VkMemoryPropertyFlags kCoherent = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
constexpr VkMemoryHeapFlags kLocalHeap = VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
constexpr VkDeviceSize kMega = 1 << 20;

// Video memory behind a bus, a small window of it that the host can write to.
constexpr auto kCardHeaps = std::to_array<VkMemoryHeap>(
    {{6144 * kMega, kLocalHeap}, {8192 * kMega, 0}, {246 * kMega, kLocalHeap}});
constexpr auto kCardTypes = std::to_array<VkMemoryType>({{0, 1},
                                                         {kLocal, 0},
                                                         {kVisible | kCoherent, 1},
                                                         {kVisible | kCoherent | kCached, 1},
                                                         {kLocal | kVisible | kCoherent, 2}});
// The same without any cached type.
constexpr auto kPlainTypes = std::to_array<VkMemoryType>({{kLocal, 0}, {kVisible | kCoherent, 1}});
// One memory under two names; what the host sees of the first is write-combined.
constexpr auto kApuHeaps =
    std::to_array<VkMemoryHeap>({{4096 * kMega, kLocalHeap}, {2048 * kMega, 0}});
constexpr auto kApuTypes = std::to_array<VkMemoryType>({{kLocal, 0},
                                                        {kVisible | kCoherent, 1},
                                                        {kLocal | kVisible | kCoherent, 0},
                                                        {kVisible | kCoherent | kCached, 1}});
// All of the video memory is mapped, and the first type says so.
constexpr auto kBarHeaps =
    std::to_array<VkMemoryHeap>({{6144 * kMega, kLocalHeap}, {8192 * kMega, 0}});
constexpr auto kBarTypes = std::to_array<VkMemoryType>(
    {{kLocal | kVisible | kCoherent, 0}, {kVisible | kCoherent | kCached, 1}});
// One memory; what the processor caches of it, it has to flush.
constexpr auto kOneHeap = std::to_array<VkMemoryHeap>({{4096 * kMega, kLocalHeap}});
constexpr auto kSplitTypes = std::to_array<VkMemoryType>(
    {{kLocal | kVisible | kCoherent, 0}, {kLocal | kVisible | kCached, 0}});

constexpr auto kProfiles = std::to_array<Profile>({
    {.name = "nvidia",
     .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
     .memory = {kCardHeaps, kCardTypes},
     .alignment = 64,
     .atom = 64,
     .allocations = 4096,
     .most_buffer = 1u << 30,
     .budgets = true,
     .unchecked = true,
     .copies = true},
    {.name = "amd-apu",
     .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
     .memory = {kApuHeaps, kApuTypes},
     .atom = 64},
    {.name = "rebar-first",
     .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
     .memory = {kBarHeaps, kBarTypes},
     .atom = 64,
     .no_import = true,
     .copies = true},
    {.name = "mali",
     .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
     .memory = {kOneHeap, kSplitTypes},
     .alignment = 64,
     .atom = 64,
     .groups = 65535,
     .sets = 4,
     .timestamp_bits = 0,
     .hidden = "shaderFloat64,shaderInt64,shaderBufferInt64Atomics,shaderSharedInt64Atomics,"
               "robustBufferAccess2,nullDescriptor,shaderSharedFloat32AtomicAdd"},
    {.name = "intel-no-llc",
     .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
     .memory = {kOneHeap, kSplitTypes},
     .alignment = 64,
     .atom = 128,
     .groups = 65535,
     .timestamp_bits = 36,
     .most_subgroup = 32,
     .hidden = "shaderFloat64,shaderSharedFloat32AtomicAdd"},
    {.name = "minimum",
     .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
     .memory = {kBarHeaps, kPlainTypes},
     .alignment = 256,
     .atom = 256,
     .allocations = 4096,
     .groups = 65535,
     .sets = 4,
     .timestamp_bits = 0,
     .minimum_limits = true,
     .hidden = "shaderFloat64,shaderInt64,shaderInt16,shaderFloat16,shaderInt8,"
               "shaderBufferInt64Atomics,shaderSharedInt64Atomics,storageBuffer8BitAccess,"
               "uniformAndStorageBuffer8BitAccess,storageBuffer16BitAccess,"
               "uniformAndStorageBuffer16BitAccess,variablePointers,"
               "variablePointersStorageBuffer,scalarBlockLayout,uniformBufferStandardLayout,"
               "shaderSubgroupExtendedTypes,bufferDeviceAddress,robustBufferAccess2,"
               "nullDescriptor,synchronization2,maintenance4,"
               "VK_EXT_external_memory_host,VK_EXT_shader_atomic_float,"
               "VK_EXT_shader_atomic_float2,VK_EXT_robustness2"},
    {.name = "only-compiles", .only_compiles = true},
});

}  // namespace

const Profile* chosen_profile() {
  static const Profile* chosen = []() -> const Profile* {
    const char* wanted = std::getenv("SOKR_SIM_PROFILE");
    if (!wanted || !*wanted) return nullptr;
    for (const Profile& profile : kProfiles) {
      if (profile.name == wanted) return &profile;
    }
    std::fprintf(stderr, "sokr-sim: SOKR_SIM_PROFILE is '%s'; there are", wanted);
    for (const Profile& profile : kProfiles) {
      std::fprintf(stderr, " %.*s", static_cast<int>(profile.name.size()), profile.name.data());
    }
    std::fprintf(stderr, "\n");
    std::_Exit(2);
  }();
  return chosen;
}

bool hides(const Profile& profile, std::string_view name) {
  std::string_view rest = profile.hidden;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    if (rest.substr(0, comma) == name) return true;
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace sokr::vulkan::sim
