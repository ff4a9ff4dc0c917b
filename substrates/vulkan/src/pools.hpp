// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Command buffers and descriptor sets of many recordings from few pools: drivers keep much memory
// for each pool, and some allow few. Any thread; all is given back before the Device goes.
#ifndef SOKR_VULKAN_POOLS_HPP_
#define SOKR_VULKAN_POOLS_HPP_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "device.hpp"

namespace sokr::vulkan {

// A pool of command buffers, each of which can be recorded anew by itself. Whoever records one
// holds the lock.
class CommandPool {
 public:
  explicit CommandPool(Device& device) : device_(device) {}
  ~CommandPool();
  CommandPool(const CommandPool&) = delete;
  CommandPool& operator=(const CommandPool&) = delete;

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  // With the lock held. The pool itself is made by the first.
  Result<VkCommandBuffer> allocate();
  void free(std::span<const VkCommandBuffer> buffers) noexcept;

 private:
  Device& device_;
  std::mutex mutex_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
};

// A few of them, so that threads that record at once do not wait for each other.
class CommandPools {
 public:
  explicit CommandPools(Device& device)
      : pools_{CommandPool(device), CommandPool(device), CommandPool(device), CommandPool(device)} {
  }
  CommandPool& first() { return pools_[0]; }
  CommandPool& next() { return pools_[next_.fetch_add(1) % pools_.size()]; }

 private:
  std::array<CommandPool, 4> pools_;
  std::atomic<std::size_t> next_{0};
};

struct DescriptorPool;

class DescriptorSets {
 public:
  explicit DescriptorSets(Device& device);
  ~DescriptorSets();
  DescriptorSets(const DescriptorSets&) = delete;
  DescriptorSets& operator=(const DescriptorSets&) = delete;

  struct Needed {
    std::uint32_t sets = 0, storage = 0, uniform = 0;
  };
  // Sets that belong together, all from one pool.
  struct Taken {
    DescriptorPool* pool = nullptr;  // null: none
    Needed of;
    std::vector<VkDescriptorSet> sets;
  };
  Result<Taken> take(std::span<const VkDescriptorSetLayout> layouts, const Needed& needed);
  void give(Taken& taken) noexcept;  // which has none afterwards

 private:
  Result<DescriptorPool*> grow(const Needed& needed);
  VkResult take_from(DescriptorPool& pool, std::span<const VkDescriptorSetLayout> layouts,
                     const Needed& needed, Taken& taken);

  Device& device_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<DescriptorPool>> pools_;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_POOLS_HPP_
