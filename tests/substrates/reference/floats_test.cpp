// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Float arithmetic to the bit, f16 rounding, and every function of GLSL.std.450 against a
// double.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>
#include <sokr/reference/float16.hpp>

#include "support.hpp"

namespace sokr::reference::test {
namespace {

using Bits = std::vector<std::uint32_t>;

const std::vector<float>& interesting() {
  static const std::vector<float> kValues = [] {
    std::vector<float> values{
        0.0f,     -0.0f,     1.0f,   -1.0f,          0.5f,        -0.5f,   1.5f,
        -1.5f,    2.5f,      -2.5f,  0.1f,           3.14159274f, -3.0f,   7.25f,
        100.0f,   -100.0f,   1e-38f, 1e-45f,         -1e-45f,     3.4e38f, -3.4e38f,
        INFINITY, -INFINITY, NAN,    0x1.fffffep-1f, 8388609.0f,  1e10f,   -1e-8f};
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i)
      values.push_back(std::ldexp(std::uniform_real_distribution<float>(-1, 1)(random),
                                  static_cast<int>(random() % 40) - 20));
    return values;
  }();
  return kValues;
}

void expect_same(float got, float want, const std::string& what) {
  if (std::isnan(want)) {
    EXPECT_TRUE(std::isnan(got)) << what;
  } else {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(want))
        << what << ": " << got << " instead of " << want;
  }
}

TEST(Float, ArithmeticIsIeeeInTheDeclaredWidth) {
  std::vector<float> a, b;
  for (const float x : interesting())
    for (std::size_t k = 0; k < 40; ++k) {
      a.push_back(x);
      b.push_back(interesting()[(k * 7 + 3) % interesting().size()]);
    }
  const std::pair<const char*, float (*)(float, float)> operations[] = {
      {"OpFAdd", [](float x, float y) { return x + y; }},
      {"OpFSub", [](float x, float y) { return x - y; }},
      {"OpFMul", [](float x, float y) { return x * y; }},
      {"OpFDiv", [](float x, float y) { return x / y; }},
      {"OpFRem", [](float x, float y) { return std::fmod(x, y); }},
  };
  for (const auto& [op, expected] : operations) {
    const auto got =
        map_elements<float>({"f32", "f32"}, "f32", "%r = " + std::string(op) + " %f32 %a %b", a, b);
    for (std::size_t i = 0; i < a.size(); ++i) {
      volatile float x = a[i], y = b[i];
      expect_same(got[i], expected(x, y), std::string(op));
    }
  }
}

TEST(Float, SumOfProductsIsNotContracted) {
  const std::vector<float> a{1.0f + 0x1p-12f}, b{1.0f + 0x1p-12f};
  const auto got = map_elements<float>({"f32", "f32"}, "f32",
                                       "%x = OpFMul %f32 %a %b\n%y = OpFMul %f32 %b %a\n"
                                       "%r = OpFSub %f32 %x %y",
                                       a, b);
  EXPECT_EQ(got[0], 0.0f);
}

TEST(Float, ModuloHasTheSignOfTheDivisor) {
  const std::vector<float> a{5.5f, -5.5f, 5.5f, -5.5f, 4.0f, -4.0f}, b{2, 2, -2, -2, 2, 2};
  const auto got = map_elements<float>({"f32", "f32"}, "f32", "%r = OpFMod %f32 %a %b", a, b);
  EXPECT_EQ(got, (std::vector<float>{1.5f, 0.5f, -0.5f, -1.5f, 0.0f, 0.0f}));
}

TEST(Half, EveryValueSurvivesADouble) {
  for (std::uint32_t i = 0; i < 65536; ++i) {
    const auto half = static_cast<std::uint16_t>(i);
    const bool nan = (half & 0x7C00) == 0x7C00 && (half & 0x3FF);
    const std::uint16_t back = half_from_double(half_to_double(half));
    if (nan) {
      EXPECT_TRUE(std::isnan(half_to_double(half)));
      EXPECT_EQ(back & 0x7E00, 0x7E00);
    } else {
      ASSERT_EQ(back, half);
    }
  }
}

