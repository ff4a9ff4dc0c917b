// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/shares.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace {

using sokr::cpu::Shares;

TEST(Shares, EachThreadTakesFromTheFrontOfItsOwnPart) {
  Shares shares;
  shares.set(100, 4);
  EXPECT_EQ(shares.next_size(2, 10), 3u);
  const Shares::Claim first = shares.claim(1, 2, 10), second = shares.claim(1, 2, 10);
  EXPECT_EQ(first.begin, 25u);
  EXPECT_EQ(first.end, 28u);  // an eighth of 25
  EXPECT_EQ(second.begin, 28u);
  EXPECT_EQ(second.end, 30u);  // at least two
  EXPECT_EQ(shares.claim(3, 1, 2).begin, 75u);
  EXPECT_EQ(shares.claim(2, 40, 50).size(), 25u);  // no more than there are
}

TEST(Shares, WhoIsDoneTakesFromTheEndOfOthers) {
  Shares shares;
  shares.set(16, 2);
  EXPECT_EQ(shares.claim(1, 8, 8).begin, 8u);
  const Shares::Claim others = shares.claim(1, 3, 8);
  EXPECT_EQ(others.begin, 5u);
  EXPECT_EQ(others.end, 8u);
  EXPECT_EQ(shares.claim(0, 3, 8).begin, 0u);
  EXPECT_EQ(shares.claim(5, 8, 8).size(), 2u);  // any number of home
  EXPECT_FALSE(shares.any_left());
  EXPECT_EQ(shares.next_size(1, 8), 0u);
  EXPECT_EQ(shares.claim(0, 1, 8).size(), 0u);
}

TEST(Shares, NothingToTake) {
  Shares shares;
  shares.set(0, 1);
  EXPECT_FALSE(shares.any_left());
  EXPECT_EQ(shares.claim(0, 1, 1).size(), 0u);
}

TEST(Shares, TheLargestLaunch) {
  Shares shares;
  shares.set(UINT32_MAX, 3);
  std::uint64_t taken = 0;
  while (const std::uint32_t size = shares.claim(2, 1u << 28, UINT32_MAX).size()) taken += size;
  EXPECT_EQ(taken, UINT32_MAX);
}

TEST(Shares, ManyThreadsTakeEachWorkgroupOnce) {
  constexpr std::uint32_t kTotal = 100'003, kThreads = 5;
  Shares shares;
  shares.set(kTotal, 3);
  std::vector<std::atomic<int>> seen(kTotal);
  std::vector<std::thread> threads;
  for (std::uint32_t home = 0; home < kThreads; ++home)
    threads.emplace_back([&, home] {
      for (Shares::Claim claim = shares.claim(home, 1, 7); claim.size();
           claim = shares.claim(home, 1, 7))
        for (std::uint32_t i = claim.begin; i < claim.end; ++i) ++seen[i];
    });
  for (std::thread& thread : threads) thread.join();
  for (std::uint32_t i = 0; i < kTotal; ++i) ASSERT_EQ(seen[i], 1) << i;
}

}  // namespace
