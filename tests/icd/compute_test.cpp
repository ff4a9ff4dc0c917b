// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels through plain Vulkan.
#include <array>
#include <numeric>

#include "gpu.hpp"

namespace sokr::test {
namespace {

struct Saxpy {
  static constexpr std::uint32_t kCount = 10'000;
  explicit Saxpy(Gpu& gpu)
      : x(gpu, kCount * 4),
        y(gpu, kCount * 4),
        kernel(gpu, shared_kernel("saxpy"), storage_buffers(2),
               {.push_size = 8, .flags = VK_PIPELINE_CREATE_DISPATCH_BASE}) {
    for (std::uint32_t i = 0; i < kCount; ++i) {
      x.as<float>()[i] = static_cast<float>(i);
      y.as<float>()[i] = 2.0f;
    }
    kernel.write(0, x.buffer);
    kernel.write(1, y.buffer);
  }
  void record(VkCommandBuffer commands, float a = 3.0f) const {
    kernel.bind(commands);
    const struct {
      std::uint32_t n;
      float a;
    } push{kCount, a};
    vkCmdPushConstants(commands, kernel.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, 8, &push);
  }
  void expect(float a, float before) const {
    for (std::uint32_t i = 0; i < kCount; ++i) {
      ASSERT_EQ(a * static_cast<float>(i) + before, y.as<float>()[i]) << i;
    }
  }
  static constexpr std::uint32_t kGroups = (kCount + 255) / 256;
  Memory x, y;
  Kernel kernel;
};

TEST(Compute, Saxpy) {
  Gpu gpu;
  const Saxpy saxpy(gpu);
  const VkCommandBuffer commands = begin(gpu);
  saxpy.record(commands);
  vkCmdDispatch(commands, Saxpy::kGroups, 1, 1);
  run(gpu, commands);
  saxpy.expect(3, 2);
  EXPECT_EQ("", gpu.messages);
}

TEST(Compute, ADispatchStartsAtAnyWorkgroup) {
  Gpu gpu;
  const Saxpy saxpy(gpu);
  const VkCommandBuffer commands = begin(gpu);
  saxpy.record(commands);
  vkCmdDispatchBase(commands, 7, 0, 0, Saxpy::kGroups - 7, 1, 1);
  vkCmdDispatchBase(commands, 3, 5, 9, 4, 0, 1);
  vkCmdDispatchBase(commands, 0, 0, 0, 7, 1, 1);
  run(gpu, commands);
  saxpy.expect(3, 2);
  EXPECT_EQ("", gpu.messages);
}

TEST(Compute, PushConstantsAreThoseOfTheTimeOfTheDispatch) {
  Gpu gpu;
  const Saxpy saxpy(gpu);
  const VkCommandBuffer commands = begin(gpu);
  saxpy.record(commands, 1.0f);
  vkCmdDispatch(commands, Saxpy::kGroups, 1, 1);
  saxpy.record(commands, 4.0f);
  vkCmdDispatch(commands, Saxpy::kGroups, 1, 1);
  run(gpu, commands);
  saxpy.expect(5, 2);
}

TEST(Compute, IndirectTakesTheCountsThatAreThereWhenItIsExecuted) {
  Gpu gpu;
  const Saxpy saxpy(gpu);
  Memory groups(gpu, 64);
  const VkCommandBuffer commands = begin(gpu);
  saxpy.record(commands);
  const std::array<std::uint32_t, 3> counts{Saxpy::kGroups, 1, 1};
  vkCmdUpdateBuffer(commands, groups.buffer, 16, sizeof counts, counts.data());
  vkCmdDispatchIndirect(commands, groups.buffer, 16);
  vkCmdDispatchIndirect(commands, groups.buffer, 32);  // zeros: nothing
  run(gpu, commands);
  saxpy.expect(3, 2);
}

TEST(Compute, AMalformedModuleFailsWithASentence) {
  Gpu gpu;
  std::vector<std::uint32_t> words = shared_kernel("saxpy");
  words.resize(words.size() / 2);
  const Kernel cut(gpu, words, storage_buffers(2), {.push_size = 8});
  EXPECT_NE(VK_SUCCESS, cut.result);
  EXPECT_EQ(VkPipeline{VK_NULL_HANDLE}, cut.pipeline);
  EXPECT_NE(std::string::npos, gpu.messages.find("vkCreateComputePipelines: pipeline 0: "))
      << gpu.messages;
  for (const std::vector<std::uint32_t>& bytes :
       {std::vector<std::uint32_t>{}, std::vector<std::uint32_t>(64, 0x07230203),
        std::vector<std::uint32_t>(1, 0)}) {
    const Kernel bad(gpu, bytes, storage_buffers(2));
    EXPECT_NE(VK_SUCCESS, bad.result);
  }
}

TEST(Compute, CopiesFillsAndUpdates) {
  Gpu gpu;
  Memory a(gpu, 256), b(gpu, 256);
  std::iota(a.as<std::uint8_t>(), a.as<std::uint8_t>() + 256, std::uint8_t{0});
  const VkCommandBuffer commands = begin(gpu);
  const VkBufferCopy region{1, 3, 100};
  vkCmdCopyBuffer(commands, a.buffer, b.buffer, 1, &region);
  vkCmdFillBuffer(commands, b.buffer, 200, VK_WHOLE_SIZE, 0xA1B2C3D4);
  const std::uint32_t value = 77;
  vkCmdUpdateBuffer(commands, b.buffer, 128, 4, &value);
  run(gpu, commands);
  EXPECT_EQ(0, b.as<std::uint8_t>()[2]);
  for (unsigned i = 0; i < 100; ++i) ASSERT_EQ(i + 1, b.as<std::uint8_t>()[3 + i]);
  EXPECT_EQ(0, b.as<std::uint8_t>()[103]);
  EXPECT_EQ(77u, b.as<std::uint32_t>()[32]);
  for (unsigned i = 50; i < 64; ++i) EXPECT_EQ(0xA1B2C3D4, b.as<std::uint32_t>()[i]);
}

TEST(Compute, ACommandBufferRunsAgainAndAgain) {
  Gpu gpu;
  const Saxpy saxpy(gpu);
  const VkCommandBuffer commands = begin(gpu);
  saxpy.record(commands, 1.0f);
  vkCmdDispatch(commands, Saxpy::kGroups, 1, 1);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(commands));
  VkSubmitInfo info{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &info, VK_NULL_HANDLE));
  }
  ASSERT_EQ(VK_SUCCESS, vkQueueWaitIdle(gpu.queue));
  saxpy.expect(10, 2);
}

}  // namespace
}  // namespace sokr::test
