// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Fences, semaphores, events, queries: who waits for whom.
#include <array>
#include <atomic>
#include <thread>

#include "gpu.hpp"

namespace sokr::test {
namespace {

VkCommandBuffer fill(Gpu& gpu, const Memory& to, std::uint32_t value) {
  const VkCommandBuffer commands = begin(gpu);
  vkCmdFillBuffer(commands, to.buffer, 0, VK_WHOLE_SIZE, value);
  EXPECT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  return commands;
}

struct Value {
  VkSemaphore semaphore;
  std::uint64_t value;
};

VkResult submit(Gpu& gpu, VkCommandBuffer commands, std::vector<Value> waits,
                std::vector<Value> signals, VkFence fence = VK_NULL_HANDLE) {
  const auto infos = [](const std::vector<Value>& values) {
    std::vector<VkSemaphoreSubmitInfo> all;
    for (const Value& v : values) {
      all.push_back({VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO, nullptr, v.semaphore, v.value,
                     VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, 0});
    }
    return all;
  };
  const auto wait = infos(waits), signal = infos(signals);
  VkCommandBufferSubmitInfo buffer{VK_STRUCTURE_TYPE_COMMAND_BUFFER_SUBMIT_INFO};
  buffer.commandBuffer = commands;
  VkSubmitInfo2 info{VK_STRUCTURE_TYPE_SUBMIT_INFO_2};
  info.waitSemaphoreInfoCount = static_cast<std::uint32_t>(wait.size());
  info.pWaitSemaphoreInfos = wait.data();
  info.signalSemaphoreInfoCount = static_cast<std::uint32_t>(signal.size());
  info.pSignalSemaphoreInfos = signal.data();
  info.commandBufferInfoCount = commands ? 1 : 0;
  info.pCommandBufferInfos = &buffer;
  return vkQueueSubmit2(gpu.queue, 1, &info, fence);
}

VkResult wait(Gpu& gpu, VkSemaphore semaphore, std::uint64_t value, std::uint64_t timeout) {
  VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &semaphore;
  info.pValues = &value;
  return vkWaitSemaphores(gpu.device, &info, timeout);
}

VkResult signal(Gpu& gpu, VkSemaphore semaphore, std::uint64_t value) {
  VkSemaphoreSignalInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO};
  info.semaphore = semaphore;
  info.value = value;
  return vkSignalSemaphore(gpu.device, &info);
}

// What is submitted is over when vkQueueSubmit returns, if it is short and waits for nothing; what
// is not is left to others.
TEST(Sync, WhatIsShortIsOverWhenItWasSubmitted) {
  Gpu gpu;
  Memory a(gpu, 64);
  const VkFence fence = new_fence(gpu);
  const VkSemaphore timeline = new_semaphore(gpu, true);
  for (std::uint32_t i = 1; i < 100; ++i) {
    ASSERT_EQ(VK_SUCCESS, submit(gpu, fill(gpu, a, i), {}, {{timeline, i}}, fence));
    EXPECT_EQ(VK_SUCCESS, vkGetFenceStatus(gpu.device, fence));
    std::uint64_t value = 0;
    ASSERT_EQ(VK_SUCCESS, vkGetSemaphoreCounterValue(gpu.device, timeline, &value));
    EXPECT_EQ(i, value);
    EXPECT_EQ(i, a.as<std::uint32_t>()[15]);
    ASSERT_EQ(VK_SUCCESS, vkResetFences(gpu.device, 1, &fence));
  }
  vkDestroyFence(gpu.device, fence, nullptr);
  vkDestroySemaphore(gpu.device, timeline, nullptr);
}

TEST(Sync, WhatIsLongIsLeftToOthers) {
  Gpu gpu;
  Memory flag(gpu, 8);
  Kernel kernel(gpu, test_kernel("flag"), storage_buffers(1));
  ASSERT_EQ(VK_SUCCESS, kernel.result);
  kernel.write(0, flag.buffer);
  const VkCommandBuffer commands = begin(gpu);
  kernel.bind(commands);
  vkCmdDispatch(commands, 1, 1, 1);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  const VkFence fence = new_fence(gpu);
  ASSERT_EQ(VK_SUCCESS, submit(gpu, commands, {}, {}, fence));
  EXPECT_EQ(VK_NOT_READY, vkGetFenceStatus(gpu.device, fence));
  EXPECT_EQ(VK_TIMEOUT, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, 1'000'000));
  std::atomic_ref(flag.as<std::uint32_t>()[0]).store(1);
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  EXPECT_EQ(1u, flag.as<std::uint32_t>()[1]);
  vkDestroyFence(gpu.device, fence, nullptr);
}

