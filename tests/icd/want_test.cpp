// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Memory that is wanting while work is submitted, executed and waited for: a call fails, or the
// device is lost, and no later wait lasts for ever.
#include <unistd.h>

#include <cstdlib>

#include "gpu.hpp"
#include "left_behind.hpp"
#include "replaced_new.hpp"

namespace sokr::test {
namespace {

// A fill that takes some milliseconds, and a timestamp behind it.
struct LongWork {
  explicit LongWork(Gpu& of) : gpu(of), memory(of, 64 << 20), fence(new_fence(of)) {
    VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
    info.queryType = VK_QUERY_TYPE_TIMESTAMP;
    info.queryCount = 1;
    EXPECT_EQ(VK_SUCCESS, vkCreateQueryPool(gpu.device, &info, nullptr, &queries));
    vkResetQueryPool(gpu.device, queries, 0, 1);
    commands = begin(gpu);
    vkCmdFillBuffer(commands, memory.buffer, 0, VK_WHOLE_SIZE, 3);
    vkCmdWriteTimestamp2(commands, VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT, queries, 0);
    EXPECT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  }
  ~LongWork() {
    vkDestroyQueryPool(gpu.device, queries, nullptr);
    vkDestroyFence(gpu.device, fence, nullptr);
  }
  LongWork(const LongWork&) = delete;
  LongWork& operator=(const LongWork&) = delete;
  VkResult submit() const {
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    return vkQueueSubmit(gpu.queue, 1, &info, fence);
  }
  VkResult wait() const { return vkWaitForFences(gpu.device, 1, &fence, VK_TRUE, UINT64_MAX); }
  VkResult ask() const {
    std::uint64_t time = 0;
    return vkGetQueryPoolResults(gpu.device, queries, 0, 1, sizeof time, &time, sizeof time,
                                 VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
  }

  Gpu& gpu;
  Memory memory;
  VkFence fence;
  VkQueryPool queries = VK_NULL_HANDLE;
  VkCommandBuffer commands = VK_NULL_HANDLE;
};

// Runs `call` without memory from its k-th allocation on, or without that one alone.
template <class Call>
VkResult without_memory(int k, bool stays_out, Call&& call) {
  news_stay_out = stays_out;
  news_left = k;
  const VkResult result = call();
  news_left = -1;
  return result;
}

bool is_of_want(VkResult result) {
  return result == VK_ERROR_OUT_OF_HOST_MEMORY || result == VK_ERROR_DEVICE_LOST;
}

// Whatever became of the work, waiting for it ends, and with a success if it is not lost.
void expect_to_end(const LongWork& work) {
  alarm(60);  // ends the test, which has failed, if a wait does not
  const VkResult idle = vkDeviceWaitIdle(work.gpu.device);
  EXPECT_TRUE(idle == VK_SUCCESS || idle == VK_ERROR_DEVICE_LOST) << idle;
  if (idle == VK_SUCCESS) {
    EXPECT_EQ(VK_SUCCESS, work.wait());
    EXPECT_EQ(VK_SUCCESS, work.ask());
    EXPECT_EQ(3u, work.memory.as<std::uint32_t>()[work.memory.size / 4 - 1]);
  }
  alarm(0);
}

class Want : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!kReplacesNew) GTEST_SKIP() << "sanitizers replace operator new";
    if (std::getenv("SOKR_TEST_VALIDATED")) GTEST_SKIP() << "the layer would be out of memory";
  }
};
INSTANTIATE_TEST_SUITE_P(, Want, testing::Bool(), [](const testing::TestParamInfo<bool>& which) {
  return which.param ? "FromThenOn" : "Once";
});

