// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <thread>

#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

using substrate::CompletionAnswer;

struct Way {
  const char* name;
  OptionList options;
};

// The ways through the code that one device can show: Vulkan versions, staging, and
// features that others do not have.
class EveryWay : public testing::TestWithParam<Way> {};

INSTANTIATE_TEST_SUITE_P(
    Vulkan, EveryWay,
    testing::Values(
        Way{"Api13", {}}, Way{"Api12", {{"vulkan.api", "1.2"}}},
        Way{"Api11", {{"vulkan.api", "1.1"}}}, Way{"Copy", {{"vulkan.staging", "copy"}}},
        Way{"Copy11", {{"vulkan.staging", "copy"}, {"vulkan.api", "1.1"}}},
        Way{"InPlace", {{"vulkan.import_bytes", "1"}}},
        Way{"Plain",
            {{"vulkan.disable",
              "nullDescriptor,robustBufferAccess2,synchronization2,VK_EXT_external_memory_host"}}}),
    [](const auto& way) { return std::string(way.param.name); });

TEST_P(EveryWay, SaxpyOnHostMemory) {
  Bench bench(GetParam().options);
  for (std::size_t n : {1u, 63u, 4096u, 1000003u}) {
    Saxpy saxpy(n);
    bench.run(shader("saxpy"), saxpy.launch);
    EXPECT_EQ(saxpy.wrong(), -1) << n;
  }
}

TEST_P(EveryWay, BytesThatTheKernelDoesNotWriteStay) {
  Bench bench(GetParam().options);
  Saxpy saxpy(20000);
  saxpy.push.n = 10;
  saxpy.bindings[1].access = SOKR_ACCESS_READ_WRITE;
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.y[9], 1.0f + 2.0f * 9);
  EXPECT_EQ(saxpy.y[10], 1.0f);
  EXPECT_EQ(saxpy.y[19999], 1.0f);
}

TEST_P(EveryWay, SetsArraysUniformsAndSpecialization) {
  Bench bench(GetParam().options);
  std::array<std::vector<std::uint32_t>, 3> in;
  for (std::uint32_t k = 0; k < 3; ++k) in[k].assign(8, k + 1);
  std::vector<std::uint32_t> offset{5, 6, 7, 8}, result(8, 0);
  std::vector<SokrBinding> bindings;
  for (std::uint32_t k = 0; k < 3; ++k) {
    bindings.push_back(host_binding(0, 3, in[k], SOKR_ACCESS_READ, k));
  }
  bindings.push_back(host_binding(2, 1, offset, SOKR_ACCESS_READ));
  bindings.push_back(host_binding(3, 0, result, SOKR_ACCESS_WRITE));
  SokrSpecialization scale{5, 4, 2};
  SokrLaunch launch{};
  launch.groups[0] = 2;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = bindings.data();
  launch.binding_count = static_cast<std::uint32_t>(bindings.size());
  launch.specializations = &scale;
  launch.specialization_count = 1;
  bench.run(shader("sets"), launch);
  for (std::uint32_t i = 0; i < 8; ++i) EXPECT_EQ(result[i], 2u * 321u + offset[i & 3]) << i;
}

TEST_P(EveryWay, NullBindingsReadZero) {
  Bench bench(GetParam().options);
  std::vector<std::uint32_t> v(4, 1);
  SokrBinding none{0, 0, 0, SOKR_BINDING_NULL, SOKR_ACCESS_READ_WRITE, 0, 0, 0, 0};
  std::vector<SokrBinding> bindings{none, host_binding(0, 1, v)};
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = bindings.data();
  launch.binding_count = 2;
  for (int round = 0; round < 3; ++round) {
    bench.run(shader("null"), launch);
    EXPECT_EQ(v, std::vector<std::uint32_t>(4, 7));
  }
}