TEST(Half, RoundsToNearestEvenBetweenAllNeighbours) {
  for (std::uint32_t i = 0; i < 0x7BFF; ++i) {
    const double low = half_to_double(static_cast<std::uint16_t>(i));
    const double high = half_to_double(static_cast<std::uint16_t>(i + 1));
    const double middle = (low + high) / 2;
    ASSERT_EQ(half_from_double(middle), i + (i & 1));
    ASSERT_EQ(half_from_double(std::nextafter(middle, 0)), i);
    ASSERT_EQ(half_from_double(std::nextafter(middle, 1e9)), i + 1);
    ASSERT_EQ(half_from_double(std::nextafter(high, 0), true), i);
    ASSERT_EQ(half_from_double(-middle), (i + (i & 1)) | 0x8000);
  }
  EXPECT_EQ(half_from_double(65519.99), 0x7BFF);
  EXPECT_EQ(half_from_double(65520), 0x7C00);
  EXPECT_EQ(half_from_double(65520, true), 0x7BFF);
  EXPECT_EQ(half_from_double(0x1p-25), 0);
  EXPECT_EQ(half_from_double(std::nextafter(0x1p-25, 1)), 1);
}

// The correctly rounded f16 of an exact value.
std::uint16_t nearest(__float128 exact) {
  const bool negative = exact < 0;
  if (negative) exact = -exact;
  std::uint32_t low = 0, high = 0x7C00;
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (static_cast<__float128>(half_to_double(static_cast<std::uint16_t>(middle))) <= exact ? low
                                                                                          : high) =
        middle;
  }
  const __float128 below = half_to_double(static_cast<std::uint16_t>(low));
  const __float128 above = high == 0x7C00
                               ? __float128{65536}
                               : __float128{half_to_double(static_cast<std::uint16_t>(high))};
  const bool up = exact - below > above - exact || (exact - below == above - exact && (low & 1));
  return static_cast<std::uint16_t>((up ? high : low) | (negative ? 0x8000 : 0));
}

TEST(Half, FusedMultiplyAddRoundsOnce) {
  std::mt19937 random(11);
  std::vector<std::uint16_t> a, b, c;
  for (int i = 0; i < 20000; ++i) {
    const auto finite = [&] {
      std::uint16_t value;
      do value = static_cast<std::uint16_t>(random());
      while ((value & 0x7C00) == 0x7C00);
      return value;
    };
    a.push_back(finite());
    b.push_back(finite());
    c.push_back(finite());
    if (i % 3 == 0) {  // near a tie: a * b has a half unit, c is tiny
      a.back() = static_cast<std::uint16_t>(0x3C00 | (random() & 0x3FF));
      b.back() = 0x3C01;
      c.back() = static_cast<std::uint16_t>((random() & 0x8001) | 1);
    }
  }
  std::vector<std::uint16_t> got(a.size());
  run_elements(
      element_module({"f16", "f16", "f16"}, "f16", "%r = OpExtInst %f16 %glsl Fma %a %b %c"),
      static_cast<std::uint32_t>(a.size()),
      {bind(0, 0, a), bind(0, 1, b), bind(0, 2, c), bind(0, 3, got)});
  for (std::size_t i = 0; i < a.size(); ++i) {
    const __float128 exact =
        static_cast<__float128>(half_to_double(a[i])) * half_to_double(b[i]) + half_to_double(c[i]);
    if (exact == 0) continue;
    ASSERT_EQ(got[i], nearest(exact)) << a[i] << " " << b[i] << " " << c[i];
  }
}

