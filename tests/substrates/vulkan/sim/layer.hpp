// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Inside the simulation layer: what it knows of each instance and device that passes
// through it, and the functions below it. Any thread.
#ifndef SOKR_TESTS_VULKAN_SIM_LAYER_HPP_
#define SOKR_TESTS_VULKAN_SIM_LAYER_HPP_

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "profiles.hpp"
#include "state.hpp"

namespace sokr::vulkan::sim {

#define SOKR_SIM_INSTANCE_FUNCTIONS(X)         \
  X(DestroyInstance)                           \
  X(EnumeratePhysicalDevices)                  \
  X(GetPhysicalDeviceProperties)               \
  X(GetPhysicalDeviceProperties2)              \
  X(GetPhysicalDeviceFeatures)                 \
  X(GetPhysicalDeviceFeatures2)                \
  X(GetPhysicalDeviceMemoryProperties)         \
  X(GetPhysicalDeviceMemoryProperties2)        \
  X(GetPhysicalDeviceExternalBufferProperties) \
  X(GetPhysicalDeviceQueueFamilyProperties)    \
  X(GetPhysicalDeviceQueueFamilyProperties2)   \
  X(EnumerateDeviceExtensionProperties)        \
  X(CreateDevice)

#define SOKR_SIM_DEVICE_FUNCTIONS(X)   \
  X(DestroyDevice)                     \
  X(DeviceWaitIdle)                    \
  X(QueueWaitIdle)                     \
  X(QueueSubmit)                       \
  X(QueueSubmit2)                      \
  X(CreateSemaphore)                   \
  X(DestroySemaphore)                  \
  X(WaitSemaphores)                    \
  X(GetSemaphoreCounterValue)          \
  X(AllocateMemory)                    \
  X(FreeMemory)                        \
  X(MapMemory)                         \
  X(UnmapMemory)                       \
  X(FlushMappedMemoryRanges)           \
  X(InvalidateMappedMemoryRanges)      \
  X(CreateBuffer)                      \
  X(DestroyBuffer)                     \
  X(GetBufferMemoryRequirements)       \
  X(GetBufferMemoryRequirements2)      \
  X(GetDeviceBufferMemoryRequirements) \
  X(BindBufferMemory)                  \
  X(BindBufferMemory2)                 \
  X(GetMemoryHostPointerPropertiesEXT) \
  X(CreateCommandPool)                 \
  X(DestroyCommandPool)                \
  X(CreateDescriptorPool)              \
  X(DestroyDescriptorPool)             \
  X(CreatePipelineLayout)              \
  X(UpdateDescriptorSets)              \
  X(CreateShaderModule)                \
  X(DestroyShaderModule)               \
  X(CreateComputePipelines)            \
  X(CreateQueryPool)                   \
  X(DestroyQueryPool)                  \
  X(GetQueryPoolResults)               \
  X(CmdWriteTimestamp)                 \
  X(CmdDispatch)                       \
  X(CmdDispatchBase)

#define SOKR_SIM_POINTER(name) PFN_vk##name name = nullptr;

struct Instance {
  VkInstance handle = VK_NULL_HANDLE;
  PFN_vkGetInstanceProcAddr proc_addr = nullptr;
  struct Next {
    SOKR_SIM_INSTANCE_FUNCTIONS(SOKR_SIM_POINTER)
  } next;
};

struct Free {
  void operator()(std::byte* memory) const { std::free(memory); }
};

struct Allocation {
  VkDeviceSize size = 0;
  std::uint32_t type = 0;
  bool imported = false;
  bool mapped = false;
  // What the host sees instead of the memory, where that is not coherent.
  std::unique_ptr<std::byte, Free> shadow;
  std::byte* real = nullptr;
  VkDeviceSize offset = 0, length = 0;  // what is mapped
};

struct Device {
  VkDevice handle = VK_NULL_HANDLE;
  Instance* instance = nullptr;
  PFN_vkGetDeviceProcAddr proc_addr = nullptr;
  struct Next {
    SOKR_SIM_DEVICE_FUNCTIONS(SOKR_SIM_POINTER)
  } next;
  // As they are simulated.
  VkPhysicalDeviceLimits limits{};
  VkPhysicalDeviceMemoryProperties memory{};
  std::uint32_t subgroup_size = 0;
  std::uint32_t real_type = 0;  // of the driver's memory, for all that is simulated

  std::atomic<bool> lost{false};
  std::mutex mutex;  // guards what follows
  std::unordered_map<VkDeviceMemory, Allocation> allocations;
  std::unordered_map<VkBuffer, VkDeviceSize> buffers;  // their sizes
  VkDeviceSize used[VK_MAX_MEMORY_HEAPS]{};
  std::unordered_set<VkQueryPool> timestamps;
  std::uint64_t first_timestamp = 0;
  std::unordered_set<VkShaderModule> varying;  // their subgroups may be of any size
};
#undef SOKR_SIM_POINTER

const Profile& profile();
State& state();

// Of any handle that Vulkan dispatches on: instances and physical devices, or devices,
// queues and command buffers.
Instance& instance_of(const void* handle);
Device& device_of(const void* handle);

// Bytes of a simulated heap that are allocated, of all devices.
std::uint64_t used_of_heap(std::uint32_t heap);
void note_used(std::uint32_t heap, std::int64_t bytes);

// Crashes or hangs in the function if the environment says so.
void maybe_die(std::string_view function);

// A call that hardware would not survive, or whose result it does not define.
[[gnu::format(printf, 1, 2)]] void violation(const char* format, ...);

// True once the device is to be lost: the call returns VK_ERROR_DEVICE_LOST.
bool loses(Device& device);

// Makes `limits`, `memory` and `subgroup_size` of a new device.
void fill_simulated(Device& device, VkPhysicalDevice physical);
// VK_SUCCESS, or what a device says that lacks an extension or a feature that is asked for.
VkResult check_enabled(const VkDeviceCreateInfo& info);

struct Function {
  std::string_view name;
  PFN_vkVoidFunction function;
};
#define SOKR_SIM_FUNCTION(name, function)                \
  Function {                                             \
    name, reinterpret_cast<PFN_vkVoidFunction>(function) \
  }

// By its name, or the one that it had before it became core.
inline PFN_vkVoidFunction find_function(std::span<const Function> functions,
                                        std::string_view name) {
  if (name.ends_with("KHR")) name.remove_suffix(3);
  for (const Function& row : functions) {
    if (row.name == name) return row.function;
  }
  return nullptr;
}

// The layer's own functions by room; null if it has none of that name.
PFN_vkVoidFunction find_physical(std::string_view name);
PFN_vkVoidFunction find_memory(std::string_view name);
PFN_vkVoidFunction find_work(std::string_view name);

// The first structure of this type in a chain.
template <class T>
const T* find_in_chain(const void* chain, VkStructureType type) {
  for (auto* node = static_cast<const VkBaseInStructure*>(chain); node; node = node->pNext) {
    if (node->sType == type) return reinterpret_cast<const T*>(node);
  }
  return nullptr;
}

}  // namespace sokr::vulkan::sim

#endif  // SOKR_TESTS_VULKAN_SIM_LAYER_HPP_