TEST_P(EveryWay, ChainsThroughHostMemoryWithoutWaitingInBetween) {
  Bench bench(GetParam().options);
  Saxpy saxpy(30000);
  const auto ir = shader("saxpy");
  std::vector<std::uint64_t> tokens;
  SokrCompletionToken wait = 0;
  for (int i = 0; i < 5; ++i) {
    if (i != 0) {
      wait = sokr_token_encode(1, tokens.back());
      saxpy.launch.waits = &wait;
      saxpy.launch.wait_count = 1;
    }
    auto token = bench.dispatch(ir, saxpy.launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  EXPECT_EQ(bench->completion(tokens.back(), UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(saxpy.wrong(5), -1);
  for (std::uint64_t token : tokens) {
    EXPECT_EQ(bench->completion(token, 0).signal, SOKR_COMPLETION_COMPLETE);
  }
}

TEST_P(EveryWay, ManyInFlightNobodyWaitsAndDestroyBringsThemIn) {
  constexpr int kLaunches = 100;
  std::vector<std::unique_ptr<Saxpy>> work;
  {
    Bench bench(GetParam().options);
    const auto ir = shader("saxpy");
    for (int i = 0; i < kLaunches; ++i) {
      work.push_back(std::make_unique<Saxpy>(500));
      auto token = bench.dispatch(ir, work.back()->launch);
      ASSERT_TRUE(token) << token.failure().sentence;
    }
  }
  for (auto& saxpy : work) EXPECT_EQ(saxpy->wrong(), -1);
}

TEST(Launch, TheSameLaunchIsRecordedOnce) {
  Bench bench;
  const auto ir = shader("saxpy");
  Saxpy saxpy(1000);
  for (int i = 0; i < 20; ++i) bench.run(ir, saxpy.launch);
  EXPECT_EQ(saxpy.wrong(20), -1);
  Saxpy elsewhere(1000);
  bench.run(ir, elsewhere.launch);
  EXPECT_EQ(elsewhere.wrong(), -1);
  EXPECT_EQ((*bench->session())->recordings().recorded(), 1u);
  Saxpy other(1001);
  bench.run(ir, other.launch);
  EXPECT_EQ((*bench->session())->recordings().recorded(), 2u);
  EXPECT_EQ(other.wrong(), -1);
}

// A device may be told that it need not be checked, where it is bound to all that it declares.
TEST(Launch, AKernelThatKeepsInsideIsRightWhateverItIsBoundTo) {
  Bench bench;
  std::vector<std::uint32_t> factors(64), values(1000);
  std::iota(factors.begin(), factors.end(), 1u);
  std::vector<SokrBinding> bindings{host_binding(0, 0, factors, SOKR_ACCESS_READ),
                                    host_binding(0, 1, values)};
  SokrLaunch launch{};
  launch.groups[0] = 20;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = bindings.data();
  launch.binding_count = 2;
  const bool is_robust = bench.physical().usable.has("robustBufferAccess");
  for (const std::size_t bound : {64u, 32u, 64u}) {
    if (bound != 64 && !is_robust) continue;
    std::ranges::fill(values, 2u);
    bindings[0].size = 4 * bound;
    bench.run(shader("inside"), launch);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i % 64 < bound) {
        ASSERT_EQ(values[i], 2 * (i % 64 + 1)) << i;
      }
    }
  }
}

// Those that never say the same again take few recordings, and leave others theirs.
TEST(Launch, RecordingsOfOtherPushConstantsAreFew) {
  constexpr std::uint64_t kBytes = 4 * 100;
  Bench bench;
  const auto ir = shader("saxpy");
  Saxpy fixed(100), changing(100);
  for (Saxpy* saxpy : {&fixed, &changing})
    for (std::uint32_t i : {0u, 1u}) {
      const auto buffer = bench->memory().create(kBytes, 0);
      ASSERT_TRUE(buffer) << buffer.failure().sentence;
      saxpy->bindings[i] = buffer_binding(0, i, *buffer, kBytes);
    }
  const auto recorded = [&] { return (*bench->session())->recordings().recorded(); };
  const auto run_changing = [&](int value) {
    changing.push.a = static_cast<float>(value);
    bench.run(ir, changing.launch);
  };
  bench.run(ir, fixed.launch);
  for (int i = 0; i < 100; ++i) run_changing(i);
  const std::uint64_t before = recorded();
  EXPECT_EQ(before, 101u);
  bench.run(ir, fixed.launch);
  EXPECT_EQ(recorded(), before) << "it was given up for launches that never come again";
  for (int i = 0; i < 12; ++i) run_changing(1000 + i % 4);
  EXPECT_EQ(recorded(), before + 4) << "a few that come again are kept";
}

// Also where more of them were under way at once than are kept.
TEST(Launch, RecordingsOfOtherPushConstantsAreFewAfterManyAtOnce) {
  constexpr std::uint64_t kBytes = 4 * 100;
  Bench bench(Gate::options());
  const auto ir = shader("saxpy");
  Saxpy fixed(100), changing(100);
  for (Saxpy* saxpy : {&fixed, &changing})
    for (std::uint32_t i : {0u, 1u}) {
      const auto buffer = bench->memory().create(kBytes, 0);
      ASSERT_TRUE(buffer) << buffer.failure().sentence;
      saxpy->bindings[i] = buffer_binding(0, i, *buffer, kBytes);
    }
  const auto recorded = [&] { return (*bench->session())->recordings().recorded(); };
  bench.run(ir, fixed.launch);
  {
    Gate gate(bench);
    std::vector<std::uint64_t> tokens{gate.start()};
    for (int i = 0; i < 80; ++i) {
      changing.push.a = static_cast<float>(i);
      const auto token = bench.dispatch(ir, changing.launch);
      ASSERT_TRUE(token) << token.failure().sentence;
      tokens.push_back(*token);
    }
    gate.open();
    for (const std::uint64_t token : tokens)
      EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  }
  const std::uint64_t before = recorded();
  EXPECT_EQ(before, 82u);
  bench.run(ir, fixed.launch);
  EXPECT_EQ(recorded(), before) << "it was given up for launches that never come again";
  changing.push.a = 79;
  bench.run(ir, changing.launch);
  EXPECT_EQ(recorded(), before) << "the last ones are kept";
  changing.push.a = 40;
  bench.run(ir, changing.launch);
  EXPECT_EQ(recorded(), before + 1) << "more than eight are kept";
}

TEST(Launch, LocalSizeIsOverriddenWhereItIsSpecialized) {
  Bench bench;
  Saxpy saxpy(1000);
  saxpy.launch.specialization_count = 0;
  saxpy.launch.specializations = nullptr;
  saxpy.launch.local_size[0] = 32;
  saxpy.launch.local_size[1] = saxpy.launch.local_size[2] = 1;
  saxpy.launch.groups[0] = 32;
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
}

// SPIR-V 1.6 leaves the size to the device, unless it is required.
TEST(Launch, SubgroupsHaveTheSizeThatTheLimitsName) {
  Bench bench;
  std::vector<std::uint32_t> sizes(128);
  SokrBinding binding = host_binding(0, 0, sizes);
  SokrLaunch launch{};
  launch.groups[0] = 2;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  if (const auto capable = bench.capability(shader("subgroup_size")); !capable) {
    GTEST_SKIP() << capable.failure().sentence;
  }
  bench.run(shader("subgroup_size"), launch);
  EXPECT_EQ(sizes, std::vector<std::uint32_t>(128, bench.physical().limits().subgroup_size));
}

// On each axis more workgroups than the device takes at once, of a kernel that reads all that
// tells of the grid.
class Grids : public testing::TestWithParam<const char*> {};

// What a software driver allocates for each workgroup stays with AddressSanitizer for a while: a
// few gigabytes of it, so that one axis has to do there.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SOKR_TEST_ONE_AXIS 1
#endif
#endif
#if defined(SOKR_TEST_ONE_AXIS)
constexpr std::size_t kAxes = 1;
constexpr std::uint32_t kAcross = 1;
#else
constexpr std::size_t kAxes = 3;
constexpr std::uint32_t kAcross = 2;
#endif

TEST_P(Grids, BeyondTheLimitRunInParts) {
  Bench bench(OptionList{{"vulkan.slice_ms", GetParam()}});
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    const std::uint32_t most = bench.physical().properties.limits.maxComputeWorkGroupCount[axis];
    if (most > 1'000'000) GTEST_SKIP() << "the device takes " << most << " workgroups";
    std::array<std::uint32_t, 3> groups{kAcross, kAcross, kAcross};
    groups[axis] = most + 37;
    std::vector<std::uint32_t> out(std::size_t{kAcross} * kAcross * groups[axis]);
    const std::vector<std::uint32_t> push{0x1234, 0x5678};
    SokrBinding binding = host_binding(0, 0, out);
    SokrLaunch launch{};
    std::ranges::copy(groups, launch.groups);
    launch.bindings = &binding;
    launch.binding_count = 1;
    launch.push = push.data();
    launch.push_size = 8;
    bench.run(shader("grid"), launch);
    std::size_t wrong = 0;
    for (std::uint32_t z = 0; z < groups[2]; ++z)
      for (std::uint32_t y = 0; y < groups[1]; ++y)
        for (std::uint32_t x = 0; x < groups[0]; ++x) {
          const std::size_t at = x + std::size_t{groups[0]} * (y + std::size_t{groups[1]} * z);
          // Invocation 2, 0, 1 of 3, 1, 2.
          const std::uint32_t expected =
              x + 3 * y + 7 * z + 11 * (3 * x + 2) + 13 * y + 17 * (2 * z + 1) + push[0] + push[1];
          wrong += out[at] != expected;
        }
    EXPECT_EQ(wrong, 0u) << "axis " << axis;
    // The kernel that fits is another pipeline.
    std::fill_n(launch.groups, 3, 1);
    out[0] = 0;
    bench.run(shader("grid"), launch);
    EXPECT_EQ(out[0], 22 + 17 + push[0] + push[1]);
  }
}

// In one submission, and in many.
INSTANTIATE_TEST_SUITE_P(Vulkan, Grids, testing::Values("0", "1000"));

TEST(Launch, AGridInTooManyPartsIsRefused) {
  Bench bench;
  Saxpy saxpy(64);
  std::fill_n(saxpy.launch.groups, 3, 100'000'000);
  if (bench.physical().properties.limits.maxComputeWorkGroupCount[2] > 1'000'000)
    GTEST_SKIP() << "it would run";
  const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.code(), SOKR_INVALID_INPUT);
  EXPECT_NE(token.failure().sentence.find("100000000,100000000,100000000 workgroups are more "
                                          "than 4096 parts of"),
            std::string::npos)
      << token.failure().sentence;
}

