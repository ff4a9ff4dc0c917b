// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace sokr::cli {
namespace {

template <class T>
std::optional<std::string> differ(std::vector<T> a, std::vector<T> b,
                                  std::optional<SokrIrScalar> type,
                                  std::optional<Tolerance> given = std::nullopt) {
  return difference(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)), type, given);
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

TEST(Compare, AToleranceThatIsGivenReplacesTheTypesOwn) {
  EXPECT_FALSE(differ<float>({1.0f}, {1.5f}, SOKR_IR_F32, Tolerance{0.5, 0}));
  EXPECT_FALSE(differ<float>({1000.0f}, {1100.0f}, SOKR_IR_F32, Tolerance{0, 0.1}));
  EXPECT_TRUE(differ<float>({1.0f}, {1.0001f}, SOKR_IR_F32, Tolerance{0, 0}));
  EXPECT_FALSE(differ<std::int32_t>({-5}, {-4}, SOKR_IR_I32, Tolerance{1, 0}));
  EXPECT_TRUE(differ<std::int32_t>({-5}, {-3}, SOKR_IR_I32, Tolerance{1, 0}));
  // 2^63 and its neighbour differ by 1, whatever a double makes of them.
  const std::uint64_t large = UINT64_C(1) << 63;
  EXPECT_TRUE(differ<std::uint64_t>({large}, {large + 1}, SOKR_IR_U64, Tolerance{0.5, 0}));
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
