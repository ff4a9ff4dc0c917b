// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The simulation layer itself: what a program could get away with on a software device is
// refused, counted, or goes wrong as it would on hardware. Violations are counted here; in
// all other tests they end the process.
#include <array>
#include <cstring>
#include <numeric>

#include "../simulated.hpp"
#include "../support.hpp"
#include "device.hpp"
#include "memory.hpp"

namespace sokr::vulkan::test {
namespace {

// A device without the substrate, and one storage buffer.
class Layer : public testing::Test {
 protected:
  void SetUp() override {
    state_ = simulated();
    ASSERT_NE(state_, nullptr);
    host_ = std::make_unique<TestHost>(OptionList{});
    options_ = read_options(host_->host());
    auto instance = Instance::create(options_, host_->host());
    ASSERT_TRUE(instance) << instance.failure().sentence;
    instance_ = *std::move(instance);
    auto found = instance_->devices();
    ASSERT_TRUE(found);
    ASSERT_EQ(found->usable.size(), 1u);
    auto device = Device::create(found->usable[0], options_);
    ASSERT_TRUE(device) << device.failure().sentence;
    device_ = *std::move(device);
    violations_ = state_->violations;
  }
  void TearDown() override {
    for (VkDeviceMemory memory : memories_) vk().vkFreeMemory(handle(), memory, nullptr);
    if (buffer_) vk().vkDestroyBuffer(handle(), buffer_, nullptr);
    state_->calls_until_loss = -1;
    state_->full_heaps = 0;
  }
  const VolkDeviceTable& vk() { return device_->vk(); }
  VkDevice handle() { return device_->handle(); }
  const VkPhysicalDeviceLimits& limits() { return device_->physical().properties.limits; }
  std::uint64_t violations() { return state_->violations - violations_; }

