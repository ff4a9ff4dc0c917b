// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The arithmetic of OpSpecConstantOp against 128-bit or hardware arithmetic, over all
// widths and the values where it goes wrong.
#include <gtest/gtest.h>

#include <bit>
#include <cfenv>
#include <cmath>
#include <cstdint>
#include <fold.hpp>
#include <random>
#include <span>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace sokr::spirv {
namespace {

__extension__ using Wide = __int128;
__extension__ using WideBits = unsigned __int128;

std::vector<std::uint64_t> edge_values(std::uint32_t width) {
  const std::uint64_t mask = width_mask(width), high = std::uint64_t{1} << (width - 1);
  std::vector<std::uint64_t> values{0,         1,        2,    3,        7,    width - 1, width,
                                    width + 1, high - 1, high, high + 1, mask, mask - 1,  mask / 3};
  std::mt19937_64 random(width);
  for (int i = 0; i < 12; ++i) values.push_back(random());
  for (std::uint64_t& value : values) value &= mask;
  return values;
}

std::uint64_t fold2(spv::Op op, std::uint32_t width, std::uint64_t a, std::uint64_t b,
                    std::uint32_t result_width) {
  const Scalar operands[] = {{a, ScalarKind::kInt, width}, {b, ScalarKind::kInt, width}};
  return fold_scalar(op, result_width, operands);
}

// What each operation means, on numbers without a width.
Wide meaning(spv::Op op, Wide ua, Wide ub, Wide sa, Wide sb, std::uint32_t width) {
  switch (op) {
    case spv::Op::OpIAdd:
      return ua + ub;
    case spv::Op::OpISub:
      return ua - ub;
    case spv::Op::OpIMul:
      return static_cast<Wide>(static_cast<WideBits>(ua) * static_cast<WideBits>(ub));
    case spv::Op::OpUDiv:
      return ub == 0 ? 0 : ua / ub;
    case spv::Op::OpSDiv:
      return sb == 0 ? 0 : sa / sb;
    case spv::Op::OpUMod:
      return ub == 0 ? 0 : ua % ub;
    case spv::Op::OpSRem:
      return sb == 0 ? 0 : sa % sb;
    case spv::Op::OpSMod:
      return sb == 0 ? 0 : ((sa % sb) + sb) % sb;
    case spv::Op::OpShiftLeftLogical:
      return ub >= width ? 0 : static_cast<Wide>(static_cast<WideBits>(ua) << ub);
    case spv::Op::OpShiftRightLogical:
      return ub >= width ? 0 : ua >> ub;
    case spv::Op::OpShiftRightArithmetic:
      return ub >= width ? (sa < 0 ? -1 : 0) : sa >> ub;
    case spv::Op::OpBitwiseOr:
      return ua | ub;
    case spv::Op::OpBitwiseXor:
      return ua ^ ub;
    case spv::Op::OpBitwiseAnd:
      return ua & ub;
    case spv::Op::OpIEqual:
      return ua == ub;
    case spv::Op::OpINotEqual:
      return ua != ub;
    case spv::Op::OpULessThan:
      return ua < ub;
    case spv::Op::OpSLessThan:
      return sa < sb;
    case spv::Op::OpUGreaterThan:
      return ua > ub;
    case spv::Op::OpSGreaterThan:
      return sa > sb;
    case spv::Op::OpULessThanEqual:
      return ua <= ub;
    case spv::Op::OpSLessThanEqual:
      return sa <= sb;
    case spv::Op::OpUGreaterThanEqual:
      return ua >= ub;
    case spv::Op::OpSGreaterThanEqual:
      return sa >= sb;
    default:
      ADD_FAILURE();
      return 0;
  }
}

TEST(Fold, IntegerOperationsMatchWideArithmeticAtEveryWidth) {
  using enum spv::Op;
  const spv::Op kValues[] = {OpIAdd,
                             OpISub,
                             OpIMul,
                             OpUDiv,
                             OpSDiv,
                             OpUMod,
                             OpSRem,
                             OpSMod,
                             OpShiftLeftLogical,
                             OpShiftRightLogical,
                             OpShiftRightArithmetic,
                             OpBitwiseOr,
                             OpBitwiseXor,
                             OpBitwiseAnd};
  const spv::Op kPredicates[] = {
      OpIEqual,       OpINotEqual,      OpULessThan,      OpSLessThan,         OpUGreaterThan,
      OpSGreaterThan, OpULessThanEqual, OpSLessThanEqual, OpUGreaterThanEqual, OpSGreaterThanEqual};
  for (const std::uint32_t width : {8u, 16u, 32u, 64u}) {
    for (const std::uint64_t a : edge_values(width)) {
      for (const std::uint64_t b : edge_values(width)) {
        const Wide sa = sign_extend(a, width), sb = sign_extend(b, width);
        for (const spv::Op op : kValues) {
          ASSERT_EQ(scalar_operands(op), 2u);
          const auto expected =
              static_cast<std::uint64_t>(meaning(op, a, b, sa, sb, width)) & width_mask(width);
          EXPECT_EQ(fold2(op, width, a, b, width), expected)
              << static_cast<int>(op) << " width " << width << " " << a << " " << b;
        }
        for (const spv::Op op : kPredicates) {
          EXPECT_EQ(fold2(op, width, a, b, 1),
                    static_cast<std::uint64_t>(meaning(op, a, b, sa, sb, width)))
              << static_cast<int>(op) << " width " << width << " " << a << " " << b;
        }
      }
    }
  }
}

TEST(Fold, ConversionsBetweenIntegerWidths) {
  for (const std::uint32_t from : {8u, 16u, 32u, 64u}) {
    for (const std::uint32_t to : {8u, 16u, 32u, 64u}) {
      for (const std::uint64_t a : edge_values(from)) {
        const Scalar operand[] = {{a, ScalarKind::kInt, from}};
        EXPECT_EQ(fold_scalar(spv::Op::OpUConvert, to, operand), a & width_mask(to));
        EXPECT_EQ(fold_scalar(spv::Op::OpSConvert, to, operand),
                  static_cast<std::uint64_t>(sign_extend(a, from)) & width_mask(to));
        EXPECT_EQ(fold_scalar(spv::Op::OpSNegate, from, operand), (0 - a) & width_mask(from));
        EXPECT_EQ(fold_scalar(spv::Op::OpNot, from, operand), ~a & width_mask(from));
      }
    }
  }
}

TEST(Fold, LogicTables) {
  for (const std::uint64_t a : {0u, 1u}) {
    for (const std::uint64_t b : {0u, 1u}) {
      const Scalar operands[] = {{a, ScalarKind::kBool, 1}, {b, ScalarKind::kBool, 1}};
      EXPECT_EQ(fold_scalar(spv::Op::OpLogicalOr, 1, operands), a | b);
      EXPECT_EQ(fold_scalar(spv::Op::OpLogicalAnd, 1, operands), a & b);
      EXPECT_EQ(fold_scalar(spv::Op::OpLogicalEqual, 1, operands), a == b ? 1u : 0u);
      EXPECT_EQ(fold_scalar(spv::Op::OpLogicalNotEqual, 1, operands), a != b ? 1u : 0u);
      EXPECT_EQ(fold_scalar(spv::Op::OpLogicalNot, 1, std::span(operands).first(1)), 1 - a);
    }
  }
}

TEST(Fold, EveryHalfSurvivesTheRoundTrip) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const double value = half_to_double(half);
    if (std::isnan(value)) {
      EXPECT_EQ(double_to_half(value) & 0x7E00, 0x7E00);
    } else {
      ASSERT_EQ(double_to_half(value), half) << bits;
    }
  }
}