TEST(Launch, NoGroupsIsALaunchThatDoesNothing) {
  Bench bench;
  Saxpy saxpy(100);
  saxpy.launch.groups[1] = 0;
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.y[50], 1.0f);
}

TEST(Launch, ProfilingGivesDeviceTime) {
  Bench bench;
  Saxpy saxpy(100000);
  saxpy.launch.flags = SOKR_LAUNCH_PROFILE;
  const auto now = [] {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  };
  const std::uint64_t given = now();
  auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_TRUE(token) << token.failure().sentence;
  EXPECT_EQ(bench->completion(*token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  const std::uint64_t known = now();
  auto timing = bench->timing(*token);
  EXPECT_EQ(timing.has_value(), bench.physical().queue.timestampValidBits != 0);
  if (timing) {
    EXPECT_LT(timing->device_ns, 60'000'000'000u);
    EXPECT_EQ(timing->ended_ns != 0, bench.physical().has_host_clock);
  }
  if (timing && timing->ended_ns != 0) {
    EXPECT_EQ(timing->ended_ns - timing->began_ns, timing->device_ns);
    constexpr std::uint64_t kApart = 100'000;  // the two clocks, where a device has its own
    EXPECT_GE(timing->began_ns + kApart, given);
    EXPECT_LE(timing->ended_ns, known);
  }
  Saxpy plain(10);
  auto unprofiled = bench.dispatch(shader("saxpy"), plain.launch);
  bench->completion(*unprofiled, UINT64_MAX);
  EXPECT_FALSE(bench->timing(*unprofiled));
}

TEST(Completion, PollsTimesOutAndIsSticky) {
  Bench bench(Gate::options());
  Gate gate(bench);
  const std::uint64_t token = gate.start();
  EXPECT_EQ(bench->completion(token, 0), (CompletionAnswer{SOKR_OK, SOKR_COMPLETION_PENDING}));
  EXPECT_EQ(bench->completion(token, 1000),
            (CompletionAnswer{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT}));
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] {
      EXPECT_EQ(bench->completion(token, UINT64_MAX),
                (CompletionAnswer{SOKR_OK, SOKR_COMPLETION_COMPLETE}));
    });
  }
  gate.open();
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(gate.wrong(), -1);
  EXPECT_EQ(bench->completion(token, 0), (CompletionAnswer{SOKR_OK, SOKR_COMPLETION_COMPLETE}));
  EXPECT_EQ(bench->completion(token + 2'000'000, 0).result, SOKR_NOT_FOUND);
}

TEST(Completion, ThreadsDispatchAndWaitAtOnce) {
  Bench bench;
  const auto ir = shader("saxpy");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        Saxpy saxpy(200 + 100 * static_cast<std::size_t>(t % 2));
        auto token = bench.dispatch(ir, saxpy.launch);
        ASSERT_TRUE(token) << token.failure().sentence;
        EXPECT_EQ(bench->completion(*token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
        EXPECT_EQ(saxpy.wrong(), -1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace sokr::vulkan::test
