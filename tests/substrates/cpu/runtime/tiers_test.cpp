// SPDX-License-Identifier: MIT OR Apache-2.0
//
// First versions of kernels, and the full ones that replace them.
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "runtime/improver.hpp"
#include "runtime/kernel_store.hpp"
#include "support.hpp"

namespace sokr::cpu::test {
namespace {

namespace fs = std::filesystem;

KernelStoreOptions tiered(Tier tier, const fs::path& cache = {}) {
  KernelStoreOptions out = options(cache);
  out.tier = tier;
  return out;
}

// `scale` on 64 numbers, over and over; each result is looked at.
void scale(CpuSubstrate& substrate, int times) {
  std::vector<std::uint32_t> data(64, 7);
  Dispatch dispatch("scale");
  dispatch.bind(0, data).groups(2).push = {1};
  dispatch.specializations = {{3, 4, 3}};
  for (int i = 0; i < times; ++i) {
    std::fill(data.begin(), data.end(), 7u);
    expect_complete(substrate, dispatch.on(substrate));
    ASSERT_EQ(data, std::vector<std::uint32_t>(64, 7 * 3 + 1)) << i;
  }
}

TEST(Tiers, AFirstVersionIsReplacedOnceItHasRunLongEnough) {
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.first_version_lasts = std::chrono::nanoseconds(1);
  CpuSubstrate substrate(log.host(), options, 2);
  scale(substrate, 10);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 1);
  scale(substrate, 1000);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 1);
}

TEST(Tiers, AFirstVersionThatHardlyRunsStays) {
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.first_version_lasts = std::chrono::hours(1);
  CpuSubstrate substrate(log.host(), options, 2);
  scale(substrate, 1000);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 0);
}

// The full version takes over in the middle of launches: each sees its own results.
TEST(Tiers, WorkgroupsOfOneLaunchMayRunEither) {
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.first_version_lasts = std::chrono::nanoseconds(1);
  constexpr std::uint32_t kGroups = 1 << 15;
  std::vector<std::uint32_t> data(kGroups * 32);
  for (int round = 0; round < 3; ++round) {
    CpuSubstrate substrate(log.host(), options, 2);
    Dispatch dispatch("scale");
    dispatch.bind(0, data).groups(kGroups).push = {1};
    dispatch.specializations = {{3, 4, 3}};
    for (int launch = 0; launch < 20; ++launch) {
      std::fill(data.begin(), data.end(), 7u);
      expect_complete(substrate, dispatch.on(substrate));
      ASSERT_EQ(std::count(data.begin(), data.end(), 7u * 3 + 1),
                static_cast<std::ptrdiff_t>(data.size()));
    }
  }
  EXPECT_EQ(log.first(), 3);
}