TEST(Fold, HalvesRoundToNearestEven) {
  for (std::uint16_t half = 0; half < 0x7BFF; ++half) {
    const auto above = static_cast<std::uint16_t>(half + 1);
    const double low = half_to_double(half), high = half_to_double(above);
    const double middle = (low + high) / 2;
    ASSERT_EQ(double_to_half(middle), half % 2 == 0 ? half : above);
    ASSERT_EQ(double_to_half(std::nextafter(middle, 0.0)), half);
    ASSERT_EQ(double_to_half(-std::nextafter(middle, 1e9)), above | 0x8000);
  }
  EXPECT_EQ(double_to_half(65519.99), 0x7BFF);
  EXPECT_EQ(double_to_half(65520), 0x7C00);
  EXPECT_EQ(double_to_half(1e300), 0x7C00);
  EXPECT_EQ(double_to_half(1e-300), 0);
  EXPECT_EQ(double_to_half(-0.0), 0x8000);
}

TEST(Fold, FloatConversions) {
  const auto convert = [](double value, std::uint32_t to) {
    const Scalar operand[] = {{std::bit_cast<std::uint64_t>(value), ScalarKind::kFloat, 64}};
    return fold_scalar(spv::Op::OpFConvert, to, operand);
  };
  EXPECT_EQ(convert(1.5, 32), std::bit_cast<std::uint32_t>(1.5f));
  EXPECT_EQ(convert(0.1, 32), std::bit_cast<std::uint32_t>(0.1f));
  EXPECT_EQ(convert(-2.0, 16), 0xC000u);
  const Scalar quantized[] = {{std::bit_cast<std::uint32_t>(0.1f), ScalarKind::kFloat, 32}};
  EXPECT_EQ(fold_scalar(spv::Op::OpQuantizeToF16, 32, quantized),
            std::bit_cast<std::uint32_t>(0.0999755859375f));
}