TEST(Sync, AWaitBeforeItsSignalHoldsBackWhatFollows) {
  Gpu gpu;
  Memory a(gpu, 64), b(gpu, 64);
  const VkSemaphore timeline = new_semaphore(gpu, true, 5);
  const VkFence first = new_fence(gpu), second = new_fence(gpu);
  ASSERT_EQ(VK_SUCCESS, submit(gpu, fill(gpu, a, 1), {{timeline, 7}}, {{timeline, 8}}, first));
  ASSERT_EQ(VK_SUCCESS, submit(gpu, fill(gpu, b, 2), {}, {{timeline, 9}}, second));
  EXPECT_EQ(VK_NOT_READY, vkGetFenceStatus(gpu.device, first));
  EXPECT_EQ(VK_TIMEOUT, vkWaitForFences(gpu.device, 1, &second, VK_TRUE, 1'000'000));
  EXPECT_EQ(0u, a.as<std::uint32_t>()[0]);
  EXPECT_EQ(VK_TIMEOUT, wait(gpu, timeline, 7, 0));
  ASSERT_EQ(VK_SUCCESS, signal(gpu, timeline, 7));
  EXPECT_EQ(VK_SUCCESS, wait(gpu, timeline, 9, UINT64_MAX));
  const VkFence both[2]{first, second};
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 2, both, VK_TRUE, UINT64_MAX));
  EXPECT_EQ(1u, a.as<std::uint32_t>()[3]);
  EXPECT_EQ(2u, b.as<std::uint32_t>()[3]);
  std::uint64_t value = 0;
  ASSERT_EQ(VK_SUCCESS, vkGetSemaphoreCounterValue(gpu.device, timeline, &value));
  EXPECT_EQ(9u, value);
  ASSERT_EQ(VK_SUCCESS, vkQueueWaitIdle(gpu.queue));
  vkDestroySemaphore(gpu.device, timeline, nullptr);
  for (VkFence fence : both) vkDestroyFence(gpu.device, fence, nullptr);
}

TEST(Sync, AnotherThreadSignals) {
  Gpu gpu;
  Memory a(gpu, 64);
  const VkSemaphore timeline = new_semaphore(gpu, true);
  const VkFence fence = new_fence(gpu);
  ASSERT_EQ(VK_SUCCESS, submit(gpu, fill(gpu, a, 1), {{timeline, 1}}, {}, fence));
  std::thread other([&] { EXPECT_EQ(VK_SUCCESS, signal(gpu, timeline, 1)); });
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  other.join();
  EXPECT_EQ(1u, a.as<std::uint32_t>()[0]);
  ASSERT_EQ(VK_SUCCESS, vkDeviceWaitIdle(gpu.device));
  vkDestroyFence(gpu.device, fence, nullptr);
  vkDestroySemaphore(gpu.device, timeline, nullptr);
}

TEST(Sync, BinarySemaphoresAreUsedUpByTheirWaits) {
  Gpu gpu;
  Memory a(gpu, 64);
  const VkSemaphore binary = new_semaphore(gpu, false);
  for (std::uint32_t i = 1; i < 20; ++i) {
    ASSERT_EQ(VK_SUCCESS, submit(gpu, fill(gpu, a, i), {}, {{binary, 0}}));
    ASSERT_EQ(VK_SUCCESS, submit(gpu, VK_NULL_HANDLE, {{binary, 0}}, {}));
  }
  ASSERT_EQ(VK_SUCCESS, vkQueueWaitIdle(gpu.queue));
  EXPECT_EQ(19u, a.as<std::uint32_t>()[0]);
  vkDestroySemaphore(gpu.device, binary, nullptr);
}

