// SPDX-License-Identifier: MIT OR Apache-2.0
#include "scalar.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "command.hpp"

namespace sokr::cli {
namespace {

std::uint64_t parse(SokrIrScalar type, std::string_view text) {
  return parse_scalar(type, text, "x");
}

TEST(Scalar, IntegersUseTheirWholeRangeAndNoMore) {
  EXPECT_EQ(parse(SOKR_IR_I8, "-128"), 0x80u);
  EXPECT_EQ(parse(SOKR_IR_I8, "+127"), 0x7Fu);
  EXPECT_EQ(parse(SOKR_IR_U16, "0xFFFF"), 0xFFFFu);
  EXPECT_EQ(parse(SOKR_IR_I64, "-9223372036854775808"), UINT64_C(1) << 63);
  EXPECT_EQ(parse(SOKR_IR_U64, "18446744073709551615"), UINT64_MAX);
  for (const char* text : {"-129", "128", "", "-", "+-1", "1 ", " 1", "0x", "1e2", "--1"}) {
    EXPECT_THROW(parse(SOKR_IR_I8, text), UsageError) << text;
  }
  EXPECT_THROW(parse(SOKR_IR_U64, "18446744073709551616"), UsageError);
  EXPECT_THROW(parse(SOKR_IR_U32, "-1"), UsageError);
}

TEST(Scalar, FloatsAreRoundedOnce) {
  EXPECT_EQ(parse(SOKR_IR_F32, "1"), 0x3F800000u);
  EXPECT_EQ(parse(SOKR_IR_F32, "-inf"), 0xFF800000u);
  // Halfway between two floats in decimal, above it in the last digit.
  EXPECT_EQ(parse(SOKR_IR_F32, "1.00000005960464477539062500000000001"), 0x3F800001u);
  EXPECT_EQ(parse(SOKR_IR_F64, "0.1"), 0x3FB999999999999Au);
  EXPECT_THROW(parse(SOKR_IR_F32, "1e39"), UsageError);
  EXPECT_THROW(parse(SOKR_IR_F32, "1.5f"), UsageError);
  EXPECT_EQ(parse(SOKR_IR_F32, "+1"), 0x3F800000u);
  for (const char* text : {"+-1", "-+1", "++1", "--1", "+", "-", "", "+-inf", "+-nan"}) {
    for (const SokrIrScalar type : {SOKR_IR_F16, SOKR_IR_F32, SOKR_IR_F64}) {
      EXPECT_THROW(parse(type, text), UsageError) << text;
    }
  }
}

TEST(Scalar, WhatIsNextToZeroIsZeroWithItsSign) {
  for (const char* text : {"1e-400", "0.0001e-5000", "4e-99999999999999999999", ".1e-400"}) {
    const std::string negative = std::string("-") + text;
    EXPECT_EQ(parse(SOKR_IR_F16, text), 0u) << text;
    EXPECT_EQ(parse(SOKR_IR_F32, text), 0u) << text;
    EXPECT_EQ(parse(SOKR_IR_F64, text), 0u) << text;
    EXPECT_EQ(parse(SOKR_IR_F16, negative), 0x8000u) << text;
    EXPECT_EQ(parse(SOKR_IR_F32, negative), 0x80000000u) << text;
    EXPECT_EQ(parse(SOKR_IR_F64, negative), UINT64_C(1) << 63) << text;
  }
  EXPECT_EQ(parse(SOKR_IR_F32, "1e-46"), 0u);
  EXPECT_EQ(parse(SOKR_IR_F32, "1e-45"), 1u);
  EXPECT_EQ(parse(SOKR_IR_F64, "1" + std::string(400, '0') + "e-800"), 0u);
  EXPECT_EQ(parse(SOKR_IR_F64, "0." + std::string(400, '0') + "1e401"), 0x3FF0000000000000u);
  for (const char* text : {"1e400", "-1e5000", "0.0001e500", "1e99999999999999999999"}) {
    for (const SokrIrScalar type : {SOKR_IR_F16, SOKR_IR_F32, SOKR_IR_F64}) {
      EXPECT_THROW(parse(type, text), UsageError) << text;
    }
  }
}

TEST(Scalar, HalvesAreRoundedOnce) {
  // A double is in the middle of two halves, and the text is not.
  EXPECT_EQ(parse(SOKR_IR_F16, "1.00048828125"), 0x3C00u);
  EXPECT_EQ(parse(SOKR_IR_F16, "1.00048828125000000000000"), 0x3C00u);
  EXPECT_EQ(parse(SOKR_IR_F16, "1.00048828125000000000001"), 0x3C01u);
  EXPECT_EQ(parse(SOKR_IR_F16, "-1.00048828125000000000001"), 0xBC01u);
  EXPECT_EQ(parse(SOKR_IR_F16, "10.0048828125000000000001e-1"), 0x3C01u);
  EXPECT_EQ(parse(SOKR_IR_F16, "1.00146484375"), 0x3C02u);
  EXPECT_EQ(parse(SOKR_IR_F16, "1.00146484374999999999999"), 0x3C01u);
  EXPECT_EQ(parse(SOKR_IR_F16, "2.98023223876953125e-8"), 0u);
  EXPECT_EQ(parse(SOKR_IR_F16, "2.98023223876953125000001e-8"), 1u);
  EXPECT_EQ(parse(SOKR_IR_F16, "65519.9999999999999999999"), 0x7BFFu);
  // A double beside the middle is rounded as it is, though the text lies between the two.
  EXPECT_EQ(parse(SOKR_IR_F16, "8050"), 0x6FDCu);
  EXPECT_EQ(parse(SOKR_IR_F16, "8050.0000000000005"), 0x6FDDu);
}

TEST(Scalar, EveryHalfSurvivesTheWayThroughDouble) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const double value = double_from_half(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(double_from_half(half_from_double(value))));
    } else {
      EXPECT_EQ(half_from_double(value), half);
    }
  }
}

TEST(Scalar, HalvesRoundToNearestEven) {
  for (std::uint16_t bits = 0; bits < 0x7BFF; ++bits) {
    const double low = double_from_half(bits), high = double_from_half(bits + 1);
    const double middle = (low + high) / 2;
    EXPECT_EQ(half_from_double(middle), bits % 2 == 0 ? bits : bits + 1);
    EXPECT_EQ(half_from_double(std::nextafter(middle, low)), bits);
    EXPECT_EQ(half_from_double(std::nextafter(middle, high)), bits + 1);
  }
  EXPECT_EQ(half_from_double(65519.999), 0x7BFF);
  EXPECT_EQ(half_from_double(65520.0), 0x7C00);
  EXPECT_THROW(parse(SOKR_IR_F16, "65520"), UsageError);
  EXPECT_EQ(parse(SOKR_IR_F16, "-inf"), 0xFC00u);
}

TEST(Scalar, TextReadsBack) {
  EXPECT_EQ(scalar_text(SOKR_IR_I16, 0xFFFF), "-1");
  EXPECT_EQ(scalar_text(SOKR_IR_BOOL, 1), "true");
  EXPECT_EQ(scalar_text(SOKR_IR_F32, 0x3DCCCCCD), "0.1");
  EXPECT_EQ(scalar_text(SOKR_IR_F16, 0x3C00), "1");
  EXPECT_EQ(scalar_text(99, 5), "0x5");
}

}  // namespace
}  // namespace sokr::cli
