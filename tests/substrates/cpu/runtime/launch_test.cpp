// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Launches: inline and in the arena, waits, timeouts, group counts, bindings, floating-point
// modes.
#include <gtest/gtest.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <atomic>
#include <bit>
#include <cmath>
#include <thread>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

using substrate::CompletionAnswer;

constexpr CompletionAnswer kPending{SOKR_OK, SOKR_COMPLETION_PENDING};
constexpr CompletionAnswer kFailed{SOKR_OK, SOKR_COMPLETION_FAILED};
constexpr CompletionAnswer kTimedOut{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT};
constexpr std::uint64_t kMillisecond = 1'000'000;

std::vector<std::uint32_t> turned(std::size_t size, std::uint32_t rounds) {
  std::vector<std::uint32_t> data(size);
  for (std::uint32_t i = 0; i < size; ++i) {
    std::uint32_t x = i;
    for (std::uint32_t r = 0; r < rounds; ++r) x = x * 1664525u + 1013904223u;
    data[i] = x;
  }
  return data;
}

TEST(Launch, AShortKernelRunsInlineOnceItIsKnown) {
  auto substrate = make();
  std::vector<std::uint32_t> data(64);
  Dispatch scale("scale");
  scale.bind(0, data).groups(2).push = {1};
  expect_complete(*substrate, scale.on(*substrate));
  // Once its time is known, it is done when dispatch returns.
  std::uint32_t runs = 1, done_at_return = 0;
  for (; runs < 200 && done_at_return < 20; ++runs) {
    auto token = scale.on(*substrate);
    ASSERT_TRUE(token);
    if (substrate->completion(*token, 0).signal == SOKR_COMPLETION_COMPLETE) ++done_at_return;
    expect_complete(*substrate, token);
  }
  EXPECT_EQ(done_at_return, 20u);
  EXPECT_EQ(data, std::vector<std::uint32_t>(64, runs));
}

// With other data a loop may never end, and nobody could abandon it inside dispatch.
TEST(Launch, AKernelWithALoopNeverBlocksDispatchHoweverShortItWas) {
  auto substrate = make();
  std::vector<std::uint32_t> data{0, 0, 0};
  for (int i = 0; i < 100; ++i) {
    Dispatch short_run("endless");
    expect_complete(*substrate, short_run.bind(0, data).on(*substrate));
  }
  Endless endless(*substrate);
  EXPECT_EQ(substrate->completion(endless.token(), 0), kPending);
  EXPECT_EQ(substrate->completion(endless.token(), 20 * kMillisecond), kTimedOut);
  endless.stop();
  expect_complete(*substrate, endless.token());
}

TEST(Launch, FiniteAndEndlessTimeouts) {
  auto substrate = make();
  Endless endless(*substrate);
  EXPECT_EQ(substrate->completion(endless.token(), 1), kTimedOut);
  EXPECT_EQ(substrate->completion(endless.token(), 5 * kMillisecond), kTimedOut);
  std::thread stopper([&] { endless.stop(); });
  expect_complete(*substrate, endless.token(), UINT64_MAX - 1);
  stopper.join();
  EXPECT_EQ(substrate->completion(4'000'000, 0),
            (CompletionAnswer{SOKR_NOT_FOUND, SOKR_COMPLETION_FAILED}));
}

TEST(Launch, AnEndlessKernelEndsWithTheSubstrate) {
  auto substrate = make();
  Endless first(*substrate), second(*substrate);
  std::vector<std::uint32_t> data(32);
  Dispatch waits("scale");
  waits.bind(0, data).push = {1};
  waits.waits = {first.wait()};
  ASSERT_TRUE(waits.on(*substrate));
  EXPECT_EQ(substrate->completion(first.token(), 5 * kMillisecond), kTimedOut);
  substrate.reset();
  EXPECT_EQ(data[0], 0u);
}

