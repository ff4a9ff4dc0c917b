// SPDX-License-Identifier: MIT OR Apache-2.0
#include "slabs.hpp"

#include <algorithm>
#include <bit>
#include <new>

#include "device.hpp"

namespace sokr::vulkan {
namespace {

constexpr std::uint64_t kMega = 1 << 20;
// From this size on, a part has memory of its own. The slabs of a kind double from the first
// size to the last, so that small programs take little.
constexpr std::uint64_t kOwn = 4 * kMega, kFirst = 4 * kMega, kLast = 64 * kMega;
constexpr std::uint64_t kLeastGranularity = 256;

}  // namespace

struct Slab {
  std::pair<std::uint32_t, bool> key;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  std::byte* mapped = nullptr;
  std::uint64_t size = 0, used = 0;
  std::map<std::uint64_t, std::uint64_t> free;                // size by offset; none touch
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_size;  // the same: size and offset

  void add_free(std::uint64_t offset, std::uint64_t bytes) {
    by_size.emplace(bytes, offset);
    free.emplace(offset, bytes);
  }
  // What is taken from the beginning of a range leaves its end, for which no memory is needed.
  void shorten(std::map<std::uint64_t, std::uint64_t>::iterator range, std::uint64_t bytes) {
    auto by_bytes = by_size.extract({range->second, range->first});
    auto by_offset = free.extract(range);
    by_offset.key() += bytes;
    by_offset.mapped() -= bytes;
    by_bytes.value() = {by_offset.mapped(), by_offset.key()};
    by_size.insert(std::move(by_bytes));
    free.insert(std::move(by_offset));
  }
  void remove_free(std::map<std::uint64_t, std::uint64_t>::iterator range) {
    by_size.erase({range->second, range->first});
    free.erase(range);
  }
};

SlabPool::SlabPool(Device& device)
    : device_(device),
      granularity_(std::max<std::uint64_t>(
          kLeastGranularity, device.physical().properties.limits.nonCoherentAtomSize)) {}

SlabPool::~SlabPool() {
  for (auto& [key, slabs] : slabs_)
    for (auto& slab : slabs) free(*slab);
}

void SlabPool::free(Slab& slab) {
  device_.vk().vkFreeMemory(device_.handle(), slab.memory, nullptr);
}

VkResult SlabPool::allocate(const Wanted& wanted, std::uint64_t size, VkDeviceMemory& memory,
                            std::byte*& mapped) {
  const VolkDeviceTable& vk = device_.vk();
  VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  if (wanted.address) info.pNext = &flags;
  info.allocationSize = size;
  info.memoryTypeIndex = wanted.type;
  VkResult result = vk.vkAllocateMemory(device_.handle(), &info, nullptr, &memory);
  if (result != VK_SUCCESS || !wanted.map) return result;
  void* address = nullptr;
  result = vk.vkMapMemory(device_.handle(), memory, 0, VK_WHOLE_SIZE, 0, &address);
  if (result != VK_SUCCESS) vk.vkFreeMemory(device_.handle(), memory, nullptr);
  mapped = static_cast<std::byte*>(address);
  return result;
}

VkResult SlabPool::take_own(const Wanted& wanted, MemoryPart& part) {
  VkDeviceMemory memory = VK_NULL_HANDLE;
  std::byte* mapped = nullptr;
  const VkResult result = allocate(wanted, wanted.size, memory, mapped);
  if (result == VK_SUCCESS) part = {memory, 0, wanted.size, mapped, nullptr, true};
  return result;
}

bool SlabPool::take_from_slabs(const Key& key, std::uint64_t size, MemoryPart& part) {
  for (auto& slab : slabs_[key]) {
    const auto best = slab->by_size.lower_bound({size, 0});
    if (best == slab->by_size.end()) continue;
    const auto [bytes, offset] = *best;
    const auto range = slab->free.find(offset);
    bytes > size ? slab->shorten(range, size) : slab->remove_free(range);
    slab->used += size;
    part = {slab->memory, offset, size, slab->mapped ? slab->mapped + offset : nullptr,
            slab.get(),   false};
    return true;
  }
  return false;
}

// A slab with room for at least `size` bytes.
VkResult SlabPool::grow(const Wanted& wanted, std::uint64_t size) {
  auto& slabs = slabs_[{wanted.type, wanted.address}];
  const auto& memory = device_.physical().memory;
  const std::uint64_t heap = memory.memoryHeaps[memory.memoryTypes[wanted.type].heapIndex].size;
  constexpr std::size_t kDoublings = std::countr_zero(kLast) - std::countr_zero(kFirst);
  std::uint64_t bytes = kFirst << std::min(slabs.size(), kDoublings);
  bytes = std::max(std::min(bytes, std::bit_floor(heap / 16)), std::min(std::bit_ceil(size), heap));
  auto slab = std::make_unique<Slab>();
  slab->key = {wanted.type, wanted.address};
  slab->size = bytes;
  slab->add_free(0, bytes);
  slabs.reserve(slabs.size() + 1);
  const VkResult result = allocate(wanted, bytes, slab->memory, slab->mapped);
  if (result == VK_SUCCESS) slabs.push_back(std::move(slab));
  return result;
}

bool SlabPool::drop_empty_locked() {
  bool any = false;
  for (auto& [key, slabs] : slabs_) {
    any |= std::erase_if(slabs, [&](std::unique_ptr<Slab>& slab) {
             if (slab->used != 0) return false;
             free(*slab);
             return true;
           }) != 0;
  }
  return any;
}

VkResult SlabPool::take(const Wanted& wanted, MemoryPart& part) {
  const std::uint64_t size = (wanted.size + granularity_ - 1) / granularity_ * granularity_;
  std::lock_guard lock(mutex_);
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  if (size < kOwn && granularity_ % wanted.alignment == 0) {
    const Key key{wanted.type, wanted.address};
    if (take_from_slabs(key, size, part)) return VK_SUCCESS;
    result = grow(wanted, size);
    if (result == VK_SUCCESS && take_from_slabs(key, size, part)) {
      part.fresh = true;
      return VK_SUCCESS;
    }
    if (result == VK_ERROR_DEVICE_LOST) return result;
  }
  result = take_own(wanted, part);
  if (result != VK_SUCCESS && result != VK_ERROR_DEVICE_LOST && drop_empty_locked())
    result = take_own(wanted, part);
  return result;
}

void SlabPool::give(const MemoryPart& part) noexcept {
  if (!part.slab) {
    if (part.memory) device_.vk().vkFreeMemory(device_.handle(), part.memory, nullptr);
    return;
  }
  std::lock_guard lock(mutex_);
  Slab& slab = *part.slab;
  slab.used -= part.size;
  try {
    std::uint64_t offset = part.offset, size = part.size;
    auto next = slab.free.lower_bound(offset);
    if (next != slab.free.end() && next->first == offset + size) {
      size += next->second;
      slab.remove_free(next);
    }
    auto before = slab.free.lower_bound(offset);
    if (before != slab.free.begin() && (--before)->first + before->second == offset) {
      offset = before->first;
      size += before->second;
      slab.remove_free(before);
    }
    slab.add_free(offset, size);
  } catch (const std::bad_alloc&) {
    ++slab.used;  // the range is lost, and with it the slab stays
    return;
  }
  if (slab.used != 0) return;
  // What is empty is kept for what comes next, within bounds: to have memory anew from the system
  // takes as long as to write it.
  auto& slabs = slabs_[slab.key];
  std::uint64_t empty = 0;
  for (const std::unique_ptr<Slab>& one : slabs)
    if (one->used == 0) empty += one->size;
  if (empty <= std::max(kFirst, std::min(kLast, device_.idle_bytes() / 8))) return;
  free(slab);
  std::erase_if(slabs, [&](const std::unique_ptr<Slab>& one) { return one.get() == &slab; });
}

}  // namespace sokr::vulkan
