// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The expected numbers are SciPy's (1.17): mannwhitneyu(alternative='greater',
// method='asymptotic'), kendalltau(range(n), series, method='asymptotic'), theilslopes,
// numpy.quantile, bootstrap(method='percentile').
#include "estimates.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace sokr::measure {
namespace {

using List = std::vector<double>;

const List kA{12.1, 11.8, 12.4, 13.0, 12.2, 11.9, 12.6, 12.2};
const List kB{11.7, 11.9, 11.5, 12.0, 11.6, 12.1, 11.8};

TEST(Estimates, PercentilesAreOfTheNearestRank) {
  List values;
  for (int i = 100; i > 0; --i) values.push_back(i);
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile(values, 50), 50);
  EXPECT_EQ(percentile(values, 99), 99);
  EXPECT_EQ(percentile(values, 99.9), 100);
  EXPECT_EQ(percentile(values, 100), 100);
  EXPECT_EQ(percentile({7}, 0), 7);
  EXPECT_EQ(percentile({7}, 100), 7);
  EXPECT_EQ(percentile({1, 2}, 50), 1);
  EXPECT_EQ(percentile({3, 1, 2}, 50), 2);
  // No rank is one more for how a fraction is rounded.
  for (const int count : {1'000, 10'000, 100'000}) {
    List many;
    for (int i = 1; i <= count; ++i) many.push_back(i);
    for (const int tenths : {1, 333, 500, 900, 990, 999}) {
      EXPECT_EQ(percentile(many, tenths / 10.0), count / 1'000 * tenths) << count;
    }
  }
}

TEST(Estimates, MediansAndQuantiles) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({5}), 5);
  EXPECT_EQ(middle({3, 1, 2}), 2);
  EXPECT_EQ(middle({4, 1000, 3, 1}), 3.5);
  EXPECT_EQ(middle({9, 1, 2, 3, 4, 5, 6, 100, -100}), 4);  // without two at either end
  const std::pair<double, double> expected[] = {{0, 11.8},   {0.1, 11.87}, {0.25, 12.05},
                                                {0.5, 12.2}, {0.9, 12.72}, {1, 13.0}};
  for (const auto& [fraction, value] : expected) {
    EXPECT_NEAR(quantile(kA, fraction), value, 1e-12) << fraction;
  }
}

TEST(Estimates, MannWhitney) {
  struct Row {
    List a, b;
    double u, p;
  };
  const Row rows[] = {
      {kA, kB, 49.5, 0.0073639005482384725},
      {kB, kA, 6.5, 0.9946928542815738},
      {kA, kA, 32, 0.5211895779953962},
      {{1, 2, 2, 3, 3, 3}, {2, 3, 3, 4}, 7, 0.8976867790782186},
  };
  for (const Row& row : rows) {
    const MannWhitney found = mann_whitney_greater(row.a, row.b);
    EXPECT_EQ(found.u, row.u);
    EXPECT_NEAR(found.p, row.p, 1e-12);
  }
  EXPECT_EQ(mann_whitney_greater(List{1, 1}, List{1, 1, 1}).p, 1);
  EXPECT_EQ(mann_whitney_greater({}, kA).p, 1);
}

TEST(Estimates, NoMannWhitneyIsBelowItsLeast) {
  for (const std::size_t n : {1u, 2u, 3u, 9u, 40u}) {
    for (const std::size_t m : {1u, 4u, 24u}) {
      List high, low;
      for (std::size_t i = 0; i < n; ++i) high.push_back(100 + static_cast<double>(i));
      for (std::size_t i = 0; i < m; ++i) low.push_back(static_cast<double>(i));
      EXPECT_NEAR(least_mann_whitney_p(n, m), mann_whitney_greater(high, low).p, 1e-12);
    }
  }
  EXPECT_EQ(least_mann_whitney_p(0, 5), 1);
  EXPECT_EQ(least_mann_whitney_p(5, 0), 1);
}

TEST(Estimates, TrendAndSlope) {
  struct Row {
    List series;
    double tau, p, slope;
  };
  const Row rows[] = {
      {{1, 3, 2, 5, 4, 6, 8, 7}, 0.7857142857142856, 0.006492857745083887, 1},
      {{5, 4, 4, 3, 3, 2, 1, 1}, -0.944911182523068, 0.0015428402949769211, -0.5857142857142856},
      {{2, 1, 2, 1, 2, 1, 2, 1}, -0.1889822365046136, 0.5637028616507731, 0},
      {{7, 7, 7, 8}, 0.7071067811865477, 0.17971249487899976, 0.16666666666666666},
  };
  for (const Row& row : rows) {
    const Trend found = trend(row.series);
    EXPECT_NEAR(found.tau, row.tau, 1e-12);
    EXPECT_NEAR(found.p, row.p, 1e-12);
    EXPECT_NEAR(median_slope(row.series), row.slope, 1e-12);
  }
  EXPECT_EQ(trend(List{1, 1, 1, 1}).p, 1);
  EXPECT_EQ(trend(List{1, 2}).p, 1);
  EXPECT_EQ(median_slope(List{1}), 0);
}