TEST(Sync, FencesAreWaitedForTogetherOrOne) {
  Gpu gpu;
  const VkFence done = new_fence(gpu), never = new_fence(gpu);
  ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 0, nullptr, done));
  const VkFence both[2]{never, done};
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 2, both, VK_FALSE, UINT64_MAX));
  EXPECT_EQ(VK_TIMEOUT, vkWaitForFences(gpu.device, 2, both, VK_TRUE, 1000));
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &done, VK_TRUE, 0));
  EXPECT_EQ(VK_SUCCESS, vkResetFences(gpu.device, 1, &done));
  EXPECT_EQ(VK_NOT_READY, vkGetFenceStatus(gpu.device, done));
  for (VkFence fence : both) vkDestroyFence(gpu.device, fence, nullptr);
}

TEST(Sync, CommandsWaitForAnEventOfTheHost) {
  Gpu gpu;
  Memory a(gpu, 64);
  VkEventCreateInfo info{VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
  VkEvent from_host = VK_NULL_HANDLE, from_queue = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateEvent(gpu.device, &info, nullptr, &from_host));
  ASSERT_EQ(VK_SUCCESS, vkCreateEvent(gpu.device, &info, nullptr, &from_queue));
  const VkCommandBuffer commands = begin(gpu);
  vkCmdSetEvent(commands, from_queue, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
  VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  vkCmdWaitEvents(commands, 1, &from_host, VK_PIPELINE_STAGE_HOST_BIT,
                  VK_PIPELINE_STAGE_TRANSFER_BIT, 1, &barrier, 0, nullptr, 0, nullptr);
  vkCmdFillBuffer(commands, a.buffer, 0, VK_WHOLE_SIZE, 3);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  const VkFence fence = new_fence(gpu);
  ASSERT_EQ(VK_SUCCESS, submit(gpu, commands, {}, {}, fence));
  EXPECT_EQ(VK_EVENT_SET, vkGetEventStatus(gpu.device, from_queue));
  EXPECT_EQ(VK_NOT_READY, vkGetFenceStatus(gpu.device, fence));
  ASSERT_EQ(VK_SUCCESS, vkSetEvent(gpu.device, from_host));
  EXPECT_EQ(VK_SUCCESS, vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX));
  EXPECT_EQ(3u, a.as<std::uint32_t>()[0]);
  vkDestroyFence(gpu.device, fence, nullptr);
  vkDestroyEvent(gpu.device, from_host, nullptr);
  vkDestroyEvent(gpu.device, from_queue, nullptr);
}

// Binary semaphores beside timelines in one chain of batches, as vkQueueSubmit takes them: values
// that stand for binary ones are ignored.
TEST(Sync, BatchesOfOneSubmitWaitForEachOther) {
  Gpu gpu;
  Memory a(gpu, 64);
  const VkSemaphore timeline = new_semaphore(gpu, true, 3), binary = new_semaphore(gpu, false);
  const std::array<VkCommandBuffer, 3> commands{fill(gpu, a, 1), fill(gpu, a, 2), fill(gpu, a, 3)};
  const std::array<VkSemaphore, 2> both{binary, timeline};
  const std::array<std::uint64_t, 2> first{99, 4}, second{0, 4}, third{5, 0};
  const std::array<VkPipelineStageFlags, 2> stages{VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                                                   VK_PIPELINE_STAGE_TRANSFER_BIT};
  std::array<VkTimelineSemaphoreSubmitInfo, 3> values{};
  std::array<VkSubmitInfo, 3> infos{};
  for (std::uint32_t i = 0; i < 3; ++i) {
    values[i].sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
    infos[i].sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    infos[i].pNext = &values[i];
    infos[i].commandBufferCount = 1;
    infos[i].pCommandBuffers = &commands[i];
    infos[i].pWaitDstStageMask = stages.data();
  }
  values[0].signalSemaphoreValueCount = 2;
  values[0].pSignalSemaphoreValues = first.data();
  infos[0].signalSemaphoreCount = 2;
  infos[0].pSignalSemaphores = both.data();
  values[1].waitSemaphoreValueCount = 2;
  values[1].pWaitSemaphoreValues = second.data();
  infos[1].waitSemaphoreCount = 2;
  infos[1].pWaitSemaphores = both.data();
  values[2].signalSemaphoreValueCount = 1;
  values[2].pSignalSemaphoreValues = third.data();
  infos[2].signalSemaphoreCount = 1;
  infos[2].pSignalSemaphores = &timeline;
  ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 3, infos.data(), VK_NULL_HANDLE));
  EXPECT_EQ(VK_SUCCESS, wait(gpu, timeline, 5, UINT64_MAX));
  EXPECT_EQ(3u, a.as<std::uint32_t>()[0]);
  // The binary one was used up: it can be signaled again.
  ASSERT_EQ(VK_SUCCESS, submit(gpu, VK_NULL_HANDLE, {}, {{binary, 0}}));
  ASSERT_EQ(VK_SUCCESS, submit(gpu, VK_NULL_HANDLE, {{binary, 0}}, {{timeline, 6}}));
  EXPECT_EQ(VK_SUCCESS, wait(gpu, timeline, 6, UINT64_MAX));
  ASSERT_EQ(VK_SUCCESS, vkQueueWaitIdle(gpu.queue));
  vkDestroySemaphore(gpu.device, timeline, nullptr);
  vkDestroySemaphore(gpu.device, binary, nullptr);
}