// What is below the normal halves, after rounding, is a zero of its sign: as those who run it have
// it.
TEST(Fold, QuantizingLeavesNoDenormalHalf) {
  const auto quantized = [](float value) {
    const Scalar operand[] = {{std::bit_cast<std::uint32_t>(value), ScalarKind::kFloat, 32}};
    return fold_scalar(spv::Op::OpQuantizeToF16, 32, operand);
  };
  EXPECT_EQ(quantized(1e-6f), 0u);
  EXPECT_EQ(quantized(-1e-6f), 0x80000000u);
  EXPECT_EQ(quantized(0x1.ff8p-15f), 0u);
  EXPECT_EQ(quantized(-0x1.ff8p-15f), 0x80000000u);
  EXPECT_EQ(quantized(0x1.fffp-15f), std::bit_cast<std::uint32_t>(0x1p-14f));
  EXPECT_EQ(quantized(0x1p-14f), std::bit_cast<std::uint32_t>(0x1p-14f));
  EXPECT_EQ(quantized(1e-45f), 0u);
  EXPECT_EQ(quantized(65520.0f), 0x7F800000u);
  EXPECT_EQ(quantized(-HUGE_VALF), 0xFF800000u);
}

// ---- Conversions of floats, as execution modes have them -------------------------------------

std::uint64_t narrowed(double value, std::uint32_t width, FloatFold how) {
  const Scalar operand[] = {{std::bit_cast<std::uint64_t>(value), ScalarKind::kFloat, 64}};
  return fold_scalar(spv::Op::OpFConvert, width, operand, how);
}

TEST(FoldFloat, TowardZeroNeverLeavesTheMagnitude) {
  const FloatFold zero{.toward_zero = true};
  EXPECT_EQ(narrowed(0.1, 32, {}), 0x3DCCCCCDu);
  EXPECT_EQ(narrowed(0.1, 32, zero), 0x3DCCCCCCu);
  EXPECT_EQ(narrowed(-0.1, 32, zero), 0xBDCCCCCCu);
  EXPECT_EQ(narrowed(1e300, 32, {}), 0x7F800000u);
  EXPECT_EQ(narrowed(1e300, 32, zero), 0x7F7FFFFFu);
  EXPECT_EQ(narrowed(HUGE_VAL, 32, zero), 0x7F800000u);
  EXPECT_EQ(narrowed(65535.9, 16, {}), 0x7C00u);
  EXPECT_EQ(narrowed(65535.9, 16, zero), 0x7BFFu);
  EXPECT_EQ(narrowed(1e9, 16, zero), 0x7BFFu);
  EXPECT_EQ(narrowed(-HUGE_VAL, 16, zero), 0xFC00u);
  EXPECT_EQ(narrowed(2047.9, 16, {}), 0x6800u);
  EXPECT_EQ(narrowed(2047.9, 16, zero), 0x67FFu);
  EXPECT_EQ(narrowed(0x1.8p-25, 16, {}), 1u);
  EXPECT_EQ(narrowed(0x1.8p-25, 16, zero), 0u);
  std::mt19937_64 random(5);
  for (int i = 0; i < 10000; ++i) {
    const double value = std::ldexp(1 + static_cast<double>(random() >> 12) * 0x1p-52,
                                    static_cast<int>(random() % 300) - 150);
    const double single =
        std::bit_cast<float>(static_cast<std::uint32_t>(narrowed(value, 32, zero)));
    EXPECT_LE(single, value);
    const auto half = static_cast<std::uint16_t>(narrowed(value, 16, zero));
    EXPECT_LE(half_to_double(half), value);
    if (half < 0x7BFF) {
      EXPECT_GT(half_to_double(static_cast<std::uint16_t>(half + 1)), value);
    }
  }
}

