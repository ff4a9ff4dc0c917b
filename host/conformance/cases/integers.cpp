// SPDX-License-Identifier: MIT OR Apache-2.0
// 32-bit integers: every result is exact.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "case.hpp"

namespace sokr::conformance {
namespace {

using U32 = std::vector<std::uint32_t>;

std::uint32_t field_mask(std::uint32_t bits) {
  return bits == 32 ? 0xFFFFFFFFu : (1u << bits) - 1;
}

std::uint32_t reverse(std::uint32_t x) {
  std::uint32_t result = 0;
  for (int bit = 0; bit < 32; ++bit) result |= ((x >> bit) & 1) << (31 - bit);
  return result;
}

std::uint32_t lowest_bit(std::uint32_t x) {
  return x ? std::uint32_t(std::countr_zero(x)) : ~0u;
}
std::uint32_t highest_bit(std::uint32_t x) {
  return x ? 31u - std::uint32_t(std::countl_zero(x)) : ~0u;
}
std::uint32_t highest_signed_bit(std::uint32_t x) {
  return highest_bit(x & 0x80000000u ? ~x : x);
}

Case bit_operations(std::uint32_t n) {
  Random random(n);
  U32 a = words_with_edges(random, n), expected;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t x = a[i], offset = i % 33, bits = i * 7 % (33 - offset), mask = field_mask(bits);
    std::uint32_t field = bits == 0 ? 0 : (x >> offset) & mask;
    bool negative = bits != 0 && ((field >> (bits - 1)) & 1) != 0;
    std::uint32_t placed = bits == 0 ? 0 : mask << offset;
    std::uint32_t insert = bits == 0 ? x : (x & ~placed) | ((0xA5C396F0u << offset) & placed);
    expected.insert(expected.end(), {field, negative ? field | ~mask : field, insert, reverse(x),
                                     std::uint32_t(std::popcount(x)), lowest_bit(x), highest_bit(x),
                                     highest_signed_bit(x), x << (i % 32), x >> (i % 32),
                                     std::uint32_t(std::int32_t(x) >> (i % 32)),
                                     (~x & 0xFF00FF00u) | (x ^ (x << 1))});
  }
  return Case().threads(n).push(n).in({0, 0}, a).out({0, 1}, expected);
}

Case mul_extended(std::uint32_t n) {
  Random random(n);
  U32 a = words_with_edges(random, n), b = words_with_edges(random, n), expected;
  std::rotate(b.begin(), b.begin() + 5, b.end());
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint64_t product = std::uint64_t(a[i]) * b[i];
    auto signed_product =
        static_cast<std::uint64_t>(std::int64_t(std::int32_t(a[i])) * std::int32_t(b[i]));
    expected.insert(
        expected.end(),
        {std::uint32_t(product), std::uint32_t(product >> 32), std::uint32_t(signed_product),
         std::uint32_t(signed_product >> 32), a[i] + b[i], std::uint32_t(a[i] + b[i] < a[i]),
         a[i] - b[i], std::uint32_t(a[i] < b[i])});
  }
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).out({0, 2}, expected);
}

// All pairs of these, then random ones.
std::array<std::vector<std::int32_t>, 2> division_operands(std::uint32_t random_pairs) {
  constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min(), kMax = 0x7FFFFFFF;
  const std::vector<std::int32_t> edges = {0,  1,  -1,      2,    -2,       3,
                                           -7, 10, 1000003, kMin, kMin + 1, kMax};
  std::array<std::vector<std::int32_t>, 2> pairs;
  for (std::int32_t a : edges) {
    for (std::int32_t b : edges) {
      pairs[0].push_back(a);
      pairs[1].push_back(b);
    }
  }
  Random random(random_pairs);
  for (std::uint32_t i = 0; i < random_pairs; ++i) {
    pairs[0].push_back(static_cast<std::int32_t>(random.u32()));
    pairs[1].push_back(static_cast<std::int32_t>(random.u32()) >> (random.u32() % 30));
  }
  return pairs;
}

bool is_defined(std::int32_t a, std::int32_t b) {
  return b != 0 && !(a == std::numeric_limits<std::int32_t>::min() && b == -1);
}

