// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sokr::cli {
namespace {

template <class T>
std::optional<std::string> differ(std::vector<T> a, std::vector<T> b,
                                  std::optional<SokrIrScalar> type) {
  return difference(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)), type);
}

TEST(Compare, BytesAreEqualOrNot) {
  EXPECT_FALSE(differ<std::uint8_t>({1, 2, 3}, {1, 2, 3}, std::nullopt));
  EXPECT_EQ(differ<std::uint8_t>({1, 2, 3}, {1, 9, 3}, std::nullopt), "byte 1 is 2 and 9");
  EXPECT_EQ(differ<std::uint8_t>({1, 2, 3}, {1, 9, 8}, std::nullopt),
            "byte 1 is 2 and 9, and 1 other differs");
}

TEST(Compare, IntegersAreEqualOrNot) {
  EXPECT_EQ(differ<std::int16_t>({-1, 2}, {-2, 2}, SOKR_IR_I16), "element 0 is -1 and -2");
}

TEST(Compare, FloatsMayDifferALittle) {
  EXPECT_FALSE(differ<float>({1.0f, 1000.0f}, {1.0002f, 1000.3f}, SOKR_IR_F32));
  EXPECT_EQ(differ<float>({1.0f, 1000.0f}, {1.5f, 1000.0f}, SOKR_IR_F32), "element 0 is 1 and 1.5");
  EXPECT_TRUE(differ<double>({1.0}, {1.0001}, SOKR_IR_F64));
}

TEST(Compare, NanAndInfinityAgreeWithThemselvesOnly) {
  const float inf = INFINITY, nan = NAN;
  EXPECT_FALSE(differ<float>({nan, -0.0f, inf}, {-nan, 0.0f, inf}, SOKR_IR_F32));
  EXPECT_TRUE(differ<float>({inf}, {-inf}, SOKR_IR_F32));
  EXPECT_TRUE(differ<float>({nan}, {1.0f}, SOKR_IR_F32));
  EXPECT_TRUE(differ<float>({inf}, {3e38f}, SOKR_IR_F32));
}

}  // namespace
}  // namespace sokr::cli