TEST(Half, ArithmeticRoundsAfterEachOperation) {
  std::mt19937 random(3);
  std::vector<std::uint16_t> a, b;
  for (int i = 0; i < 5000; ++i) {
    a.push_back(static_cast<std::uint16_t>(0x2000 + random() % 0x4000));
    b.push_back(static_cast<std::uint16_t>(0x2000 + random() % 0x4000));
  }
  const auto run_op = [&](const std::string& op) {
    return map_elements<std::uint16_t>({"f16", "f16"}, "f16", "%r = " + op + " %f16 %a %b", a, b);
  };
  const auto sum = run_op("OpFAdd"), product = run_op("OpFMul"), quotient = run_op("OpFDiv");
  for (std::size_t i = 0; i < a.size(); ++i) {
    const __float128 x = half_to_double(a[i]), y = half_to_double(b[i]);
    ASSERT_EQ(sum[i], nearest(x + y));
    ASSERT_EQ(product[i], nearest(x * y));
    ASSERT_EQ(quotient[i], nearest(x / y));
  }
}

// ---- GLSL.std.450 ---------------------------------------------------------------------------

struct Unary {
  const char* name;
  double (*expected)(double);
};
const Unary kUnary[] = {
    {"Round", [](double a) { return std::round(a); }},
    {"RoundEven", [](double a) { return std::nearbyint(a); }},
    {"Trunc", [](double a) { return std::trunc(a); }},
    {"FAbs", [](double a) { return std::fabs(a); }},
    {"FSign", [](double a) { return a > 0    ? 1.0
                                    : a < 0  ? -1.0
                                    : a == 0 ? a
                                             : 0.0; }},
    {"Floor", [](double a) { return std::floor(a); }},
    {"Ceil", [](double a) { return std::ceil(a); }},
    {"Radians", [](double a) { return a * (M_PI / 180); }},
    {"Degrees", [](double a) { return a * (180 / M_PI); }},
    {"Sin", [](double a) { return std::sin(a); }},
    {"Cos", [](double a) { return std::cos(a); }},
    {"Tan", [](double a) { return std::tan(a); }},
    {"Asin", [](double a) { return std::asin(a); }},
    {"Acos", [](double a) { return std::acos(a); }},
    {"Atan", [](double a) { return std::atan(a); }},
    {"Sinh", [](double a) { return std::sinh(a); }},
    {"Cosh", [](double a) { return std::cosh(a); }},
    {"Tanh", [](double a) { return std::tanh(a); }},
    {"Asinh", [](double a) { return std::asinh(a); }},
    {"Acosh", [](double a) { return std::acosh(a); }},
    {"Atanh", [](double a) { return std::atanh(a); }},
    {"Exp", [](double a) { return std::exp(a); }},
    {"Log", [](double a) { return std::log(a); }},
    {"Exp2", [](double a) { return std::exp2(a); }},
    {"Log2", [](double a) { return std::log2(a); }},
    {"Sqrt", [](double a) { return std::sqrt(a); }},
    {"InverseSqrt", [](double a) { return 1 / std::sqrt(a); }},
    {"Length", [](double a) { return std::fabs(a); }},
};

TEST(Glsl, FunctionsOfOneFloat) {
  for (const Unary& function : kUnary) {
    const auto got = map_elements<float>(
        {"f32"}, "f32", "%r = OpExtInst %f32 %glsl " + std::string(function.name) + " %a",
        interesting());
    for (std::size_t i = 0; i < got.size(); ++i)
      expect_same(got[i], static_cast<float>(function.expected(interesting()[i])),
                  std::string(function.name) + " of " + std::to_string(interesting()[i]));
  }
}

TEST(Glsl, FunctionsOfOneHalf) {
  std::vector<std::uint16_t> all(65536);
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  for (const char* name : {"Exp", "Sqrt", "Sin", "Floor", "Log2"}) {
    double (*expected)(double) = nullptr;
    for (const Unary& function : kUnary)
      if (std::string(function.name) == name) expected = function.expected;
    const auto got = map_elements<std::uint16_t>(
        {"f16"}, "f16", "%r = OpExtInst %f16 %glsl " + std::string(name) + " %a", all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const double want = expected(half_to_double(all[i]));
      if (std::isnan(want)) {
        ASSERT_TRUE(std::isnan(half_to_double(got[i])));
      } else {
        ASSERT_EQ(got[i], half_from_double(want)) << name << " of " << half_to_double(all[i]);
      }
    }
  }
}