Case integer_division() {
  auto [a, b] = division_operands(300);
  std::vector<std::int32_t> expected;
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto ua = static_cast<std::uint32_t>(a[i]), ub = static_cast<std::uint32_t>(b[i]);
    expected.insert(
        expected.end(),
        {is_defined(a[i], b[i]) ? a[i] / b[i] : 77, a[i] >= 0 && b[i] > 0 ? a[i] % b[i] : 77,
         ub ? std::int32_t(ua / ub) : 77, ub ? std::int32_t(ua % ub) : 77});
  }
  auto n = static_cast<std::uint32_t>(a.size());
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).out({0, 2}, expected);
}

// `negative` also with operands below zero.
Case signed_remainder(bool negative) {
  auto [all_a, all_b] = division_operands(100);
  std::vector<std::int32_t> a, b, expected;
  for (std::size_t i = 0; i < all_a.size(); ++i) {
    if (!is_defined(all_a[i], all_b[i])) continue;
    if (!negative && (all_a[i] < 0 || all_b[i] < 0)) continue;
    a.push_back(all_a[i]);
    b.push_back(all_b[i]);
    std::int32_t remainder = a.back() % b.back();
    bool other_sign = remainder != 0 && (remainder < 0) != (b.back() < 0);
    expected.insert(expected.end(), {remainder, other_sign ? remainder + b.back() : remainder});
  }
  // Vulkan leaves open what comes of a negative operand ("Precision and Operation of SPIR-V
  // Instructions"); this project gives what SPIR-V says.
  Check exact = exactly(expected);
  auto judge = [exact, expected, a, b](std::span<const std::byte> got, Precision precision) {
    std::vector<std::int32_t> values = from_bytes<std::int32_t>(got);
    for (std::size_t i = 0; precision == Precision::kVulkan && i < values.size(); ++i)
      if (a[i / 2] < 0 || b[i / 2] < 0) values[i] = expected[i];
    return exact.judge(to_bytes(values), precision);
  };
  auto n = static_cast<std::uint32_t>(a.size());
  return Case().groups(n).in({0, 0}, a).in({0, 1}, b).out({0, 2}, expected.size() * 4,
                                                          {judge, !negative});
}

Case math_integer(std::uint32_t n) {
  Random random(n);
  U32 a = words_with_edges(random, n), b = words_with_edges(random, n), c = random.words(n);
  std::rotate(b.begin(), b.begin() + 3, b.end());
  U32 expected(10 * n);
  for (std::uint32_t i = 0; i < n; ++i) {
    auto x = std::int32_t(a[i]);
    std::int32_t low = std::min(std::int32_t(b[i]), std::int32_t(c[i]));
    std::int32_t high = std::max(std::int32_t(b[i]), std::int32_t(c[i]));
    std::uint32_t ulow = std::min(b[i], c[i]), uhigh = std::max(b[i], c[i]);
    const std::array<std::uint32_t, 10> row = {x < 0 ? 0u - a[i] : a[i],
                                               std::uint32_t((x > 0) - (x < 0)),
                                               std::uint32_t(std::min(x, low)),
                                               std::uint32_t(std::max(x, high)),
                                               std::uint32_t(std::clamp(x, low, high)),
                                               std::min(a[i], ulow),
                                               std::max(a[i], uhigh),
                                               std::clamp(a[i], ulow, uhigh),
                                               lowest_bit(a[i]),
                                               highest_signed_bit(a[i])};
    for (std::size_t f = 0; f < row.size(); ++f) expected[f * n + i] = row[f];
  }
  return Case().threads(n).push(n).in({0, 0}, a).in({0, 1}, b).in({0, 2}, c).out({0, 3}, expected);
}

