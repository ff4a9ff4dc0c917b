// SPDX-License-Identifier: MIT OR Apache-2.0
// 8-, 16- and 64-bit numbers, stored and computed.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "case.hpp"

namespace sokr::conformance {
namespace {

// All combinations of the extremes of the type, then random pairs.
template <class S, class U>
void fill(Random& random, std::vector<S>& a, std::vector<U>& b, std::size_t n) {
  const std::array<U, 6> edges = {U{0},
                                  U{1},
                                  static_cast<U>(~U{0}),
                                  static_cast<U>(std::numeric_limits<S>::min()),
                                  static_cast<U>(std::numeric_limits<S>::max()),
                                  U{7}};
  for (U x : edges) {
    for (U y : edges) {
      a.push_back(static_cast<S>(x));
      b.push_back(y);
    }
  }
  while (a.size() < n) {
    a.push_back(static_cast<S>(random.u64()));
    b.push_back(static_cast<U>(random.u64()));
  }
}

// int8_arithmetic and int16_arithmetic are one program at two widths.
template <class S, class U>
Case narrow_integers(std::uint32_t n) {
  constexpr unsigned kBits = 8 * sizeof(S);
  Random random(n + kBits);
  std::vector<S> a, results;
  std::vector<U> b;
  std::vector<std::int32_t> wide;
  fill(random, a, b, n);
  for (std::uint32_t i = 0; i < n; ++i) {
    int x = a[i], y = b[i], shift = y & int(kBits - 1);
    auto ux = static_cast<U>(x);
    int divisor = y | 1, signed_y = static_cast<S>(y);
    for (int value :
         {x + signed_y, x * signed_y, ux / divisor, ux % divisor, x >> shift, ux >> shift,
          static_cast<int>(unsigned(x) << shift), x < signed_y ? signed_y : -x}) {
      results.push_back(static_cast<S>(value));
    }
    wide.push_back(x);
    wide.push_back(y - x);
  }
  return Case()
      .threads(n)
      .push(n)
      .in({0, 0}, a)
      .in({0, 1}, b)
      .out({0, 2}, results)
      .out({0, 3}, wide);
}

Case int64_arithmetic(std::uint32_t n) {
  Random random(n);
  std::vector<std::int64_t> a, results;
  std::vector<std::uint64_t> b;
  fill(random, a, b, n);
  for (std::uint32_t i = 0; i < n; ++i) {
    auto ux = static_cast<std::uint64_t>(a[i]);
    std::uint64_t y = b[i], divisor = (y >> 20) | 1;
    auto shift = static_cast<int>(y & 63);
    auto low = static_cast<std::int64_t>(y & 0xFFFFFFFFu);
    auto high = static_cast<std::int32_t>(y >> 32);
    std::int64_t clamped =
        std::min(std::max(a[i], std::int64_t{-1000000000000}), static_cast<std::int64_t>(y >> 2));
    results.insert(
        results.end(),
        {std::int64_t(ux + y), std::int64_t(ux * y), std::int64_t(ux / divisor),
         std::int64_t(ux % divisor), a[i] >> shift, std::int64_t(ux >> shift) ^ (low << 3), clamped,
         a[i] < std::int64_t(y) ? std::int64_t{high} : std::int64_t(0 - ux)});
  }
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).out({0, 2}, results);
}

Case float16_arithmetic(std::uint32_t n) {
  Random random(n);
  std::vector<Half> a(n), b(n);
  std::vector<double> expected;
  for (std::uint32_t i = 0; i < n; ++i) {
    a[i] = to_half(64 * random.unit() - 32);
    b[i] = to_half((random.u32() & 1 ? 1 : -1) * (0.25 + 8 * random.unit()));
    double x = to_double(a[i]), y = to_double(b[i]);
    double half_y = to_double(to_half(0.5 * y));
    expected.insert(expected.end(),
                    {x + y, x - y, x * y, x / y, std::min(x, y), std::abs(x) + half_y,
                     x < y ? std::floor(x) : -y, std::trunc(x) + std::sqrt(std::abs(y))});
  }
  // One correct rounding each; division may be off by 2.5 ULP, the root of the last row by 2
  // ULP of its own smaller magnitude, then a sum.
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).out<Half>(
      {0, 2}, {.expected = expected, .strict = {.ulp = 2.5, .absolute = 0x1p-8}});
}

