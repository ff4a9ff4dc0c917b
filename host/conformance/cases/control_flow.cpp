// SPDX-License-Identifier: MIT OR Apache-2.0
// Loops, switches, returns, calls and private memory: every result is exact.
#include <array>

#include "case.hpp"

namespace sokr::conformance {
namespace {

using U32 = std::vector<std::uint32_t>;

// A kernel of one input word to one output word.
Case map(std::uint32_t n, const std::function<std::uint32_t(std::uint32_t)>& function) {
  Random random(n);
  U32 a = words_with_edges(random, n), expected;
  for (std::uint32_t x : a) expected.push_back(function(x));
  return Case().threads(n).push(n).in({0, 0}, a).out({0, 1}, 4 * n, exactly(expected));
}

std::uint32_t nested_loops(std::uint32_t x) {
  std::uint32_t sum = 0;
  for (std::uint32_t outer = 0; outer < x % 11; ++outer) {
    if ((x >> outer) % 5 == 3) continue;
    std::uint32_t inner = 0;
    while (true) {
      ++inner;
      if ((inner ^ x) % 7 == 0) break;
      if ((inner + outer) % 3 == 0) continue;
      sum += inner * (outer + 1);
      if (inner > 12) break;
    }
    if (sum > 4000) break;
    sum ^= inner;
  }
  do {
    x = (x & 1) != 0 ? 3 * x + 1 : x >> 1;
    ++sum;
  } while (x > 1 && sum % 64 != 63);
  return sum * 31 + (x & 0xFF);
}

std::uint32_t classify(std::int32_t x) {
  if (x == -3) return 100;
  if (x == 0) return 1;
  if (x == 1 || x == 2) return 2;
  if (x == 0x7FFFFFFF) return 3;
  if (x == -0x7FFFFFFF - 1) return 4;
  return x < 0 ? 5 : 6;
}

std::uint32_t switches(std::uint32_t x) {
  constexpr std::array<std::uint32_t, 8> kChain = {111,          110, 1000 + 10000, 10000,
                                                   1000 + 10000, 100, 1000 + 10000, 0};
  std::uint32_t value = kChain[x % 8];
  bool falls_to_last = x % 8 == 2 || x % 8 == 3 || x % 8 == 4 || x % 8 == 6 || x % 8 == 7;
  if (falls_to_last && (x & 16) == 0) value += 100000;
  for (std::uint32_t step = 0; step < 6; ++step) {
    std::uint32_t digit = (x >> (4 * step)) & 7;
    if (digit == 0) continue;
    if (digit == 2) value += step;
    if (digit == 2 || digit == 3) {
      value *= 3;
      continue;
    }
    if (digit == 1) value ^= 0x55;
    if (digit == 4 && value > 200000) return value;
    if (digit > 4) value -= 1;
    value += 7;
  }
  return value + classify(std::int32_t(x)) + classify(std::int32_t(x % 5) - 2);
}

// The smallest divisor of x in [low, high), or 0.
std::uint32_t divisor(std::uint32_t x, std::uint32_t low, std::uint32_t high) {
  for (std::uint32_t d = low; d < high; ++d) {
    if (x % d == 0) return d;
  }
  return 0;
}

std::uint32_t steps(std::uint32_t x) {
  std::uint32_t count = 0;
  while (x % 3 != 2) {
    if (x % 3 == 0 && x < 9) return count;
    if (x % 3 == 1 && count > 20) return 1000 + x;
    x = x % 3 == 0 ? x / 3 : 2 * x + 1;
    ++count;
  }
  return 500 + count;
}

std::uint32_t early_return(std::uint32_t word) {
  std::uint32_t x = word % 5000 + 2, sum = 0;
  for (std::uint32_t k = 0; k < 4; ++k) {
    std::uint32_t d = divisor(x + k, 2, 24);
    if (d == 0) return sum + steps(x + k);
    sum = sum * 24 + d;
  }
  return sum;
}

Case functions(std::uint32_t n) {
  Random random(n);
  U32 a = random.words(n), expected;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t sum = i, calls = 0;
    std::array<std::uint32_t, 4> history = {1, 2, 3, 4};
    std::array<std::uint32_t, 3> last = {i, i + 1, i + 2};
    for (std::uint32_t k = 0; k < 5; ++k) {
      std::uint32_t x = a[(i + k) % n];
      history = {x, history[0], history[1], history[2]};
      last = {last[1] + x, last[2] + 1, last[0] + 2};
      sum += x * last[0];
      for (std::size_t j = 0; j < 4; ++j) {
        std::uint32_t product = history[j] * (2654435761u + k);
        history[(j + 1) % 4] ^= (product & 0xFFFF) + (product >> 16);
      }
      calls += 6;
    }
    for (std::uint32_t value : history) sum = sum * 33 + value;
    expected.push_back(sum * 100 + calls);
  }
  return Case().threads(n).push(n).in({0, 0}, a).out({0, 1}, expected);
}

std::uint32_t private_arrays(std::uint32_t word) {
  constexpr std::array<std::uint32_t, 16> kPrimes = {2,  3,  5,  7,  11, 13, 17, 19,
                                                     23, 29, 31, 37, 41, 43, 47, 53};
  std::array<std::uint32_t, 16> counts{};
  std::array<std::uint32_t, 64> grid{};
  for (std::uint32_t k = 0; k < 16; ++k) counts[k] = k;
  int x = 4, y = 4;
  for (std::uint32_t k = 0; k < 16; ++k) {
    std::uint32_t digit = (word >> (2 * k)) & 3;
    counts[(word >> k) & 15] += kPrimes[(digit + k) & 15];
    x = (x + (digit == 0) - (digit == 2)) & 7;
    y = (y + (digit == 1) - (digit == 3)) & 7;
    grid[std::size_t(8 * y + x)] += k + 1;
  }
  std::uint32_t hash = 17;
  for (std::uint32_t count : counts) hash = hash * 31 + count;
  for (std::uint32_t cell : grid) hash = hash * 7 + cell;
  return hash;
}

Case long_loop(std::uint32_t iterations) {
  U32 expected(32);
  for (std::uint32_t lane = 0; lane < 16; ++lane) {
    std::uint32_t hash = lane;
    for (std::uint32_t i = 0; i < iterations + lane; ++i) hash = hash * 1664525u + 1013904223u;
    expected[lane] = iterations + lane;
    expected[16 + lane] = hash;
  }
  return Case().groups(1).push(iterations).out({0, 0}, expected);
}

Case copies_and_phis() {
  U32 in = {11, 22, 33, 44, 6, 10};  // component 2 is replaced; ten Fibonacci steps
  in.resize(8, 0);
  U32 out(in.begin(), in.end()), more(12, 0xEEEEEEEEu);
  const U32 results = {11, 22, 99, 44, 55, 89, 0x3FC00000u, 0x40200000u, 6, 10};
  U32 after = results;
  after.resize(12, 0xEEEEEEEEu);
  // The last eight bytes of the structure are padding.
  auto judge = [in](std::span<const std::byte> got, Precision precision) {
    return exactly(U32(in.begin(), in.begin() + 6)).judge(got.first(24), precision);
  };
  return Case()
      .groups(1)
      .in({0, 0}, in)
      .out({0, 1}, 32, {judge, false})
      .in_out({0, 2}, more, exactly(after));
}

}  // namespace

std::vector<Entry> control_flow_cases() {
  return {
      {"control_flow", "n=500", [] { return map(500, nested_loops); }},
      {"switch_fallthrough", "n=600", [] { return map(600, switches); }},
      {"early_return", "n=400", [] { return map(400, early_return); }},
      {"functions", "n=150", [] { return functions(150); }},
      {"private_arrays", "n=300", [] { return map(300, private_arrays); }},
      {"long_loop", "1000 iterations", [] { return long_loop(1000); }},
      {"long_loop", "100000 iterations", [] { return long_loop(100000); }},
      {"copies_and_phis", "one", copies_and_phis},
  };
}

}  // namespace sokr::conformance