TEST(Launch, WaitsDoNotBlockTheCaller) {
  auto substrate = make();
  Endless gate(*substrate);
  std::vector<std::uint32_t> data(64, 1);
  Result<std::uint64_t> last = gate.token();
  std::uint32_t expected = 1;
  for (std::uint32_t i = 0; i < 50; ++i) {
    Dispatch scale("scale");
    scale.bind(0, data).groups(2).push = {i};
    scale.specializations = {{3, 4, 3}};
    scale.waits = {gate.wait(), sokr_token_encode(1, *last)};
    last = scale.on(*substrate);
    ASSERT_TRUE(last) << last.failure().sentence;
    expected = expected * 3 + i;
  }
  EXPECT_EQ(substrate->completion(*last, 0), kPending);
  EXPECT_EQ(data[0], 1u);
  gate.stop();
  expect_complete(*substrate, last);
  EXPECT_EQ(data, std::vector<std::uint32_t>(64, expected));
}

// Each end ends the next: not on the stack.
TEST(Launch, ALongChainOfFailuresAndOfEmptyLaunchesUnwinds) {
  constexpr int kLength = 30'000;
  for (bool fails : {false, true}) {
    auto substrate = make();
    Endless gate(*substrate);
    const std::uint32_t too_many[3] = {UINT32_MAX, 1, 1};
    auto buffer = substrate->memory().create(12, SOKR_BUFFER_DEFAULT);
    ASSERT_TRUE(buffer && substrate->memory().write(*buffer, 0, too_many, 12));
    std::vector<std::uint32_t> data(32);
    Dispatch first("scale");
    first.bind(0, data).groups(0).push = {1};
    first.waits = {gate.wait()};
    if (fails) first.launch.indirect = *buffer;
    Result<std::uint64_t> last = first.on(*substrate);
    ASSERT_TRUE(last) << last.failure().sentence;
    Dispatch link("scale");
    link.bind(0, data).groups(0).push = {1};
    for (int i = 0; i < kLength; ++i) {
      link.waits = {sokr_token_encode(1, *last)};
      last = link.on(*substrate);
      ASSERT_TRUE(last) << last.failure().sentence;
    }
    gate.stop();
    EXPECT_EQ(substrate->completion(*last, UINT64_MAX).signal,
              fails ? SOKR_COMPLETION_FAILED : SOKR_COMPLETION_COMPLETE);
  }
}

TEST(Launch, AFailedOneFailsThoseThatWaitForItAndSaysWhy) {
  auto substrate = make();
  const std::uint32_t too_many[3] = {UINT32_MAX, 1, 1};
  auto buffer = substrate->memory().create(12, SOKR_BUFFER_DEFAULT);
  ASSERT_TRUE(buffer && substrate->memory().write(*buffer, 0, too_many, 12));
  std::vector<std::uint32_t> data(32);
  Dispatch bad("scale"), after("scale"), unknown("scale");
  bad.bind(0, data).push = {1};
  bad.launch.indirect = *buffer;
  auto first = bad.on(*substrate);
  ASSERT_TRUE(first) << first.failure().sentence;
  after.bind(0, data).push = {1};
  after.waits = {sokr_token_encode(1, *first)};
  auto second = after.on(*substrate);
  ASSERT_TRUE(second);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(substrate->completion(*second, UINT64_MAX), kFailed);
    EXPECT_EQ(substrate->completion(*first, 0), kFailed);
  }
  EXPECT_NE(substrate->tokens().error(*first).find("over the limit"), std::string::npos);
  EXPECT_NE(substrate->tokens().error(*second).find("waited for failed"), std::string::npos);
  EXPECT_EQ(data[0], 0u);
  unknown.bind(0, data).push = {1};
  unknown.waits = {sokr_token_encode(1, 123456)};
  EXPECT_EQ(unknown.on(*substrate).failure().sentence,
            "token 123456 to wait for, number 0 of 1, was never issued");
}

TEST(Launch, SeveralInFlightAtOnceAllEnd) {
  auto substrate = make();
  std::vector<std::vector<std::uint32_t>> data(12, std::vector<std::uint32_t>(6400));
  std::vector<std::uint64_t> tokens;
  for (std::size_t i = 0; i < data.size(); ++i) {
    Dispatch rounds("rounds");
    rounds.bind(0, data[i]).groups(100).push = {static_cast<std::uint32_t>(i) * 50};
    auto token = rounds.on(*substrate);
    ASSERT_TRUE(token);
    tokens.push_back(*token);
  }
  for (std::size_t i = tokens.size(); i-- > 0;) expect_complete(*substrate, tokens[i]);
  for (std::size_t i = 0; i < data.size(); ++i)
    EXPECT_EQ(data[i], turned(6400, static_cast<std::uint32_t>(i) * 50)) << i;
}

