// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Sweeps every elementary function over float32 against the C library in double,
// with and without fused multiply-add, and prints the table of worst errors.
// SOKR_ULP_STRIDE=1 visits every bit pattern; the default is one in 1021.
#include "compiler/math/elementary.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "scalar_ops.hpp"

namespace sokr::cpu::math {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Distance from the exact value in units of the last place of the correctly rounded
// float; infinite if one is NaN or infinite and the other is not.
double ulp_error(float got, double exact) {
  if (std::isnan(exact)) return std::isnan(got) ? 0.0 : kInf;
  float rounded = static_cast<float>(exact);
  if (std::isnan(got)) return kInf;
  if (std::isinf(got) || std::isinf(rounded)) {
    if (got == rounded) return 0.0;
    // At the edge of the range the largest finite value is one step from infinity.
    double edge = std::numeric_limits<float>::max();
    return std::fabs(exact) < edge * (1 + 0x1p-22) && std::fabs(got) >= edge ? 1.0 : kInf;
  }
  int exponent = std::max(std::ilogb(rounded == 0 ? 1e-45f : rounded), -126);
  return std::fabs(static_cast<double>(got) - exact) / std::ldexp(1.0, exponent - 23);
}

std::uint32_t stride() {
  const char* text = std::getenv("SOKR_ULP_STRIDE");
  return text ? static_cast<std::uint32_t>(std::max(1L, std::atol(text))) : 1021u;
}

struct Worst {
  double error = 0;
  float at = 0;
};

template <class Function, class Exact>
Worst sweep(Function function, Exact exact, double low, double high) {
  Worst worst;
  std::uint32_t step = stride();
  for (std::uint64_t bits = 0; bits <= 0xffffffffu; bits += step) {
    float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (!(x >= low && x <= high) && !std::isnan(x)) continue;
    double error = ulp_error(function(x), exact(static_cast<double>(x)));
    if (error > worst.error || std::isnan(error)) worst = {error, x};
  }
  return worst;
}

struct Case {
  const char* name;
  double low, high;
  double bound;
  double (*exact)(double);
};

const Case kCases[] = {
    {"exp2", -kInf, kInf, 2, [](double x) { return std::exp2(x); }},
    {"exp", -kInf, kInf, 2, [](double x) { return std::exp(x); }},
    {"log", -kInf, kInf, 2, [](double x) { return std::log(x); }},
    {"log2", -kInf, kInf, 2, [](double x) { return std::log2(x); }},
    {"sin", -0x1p31, 0x1p31, 2, [](double x) { return std::sin(x); }},
    {"cos", -0x1p31, 0x1p31, 2, [](double x) { return std::cos(x); }},
    {"tan", -0x1p31, 0x1p31, 4, [](double x) { return std::tan(x); }},
    {"asin", -kInf, kInf, 3, [](double x) { return std::asin(x); }},
    {"acos", -kInf, kInf, 3, [](double x) { return std::acos(x); }},
    {"atan", -kInf, kInf, 3, [](double x) { return std::atan(x); }},
    {"sinh", -kInf, kInf, 3, [](double x) { return std::sinh(x); }},
    {"cosh", -kInf, kInf, 3, [](double x) { return std::cosh(x); }},
    {"tanh", -kInf, kInf, 3, [](double x) { return std::tanh(x); }},
    {"asinh", -kInf, kInf, 4, [](double x) { return std::asinh(x); }},
    {"acosh", -kInf, kInf, 4, [](double x) { return std::acosh(x); }},
    {"atanh", -kInf, kInf, 4, [](double x) { return std::atanh(x); }},
};

template <bool kFused>
float call(const std::string& name, float x) {
  ScalarOps<kFused> ops;
  Elementary<ScalarOps<kFused>> e(ops);
  if (name == "exp2") return e.exp2(x);
  if (name == "exp") return e.exp(x);
  if (name == "log") return e.log(x);
  if (name == "log2") return e.log2(x);
  if (name == "sin") return e.sin(x);
  if (name == "cos") return e.cos(x);
  if (name == "tan") return e.tan(x);
  if (name == "asin") return e.asin(x);
  if (name == "acos") return e.acos(x);
  if (name == "atan") return e.atan(x);
  if (name == "sinh") return e.sinh(x);
  if (name == "cosh") return e.cosh(x);
  if (name == "tanh") return e.tanh(x);
  if (name == "asinh") return e.asinh(x);
  if (name == "acosh") return e.acosh(x);
  if (name == "atanh") return e.atanh(x);
  ADD_FAILURE() << name;
  return 0;
}

TEST(Elementary, WithinItsBoundOverFloat32) {
  fmt::print("{:<8} {:>10} {:>16} {:>10} {:>16}\n", "function", "ULP (fma)", "at", "ULP", "at");
  for (const Case& c : kCases) {
    std::string name = c.name;
    Worst fused = sweep([&](float x) { return call<true>(name, x); }, c.exact, c.low, c.high);
    Worst plain = sweep([&](float x) { return call<false>(name, x); }, c.exact, c.low, c.high);
    fmt::print("{:<8} {:>10.3f} {:>16.8g} {:>10.3f} {:>16.8g}\n", name, fused.error, fused.at,
               plain.error, plain.at);
    EXPECT_LE(fused.error, c.bound) << name << " at " << fused.at;
    EXPECT_LE(plain.error, c.bound) << name << " at " << plain.at;
  }
}

template <bool kFused>
void sweep_pow() {
  ScalarOps<kFused> ops;
  Elementary<ScalarOps<kFused>> e(ops);
  std::mt19937 random(17);
  Worst worst;
  float worst_y = 0;
  for (int k = 0; k < 2'000'000; ++k) {
    float x = std::bit_cast<float>(static_cast<std::uint32_t>(random() & 0x7fffffffu));
    float y = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (k % 2) x = std::ldexp(1.0f + static_cast<float>(random() & 0xffff) / 65536, k % 7 - 3);
    if (k % 4) y = (static_cast<float>(random() & 0xffffff) / 0x1p17f - 64.0f) * 2;
    double error = ulp_error(e.pow(x, y), std::isnan(x) || std::isnan(y)
                                              ? (y == 0 || x == 1 ? 1.0 : std::nan(""))
                                              : std::pow(double{x}, double{y}));
    if (error > worst.error) worst = {error, x}, worst_y = y;
  }
  EXPECT_LE(worst.error, kFused ? 8 : 2) << worst.at << " ^ " << worst_y;
  fmt::print("{:<8} {:>10.3f} at {} ^ {}\n", kFused ? "pow fma" : "pow", worst.error, worst.at,
             worst_y);
}

// Two floats where multiply-add is fused, double elsewhere.
TEST(Elementary, PowWithinItsBound) {
  sweep_pow<true>();
  sweep_pow<false>();
}

TEST(Elementary, PowersOfQuartersWithinEightUlp) {
  ScalarOps<true> ops;
  Elementary<ScalarOps<true>> e(ops);
  for (int quarters = -16; quarters <= 16; ++quarters) {
    if (quarters == 0) continue;
    const auto power = [&](float x) { return e.pow_quarters(x, quarters); };
    const auto exact = [&](double x) { return std::pow(x, quarters / 4.0); };
    const Worst worst = sweep(power, exact, 0, kInf);
    EXPECT_LE(worst.error, 8) << worst.at << " ^ " << quarters / 4.0;
    fmt::print("x^{:<6} {:>10.3f} {:>16.8g}\n", quarters / 4.0, worst.error, worst.at);
    EXPECT_TRUE(std::isnan(power(-1.0f)));
    const float zero = power(-0.0f);
    EXPECT_EQ(zero, quarters < 0 ? kInf : 0.0f);
    EXPECT_FALSE(std::signbit(zero));
    EXPECT_EQ(power(kInf), quarters < 0 ? 0.0f : kInf);
    EXPECT_EQ(power(1.0f), 1.0f);
  }
}

TEST(Elementary, PowOfSpecialValues) {
  ScalarOps<true> ops;
  Elementary<ScalarOps<true>> e(ops);
  const float values[] = {0.0f, 0.5f, 1.0f, 2.0f, kInf, 1e-45f, 3.4e38f};
  const float powers[] = {-kInf, -2.5f, -1.0f, -0.0f, 0.0f, 0.5f, 1.0f, 3.0f, kInf};
  for (float x : values)
    for (float y : powers)
      EXPECT_LE(ulp_error(e.pow(x, y), std::pow(double{x}, double{y})), 1) << x << " ^ " << y;
  EXPECT_TRUE(std::isnan(e.pow(-1.0f, 2.0f)));
}

TEST(Elementary, Atan2OfAllSignsAndSpecialValues) {
  ScalarOps<true> ops;
  Elementary<ScalarOps<true>> e(ops);
  const float values[] = {0.0f, -0.0f, 1.0f, -1.0f, kInf, -kInf, 1e-30f, -3e30f, 2.5f};
  for (float y : values)
    for (float x : values) {
      float got = e.atan2(y, x);
      double exact = std::atan2(double{y}, double{x});
      EXPECT_LE(ulp_error(got, exact), 3) << y << ", " << x;
      EXPECT_EQ(std::signbit(got), std::signbit(exact)) << y << ", " << x;
    }
  std::mt19937 random(5);
  double worst = 0;
  for (int k = 0; k < 1'000'000; ++k) {
    float y = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    float x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isnan(x) || std::isnan(y)) continue;
    worst = std::max(worst, ulp_error(e.atan2(y, x), std::atan2(double{y}, double{x})));
  }
  EXPECT_LE(worst, 4);
  fmt::print("{:<8} {:>10.3f}\n", "atan2", worst);
}

TEST(Elementary, SignedZerosSurvive) {
  ScalarOps<true> ops;
  Elementary<ScalarOps<true>> e(ops);
  for (float x : {0.0f, -0.0f})
    for (float y :
         {e.sin(x), e.tan(x), e.asin(x), e.atan(x), e.sinh(x), e.tanh(x), e.asinh(x), e.atanh(x)}) {
      EXPECT_EQ(y, 0.0f);
      EXPECT_EQ(std::signbit(y), std::signbit(x));
    }
}

}  // namespace
}  // namespace sokr::cpu::math
