// SPDX-License-Identifier: MIT OR Apache-2.0
// Single-precision functions, one table a kernel. The Vulkan tolerances are those of the
// specification's appendix on precision; the strict ones hold for this project's substrates.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "case.hpp"

namespace sokr::conformance {
namespace {

constexpr double kAtan = 4096;  // ULP that Vulkan allows for atan and its kin

// One function of a table: what it should give for element i, and how exactly.
struct Function {
  std::function<double(std::size_t)> value;
  std::function<Tolerance(std::size_t)> vulkan;
  Tolerance strict{.ulp = 4};
};

std::function<Tolerance(std::size_t)> always(Tolerance tolerance) {
  return [tolerance](std::size_t) { return tolerance; };
}

double ulp_of(double value) {
  int exponent = value == 0 ? -126 : std::max(std::ilogb(value), -126);
  return std::ldexp(1.0, exponent - 23);
}

// Tolerances differ by element, so they go into `magnitude`, which `relative` multiplies.
Check judge_table(const std::vector<Function>& functions, std::size_t n) {
  std::vector<double> expected, strict, vulkan;
  for (const Function& function : functions) {
    for (std::size_t i = 0; i < n; ++i) {
      double value = function.value(i);
      auto allowed = [value](const Tolerance& t) {
        return t.ulp * ulp_of(value) + t.absolute + t.relative * std::abs(value);
      };
      expected.push_back(value);
      strict.push_back(allowed(function.strict));
      vulkan.push_back(allowed(function.vulkan(i)));
    }
  }
  Check by_strict = close<float>({expected, {.relative = 1}, {.relative = 1}, strict});
  Check by_vulkan = close<float>({expected, {.relative = 1}, {.relative = 1}, vulkan});
  return {[=](std::span<const std::byte> got, Precision precision) {
            return (precision == Precision::kStrict ? by_strict : by_vulkan).judge(got, precision);
          },
          false};
}

std::vector<float> rounding_inputs(Random& random, std::size_t n) {
  std::vector<float> x = random.floats(n, -100, 100);
  const std::array<float, 24> edges = {
      0.0f,    -0.0f,  0.5f,        -0.5f,        1.0f,        -1.0f,        1.5f,  -1.5f,
      2.5f,    -2.5f,  0.49999997f, -0.49999997f, 8388607.5f,  -8388607.5f,  1e20f, -1e20f,
      3.4e38f, -3e38f, 1e-20f,      -1e-20f,      0.99999994f, -0.99999994f, 7.0f,  65536.5f};
  std::copy(edges.begin(), edges.end(), x.begin());
  return x;
}

Case math_rounding(std::uint32_t n) {
  Random random(n);
  std::vector<float> x = rounding_inputs(random, n);
  std::vector<double> expected(11 * n);
  for (std::uint32_t i = 0; i < n; ++i) {
    double v = x[i], whole;
    int exponent = 0;
    double fraction = std::modf(v, &whole), significand = std::frexp(v, &exponent);
    const std::array<double, 11> row = {
        std::abs(v),       double((v > 0) - (v < 0)), std::floor(v), std::ceil(v), std::trunc(v),
        v - std::floor(v), std::nearbyint(v),         fraction,      whole,        significand,
        double(exponent)};
    for (std::size_t f = 0; f < row.size(); ++f) expected[f * n + i] = row[f];
  }
  // Exact, but for fract of a tiny negative number, whose exact value is no f32: 1 or the
  // number below it.
  return Case().threads(n).push(n).in({0, 0}, x).out<float>({0, 1},
                                                            {expected, {.absolute = 0x1p-24}});
}

Case math_exponential(std::uint32_t n) {
  Random random(n);
  std::vector<float> x = random.floats(n, 0.01, 4), y = random.floats(n, 0.05, 10);
  for (std::uint32_t i = 0; i < n / 4; ++i) {
    x[i] = static_cast<float>(std::exp2(160 * random.unit() - 80));  // the whole range for log
    y[i] = static_cast<float>(0.1 + random.unit());
  }
  x[0] = 1.0f;
  y[1] = 1.0f;
  auto log_limit = [&x](std::size_t i) {
    return x[i] >= 0.5f && x[i] <= 2 ? Tolerance{.absolute = 0x1p-21} : Tolerance{.ulp = 3};
  };
  auto exp_limit = [&y](std::size_t i) { return Tolerance{.ulp = 3 + 2.0 * y[i]}; };
  // pow is exp2(y log2 x): the error of the logarithm times y ln 2, and that of exp2.
  auto pow_limit = [&x, &y](std::size_t i) {
    double exponent = y[i] * std::log2(double(x[i]));
    double log_error = x[i] >= 0.5f && x[i] <= 2 ? 0x1p-21 : 3 * ulp_of(std::log2(double(x[i])));
    double exponent_error = y[i] * log_error + ulp_of(exponent);
    return Tolerance{.ulp = 3 + 2 * std::abs(exponent), .relative = exponent_error};
  };
  // (e^y -+ e^-y) / 2, and quotients of these.
  auto hyperbolic = [&y](std::size_t i) {
    return Tolerance{.relative = (3 + 2.0 * y[i]) * 4 * 0x1p-23 / std::min(1.0, double(y[i]))};
  };
  // Logarithms of sums with a root in them: absolute near 0, as the logarithm itself is.
  auto inverse_hyperbolic = always({.ulp = 8, .absolute = 0x1p-18});
  auto X = [x](std::size_t i) { return double(x[i]); };
  auto Y = [y](std::size_t i) { return double(y[i]); };
  // 1 + x is rounded before acosh, and x / (1 + x) before atanh; where these are steep that
  // rounding shows, so it is made here too (strictly: of either rounding of the quotient).
  auto one_plus = [x](std::size_t i) { return double(1.0f + x[i]); };
  auto ratio = [x](std::size_t i) { return double(x[i] / (1.0f + x[i])); };
  Tolerance steep{.ulp = 8, .absolute = 0x1p-18};
  // It squares its argument: beyond the root of the largest number it may be infinite.
  auto acosh_limit = [one_plus](std::size_t i) {
    return one_plus(i) > 0x1p63 ? Tolerance{.absolute = 1e300}
                                : Tolerance{.ulp = 8, .absolute = 0x1p-18};
  };
  auto atanh_limit = [ratio](std::size_t i) {
    double r = ratio(i);
    return Tolerance{.ulp = 8, .absolute = 0x1p-18 + 4 * 0x1p-24 / std::max(1 - r, 0x1p-24)};
  };
  std::vector<Function> table = {
      {[=](std::size_t i) { return std::exp(Y(i)); }, exp_limit},
      {[=](std::size_t i) { return std::exp2(Y(i)); }, exp_limit},
      {[=](std::size_t i) { return std::log(X(i)); }, log_limit},
      {[=](std::size_t i) { return std::log2(X(i)); }, log_limit},
      {[=](std::size_t i) { return std::sqrt(X(i)); }, always({.ulp = 4}), {.ulp = 1}},
      {[=](std::size_t i) { return 1 / std::sqrt(X(i)); }, always({.ulp = 2}), {.ulp = 2}},
      {[=](std::size_t i) { return std::pow(X(i), Y(i)); }, pow_limit},
      {[=](std::size_t i) { return std::sinh(Y(i)); }, hyperbolic},
      {[=](std::size_t i) { return std::cosh(Y(i)); }, hyperbolic},
      {[=](std::size_t i) { return std::tanh(Y(i)); }, hyperbolic},
      {[=](std::size_t i) { return std::asinh(Y(i)); }, inverse_hyperbolic},
      {[=](std::size_t i) { return std::acosh(one_plus(i)); }, acosh_limit, steep},
      {[=](std::size_t i) { return i < n / 4 ? std::nan("") : std::atanh(ratio(i)); },
       atanh_limit,
       {.ulp = 8, .absolute = 16 * 0x1p-24}},
  };
  // x / (1 + x) is 1 for large x, where atanh has a pole: the first quarter is not judged.
  Check check = judge_table(table, n);
  auto judge = [check, n](std::span<const std::byte> got, Precision precision) {
    std::vector<float> values = from_bytes<float>(got);
    std::fill_n(values.begin() + 12 * n, n / 4, std::numeric_limits<float>::quiet_NaN());
    return check.judge(to_bytes(values), precision);
  };
  return Case().threads(n).push(n).in({0, 0}, x).in({0, 1}, y).out({0, 2}, 13 * n * 4,
                                                                   {judge, false});
}

Case math_trigonometry(std::uint32_t n) {
  Random random(n);
  constexpr double kPi = std::numbers::pi;
  std::vector<float> x = random.floats(n, -3.1415926, 3.1415926), y = random.floats(n, -20, 20);
  const std::array<float, 8> edges = {0.0f,        1e-6f,      -1e-6f,      3.1415925f,
                                      -3.1415925f, 1.5707963f, -1.5707964f, 1.0f};
  std::copy(edges.begin(), edges.end(), x.begin());
  auto X = [x](std::size_t i) { return double(x[i]); };
  auto Y = [y](std::size_t i) { return double(y[i]); };
  auto unit = [x](std::size_t i) { return double(x[i] * 0.31830988f); };
  // sin / cos, each off by 2^-11: where the cosine may be 0, the quotient may be anything.
  auto tan_limit = [X](std::size_t i) {
    double c = std::abs(std::cos(X(i))), error = 0x1p-11;
    return c <= 2 * error ? Tolerance{.absolute = std::numeric_limits<double>::infinity()}
                          : Tolerance{.absolute = 2 * error * (1 + std::abs(std::tan(X(i)))) / c};
  };
  // atan2 of x and the root of 1 - x^2, which has lost its digits near 1. The product with
  // 1 / pi may be off by its own rounding, which is steep there too.
  auto asin_limit = [unit](std::size_t i) {
    double root = std::sqrt(std::max(1 - unit(i) * unit(i), 0.0));
    return Tolerance{.ulp = kAtan,
                     .absolute = 0x1p-11 + std::min(0x1p-10, 0x1p-22 / (root + 1e-9))};
  };
  std::vector<Function> table = {
      {[=](std::size_t i) { return std::sin(X(i)); },
       always({.absolute = 0x1p-11}),
       {.ulp = 4, .absolute = 0x1p-46}},
      {[=](std::size_t i) { return std::cos(X(i)); },
       always({.absolute = 0x1p-11}),
       {.ulp = 4, .absolute = 0x1p-46}},
      {[=](std::size_t i) { return std::tan(X(i)); }, tan_limit},
      {[=](std::size_t i) { return std::asin(unit(i)); }, asin_limit},
      {[=](std::size_t i) { return std::acos(unit(i)); }, asin_limit},
      {[=](std::size_t i) { return std::atan(Y(i)); }, always({.ulp = kAtan})},
      {[=](std::size_t i) { return std::atan2(Y(i), X(i)); }, always({.ulp = kAtan})},
      {[=](std::size_t i) { return Y(i) * kPi / 180; }, always({.ulp = 2.5}), {.ulp = 2}},
      {[=](std::size_t i) { return Y(i) * 180 / kPi; }, always({.ulp = 2.5}), {.ulp = 2}},
  };
  return Case().threads(n).push(n).in({0, 0}, x).in({0, 1}, y).out({0, 2}, 9 * n * 4,
                                                                   judge_table(table, n));
}

double smoothstep(double low, double high, double x) {
  double t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

Case math_common(std::uint32_t n) {
  Random random(n);
  std::vector<float> a = random.floats(n, -8, 8), b = random.floats(n, -8, 8),
                     c = random.floats(n, 0, 1);
  b[0] = a[0];
  auto A = [a](std::size_t i) { return double(a[i]); };
  auto B = [b](std::size_t i) { return double(b[i]); };
  auto C = [c](std::size_t i) { return double(c[i]); };
  // Bounds that the kernel rounds, rounded.
  auto upper = [b, c](std::size_t i) { return double(b[i] + std::abs(c[i])); };
  auto modulus = [b](std::size_t i) { return double(1.0f + std::abs(b[i])); };
  auto top = [b, c](std::size_t i) { return double(b[i] + 1.0f + std::abs(c[i])); };
  auto mod = [=](std::size_t i) { return A(i) - modulus(i) * std::floor(A(i) / modulus(i)); };
  // A sum of terms no larger than 8 * 8 and 8: a few roundings of those.
  Tolerance exact{}, terms{.absolute = 4 * 72 * kEpsilon}, small{.absolute = 40 * kEpsilon};
  std::vector<Function> table = {
      {[=](std::size_t i) { return std::min(A(i), B(i)); }, always(exact), exact},
      {[=](std::size_t i) { return std::max(A(i), B(i)); }, always(exact), exact},
      {[=](std::size_t i) { return std::clamp(A(i), B(i), upper(i)); }, always(exact), exact},
      {[=](std::size_t i) { return A(i) * (1 - C(i)) + B(i) * C(i); }, always(terms), terms},
      {[=](std::size_t i) { return B(i) < A(i) ? 0.0 : 1.0; }, always(exact), exact},
      {[=](std::size_t i) { return smoothstep(B(i), top(i), A(i)); }, always(small), small},
      {[=](std::size_t i) { return A(i) * B(i) + C(i); }, always(terms), terms},
      {mod, always(small), small},
      {[=](std::size_t i) { return std::ldexp(A(i), int(i % 16) - 8); }, always(exact), exact},
      {[=](std::size_t i) { return std::round(A(i)); }, always(exact), exact},
      {[=](std::size_t i) { return A(i) / modulus(i); }, always({.ulp = 2.5}), {.ulp = 2.5}},
      {[=](std::size_t i) { return -A(i) * B(i); }, always({.ulp = 0.5}), {.ulp = 0.5}},
  };
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).in({0, 2}, c).out(
      {0, 3}, 12 * n * 4, judge_table(table, n));
}

Case nan_minmax() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> a = {1, nan, 2, nan, -3, 0.5f}, b = {nan, 2, 1, nan, nan, -0.5f};
  std::vector<double> expected;
  for (std::size_t i = 0; i < a.size(); ++i) {
    // std::fmin and std::fmax have the same rule.
    double clamped = std::isnan(a[i]) ? -1.0 : std::fmin(std::fmax(a[i], -1.0f), 1.0f);
    for (double value : {double(std::fmin(a[i], b[i])), double(std::fmax(a[i], b[i])), clamped}) {
      expected.push_back(value);
    }
  }
  return Case().groups(6).in({0, 0}, a).in({0, 1}, b).out<float>({0, 2}, {expected, {}});
}

Case no_contraction(std::uint32_t n) {
  Random random(n);
  std::vector<float> x = random.floats(n, 0.1, 10), squares(n);
  for (std::uint32_t i = 0; i < n; ++i) squares[i] = static_cast<float>(double(x[i]) * x[i]);
  return Case()
      .threads(n)
      .push(n)
      .in({0, 0}, x)
      .in({0, 1}, squares)
      .out<float>({0, 2}, {std::vector<double>(n), {}});
}

}  // namespace

std::vector<Entry> float_cases() {
  return {
      {"math_rounding", "n=300", [] { return math_rounding(300); }},
      {"math_exponential", "n=400", [] { return math_exponential(400); }},
      {"math_trigonometry", "n=400", [] { return math_trigonometry(400); }},
      {"math_common", "n=400", [] { return math_common(400); }},
      {"nan_minmax", "pairs", nan_minmax},
      {"no_contraction", "n=300", [] { return no_contraction(300); }},
  };
}

}  // namespace sokr::conformance