TEST(Launch, ResultsDoNotDependOnTheNumberOfThreads) {
  for (unsigned threads : {1u, 2u, 3u, 8u}) {
    auto substrate = make(threads);
    std::vector<std::uint32_t> data(64 * 333 - 5);
    Dispatch rounds("rounds");
    rounds.bind(0, data).groups(333).push = {500};
    expect_complete(*substrate, rounds.on(*substrate));
    EXPECT_EQ(data, turned(data.size(), 500)) << threads;
  }
}

TEST(Launch, NobodyHasToWaitForItToGoOn) {
  for (unsigned threads : {1u, 2u}) {
    auto substrate = make(threads);
    std::vector<std::uint32_t> data(6400);
    Dispatch rounds("rounds");
    rounds.bind(0, data).groups(100).push = {1000};
    auto token = rounds.on(*substrate);
    ASSERT_TRUE(token);
    while (substrate->completion(*token, 0) == kPending) std::this_thread::yield();
    EXPECT_EQ(data, turned(6400, 1000));
  }
}

// A waiter that leaves in the middle hands its share back.
TEST(Launch, AWaiterWithALimitLeavesNothingUndone) {
  auto substrate = make(1);
  std::vector<std::uint32_t> data(32 * 100'000, 1);
  Dispatch scale("scale");
  scale.bind(0, data).groups(100'000).push = {1};
  for (std::uint32_t run = 1; run <= 20; ++run) {
    auto token = scale.on(*substrate);
    ASSERT_TRUE(token);
    (void)substrate->completion(*token, 50'000 + run * 10'000);
    while (substrate->completion(*token, 0) == kPending) std::this_thread::yield();
    ASSERT_EQ(data.front(), 1 + run);
    ASSERT_EQ(data.back(), 1 + run);
  }
}

TEST(Launch, GroupCountsComeFromABuffer) {
  auto substrate = make();
  const std::uint32_t counts[] = {9, 3, 4, 2};
  auto buffer = substrate->memory().create(16, SOKR_BUFFER_DEFAULT);
  ASSERT_TRUE(buffer && substrate->memory().write(*buffer, 0, counts, 16));
  std::vector<std::uint32_t> data(2);
  Dispatch count("count_groups");
  count.bind(0, data);
  count.launch.indirect = *buffer;
  count.launch.indirect_offset = 4;
  expect_complete(*substrate, count.on(*substrate));
  EXPECT_EQ(data[0], 24u);
  EXPECT_EQ(data[1], 8u * 3 + 100u * 6 * 6 + 10000u * 12);
  const std::uint32_t none[] = {3, 0, 2}, huge[] = {65536, 65536, 1};
  ASSERT_TRUE(substrate->memory().write(*buffer, 4, none, 12));
  count.launch.flags = SOKR_LAUNCH_PROFILE;
  auto empty = count.on(*substrate);
  expect_complete(*substrate, empty);
  EXPECT_EQ(substrate->tokens().timing(*empty), substrate::Timing(0));
  EXPECT_EQ(data[0], 24u);
  ASSERT_TRUE(substrate->memory().write(*buffer, 4, huge, 12));
  auto refused = count.on(*substrate);
  ASSERT_TRUE(refused);
  EXPECT_EQ(substrate->completion(*refused, UINT64_MAX), kFailed);
  EXPECT_NE(substrate->tokens().error(*refused).find("65536 x 65536 x 1"), std::string::npos);
  count.launch.indirect_offset = 8;
  EXPECT_EQ(count.on(*substrate).code(), SOKR_INVALID_INPUT);  // beyond the buffer
}

TEST(Launch, MoreGroupsThanCanBeCountedAreRefused) {
  auto substrate = make();
  std::vector<std::uint32_t> data(2);
  Dispatch count("count_groups");
  count.bind(0, data).groups(65536, 65536);
  EXPECT_EQ(count.on(*substrate).failure().sentence,
            "65536 x 65536 x 1 workgroups are more than 4294967295, all this substrate can count");
  EXPECT_EQ(count.groups(INT32_MAX, INT32_MAX, INT32_MAX).on(*substrate).code(),
            SOKR_INVALID_INPUT);
  EXPECT_EQ(count.groups(UINT32_MAX).on(*substrate).code(), SOKR_INVALID_INPUT);
  expect_complete(*substrate, count.groups(INT32_MAX, INT32_MAX, 0).on(*substrate));
  EXPECT_EQ(data[0], 0u);
}

TEST(Launch, OverlappingBindingsSeeEachOther) {
  auto substrate = make();
  for (int run = 0; run < 4; ++run) {
    std::vector<std::uint32_t> data(64, 5), results(64), other(64, 9);
    Dispatch same("aliased");
    same.bind(0, data).bind(1, data).bind(2, results).groups(2);
    expect_complete(*substrate, same.on(*substrate));
    EXPECT_EQ(data, std::vector<std::uint32_t>(64, 6));
    EXPECT_EQ(results, std::vector<std::uint32_t>(64, 5006));
    Dispatch apart("aliased");
    apart.bind(0, data).bind(1, other).bind(2, results).groups(2);
    expect_complete(*substrate, apart.on(*substrate));
    EXPECT_EQ(results, std::vector<std::uint32_t>(64, 6006));
    EXPECT_EQ(other, std::vector<std::uint32_t>(64, 7));
  }
  // A buffer of the table and the same memory as host memory; and one imported twice.
  std::vector<std::uint32_t> memory(64, 5), results(64);
  auto imported = substrate->memory().import_host(memory.data(), 256);
  ASSERT_TRUE(imported);
  Dispatch mixed("aliased");
  mixed.bind(0, memory).bind(1, memory).bind(2, results).groups(2);
  mixed.bindings[1].kind = SOKR_BINDING_BUFFER;
  mixed.bindings[1].resource = *imported;
  expect_complete(*substrate, mixed.on(*substrate));
  EXPECT_EQ(results, std::vector<std::uint32_t>(64, 5006));
}

TEST(Launch, NullBindingsReadZeroAndDropWrites) {
  auto substrate = make();
  for (int run = 0; run < 4; ++run) {
    std::vector<std::uint32_t> data(64, 5), results(64, 1);
    Dispatch dispatch("aliased");
    dispatch.bind(0, data).bind(1, data).bind(2, results).groups(2);
    dispatch.bindings[0] = {0, 0, 0, SOKR_BINDING_NULL, SOKR_ACCESS_READ_WRITE, 0, 0, 0, 0};
    expect_complete(*substrate, dispatch.on(*substrate));
    EXPECT_EQ(data, std::vector<std::uint32_t>(64, 1));
    EXPECT_EQ(results, std::vector<std::uint32_t>(64, 0));
  }
}

TEST(Launch, AFreedBufferLastsAsLongAsItsLaunch) {
  auto substrate = make();
  Endless gate(*substrate);
  auto buffer = substrate->memory().create(1 << 20, SOKR_BUFFER_HOST_VISIBLE);
  ASSERT_TRUE(buffer);
  std::vector<std::uint32_t> dummy(32);
  Dispatch scale("scale");
  scale.bind(0, dummy).groups(1 << 13).push = {1};
  scale.bindings[0].kind = SOKR_BINDING_BUFFER;
  scale.bindings[0].resource = *buffer;
  scale.bindings[0].size = 1 << 20;
  scale.waits = {gate.wait()};
  auto token = scale.on(*substrate);
  ASSERT_TRUE(token) << token.failure().sentence;
  ASSERT_TRUE(substrate->memory().free(*buffer));
  scale.waits.clear();
  EXPECT_EQ(scale.on(*substrate).code(), SOKR_INVALID_INPUT);
  gate.stop();
  expect_complete(*substrate, token);
}

TEST(Launch, ProfilingRecordsTheTimeOfTheKernel) {
  auto substrate = make();
  std::vector<std::uint32_t> data(6400);
  Dispatch rounds("rounds");
  rounds.bind(0, data).groups(100).push = {2000};
  rounds.launch.flags = SOKR_LAUNCH_PROFILE;
  const auto ns_of = [](std::chrono::steady_clock::time_point moment) {
    return static_cast<std::uint64_t>(moment.time_since_epoch().count());
  };
  const auto given = std::chrono::steady_clock::now();
  auto token = rounds.on(*substrate);
  expect_complete(*substrate, token);
  const auto timing = substrate->tokens().timing(*token);
  ASSERT_TRUE(timing);
  EXPECT_GT(timing->device_ns, 1000u);
  EXPECT_GE(timing->began_ns, ns_of(given));
  EXPECT_LE(timing->ended_ns, ns_of(std::chrono::steady_clock::now()));
  EXPECT_EQ(timing->ended_ns - timing->began_ns, timing->device_ns);
  auto empty = rounds.groups(0).on(*substrate);
  expect_complete(*substrate, empty);
  EXPECT_EQ(substrate->tokens().timing(*empty), substrate::Timing(0));
  rounds.launch.flags = 0;
  auto plain = rounds.on(*substrate);
  expect_complete(*substrate, plain);
  EXPECT_FALSE(substrate->tokens().timing(*plain));
}

TEST(Launch, ConcurrentDispatchesDoNotMixUp) {
  auto substrate = make();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (std::uint32_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      std::vector<std::uint32_t> data(96);
      for (std::uint32_t i = 0; i < 200; ++i) {
        std::fill(data.begin(), data.end(), i);
        Dispatch scale("scale");
        scale.bind(0, data).groups(3).push = {t};
        scale.specializations = {{3, 4, t + 1}};  // one id, several kernels
        auto token = scale.on(*substrate);
        if (!token ||
            substrate->completion(*token, UINT64_MAX).signal != SOKR_COMPLETION_COMPLETE ||
            data != std::vector<std::uint32_t>(96, i * (t + 1) + t))
          ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Launch, ManyWaitersOnOneToken) {
  auto substrate = make();
  Endless gate(*substrate);
  std::vector<std::uint32_t> data(64'000);
  Dispatch rounds("rounds");
  rounds.bind(0, data).groups(1000).push = {300};
  rounds.waits = {gate.wait()};
  auto token = rounds.on(*substrate);
  ASSERT_TRUE(token);
  std::vector<std::thread> waiters;
  for (std::uint64_t timeout : {UINT64_MAX, UINT64_MAX, UINT64_C(60'000'000'000)})
    waiters.emplace_back([&, timeout] { expect_complete(*substrate, token, timeout); });
  gate.stop();
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(data, turned(64'000, 300));
}

#if defined(__x86_64__)
TEST(Launch, FloatingPointModesAreTheKernelsAndTheCallersAreRestored) {
  auto substrate = make();
  const unsigned before = _mm_getcsr();
  for (unsigned callers : {before, before | 0x8040u, (before & ~0x6000u) | 0x4000u}) {
    for (bool wait : {true, false}) {
      for (int run = 0; run < 40; ++run) {  // in the arena, then inline
        std::vector<float> data(6400, 1.1f);
        data[0] = 2e-38f;
        const float factor = std::bit_cast<float>(0x3e99999au);  // 0.3
        const double exact = double{1.1f} * double{factor};
        float truncated = static_cast<float>(exact);
        if (truncated > exact) truncated = std::nextafter(truncated, 0.0f);
        Dispatch flush("float_mode");
        flush.bind(0, data).groups(200).push = {std::bit_cast<std::uint32_t>(factor)};
        _mm_setcsr(callers);
        auto token = flush.on(*substrate);
        ASSERT_TRUE(token) << token.failure().sentence;
        if (!wait)
          while (substrate->completion(*token, 0) == kPending) std::this_thread::yield();
        CompletionAnswer answer = substrate->completion(*token, UINT64_MAX);
        const unsigned after = _mm_getcsr();
        _mm_setcsr(before);
        EXPECT_EQ(after, callers);
        EXPECT_EQ(answer.signal, SOKR_COMPLETION_COMPLETE);
        ASSERT_EQ(data[0], 0.0f);  // 6e-39 would be subnormal
        ASSERT_EQ(data[1], truncated);
      }
    }
  }
}
#endif

}  // namespace
}  // namespace sokr::cpu::test
