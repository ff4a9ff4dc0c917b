// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pools.hpp"

#include <algorithm>

namespace sokr::vulkan {
namespace {

// Of a pool that is shared; what needs more has a pool of its own.
constexpr DescriptorSets::Needed kRoom{256, 1024, 256};

bool fits(const DescriptorSets::Needed& needed, const DescriptorSets::Needed& room) {
  return needed.sets <= room.sets && needed.storage <= room.storage &&
         needed.uniform <= room.uniform;
}

}  // namespace

struct DescriptorPool {
  VkDescriptorPool handle = VK_NULL_HANDLE;
  DescriptorSets::Needed room, left;
  bool is_empty() const { return left.sets == room.sets; }
};

CommandPool::~CommandPool() {
  if (pool_) device_.vk().vkDestroyCommandPool(device_.handle(), pool_, nullptr);
}

Result<VkCommandBuffer> CommandPool::allocate() {
  const VolkDeviceTable& vk = device_.vk();
  if (!pool_) {
    VkCommandPoolCreateInfo info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    info.queueFamilyIndex = device_.physical().queue_family;
    const VkResult result = vk.vkCreateCommandPool(device_.handle(), &info, nullptr, &pool_);
    if (result != VK_SUCCESS) pool_ = VK_NULL_HANDLE;
    SOKR_TRY(device_.check(result, "vkCreateCommandPool"));
  }
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool_;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer made = VK_NULL_HANDLE;
  SOKR_TRY(device_.check(vk.vkAllocateCommandBuffers(device_.handle(), &info, &made),
                         "vkAllocateCommandBuffers"));
  return made;
}

void CommandPool::free(std::span<const VkCommandBuffer> buffers) noexcept {
  if (buffers.empty()) return;
  device_.vk().vkFreeCommandBuffers(device_.handle(), pool_,
                                    static_cast<std::uint32_t>(buffers.size()), buffers.data());
}

DescriptorSets::DescriptorSets(Device& device) : device_(device) {}

DescriptorSets::~DescriptorSets() {
  for (const auto& pool : pools_)
    device_.vk().vkDestroyDescriptorPool(device_.handle(), pool->handle, nullptr);
}

Result<DescriptorPool*> DescriptorSets::grow(const Needed& needed) {
  auto pool = std::make_unique<DescriptorPool>();
  pool->room = fits(needed, kRoom) ? kRoom
                                   : Needed{needed.sets, std::max(needed.storage, 1u),
                                            std::max(needed.uniform, 1u)};
  pool->left = pool->room;
  const auto sizes = std::to_array<VkDescriptorPoolSize>(
      {{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, pool->room.storage},
       {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, pool->room.uniform}});
  VkDescriptorPoolCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  info.flags = VK_DESCRIPTOR_POOL_CREATE_FREE_DESCRIPTOR_SET_BIT;
  info.maxSets = pool->room.sets;
  info.poolSizeCount = static_cast<std::uint32_t>(sizes.size());
  info.pPoolSizes = sizes.data();
  pools_.reserve(pools_.size() + 1);
  SOKR_TRY(device_.check(
      device_.vk().vkCreateDescriptorPool(device_.handle(), &info, nullptr, &pool->handle),
      "vkCreateDescriptorPool"));
  pools_.push_back(std::move(pool));
  return pools_.back().get();
}

VkResult DescriptorSets::take_from(DescriptorPool& pool,
                                   std::span<const VkDescriptorSetLayout> layouts,
                                   const Needed& needed, Taken& taken) {
  VkDescriptorSetAllocateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  info.descriptorPool = pool.handle;
  info.descriptorSetCount = static_cast<std::uint32_t>(layouts.size());
  info.pSetLayouts = layouts.data();
  const VkResult result =
      device_.vk().vkAllocateDescriptorSets(device_.handle(), &info, taken.sets.data());
  if (result != VK_SUCCESS) return result;
  pool.left.sets -= needed.sets;
  pool.left.storage -= needed.storage;
  pool.left.uniform -= needed.uniform;
  taken.pool = &pool;
  taken.of = needed;
  return result;
}

Result<DescriptorSets::Taken> DescriptorSets::take(std::span<const VkDescriptorSetLayout> layouts,
                                                   const Needed& needed) {
  Taken taken;
  if (layouts.empty()) return taken;
  taken.sets.resize(layouts.size());
  std::lock_guard lock(mutex_);
  for (const auto& pool : pools_) {
    if (!fits(needed, pool->left)) continue;
    const VkResult result = take_from(*pool, layouts, needed, taken);
    if (result == VK_SUCCESS) return taken;
    // By number there is room, but not in one piece.
    if (result == VK_ERROR_FRAGMENTED_POOL || result == VK_ERROR_OUT_OF_POOL_MEMORY) continue;
    return device_.check(result, "vkAllocateDescriptorSets").failure();
  }
  SOKR_ASSIGN(DescriptorPool * grown, grow(needed));
  SOKR_TRY(device_.check(take_from(*grown, layouts, needed, taken), "vkAllocateDescriptorSets"));
  return taken;
}

void DescriptorSets::give(Taken& taken) noexcept {
  if (!taken.pool) return;
  const VolkDeviceTable& vk = device_.vk();
  std::lock_guard lock(mutex_);
  DescriptorPool& pool = *std::exchange(taken.pool, nullptr);
  vk.vkFreeDescriptorSets(device_.handle(), pool.handle,
                          static_cast<std::uint32_t>(taken.sets.size()), taken.sets.data());
  taken.sets.clear();
  pool.left.sets += taken.of.sets;
  pool.left.storage += taken.of.storage;
  pool.left.uniform += taken.of.uniform;
  if (!pool.is_empty()) return;
  // One that is empty is kept, for what comes next.
  const auto is_spare = [&](const auto& one) { return one.get() != &pool && one->is_empty(); };
  const bool shared = pool.room.sets == kRoom.sets;
  if (shared && std::ranges::none_of(pools_, is_spare)) return;
  vk.vkDestroyDescriptorPool(device_.handle(), pool.handle, nullptr);
  std::erase_if(pools_, [&](const auto& one) { return one.get() == &pool; });
}

}  // namespace sokr::vulkan