TEST(FoldFloat, DenormalResultsBecomeZeros) {
  const FloatFold flush{.flush = true};
  EXPECT_EQ(narrowed(0x1p-15, 16, {}), 0x0200u);
  EXPECT_EQ(narrowed(0x1p-15, 16, flush), 0u);
  EXPECT_EQ(narrowed(-0x1p-15, 16, flush), 0x8000u);
  EXPECT_EQ(narrowed(0x1p-14, 16, flush), 0x0400u);
  EXPECT_EQ(narrowed(0x1p-130, 32, flush), 0u);
  EXPECT_EQ(narrowed(0x1p-126, 32, flush), 0x00800000u);
}

// Whatever rounding and treatment of denormals the calling thread has set, a module means the same.
TEST(FoldFloat, TheThreadsEnvironmentChangesNothing) {
  std::vector<double> values{0.1,  -0.1,   0x1p-15,        0x1.8p-25,  -0x1p-130, 0x1p-149,
                             1e-6, 2047.9, 0x1.fffffffp-2, 65519.9999, 1e300,     0x1.000001p-126};
  std::mt19937_64 random(6);
  for (int i = 0; i < 200; ++i)
    values.push_back(std::ldexp(1 + static_cast<double>(random() >> 12) * 0x1p-52,
                                static_cast<int>(random() % 300) - 150));
  const auto all = [&] {
    std::vector<std::uint64_t> bits;
    for (const double value : values) {
      const std::uint64_t given = std::bit_cast<std::uint64_t>(value);
      for (const FloatFold how : {FloatFold{}, FloatFold{.toward_zero = true}}) {
        for (const std::uint32_t width : {16u, 32u}) {
          const Scalar operand[] = {{given, ScalarKind::kFloat, 64}};
          bits.push_back(fold_scalar(spv::Op::OpFConvert, width, operand, how));
          const Scalar narrow[] = {{bits.back(), ScalarKind::kFloat, width}};
          bits.push_back(fold_scalar(spv::Op::OpFConvert, 64, narrow, how));
          if (width == 32) bits.push_back(fold_scalar(spv::Op::OpQuantizeToF16, 32, narrow));
        }
      }
    }
    return bits;
  };
  const std::vector<std::uint64_t> expected = all();
  for (std::size_t i = 0; i < values.size(); ++i)  // as this machine rounds to nearest
    ASSERT_EQ(narrowed(values[i], 32, {}),
              std::bit_cast<std::uint32_t>(static_cast<float>(values[i])));
  std::fenv_t saved;
  ASSERT_EQ(std::fegetenv(&saved), 0);
  for (const int rounding : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    ASSERT_EQ(std::fesetround(rounding), 0);
    const std::vector<std::uint64_t> got = all();
    std::fesetenv(&saved);
    EXPECT_EQ(got, expected) << rounding;
  }
#if defined(__SSE__)
  const unsigned control = _mm_getcsr();
  _mm_setcsr(control | 0x8040);  // results and operands below the normal ones are zeros
  const std::vector<std::uint64_t> got = all();
  _mm_setcsr(control);
  EXPECT_EQ(got, expected);
#endif
}

}  // namespace
}  // namespace sokr::spirv
