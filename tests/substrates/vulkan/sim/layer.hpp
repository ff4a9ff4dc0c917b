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
#include <vector>

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
  X(GetCalibratedTimestampsEXT)        \
  X(CmdDispatch)                       \
  X(CmdDispatchBase)                   \
  X(SignalSemaphore)                   \
  X(GetDeviceQueue)                    \
  X(GetDeviceQueue2)                   \
  X(AllocateCommandBuffers)            \
  X(FreeCommandBuffers)                \
  X(BeginCommandBuffer)                \
  X(CmdCopyBuffer)                     \
  X(CmdFillBuffer)                     \
  X(CmdBindPipeline)                   \
  X(CmdPipelineBarrier)

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
  std::byte* bytes = nullptr;           // all of it, for the queue that only copies
};

// Bits of BufferRow::families.
inline constexpr std::uint32_t kOwnFamily = 1, kCopyFamily = 2;

struct BufferRow {
  VkDeviceSize size = 0;
  bool concurrent = false;
  std::uint32_t families = 0;  // that have used it
  std::uint32_t copies = 0;    // that are submitted to the queue that only copies, and not done
  VkDeviceMemory memory = VK_NULL_HANDLE;
  VkDeviceSize offset = 0;
};

// A command for the queue that only copies.
struct Recorded {
  VkBuffer to = VK_NULL_HANDLE, from = VK_NULL_HANDLE;  // null: `word` is written
  VkDeviceSize to_offset = 0, from_offset = 0, size = 0;
  std::uint32_t word = 0;
};

struct Device;

// A queue of a family that the driver does not have (copies.cpp).
class CopyQueue {
 public:
  explicit CopyQueue(Device& device);
  // What was submitted is done first.
  ~CopyQueue();
  CopyQueue(const CopyQueue&) = delete;
  CopyQueue& operator=(const CopyQueue&) = delete;
  VkQueue handle() { return reinterpret_cast<VkQueue>(this); }
  VkResult submit(std::uint32_t count, const VkSubmitInfo* infos);
  VkResult submit(std::uint32_t count, const VkSubmitInfo2* infos);
  void wait_idle();

 private:
  struct Job;
  struct Work;
  void run();
  void perform(const Job& job);
  void push(Job job);
  void add(Job& job, VkCommandBuffer commands) const;

  const void* key_;  // by which the loader and layers find the device: the first member
  Device& device_;
  std::unique_ptr<Work> work_;
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

  // Null if the device was created without it.
  std::unique_ptr<CopyQueue> copy_queue;
  std::uint32_t copy_family = UINT32_MAX;

  std::atomic<bool> lost{false};
  std::mutex mutex;  // guards what follows
  std::unordered_map<VkDeviceMemory, Allocation> allocations;
  std::unordered_map<VkBuffer, BufferRow> buffers;
  std::unordered_set<VkCommandPool> copy_pools;
  // Of these pools.
  std::unordered_map<VkCommandBuffer, std::vector<Recorded>> recorded;
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
PFN_vkVoidFunction find_copies(std::string_view name);

// A use by a family; the mutex of the device is held.
void note_family(BufferRow& buffer, std::uint32_t family);
// A violation if the commands are for the queue that only copies.
void refuse_on_copy_queue(const Device& device, VkCommandBuffer commands, const char* call);
// How many families the driver has: the next number is that of the queue that only copies.
std::uint32_t own_families(VkPhysicalDevice physical);

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