TEST(Estimates, WhatFallsHasNotSettled) {
  EXPECT_FALSE(is_stationary(List{9, 8, 7, 6, 5, 4, 3}));
  EXPECT_FALSE(is_stationary(List{9, 8, 7, 6, 5, 4, 3, 2}));
  EXPECT_TRUE(is_stationary(List{9, 8, 7, 5.1, 5, 5.2, 4.9, 5.1, 5, 5.2, 5}));
  // A trend, but of less than a percent.
  EXPECT_TRUE(is_stationary(List{100.7, 100.6, 100.5, 100.4, 100.3, 100.2, 100.1, 100}));
}

TEST(Estimates, IntervalOfTheMedian) {
  List values;
  for (int i = 0; i < 41; ++i) values.push_back(i * i % 37);
  const Interval interval = median_interval(values, 0.95, 20000);
  EXPECT_EQ(interval.low, 9);
  EXPECT_EQ(interval.high, 25);
  const Interval again = median_interval(values, 0.95, 20000);
  EXPECT_EQ(again.low, interval.low);
  const Interval of_one = median_interval(List{4}, 0.95);
  EXPECT_EQ(of_one.low, 4);
  EXPECT_EQ(of_one.high, 4);
}

TEST(Estimates, OutliersByTheirFences) {
  // Quartiles 3 and 7 with a middle of 5: fences at -3 and 13, and at -9 and 19.
  const List within{1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(outliers(within).count(), 0u);
  List values = within;
  values.insert(values.end(), {-100, -10, 20, 100});  // quartiles 2 and 8: -7, 17; -16, 26
  const Outliers found = outliers(values);
  EXPECT_EQ(found.low_severe, 1u);
  EXPECT_EQ(found.low_mild, 1u);
  EXPECT_EQ(found.high_mild, 1u);
  EXPECT_EQ(found.high_severe, 1u);
  EXPECT_EQ(outliers(List{0, 10, 10, 10, 10, 10, 10, 11}).low_severe, 1u);
  EXPECT_EQ(outliers(List{5}).count(), 0u);
}

// Noise of a few percent, as turns have.
Blocks noisy(double middle, std::uint64_t seed, std::size_t count = 60) {
  Random random(seed);
  Blocks run;
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (int k = 0; k < 4; ++k) sum += static_cast<double>(random.below(1000)) / 1000;
    run.push_back(middle * (1 + 0.03 * (sum - 2)));
  }
  return run;
}

TEST(Estimates, ComparedRuns) {
  const std::vector<Blocks> before{noisy(100, 1)};
  const Comparison slower = compare(before, std::vector<Blocks>{noisy(105, 2)}, 1.02, 0.99);
  EXPECT_NEAR(slower.ratio, 1.05, 0.02);
  EXPECT_GT(slower.interval.low, 1.02);
  EXPECT_LT(slower.test.p, 0.01);
  const Comparison same = compare(before, std::vector<Blocks>{noisy(100, 3)}, 1.02, 0.99);
  EXPECT_LT(same.interval.low, 1.02);
  EXPECT_GT(same.test.p, 0.5);
  EXPECT_EQ(same.spread, 0);
}

TEST(Estimates, RunsThatLieApartAllowMore) {
  const std::vector<Blocks> one{noisy(100, 1)};
  const std::vector<Blocks> apart{noisy(100, 1), noisy(94, 2), noisy(107, 3), noisy(101, 4)};
  const std::vector<Blocks> now{noisy(105, 5)};
  EXPECT_GT(compare(one, now, 1.02, 0.99).interval.low, 1.02);
  const Comparison wide = compare(apart, now, 1.02, 0.99);
  EXPECT_LT(wide.interval.low, 1.02);
  EXPECT_NEAR(wide.spread, 107.0 / 94 - 1, 0.03);
  // Twice as slow is slower all the same.
  EXPECT_GT(compare(apart, std::vector<Blocks>{noisy(200, 6)}, 1.02, 0.99).interval.low, 1.02);
}

TEST(Estimates, PairsForgetWhatBothHave) {
  // The machine becomes half as fast in the middle of the run.
  std::vector<Blocks> before{noisy(100, 1)}, now{noisy(105, 2)}, same{noisy(100, 3)};
  for (std::size_t i = 30; i < 60; ++i) {
    before[0][i] *= 2;
    now[0][i] *= 2;
    same[0][i] *= 2;
  }
  const Comparison slower = compare_paired(before, now, 1.02, 0.99);
  EXPECT_NEAR(slower.ratio, 1.05, 0.02);
  EXPECT_GT(slower.interval.low, 1.02);
  EXPECT_LT(slower.test.p, 0.01);
  const Comparison equal = compare_paired(before, same, 1.02, 0.99);
  EXPECT_LT(equal.interval.low, 1.02);
  EXPECT_GT(equal.test.p, 0.5);
  EXPECT_EQ(compare_paired({}, now, 1.02, 0.99).ratio, 1);
}

}  // namespace
}  // namespace sokr::measure