TEST(Sync, AnyOrAllOfSeveralTimelines) {
  Gpu gpu;
  const std::array<VkSemaphore, 2> both{new_semaphore(gpu, true, 1), new_semaphore(gpu, true, 1)};
  const auto wait_both = [&](std::uint64_t one, std::uint64_t two, VkSemaphoreWaitFlags flags,
                             std::uint64_t timeout) {
    const std::array<std::uint64_t, 2> values{one, two};
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.flags = flags;
    info.semaphoreCount = 2;
    info.pSemaphores = both.data();
    info.pValues = values.data();
    return vkWaitSemaphores(gpu.device, &info, timeout);
  };
  EXPECT_EQ(VK_SUCCESS, wait_both(1, 0, 0, 0));
  EXPECT_EQ(VK_TIMEOUT, wait_both(1, 2, 0, 1000));
  EXPECT_EQ(VK_SUCCESS, wait_both(1, 2, VK_SEMAPHORE_WAIT_ANY_BIT, 0));
  EXPECT_EQ(VK_TIMEOUT, wait_both(2, 2, VK_SEMAPHORE_WAIT_ANY_BIT, 1000));
  std::thread other([&] { EXPECT_EQ(VK_SUCCESS, signal(gpu, both[1], 7)); });
  EXPECT_EQ(VK_SUCCESS, wait_both(2, 7, VK_SEMAPHORE_WAIT_ANY_BIT, UINT64_MAX));
  other.join();
  ASSERT_EQ(VK_SUCCESS, signal(gpu, both[0], 2));
  EXPECT_EQ(VK_SUCCESS, wait_both(2, 7, 0, 0));
  for (VkSemaphore one : both) vkDestroySemaphore(gpu.device, one, nullptr);
}

TEST(Sync, AnEventThatIsResetIsWaitedForAgain) {
  Gpu gpu;
  Memory a(gpu, 64);
  VkEventCreateInfo info{VK_STRUCTURE_TYPE_EVENT_CREATE_INFO};
  VkEvent event = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateEvent(gpu.device, &info, nullptr, &event));
  EXPECT_EQ(VK_EVENT_RESET, vkGetEventStatus(gpu.device, event));
  VkDependencyInfo nothing{VK_STRUCTURE_TYPE_DEPENDENCY_INFO};
  const VkCommandBuffer commands = begin(gpu);
  vkCmdSetEvent2(commands, event, &nothing);
  vkCmdWaitEvents2(commands, 1, &event, &nothing);
  vkCmdResetEvent2(commands, event, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT);
  vkCmdFillBuffer(commands, a.buffer, 0, VK_WHOLE_SIZE, 8);
  run(gpu, commands);
  EXPECT_EQ(8u, a.as<std::uint32_t>()[0]);
  EXPECT_EQ(VK_EVENT_RESET, vkGetEventStatus(gpu.device, event));
  ASSERT_EQ(VK_SUCCESS, vkSetEvent(gpu.device, event));
  EXPECT_EQ(VK_EVENT_SET, vkGetEventStatus(gpu.device, event));
  ASSERT_EQ(VK_SUCCESS, vkResetEvent(gpu.device, event));
  EXPECT_EQ(VK_EVENT_RESET, vkGetEventStatus(gpu.device, event));
  vkDestroyEvent(gpu.device, event, nullptr);
}