TEST(Glsl, FractStaysBelowOne) {
  const std::vector<float> values{1.25f, -1.25f, -1e-10f, 3.0f, -1e-45f};
  const auto got =
      map_elements<float>({"f32"}, "f32", "%r = OpExtInst %f32 %glsl Fract %a", values);
  EXPECT_EQ(got, (std::vector<float>{0.25f, 0.75f, 0x1.fffffep-1f, 0.0f, 0x1.fffffep-1f}));
}

TEST(Glsl, MinimumAndMaximumPreferNumbers) {
  const float nan = NAN;
  const std::vector<float> a{1, nan, 2, nan, -INFINITY}, b{2, 3, nan, nan, 1};
  const auto run_op = [&](const std::string& op) {
    return map_elements<float>({"f32", "f32"}, "f32", "%r = OpExtInst %f32 %glsl " + op + " %a %b",
                               a, b);
  };
  for (const char* op : {"FMin", "NMin"}) {
    const auto got = run_op(op);
    EXPECT_EQ(std::vector<float>(got.begin(), got.begin() + 3), (std::vector<float>{1, 3, 2}));
    EXPECT_TRUE(std::isnan(got[3]));
    EXPECT_EQ(got[4], -INFINITY);
  }
  for (const char* op : {"FMax", "NMax"}) {
    const auto got = run_op(op);
    EXPECT_EQ(std::vector<float>(got.begin(), got.begin() + 3), (std::vector<float>{2, 3, 2}));
    EXPECT_EQ(got[4], 1);
  }
  const std::vector<float> x{-1, 0.5f, 9, nan}, low{0, 0, 0, 0}, high{1, 1, 1, 1};
  for (const char* op : {"FClamp", "NClamp"})
    EXPECT_EQ(map_elements<float>({"f32", "f32", "f32"}, "f32",
                                  "%r = OpExtInst %f32 %glsl " + std::string(op) + " %a %b %c", x,
                                  low, high),
              (std::vector<float>{0, 0.5f, 1, 0}));
}

TEST(Glsl, FunctionsOfTwoAndThree) {
  const std::vector<float> a{2, -8, 0.5f, 10, 3}, b{3, 2, 0.25f, -2, 0};
  const auto two = [&](const std::string& op) {
    return map_elements<float>({"f32", "f32"}, "f32", "%r = OpExtInst %f32 %glsl " + op + " %a %b",
                               a, b);
  };
  const auto power = two("Pow"), angle = two("Atan2"), stepped = two("Step");
  for (std::size_t i = 0; i < a.size(); ++i) {
    expect_same(power[i], static_cast<float>(std::pow(double{a[i]}, double{b[i]})), "Pow");
    expect_same(angle[i], static_cast<float>(std::atan2(double{a[i]}, double{b[i]})), "Atan2");
    expect_same(stepped[i], b[i] < a[i] ? 0.0f : 1.0f, "Step");
  }
  const std::vector<float> t{0, 0.25f, 0.5f, 1, 2};
  const auto mixed = map_elements<float>({"f32", "f32", "f32"}, "f32",
                                         "%r = OpExtInst %f32 %glsl FMix %a %b %c", a, b, t);
  for (std::size_t i = 0; i < a.size(); ++i)
    expect_same(mixed[i],
                static_cast<float>(double{a[i]} * (1 - double{t[i]}) + double{b[i]} * double{t[i]}),
                "FMix");
  const std::vector<float> low{0, 0, 0, 0}, high{1, 1, 4, 1}, at{-1, 0.5f, 1, 2};
  const auto smooth = map_elements<float>(
      {"f32", "f32", "f32"}, "f32", "%r = OpExtInst %f32 %glsl SmoothStep %a %b %c", low, high, at);
  EXPECT_EQ(smooth, (std::vector<float>{0, 0.5f, 0.15625f, 1}));
  const std::vector<float> fa{1 + 0x1p-12f}, fc{-1.0f - 0x1p-11f};
  EXPECT_EQ(map_elements<float>({"f32", "f32"}, "f32", "%r = OpExtInst %f32 %glsl Fma %a %a %b", fa,
                                fc)[0],
            0x1p-24f);
}