Case float64_arithmetic(std::uint32_t n) {
  Random random(n);
  std::vector<double> a(n), b(n), expected, magnitude;
  for (std::uint32_t i = 0; i < n; ++i) {
    a[i] = (random.unit() - 0.5) * 1e6;
    b[i] = (random.u32() & 1 ? 1 : -1) * (0.125 + random.unit() * 1e3);
    double x = a[i], y = b[i];
    const std::array<double, 8> row = {
        x + y,
        x * y - 1,
        x / y,
        std::sqrt(std::abs(x)),
        x < y ? std::floor(x) : y - std::floor(y),
        double(float(x)) + std::trunc(y),
        std::bit_cast<double>(std::bit_cast<std::uint64_t>(x) ^ (1ull << 63)),
        x - 2 * y};
    for (double value : row) expected.push_back(value);
    for (double value :
         {std::abs(x) + std::abs(y), std::abs(x * y) + 1, std::abs(x / y), std::abs(x), std::abs(x),
          std::abs(x) + std::abs(y), 0.0, std::abs(x) + 2 * std::abs(y)}) {
      magnitude.push_back(value);
    }
  }
  // At most two roundings; Vulkan asks nothing better of double division and roots than of
  // single ones: 2.5 ULP.
  Tolerance tolerance{.relative = 4 * 0x1p-53};
  Close close{expected, tolerance, {.ulp = 2.5, .relative = 4 * 0x1p-53}, magnitude};
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).out<double>({0, 2}, close);
}

Case storage_8_16(std::uint32_t n) {
  Random random(n);
  auto bytes = random.integers<std::uint8_t>(n);
  auto shorts = random.integers<std::int16_t>(n);
  std::vector<Half> halves(n), out_halves;
  constexpr std::uint16_t kScale = 61234, kOffset = 777, kC = 54321;
  constexpr std::int8_t kA = -13, kB = 101;
  const Half d = to_half(0.375);
  Packer constants(16);
  constants.at(0, kA).at(1, kB).at(2, kC).at(4, d.bits);
  std::vector<std::uint8_t> out_bytes;
  std::vector<std::uint16_t> out_shorts;
  std::vector<double> products;
  for (std::uint32_t i = 0; i < n; ++i) {
    halves[i] = to_half(random.unit() * 100 - 50);
    out_bytes.push_back(static_cast<std::uint8_t>(bytes[i] + kA * kB));
    out_shorts.push_back(
        static_cast<std::uint16_t>(std::uint32_t(std::int32_t(shorts[i])) * kScale + kOffset + kC));
    products.push_back(to_double(halves[i]) * to_double(d));
  }
  // The product is exact in f32; the conversion to half may round either way in Vulkan.
  return Case()
      .threads(n)
      .push(n, kScale, kOffset)
      .in({0, 0}, bytes)
      .in({0, 1}, shorts)
      .in({0, 2}, halves)
      .in({0, 3}, constants.bytes())
      .out({0, 4}, out_bytes)
      .out({0, 5}, out_shorts)
      .out<Half>({0, 6}, {products, {.ulp = 0.5}, {.ulp = 1}});
}

}  // namespace

std::vector<Entry> narrow_and_wide_cases() {
  return {
      {"int8_arithmetic", "n=300", [] { return narrow_integers<std::int8_t, std::uint8_t>(300); }},
      {"int16_arithmetic", "n=300",
       [] { return narrow_integers<std::int16_t, std::uint16_t>(300); }},
      {"int64_arithmetic", "n=200", [] { return int64_arithmetic(200); }},
      {"float16_arithmetic", "n=300", [] { return float16_arithmetic(300); }},
      {"float64_arithmetic", "n=200", [] { return float64_arithmetic(200); }},
      {"storage_8_16", "n=200", [] { return storage_8_16(200); }},
  };
}

}  // namespace sokr::conformance