TEST(Sync, TimestampsGrowAndAreCopied) {
  Gpu gpu;
  Memory out(gpu, 64);
  VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = 2;
  VkQueryPool pool = VK_NULL_HANDLE;
  ASSERT_EQ(VK_SUCCESS, vkCreateQueryPool(gpu.device, &info, nullptr, &pool));
  const VkCommandBuffer commands = begin(gpu);
  vkCmdResetQueryPool(commands, pool, 0, 2);
  vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, pool, 0);
  vkCmdFillBuffer(commands, out.buffer, 0, VK_WHOLE_SIZE, 0);
  vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, pool, 1);
  vkCmdCopyQueryPoolResults(commands, pool, 0, 2, out.buffer, 0, 16,
                            VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WITH_AVAILABILITY_BIT);
  run(gpu, commands);
  std::array<std::uint64_t, 2> times{};
  EXPECT_EQ(VK_SUCCESS, vkGetQueryPoolResults(gpu.device, pool, 0, 2, sizeof times, times.data(), 8,
                                              VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT));
  EXPECT_LT(0u, times[0]);
  EXPECT_LE(times[0], times[1]);
  EXPECT_EQ(times[0], out.as<std::uint64_t>()[0]);
  EXPECT_EQ(1u, out.as<std::uint64_t>()[1]);
  EXPECT_EQ(times[1], out.as<std::uint64_t>()[2]);
  vkResetQueryPool(gpu.device, pool, 0, 2);
  EXPECT_EQ(VK_NOT_READY, vkGetQueryPoolResults(gpu.device, pool, 0, 2, sizeof times, times.data(),
                                                8, VK_QUERY_RESULT_64_BIT));
  vkDestroyQueryPool(gpu.device, pool, nullptr);
}

TEST(Sync, SecondaryBuffersRunWhereTheyAreCalled) {
  Gpu gpu;
  Memory a(gpu, 64), b(gpu, 64);
  const VkCommandBuffer secondary = begin(gpu, VK_COMMAND_BUFFER_LEVEL_SECONDARY);
  const std::uint32_t value = 4;
  vkCmdUpdateBuffer(secondary, a.buffer, 4, 4, &value);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(secondary));
  const VkCommandBuffer commands = begin(gpu);
  const std::uint32_t other = 9;
  vkCmdUpdateBuffer(commands, b.buffer, 0, 4, &other);
  vkCmdExecuteCommands(commands, 1, &secondary);
  VkMemoryBarrier barrier{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                          VK_ACCESS_TRANSFER_READ_BIT};
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0,
                       1, &barrier, 0, nullptr, 0, nullptr);
  const VkBufferCopy region{4, 8, 4};
  vkCmdCopyBuffer(commands, a.buffer, b.buffer, 1, &region);
  run(gpu, commands);
  EXPECT_EQ(9u, b.as<std::uint32_t>()[0]);
  EXPECT_EQ(4u, b.as<std::uint32_t>()[2]);
}

// Somebody submits, somebody polls, and the device goes when all is done.
TEST(Sync, ManyThreadsWaitForWhatOneSubmits) {
  Gpu gpu;
  Memory a(gpu, 1 << 20);
  const VkSemaphore timeline = new_semaphore(gpu, true);
  constexpr std::uint64_t kCount = 200;
  std::vector<std::thread> waiters;
  for (unsigned i = 0; i < 4; ++i) {
    waiters.emplace_back([&, i] {
      for (std::uint64_t value = 1; value <= kCount; ++value) {
        const std::uint64_t timeout = i % 2 ? UINT64_MAX : 0;
        while (wait(gpu, timeline, value, timeout) == VK_TIMEOUT) {
        }
      }
    });
  }
  const VkCommandBuffer commands = fill(gpu, a, 1);
  for (std::uint64_t value = 1; value <= kCount; ++value) {
    ASSERT_EQ(VK_SUCCESS, submit(gpu, commands, {{timeline, value - 1}}, {{timeline, value}}));
  }
  for (std::thread& waiter : waiters) waiter.join();
  ASSERT_EQ(VK_SUCCESS, vkDeviceWaitIdle(gpu.device));
  vkDestroySemaphore(gpu.device, timeline, nullptr);
}

}  // namespace
}  // namespace sokr::test