TEST(Glsl, Packing) {
  std::vector<float> four{1, -1, 0.5f, 2};
  std::vector<std::uint32_t> packed(1);
  const auto pack = [&](const std::string& op, const std::string& type) {
    run_elements(element_module({type}, "u32", "%r = OpExtInst %u32 %glsl " + op + " %a"), 1,
                 {bind(0, 0, four), bind(0, 1, packed)});
    return packed[0];
  };
  EXPECT_EQ(pack("PackSnorm4x8", "v4f32"), 0x7F40817Fu);
  EXPECT_EQ(pack("PackUnorm4x8", "v4f32"), 0xFF8000FFu);
  EXPECT_EQ(pack("PackSnorm2x16", "v2f32"), 0x80017FFFu);
  EXPECT_EQ(pack("PackUnorm2x16", "v2f32"), 0x0000FFFFu);
  EXPECT_EQ(pack("PackHalf2x16", "v2f32"), 0xBC003C00u);
  std::vector<float> out(4);
  packed[0] = 0x7F8081FF;
  run_elements(element_module({"u32"}, "v4f32", "%r = OpExtInst %v4f32 %glsl UnpackSnorm4x8 %a"), 1,
               {bind(0, 0, packed), bind(0, 1, out)});
  EXPECT_EQ(out, (std::vector<float>{-1.0f / 127, -1, -1, 1}));
  packed[0] = 0xBC003C00;
  run_elements(element_module({"u32"}, "v2f32", "%r = OpExtInst %v2f32 %glsl UnpackHalf2x16 %a"), 1,
               {bind(0, 0, packed), bind(0, 1, out)});
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[1], -1);
}

// Packing rounds to nearest even whatever the entry point asks of other instructions.
TEST(Glsl, PackingHasItsOwnRounding) {
  std::vector<float> four{0.999f, -0.999f, 0.3f, 0.001f};
  std::vector<std::uint32_t> packed(1), toward_zero(1);
  for (const char* op : {"PackSnorm4x8", "PackUnorm4x8", "PackSnorm2x16", "PackUnorm2x16"}) {
    const char* type = std::string(op).ends_with("8") ? "v4f32" : "v2f32";
    std::string module =
        element_module({type}, "u32", fmt::format("%r = OpExtInst %u32 %glsl {} %a", op));
    run_elements(module, 1, {bind(0, 0, four), bind(0, 1, packed)});
    module.insert(module.find("OpCapability"), "OpCapability RoundingModeRTZ\n");
    module.insert(module.find("OpDecorate"), "OpExecutionMode %main RoundingModeRTZ 32\n");
    run_elements(module, 1, {bind(0, 0, four), bind(0, 1, toward_zero)});
    EXPECT_EQ(toward_zero, packed) << op;
  }
}