// Until it is wanting where a launch is written, when what was submitted is being executed: whether
// it was done in part nobody can say then.
TEST_P(Want, OfMemoryInASubmissionEndsIt) {
  VkResult result = VK_SUCCESS;
  int k = 0;
  for (; result != VK_ERROR_DEVICE_LOST && k < 100; ++k) {
    Gpu gpu;
    const Memory x(gpu, 64), y(gpu, 64);
    Kernel kernel(gpu, test_kernel("bounds"), storage_buffers(2), {.push_size = 8});
    kernel.write(0, x.buffer);
    kernel.write(1, y.buffer);
    const VkCommandBuffer commands = begin(gpu);
    kernel.bind(commands);
    vkCmdDispatch(commands, 1, 1, 1);
    ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
    VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    info.commandBufferCount = 1;
    info.pCommandBuffers = &commands;
    result = without_memory(k, GetParam(),
                            [&] { return vkQueueSubmit(gpu.queue, 1, &info, VK_NULL_HANDLE); });
    EXPECT_TRUE(is_of_want(result)) << k << ": " << result;
    alarm(60);
    EXPECT_EQ(result == VK_ERROR_DEVICE_LOST ? result : VK_SUCCESS, vkDeviceWaitIdle(gpu.device));
    if (result == VK_ERROR_OUT_OF_HOST_MEMORY) {  // nothing of it was done
      EXPECT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &info, VK_NULL_HANDLE));
      EXPECT_EQ(VK_SUCCESS, vkDeviceWaitIdle(gpu.device));
    }
    alarm(0);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_EQ(VK_ERROR_DEVICE_LOST, result);
  EXPECT_LE(2, k);
}

TEST_P(Want, OfMemoryInAWaitEndsNoOther) {
  for (int k = 0; k < 4; ++k) {
    Gpu gpu;
    const LongWork work(gpu);
    ASSERT_EQ(VK_SUCCESS, work.submit());
    alarm(60);
    const VkResult result = without_memory(k, GetParam(), [&] { return work.wait(); });
    alarm(0);
    EXPECT_TRUE(result == VK_SUCCESS || is_of_want(result)) << k << ": " << result;
    expect_to_end(work);
  }
}

TEST_P(Want, OfMemoryInAQuestionIsNoEnd) {
  for (int k = 0; k < 4; ++k) {
    Gpu gpu;
    const LongWork work(gpu);
    ASSERT_EQ(VK_SUCCESS, work.submit());
    alarm(60);
    const VkResult result = without_memory(k, GetParam(), [&] { return work.ask(); });
    alarm(0);
    EXPECT_TRUE(result == VK_SUCCESS || is_of_want(result)) << k << ": " << result;
    expect_to_end(work);
  }
}

TEST(WantOfMemory, IsWhatReleasingRecordingsIsFor) {
  if (!kReplacesNew) GTEST_SKIP() << "sanitizers replace operator new";
  if (std::getenv("SOKR_TEST_VALIDATED")) GTEST_SKIP() << "the layer holds memory of its own";
  Gpu gpu;
  const Memory memory(gpu, 64);
  const long before = news_held;
  const VkCommandBuffer commands = begin(gpu);
  const auto record = [&] {
    for (int i = 0; i < 5000; ++i) vkCmdFillBuffer(commands, memory.buffer, 0, VK_WHOLE_SIZE, 1);
    EXPECT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
    EXPECT_LT(before + 5000 * 16, news_held);
  };
  const VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  constexpr long kLittle = 8192;
  record();
  EXPECT_EQ(VK_SUCCESS,
            vkResetCommandBuffer(commands, VK_COMMAND_BUFFER_RESET_RELEASE_RESOURCES_BIT));
  EXPECT_GT(before + kLittle, news_held);
  EXPECT_EQ(VK_SUCCESS, vkBeginCommandBuffer(commands, &info));
  record();
  EXPECT_EQ(VK_SUCCESS,
            vkResetCommandPool(gpu.device, gpu.pool, VK_COMMAND_POOL_RESET_RELEASE_RESOURCES_BIT));
  EXPECT_GT(before + kLittle, news_held);
  EXPECT_EQ(VK_SUCCESS, vkBeginCommandBuffer(commands, &info));
  record();
  // Kept for the next recording, until the pool is trimmed.
  EXPECT_EQ(VK_SUCCESS, vkResetCommandPool(gpu.device, gpu.pool, 0));
  EXPECT_LT(before + 5000 * 16, news_held);
  vkTrimCommandPool(gpu.device, gpu.pool, 0);
  EXPECT_GT(before + kLittle, news_held);
}

