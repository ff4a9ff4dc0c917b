// SPDX-License-Identifier: MIT OR Apache-2.0
#include "times.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>

namespace sokr::measure {
namespace {

TEST(Times, OfFewAllAreKept) {
  Times times;
  for (const double ns : {5.0, 1.0, 9.0, 3.0}) times.add(ns);
  EXPECT_EQ(times.count(), 4u);
  EXPECT_EQ(times.first(), 5);
  EXPECT_EQ(times.least(), 1);
  EXPECT_EQ(times.most(), 9);
  EXPECT_EQ(times.sum(), 18);
  EXPECT_EQ(times.percentile(0), 1);
  EXPECT_EQ(times.percentile(50), 3);  // by rank
  EXPECT_EQ(times.percentile(100), 9);
}

TEST(Times, OfManyEvenlySpacedOnesAre) {
  constexpr std::size_t kMost = 64;
  Times times(kMost);
  for (int i = 0; i < 100'000; ++i) {
    times.add(i == 77'777 ? 1e9 : i);
    ASSERT_LE(times.kept().size(), kMost);
    ASSERT_GE(times.kept().size(), std::min<std::size_t>(kMost / 2, times.count()));
  }
  EXPECT_EQ(times.count(), 100'000u);
  EXPECT_EQ(times.kept().front(), 0);
  for (std::size_t i = 2; i < times.kept().size(); ++i) {
    EXPECT_EQ(times.kept()[i] - times.kept()[i - 1], times.kept()[1] - times.kept()[0]);
  }
  EXPECT_NEAR(times.percentile(50), 50'000, 2'000);
  EXPECT_EQ(times.most(), 1e9);
  EXPECT_EQ(times.percentile(100), 1e9);
}

}  // namespace
}  // namespace sokr::measure
