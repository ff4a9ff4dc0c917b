// SPDX-License-Identifier: MIT OR Apache-2.0
#include "cast.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <sokr/sokr.hpp>
#include <vector>

#include "scalar.hpp"

namespace sokr::cli {
namespace {

constexpr std::uint32_t set(std::initializer_list<SokrIrScalar> types) {
  std::uint32_t held = 0;
  for (const SokrIrScalar type : types) held |= 1u << type;
  return held;
}

template <class To, class From>
std::vector<To> converted(const std::vector<From>& from) {
  const PageBuffer out =
      cast(std::as_bytes(std::span(from)), *scalar_type<From>(), *scalar_type<To>(), "x");
  std::vector<To> values(from.size());
  EXPECT_EQ(out.bytes().size(), from.size() * sizeof(To));
  std::memcpy(values.data(), out.bytes().data(), out.bytes().size());
  return values;
}

template <class To, class From>
std::string refusal(From value) {
  try {
    (void)converted<To>(std::vector<From>{0, value});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Cast, IntegersOfOneWidthAreAlike) {
  EXPECT_TRUE(holds(set({SOKR_IR_U32}), SOKR_IR_I32));
  EXPECT_TRUE(holds(set({SOKR_IR_F32, SOKR_IR_I8}), SOKR_IR_U8));
  EXPECT_FALSE(holds(set({SOKR_IR_U32}), SOKR_IR_F32));
  EXPECT_FALSE(holds(set({SOKR_IR_U32}), SOKR_IR_U64));
  EXPECT_FALSE(holds(set({SOKR_IR_F32}), SOKR_IR_F64));
  EXPECT_FALSE(holds(set({SOKR_IR_U16}), SOKR_IR_F16));
  EXPECT_TRUE(holds(0, SOKR_IR_F64));  // not known
}

TEST(Cast, TheTargetIsTheOnlyTypeThereIs) {
  EXPECT_EQ(cast_target(set({SOKR_IR_F32}), SOKR_IR_F64), SOKR_IR_F32);
  EXPECT_EQ(cast_target(set({SOKR_IR_I32, SOKR_IR_U32}), SOKR_IR_I64), SOKR_IR_I32);
  EXPECT_EQ(cast_target(set({SOKR_IR_I32, SOKR_IR_U32}), SOKR_IR_U8), SOKR_IR_U32);
  EXPECT_FALSE(cast_target(set({SOKR_IR_U32, SOKR_IR_F32}), SOKR_IR_F64));
  EXPECT_EQ(types_text(set({SOKR_IR_U32, SOKR_IR_F32})), "uint32 or float32");
}

TEST(Cast, NumbersKeepTheirValues) {
  EXPECT_EQ((converted<float, double>({1.5, -0.0, 1e-40, 16777217.0})),
            (std::vector<float>{1.5f, -0.0f, 1e-40f, 16777216.0f}));
  EXPECT_TRUE(std::signbit(converted<float, double>({-0.0})[0]));
  EXPECT_EQ((converted<std::int32_t, double>({-1.9, 2.9, 2147483647.5, -2147483648.9})),
            (std::vector<std::int32_t>{-1, 2, INT32_MAX, INT32_MIN}));
  EXPECT_EQ((converted<std::uint64_t, std::int8_t>({0, 127})),
            (std::vector<std::uint64_t>{0, 127}));
  EXPECT_EQ((converted<std::int64_t, std::int8_t>({-128})), (std::vector<std::int64_t>{-128}));
  // Rounded once: by way of a double it would be 2^63.
  EXPECT_EQ((converted<float, std::uint64_t>({0x8000008000000001})),
            (std::vector<float>{0x1.000002p63f}));
  const auto special = converted<float, double>({INFINITY, -INFINITY, NAN});
  EXPECT_TRUE(std::isinf(special[0]) && special[1] < 0 && std::isnan(special[2]));
}

TEST(Cast, HalvesAreConvertedBothWays) {
  const std::vector<double> values{1.0, -2.5, 65504.0, 6e-8};
  const PageBuffer half = cast(std::as_bytes(std::span(values)), SOKR_IR_F64, SOKR_IR_F16, "x");
  const PageBuffer back = cast(half.bytes(), SOKR_IR_F16, SOKR_IR_F64, "x");
  std::vector<double> read(4);
  std::memcpy(read.data(), back.bytes().data(), 32);
  EXPECT_EQ(read, (std::vector<double>{1.0, -2.5, 65504.0, 0x1p-24}));
}

TEST(Cast, WhatDoesNotFitIsRefusedByItsElement) {
  EXPECT_EQ((refusal<std::uint8_t, std::int32_t>(256)),
            "x: --cast: element 1 is 256, which uint8 cannot hold");
  EXPECT_NE((refusal<std::uint32_t, double>(-1.0)), "");
  EXPECT_NE((refusal<std::int32_t, double>(NAN)), "");
  EXPECT_NE((refusal<std::int32_t, double>(2147483648.0)), "");
  EXPECT_NE((refusal<std::uint64_t, double>(0x1p64)), "");
  EXPECT_NE((refusal<std::int64_t, std::uint64_t>(UINT64_C(1) << 63)), "");
  EXPECT_NE((refusal<float, double>(1e300)), "");
  EXPECT_EQ((refusal<std::uint32_t, double>(-0.5)), "");
}

}  // namespace
}  // namespace sokr::cli