TEST(Glsl, SplittingAndScaling) {
  const std::vector<float> values{8.5f, -0.75f, 0, 1e-45f, INFINITY};
  const std::string types = "%result = OpTypeStruct %f32 %i32\n";
  std::vector<float> in = values, significand(5);
  std::vector<std::int32_t> exponent(5), shift{1, -3, 5, 149, 2};
  run_elements(element_module({"f32"}, "f32",
                              "%s = OpExtInst %result %glsl FrexpStruct %a\n"
                              "%r = OpCompositeExtract %f32 %s 0",
                              types),
               5, {bind(0, 0, in), bind(0, 1, significand)});
  run_elements(element_module({"f32"}, "i32",
                              "%s = OpExtInst %result %glsl FrexpStruct %a\n"
                              "%r = OpCompositeExtract %i32 %s 1",
                              types),
               5, {bind(0, 0, in), bind(0, 1, exponent)});
  EXPECT_EQ(significand, (std::vector<float>{0.53125f, -0.75f, 0, 0.5f, INFINITY}));
  EXPECT_EQ(exponent, (std::vector<std::int32_t>{4, 0, 0, -148, 0}));
  EXPECT_EQ(map_elements<float>({"f32", "i32"}, "f32", "%r = OpExtInst %f32 %glsl Ldexp %a %b",
                                values, shift),
            (std::vector<float>{17, -0.09375f, 0, 1, INFINITY}));
}

TEST(Glsl, Geometry) {
  std::vector<float> a{3, 4, 12, 0}, b{1, 0, 0, 0}, out(4);
  const auto vector = [&](const std::string& body) {
    run_elements(element_module({"v3f32", "v3f32"}, "v3f32", body), 1,
                 {bind(0, 0, a), bind(0, 1, b), bind(0, 2, out)});
    return std::vector<float>(out.begin(), out.begin() + 3);
  };
  const auto f = [](double x) { return static_cast<float>(x); };
  EXPECT_EQ(vector("%r = OpExtInst %v3f32 %glsl Normalize %a"),
            (std::vector<float>{f(3.0 / 13), f(4.0 / 13), f(12.0 / 13)}));
  EXPECT_EQ(vector("%r = OpExtInst %v3f32 %glsl Cross %a %b"), (std::vector<float>{0, 12, -4}));
  EXPECT_EQ(vector("%r = OpExtInst %v3f32 %glsl Reflect %a %b"), (std::vector<float>{-3, 4, 12}));
  EXPECT_EQ(vector("%r = OpExtInst %v3f32 %glsl FaceForward %a %a %b"),
            (std::vector<float>{-3, -4, -12}));
  std::vector<float> scalar(1);
  run_elements(
      element_module({"v3f32", "v3f32"}, "f32", "%r = OpExtInst %f32 %glsl Distance %a %b"), 1,
      {bind(0, 0, a), bind(0, 1, b), bind(0, 2, scalar)});
  EXPECT_EQ(scalar[0], f(std::sqrt(4.0 + 16 + 144)));
}

// The ratio of refraction has a width of its own.
TEST(Glsl, RefractionTakesARatioOfAnyWidth) {
  const auto bent = [](const std::string& vector, const std::string& ratio, auto to, auto from) {
    using Number = decltype(to(0.0));
    std::vector<Number> in{to(0.75), to(-0.5)}, normal{to(0), to(1)}, out(2);
    run_elements(element_module({vector, vector}, vector,
                                fmt::format("%r = OpExtInst %{} %glsl Refract %a %b %eta", vector),
                                fmt::format("%eta = OpConstant %{} 0.5\n", ratio)),
                 1, {bind(0, 0, in), bind(0, 1, normal), bind(0, 2, out)});
    EXPECT_EQ(from(out[0]), 0.375) << vector << " " << ratio;
    EXPECT_NEAR(from(out[1]), -std::sqrt(0.8125), 0x1p-10) << vector << " " << ratio;
  };
  const auto to_half = [](double x) { return half_from_double(x); };
  const auto of_half = [](std::uint16_t x) { return half_to_double(x); };
  const auto to_single = [](double x) { return static_cast<float>(x); };
  const auto same = [](double x) { return x; };
  for (const std::string ratio : {"f16", "f32", "f64"}) {
    bent("v2f16", ratio, to_half, of_half);
    bent("v2f32", ratio, to_single, same);
    bent("v2f64", ratio, same, same);
  }
}

}  // namespace
}  // namespace sokr::reference::test
