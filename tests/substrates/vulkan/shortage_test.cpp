// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What goes before anything is refused for want of memory, and what is never asked of a driver. On
// simulated devices, which can be full.
#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <numeric>
#include <vector>

#include "device.hpp"
#include "simulated.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

constexpr std::uint64_t kMebi = 1 << 20;
// More than slabs hold: with memory of its own.
constexpr std::uint64_t kLarge = 5'000'000;

class Scarce : public OnSimulated {
 protected:
  // From now on nothing can be allocated but in place of something else.
  static void fill() {
    simulated()->allocation_limit = static_cast<std::uint32_t>(simulated()->memories);
  }
};

TEST_F(Scarce, WhatIsKeptForReuseGoesFirst) {
  std::vector<std::byte> bytes(kLarge);
  using Call = std::function<Result<void>(Bench&, SokrBuffer)>;
  const std::array<Call, 3> calls{[](Bench& bench, SokrBuffer) -> Result<void> {
                                    SOKR_TRY(bench->memory().create(kLarge, 0));
                                    return {};
                                  },
                                  [&](Bench& bench, SokrBuffer buffer) {
                                    return bench->memory().write(buffer, 0, bytes.data(), kLarge);
                                  },
                                  [&](Bench& bench, SokrBuffer buffer) {
                                    return bench->memory().read(buffer, 0, bytes.data(), kLarge);
                                  }};
  for (std::size_t i = 0; i < calls.size(); ++i) {
    Bench bench(staged_with());
    const auto buffer = bench->memory().create(kLarge, 0);
    ASSERT_TRUE(buffer) << buffer.failure().sentence;
    Saxpy saxpy(1'500'000);  // whose blocks its recording keeps
    bench.run(shader("saxpy"), saxpy.launch);
    fill();
    const Result<void> called = calls[i](bench, *buffer);
    EXPECT_TRUE(called) << i << ": " << called.failure().sentence;
    simulated()->allocation_limit = 0;
  }
}

