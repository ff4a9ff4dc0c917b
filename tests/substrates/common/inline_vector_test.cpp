// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <sokr/substrate/inline_vector.hpp>

namespace sokr::substrate {
namespace {

TEST(InlineVector, GrowsBeyondItsInlineElementsAndBack) {
  InlineVector<int, 4> v;
  for (int i = 0; i < 10; ++i) {
    v.push_back(i);
    ASSERT_EQ(v.size(), static_cast<std::size_t>(i) + 1);
    for (int j = 0; j <= i; ++j) ASSERT_EQ(v[static_cast<std::size_t>(j)], j);
  }
  v.resize(3);
  EXPECT_EQ(v[2], 2);
  v.resize(6, 42);
  EXPECT_EQ(v[2], 2);
  EXPECT_EQ(v[3], 42);
  EXPECT_EQ(v[5], 42);
  v.clear();
  EXPECT_TRUE(v.empty());
  v.push_back(7);
  EXPECT_EQ(v[0], 7);
}

TEST(InlineVector, TakesItsOwnElements) {
  InlineVector<int, 2> v;
  v.push_back(5);
  for (int i = 0; i < 100; ++i) v.push_back(v[0]);
  for (int x : v) EXPECT_EQ(x, 5);
}

TEST(InlineVector, AppendsAcrossTheBoundary) {
  const int from[] = {1, 2, 3, 4, 5};
  InlineVector<int, 4> v;
  v.append(from, 3);
  v.append(from, 0);
  v.append(from, 5);
  ASSERT_EQ(v.size(), 8u);
  EXPECT_EQ(v[2], 3);
  EXPECT_EQ(v[3], 1);
  EXPECT_EQ(v[7], 5);
  const InlineVector<int, 4> copy = v;
  EXPECT_EQ(copy.span().back(), 5);
}

}  // namespace
}  // namespace sokr::substrate
