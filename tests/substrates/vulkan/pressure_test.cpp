// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is asked of a driver, and how often: memory up to its bounds, waits, pools, submissions.
// Counted on simulated devices.
#include <array>
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "simulated.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

class Pressure : public OnSimulated {};

TEST_F(Pressure, WhatIsBeyondTheBudgetIsSaidOnce) {
  if (simulated_profile() != "nvidia") GTEST_SKIP() << "no budgets here";
  constexpr std::uint64_t kMega = 1 << 20;
  simulated()->budget = 64 * kMega;
  Bench bench;
  std::vector<SokrBuffer> buffers;
  const auto take = [&] {
    auto buffer = bench->memory().create(20 * kMega, 0);
    ASSERT_TRUE(buffer) << buffer.failure().sentence;
    buffers.push_back(*buffer);
  };
  for (int i = 0; i < 3; ++i) take();
  EXPECT_FALSE(bench.host().logged("memory of")) << bench.host().all();
  for (int i = 0; i < 3; ++i) take();
  const std::string log = bench.host().all();
  const std::size_t first = log.find(
      "is short: the driver may move what is in it elsewhere; the "
      "driver gives this process 64 MiB of the 6144 MiB of heap 0");
  EXPECT_NE(first, std::string::npos) << log;
  EXPECT_EQ(log.find("is short", first + 20), std::string::npos) << log;
  for (SokrBuffer buffer : buffers) EXPECT_TRUE(bench->memory().free(buffer));
  simulated()->full_heaps = ~0u;
  auto none = bench->memory().create(20 * kMega, 0);
  ASSERT_FALSE(none);
  EXPECT_NE(none.failure().sentence.find("64 MiB"), std::string::npos) << none.failure().sentence;
}

TEST_F(Pressure, MemoryThatGoesElsewhereIsSaid) {
  Bench bench(staged_with());
  if (bench.physical().memory.memoryHeapCount < 2) GTEST_SKIP() << "one memory";
  if (simulated_profile() == "amd-apu") GTEST_SKIP() << "both heaps are the same memory";
  simulated()->full_heaps = 1;
  auto elsewhere = bench->memory().create(5000, 0);
  ASSERT_TRUE(elsewhere) << elsewhere.failure().sentence;
  EXPECT_TRUE(bench.host().logged("is short: buffers go to memory that it reaches more slowly"))
      << bench.host().all();
}

TEST_F(Pressure, ABufferThatIsTooLargeIsASentence) {
  if (simulated_profile() != "nvidia") GTEST_SKIP() << "buffers may be as large as memory here";
  Bench bench;
  auto buffer = bench->memory().create((std::uint64_t{1} << 30) + 4, 0);
  ASSERT_FALSE(buffer);
  EXPECT_NE(buffer.failure().sentence.find("is larger than the 1073741824 bytes"),
            std::string::npos)
      << buffer.failure().sentence;
}

TEST_F(Pressure, HostMemoryThatCannotBeBufferIsCopied) {
  Bench bench;
  const bool offered = bench.physical().offer.has_extension("VK_EXT_external_memory_host");
  if (simulated_profile() != "rebar-first" || !offered) GTEST_SKIP() << "buffers can be made of it";
  EXPECT_EQ(bench.physical().limits().host_import_alignment, 0u);
  alignas(4096) static std::array<std::byte, 8192> page;
  EXPECT_FALSE(bench->memory().import_host(page.data(), page.size()));
  const std::uint64_t before = simulated()->imports;
  Saxpy saxpy(3'000'000);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
  EXPECT_EQ(simulated()->imports, before);
}

// Two launches of 1 MiB bindings and one of 5 MiB, on hardware with one memory.
TEST_F(Pressure, SmallHostMemoryIsCopiedNotImported) {
  Bench bench;
  if (bench.physical().properties.deviceType != VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU)
    GTEST_SKIP() << "no integrated GPU";
  ASSERT_NE(bench.physical().limits().host_import_alignment, 0u);
  const std::uint64_t before = simulated()->imports;
  for (int i = 0; i < 2; ++i) {
    Saxpy small(1 << 18);
    bench.run(shader("saxpy"), small.launch);
    EXPECT_EQ(small.wrong(), -1);
  }
  EXPECT_EQ(simulated()->imports, before);
  Saxpy large(5 << 18);
  const auto down = [](std::vector<float>& v) {
    return reinterpret_cast<std::uintptr_t>(v.data()) % 64;
  };
  bench.run(shader("saxpy"), large.launch);
  EXPECT_EQ(large.wrong(), -1);
  // Where their addresses can be bound.
  const std::uint64_t expected = (down(large.x) == 0 ? 1u : 0u) + (down(large.y) == 0 ? 1u : 0u);
  if (bench.physical().properties.limits.minStorageBufferOffsetAlignment == 64) {
    EXPECT_EQ(simulated()->imports - before, expected);
  }
}

