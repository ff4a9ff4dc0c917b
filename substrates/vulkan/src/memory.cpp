// SPDX-License-Identifier: MIT OR Apache-2.0
#include "memory.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace sokr::vulkan {
namespace {

constexpr VkMemoryPropertyFlags kLocal = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags kVisible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
constexpr VkMemoryPropertyFlags kCoherent = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags kMapped = kVisible | kCoherent;
constexpr VkMemoryPropertyFlags kCached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
// Memory of these kinds is slow, or has rules of its own.
constexpr VkMemoryPropertyFlags kUnwanted = VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
                                            VK_MEMORY_PROPERTY_PROTECTED_BIT |
                                            VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD;

// The first type that has all of the first properties, else of the second, and so on. Memory
// that the host reads without a cache costs 10 to 100 times as much to read.
struct Preference {
  MemoryKind kind;
  bool unified;
  std::array<VkMemoryPropertyFlags, 4> order;
};
constexpr auto kPreferences = std::to_array<Preference>({
    {MemoryKind::kDevice, false, {kLocal, 0, 0, 0}},
    {MemoryKind::kDevice, true, {kLocal | kMapped | kCached, kLocal | kMapped, kLocal, 0}},
    {MemoryKind::kHost, false, {kMapped | kCached, kMapped, kMapped, kMapped}},
    {MemoryKind::kHost,
     true,
     {kLocal | kMapped | kCached, kMapped | kCached, kLocal | kMapped, kMapped}},
    {MemoryKind::kStaging, false, {kMapped | kCached, kVisible | kCached, kMapped, kMapped}},
    {MemoryKind::kStaging,
     true,
     {kLocal | kMapped | kCached, kMapped | kCached, kVisible | kCached, kMapped}},
});

std::span<const VkMemoryPropertyFlags> preferences(const PhysicalDevice& physical,
                                                   MemoryKind kind) {
  const bool unified = has_unified_memory(physical);
  const auto* found = std::ranges::find_if(kPreferences, [&](const Preference& row) {
    return row.kind == kind && row.unified == unified;
  });
  return found->order;
}

}  // namespace

bool has_unified_memory(const PhysicalDevice& physical) {
  return physical.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU ||
         physical.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
}

Result<void> Buffer::check_size(const Device& device, std::uint64_t size) {
  const PhysicalDevice& physical = device.physical();
  std::uint64_t most = physical.maintenance3.maxMemoryAllocationSize;
  const std::uint64_t most_buffer = physical.maintenance4.maxBufferSize;
  if (most_buffer != 0) most = most == 0 ? most_buffer : std::min(most, most_buffer);
  std::uint64_t heap = 0;
  for (std::uint32_t i = 0; i < physical.memory.memoryHeapCount; ++i)
    heap = std::max<std::uint64_t>(heap, physical.memory.memoryHeaps[i].size);
  if (heap != 0) most = most == 0 ? heap : std::min(most, heap);
  if (most != 0 && size > most) {
    return fail(SOKR_DISPATCH_FAILED,
                "out of memory: a buffer of {} bytes is larger than the {} bytes that {} allocates "
                "at once",
                size, most, device.name());
  }
  return {};
}

Result<std::unique_ptr<Buffer>> Buffer::create(Device& device, std::uint64_t size, MemoryKind kind,
                                               bool address) {
  SOKR_TRY(check_size(device, size));
  std::unique_ptr<Buffer> buffer(new Buffer(device, size));
  SOKR_TRY(buffer->create_buffer(address, false));
  SOKR_TRY(buffer->allocate(kind, address));
  return buffer;
}

Result<std::unique_ptr<Buffer>> Buffer::import(Device& device, void* memory, std::uint64_t size) {
  SOKR_TRY(check_size(device, size));
  std::unique_ptr<Buffer> buffer(new Buffer(device, size));
  SOKR_TRY(buffer->create_buffer(false, true));
  SOKR_TRY(buffer->import_memory(memory));
  return buffer;
}