TEST(Tiers, AreFixedWhereTheOptionSaysSo) {
  {
    Log log;
    CpuSubstrate substrate(log.host(), tiered(Tier::kFull), 2);
    scale(substrate, 2);
    EXPECT_EQ(log.first(), 0);
    EXPECT_EQ(log.full(), 1);
  }
  Log log;
  CpuSubstrate substrate(log.host(), tiered(Tier::kQuick), 2);
  scale(substrate, 100'000);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 0);
}

TEST(Tiers, HaveNames) {
  for (const Tier tier : {Tier::kAuto, Tier::kQuick, Tier::kFull})
    EXPECT_EQ(*tier_from_name(tier_name(tier)), tier);
  EXPECT_EQ(*tier_from_name(""), Tier::kAuto);
  EXPECT_EQ(tier_from_name("Full").failure().sentence,
            "'Full' is no tier; there are auto, quick and full");
}

// What a process leaves on disk before it has a full version is enough for the next to begin
// with; that it came again makes the full one worth its compilation, even beyond the end.
TEST(Tiers, TheSecondProcessMakesTheFullVersionForTheThird) {
  TemporaryFolder cache;
  for (const int process : {1, 2, 3}) {
    Log log;
    {
      KernelStoreOptions options = tiered(Tier::kAuto, cache.path());
      options.first_version_lasts = std::chrono::hours(1);
      CpuSubstrate substrate(log.host(), options, 2);
      scale(substrate, 100);
      if (process == 1) {
        EXPECT_EQ(log.full(), 0);
      }
    }
    EXPECT_EQ(log.first(), process == 1 ? 1 : 0) << process;
    EXPECT_EQ(log.full(), process == 2 ? 1 : 0) << process;
  }
  EXPECT_EQ(cache.files().size(), 2U);
}

// A process that ends without taking anything down leaves the full version of a large kernel
// unmade: who finds that it had been begun in vain waits for it.
TEST(Tiers, WhatTheSecondProcessBeganInVainTheThirdMakesAtOnce) {
  TemporaryFolder cache;
  KernelStoreOptions large = tiered(Tier::kAuto, cache.path());
  large.first_version_lasts = std::chrono::hours(1);
  large.small_draft = 0;
  {
    CpuSubstrate substrate(substrate::Host(), large, 2);
    scale(substrate, 1);
  }
  const auto of_first = cache.files();
  ASSERT_EQ(of_first.size(), 1U);
  {
    Log log;
    {
      CpuSubstrate substrate(log.host(), large, 2);
      scale(substrate, 10);
    }
    EXPECT_EQ(log.first(), 0);
    EXPECT_EQ(log.full(), 1);  // beside the first version, which is as far as others come
  }
  // What it made is lost; that it began is not.
  fs::path made;
  for (const fs::path& file : cache.files())
    if (file != of_first[0] && (made.empty() || fs::file_size(file) > fs::file_size(made)))
      made = file;
  ASSERT_EQ(cache.files().size(), 3U);
  ASSERT_TRUE(fs::remove(made));
  Log log;
  CpuSubstrate substrate(log.host(), large, 2);
  scale(substrate, 1);
  EXPECT_EQ(log.first(), 0);
  EXPECT_EQ(log.full(), 1);
}

TEST(Tiers, WhatIsOnDiskInFullIsTakenAtOnce) {
  TemporaryFolder cache;
  {
    CpuSubstrate substrate(substrate::Host(), tiered(Tier::kFull, cache.path()), 2);
    scale(substrate, 1);
  }
  Log log;
  CpuSubstrate substrate(log.host(), tiered(Tier::kAuto, cache.path()), 2);
  scale(substrate, 1);
  EXPECT_EQ(log.first() + log.full(), 0);
}

// Waits for a door to be opened.
class Door {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

TEST(Improver, DoesAllThatItIsGivenAndOutlivesWhatFails) {
  std::atomic<int> done{0};
  Improver improver(2);
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(improver.put(
        [&done, i](auto&) {
          ++done;
          if (i % 3 == 0) throw std::runtime_error("no");
        },
        false));
  improver.drain();
  EXPECT_EQ(done, 100);
}

TEST(Improver, DropsAtItsEndWhatHasNotBegunAndIsNotPromised) {
  std::atomic<int> promised{0}, dropped{0};
  Door begun;
  {
    Improver improver(1);
    improver.put(
        [&](Improver::Turn& turn) {
          const std::unique_lock stays(turn, std::try_to_lock);
          begun.open();
          while (!turn.cancelled().load()) std::this_thread::yield();
        },
        false);
    begun.wait();
    improver.put([&](auto&) { ++dropped; }, false);
    improver.put([&](Improver::Turn& turn) { promised += turn.cancelled() ? 0 : 1; }, true);
  }
  EXPECT_EQ(dropped, 0);
  EXPECT_EQ(promised, 1);
}

// A stage of LLVM may take long, and cannot be told to end.
TEST(Improver, DoesNotWaitAtItsEndForWhatIsUnderWay) {
  struct Seen {
    Door begun, go_on, done;
    bool before = false, after = true, cancelled = false;
  };
  const auto seen = std::make_shared<Seen>();
  {
    Improver improver(1);
    improver.put(
        [seen](Improver::Turn& turn) {
          std::unique_lock stays(turn, std::try_to_lock);
          seen->before = stays.owns_lock();
          if (stays) stays.unlock();
          seen->begun.open();
          seen->go_on.wait();  // which is opened when the improver is gone
          seen->after = stays.try_lock();
          seen->cancelled = turn.cancelled();
          seen->done.open();
        },
        false);
    seen->begun.wait();
  }
  seen->go_on.open();
  seen->done.wait();
  EXPECT_TRUE(seen->before);
  EXPECT_FALSE(seen->after);
  EXPECT_TRUE(seen->cancelled);
}

TEST(Improver, WaitsAtItsEndForWhoUsesWhatGoesWithIt) {
  Door begun;
  std::atomic<bool> used{false};
  {
    Improver improver(1);
    improver.put(
        [&](Improver::Turn& turn) {
          const std::unique_lock stays(turn, std::try_to_lock);
          begun.open();
          while (!turn.cancelled()) std::this_thread::yield();  // set when the end waits
          used = true;
        },
        false);
    begun.wait();
  }
  EXPECT_TRUE(used);
}

}  // namespace
}  // namespace sokr::cpu::test
