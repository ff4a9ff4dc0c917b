// SPDX-License-Identifier: MIT OR Apache-2.0
// Small kernels, one for each group of capabilities that no other kernel of the suite holds.
#include <algorithm>
#include <array>

#include "case.hpp"

namespace sokr::conformance {
namespace {

using U32 = std::vector<std::uint32_t>;
constexpr std::uint32_t kThreads = 64;

// 0.0 in, 0.1 out, a value for each invocation.
template <class Rule>
Case mapped(Rule rule) {
  Random random(kThreads);
  const U32 a = words_with_edges(random, kThreads);
  U32 expected(kThreads);
  for (std::uint32_t i = 0; i < kThreads; ++i) expected[i] = rule(a, i);
  return Case().threads(kThreads).in({0, 0}, a).out({0, 1}, expected);
}

Case declared() {
  return mapped([](const U32& a, std::uint32_t i) { return a[i] * 3; });
}

Case expect_assume() {
  return mapped([](const U32& a, std::uint32_t i) { return a[i] & 1 ? a[i] * 3 : a[i]; });
}

Case rotated() {
  return mapped([](const U32& a, std::uint32_t i) {
    const std::uint32_t first = i & ~3u;
    return a[first + ((i + 1) & 3)] * 8 + a[first + ((i + 3) & 3)];
  });
}

Case clusters() {
  return mapped([](const U32& a, std::uint32_t i) {
    const U32 four(a.begin() + (i & ~3u), a.begin() + (i & ~3u) + 4);
    return (four[0] + four[1] + four[2] + four[3]) * 27 + four[(i & 3) ^ 1] * 9 +
           four[(i & 3) ^ 2] * 3 + four[2];
  });
}

std::int32_t byte_of(std::uint32_t word, int k, bool is_signed) {
  const std::uint32_t bits = word >> (8 * k) & 0xFF;
  return is_signed ? static_cast<std::int8_t>(bits) : static_cast<std::int32_t>(bits);
}

std::int32_t byte_dot(std::uint32_t x, std::uint32_t y, bool x_signed, bool y_signed) {
  std::int32_t sum = 0;
  for (int k = 0; k < 4; ++k) sum += byte_of(x, k, x_signed) * byte_of(y, k, y_signed);
  return sum;
}

Case dot_products() {
  return mapped([](const U32& a, std::uint32_t i) {
    const std::uint32_t x = a[i], y = x * 2654435761u;
    const auto packed = static_cast<std::uint32_t>(byte_dot(x, y, true, true));
    const auto more =
        static_cast<std::uint32_t>(byte_dot(x, y, true, true) + byte_dot(x, y, true, false));
    const auto bytes = static_cast<std::uint32_t>(byte_dot(x, y, false, false));
    const std::uint32_t words = x * y + i * 3;
    return ((((packed * 3) ^ more) * 3) ^ bytes) * 3 ^ words;
  });
}

Case descriptor_nonuniform() {
  Random random(7);
  const U32 a = random.words(kThreads);
  Case made;
  made.threads(kThreads).in({0, 0}, a);
  std::array<U32, 4> storage;
  std::array<U32, 4> uniform;
  for (std::uint32_t k = 0; k < 4; ++k) {
    storage[k] = random.words(kThreads);
    uniform[k] = random.words(4);
    made.in({0, 1, k}, storage[k]).in_sized({0, 2, k}, uniform[k]);
  }
  U32 expected(kThreads);
  for (std::uint32_t i = 0; i < kThreads; ++i)
    expected[i] = storage[a[i] & 3][i] + uniform[a[i] & 3][1];
  made.out({0, 3}, expected);
  return made;
}

Case push_bytes() {
  const std::int8_t a = -7;
  const std::uint8_t b = 250;
  const std::int16_t c = -300;
  std::vector<std::int32_t> expected(kThreads);
  for (std::int32_t i = 0; i < 64; ++i) expected[static_cast<std::size_t>(i)] = a * i + b - c;
  return Case().threads(kThreads).push(a, b, c).out({0, 0}, expected);
}

Case workgroup_bytes() {
  return mapped([](const U32& a, std::uint32_t i) {
    const std::uint32_t x = a[63 - i];
    return (x & 0xFF) | (x >> 16 & 0xFF) << 8;
  });
}

Case atomics_device() {
  Random random(9);
  const U32 a = random.words(256);
  std::uint32_t sum = 0;
  for (const std::uint32_t x : a) sum += x;
  return Case().threads(256).in({0, 0}, a).in_out({0, 1}, U32{0, 0}, exactly(U32{sum, 256}));
}

// Sums that every format holds, in any order.
Case atomics_float_all() {
  Random random(11);
  std::vector<std::int32_t> a(256);
  for (std::int32_t& x : a) x = static_cast<std::int32_t>(random.u32() % 9) - 4;
  std::int32_t sum = 0, low = 0, high = 0;
  for (const std::int32_t x : a) {
    sum += x;
    low = std::min(low, x);
    high = std::max(high, x);
  }
  const auto half = [](double x) { return to_half(x).bits; };
  const std::vector<float> floats{float(sum), float(low), float(high)};
  const std::vector<double> doubles{double(sum), double(low), double(high)};
  const std::vector<std::uint16_t> halves{half(sum), half(low), half(high)};
  return Case()
      .threads(256)
      .in({0, 0}, a)
      .in_out({0, 1}, std::vector<std::uint16_t>(3), exactly(halves))
      .in_out({0, 2}, std::vector<float>(3), exactly(floats))
      .in_out({0, 3}, std::vector<double>(3), exactly(doubles));
}

Case shader_clock() {
  return Case().threads(kThreads).out({0, 0}, U32(kThreads, 1));
}

}  // namespace

std::vector<Entry> capability_cases() {
  return {
      {"declared", "n=64", declared},
      {"expect_assume", "n=64", expect_assume},
      {"subgroup_rotate", "n=64", rotated},
      {"subgroup_clusters", "n=64", clusters},
      {"dot_products", "n=64", dot_products},
      {"descriptor_nonuniform", "n=64", descriptor_nonuniform},
      {"push_bytes", "n=64", push_bytes},
      {"workgroup_bytes", "n=64", workgroup_bytes},
      {"atomics_device", "n=256", atomics_device},
      {"atomics_float_all", "n=256", atomics_float_all},
      {"shader_clock", "n=64", shader_clock},
  };
}

}  // namespace sokr::conformance