// Pages are had when they are touched: it is less than that of what would be too much.
TEST(WantOfMemory, IsToldToWhoAllocatesWithoutEnd) {
  Gpu gpu;
  VkPhysicalDeviceMemoryProperties properties;
  vkGetPhysicalDeviceMemoryProperties(gpu.physical, &properties);
  for (std::uint32_t type = 0; type < properties.memoryTypeCount; ++type) {
    const std::uint32_t heap = properties.memoryTypes[type].heapIndex;
    const VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, nullptr,
                                    properties.memoryHeaps[heap].size / 2, type};
    std::vector<VkDeviceMemory> all;
    VkResult result = VK_SUCCESS;
    while (result == VK_SUCCESS && all.size() < 8) {
      all.push_back(VK_NULL_HANDLE);
      result = vkAllocateMemory(gpu.device, &info, nullptr, &all.back());
    }
    EXPECT_EQ(VK_ERROR_OUT_OF_DEVICE_MEMORY, result);
    EXPECT_LE(3u, all.size()) << "all of the heap may be allocated";
    // What is free again there is again, and arrays of the program are no part of it.
    vkFreeMemory(gpu.device, all.front(), nullptr);
    all.front() = VK_NULL_HANDLE;
    EXPECT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &info, nullptr, &all.front()));
    std::vector<std::uint32_t> words(1024);
    VkImportMemoryHostPointerInfoEXT import{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
    import.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    import.pHostPointer = words.data();
    const VkMemoryAllocateInfo array{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &import, 4096, type};
    VkDeviceMemory imported = VK_NULL_HANDLE;
    EXPECT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &array, nullptr, &imported));
    vkFreeMemory(gpu.device, imported, nullptr);
    for (VkDeviceMemory memory : all) vkFreeMemory(gpu.device, memory, nullptr);
  }
}

// On the interpreter, which judges every address.
TEST(WantOfMemory, LeftInAnInvalidWayIsKnownByItsAddressNoMore) {
  const char* on = std::getenv("SOKR_ICD_ON");
  if (!on || std::string(on) != "reference") GTEST_SKIP() << "it is for SOKR_ICD_ON=reference";
  const LeftBehind left;
  struct {
    VkDeviceAddress to;
    std::uint32_t n, none;
  } push{0, 64, 0};
  {
    Gpu gpu;
    VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    info.size = 1 << 20;
    info.usage = VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT;
    VkBuffer buffer = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkCreateBuffer(gpu.device, &info, nullptr, &buffer));
    VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO};
    flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
    const VkMemoryAllocateInfo allocation{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &flags, info.size,
                                          0};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    ASSERT_EQ(VK_SUCCESS, vkAllocateMemory(gpu.device, &allocation, left.callbacks(), &memory));
    ASSERT_EQ(VK_SUCCESS, vkBindBufferMemory(gpu.device, buffer, memory, 0));
    VkBufferDeviceAddressInfo asked{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
    asked.buffer = buffer;
    push.to = vkGetBufferDeviceAddress(gpu.device, &asked);
    vkDestroyBuffer(gpu.device, buffer, nullptr);
  }
  Gpu gpu;
  const Kernel kernel(gpu, test_kernel("address"), {}, {.push_size = 16});
  const VkCommandBuffer commands = begin(gpu);
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.pipeline);
  vkCmdPushConstants(commands, kernel.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 16, &push);
  vkCmdDispatch(commands, 1, 1, 1);
  run(gpu, commands);
  EXPECT_NE(std::string::npos, gpu.messages.find("64 writes were out of bounds")) << gpu.messages;
}

}  // namespace
}  // namespace sokr::test