  VkResult allocate(std::uint32_t type, VkDeviceSize size, VkDeviceMemory& out) {
    VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    info.allocationSize = size;
    info.memoryTypeIndex = type;
    const VkResult result = vk().vkAllocateMemory(handle(), &info, nullptr, &out);
    if (result == VK_SUCCESS) memories_.push_back(out);
    return result;
  }
  VkBuffer buffer(VkDeviceSize size) {
    VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    info.size = size;
    info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT;
    EXPECT_EQ(vk().vkCreateBuffer(handle(), &info, nullptr, &buffer_), VK_SUCCESS);
    return buffer_;
  }
  sim::State* state_ = nullptr;
  std::unique_ptr<TestHost> host_;
  Options options_;
  std::shared_ptr<Instance> instance_;
  std::unique_ptr<Device> device_;
  std::uint64_t violations_ = 0;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  std::vector<VkDeviceMemory> memories_;
};

using Nvidia = Layer;
using Mali = Layer;
using Minimum = Layer;
using IntelNoLlc = Layer;

TEST_F(Nvidia, MemoryOfTheDeviceCannotBeMapped) {
  EXPECT_EQ(device_->physical().properties.deviceType, VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU);
  VkDeviceMemory local = VK_NULL_HANDLE, mapped = VK_NULL_HANDLE;
  ASSERT_EQ(allocate(1, 4096, local), VK_SUCCESS);
  ASSERT_EQ(allocate(3, 4096, mapped), VK_SUCCESS);
  void* at = nullptr;
  EXPECT_EQ(vk().vkMapMemory(handle(), local, 0, VK_WHOLE_SIZE, 0, &at),
            VK_ERROR_MEMORY_MAP_FAILED);
  EXPECT_EQ(violations(), 1u);
  EXPECT_EQ(vk().vkMapMemory(handle(), mapped, 0, VK_WHOLE_SIZE, 0, &at), VK_SUCCESS);
  EXPECT_EQ(violations(), 1u);
  EXPECT_EQ(vk().vkMapMemory(handle(), mapped, 0, VK_WHOLE_SIZE, 0, &at),
            VK_ERROR_MEMORY_MAP_FAILED)
      << "twice";
}

TEST_F(Nvidia, AllocationsAreCounted) {
  VkDeviceMemory memory = VK_NULL_HANDLE;
  VkResult result = VK_SUCCESS;
  std::uint32_t made = 0;
  for (; result == VK_SUCCESS && made < 5000; ++made) result = allocate(1, 64, memory);
  EXPECT_EQ(result, VK_ERROR_TOO_MANY_OBJECTS);
  EXPECT_EQ(made, 4097u);
  vk().vkFreeMemory(handle(), memories_.back(), nullptr);
  memories_.pop_back();
  EXPECT_EQ(allocate(1, 64, memory), VK_SUCCESS);
}

TEST_F(Nvidia, HeapsEnd) {
  VkDeviceMemory memory = VK_NULL_HANDLE;
  const VkDeviceSize window = device_->physical().memory.memoryHeaps[2].size;
  EXPECT_EQ(allocate(4, window + 1, memory), VK_ERROR_OUT_OF_DEVICE_MEMORY);
  EXPECT_EQ(allocate(4, window - 4096, memory), VK_SUCCESS);
  EXPECT_EQ(allocate(4, 8192, memory), VK_ERROR_OUT_OF_DEVICE_MEMORY);
  state_->full_heaps = 1u << 1;
  EXPECT_EQ(allocate(3, 4096, memory), VK_ERROR_OUT_OF_DEVICE_MEMORY);
  EXPECT_EQ(allocate(1, 4096, memory), VK_SUCCESS);
}

TEST_F(Nvidia, ALostDeviceStaysLost) {
  state_->calls_until_loss = 1;
  EXPECT_TRUE(device_->reached());
  EXPECT_FALSE(device_->reached());
  EXPECT_TRUE(device_->is_lost());
  std::uint64_t value = 0;
  EXPECT_EQ(vk().vkGetSemaphoreCounterValue(handle(), device_->timeline(), &value),
            VK_ERROR_DEVICE_LOST);
  EXPECT_EQ(vk().vkDeviceWaitIdle(handle()), VK_SUCCESS) << "it ends what it had begun";
}

// Commands for the queue that only copies, on a device that has it.
class Copies : public Layer {
 protected:
  void SetUp() override {
    Layer::SetUp();
    ASSERT_EQ(device_->physical().transfer_family, device_->physical().queue_family + 1);
    ASSERT_NE(device_->transfer_queue(), nullptr);
    VkCommandPoolCreateInfo info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    info.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    info.queueFamilyIndex = device_->physical().transfer_family;
    ASSERT_EQ(vk().vkCreateCommandPool(handle(), &info, nullptr, &pool_), VK_SUCCESS);
    VkCommandBufferAllocateInfo buffers{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
    buffers.commandPool = pool_;
    buffers.commandBufferCount = 1;
    ASSERT_EQ(vk().vkAllocateCommandBuffers(handle(), &buffers, &commands_), VK_SUCCESS);
    begin();
  }
  void TearDown() override {
    vk().vkDeviceWaitIdle(handle());
    vk().vkDestroyCommandPool(handle(), pool_, nullptr);
    Layer::TearDown();
  }
  void begin() {
    const VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    ASSERT_EQ(vk().vkBeginCommandBuffer(commands_, &info), VK_SUCCESS);
  }
  std::unique_ptr<Buffer> make(std::uint64_t bytes, MemoryKind kind) {
    auto made = Buffer::create(*device_, bytes, kind);
    EXPECT_TRUE(made) << made.failure().sentence;
    return *std::move(made);
  }
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
};
using NvidiaCopies = Copies;

TEST_F(NvidiaCopies, WaitForTheOtherQueueAndSignal) {
  const auto from = make(4096, MemoryKind::kStaging), to = make(4096, MemoryKind::kStaging);
  std::memset(from->mapped(), 1, 4096);
  std::memset(to->mapped(), 0, 4096);
  const VkBufferCopy where{0, 1024, 512};
  vk().vkCmdFillBuffer(commands_, to->handle(), 2048, 4, 0x02020202);
  vk().vkCmdCopyBuffer(commands_, from->handle(), to->handle(), 1, &where);
  vk().vkEndCommandBuffer(commands_);
  Queue& queue = *device_->transfer_queue();
  const std::uint64_t done = state_->copies;
  // Behind a value that the other queue has yet to reach: it is submitted afterwards.
  const auto value = device_->submit_copy(commands_, 1);
  ASSERT_TRUE(value) << value.failure().sentence;
  const auto reached = queue.reached();
  ASSERT_TRUE(reached);
  EXPECT_EQ(*reached, 0u);
  EXPECT_EQ(to->mapped()[1024], std::byte{0});
  const auto other = device_->submit(std::span<const VkCommandBuffer>(), 0);
  ASSERT_TRUE(other);
  ASSERT_TRUE(queue.wait(*value));
  EXPECT_EQ(to->mapped()[1023], std::byte{0});
  EXPECT_EQ(to->mapped()[1024], std::byte{1});
  EXPECT_EQ(to->mapped()[1535], std::byte{1});
  EXPECT_EQ(to->mapped()[1536], std::byte{0});
  EXPECT_EQ(to->mapped()[2048], std::byte{2});
  EXPECT_EQ(state_->copies, done + 1);
  EXPECT_EQ(violations(), 0u);
}

TEST_F(NvidiaCopies, AreAllThatItsQueueDoes) {
  vk().vkCmdDispatch(commands_, 1, 1, 1);
  EXPECT_EQ(violations(), 1u);
  vk().vkCmdBindPipeline(commands_, VK_PIPELINE_BIND_POINT_COMPUTE, VK_NULL_HANDLE);
  EXPECT_EQ(violations(), 2u);
  vk().vkCmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                            VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0, nullptr, 0, nullptr);
  EXPECT_EQ(violations(), 3u);
  vk().vkCmdPipelineBarrier(commands_, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT,
                            0, 0, nullptr, 0, nullptr, 0, nullptr);
  EXPECT_EQ(violations(), 3u);
}

TEST_F(NvidiaCopies, TakeSharedBuffersThatAreThereToTheirEnd) {
  const auto from = make(4096, MemoryKind::kStaging);
  VkDeviceMemory memory = VK_NULL_HANDLE;
  ASSERT_EQ(allocate(1, 4096, memory), VK_SUCCESS);
  const VkBuffer own = buffer(4096);  // of one family
  ASSERT_EQ(vk().vkBindBufferMemory(handle(), own, memory, 0), VK_SUCCESS);
  const VkBufferCopy where{0, 0, 4096};
  vk().vkCmdCopyBuffer(commands_, from->handle(), own, 1, &where);
  vk().vkEndCommandBuffer(commands_);
  const auto first = device_->submit_copy(commands_, 1);
  ASSERT_TRUE(first);
  EXPECT_EQ(violations(), 0u);
  // Used on the other queue as well, though nobody handed it over.
  VkCommandPoolCreateInfo info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  info.queueFamilyIndex = device_->physical().queue_family;
  VkCommandPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkCreateCommandPool(handle(), &info, nullptr, &pool), VK_SUCCESS);
  VkCommandBufferAllocateInfo buffers{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  buffers.commandPool = pool;
  buffers.commandBufferCount = 1;
  VkCommandBuffer others = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkAllocateCommandBuffers(handle(), &buffers, &others), VK_SUCCESS);
  const VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  ASSERT_EQ(vk().vkBeginCommandBuffer(others, &begin), VK_SUCCESS);
  vk().vkCmdCopyBuffer(others, own, from->handle(), 1, &where);
  EXPECT_EQ(violations(), 1u);
  vk().vkEndCommandBuffer(others);
  // Its copy waits still.
  vk().vkDestroyBuffer(handle(), own, nullptr);
  buffer_ = VK_NULL_HANDLE;
  EXPECT_EQ(violations(), 2u);
  ASSERT_TRUE(device_->submit(std::span<const VkCommandBuffer>(), 0));
  ASSERT_TRUE(device_->transfer_queue()->wait(*first));
  vk().vkDestroyCommandPool(handle(), pool, nullptr);
}

TEST_F(Mali, HostAndDeviceSeeEachOthersBytesOnlyWhenTheyAreCarried) {
  const VkDeviceSize atom = limits().nonCoherentAtomSize, size = 8 * atom;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  ASSERT_EQ(allocate(1, size, memory), VK_SUCCESS);
  void* at = nullptr;
  ASSERT_EQ(vk().vkMapMemory(handle(), memory, 0, VK_WHOLE_SIZE, 0, &at), VK_SUCCESS);
  auto* bytes = static_cast<std::byte*>(at);
  const auto range = [&](VkDeviceSize offset, VkDeviceSize length) {
    return VkMappedMemoryRange{VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, nullptr, memory, offset,
                               length};
  };
  // Two atoms are written and one is flushed; what comes back is what the device has.
  std::memset(at, 1, size);
  const VkMappedMemoryRange all = range(0, VK_WHOLE_SIZE), second = range(atom, atom);
  ASSERT_EQ(vk().vkFlushMappedMemoryRanges(handle(), 1, &all), VK_SUCCESS);
  std::memset(bytes + atom, 2, 2 * atom);
  ASSERT_EQ(vk().vkFlushMappedMemoryRanges(handle(), 1, &second), VK_SUCCESS);
  ASSERT_EQ(vk().vkInvalidateMappedMemoryRanges(handle(), 1, &all), VK_SUCCESS);
  EXPECT_EQ(bytes[0], std::byte{1});
  EXPECT_EQ(bytes[atom], std::byte{2});
  EXPECT_EQ(bytes[2 * atom], std::byte{1}) << "not flushed, so the device never had it";
  // The same memory mapped anew shows nothing before it is invalidated.
  vk().vkUnmapMemory(handle(), memory);
  ASSERT_EQ(vk().vkMapMemory(handle(), memory, 0, VK_WHOLE_SIZE, 0, &at), VK_SUCCESS);
  bytes = static_cast<std::byte*>(at);
  EXPECT_NE(bytes[atom], std::byte{2});
  ASSERT_EQ(vk().vkInvalidateMappedMemoryRanges(handle(), 1, &second), VK_SUCCESS);
  EXPECT_EQ(bytes[atom], std::byte{2});
  EXPECT_EQ(violations(), 0u);
  const VkMappedMemoryRange odd = range(4, atom), beyond = range(0, size + atom);
  vk().vkFlushMappedMemoryRanges(handle(), 1, &odd);
  EXPECT_EQ(violations(), 1u);
  vk().vkInvalidateMappedMemoryRanges(handle(), 1, &beyond);
  EXPECT_EQ(violations(), 2u);
}

TEST_F(Mali, WhatItLacksIsNotOffered) {
  const PhysicalDevice& physical = device_->physical();
  EXPECT_FALSE(physical.usable.has("shaderFloat64"));
  EXPECT_FALSE(physical.usable.has("nullDescriptor"));
  EXPECT_TRUE(physical.usable.has("timelineSemaphore"));
  EXPECT_EQ(physical.queue.timestampValidBits, 0u);
  EXPECT_EQ(limits().maxBoundDescriptorSets, 4u);
  VkPhysicalDeviceFeatures features{};
  features.shaderFloat64 = VK_TRUE;
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  info.pEnabledFeatures = &features;
  VkDevice none = VK_NULL_HANDLE;
  EXPECT_EQ(vkCreateDevice(physical.handle, &info, nullptr, &none), VK_ERROR_FEATURE_NOT_PRESENT);
  EXPECT_EQ(violations(), 1u);
}

TEST_F(Minimum, DescriptorsAndLayoutsKeepTheLimits) {
  VkDeviceMemory memory = VK_NULL_HANDLE;
  ASSERT_EQ(allocate(0, 4096, memory), VK_SUCCESS);
  ASSERT_EQ(vk().vkBindBufferMemory(handle(), buffer(4096), memory, 0), VK_SUCCESS);
  const VkDescriptorSetLayoutBinding binding{0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                             VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  VkDescriptorSetLayoutCreateInfo layout_info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  layout_info.bindingCount = 1;
  layout_info.pBindings = &binding;
  VkDescriptorSetLayout layout = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkCreateDescriptorSetLayout(handle(), &layout_info, nullptr, &layout), VK_SUCCESS);
  const VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
  VkDescriptorPoolCreateInfo pool_info{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pool_info.maxSets = pool_info.poolSizeCount = 1;
  pool_info.pPoolSizes = &size;
  VkDescriptorPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkCreateDescriptorPool(handle(), &pool_info, nullptr, &pool), VK_SUCCESS);
  VkDescriptorSetAllocateInfo set_info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  set_info.descriptorPool = pool;
  set_info.descriptorSetCount = 1;
  set_info.pSetLayouts = &layout;
  VkDescriptorSet set = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkAllocateDescriptorSets(handle(), &set_info, &set), VK_SUCCESS);
  const auto bind = [&](VkDeviceSize offset, VkDeviceSize range) {
    const VkDescriptorBufferInfo bound{buffer_, offset, range};
    VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = set;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    write.pBufferInfo = &bound;
    vk().vkUpdateDescriptorSets(handle(), 1, &write, 0, nullptr);
  };
  bind(256, 1024);
  EXPECT_EQ(violations(), 0u);
  bind(64, 1024);
  EXPECT_EQ(violations(), 1u) << "an offset that is no multiple of 256";
  bind(256, 4096);
  EXPECT_EQ(violations(), 2u) << "beyond the end";
  const std::array<VkDescriptorSetLayout, 5> five{layout, layout, layout, layout, layout};
  VkPipelineLayoutCreateInfo too_many{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  too_many.setLayoutCount = five.size();
  too_many.pSetLayouts = five.data();
  VkPipelineLayout pipeline_layout = VK_NULL_HANDLE;
  if (vk().vkCreatePipelineLayout(handle(), &too_many, nullptr, &pipeline_layout) == VK_SUCCESS) {
    vk().vkDestroyPipelineLayout(handle(), pipeline_layout, nullptr);
  }
  EXPECT_EQ(violations(), 3u) << "five sets";
  vk().vkDestroyDescriptorPool(handle(), pool, nullptr);
  vk().vkDestroyDescriptorSetLayout(handle(), layout, nullptr);
}

TEST_F(Minimum, GroupsAreCounted) {
  VkCommandPoolCreateInfo pool_info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool_info.queueFamilyIndex = device_->physical().queue_family;
  VkCommandPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkCreateCommandPool(handle(), &pool_info, nullptr, &pool), VK_SUCCESS);
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = pool;
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkAllocateCommandBuffers(handle(), &info, &commands), VK_SUCCESS);
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  ASSERT_EQ(vk().vkBeginCommandBuffer(commands, &begin), VK_SUCCESS);
  vk().vkCmdDispatch(commands, 65535, 1, 1);
  EXPECT_EQ(violations(), 0u);
  vk().vkCmdDispatch(commands, 65536, 1, 1);
  EXPECT_EQ(violations(), 1u);
  vk().vkCmdDispatchBase(commands, 65535, 0, 0, 1, 1, 1);
  EXPECT_EQ(violations(), 2u);
  vk().vkEndCommandBuffer(commands);
  vk().vkDestroyCommandPool(handle(), pool, nullptr);
}

TEST_F(IntelNoLlc, SubgroupSizesVary) {
  const PhysicalDevice& physical = device_->physical();
  EXPECT_EQ(physical.subgroup_size.maxSubgroupSize, 32u);
  EXPECT_TRUE(physical.can_set_subgroup_size());
  EXPECT_EQ(physical.queue.timestampValidBits, 36u);
}

}  // namespace
}  // namespace sokr::vulkan::test