// Of three blocks' bytes, where there is room for one block.
TEST_F(Scarce, AReadNeedsOneBlock) {
  constexpr std::uint64_t kWords = 10 * kMebi, kBytes = 4 * kWords;
  Bench bench(staged_with());
  const auto buffer = bench->memory().create(kBytes, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  std::vector<std::uint32_t> words(kWords), back(kWords);
  std::iota(words.begin(), words.end(), 1u);
  ASSERT_TRUE(bench->memory().write(*buffer, 0, words.data(), kBytes));
  ASSERT_TRUE(bench->memory().read(*buffer, 0, back.data(), 4));
  (*bench->session())->recordings().drop_idle();
  simulated()->allocation_limit = static_cast<std::uint32_t>(simulated()->memories + 1);
  const auto read = bench->memory().read(*buffer, 0, back.data(), kBytes);
  ASSERT_TRUE(read) << read.failure().sentence;
  EXPECT_EQ(back, words);
}

TEST_F(Scarce, WhatIsKeptForReuseGoesForAPipeline) {
  static std::uint64_t most = UINT64_MAX;
  static PFN_vkCreateComputePipelines create = nullptr;
  device_table_hook = [](VolkDeviceTable& table) {
    create = table.vkCreateComputePipelines;
    table.vkCreateComputePipelines = [](VkDevice device, VkPipelineCache cache, std::uint32_t count,
                                        const VkComputePipelineCreateInfo* infos,
                                        const VkAllocationCallbacks* callbacks, VkPipeline* out) {
      if (simulated()->memories >= most) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
      return create(device, cache, count, infos, callbacks, out);
    };
  };
  {
    Bench bench(staged_with());
    Saxpy saxpy(1'500'000);
    bench.run(shader("saxpy"), saxpy.launch);
    most = simulated()->memories;
    saxpy.local.value = 32;  // another kernel to the driver
    bench.run(shader("saxpy"), saxpy.launch);
    most = UINT64_MAX;
  }
  device_table_hook = nullptr;
}

TEST_F(Scarce, WhatALaunchHoldsIsWaitedFor) {
  Bench bench(staged_with());
  const auto buffer = bench->memory().create(kLarge, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  Saxpy saxpy(1000);
  saxpy.bindings[1] = buffer_binding(0, 1, *buffer, 4000);
  const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_TRUE(token) << token.failure().sentence;
  ASSERT_TRUE(bench->memory().free(*buffer));
  fill();
  const auto other = bench->memory().create(kLarge, 0);
  EXPECT_TRUE(other) << other.failure().sentence;
  EXPECT_EQ(bench->completion(*token, 0).signal, SOKR_COMPLETION_COMPLETE);
}

TEST_F(Scarce, NobodyIsWaitedForLongerThanOnesPatience) {
  Bench bench(Gate::options(staged_with({{"vulkan.patience_ms", "50"}})));
  Gate gate(bench);
  const std::uint64_t token = gate.start();
  fill();
  Saxpy saxpy(1'500'000);
  EXPECT_FALSE(bench.dispatch(shader("saxpy"), saxpy.launch));
  EXPECT_FALSE(bench->memory().create(kLarge, 0));
  EXPECT_EQ(bench->completion(token, 0).signal, SOKR_COMPLETION_PENDING);
  simulated()->allocation_limit = 0;
  gate.open();
  EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
}

TEST_F(Scarce, NobodyIsWaitedForWhereNoRoomWouldBeEnough) {
  if (simulated_profile() != "nvidia") GTEST_SKIP() << "buffers may be as large as memory here";
  Bench bench(Gate::options());
  const auto buffer = bench->memory().create(kLarge, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  Gate gate(bench);
  const std::uint64_t token = gate.start();
  ASSERT_TRUE(bench->memory().free(*buffer));  // when the kernel ends
  const auto refused = bench->memory().create((std::uint64_t{1} << 30) + 4, 0);
  EXPECT_EQ(bench->completion(token, 0).signal, SOKR_COMPLETION_PENDING);
  gate.open();
  EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.failure().sentence.find("is larger than the 1073741824 bytes"),
            std::string::npos)
      << refused.failure().sentence;
}

// What a grid that is cut takes is not kept for the next launch.
TEST_F(Scarce, ASpareRecordingKeepsOneCommandBuffer) {
  static std::atomic<std::int64_t> alive{0}, most{0};
  static PFN_vkAllocateCommandBuffers allocate = nullptr;
  static PFN_vkFreeCommandBuffers give = nullptr;
  alive = most = 0;
  device_table_hook = [](VolkDeviceTable& table) {
    allocate = table.vkAllocateCommandBuffers;
    give = table.vkFreeCommandBuffers;
    table.vkAllocateCommandBuffers = [](VkDevice device, const VkCommandBufferAllocateInfo* info,
                                        VkCommandBuffer* out) {
      alive += info->commandBufferCount;
      most = std::max(most.load(), alive.load());
      return allocate(device, info, out);
    };
    table.vkFreeCommandBuffers = [](VkDevice device, VkCommandPool pool, std::uint32_t count,
                                    const VkCommandBuffer* buffers) {
      alive -= count;
      give(device, pool, count, buffers);
    };
  };
  std::vector<std::uint32_t> values(4096);
  const SokrBinding binding = host_binding(0, 0, values);
  const std::uint32_t rounds = 1000;
  SokrLaunch launch{};
  launch.groups[0] = 4096;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  launch.push = &rounds;
  launch.push_size = sizeof rounds;
  {
    Bench bench(staged_with({{"vulkan.slice_ms", "1"}}));
    bench.run(shader("spin"), launch);  // in parts, of which the first is measured
    EXPECT_GT(most.load(), 2);
    EXPECT_EQ(alive.load(), 1);
  }
  device_table_hook = nullptr;
}

// Whoever sees that the launch is over has the memory again.
TEST_F(Scarce, WhatWasFreedGoesWithTheLaunchThatMayHaveUsedIt) {
  Bench bench(Gate::options());
  const auto buffer = bench->memory().create(kLarge, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  Gate gate(bench);
  const std::uint64_t token = gate.start();
  ASSERT_TRUE(bench->memory().free(*buffer));
  const std::uint64_t before = simulated()->memories;
  gate.open();
  EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(simulated()->memories, before - 1);
}

TEST_F(Scarce, NoMoreIsImportedThanTheDeviceTakesOrThereCanBe) {
  Bench bench;
  if (bench.physical().limits().host_import_alignment == 0) GTEST_SKIP() << "nothing is imported";
  alignas(4096) static std::array<std::byte, 4096> page;
  const auto wraps = bench->memory().import_host(page.data(), UINT64_MAX - 4095);
  ASSERT_FALSE(wraps);
  EXPECT_EQ(wraps.code(), SOKR_INVALID_INPUT);
  EXPECT_NE(wraps.failure().sentence.find("beyond the end of the address space"), std::string::npos)
      << wraps.failure().sentence;
  if (simulated_profile() != "nvidia") return;
  const auto large = bench->memory().import_host(page.data(), 1025 * kMebi);
  ASSERT_FALSE(large);
  EXPECT_NE(large.failure().sentence.find("is larger than the 1073741824 bytes"), std::string::npos)
      << large.failure().sentence;
}

// The layer ends the process where more is asked of a heap than it has.
TEST_F(Scarce, NoMoreIsAskedOfAHeapThanItHas) {
  if (simulated_profile() != "nvidia") GTEST_SKIP() << "no small heap here";
  Bench bench;
  simulated()->full_heaps = 1;
  const auto elsewhere = bench->memory().create(300 * kMebi, 0);
  EXPECT_TRUE(elsewhere) << elsewhere.failure().sentence;
}

TEST_F(Scarce, ZerosForWhatIsNotBoundCount) {
  using Words = std::vector<std::uint32_t>;
  std::array<Words, 2> out{Words(4), Words(4)};
  Bench bench(Gate::options(
      staged_with({{"vulkan.in_flight_bytes", "1500000"}, {"vulkan.patience_ms", "50"}})));
  if (bench.physical().usable.has("nullDescriptor")) GTEST_SKIP() << "no zeros are needed";
  const auto dispatch = [&](Words& to) {
    const std::array<SokrBinding, 2> bindings{
        SokrBinding{0, 0, 0, SOKR_BINDING_NULL, SOKR_ACCESS_READ_WRITE, 0, 0, 0, 0},
        host_binding(0, 1, to)};
    SokrLaunch launch{};
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = bindings.data();
    launch.binding_count = bindings.size();
    return bench.dispatch(shader("fixed"), launch);
  };
  Gate gate(bench);
  const std::uint64_t held = gate.start();
  const auto first = dispatch(out[0]), second = dispatch(out[1]);
  gate.open();
  EXPECT_EQ(bench->completion(held, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  ASSERT_TRUE(first) << first.failure().sentence;
  EXPECT_EQ(bench->completion(*first, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(out[0], Words(4, 7));
  ASSERT_FALSE(second) << "2 MiB of zeros are under way";
  EXPECT_NE(second.failure().sentence.find("so many launches"), std::string::npos)
      << second.failure().sentence;
}

}  // namespace
}  // namespace sokr::vulkan::test
