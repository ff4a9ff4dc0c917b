// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a kernel gets to see: constants, push constants, ranges, itself.
#include <array>
#include <bit>
#include <cstdlib>

#include "gpu.hpp"

namespace sokr::test {
namespace {

using Words = std::vector<std::uint32_t>;

Words words_of(const Memory& memory, std::size_t count) {
  return {memory.as<std::uint32_t>(), memory.as<std::uint32_t>() + count};
}

template <class T>
void push(const Kernel& kernel, VkCommandBuffer commands, const T& values) {
  vkCmdPushConstants(commands, kernel.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof values,
                     &values);
}

TEST(Shaders, ConstantsOfEveryTypeAreSpecialized) {
  Gpu gpu;
  Memory out(gpu, 64);
  struct Data {
    VkBool32 flag = VK_TRUE;
    std::int32_t integer = -70000;
    std::uint32_t word = 21;
    float single = 0.25f;
    double wide = -8.5;
    std::int64_t longer = -(std::int64_t{5} << 32);
    std::int16_t shorter = -9;
    VkBool32 other = VK_FALSE;
    std::uint64_t nobody = 1;
  } const data;
  const std::array<VkSpecializationMapEntry, 9> entries{{
      {7, offsetof(Data, other), 4},
      {0, offsetof(Data, flag), 4},
      {1, offsetof(Data, integer), 4},
      {2, offsetof(Data, word), 4},
      {99, offsetof(Data, nobody), 8},  // of a constant that the module has not
      {3, offsetof(Data, single), 4},
      {4, offsetof(Data, wide), 8},
      {5, offsetof(Data, longer), 8},
      {6, offsetof(Data, shorter), 2},
  }};
  const VkSpecializationInfo info{entries.size(), entries.data(), sizeof data, &data};
  const auto values = [&](const VkSpecializationInfo* specialization) {
    Kernel kernel(gpu, test_kernel("constants"), storage_buffers(1),
                  {.specialization = specialization});
    EXPECT_EQ(VK_SUCCESS, kernel.result) << gpu.messages;
    if (kernel.result != VK_SUCCESS) return Words{};
    kernel.write(0, out.buffer);
    const VkCommandBuffer commands = begin(gpu);
    kernel.bind(commands);
    vkCmdDispatch(commands, 1, 1, 1);
    run(gpu, commands);
    return words_of(out, 9);
  };
  const auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  const auto word = [](std::int32_t value) { return static_cast<std::uint32_t>(value); };
  EXPECT_EQ((Words{0, word(-1), 1, bits(1.5f), bits(2.5f), word(-1), 4, 1, 2}), values(nullptr));
  EXPECT_EQ((Words{1, word(-70000), 21, bits(0.25f), bits(-8.5f), word(-5), word(-9), 0, 142}),
            values(&info));
}

// A buffer that is bound twice, and one that is bound in two ranges that overlap.
TEST(Shaders, BindingsMayShareMemory) {
  Gpu gpu;
  Memory memory(gpu, 256);
  Kernel kernel(gpu, test_kernel("shift"), storage_buffers(2), {.push_size = 4});
  const auto run_with = [&](VkDeviceSize x, VkDeviceSize y, VkDeviceSize range) {
    std::memset(memory.data, 0, 256);
    kernel.write(0, memory.buffer, x, range);
    kernel.write(1, memory.buffer, y, range);
    const VkCommandBuffer commands = begin(gpu);
    kernel.bind(commands);
    push(kernel, commands, std::uint32_t{16});
    vkCmdDispatch(commands, 1, 1, 1);
    run(gpu, commands);
    return words_of(memory, 24);
  };
  Words same(24, 0), moved(24, 0);
  for (std::uint32_t i = 0; i < 16; ++i) {
    same[i] = 1;
    moved[i + 1] = i + 1;
  }
  EXPECT_EQ(same, run_with(0, 0, VK_WHOLE_SIZE));
  EXPECT_EQ(moved, run_with(0, 4, 128)) << "what is written to y is read from x";
}

TEST(Shaders, WhatIsOutOfARangeReadsZeroAndIsNotWritten) {
  Gpu gpu;
  Memory x(gpu, 256), y(gpu, 256);
  Kernel kernel(gpu, test_kernel("bounds"), storage_buffers(2), {.push_size = 8});
  kernel.write(0, x.buffer, 64, 32);
  kernel.write(1, y.buffer, 128, 64);
  for (unsigned i = 0; i < 64; ++i) x.as<std::uint32_t>()[i] = 100 + i;
  struct Case {
    std::uint32_t index, at;
    std::uint32_t read;  // 0 = nothing is written
  };
  for (const Case& c :
       {Case{0, 1, 117}, Case{7, 15, 124}, Case{8, 2, 1}, Case{63, 3, 1}, Case{1 << 29, 4, 1},
        Case{UINT32_MAX, 5, 1}, Case{0x3FFFFFFF, 6, 1}, Case{0, 16, 0}, Case{0, 0x3FFFFFFF, 0},
        Case{0, UINT32_MAX, 0}, Case{0, 1u << 30, 0}}) {
    std::memset(y.data, 0, 256);
    const VkCommandBuffer commands = begin(gpu);
    kernel.bind(commands);
    push(kernel, commands, std::array<std::uint32_t, 2>{c.index, c.at});
    vkCmdDispatch(commands, 1, 1, 1);
    run(gpu, commands);
    Words expected(64, 0);
    expected[32] = 8 * 1000 + 16;
    if (c.read) expected[32 + c.at] = c.read;
    EXPECT_EQ(expected, words_of(y, 64)) << c.index << " " << c.at;
  }
}

TEST(Shaders, OutOfBoundsOnTheInterpreterIsSaidToMessengers) {
  const char* on = std::getenv("SOKR_ICD_ON");
  if (!on || std::string(on) != "reference") GTEST_SKIP() << "it is for SOKR_ICD_ON=reference";
  Gpu gpu;
  Memory x(gpu, 64), y(gpu, 64);
  Kernel kernel(gpu, test_kernel("bounds"), storage_buffers(2), {.push_size = 8});
  kernel.write(0, x.buffer);
  kernel.write(1, y.buffer);
  const auto said = [&](std::uint32_t index, std::uint32_t at) {
    gpu.messages.clear();
    const VkCommandBuffer commands = begin(gpu);
    kernel.bind(commands);
    push(kernel, commands, std::array<std::uint32_t, 2>{index, at});
    vkCmdDispatch(commands, 1, 1, 1);
    run(gpu, commands);
    return gpu.messages;
  };
  EXPECT_EQ("", said(15, 15));
  EXPECT_NE(std::string::npos, said(16, 1).find("1 reads and 0 writes were out of bounds"));
  EXPECT_NE(std::string::npos, said(0, 99).find("0 reads and 1 writes were out of bounds"));
  EXPECT_NE(std::string::npos, gpu.messages.find("binding 0.1[0]")) << gpu.messages;
}

TEST(Shaders, ABlockThatIsWiderThanTheInvalidRangeOfItsLayoutEndsInZeros) {
  Gpu gpu;
  Memory x(gpu, 64), y(gpu, 64);
  x.as<std::uint32_t>()[3] = 5;
  Kernel kernel(gpu, test_kernel("bounds"), storage_buffers(2), {.push_size = 4});
  ASSERT_EQ(VK_SUCCESS, kernel.result) << gpu.messages;
  kernel.write(0, x.buffer);
  kernel.write(1, y.buffer, 4);
  const VkCommandBuffer commands = begin(gpu);
  kernel.bind(commands);
  push(kernel, commands, std::uint32_t{3});
  vkCmdDispatch(commands, 1, 1, 1);
  run(gpu, commands);
  EXPECT_EQ(16u * 1000 + 15, y.as<std::uint32_t>()[1]) << gpu.messages;
}

TEST(Shaders, KnowWhereTheyAre) {
  Gpu gpu;
  Memory out(gpu, 1024), groups(gpu, 64);
  Kernel kernel(gpu, test_kernel("place"), storage_buffers(1));
  ASSERT_EQ(VK_SUCCESS, kernel.result) << gpu.messages;
  kernel.write(0, out.buffer);
  const VkCommandBuffer commands = begin(gpu);
  kernel.bind(commands);
  const std::array<std::uint32_t, 3> counts{3, 1, 1};
  vkCmdUpdateBuffer(commands, groups.buffer, 4, 12, counts.data());
  vkCmdDispatchIndirect(commands, groups.buffer, 4);
  run(gpu, commands);
  for (std::uint32_t g = 0; g < 3; ++g) {
    const Words expected{32, 2, 32, 31, 0, 30101, g * 10000, g * 64};
    EXPECT_EQ(expected,
              Words(out.as<std::uint32_t>() + g * 8, out.as<std::uint32_t>() + g * 8 + 8));
  }
}

TEST(Shaders, HaveSubgroupsOfTheSizeThatIsRequired) {
  Gpu gpu;
  Memory out(gpu, 64);
  VkPhysicalDeviceVulkan13Properties v13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_PROPERTIES};
  VkPhysicalDeviceProperties2 all{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v13, {}};
  vkGetPhysicalDeviceProperties2(gpu.physical, &all);
  ASSERT_LE(v13.minSubgroupSize, v13.maxSubgroupSize);
  for (std::uint32_t size = v13.minSubgroupSize; size <= v13.maxSubgroupSize; size *= 2) {
    ASSERT_LE(64 / size, v13.maxComputeWorkgroupSubgroups);
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfo required{
        VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO, nullptr, size};
    Kernel kernel(gpu, test_kernel("place"), storage_buffers(1), {.stage_chain = &required});
    ASSERT_EQ(VK_SUCCESS, kernel.result) << size << gpu.messages;
    kernel.write(0, out.buffer);
    const VkCommandBuffer commands = begin(gpu);
    kernel.bind(commands);
    vkCmdDispatch(commands, 1, 1, 1);
    run(gpu, commands);
    const std::uint32_t lanes = std::min(size, 64u);
    EXPECT_EQ((Words{size, 64 / lanes, lanes, lanes - 1}), words_of(out, 4));
  }
}

// Many sets, some of which no kernel looks at, in one pipeline's layout.
TEST(Shaders, StateIsThatOfTheCommandBufferItself) {
  Gpu gpu;
  Memory a(gpu, 64), b(gpu, 64);
  Kernel kernel(gpu, test_kernel("shift"), storage_buffers(2), {.push_size = 4});
  Kernel same(gpu, test_kernel("shift"), storage_buffers(2), {.push_size = 4});
  kernel.write(0, a.buffer);
  kernel.write(1, a.buffer);
  same.write(0, b.buffer);
  same.write(1, b.buffer);
  const VkCommandBuffer secondary = begin(gpu, VK_COMMAND_BUFFER_LEVEL_SECONDARY);
  same.bind(secondary);
  push(same, secondary, std::uint32_t{2});
  vkCmdDispatch(secondary, 1, 1, 1);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(secondary));
  const VkCommandBuffer commands = begin(gpu);
  kernel.bind(commands);
  push(kernel, commands, std::uint32_t{1});
  vkCmdDispatch(commands, 1, 1, 1);
  const VkCommandBuffer twice[2]{secondary, secondary};
  vkCmdExecuteCommands(commands, 2, twice);
  kernel.bind(commands);
  push(kernel, commands, std::uint32_t{3});
  vkCmdDispatch(commands, 1, 1, 1);
  run(gpu, commands);
  EXPECT_EQ((Words{2, 1, 1, 0}), words_of(a, 4));
  EXPECT_EQ((Words{2, 2, 0, 0}), words_of(b, 4));
  // What was bound in a recording that is over is bound no more.
  const VkCommandBuffer again = commands;
  ASSERT_EQ(VK_SUCCESS, vkResetCommandBuffer(again, 0));
  VkCommandBufferBeginInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  info.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
  ASSERT_EQ(VK_SUCCESS, vkBeginCommandBuffer(again, &info));
  kernel.bind(again);
  push(kernel, again, std::uint32_t{4});
  vkCmdDispatch(again, 1, 1, 1);
  ASSERT_EQ(VK_SUCCESS, vkEndCommandBuffer(again));
  const VkCommandBuffer both[2]{again, again};
  VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  submit.commandBufferCount = 2;
  submit.pCommandBuffers = both;
  ASSERT_EQ(VK_SUCCESS, vkQueueSubmit(gpu.queue, 1, &submit, VK_NULL_HANDLE));
  ASSERT_EQ(VK_SUCCESS, vkQueueWaitIdle(gpu.queue));
  EXPECT_EQ((Words{4, 3, 3, 2}), words_of(a, 4));
}

}  // namespace
}  // namespace sokr::test
