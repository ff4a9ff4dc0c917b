// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include "case.hpp"

namespace sokr::conformance {
namespace {

Case reduce(std::uint32_t n, std::uint32_t groups) {
  Random random(n);
  std::vector<float> values = random.floats(n, -1, 2);
  std::vector<double> expected(groups), magnitude(groups);
  for (std::uint32_t i = 0; i < n; ++i) {
    expected[i / 256 % groups] += values[i];
    magnitude[i / 256 % groups] += std::abs(values[i]);
  }
  // A lane adds n / (256 groups) terms, then eight levels of a tree (or subgroup sums, of
  // which the order is free): a rounding for each term of a lane and for each level.
  Tolerance tree{.relative = (double(n) / (256.0 * groups) + 9) * kEpsilon};
  Tolerance any_order{.relative = (double(n) / (256.0 * groups) + 256) * kEpsilon};
  return Case()
      .groups(groups)
      .push(n)
      .in({0, 0}, values)
      .out<float>({0, 1}, {expected, tree, any_order, magnitude});
}

Case scan(std::uint32_t n) {
  Random random(n);
  std::vector<std::uint32_t> values = random.words(n), sums(n), totals((n + 511) / 512);
  for (std::uint32_t i = 0; i < n; ++i) {
    sums[i] = totals[i / 512];
    totals[i / 512] += values[i];
  }
  auto groups = static_cast<std::uint32_t>(totals.size());
  return Case().groups(groups).push(n).in({0, 0}, values).out({0, 1}, sums).out({0, 2}, totals);
}

Case scan_add(std::uint32_t n) {
  Random random(n);
  std::vector<std::uint32_t> before = random.words(n), offsets = random.words((n + 511) / 512);
  std::vector<std::uint32_t> after = before;
  for (std::uint32_t i = 0; i < n; ++i) after[i] += offsets[i / 512];
  return Case().threads(n).push(n).in_out({0, 0}, before, exactly(after)).in({0, 1}, offsets);
}

// `shared` launches fewer invocations than words.
Case histogram(std::uint32_t n, bool shared) {
  Random random(n);
  std::vector<std::uint32_t> words = random.words(n), bins(256, 3);
  for (std::uint32_t i = 0; i < n / 2; ++i) words[i] &= 0x0F0F0F0Fu;  // contention
  std::vector<std::uint32_t> counted = bins;
  for (std::uint32_t word : words) {
    for (int byte = 0; byte < 4; ++byte) ++counted[(word >> (8 * byte)) & 255];
  }
  Case test;
  if (shared) {
    test.groups(3);
  } else {
    test.threads(n);
  }
  return test.push(n).in({0, 0}, words).in_out({0, 1}, bins, exactly(counted));
}

Case bitonic_sort(std::uint32_t n) {
  Random random(n);
  std::vector<std::uint32_t> keys = words_with_edges(random, n), sorted = keys;
  for (std::uint32_t base = 0; base < n; base += 512) {
    auto end = sorted.begin() + std::min(base + 512, n);
    std::sort(sorted.begin() + base, end);
  }
  return Case().groups((n + 511) / 512).push(n).in_out({0, 0}, keys, exactly(sorted));
}

Case softmax(std::uint32_t rows, std::uint32_t columns) {
  Random random(rows * columns);
  std::vector<float> x = random.floats(rows * columns, -8, 8);
  std::vector<double> expected(x.size());
  for (std::uint32_t row = 0; row < rows; ++row) {
    auto first = x.begin() + row * columns, last = first + columns;
    double largest = *std::max_element(first, last), sum = 0;
    for (auto value = first; value != last; ++value) sum += std::exp(*value - largest);
    for (std::uint32_t i = 0; i < columns; ++i) {
      expected[row * columns + i] = std::exp(first[i] - largest) / sum;
    }
  }
  // exp is off by 3 + 2 |x| ULP at most, |x| < 16, in the numerator and in the sum; 64
  // roundings of a sum and 2.5 ULP of the division.
  Tolerance vulkan{.ulp = 2 * 35 + 64 + 3}, strict{.ulp = 16 + 8};
  return Case().groups(rows).push(columns).in({0, 0}, x).out<float>({0, 1},
                                                                    {expected, strict, vulkan});
}

Case fft(std::uint32_t groups) {
  constexpr int kSize = 256;
  Random random(groups);
  std::vector<float> data = random.floats(groups * kSize * 2, -1, 1);
  std::vector<double> expected(data.size());
  double largest_bin = 0;
  for (std::uint32_t group = 0; group < groups; ++group) {
    for (int bin = 0; bin < kSize; ++bin) {
      std::complex<double> sum = 0;
      for (int i = 0; i < kSize; ++i) {
        std::size_t at = 2 * (group * kSize + static_cast<std::size_t>(i));
        double angle = -2 * std::numbers::pi * (bin * i % kSize) / kSize;
        sum += std::complex<double>(data[at], data[at + 1]) * std::polar(1.0, angle);
      }
      std::size_t at = 2 * (group * kSize + static_cast<std::size_t>(bin));
      expected[at] = sum.real();
      expected[at + 1] = sum.imag();
      largest_bin = std::max(largest_bin, std::abs(sum));
    }
  }
  // Eight stages; each twiddle factor may be off by 2^-11 by Vulkan's rules, and by 2^-22
  // (4 ULP, and the rounded angle) by ours.
  Tolerance vulkan{.absolute = 8 * 0x1p-11 * largest_bin};
  Tolerance strict{.absolute = 8 * 0x1p-21 * largest_bin};
  return Case().groups(groups).in_out({0, 0}, data, close<float>({expected, strict, vulkan}));
}

std::uint32_t rotate(std::uint32_t x, int by) {
  return (x >> by) | (x << (32 - by));
}

using Words8 = std::array<std::uint32_t, 8>;
using Words16 = std::array<std::uint32_t, 16>;

// The fractional bits of the square (power 2) or cube (power 3) roots of the first primes:
// how FIPS 180-4 defines its constants.
std::vector<std::uint32_t> root_bits(int count, double power) {
  std::vector<std::uint32_t> bits;
  for (int candidate = 2; static_cast<int>(bits.size()) < count; ++candidate) {
    bool prime = true;
    for (int divisor = 2; divisor * divisor <= candidate; ++divisor) {
      prime = prime && candidate % divisor != 0;
    }
    if (!prime) continue;
    double root = std::pow(static_cast<double>(candidate), 1 / power);
    bits.push_back(static_cast<std::uint32_t>((root - std::floor(root)) * 0x1p32));
  }
  return bits;
}

Words8 sha256_block(const Words16& block) {
  static const std::vector<std::uint32_t> initial = root_bits(8, 2), constants = root_bits(64, 3);
  std::vector<std::uint32_t> w(block.begin(), block.end());
  for (std::size_t i = 16; i < 64; ++i) {
    std::uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    std::uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w.push_back(w[i - 16] + s0 + w[i - 7] + s1);
  }
  auto [a, b, c, d, e, f, g, h] = std::to_array({initial[0], initial[1], initial[2], initial[3],
                                                 initial[4], initial[5], initial[6], initial[7]});
  for (std::size_t i = 0; i < 64; ++i) {
    std::uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) +
                       constants[i] + w[i];
    std::uint32_t t2 =
        (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  Words8 digest = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) digest[i] += initial[i];
  return digest;
}

Case sha256(std::uint32_t n) {
  Random random(n);
  std::vector<std::uint32_t> blocks = random.words(16 * n), digests;
  // The first message is "abc", whose digest is published.
  Words16 abc = {0x61626380u};
  abc[15] = 24;
  std::copy(abc.begin(), abc.end(), blocks.begin());
  for (std::uint32_t message = 0; message < n; ++message) {
    Words16 block;
    std::copy_n(blocks.begin() + 16 * message, 16, block.begin());
    for (std::uint32_t word : sha256_block(block)) digests.push_back(word);
  }
  const Words8 published = {0xba7816bfu, 0x8f01cfeau, 0x414140deu, 0x5dae2223u,
                            0xb00361a3u, 0x96177a9cu, 0xb410ff61u, 0xf20015adu};
  std::copy(published.begin(), published.end(), digests.begin());
  return Case().threads(n).push(n).in({0, 0}, blocks).out({0, 1}, digests);
}

}  // namespace

std::vector<Entry> parallel_cases() {
  return {
      {"reduce_shared", "n=5000", [] { return reduce(5000, 4); }},
      {"reduce_subgroup", "n=5000", [] { return reduce(5000, 4); }},
      {"scan", "n=512", [] { return scan(512); }},
      {"scan", "n=1300", [] { return scan(1300); }},
      {"scan_add", "n=1300", [] { return scan_add(1300); }},
      {"histogram_shared", "n=3000", [] { return histogram(3000, true); }},
      {"histogram_global", "n=1500", [] { return histogram(1500, false); }},
      {"bitonic_sort", "n=512", [] { return bitonic_sort(512); }},
      {"bitonic_sort", "n=1200", [] { return bitonic_sort(1200); }},
      {"softmax", "5x200", [] { return softmax(5, 200); }},
      {"fft", "2 transforms", [] { return fft(2); }},
      {"sha256", "n=70", [] { return sha256(70); }},
  };
}

}  // namespace sokr::conformance
