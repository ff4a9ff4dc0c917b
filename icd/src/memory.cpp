// SPDX-License-Identifier: MIT OR Apache-2.0
#include "memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <memory>
#include <sokr/base/pages.hpp>

#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {
namespace {

VkDeviceSize alignment_for(VkBufferUsageFlags usage) {
  constexpr VkBufferUsageFlags kTexels =
      VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT | VK_BUFFER_USAGE_STORAGE_TEXEL_BUFFER_BIT;
  VkDeviceSize alignment = kStorageAlignment;  // enough for copies and counts of workgroups, too
  if (usage & VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT) alignment = kUniformAlignment;
  if (usage & kTexels) alignment = std::max<VkDeviceSize>(alignment, kTexelAlignment);
  return alignment;
}

// No byte more than the buffer has, so that memory of the host of just that size will do.
void give_requirements(VkDeviceSize size, VkBufferUsageFlags usage, VkMemoryRequirements& out) {
  out.size = (size + 3) / 4 * 4;
  out.alignment = alignment_for(usage);
  out.memoryTypeBits = kAllMemoryTypes;
}

void give_requirements(VkDeviceSize size, VkBufferUsageFlags usage, VkMemoryRequirements2& out) {
  give_requirements(size, usage, out.memoryRequirements);
  if (auto* dedicated = find_out<VkMemoryDedicatedRequirements>(out.pNext)) {
    dedicated->prefersDedicatedAllocation = VK_FALSE;
    dedicated->requiresDedicatedAllocation = VK_FALSE;
  }
}

bool is_host_handle(VkExternalMemoryHandleTypeFlagBits type) {
  return type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT ||
         type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_MAPPED_FOREIGN_MEMORY_BIT_EXT;
}

// Tells the substrate of memory whose addresses kernels may get.
bool make_addressable(Device& device, Allocation& allocation) {
  const SokrMemoryTable* table = device.substrate.info->memory;
  const std::uint32_t alignment = device.substrate.info->limits->host_import_alignment;
  if (!table || !table->import_host || alignment == 0) return false;
  const VkDeviceSize size = (allocation.size + alignment - 1) / alignment * alignment;
  return table->import_host(allocation.data, size, &allocation.addressed) == SOKR_OK;
}

}  // namespace

void forget_address(const Device& device, Allocation& allocation) noexcept {
  if (allocation.addressed) device.substrate.info->memory->free(allocation.addressed);
  allocation.addressed = 0;
}

Allocation* MemoryTable::add(VkDeviceSize size, std::uint32_t heap, void* host) {
  std::byte* data = host ? static_cast<std::byte*>(host) : map_pages(size, MAP_NORESERVE);
  if (!data) return nullptr;
  std::lock_guard lock(mutex_);
  if (free_.empty()) {
    try {
      all_.emplace_back();
      free_.reserve(all_.size());  // so that removal needs no memory
      free_.push_back(&all_.back());
    } catch (...) {
      if (!host) unmap_pages(data, size);
      throw;
    }
  }
  Allocation* allocation = free_.back();
  free_.pop_back();
  allocation->data = data;
  allocation->size = size;
  allocation->imported = host != nullptr;
  allocation->heap = heap;
  allocation->generation.fetch_add(1, std::memory_order_release);
  count_memory(*allocation, size, 0);
  return allocation;
}

void MemoryTable::remove(Allocation* allocation) noexcept {
  std::byte* own = nullptr;
  const VkDeviceSize size = allocation->size;
  {
    std::lock_guard lock(mutex_);
    allocation->generation.fetch_add(1, std::memory_order_acq_rel);
    freed_.fetch_add(1, std::memory_order_release);
    count_memory(*allocation, 0, size);
    if (!allocation->imported) own = allocation->data;
    allocation->data = nullptr;
    free_.push_back(allocation);
  }
  // To give back gigabytes takes long: nobody else waits for it.
  if (own) unmap_pages(own, size);
}

