// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How many threads work on a launch, whoever waits for it and however; and that a chain of short
// launches stays on one. Counted by what the kernels see, not by clocks.
#include <gtest/gtest.h>
#include <time.h>

#include <chrono>
#include <thread>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

using substrate::CompletionAnswer;

constexpr CompletionAnswer kPending{SOKR_OK, SOKR_COMPLETION_PENDING};
constexpr std::uint64_t kLong = 100'000'000'000;  // ns: far beyond what anything here takes

enum class Waiting { kPolls, kWithALimit, kWithoutEnd };
constexpr Waiting kAllWays[] = {Waiting::kPolls, Waiting::kWithALimit, Waiting::kWithoutEnd};

void await(CpuSubstrate& substrate, const Result<std::uint64_t>& token, Waiting how) {
  ASSERT_TRUE(token) << token.failure().sentence;
  if (how == Waiting::kPolls)
    while (substrate.completion(*token, 0) == kPending) std::this_thread::yield();
  expect_complete(substrate, token, how == Waiting::kWithALimit ? kLong : UINT64_MAX);
}

// What `meet` reads and counts.
struct Meeting {
  std::uint32_t all, alone = 0, begun = 0, arrived = 0;
};

Result<std::uint64_t> meet(CpuSubstrate& substrate, Meeting& data, std::uint32_t groups) {
  Dispatch dispatch("meet");
  return dispatch.bind(0, &data, sizeof data).groups(groups).on(substrate);
}

TEST(Crew, AllThreadsWorkHoweverSomebodyWaits) {
  for (unsigned threads : {1u, 2u, 3u, 5u}) {
    auto substrate = make(threads);
    for (int again = 0; again < 3; ++again)
      for (Waiting how : kAllWays) {
        if (how == Waiting::kPolls && again != 0) continue;  // its duration is known by then
        Meeting data{threads};
        await(*substrate, meet(*substrate, data, threads), how);
        EXPECT_EQ(data.arrived, threads);
      }
  }
}

