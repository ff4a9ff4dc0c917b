// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Device memory in parts. Devices allow few allocations (4,096 where they say what the
// specification asks for), and each costs the driver at every submission, so small parts share
// slabs; large ones have memory of their own. Any thread.
#ifndef SOKR_VULKAN_SLABS_HPP_
#define SOKR_VULKAN_SLABS_HPP_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "vk.hpp"

namespace sokr::vulkan {

class Device;
struct Slab;

// A range of memory. Given back to the pool that it is from, memory that was imported too.
struct MemoryPart {
  VkDeviceMemory memory = VK_NULL_HANDLE;
  std::uint64_t offset = 0, size = 0;
  std::byte* mapped = nullptr;  // where the part begins; null if the host cannot reach it
  Slab* slab = nullptr;         // null: the memory is this part's own
  bool fresh = false;           // memory was allocated for it
};

class SlabPool {
 public:
  explicit SlabPool(Device& device);
  ~SlabPool();
  SlabPool(const SlabPool&) = delete;
  SlabPool& operator=(const SlabPool&) = delete;

  struct Wanted {
    std::uint32_t type = 0;  // memory type
    bool address = false;    // for buffers with device addresses
    bool map = false;        // the type is visible to the host
    std::uint64_t size = 0, alignment = 1;
  };
  // VK_SUCCESS, or why not even a part of its own could be had. Parts begin at whole atoms
  // (nonCoherentAtomSize), and no two share one. When memory is short, empty slabs go first.
  VkResult take(const Wanted& wanted, MemoryPart& part);
  void give(const MemoryPart& part) noexcept;
  // Gives up what is empty; true if that was any.
  bool drop_empty() {
    std::lock_guard lock(mutex_);
    return drop_empty_locked();
  }

 private:
  using Key = std::pair<std::uint32_t, bool>;  // type and address
  VkResult allocate(const Wanted& wanted, std::uint64_t size, VkDeviceMemory& memory,
                    std::byte*& mapped);
  VkResult take_own(const Wanted& wanted, MemoryPart& part);
  VkResult grow(const Wanted& wanted, std::uint64_t size);
  bool take_from_slabs(const Key& key, std::uint64_t size, MemoryPart& part);
  bool drop_empty_locked();
  void free(Slab& slab);

  Device& device_;
  const std::uint64_t granularity_;
  std::mutex mutex_;
  std::map<Key, std::vector<std::unique_ptr<Slab>>> slabs_;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_SLABS_HPP_
