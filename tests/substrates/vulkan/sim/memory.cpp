// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Memory of the simulated device. All of it is ordinary memory of the driver below; what
// the host may reach of it, and when each sees what the other wrote, is decided here.
//
// Memory that is not coherent is shown to the host as a copy of its own. Only a flush
// carries the host's bytes to the device, and only an invalidation the device's to the host.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include "layer.hpp"

namespace sokr::vulkan::sim {
namespace {

constexpr int kPoison = 0xDB;  // what the host sees before it has invalidated

void went_up(std::atomic<std::uint64_t>& now, std::atomic<std::uint64_t>& most) {
  const std::uint64_t count = now.fetch_add(1) + 1;
  std::uint64_t seen = most.load();
  while (seen < count && !most.compare_exchange_weak(seen, count)) {
  }
}

bool is_simulated(const Device&) {
  return !profile().memory.types.empty();
}

VkMemoryPropertyFlags flags_of(const Device& device, std::uint32_t type) {
  return device.memory.memoryTypes[type].propertyFlags;
}

std::uint32_t all_types(const Device& device) {
  return (1u << device.memory.memoryTypeCount) - 1;
}

// Why the device cannot give this memory; VK_SUCCESS if it can. The mutex is held.
VkResult judge(const Device& device, const VkMemoryAllocateInfo& info) {
  const std::uint32_t heap = device.memory.memoryTypes[info.memoryTypeIndex].heapIndex;
  std::uint32_t most = state().allocation_limit.load();
  if (most == 0) most = device.limits.maxMemoryAllocationCount;
  if (device.allocations.size() >= most) return VK_ERROR_TOO_MANY_OBJECTS;
  const VkDeviceSize room = device.memory.memoryHeaps[heap].size;
  if (info.allocationSize > room) {
    violation("vkAllocateMemory of %llu bytes of heap %u, which has %llu",
              static_cast<unsigned long long>(info.allocationSize), heap,
              static_cast<unsigned long long>(room));
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  }
  if ((state().full_heaps.load() >> heap & 1) || info.allocationSize > room - device.used[heap]) {
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  }
  return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL allocate_memory(VkDevice handle, const VkMemoryAllocateInfo* info,
                                               const VkAllocationCallbacks* allocator,
                                               VkDeviceMemory* out) {
  Device& device = device_of(handle);
  VkMemoryAllocateInfo real = *info;
  Allocation made;
  made.size = info->allocationSize;
  made.type = info->memoryTypeIndex;
  made.imported =
      find_in_chain<VkImportMemoryHostPointerInfoEXT>(
          info->pNext, VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT) != nullptr;
  if (is_simulated(device)) {
    if (made.type >= device.memory.memoryTypeCount) {
      violation("vkAllocateMemory of type %u of %u", made.type, device.memory.memoryTypeCount);
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    real.memoryTypeIndex = device.real_type;
  }
  std::lock_guard lock(device.mutex);
  if (is_simulated(device)) {
    if (const VkResult refused = judge(device, *info); refused != VK_SUCCESS) return refused;
  }
  const VkResult result = device.next.AllocateMemory(handle, &real, allocator, out);
  if (result != VK_SUCCESS) return result;
  if (device.copy_queue) {
    void* bytes = nullptr;
    device.next.MapMemory(handle, *out, 0, VK_WHOLE_SIZE, 0, &bytes);
    made.bytes = static_cast<std::byte*>(bytes);
  }
  device.used[device.memory.memoryTypes[made.type].heapIndex] += made.size;
  note_used(device.memory.memoryTypes[made.type].heapIndex, static_cast<std::int64_t>(made.size));
  if (made.imported) {
    state().imports.fetch_add(1);
  } else {
    state().allocations[made.type % kMostTypes].fetch_add(1);
  }
  went_up(state().memories, state().most_memories);
  device.allocations.emplace(*out, std::move(made));
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL free_memory(VkDevice handle, VkDeviceMemory memory,
                                       const VkAllocationCallbacks* allocator) {
  Device& device = device_of(handle);
  if (memory) {
    std::lock_guard lock(device.mutex);
    auto found = device.allocations.find(memory);
    const Allocation& freed = found->second;
    const std::uint32_t heap = device.memory.memoryTypes[freed.type].heapIndex;
    device.used[heap] -= freed.size;
    note_used(heap, -static_cast<std::int64_t>(freed.size));
    device.allocations.erase(found);
    state().memories.fetch_sub(1);
  }
  device.next.FreeMemory(handle, memory, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL map_memory(VkDevice handle, VkDeviceMemory memory,
                                          VkDeviceSize offset, VkDeviceSize size,
                                          VkMemoryMapFlags flags, void** out) {
  Device& device = device_of(handle);
  if (!is_simulated(device)) {
    return device.next.MapMemory(handle, memory, offset, size, flags, out);
  }
  std::lock_guard lock(device.mutex);
  Allocation& mapped = device.allocations.at(memory);
  const VkMemoryPropertyFlags properties = flags_of(device, mapped.type);
  if (!(properties & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT)) {
    violation("vkMapMemory of memory of type %u, which the host cannot reach", mapped.type);
    return VK_ERROR_MEMORY_MAP_FAILED;
  }
  if (mapped.mapped || offset >= mapped.size ||
      (size != VK_WHOLE_SIZE && size > mapped.size - offset)) {
    violation(mapped.mapped ? "vkMapMemory of memory that is mapped"
                            : "vkMapMemory of bytes beyond the end of the memory");
    return VK_ERROR_MEMORY_MAP_FAILED;
  }
  void* real = nullptr;
  const VkResult result = device.next.MapMemory(handle, memory, 0, VK_WHOLE_SIZE, flags, &real);
  if (result != VK_SUCCESS) return result;
  mapped.mapped = true;
  mapped.real = static_cast<std::byte*>(real);
  mapped.offset = offset;
  mapped.length = size == VK_WHOLE_SIZE ? mapped.size - offset : size;
  std::byte* seen = mapped.real;
  if (!(properties & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)) {
    constexpr std::size_t kPage = 4096;
    const std::size_t bytes = (mapped.size + kPage - 1) / kPage * kPage;
    mapped.shadow.reset(static_cast<std::byte*>(std::aligned_alloc(kPage, bytes)));
    std::memset(mapped.shadow.get(), kPoison, bytes);
    seen = mapped.shadow.get();
  }
  *out = seen + offset;
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL unmap_memory(VkDevice handle, VkDeviceMemory memory) {
  Device& device = device_of(handle);
  if (is_simulated(device)) {
    std::lock_guard lock(device.mutex);
    Allocation& mapped = device.allocations.at(memory);
    if (!mapped.mapped) violation("vkUnmapMemory of memory that is not mapped");
    mapped.mapped = false;
    mapped.shadow.reset();
  }
  device.next.UnmapMemory(handle, memory);
}

// The bytes of a range that is flushed or invalidated; 0 if it is none.
VkDeviceSize range_size(const Device& device, const Allocation& mapped,
                        const VkMappedMemoryRange& range, const char* call) {
  const VkDeviceSize atom = device.limits.nonCoherentAtomSize;
  const VkDeviceSize end_of_map = mapped.offset + mapped.length;
  if (!mapped.mapped || range.offset < mapped.offset || range.offset >= end_of_map ||
      (range.size != VK_WHOLE_SIZE && range.size > end_of_map - range.offset)) {
    violation("%s of bytes that are not mapped", call);
    return 0;
  }
  const VkDeviceSize size = range.size == VK_WHOLE_SIZE ? end_of_map - range.offset : range.size;
  const VkDeviceSize end = range.offset + size;
  if (range.offset % atom != 0 || (end % atom != 0 && end != mapped.size)) {
    violation("%s of %llu bytes at %llu, which are no whole atoms of %llu", call,
              static_cast<unsigned long long>(size), static_cast<unsigned long long>(range.offset),
              static_cast<unsigned long long>(atom));
    return 0;
  }
  return size;
}

VkResult move(VkDevice handle, std::uint32_t count, const VkMappedMemoryRange* ranges,
              bool to_device) {
  Device& device = device_of(handle);
  const char* call = to_device ? "vkFlushMappedMemoryRanges" : "vkInvalidateMappedMemoryRanges";
  std::lock_guard lock(device.mutex);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Allocation& mapped = device.allocations.at(ranges[i].memory);
    const VkDeviceSize size = range_size(device, mapped, ranges[i], call);
    (to_device ? state().flushes : state().invalidations).fetch_add(1);
    if (!mapped.shadow) continue;
    std::byte* real = mapped.real + ranges[i].offset;
    std::byte* shadow = mapped.shadow.get() + ranges[i].offset;
    if (to_device) {
      std::memcpy(real, shadow, size);
    } else {
      std::memcpy(shadow, real, size);
    }
  }
  return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL flush(VkDevice handle, std::uint32_t count,
                                     const VkMappedMemoryRange* ranges) {
  Device& device = device_of(handle);
  if (!is_simulated(device)) return device.next.FlushMappedMemoryRanges(handle, count, ranges);
  return move(handle, count, ranges, true);
}

VKAPI_ATTR VkResult VKAPI_CALL invalidate(VkDevice handle, std::uint32_t count,
                                          const VkMappedMemoryRange* ranges) {
  Device& device = device_of(handle);
  if (!is_simulated(device)) {
    return device.next.InvalidateMappedMemoryRanges(handle, count, ranges);
  }
  return move(handle, count, ranges, false);
}

void simulate(const Device& device, VkMemoryRequirements& needs) {
  if (!is_simulated(device)) return;
  needs.memoryTypeBits = all_types(device);
  const VkDeviceSize alignment =
      std::max<VkDeviceSize>(needs.alignment, std::max<VkDeviceSize>(profile().alignment, 1));
  needs.alignment = alignment;
  needs.size = (needs.size + alignment - 1) / alignment * alignment;
}

VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice handle, const VkBufferCreateInfo* info,
                                             const VkAllocationCallbacks* allocator,
                                             VkBuffer* out) {
  Device& device = device_of(handle);
  // The driver has one family.
  VkBufferCreateInfo real = *info;
  real.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  const VkResult result = device.next.CreateBuffer(handle, &real, allocator, out);
  if (result == VK_SUCCESS) {
    std::lock_guard lock(device.mutex);
    device.buffers[*out] = {
        info->size, info->sharingMode == VK_SHARING_MODE_CONCURRENT, 0, 0, VK_NULL_HANDLE, 0};
  }
  return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_buffer(VkDevice handle, VkBuffer buffer,
                                          const VkAllocationCallbacks* allocator) {
  Device& device = device_of(handle);
  {
    std::lock_guard lock(device.mutex);
    if (auto found = device.buffers.find(buffer); found != device.buffers.end()) {
      if (found->second.copies != 0) violation("a buffer is destroyed while it is copied");
      device.buffers.erase(found);
    }
  }
  device.next.DestroyBuffer(handle, buffer, allocator);
}

VKAPI_ATTR void VKAPI_CALL get_requirements(VkDevice handle, VkBuffer buffer,
                                            VkMemoryRequirements* out) {
  Device& device = device_of(handle);
  device.next.GetBufferMemoryRequirements(handle, buffer, out);
  simulate(device, *out);
}

VKAPI_ATTR void VKAPI_CALL get_requirements2(VkDevice handle,
                                             const VkBufferMemoryRequirementsInfo2* info,
                                             VkMemoryRequirements2* out) {
  Device& device = device_of(handle);
  device.next.GetBufferMemoryRequirements2(handle, info, out);
  simulate(device, out->memoryRequirements);
}

VKAPI_ATTR void VKAPI_CALL get_device_requirements(VkDevice handle,
                                                   const VkDeviceBufferMemoryRequirements* info,
                                                   VkMemoryRequirements2* out) {
  Device& device = device_of(handle);
  device.next.GetDeviceBufferMemoryRequirements(handle, info, out);
  simulate(device, out->memoryRequirements);
}

void check_bind(Device& device, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset) {
  if (!is_simulated(device)) return;
  VkMemoryRequirements needs;
  get_requirements(device.handle, buffer, &needs);
  std::lock_guard lock(device.mutex);
  const VkDeviceSize size = device.allocations.at(memory).size;
  if (offset % needs.alignment != 0 || offset > size || needs.size > size - offset) {
    violation("a buffer that needs %llu bytes and alignment %llu is bound at %llu of %llu",
              static_cast<unsigned long long>(needs.size),
              static_cast<unsigned long long>(needs.alignment),
              static_cast<unsigned long long>(offset), static_cast<unsigned long long>(size));
  }
}

void note_bound(Device& device, VkBuffer buffer, VkDeviceMemory memory, VkDeviceSize offset) {
  std::lock_guard lock(device.mutex);
  BufferRow& row = device.buffers[buffer];
  row.memory = memory;
  row.offset = offset;
}

VKAPI_ATTR VkResult VKAPI_CALL bind_buffer(VkDevice handle, VkBuffer buffer, VkDeviceMemory memory,
                                           VkDeviceSize offset) {
  Device& device = device_of(handle);
  check_bind(device, buffer, memory, offset);
  note_bound(device, buffer, memory, offset);
  return device.next.BindBufferMemory(handle, buffer, memory, offset);
}

VKAPI_ATTR VkResult VKAPI_CALL bind_buffers(VkDevice handle, std::uint32_t count,
                                            const VkBindBufferMemoryInfo* infos) {
  Device& device = device_of(handle);
  for (std::uint32_t i = 0; i < count; ++i) {
    check_bind(device, infos[i].buffer, infos[i].memory, infos[i].memoryOffset);
    note_bound(device, infos[i].buffer, infos[i].memory, infos[i].memoryOffset);
  }
  return device.next.BindBufferMemory2(handle, count, infos);
}

VKAPI_ATTR VkResult VKAPI_CALL get_host_pointer(VkDevice handle,
                                                VkExternalMemoryHandleTypeFlagBits type,
                                                const void* pointer,
                                                VkMemoryHostPointerPropertiesEXT* out) {
  Device& device = device_of(handle);
  const VkResult result = device.next.GetMemoryHostPointerPropertiesEXT(handle, type, pointer, out);
  if (result != VK_SUCCESS || !is_simulated(device)) return result;
  out->memoryTypeBits = 0;
  for (std::uint32_t i = 0; i < device.memory.memoryTypeCount; ++i) {
    constexpr VkMemoryPropertyFlags kNeeded =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    if ((flags_of(device, i) & kNeeded) == kNeeded) out->memoryTypeBits |= 1u << i;
  }
  return result;
}

VKAPI_ATTR VkResult VKAPI_CALL create_command_pool(VkDevice handle,
                                                   const VkCommandPoolCreateInfo* info,
                                                   const VkAllocationCallbacks* allocator,
                                                   VkCommandPool* out) {
  Device& device = device_of(handle);
  VkCommandPoolCreateInfo real = *info;
  const bool copies = device.copy_queue && info->queueFamilyIndex == device.copy_family;
  if (copies) real.queueFamilyIndex = 0;
  const VkResult result = device.next.CreateCommandPool(handle, &real, allocator, out);
  if (result == VK_SUCCESS) went_up(state().command_pools, state().most_command_pools);
  std::lock_guard lock(device.mutex);
  if (result == VK_SUCCESS && copies) device.copy_pools.insert(*out);
  return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_command_pool(VkDevice handle, VkCommandPool pool,
                                                const VkAllocationCallbacks* allocator) {
  if (pool) state().command_pools.fetch_sub(1);
  Device& device = device_of(handle);
  {
    std::lock_guard lock(device.mutex);
    device.copy_pools.erase(pool);
    if (device.copy_pools.empty()) device.recorded.clear();
  }
  device.next.DestroyCommandPool(handle, pool, allocator);
}

VKAPI_ATTR VkResult VKAPI_CALL create_descriptor_pool(VkDevice handle,
                                                      const VkDescriptorPoolCreateInfo* info,
                                                      const VkAllocationCallbacks* allocator,
                                                      VkDescriptorPool* out) {
  const VkResult result = device_of(handle).next.CreateDescriptorPool(handle, info, allocator, out);
  if (result == VK_SUCCESS) went_up(state().descriptor_pools, state().most_descriptor_pools);
  return result;
}

VKAPI_ATTR void VKAPI_CALL destroy_descriptor_pool(VkDevice handle, VkDescriptorPool pool,
                                                   const VkAllocationCallbacks* allocator) {
  if (pool) state().descriptor_pools.fetch_sub(1);
  device_of(handle).next.DestroyDescriptorPool(handle, pool, allocator);
}

}  // namespace

namespace {
std::array<std::atomic<std::int64_t>, VK_MAX_MEMORY_HEAPS> all_used{};
}  // namespace

std::uint64_t used_of_heap(std::uint32_t heap) {
  return static_cast<std::uint64_t>(all_used[heap].load());
}

void note_used(std::uint32_t heap, std::int64_t bytes) {
  all_used[heap].fetch_add(bytes);
}

PFN_vkVoidFunction find_memory(std::string_view name) {
  static const auto functions = std::to_array<Function>({
      SOKR_SIM_FUNCTION("vkAllocateMemory", allocate_memory),
      SOKR_SIM_FUNCTION("vkFreeMemory", free_memory),
      SOKR_SIM_FUNCTION("vkMapMemory", map_memory),
      SOKR_SIM_FUNCTION("vkUnmapMemory", unmap_memory),
      SOKR_SIM_FUNCTION("vkFlushMappedMemoryRanges", flush),
      SOKR_SIM_FUNCTION("vkInvalidateMappedMemoryRanges", invalidate),
      SOKR_SIM_FUNCTION("vkCreateBuffer", create_buffer),
      SOKR_SIM_FUNCTION("vkDestroyBuffer", destroy_buffer),
      SOKR_SIM_FUNCTION("vkGetBufferMemoryRequirements", get_requirements),
      SOKR_SIM_FUNCTION("vkGetBufferMemoryRequirements2", get_requirements2),
      SOKR_SIM_FUNCTION("vkGetDeviceBufferMemoryRequirements", get_device_requirements),
      SOKR_SIM_FUNCTION("vkBindBufferMemory", bind_buffer),
      SOKR_SIM_FUNCTION("vkBindBufferMemory2", bind_buffers),
      SOKR_SIM_FUNCTION("vkGetMemoryHostPointerPropertiesEXT", get_host_pointer),
      SOKR_SIM_FUNCTION("vkCreateCommandPool", create_command_pool),
      SOKR_SIM_FUNCTION("vkDestroyCommandPool", destroy_command_pool),
      SOKR_SIM_FUNCTION("vkCreateDescriptorPool", create_descriptor_pool),
      SOKR_SIM_FUNCTION("vkDestroyDescriptorPool", destroy_descriptor_pool),
  });
  return find_function(functions, name);
}

}  // namespace sokr::vulkan::sim