Case vectors(std::uint32_t n) {
  using Vec = std::array<std::int32_t, 4>;
  Random random(n);
  std::vector<Vec> a(n), expected;
  for (Vec& v : a) {
    for (std::int32_t& c : v) c = static_cast<std::int32_t>(random.u32() >> 1);
  }
  a[2] = a[1];
  a[5] = {a[4][1], a[4][0], 7, 7};
  for (std::uint32_t i = 0; i < n; ++i) {
    Vec x = a[i], y = a[(i + 1) % n], dynamic = x, mixed = x, shifted{};
    dynamic[std::size_t(y[0] & 3)] = y[std::size_t(x[3] & 3)];
    bool any = false, all = true;
    for (std::size_t c = 0; c < 4; ++c) {
      any = any || x[c] < y[c];
      all = all && x[c] < y[c];
      if (x[c] < y[c]) mixed[c] = y[c];
      shifted[c] = (x[c] >> 3) ^ static_cast<std::int32_t>(-(x[c] & 0xFFFF) * 0.5);
    }
    auto sum = [](std::int32_t p, std::int32_t q) {
      return std::int32_t(std::uint32_t(p) + std::uint32_t(q));
    };
    bool crossed = x[0] == y[1] || x[1] == y[0];
    expected.push_back({sum(x[3], y[0]), sum(x[2], y[0]), sum(x[1], y[2]), sum(x[0], y[2])});
    expected.push_back(dynamic);
    expected.push_back(mixed);
    expected.push_back({any, all, crossed, x == y});
    expected.push_back(shifted);
    std::int32_t dot = (y[0] & 255) + 2 * (y[1] & 255) + 3 * (y[2] & 255);
    expected.push_back({x[0], y[3], y[0], x[3] | dot});
  }
  return Case().threads(n).push(n).in({0, 0}, a).out({0, 1}, expected);
}

Case conversions(std::uint32_t n) {
  Random random(n);
  std::vector<float> a = random.floats(n, -2e9, 2e9);
  const std::array<float, 14> edges = {
      0.0f,  -0.0f,         0.5f,           -0.5f,       1.0f,   -1.0f, 1.99999988f,
      -2.5f, 2147483520.0f, -2147483648.0f, 16777217.0f, 1e-30f, 3.0f,  -8388609.0f};
  std::copy(edges.begin(), edges.end(), a.begin());
  constexpr std::size_t kRow = 8;
  constexpr std::uint32_t kExactBelow = 0x4B800000;  // 2^24: up to it, f32 has every integer
  U32 words = words_with_edges(random, n), expected;
  auto bits = [](float value) { return std::bit_cast<std::uint32_t>(value); };
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t w = words[i];
    float other = std::bit_cast<float>((w & 0x4FFFFFFFu) | 0x3F000000u);
    expected.insert(expected.end(),
                    {std::uint32_t(std::int32_t(a[i])), std::uint32_t(std::abs(a[i])),
                     bits(static_cast<float>(w)), bits(static_cast<float>(std::int32_t(w))),
                     bits(a[i]) ^ w, std::uint32_t(other > a[i]), std::uint32_t((w & 3) != 0),
                     bits(static_cast<float>(w & 1))});
  }
  // Vulkan leaves open how an integer is rounded that no f32 can be: the numbers on both sides of
  // the one in columns 2 and 3 will do. This project rounds to the nearest even one.
  Check exact = exactly(expected);
  auto judge = [exact, expected](std::span<const std::byte> got, Precision precision) {
    U32 values = from_bytes<std::uint32_t>(got);
    for (std::size_t i = 0; precision == Precision::kVulkan && i < values.size(); ++i) {
      const bool rounded = i % kRow == 2 || i % kRow == 3;
      const bool beside = values[i] + 1 == expected[i] || values[i] - 1 == expected[i];
      if (rounded && beside && (expected[i] << 1) >= (kExactBelow << 1)) values[i] = expected[i];
    }
    return exact.judge(to_bytes(values), precision);
  };
  return Case()
      .threads(n)
      .push(n)
      .in({0, 0}, a)
      .in({0, 1}, words)
      .out({0, 2}, expected.size() * 4, {judge, false});
}

}  // namespace

std::vector<Entry> integer_cases() {
  return {
      {"bit_operations", "n=400", [] { return bit_operations(400); }},
      {"mul_extended", "n=300", [] { return mul_extended(300); }},
      {"integer_division", "edges and random", integer_division},
      {"signed_remainder", "not negative", [] { return signed_remainder(false); }},
      {"signed_remainder", "negative", [] { return signed_remainder(true); }},
      {"math_integer", "n=300", [] { return math_integer(300); }},
      {"vectors", "n=100", [] { return vectors(100); }},
      {"conversions", "n=300", [] { return conversions(300); }},
  };
}

}  // namespace sokr::conformance