MemoryTable::~MemoryTable() {
  for (Allocation& a : all_) {
    if (a.data) count_memory(a, 0, a.size);
    if (a.data && !a.imported) unmap_pages(a.data, a.size);
  }
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateMemory(VkDevice handle, const VkMemoryAllocateInfo* info,
                                                const VkAllocationCallbacks* callbacks,
                                                VkDeviceMemory* out) {
  Device& device = *of(handle);
  *out = VK_NULL_HANDLE;
  if (is_forked()) return VK_ERROR_OUT_OF_HOST_MEMORY;
  return guarded([&]() -> VkResult {
    if (info->memoryTypeIndex >= kMemoryTypes.size()) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    const std::uint32_t heap = kMemoryTypes[info->memoryTypeIndex].heapIndex;
    if (info->allocationSize == 0 || info->allocationSize > size_of(device.substrate.facts, heap)) {
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    const auto* imported = find<VkImportMemoryHostPointerInfoEXT>(info->pNext);
    if (imported && !is_host_handle(imported->handleType)) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    const DeviceFacts& facts = device.substrate.facts;
    if (!imported && own_memory_in_use(heap) + info->allocationSize > most_of(facts, heap)) {
      report(instance_of(handle), SOKR_LOG_WARNING,
             "vkAllocateMemory: " + std::to_string(info->allocationSize) + " bytes beside " +
                 std::to_string(own_memory_in_use(heap)) + " would be more than twice the heap " +
                 std::to_string(heap));
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    }
    if (const auto* exported = find<VkExportMemoryAllocateInfo>(info->pNext);
        exported && exported->handleTypes) {
      report(instance_of(handle), SOKR_LOG_ERROR,
             "vkAllocateMemory: memory cannot be exported to other processes");
      return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    }
    const auto drop = [&](DeviceMemory* made) { destroy(callbacks, made); };
    std::unique_ptr<DeviceMemory, decltype(drop)> owner(
        make<DeviceMemory>(callbacks, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT), drop);
    DeviceMemory* const memory = owner.get();
    if (!memory) return VK_ERROR_OUT_OF_HOST_MEMORY;
    memory->allocation =
        device.memory.add(info->allocationSize, heap, imported ? imported->pHostPointer : nullptr);
    const auto* flags = find<VkMemoryAllocateFlagsInfo>(info->pNext);
    const bool addressed = flags && (flags->flags & VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT);
    if (memory->allocation && addressed && !make_addressable(device, *memory->allocation)) {
      device.memory.remove(memory->allocation);
      memory->allocation = nullptr;
    }
    if (!memory->allocation) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    *out = reinterpret_cast<VkDeviceMemory>(owner.release());
    return VK_SUCCESS;
  });
}

VKAPI_ATTR void VKAPI_CALL vkFreeMemory(VkDevice device, VkDeviceMemory handle,
                                        const VkAllocationCallbacks* callbacks) {
  DeviceMemory* memory = of(handle);
  // The memory of a child of the process goes with it.
  if (!memory || is_forked()) return;
  forget_address(*of(device), *memory->allocation);
  of(device)->memory.remove(memory->allocation);
  destroy(callbacks, memory);
}

VKAPI_ATTR VkResult VKAPI_CALL vkMapMemory(VkDevice, VkDeviceMemory handle, VkDeviceSize offset,
                                           VkDeviceSize, VkMemoryMapFlags, void** out) {
  const Allocation& allocation = *of(handle)->allocation;
  if (offset >= allocation.size) return VK_ERROR_MEMORY_MAP_FAILED;
  *out = allocation.data + offset;
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkUnmapMemory(VkDevice, VkDeviceMemory) {}

// All memory is coherent.
VKAPI_ATTR VkResult VKAPI_CALL vkFlushMappedMemoryRanges(VkDevice, std::uint32_t,
                                                         const VkMappedMemoryRange*) {
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkInvalidateMappedMemoryRanges(VkDevice, std::uint32_t,
                                                              const VkMappedMemoryRange*) {
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkGetDeviceMemoryCommitment(VkDevice, VkDeviceMemory handle,
                                                       VkDeviceSize* out) {
  *out = of(handle)->allocation->size;
}

VKAPI_ATTR std::uint64_t VKAPI_CALL
vkGetDeviceMemoryOpaqueCaptureAddress(VkDevice, const VkDeviceMemoryOpaqueCaptureAddressInfo*) {
  return 0;
}

VKAPI_ATTR VkResult VKAPI_CALL
vkGetMemoryHostPointerPropertiesEXT(VkDevice, VkExternalMemoryHandleTypeFlagBits type,
                                    const void* pointer, VkMemoryHostPointerPropertiesEXT* out) {
  out->memoryTypeBits = 0;
  if (!is_host_handle(type)) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  const bool aligned = reinterpret_cast<std::uintptr_t>(pointer) % kImportAlignment == 0;
  if (!pointer || !aligned) return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  out->memoryTypeBits = kAllMemoryTypes;
  return VK_SUCCESS;
}

// ---- Buffers ---------------------------------------------------------------------------------

VKAPI_ATTR VkResult VKAPI_CALL vkCreateBuffer(VkDevice handle, const VkBufferCreateInfo* info,
                                              const VkAllocationCallbacks* callbacks,
                                              VkBuffer* out) {
  *out = VK_NULL_HANDLE;
  if (info->size == 0 || info->size > of(handle)->substrate.facts.local_heap_size) {
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  }
  const VkResult result = create<Buffer>(callbacks, out);
  if (result == VK_SUCCESS) {
    of(*out)->size = info->size;
    of(*out)->usage = info->usage;
  }
  return result;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyBuffer(VkDevice, VkBuffer handle,
                                           const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

VKAPI_ATTR void VKAPI_CALL vkGetBufferMemoryRequirements(VkDevice, VkBuffer handle,
                                                         VkMemoryRequirements* out) {
  give_requirements(of(handle)->size, of(handle)->usage, *out);
}
VKAPI_ATTR void VKAPI_CALL vkGetBufferMemoryRequirements2(
    VkDevice, const VkBufferMemoryRequirementsInfo2* info, VkMemoryRequirements2* out) {
  give_requirements(of(info->buffer)->size, of(info->buffer)->usage, *out);
}
VKAPI_ATTR void VKAPI_CALL vkGetDeviceBufferMemoryRequirements(
    VkDevice, const VkDeviceBufferMemoryRequirements* info, VkMemoryRequirements2* out) {
  give_requirements(info->pCreateInfo->size, info->pCreateInfo->usage, *out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkBindBufferMemory(VkDevice device, VkBuffer buffer,
                                                  VkDeviceMemory memory, VkDeviceSize offset) {
  const Slice part = of(memory)->whole().part(offset, of(buffer)->size);
  if (part.size < of(buffer)->size) {
    return guarded([&] {
      report(instance_of(device), SOKR_LOG_ERROR,
             "vkBindBufferMemory: a buffer of " + std::to_string(of(buffer)->size) + " bytes at " +
                 std::to_string(offset) + " is not within the " +
                 std::to_string(of(memory)->allocation->size) + " bytes of its memory");
      return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    });
  }
  of(buffer)->memory = part;
  return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkBindBufferMemory2(VkDevice device, std::uint32_t count,
                                                   const VkBindBufferMemoryInfo* infos) {
  VkResult all = VK_SUCCESS;
  for (std::uint32_t i = 0; i < count; ++i) {
    const VkResult one =
        vkBindBufferMemory(device, infos[i].buffer, infos[i].memory, infos[i].memoryOffset);
    if (one != VK_SUCCESS) all = one;
  }
  return all;
}

VKAPI_ATTR VkDeviceAddress VKAPI_CALL
vkGetBufferDeviceAddress(VkDevice, const VkBufferDeviceAddressInfo* info) {
  return reinterpret_cast<std::uintptr_t>(of(info->buffer)->memory.data());
}
VKAPI_ATTR std::uint64_t VKAPI_CALL
vkGetBufferOpaqueCaptureAddress(VkDevice, const VkBufferDeviceAddressInfo*) {
  return 0;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateBufferView(VkDevice, const VkBufferViewCreateInfo*,
                                                  const VkAllocationCallbacks* callbacks,
                                                  VkBufferView* out) {
  return create<BufferView>(callbacks, out);
}
VKAPI_ATTR void VKAPI_CALL vkDestroyBufferView(VkDevice, VkBufferView handle,
                                               const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

}  // namespace sokr::icd
