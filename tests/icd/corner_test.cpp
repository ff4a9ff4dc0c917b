// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Corners of the interface that conformance suites look into.
#include <array>
#include <cstdlib>
#include <vector>

#include "gpu.hpp"

namespace sokr::test {
namespace {

using Words = std::vector<std::uint32_t>;

// Callbacks that nobody may call.
VkAllocationCallbacks forbidden() {
  VkAllocationCallbacks callbacks{};
  callbacks.pfnAllocation = [](void*, std::size_t, std::size_t, VkSystemAllocationScope) -> void* {
    std::abort();
  };
  callbacks.pfnReallocation = [](void*, void*, std::size_t, std::size_t,
                                 VkSystemAllocationScope) -> void* { std::abort(); };
  callbacks.pfnFree = [](void*, void*) { std::abort(); };
  return callbacks;
}

TEST(Corners, NullHandlesAreDestroyedWithoutACall) {
  Gpu gpu;
  const VkAllocationCallbacks callbacks = forbidden();
  for (const VkAllocationCallbacks* with :
       {static_cast<const VkAllocationCallbacks*>(nullptr), &callbacks}) {
    vkDestroyBuffer(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyBufferView(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyImage(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyImageView(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyFence(gpu.device, VK_NULL_HANDLE, with);
    vkDestroySemaphore(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyEvent(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyQueryPool(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyShaderModule(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyPipelineCache(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyPipeline(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyPipelineLayout(gpu.device, VK_NULL_HANDLE, with);
    vkDestroySampler(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyDescriptorSetLayout(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyDescriptorPool(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyDescriptorUpdateTemplate(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyCommandPool(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyPrivateDataSlot(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyRenderPass(gpu.device, VK_NULL_HANDLE, with);
    vkDestroyFramebuffer(gpu.device, VK_NULL_HANDLE, with);
    vkDestroySamplerYcbcrConversion(gpu.device, VK_NULL_HANDLE, with);
    vkFreeMemory(gpu.device, VK_NULL_HANDLE, with);
  }
  const std::array<VkCommandBuffer, 3> none{};
  vkFreeCommandBuffers(gpu.device, gpu.pool, 3, none.data());
}

TEST(Corners, QueriesAreCopiedAsTheyAreRead) {
  Gpu gpu;
  VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = 3;
  VkQueryPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateQueryPool(gpu.device, &info, nullptr, &pool));
  vkResetQueryPool(gpu.device, pool, 0, 3);
  VkCommandBuffer commands = begin(gpu);
  vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, pool, 0);
  vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, pool, 2);
  run(gpu, commands);
  for (const VkQueryResultFlags wide : {0u, static_cast<unsigned>(VK_QUERY_RESULT_64_BIT)}) {
    for (const VkQueryResultFlags more :
         {0u, static_cast<unsigned>(VK_QUERY_RESULT_WITH_AVAILABILITY_BIT)}) {
      for (const VkDeviceSize stride : {VkDeviceSize{16}, VkDeviceSize{40}}) {
        Memory copied(gpu, 128), read(gpu, 128);
        std::memset(copied.data, 0x5A, 128);
        std::memset(read.data, 0x5A, 128);
        commands = begin(gpu);
        vkCmdCopyQueryPoolResults(commands, pool, 0, 3, copied.buffer, 8, stride, wide | more);
        run(gpu, commands);
        EXPECT_EQ(VK_NOT_READY,
                  vkGetQueryPoolResults(gpu.device, pool, 0, 3, 120, read.as<std::byte>() + 8,
                                        stride, wide | more));
        EXPECT_EQ(0, std::memcmp(copied.data, read.data, 128))
            << wide << ' ' << more << ' ' << stride;
      }
    }
  }
  vkDestroyQueryPool(gpu.device, pool, nullptr);
}

// With VK_QUERY_RESULT_PARTIAL_BIT what is not there yet is no failure.
TEST(Corners, PartialResultsSucceed) {
  Gpu gpu;
  VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_OCCLUSION;
  info.queryCount = 1;
  VkQueryPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateQueryPool(gpu.device, &info, nullptr, &pool));
  vkResetQueryPool(gpu.device, pool, 0, 1);
  std::array<std::uint64_t, 2> words{7, 7};
  EXPECT_EQ(VK_SUCCESS,
            vkGetQueryPoolResults(gpu.device, pool, 0, 1, sizeof words, words.data(), 16,
                                  VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_PARTIAL_BIT |
                                      VK_QUERY_RESULT_WITH_AVAILABILITY_BIT));
  EXPECT_EQ(0u, words[0]);
  EXPECT_EQ(0u, words[1]);
  vkDestroyQueryPool(gpu.device, pool, nullptr);
}

TEST(Corners, FillsEndAtAWholeWordAndUpdatesAreUpTo64KiB) {
  Gpu gpu;
  Memory odd(gpu, 27), large(gpu, 65544);
  std::memset(odd.data, 1, 27);
  std::memset(large.data, 1, 65544);
  Words words(16384);
  for (std::uint32_t i = 0; i < words.size(); ++i) words[i] = i * 2654435761u;
  const VkCommandBuffer commands = begin(gpu);
  vkCmdFillBuffer(commands, odd.buffer, 4, VK_WHOLE_SIZE, 0xEEEEEEEE);
  vkCmdUpdateBuffer(commands, large.buffer, 4, 65536, words.data());
  std::fill(words.begin(), words.end(), 0u);  // what was recorded is what was there
  run(gpu, commands);
  for (int i = 0; i < 27; ++i)
    EXPECT_EQ(i < 4 || i >= 24 ? 1 : 0xEE, odd.as<std::uint8_t>()[i]) << i;
  EXPECT_EQ(0x01010101u, large.as<std::uint32_t>()[0]);
  for (std::uint32_t i = 0; i < 16384; ++i) {
    ASSERT_EQ(i * 2654435761u, large.as<std::uint32_t>()[i + 1]) << i;
  }
  EXPECT_EQ(0x01010101u, large.as<std::uint32_t>()[16385]);
}

PipelineOptions shaped(const VkSpecializationInfo& shape) {
  PipelineOptions options;
  options.specialization = &shape;
  return options;
}

// A kernel whose workgroups have this shape.
struct Shape {
  explicit Shape(std::array<std::uint32_t, 3> of) : sizes(of) {
    for (std::uint32_t i = 0; i < 3; ++i) entries[i] = {i, i * 4, 4};
    info = {3, entries.data(), sizeof sizes, sizes.data()};
  }
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;
  std::array<std::uint32_t, 3> sizes;
  std::array<VkSpecializationMapEntry, 3> entries{};
  VkSpecializationInfo info{};
};

TEST(Corners, WorkgroupsAreAsLargeAsTheLimitsSayInEachDimension) {
  Gpu gpu;
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(gpu.physical, &properties);
  const VkPhysicalDeviceLimits& limits = properties.limits;
  for (int dimension = 0; dimension < 3; ++dimension) {
    std::array<std::uint32_t, 3> sizes{1, 1, 1};
    sizes[dimension] = limits.maxComputeWorkGroupSize[dimension];
    const Shape shape(sizes);
    Memory out(gpu, 64);
    std::memset(out.data, 0, 64);
    Kernel kernel(gpu, test_kernel("corner"), storage_buffers(1), shaped(shape.info));
    ASSERT_EQ(VK_SUCCESS, kernel.result) << gpu.messages;
    kernel.write(0, out.buffer);
    const VkCommandBuffer commands = begin(gpu);
    kernel.bind(commands);
    vkCmdDispatch(commands, 2, 1, 3);
    for (int none = 0; none < 3; ++none) {  // which start nothing
      vkCmdDispatch(commands, none == 0 ? 0 : 2, none == 1 ? 0 : 2, none == 2 ? 0 : 2);
    }
    run(gpu, commands);
    EXPECT_EQ(6 * sizes[dimension], out.as<std::uint32_t>()[0]) << dimension;
    EXPECT_EQ(6u, out.as<std::uint32_t>()[1]) << dimension;
    EXPECT_EQ(sizes[dimension], out.as<std::uint32_t>()[2]) << dimension;
  }
}

TEST(Corners, ASecondaryBufferIsExecutedByManyAtATime) {
  Gpu gpu;
  const Shape shape({8, 4, 2});
  Memory out(gpu, 64);
  std::memset(out.data, 0, 64);
  Kernel kernel(gpu, test_kernel("corner"), storage_buffers(1), shaped(shape.info));
  ASSERT_EQ(VK_SUCCESS, kernel.result) << gpu.messages;
  kernel.write(0, out.buffer);
  const VkCommandBuffer secondary = begin(gpu, VK_COMMAND_BUFFER_LEVEL_SECONDARY);
  kernel.bind(secondary);
  vkCmdDispatch(secondary, 1, 1, 1);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(secondary));
  const VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr,
                                VK_ACCESS_SHADER_WRITE_BIT,
                                VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT};
  std::array<VkCommandBuffer, 4> primaries{};
  for (VkCommandBuffer& primary : primaries) {
    primary = begin(gpu);
    const std::array<VkCommandBuffer, 2> both{secondary, secondary};
    vkCmdExecuteCommands(primary, 1, both.data());
    vkCmdPipelineBarrier(primary, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                         VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, nullptr, 0,
                         nullptr);
    vkCmdExecuteCommands(primary, 2, both.data());
    // Its own state is not that of what it executed.
    kernel.bind(primary);
    vkCmdDispatch(primary, 1, 1, 1);
    vkCmdPipelineBarrier(primary, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                         VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &barrier, 0, nullptr, 0,
                         nullptr);
    ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(primary));
  }
  const std::array<VkCommandBuffer, 6> order{primaries[0], primaries[1], primaries[0],
                                             primaries[2], primaries[3], primaries[3]};
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = static_cast<std::uint32_t>(order.size());
  info.pCommandBuffers = order.data();
  const std::array<VkSubmitInfo, 2> twice{info, info};
  const VkFence fence = new_fence(gpu);
  ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 2, twice.data(), fence));
  ASSERT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  EXPECT_EQ(2 * 6 * 4u, out.as<std::uint32_t>()[1]);
  EXPECT_EQ(2 * 6 * 4 * 64u, out.as<std::uint32_t>()[0]);
  vkDestroyFence(gpu.device, fence, nullptr);
}

TEST(Corners, ManyAllocationsLiveAtATimeAndAreMappedInParts) {
  Gpu gpu;
  std::vector<VkDeviceMemory> all(4096);
  VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  info.allocationSize = 5000;
  for (std::uint32_t i = 0; i < all.size(); ++i) {
    info.memoryTypeIndex = i % 2;
    ASSERT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &info, nullptr, &all[i])) << i;
    void* part = nullptr;
    ASSERT_EQ(VK_SUCCESS, vkMapMemory(gpu.device, all[i], 4096, 904, 0, &part));
    static_cast<std::uint32_t*>(part)[225] = i;
    vkUnmapMemory(gpu.device, all[i]);
  }
  for (std::uint32_t i = 0; i < all.size(); i += 2) vkFreeMemory(gpu.device, all[i], nullptr);
  for (std::uint32_t i = 1; i < all.size(); i += 2) {
    void* whole = nullptr;
    ASSERT_EQ(VK_SUCCESS, vkMapMemory(gpu.device, all[i], 0, VK_WHOLE_SIZE, 0, &whole));
    ASSERT_EQ(i, static_cast<std::uint32_t*>(whole)[1024 + 225]);
    const VkMappedMemoryRange range{VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE, nullptr, all[i], 0,
                                    VK_WHOLE_SIZE};
    ASSERT_EQ(VK_SUCCESS, vkFlushMappedMemoryRanges(gpu.device, 1, &range));
    ASSERT_EQ(VK_SUCCESS, vkInvalidateMappedMemoryRanges(gpu.device, 1, &range));
    vkFreeMemory(gpu.device, all[i], nullptr);
  }
}

// Every member of what is asked for is written, whatever was there.
template <class T>
void is_written(Gpu& gpu, VkStructureType type, bool features) {
  std::array<T, 2> two;
  for (std::size_t i = 0; i < 2; ++i) {
    std::memset(static_cast<void*>(&two[i]), i == 0 ? 0x00 : 0xFF, sizeof(T));
    two[i].sType = type;
    two[i].pNext = nullptr;
    if (features) {
      VkPhysicalDeviceFeatures2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &two[i], {}};
      vkGetPhysicalDeviceFeatures2(gpu.physical, &all);
    } else {
      VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &two[i], {}};
      vkGetPhysicalDeviceProperties2(gpu.physical, &all);
    }
  }
  // Behind the type and the chain: words. What lies between members of properties, and behind the
  // last one, is nobody's.
  constexpr std::size_t kFirst = 2 * sizeof(void*) / 4, kCount = sizeof(T) / 4;
  const auto* words = reinterpret_cast<const std::uint32_t*>(two.data());
  std::size_t different = 0;
  for (std::size_t i = kFirst; i + 1 < kCount; ++i) different += words[i] != words[kCount + i];
  EXPECT_LE(different, features ? 0u : 2u) << type;
}

TEST(Corners, StructuresAreFilledWhole) {
  Gpu gpu;
#define SOKR_FEATURES(name, value) is_written<name>(gpu, VK_STRUCTURE_TYPE_##value, true)
#define SOKR_PROPERTIES(name, value) is_written<name>(gpu, VK_STRUCTURE_TYPE_##value, false)
  SOKR_FEATURES(VkPhysicalDeviceVulkan11Features, PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
  SOKR_FEATURES(VkPhysicalDeviceVulkan12Features, PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
  SOKR_FEATURES(VkPhysicalDeviceVulkan13Features, PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
  SOKR_FEATURES(VkPhysicalDevice16BitStorageFeatures, PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
  SOKR_FEATURES(VkPhysicalDeviceMultiviewFeatures, PHYSICAL_DEVICE_MULTIVIEW_FEATURES);
  SOKR_FEATURES(VkPhysicalDeviceDescriptorIndexingFeatures,
                PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_FEATURES);
  SOKR_FEATURES(VkPhysicalDeviceRobustness2FeaturesEXT, PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT);
  SOKR_PROPERTIES(VkPhysicalDeviceVulkan11Properties, PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES);
  SOKR_PROPERTIES(VkPhysicalDeviceVulkan12Properties, PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
  SOKR_PROPERTIES(VkPhysicalDeviceVulkan13Properties, PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES);
  SOKR_PROPERTIES(VkPhysicalDeviceIDProperties, PHYSICAL_DEVICE_ID_PROPERTIES);
  SOKR_PROPERTIES(VkPhysicalDeviceDriverProperties, PHYSICAL_DEVICE_DRIVER_PROPERTIES);
  SOKR_PROPERTIES(VkPhysicalDeviceSubgroupProperties, PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
  SOKR_PROPERTIES(VkPhysicalDeviceDescriptorIndexingProperties,
                  PHYSICAL_DEVICE_DESCRIPTOR_INDEXING_PROPERTIES);
  SOKR_PROPERTIES(VkPhysicalDeviceFloatControlsProperties,
                  PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES);
}

TEST(Corners, SetsAreThereWithoutTheirLayoutsAndWithoutBindings) {
  Gpu gpu;
  const Shape shape({4, 1, 1});
  Memory out(gpu, 64);
  std::memset(out.data, 0, 64);
  Kernel kernel(gpu, test_kernel("corner"), storage_buffers(1), shaped(shape.info));
  ASSERT_EQ(VK_SUCCESS, kernel.result) << gpu.messages;
  // Bindings without descriptors, and a layout without bindings.
  std::array<VkDescriptorSetLayoutBinding, 2> few{};
  few[0] = {3, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 0, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  few[1] = {7, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  VkDescriptorSetLayoutCreateInfo info{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  std::array<VkDescriptorSetLayout, 2> layouts{};
  ASSERT_EQ(VK_SUCCESS, vkCreateDescriptorSetLayout(gpu.device, &info, nullptr, &layouts[0]));
  info.bindingCount = 2;
  info.pBindings = few.data();
  ASSERT_EQ(VK_SUCCESS, vkCreateDescriptorSetLayout(gpu.device, &info, nullptr, &layouts[1]));
  VkDescriptorPoolSize size{VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2};
  VkDescriptorPoolCreateInfo pools{VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pools.maxSets = 2;
  pools.poolSizeCount = 1;
  pools.pPoolSizes = &size;
  VkDescriptorPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateDescriptorPool(gpu.device, &pools, nullptr, &pool));
  VkDescriptorSetAllocateInfo asked{VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  asked.descriptorPool = pool;
  asked.descriptorSetCount = 2;
  asked.pSetLayouts = layouts.data();
  std::array<VkDescriptorSet, 2> sets{};
  ASSERT_EQ(VK_SUCCESS, vkAllocateDescriptorSets(gpu.device, &asked, sets.data()));
  const VkDescriptorBufferInfo buffer{out.buffer, 0, VK_WHOLE_SIZE};
  VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
  write.dstSet = sets[1];
  write.dstBinding = 7;
  write.dstArrayElement = 1;
  write.descriptorCount = 1;
  write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  write.pBufferInfo = &buffer;
  vkUpdateDescriptorSets(gpu.device, 1, &write, 0, nullptr);
  for (VkDescriptorSetLayout layout : layouts) {
    vkDestroyDescriptorSetLayout(gpu.device, layout, nullptr);
  }
  kernel.write(0, out.buffer);
  const VkCommandBuffer commands = begin(gpu);
  kernel.bind(commands);
  vkCmdDispatch(commands, 5, 1, 1);
  run(gpu, commands);
  EXPECT_EQ(20u, out.as<std::uint32_t>()[0]);
  vkDestroyDescriptorPool(gpu.device, pool, nullptr);
}

TEST(Corners, ValuesOfBinarySemaphoresAreNotLookedAt) {
  Gpu gpu;
  const VkSemaphore binary = new_semaphore(gpu, false), timeline = new_semaphore(gpu, true, 5);
  const std::array<VkSemaphore, 2> both{binary, timeline};
  const std::array<std::uint64_t, 2> values{UINT64_MAX, 9};
  VkTimelineSemaphoreSubmitInfo with{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  with.signalSemaphoreValueCount = 2;
  with.pSignalSemaphoreValues = values.data();
  VkSubmitInfo signals{VK_STRUCTURE_TYPE_SUBMIT_INFO, &with};
  signals.signalSemaphoreCount = 2;
  signals.pSignalSemaphores = both.data();
  ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &signals, VK_NULL_HANDLE));
  with = {VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  with.waitSemaphoreValueCount = 2;
  with.pWaitSemaphoreValues = values.data();
  const std::array<VkPipelineStageFlags, 2> stages{VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                                   VK_PIPELINE_STAGE_ALL_COMMANDS_BIT};
  VkSubmitInfo waits{VK_STRUCTURE_TYPE_SUBMIT_INFO, &with};
  waits.waitSemaphoreCount = 2;
  waits.pWaitSemaphores = both.data();
  waits.pWaitDstStageMask = stages.data();
  const VkFence fence = new_fence(gpu);
  ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &waits, fence));
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  std::uint64_t value = 0;
  EXPECT_EQ(VK_SUCCESS, vkGetSemaphoreCounterValue(gpu.device, timeline, &value));
  EXPECT_EQ(9u, value);
  const std::uint64_t more = 10;
  VkSemaphoreWaitInfo wait{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  wait.semaphoreCount = 1;
  wait.pSemaphores = &timeline;
  wait.pValues = &more;
  EXPECT_EQ(VK_TIMEOUT, vkWaitSemaphores(gpu.device, &wait, 0));
  EXPECT_EQ(VK_TIMEOUT, vkWaitSemaphores(gpu.device, &wait, 1000));
  const VkSemaphoreSignalInfo signal{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, nullptr, timeline,
                                     UINT64_MAX};
  EXPECT_EQ(VK_SUCCESS, vkSignalSemaphore(gpu.device, &signal));
  EXPECT_EQ(VK_SUCCESS, vkWaitSemaphores(gpu.device, &wait, 0));
  vkDestroyFence(gpu.device, fence, nullptr);
  for (VkSemaphore one : both) vkDestroySemaphore(gpu.device, one, nullptr);
}

TEST(Corners, PoolsThatAreResetGiveTheirBuffersBackForRecording) {
  Gpu gpu;
  Memory out(gpu, 64);
  std::array<VkCommandBuffer, 3> buffers{};
  for (VkCommandBuffer& one : buffers) {
    one = begin(gpu);
    vkCmdFillBuffer(one, out.buffer, 0, 64, 1);
    ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(one));
  }
  ASSERT_EQ(VK_SUCCESS, vkResetCommandPool(gpu.device, gpu.pool, 0));
  ASSERT_EQ(VK_SUCCESS,
            vkResetCommandPool(gpu.device, gpu.pool, VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT));
  vkTrimCommandPool(gpu.device, gpu.pool, 0);
  for (std::uint32_t i = 0; i < 3; ++i) {
    VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    ASSERT_EQ(VK_SUCCESS, vkBeginCommandBuffer(buffers[i], &info));
    vkCmdFillBuffer(buffers[i], out.buffer, 4 * i, 4, i + 10);
    run(gpu, buffers[i]);
    // Begun again, it forgets what it held.
    ASSERT_EQ(VK_SUCCESS, vkBeginCommandBuffer(buffers[i], &info));
    run(gpu, buffers[i]);
  }
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ(i + 10, out.as<std::uint32_t>()[i]);
}

}  // namespace
}  // namespace sokr::test
