// SPDX-License-Identifier: MIT OR Apache-2.0
#include "selection.hpp"

#include <gtest/gtest.h>

namespace sokr::cli {
namespace {

TEST(Selection, Percentiles) {
  std::vector<double> values;
  for (int i = 100; i > 0; --i) values.push_back(i);
  EXPECT_EQ(percentile(values, 0), 1);
  EXPECT_EQ(percentile(values, 50), 50);
  EXPECT_EQ(percentile(values, 99), 99);
  EXPECT_EQ(percentile(values, 100), 100);
  EXPECT_EQ(percentile({7}, 0), 7);
  EXPECT_EQ(percentile({7}, 100), 7);
  EXPECT_EQ(percentile({1, 2}, 50), 1);
  EXPECT_EQ(percentile({3, 1, 2}, 50), 2);
}

}  // namespace
}  // namespace sokr::cli