// Once somebody saw the end of a launch, or of a later one, nobody asks the driver again.
TEST_F(Pressure, WhatWasSeenIsNotAskedAgain) {
  Bench bench(staged_with({{"vulkan.spin_us", "0"}}));
  const auto ir = shader("saxpy");
  std::vector<std::unique_ptr<Saxpy>> launches;
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < 8; ++i) {
    launches.push_back(std::make_unique<Saxpy>(100));
    auto token = bench.dispatch(ir, launches.back()->launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  EXPECT_EQ(bench->completion(tokens.back(), UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  const std::uint64_t questions = simulated()->questions, sleeps = simulated()->sleeps;
  for (std::uint64_t token : tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(simulated()->questions, questions);
  EXPECT_EQ(simulated()->sleeps, sleeps);
  for (const auto& saxpy : launches) EXPECT_EQ(saxpy->wrong(), -1);
}

TEST_F(Pressure, AWaitLooksBeforeItSleeps) {
  for (const bool spins : {true, false}) {
    Bench bench(staged_with({{"vulkan.spin_us", spins ? "1000000" : "0"}}));
    Saxpy saxpy(100);
    bench.run(shader("saxpy"), saxpy.launch);
    const std::uint64_t questions = simulated()->questions, sleeps = simulated()->sleeps;
    bench.run(shader("saxpy"), saxpy.launch);
    EXPECT_EQ(saxpy.wrong(2), -1);
    EXPECT_EQ(simulated()->sleeps - sleeps, spins ? 0u : 1u);
    if (spins) {
      EXPECT_GT(simulated()->questions, questions);
    }
  }
}

// What somebody who writes it by hand calls, and nothing besides: a submission, and a wait.
TEST_F(Pressure, ARepeatedLaunchIsOneSubmissionAndAWait) {
  Bench bench(staged_with({{"vulkan.spin_us", "0"}}));
  sim::State& state = *simulated();
  const auto ir = shader("saxpy");
  Saxpy saxpy(1000);
  for (int i : {0, 1}) {
    auto buffer = bench->memory().create(4000, 0);
    ASSERT_TRUE(buffer) << buffer.failure().sentence;
    saxpy.bindings[i] = buffer_binding(0, i, *buffer, 4000);
  }
  bench.run(ir, saxpy.launch);
  const auto calls = [&] {
    return std::array{state.questions.load(), state.flushes.load(), state.invalidations.load(),
                      state.memories.load(), (*bench->session())->recordings().recorded()};
  };
  const auto before = calls();
  const std::uint64_t submissions = state.submissions;
  constexpr std::uint64_t kLaunches = 10;
  for (std::uint64_t i = 0; i < kLaunches; ++i) bench.run(ir, saxpy.launch);
  EXPECT_EQ(state.submissions - submissions, kLaunches);
  EXPECT_EQ(calls(), before);
}

// With many launches under way, the driver is asked what has ended once in a while. The device
// seems busy, however slow the dispatches are: who finds it idle asks each time.
TEST_F(Pressure, ADispatchSeldomAsksWhatHasEnded) {
  Bench bench(staged_with({{"vulkan.spin_us", "0"}}));
  const auto ir = shader("saxpy");
  Saxpy first(100);
  bench.run(ir, first.launch);
  std::vector<std::unique_ptr<Saxpy>> launches;
  std::vector<std::uint64_t> tokens;
  const std::uint64_t questions = simulated()->questions;
  simulated()->seems_busy = true;
  constexpr std::uint64_t kLaunches = 500;
  for (std::uint64_t i = 0; i < kLaunches; ++i) {
    launches.push_back(std::make_unique<Saxpy>(64));
    auto token = bench.dispatch(ir, launches.back()->launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  EXPECT_LT(simulated()->questions - questions, kLaunches / 10);
  simulated()->seems_busy = false;
  for (std::uint64_t token : tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  for (const auto& saxpy : launches) EXPECT_EQ(saxpy->wrong(), -1);
}

// A kernel that takes a while, and touches nothing else.
class Busy {
 public:
  explicit Busy(Bench& bench) : bench_(bench), values_(16), binding_(host_binding(0, 0, values_)) {
    launch_.groups[0] = 16;
    launch_.groups[1] = launch_.groups[2] = 1;
    launch_.bindings = &binding_;
    launch_.binding_count = 1;
    launch_.push = &rounds_;
    launch_.push_size = sizeof rounds_;
  }
  std::uint64_t start() {
    auto token = bench_.dispatch(shader("spin"), launch_);
    EXPECT_TRUE(token) << token.failure().sentence;
    return token ? *token : 0;
  }

 private:
  Bench& bench_;
  std::uint32_t rounds_ = 300'000;
  std::vector<std::uint32_t> values_;
  SokrBinding binding_;
  SokrLaunch launch_{};
};

TEST_F(Pressure, AWriteWaitsForNoKernel) {
  Bench bench(staged_with());
  std::vector<std::uint32_t> some(300'000, 7), back(some.size());
  const std::uint64_t bytes = some.size() * 4;
  auto buffer = bench->memory().create(bytes, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  Busy busy(bench);
  const std::uint64_t token = busy.start();
  const std::uint64_t sleeps = simulated()->sleeps, questions = simulated()->questions;
  ASSERT_TRUE(bench->memory().write(*buffer, 4, some.data(), 4));
  ASSERT_TRUE(bench->memory().write(*buffer, 8, some.data(), bytes - 8));
  auto other = bench->memory().create(bytes, 0);
  ASSERT_TRUE(other);
  if (bench.is_mapped(*buffer)) {
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  } else {
    ASSERT_TRUE(bench->memory().copy(*buffer, 0, *other, 0, bytes));
    EXPECT_EQ(simulated()->sleeps, sleeps);
    EXPECT_EQ(simulated()->questions, questions);
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
    ASSERT_TRUE(bench->memory().read(*other, 0, back.data(), bytes));
    EXPECT_EQ(back[0], 0u);
    back[0] = 7;
    EXPECT_EQ(back, some);
  }
  ASSERT_TRUE(bench->memory().read(*buffer, 0, back.data(), bytes));
  EXPECT_EQ(back[0], 0u);
  EXPECT_EQ(back[1], 7u);
}

// Zeros are made together, when somebody may look.
TEST_F(Pressure, BuffersAreMadeWithoutWaiting) {
  Bench bench(staged_with());
  constexpr std::size_t kBuffers = 2000;
  const std::uint64_t sleeps = simulated()->sleeps, submissions = simulated()->submissions;
  std::vector<SokrBuffer> buffers;
  for (std::size_t i = 0; i < kBuffers; ++i) {
    auto buffer = bench->memory().create(1024, 0);
    ASSERT_TRUE(buffer) << buffer.failure().sentence;
    buffers.push_back(*buffer);
  }
  EXPECT_EQ(simulated()->sleeps, sleeps);
  EXPECT_LE(simulated()->submissions - submissions, 2u);
  const std::vector<std::uint32_t> zeros(256);
  for (const std::size_t i : {std::size_t{0}, kBuffers / 2, kBuffers - 1}) {
    std::vector<std::uint32_t> back(256, 9);
    ASSERT_TRUE(bench->memory().read(buffers[i], 0, back.data(), 1024));
    EXPECT_EQ(back, zeros) << i;
  }
}

// What is written, copied and read again, without any wait between.
TEST_F(Pressure, TransfersKeepTheirOrder) {
  Bench bench(staged_with());
  constexpr std::size_t kCount = 5000;
  constexpr std::uint64_t kBytes = kCount * 4;
  std::vector<SokrBuffer> chain;
  for (int i = 0; i < 4; ++i) {
    auto buffer = bench->memory().create(kBytes, 0);
    ASSERT_TRUE(buffer);
    chain.push_back(*buffer);
  }
  std::vector<std::uint32_t> in(kCount), out(kCount);
  for (std::uint32_t round = 1; round < 4; ++round) {
    for (std::uint32_t i = 0; i < kCount; ++i) in[i] = i * round;
    ASSERT_TRUE(bench->memory().write(chain[0], 0, in.data(), kBytes));
    std::vector<std::uint32_t> overwritten(kCount, round);
    for (std::size_t i = 1; i < chain.size(); ++i)
      ASSERT_TRUE(bench->memory().copy(chain[i - 1], 0, chain[i], 0, kBytes));
    ASSERT_TRUE(bench->memory().write(chain[0], 0, overwritten.data(), kBytes));
    ASSERT_TRUE(bench->memory().write(chain[3], 4, overwritten.data(), 4));
    ASSERT_TRUE(bench->memory().read(chain[3], 0, out.data(), kBytes));
    std::vector<std::uint32_t> expected = in;
    expected[1] = round;
    EXPECT_EQ(out, expected) << round;
    ASSERT_TRUE(bench->memory().read(chain[0], 0, out.data(), kBytes));
    EXPECT_EQ(out, overwritten) << round;
  }
  // A kernel comes after what was written before it.
  Saxpy saxpy(1000);
  for (int i : {0, 1}) {
    auto& values = i == 0 ? saxpy.x : saxpy.y;
    ASSERT_TRUE(bench->memory().write(chain[i], 0, values.data(), 4000));
    saxpy.bindings[i] = buffer_binding(0, i, chain[i], 4000);
  }
  saxpy.launch.bindings = saxpy.bindings.data();
  bench.run(shader("saxpy"), saxpy.launch);
  ASSERT_TRUE(bench->memory().read(chain[1], 0, saxpy.y.data(), 4000));
  EXPECT_EQ(saxpy.wrong(), -1);
}

TEST_F(Pressure, WhatIsNotDoneYetIsBounded) {
  Bench bench(staged_with());
  sim::State& state = *simulated();
  constexpr std::uint64_t kMega = 1 << 20;
  const std::uint64_t before = state.memories;
  // Buffers that go before anything was done with them.
  for (int i = 0; i < 100; ++i) {
    auto buffer = bench->memory().create(20 * kMega, 0);
    ASSERT_TRUE(buffer) << buffer.failure().sentence;
    ASSERT_TRUE(bench->memory().free(*buffer));
    ASSERT_LE(state.memories - before, 2u);
  }
  // One that takes more than may be under way.
  std::vector<std::uint32_t> many(40 * kMega), back(many.size());
  for (std::size_t i = 0; i < many.size(); i += 999) many[i] = static_cast<std::uint32_t>(i);
  auto large = bench->memory().create(many.size() * 4, 0);
  ASSERT_TRUE(large) << large.failure().sentence;
  const std::uint64_t held = state.memories;
  ASSERT_TRUE(bench->memory().write(*large, 0, many.data(), many.size() * 4));
  EXPECT_LE(state.memories - held, 5u);
  ASSERT_TRUE(bench->memory().read(*large, 0, back.data(), back.size() * 4));
  EXPECT_EQ(many, back);
}

// How often `one` was done, of so many times, when it first slept: the device is held until then.
// Who asks without a sleep goes on.
std::uint64_t done_until_it_waits(Bench& bench, std::uint64_t times,
                                  const std::function<Result<void>(std::uint64_t)>& one) {
  Gate gate(bench);
  const std::uint64_t token = gate.start(), sleeps = simulated()->sleeps;
  std::atomic<std::uint64_t> done{0};
  std::atomic<bool> is_through{false};
  std::thread thread([&] {
    while (done < times && static_cast<bool>(one(done))) ++done;
    EXPECT_EQ(done, times);
    is_through = true;
  });
  while (simulated()->sleeps == sleeps && !is_through) std::this_thread::yield();
  const std::uint64_t did = done;
  EXPECT_EQ(bench->completion(token, 0).signal, SOKR_COMPLETION_PENDING) << "nobody was held up";
  gate.open();
  thread.join();
  EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  return did;
}

// Pieces, and what is collected behind those that are under way.
constexpr std::uint64_t kMostPieces = 17 * 1024 + 512;

// A piece of few bytes takes a place in a block and a part of the commands, and one that is alone
// a block.
TEST_F(Pressure, SmallWritesAreBoundedByWhatTheyTake) {
  Bench bench(Gate::options(staged_with({{"vulkan.spin_us", "0"}})));
  const auto buffer = bench->memory().create(64 << 10, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  if (bench.is_mapped(*buffer)) GTEST_SKIP() << "the host writes by itself";
  const std::vector<std::uint32_t> values(10 << 10, 7);
  const auto write = [&](std::uint64_t bytes) {
    return [&, bytes](std::uint64_t i) {
      return bench->memory().write(*buffer, i % 4 * 4, values.data(), bytes);
    };
  };
  EXPECT_LE(done_until_it_waits(bench, 40'000, write(4)), kMostPieces);
  // 80 MiB of blocks of 64 KiB, and 16 MiB that are collected.
  EXPECT_LE(done_until_it_waits(bench, 3'000, write(40 << 10)), 96u << 4);
}

// Who copies on the device and never waits is not let go on for ever.
TEST_F(Pressure, CopiesOnTheDeviceAreBounded) {
  Bench bench(Gate::options(staged_with({{"vulkan.spin_us", "0"}})));
  std::array<SokrBuffer, 2> buffers{};
  for (SokrBuffer& buffer : buffers) {
    const auto made = bench->memory().create(4096, 0);
    ASSERT_TRUE(made) << made.failure().sentence;
    buffer = *made;
  }
  if (bench.is_mapped(buffers[0])) GTEST_SKIP() << "the host copies by itself";
  const auto asked = [&] { return simulated()->questions + simulated()->sleeps; };
  const std::uint64_t before = asked();
  const auto copy = [&](int times) {
    for (int i = 0; i < times; ++i)
      ASSERT_TRUE(bench->memory().copy(buffers[i % 2], 0, buffers[1 - i % 2], 0, 64));
  };
  copy(10'000);
  EXPECT_EQ(asked(), before) << "a few need not wait";
  const auto one = [&](std::uint64_t i) {
    return bench->memory().copy(buffers[i % 2], 0, buffers[1 - i % 2], 0, 64);
  };
  const std::uint64_t did = done_until_it_waits(bench, 40'000, one);
  EXPECT_LE(did, kMostPieces);
}

// What was to be written to a buffer that is freed holds neither memory nor launches up.
TEST_F(Pressure, WhatNobodyNeedsAnyMoreIsNotCollected) {
  constexpr std::uint64_t kBytes = 3 << 20;
  Bench bench(staged_with());
  const auto buffer = bench->memory().create(kBytes, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  if (bench.is_mapped(*buffer)) GTEST_SKIP() << "the host writes to buffers by itself";
  if (bench.physical().transfer_family != UINT32_MAX) GTEST_SKIP() << "it is copied at once";
  const std::vector<std::byte> bytes(kBytes);
  BlockPool& staging = (*bench->session())->recordings().host_blocks();
  ASSERT_TRUE(bench->memory().write(*buffer, 0, bytes.data(), kBytes));
  EXPECT_EQ(staging.idle_bytes(), 0u);
  const std::uint64_t submissions = simulated()->submissions;
  ASSERT_TRUE(bench->memory().free(*buffer));
  EXPECT_GE(staging.idle_bytes(), kBytes);
  Saxpy saxpy(100);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
  EXPECT_EQ(simulated()->submissions - submissions, 1u);
}

// Before it is refused for want of memory, the oldest launches are waited for, and what was freed.
TEST_F(Pressure, LaunchesUnderWayGiveTheirMemoryBack) {
  Bench bench(staged_with());
  sim::State& state = *simulated();
  const auto ir = shader("saxpy");
  Saxpy first(100);
  bench.run(ir, first.launch);
  state.allocation_limit = static_cast<std::uint32_t>(state.memories + 9);
  std::vector<std::unique_ptr<Saxpy>> launches;
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < 20; ++i) {
    launches.push_back(std::make_unique<Saxpy>(1'300'000 + 100 * i));
    auto token = bench.dispatch(ir, launches.back()->launch);
    ASSERT_TRUE(token) << i << ": " << token.failure().sentence;
    tokens.push_back(*token);
  }
  for (std::uint64_t token : tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  for (const auto& saxpy : launches) EXPECT_EQ(saxpy->wrong(), -1);
  Busy busy(bench);
  std::vector<std::uint64_t> busy_tokens;
  for (int i = 0; i < 20; ++i) {
    busy_tokens.push_back(busy.start());
    auto buffer = bench->memory().create(5'000'000, 0);
    ASSERT_TRUE(buffer) << i << ": " << buffer.failure().sentence;
    ASSERT_TRUE(bench->memory().free(*buffer));
  }
  for (std::uint64_t token : busy_tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
}

// While the device works, launches are collected; without work, none waits.
TEST_F(Pressure, LaunchesAreSubmittedTogether) {
  Bench bench(staged_with());
  sim::State& state = *simulated();
  const auto ir = shader("saxpy");
  Saxpy first(100), alone(100);
  bench.run(ir, first.launch);
  std::uint64_t before = state.submissions;
  auto lone = bench.dispatch(ir, alone.launch);
  ASSERT_TRUE(lone);
  EXPECT_EQ(state.submissions - before, 1u) << "a lone launch waits for others";
  EXPECT_EQ(bench->completion(*lone, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(alone.wrong(), -1);

  Busy busy(bench);
  const std::uint64_t busy_token = busy.start();
  state.seems_busy = true;
  before = state.submissions;
  const std::uint64_t buffers_before = state.command_buffers;
  std::vector<std::unique_ptr<Saxpy>> launches;
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < 100; ++i) {
    launches.push_back(std::make_unique<Saxpy>(64 + i));
    auto token = bench.dispatch(ir, launches.back()->launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  EXPECT_EQ(state.submissions - before, 3u);
  // Who asks about any of them, or only polls, has the rest submitted.
  (void)bench->completion(busy_token, 0);
  EXPECT_EQ(state.submissions - before, 4u);
  EXPECT_EQ(state.command_buffers - buffers_before, 4u);
  state.seems_busy = false;
  for (std::uint64_t token : tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(bench->completion(busy_token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  for (const auto& saxpy : launches) EXPECT_EQ(saxpy->wrong(), -1);
}

// In one command buffer are launches of several kernels, with other bindings, push constants and
// host memory, whose grids come from a buffer or are timed; each gets its own.
TEST_F(Pressure, LaunchesOfOneCommandBufferKeepWhatIsTheirs) {
  Bench bench(staged_with());
  const auto ir = shader("saxpy"), indirect_ir = shader("gate");
  constexpr std::uint32_t kEach = 12;
  for (int round = 0; round < 3; ++round) {
    Busy busy(bench);
    const std::uint64_t busy_token = busy.start();
    simulated()->seems_busy = true;
    const std::uint64_t before = simulated()->command_buffers;
    std::vector<std::unique_ptr<Saxpy>> launches;
    std::vector<std::uint64_t> tokens;
    std::vector<std::vector<std::uint32_t>> written(kEach);
    auto flag = bench->memory().create(4, SOKR_BUFFER_HOST_VISIBLE);
    auto counts = bench->memory().create(12, 0);
    ASSERT_TRUE(flag);
    ASSERT_TRUE(counts);
    const std::uint32_t one = 1, groups[3] = {5, 1, 1};
    ASSERT_TRUE(bench->memory().write(*flag, 0, &one, 4));
    ASSERT_TRUE(bench->memory().write(*counts, 0, groups, 12));
    for (std::uint32_t i = 0; i < kEach; ++i) {
      launches.push_back(std::make_unique<Saxpy>(200 + i, static_cast<float>(i)));
      launches.back()->launch.flags |= i % 3 == 0 ? SOKR_LAUNCH_PROFILE : 0;
      auto token = bench.dispatch(ir, launches.back()->launch);
      ASSERT_TRUE(token) << token.failure().sentence;
      tokens.push_back(*token);
      written[i].assign(8, 77);
      const std::vector<SokrBinding> bindings = {buffer_binding(0, 0, *flag, 4),
                                                 host_binding(0, 1, written[i])};
      SokrLaunch other{};
      other.groups[0] = 1 + i % 8;
      other.groups[1] = other.groups[2] = 1;
      if (i % 4 == 1) other.indirect = *counts;
      other.bindings = bindings.data();
      other.binding_count = 2;
      token = bench.dispatch(indirect_ir, other);
      ASSERT_TRUE(token) << token.failure().sentence;
      tokens.push_back(*token);
    }
    simulated()->seems_busy = false;
    for (std::uint64_t token : tokens)
      EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
    EXPECT_EQ(bench->completion(busy_token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
    EXPECT_LE(simulated()->command_buffers - before, 8u);
    for (std::uint32_t i = 0; i < kEach; ++i) {
      EXPECT_EQ(launches[i]->wrong(), -1) << i;
      const std::uint32_t ran = i % 4 == 1 ? 5 : 1 + i % 8;
      for (std::uint32_t k = 0; k < 8; ++k) EXPECT_EQ(written[i][k], k < ran ? k + 1 : 77u);
    }
    ASSERT_TRUE(bench->memory().free(*flag));
    ASSERT_TRUE(bench->memory().free(*counts));
  }
}

// More workgroups than the device takes at once, which each launch runs in parts of its own.
TEST_F(Pressure, LaunchesOfOneCommandBufferMayBeOverTheLimit) {
  Bench bench(staged_with({{"vulkan.slice_ms", "0"}}));
  const std::uint32_t most = bench.physical().properties.limits.maxComputeWorkGroupCount[0];
  if (most > 1'000'000) GTEST_SKIP() << "the device takes " << most << " workgroups";
  constexpr std::size_t kLaunches = 3;
  const std::uint32_t count = most + 37;
  const std::vector<std::uint32_t> push{0x1234, 0x5678};
  std::vector<std::vector<std::uint32_t>> out(kLaunches, std::vector<std::uint32_t>(count));
  Busy busy(bench);
  const std::uint64_t busy_token = busy.start();
  simulated()->seems_busy = true;
  const std::uint64_t before = simulated()->submissions;
  std::vector<std::uint64_t> tokens;
  for (std::size_t i = 0; i < kLaunches; ++i) {
    const SokrBinding binding = host_binding(0, 0, out[i]);
    SokrLaunch launch{};
    launch.groups[0] = count;
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = &binding;
    launch.binding_count = 1;
    launch.push = push.data();
    launch.push_size = 8;
    const auto token = bench.dispatch(shader("grid"), launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  EXPECT_EQ(simulated()->submissions, before) << "they are collected";
  simulated()->seems_busy = false;
  for (const std::uint64_t token : tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(bench->completion(busy_token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  for (const auto& values : out) {
    std::size_t wrong = 0;
    for (std::uint32_t x = 0; x < count; ++x)  // as Grids has it
      wrong += values[x] != x + 11 * (3 * x + 2) + 17 + push[0] + push[1];
    EXPECT_EQ(wrong, 0u);
  }
}

TEST_F(Pressure, CollectingCanBeSwitchedOff) {
  for (const int most : {1, 4}) {
    Bench bench(staged_with({{"vulkan.collect", std::to_string(most)}}));
    const auto ir = shader("saxpy");
    Saxpy first(100);
    bench.run(ir, first.launch);
    simulated()->seems_busy = true;
    std::vector<std::unique_ptr<Saxpy>> launches;
    std::vector<std::uint64_t> tokens;
    const std::uint64_t before = simulated()->submissions;
    for (int i = 0; i < 9; ++i) {
      launches.push_back(std::make_unique<Saxpy>(100));
      auto token = bench.dispatch(ir, launches.back()->launch);
      ASSERT_TRUE(token) << token.failure().sentence;
      tokens.push_back(*token);
    }
    // The first is alone.
    EXPECT_EQ(simulated()->submissions - before, most == 1 ? 9u : 3u);
    simulated()->seems_busy = false;
    for (std::uint64_t token : tokens)
      EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  }
}

// One after the other, each on what the one before it wrote, and one wait.
TEST_F(Pressure, AChainIsSubmittedTogetherAndKeepsItsOrder) {
  for (const bool in_buffers : {true, false}) {
    Bench bench(staged_with());
    const auto ir = shader("saxpy");
    constexpr int kLaunches = 100;
    Saxpy saxpy(1000);
    std::vector<SokrBuffer> buffers;
    if (in_buffers) {
      for (int i : {0, 1}) {
        auto buffer = bench->memory().create(4000, 0);
        ASSERT_TRUE(buffer);
        const auto& values = i == 0 ? saxpy.x : saxpy.y;
        ASSERT_TRUE(bench->memory().write(*buffer, 0, values.data(), 4000));
        saxpy.bindings[i] = buffer_binding(0, i, *buffer, 4000);
        buffers.push_back(*buffer);
      }
      saxpy.launch.bindings = saxpy.bindings.data();
    }
    Busy busy(bench);
    const std::uint64_t busy_token = busy.start();
    simulated()->seems_busy = true;
    const std::uint64_t before = simulated()->submissions;
    SokrCompletionToken wait = 0;
    std::uint64_t last = 0;
    for (int i = 0; i < kLaunches; ++i) {
      saxpy.launch.waits = &wait;
      saxpy.launch.wait_count = i == 0 ? 0 : 1;
      auto token = bench.dispatch(ir, saxpy.launch);
      ASSERT_TRUE(token) << token.failure().sentence;
      last = *token;
      wait = sokr_token_encode(1, last);
    }
    if (in_buffers) {
      EXPECT_LE(simulated()->submissions - before, 8u);
    }
    simulated()->seems_busy = false;
    EXPECT_EQ(bench->completion(last, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
    if (in_buffers) {
      ASSERT_TRUE(bench->memory().read(buffers[1], 0, saxpy.y.data(), 4000));
    }
    EXPECT_EQ(saxpy.wrong(kLaunches), -1);
    EXPECT_EQ(bench->completion(busy_token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  }
}

// A copy or a read comes behind what was dispatched before it.
TEST_F(Pressure, TransfersComeBehindWhatIsCollected) {
  Bench bench(staged_with());
  const auto ir = shader("saxpy");
  Saxpy saxpy(1000);
  std::vector<SokrBuffer> buffers;
  for (int i : {0, 1, 2}) {
    auto buffer = bench->memory().create(4000, 0);
    ASSERT_TRUE(buffer);
    buffers.push_back(*buffer);
    if (i == 2) break;
    const auto& values = i == 0 ? saxpy.x : saxpy.y;
    ASSERT_TRUE(bench->memory().write(*buffer, 0, values.data(), 4000));
    saxpy.bindings[i] = buffer_binding(0, i, *buffer, 4000);
  }
  saxpy.launch.bindings = saxpy.bindings.data();
  Busy busy(bench);
  const std::uint64_t busy_token = busy.start();
  simulated()->seems_busy = true;
  const auto token = bench.dispatch(ir, saxpy.launch);
  ASSERT_TRUE(token);
  if (!bench.is_mapped(buffers[1])) {
    ASSERT_TRUE(bench->memory().copy(buffers[1], 0, buffers[2], 0, 4000));
    ASSERT_TRUE(bench->memory().write(buffers[1], 0, saxpy.x.data(), 4000));
    ASSERT_TRUE(bench->memory().read(buffers[2], 0, saxpy.y.data(), 4000));
    EXPECT_EQ(saxpy.wrong(), -1);
  }
  simulated()->seems_busy = false;
  for (const std::uint64_t one : {busy_token, *token})
    EXPECT_EQ(bench->completion(one, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
}

// Launches under way have few pools between them, whatever their kernels bind.
TEST_F(Pressure, RecordingsShareTheirPools) {
  Bench bench(staged_with());
  sim::State& state = *simulated();
  const auto ir = shader("saxpy");
  const std::uint64_t pools = state.command_pools + state.descriptor_pools;
  std::vector<std::unique_ptr<Saxpy>> launches;
  std::vector<std::uint64_t> tokens;
  Busy busy(bench);
  tokens.push_back(busy.start());
  for (int i = 0; i < 600; ++i) {
    launches.push_back(std::make_unique<Saxpy>(64));
    auto token = bench.dispatch(ir, launches.back()->launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  EXPECT_LE(state.command_pools + state.descriptor_pools - pools, 4u + 4u);
  for (std::uint64_t token : tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  for (const auto& saxpy : launches) EXPECT_EQ(saxpy->wrong(), -1);
  bench.verify_clean();
  EXPECT_EQ(state.command_pools + state.descriptor_pools, pools);
}

}  // namespace
}  // namespace sokr::vulkan::test
