// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Device memory, which is ordinary memory of the process, and what lies in it. Whoever remembers a
// piece of it (a descriptor, a recorded command) holds a Slice: if the memory was freed before that
// is executed, the slice is known to be dead, and nothing of it is touched.
#ifndef SOKR_ICD_MEMORY_HPP_
#define SOKR_ICD_MEMORY_HPP_

#include <sokr/memory.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "facts.hpp"
#include "object.hpp"

namespace sokr::icd {

struct Device;

// Vulkan has a type be device-local if, and only if, its heap is, and types whose flags are a part
// of another's come first. So that there is a type that is not (test suites compare the two), the
// one memory that there is is offered as two heaps; types differ in nothing else.
enum Heap : std::uint32_t { kLocalHeap, kOtherHeap, kHeapCount };
inline constexpr VkMemoryPropertyFlags kHostFlags = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT |
                                                    VK_MEMORY_PROPERTY_HOST_COHERENT_BIT |
                                                    VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
inline constexpr std::array<VkMemoryType, 2> kMemoryTypes{
    {{kHostFlags, kOtherHeap}, {kHostFlags | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, kLocalHeap}}};
inline constexpr std::uint32_t kAllMemoryTypes = (1u << kMemoryTypes.size()) - 1;
inline VkDeviceSize size_of(const DeviceFacts& facts, std::uint32_t heap) {
  return heap == kLocalHeap ? facts.local_heap_size : facts.other_heap_size;
}

// One allocation, or a place for the next one. Stays where it is until the device goes.
struct Allocation {
  std::byte* data = nullptr;
  VkDeviceSize size = 0;
  std::atomic<std::uint32_t> generation{0};  // odd while there is memory
  bool imported = false;                     // the application's own
  std::uint32_t heap = kLocalHeap;
  SokrBuffer addressed = 0;  // what the substrate calls it, if kernels may have its address
};

struct Slice {
  Allocation* allocation = nullptr;
  std::uint32_t generation = 0;
  VkDeviceSize offset = 0, size = 0;

  // Null if the memory is gone, or there never was any.
  std::byte* data() const {
    const bool alive = allocation && size != 0 &&
                       allocation->generation.load(std::memory_order_acquire) == generation;
    return alive ? allocation->data + offset : nullptr;
  }
  // A part, cut off at the end.
  Slice part(VkDeviceSize at, VkDeviceSize bytes) const {
    if (at >= size) return {};
    const VkDeviceSize left = size - at;
    return {allocation, generation, offset + at, bytes < left ? bytes : left};
  }
};

// The substrate is no longer told of by its address.
void forget_address(const Device& device, Allocation& allocation) noexcept;

// Bytes of all devices together; without what is imported, which the program has anyway.
VkDeviceSize memory_in_use(std::uint32_t heap);
VkDeviceSize own_memory_in_use(std::uint32_t heap);
void count_memory(const Allocation& allocation, VkDeviceSize added, VkDeviceSize removed);
// How much of a heap there may be of the driver's own. Pages are had when they are touched, and
// programs allocate more than they touch; who allocates without end is told before the system ends
// it.
inline VkDeviceSize most_of(const DeviceFacts& facts, std::uint32_t heap) {
  return 2 * size_of(facts, heap);
}

// The allocations of a device. Any thread.
class MemoryTable {
 public:
  ~MemoryTable();
  // Null if there is no memory. `host` is the application's, or null. Throws std::bad_alloc.
  Allocation* add(VkDeviceSize size, std::uint32_t heap, void* host);
  void remove(Allocation* allocation) noexcept;
  // Of those that there are. Nothing else may happen to the table meanwhile.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (Allocation& a : all_) {
      if (a.data) visit(a);
    }
  }
  // How often remove was called.
  std::uint64_t freed() const { return freed_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> freed_{0};
  std::mutex mutex_;
  std::deque<Allocation> all_;
  std::vector<Allocation*> free_;
};

struct DeviceMemory {
  Allocation* allocation;
  Slice whole() const {
    return {allocation, allocation->generation.load(std::memory_order_relaxed), 0,
            allocation->size};
  }
};
SOKR_ICD_OBJECT(VkDeviceMemory, DeviceMemory)

struct Buffer {
  VkDeviceSize size = 0;
  VkBufferUsageFlags usage = 0;
  Slice memory;  // empty until it is bound

  // What lies from `offset` on; VK_WHOLE_SIZE is the rest.
  Slice part(VkDeviceSize offset, VkDeviceSize bytes) const { return memory.part(offset, bytes); }
};
SOKR_ICD_OBJECT(VkBuffer, Buffer)

struct BufferView {};
SOKR_ICD_OBJECT(VkBufferView, BufferView)

}  // namespace sokr::icd

#endif  // SOKR_ICD_MEMORY_HPP_