Result<void> Buffer::create_buffer(bool address, bool imported) {
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  VkExternalMemoryBufferCreateInfo external{VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
  external.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  if (imported) info.pNext = &external;
  info.size = imported ? size_ : (size_ + 3) / 4 * 4;  // whole words can be filled
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  if (address) info.usage |= VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
  // Both queues use it at any time. To hand it over instead would take a submission on the one
  // queue before each on the other, and no driver keeps a buffer in another way for that.
  const std::span<const std::uint32_t> families = device_.families();
  info.sharingMode = families.size() > 1 ? VK_SHARING_MODE_CONCURRENT : VK_SHARING_MODE_EXCLUSIVE;
  if (families.size() > 1) {
    info.queueFamilyIndexCount = static_cast<std::uint32_t>(families.size());
    info.pQueueFamilyIndices = families.data();
  }
  const VkResult result = device_.vk().vkCreateBuffer(device_.handle(), &info, nullptr, &buffer_);
  if (result != VK_SUCCESS) buffer_ = VK_NULL_HANDLE;
  return device_.check(result, "vkCreateBuffer");
}

Result<void> Buffer::allocate(MemoryKind kind, bool address) {
  const VolkDeviceTable& vk = device_.vk();
  VkMemoryRequirements needs{};
  vk.vkGetBufferMemoryRequirements(device_.handle(), buffer_, &needs);

  const VkPhysicalDeviceMemoryProperties& memory = device_.physical().memory;
  VkMemoryPropertyFlags properties = 0;
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  std::uint32_t tried = 0, first = VK_MAX_MEMORY_TYPES, taken = 0;
  for (VkMemoryPropertyFlags wanted : preferences(device_.physical(), kind)) {
    for (std::uint32_t type = 0; type < memory.memoryTypeCount && !part_.memory; ++type) {
      properties = memory.memoryTypes[type].propertyFlags;
      if (!(needs.memoryTypeBits >> type & 1) || (tried >> type & 1)) continue;
      // Vulkan does not let anybody ask for more than the whole heap.
      if (needs.size > memory.memoryHeaps[memory.memoryTypes[type].heapIndex].size) continue;
      if ((properties & wanted) != wanted || (properties & kUnwanted)) continue;
      tried |= 1u << type;
      taken = type;
      if (first == VK_MAX_MEMORY_TYPES) first = type;
      const bool map = properties & kVisible;
      result = device_.slabs().take({type, address, map, needs.size, needs.alignment}, part_);
      if (result == VK_SUCCESS) break;
      if (result == VK_ERROR_DEVICE_LOST) return device_.check(result, "vkAllocateMemory");
    }
    if (part_.memory) break;
  }
  if (!part_.memory) {
    return fail(SOKR_DISPATCH_FAILED, "out of memory: {} bytes could not be allocated on {}: {}{}",
                size_, device_.name(), describe(result),
                tried != 0 ? device_.budget_text(first) : std::string());
  }
  if (part_.fresh) device_.note_memory(taken, first);
  SOKR_TRY(
      device_.check(vk.vkBindBufferMemory(device_.handle(), buffer_, part_.memory, part_.offset),
                    "vkBindBufferMemory"));
  cached_ = properties & kCached;
  coherent_ = properties & kCoherent;
  // What is not coherent is for those who flush.
  if (coherent_ || kind == MemoryKind::kStaging) mapped_ = part_.mapped;
  if (address) {
    VkBufferDeviceAddressInfo where{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
    where.buffer = buffer_;
    address_ = vk.vkGetBufferDeviceAddress(device_.handle(), &where);
  }
  return {};
}

VkMappedMemoryRange Buffer::atoms(std::uint64_t offset, std::uint64_t size) const {
  const std::uint64_t atom =
      std::max<std::uint64_t>(device_.physical().properties.limits.nonCoherentAtomSize, 1);
  const std::uint64_t first = offset / atom * atom;
  const std::uint64_t end = std::min((offset + size + atom - 1) / atom * atom, part_.size);
  return {VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, nullptr, part_.memory, part_.offset + first,
          end - first};
}

Result<void> Buffer::flush(std::uint64_t offset, std::uint64_t size) {
  if (coherent_ || size == 0) return {};
  const VkMappedMemoryRange range = atoms(offset, size);
  return device_.check(device_.vk().vkFlushMappedMemoryRanges(device_.handle(), 1, &range),
                       "vkFlushMappedMemoryRanges");
}

Result<void> Buffer::invalidate(std::uint64_t offset, std::uint64_t size) {
  if (coherent_ || size == 0) return {};
  const VkMappedMemoryRange range = atoms(offset, size);
  return device_.check(device_.vk().vkInvalidateMappedMemoryRanges(device_.handle(), 1, &range),
                       "vkInvalidateMappedMemoryRanges");
}

Result<void> Buffer::import_memory(void* memory) {
  const VolkDeviceTable& vk = device_.vk();
  constexpr auto kHandle = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  VkMemoryHostPointerPropertiesEXT pointer{VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  SOKR_TRY(device_.check(
      vk.vkGetMemoryHostPointerPropertiesEXT(device_.handle(), kHandle, memory, &pointer),
      "vkGetMemoryHostPointerPropertiesEXT"));
  VkMemoryRequirements needs{};
  vk.vkGetBufferMemoryRequirements(device_.handle(), buffer_, &needs);
  std::uint32_t types = pointer.memoryTypeBits & needs.memoryTypeBits;
  // Writes of kernels must be visible without a flush.
  std::uint32_t cached = 0;
  for (std::uint32_t type = 0; type < device_.physical().memory.memoryTypeCount; ++type) {
    const VkMemoryPropertyFlags flags = device_.physical().memory.memoryTypes[type].propertyFlags;
    const std::uint32_t heap = device_.physical().memory.memoryTypes[type].heapIndex;
    if (!(flags & kCoherent) || (flags & kUnwanted)) types &= ~(1u << type);
    if (size_ > device_.physical().memory.memoryHeaps[heap].size) types &= ~(1u << type);
    if (flags & kCached) cached |= 1u << type;
  }
  if (types & cached) types &= cached;
  if (types == 0 || needs.size > size_) {
    return fail(SOKR_DISPATCH_FAILED, "{} cannot use the host memory at {} in place",
                device_.name(), fmt::ptr(memory));
  }
  VkImportMemoryHostPointerInfoEXT import{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
  import.handleType = kHandle;
  import.pHostPointer = memory;
  VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  info.pNext = &import;
  info.allocationSize = size_;
  info.memoryTypeIndex = static_cast<std::uint32_t>(std::countr_zero(types));
  const VkResult result = vk.vkAllocateMemory(device_.handle(), &info, nullptr, &part_.memory);
  if (result != VK_SUCCESS) part_.memory = VK_NULL_HANDLE;
  SOKR_TRY(device_.check(result, "vkAllocateMemory"));
  SOKR_TRY(device_.check(vk.vkBindBufferMemory(device_.handle(), buffer_, part_.memory, 0),
                         "vkBindBufferMemory"));
  mapped_ = static_cast<std::byte*>(memory);
  cached_ = coherent_ = true;
  return {};
}

void Buffer::ensure_contents() {
  if (has_contents_.load(std::memory_order_acquire)) return;
  std::lock_guard lock(contents_mutex_);
  if (has_contents_.load(std::memory_order_relaxed)) return;
  std::memset(mapped_, 0, size_);
  has_contents_.store(true, std::memory_order_release);
}

bool Buffer::note_contents() {
  if (has_contents_.load(std::memory_order_acquire)) return false;
  std::lock_guard lock(contents_mutex_);
  return !has_contents_.exchange(true, std::memory_order_acq_rel);
}

Buffer::~Buffer() {
  if (buffer_) device_.vk().vkDestroyBuffer(device_.handle(), buffer_, nullptr);
  device_.slabs().give(part_);
}

std::uint64_t block_size(std::uint64_t size) {
  constexpr std::uint64_t kSmallest = 4096, kMega = 1 << 20;
  if (size <= kMega) return std::bit_ceil(std::max(size, kSmallest));
  const std::uint64_t step = std::bit_floor(size) / 8;
  return (size + step - 1) / step * step;
}

Result<std::unique_ptr<Buffer>> BlockPool::take(std::uint64_t size) {
  const std::uint64_t rounded = block_size(size);
  {
    std::lock_guard lock(mutex_);
    auto found = idle_.find(rounded);
    if (found != idle_.end() && !found->second.empty()) {
      std::unique_ptr<Buffer> block = std::move(found->second.back());
      found->second.pop_back();
      idle_bytes_ -= rounded;
      return block;
    }
  }
  auto block = Buffer::create(device_, rounded, kind_);
  if (block || device_.is_lost()) return block;
  // Where the rounded size is too much, what is asked for may not be.
  if (!drop_idle() && rounded == size) return block;
  return Buffer::create(device_, size, kind_);
}

bool BlockPool::drop_idle() {
  std::unordered_map<std::uint64_t, std::vector<std::unique_ptr<Buffer>>> released;
  std::lock_guard lock(mutex_);
  if (idle_bytes_ == 0) return false;
  released.swap(idle_);
  idle_bytes_ = 0;
  return true;
}

void BlockPool::give(std::unique_ptr<Buffer> block) noexcept {
  if (!block || device_.is_lost() || block->size() != block_size(block->size())) return;
  const std::uint64_t size = block->size();
  try {
    std::lock_guard lock(mutex_);
    if (idle_bytes_ + size > device_.idle_bytes()) return;
    idle_[size].push_back(std::move(block));
    idle_bytes_ += size;
  } catch (const std::bad_alloc&) {
  }
}

std::uint64_t BlockPool::idle_bytes() {
  std::lock_guard lock(mutex_);
  return idle_bytes_;
}

}  // namespace sokr::vulkan