// Workgroups that are known to be short, with nobody waiting: whoever works alone gets company.
TEST(Crew, AThreadThatIsAloneCallsTheReserve) {
  auto substrate = make(2);
  for (int i = 0; i < 50; ++i) {
    Meeting data{0};
    await(*substrate, meet(*substrate, data, 20'000), Waiting::kWithoutEnd);
  }
  for (Waiting how : kAllWays) {
    Meeting data{2, 10'000};
    await(*substrate, meet(*substrate, data, 20'000), how);
    EXPECT_EQ(data.begun, 20'000u);
  }
}

// One thread is kept by an endless kernel; there is another for everybody else.
TEST(Crew, TheReserveIsThereForLaunchesBehindAnEndlessOne) {
  auto substrate = make(2);
  Endless endless(*substrate);
  for (int i = 0; i < 20; ++i) {
    Meeting data{1};
    await(*substrate, meet(*substrate, data, 1), Waiting::kWithALimit);
  }
  endless.stop();
  expect_complete(*substrate, endless.token());
}

// Who waits looks for some microseconds whether the launch is about to end, and then sleeps.
TEST(Crew, WhoWaitsForALongLaunchLeavesItsProcessorToOthers) {
  auto substrate = make(2);
  Endless endless(*substrate);
  const auto spent = [] {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  };
  const auto before = spent();
  constexpr std::uint64_t kWait = 300'000'000;
  EXPECT_EQ(substrate->completion(endless.token(), kWait).signal, SOKR_COMPLETION_TIMEDOUT);
  EXPECT_LT(spent() - before, std::chrono::nanoseconds(kWait / 10));
  endless.stop();
  expect_complete(*substrate, endless.token());
}

// oneTBB's workers are shared by all substrates of a process: each gets what it needs even while
// the others keep theirs.
TEST(Crew, EndlessKernelsOfOneSubstrateLeaveTheOthersTheirThreads) {
  auto first = make(3), second = make(1), third = make(2);
  Endless a(*first), b(*first), c(*first);
  Meeting one{1}, two{2};
  await(*second, meet(*second, one, 1), Waiting::kWithALimit);
  await(*third, meet(*third, two, 2), Waiting::kWithALimit);
  for (Endless* endless : {&a, &b, &c}) {
    endless->stop();
    expect_complete(*first, endless->token(), kLong);
  }
}

// The steps of a chain that was dispatched before it could start are no tasks of their own.
TEST(Crew, AChainOfShortLaunchesStaysOnOneThread) {
  constexpr std::uint32_t kLength = 10'000;
  for (const char* shader : {"scale", "rounds"}) {
    auto substrate = make(2);
    std::vector<std::uint32_t> data(64, 1);
    Dispatch step(shader);
    step.bind(0, data).groups(1).push = {1};
    for (int i = 0; i < 20; ++i) expect_complete(*substrate, step.on(*substrate));
    std::fill(data.begin(), data.end(), 0);

    Endless gate(*substrate);
    Result<std::uint64_t> last = gate.token();
    for (std::uint32_t i = 0; i < kLength; ++i) {
      step.waits = {sokr_token_encode(1, *last)};
      last = step.on(*substrate);
      ASSERT_TRUE(last) << last.failure().sentence;
    }
    EXPECT_EQ(substrate->completion(*last, 0), kPending);
    const std::uint64_t before = substrate->tasks_put();
    gate.stop();
    expect_complete(*substrate, last);
    // A turn lasts a millisecond, and then there is a task again: on any machine far more steps.
    EXPECT_LT(substrate->tasks_put() - before, kLength / 10) << shader;
    if (std::string(shader) == "scale") {
      EXPECT_EQ(data[0], kLength);
    }
  }
}

// And those of one that can start at once are done when dispatch returns.
TEST(Crew, AChainOfShortLaunchesThatCanStartRunsInline) {
  auto substrate = make(2);
  std::vector<std::uint32_t> data(32, 0);
  Dispatch step("scale");
  step.bind(0, data).groups(1).push = {1};
  for (int i = 0; i < 50; ++i) expect_complete(*substrate, step.on(*substrate));
  const std::uint32_t warm = data[0];
  const std::uint64_t before = substrate->tasks_put();
  Result<std::uint64_t> last = step.on(*substrate);
  std::uint32_t done_at_return = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(last) << last.failure().sentence;
    step.waits = {sokr_token_encode(1, *last)};
    last = step.on(*substrate);
    if (last && substrate->completion(*last, 0).signal == SOKR_COMPLETION_COMPLETE)
      ++done_at_return;
  }
  expect_complete(*substrate, last);
  EXPECT_EQ(data[0], warm + 1001);
  // A machine under load may make a few look long.
  EXPECT_GT(done_at_return, 900u);
  EXPECT_LT(substrate->tasks_put() - before, 400u);
}

// An endless successor keeps only itself from going on.
TEST(Crew, ASuccessorThatNeverEndsHoldsNobodyElseUp) {
  auto substrate = make(2);
  std::vector<std::uint32_t> stopped{0, 0, 0}, data(32);
  for (int i = 0; i < 20; ++i) {
    Dispatch quick("endless");
    expect_complete(*substrate, quick.bind(0, stopped).on(*substrate));
  }
  Endless gate(*substrate);
  std::vector<std::uint32_t> going{1, 0, 0};
  Dispatch endless("endless"), scale("scale");
  endless.bind(0, going).waits = {gate.wait()};
  scale.bind(0, data).push = {7};
  scale.waits = {gate.wait()};
  auto keeps = endless.on(*substrate);
  auto passes = scale.on(*substrate);
  gate.stop();
  expect_complete(*substrate, passes, kLong);
  EXPECT_EQ(data[0], 7u);
  EXPECT_EQ(substrate->completion(*keeps, 0), kPending);
  __atomic_store_n(going.data(), 0u, __ATOMIC_RELEASE);
  expect_complete(*substrate, keeps, kLong);
}

}  // namespace
}  // namespace sokr::cpu::test
