// SPDX-License-Identifier: MIT OR Apache-2.0
// Barriers, atomic operations and the memory model.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "case.hpp"

namespace sokr::conformance {
namespace {

using U32 = std::vector<std::uint32_t>;

// Every lane's value moved by `by` places.
U32 rotated(const U32& values, std::uint32_t by) {
  U32 result;
  for (std::size_t lane = 0; lane < 64; ++lane) result.push_back(values[(lane + by) % 64]);
  return result;
}

U32 barrier_group(std::uint32_t group, std::uint32_t rounds) {
  U32 values;
  for (std::uint32_t lane = 0; lane < 64; ++lane) values.push_back(lane * lane + group);
  for (std::uint32_t i = 0; i < rounds; ++i) {
    if (i % 3 == 0) {
      values = rotated(values, i + 1);
      for (std::uint32_t lane = 0; lane < 64; ++lane) values[lane] = values[lane] * 3 + lane;
    } else if (i % 3 == 1) {
      for (std::uint32_t j = 0; j <= i % 4; ++j) {
        U32 moved = rotated(values, 7);
        for (std::uint32_t lane = 0; lane < 64; ++lane) values[lane] ^= moved[lane] + j;
      }
    } else {
      for (std::uint32_t& value : values) value += i;
    }
  }
  for (std::uint32_t turn = 1; turn <= group + 2; ++turn) {
    values = rotated(values, 1);
    for (std::uint32_t& value : values) value += turn;
  }
  return values;
}

Case barriers(std::uint32_t groups, std::uint32_t rounds) {
  U32 expected;
  for (std::uint32_t group = 0; group < groups; ++group) {
    for (std::uint32_t value : barrier_group(group, rounds)) expected.push_back(value);
  }
  return Case().groups(groups).push(rounds).out({0, 0}, expected);
}

Case atomics_buffer(std::uint32_t n) {
  Random random(n);
  U32 a = words_with_edges(random, n), state(74), after;
  state[0] = 5;
  state[1] = 0xFFFFFFFFu;
  state[3] = 0x7FFFFFFFu;
  state[4] = 0x80000000u;
  state[5] = 0xFFFFFFFFu;
  after = state;
  for (std::uint32_t x : a) {
    auto less = [](std::uint32_t p, std::uint32_t q) { return std::int32_t(p) < std::int32_t(q); };
    after[0] += x;
    after[1] = std::min(after[1], x);
    after[2] = std::max(after[2], x);
    after[3] = std::min(after[3], x, less);
    after[4] = std::max(after[4], x, less);
    after[5] &= x | 0x00FF00FFu;
    after[6] |= x & 0x0F0F0F0Fu;
    after[7] ^= x;
    after[8 + x % 64] = 1;
    after[72] += (x & 7) * (x & 7);
    after[73] += 1;
  }
  // The old values of the counter: each number once, in any order.
  auto judge = [n](std::span<const std::byte> got, Precision precision) {
    U32 tickets = from_bytes<std::uint32_t>(got), all(n);
    std::sort(tickets.begin(), tickets.end());
    std::iota(all.begin(), all.end(), 0u);
    return exactly(all).judge(to_bytes(tickets), precision);
  };
  return Case()
      .threads(n)
      .push(n)
      .in({0, 0}, a)
      .in_out({0, 1}, state, exactly(after))
      .out({0, 2}, 4 * n, {judge, false});
}

Case atomics_shared(std::uint32_t n) {
  Random random(n);
  U32 a = random.words(n), expected;
  for (std::uint32_t start = 0; start < n; start += 64) {
    std::array<std::uint32_t, 7> values{};
    values[3] = 0xFFFFFFFFu;
    std::int32_t smallest = 0x7FFFFFFF;
    std::uint32_t places = 0;
    for (std::uint32_t i = start; i < std::min(start + 64, n); ++i) {
      std::uint32_t x = a[i];
      values[0] += x;
      values[1] = std::max(values[1], x);
      values[2] |= 1u << (x & 31);
      values[3] &= x;
      values[4] ^= x;
      smallest = std::min(smallest, std::int32_t(x));
      places += ++values[5];
      values[6] = std::max(values[6], x ^ 0x5555u);
    }
    expected.insert(expected.end(), values.begin(), values.end());
    expected.push_back(std::uint32_t(smallest) ^ places);
  }
  return Case().threads(n).push(n).in({0, 0}, a).out({0, 1}, expected);
}

Case atomics_int64(std::uint32_t n) {
  Random random(n);
  auto a = random.integers<std::uint64_t>(n);
  std::vector<std::uint64_t> state(4 + (n + 63) / 64), after;
  state[1] = ~std::uint64_t{0};
  after = state;
  for (std::uint32_t i = 0; i < n; ++i) {
    after[0] += a[i];
    after[1] = std::min(after[1], a[i]);
    after[2] = std::max(after[2], a[i]);
    after[3] |= a[i] & 0x00FF00FF00FF00FFu;
    after[4 + i / 64] += a[i] >> 3;
  }
  return Case().threads(n).push(n).in({0, 0}, a).in_out({0, 1}, state, exactly(after));
}

Case atomics_float(std::uint32_t n) {
  Random random(n);
  std::vector<float> a(n), state(1 + (n + 63) / 64), after;
  state[0] = 0.5f;
  after = state;
  for (std::uint32_t i = 0; i < n; ++i) {
    a[i] = static_cast<float>(random.u32() % 100);
    after[0] += a[i];
    after[1 + i / 64] += 2 * a[i];
  }
  return Case().threads(n).push(n).in({0, 0}, a).in_out({0, 1}, state, exactly(after));
}

Case memory_model(std::uint32_t groups) {
  Random random(groups);
  U32 a = random.words(64 * groups), state(2 + groups), after(2 + groups);
  after[0] = groups;
  for (std::uint32_t group = 0; group < groups; ++group) {
    for (std::uint32_t i = 0; i < 64; ++i) after[2 + group] += a[64 * group + i];
    after[1] = after[1] * 3 + after[2 + group];
  }
  return Case().groups(groups).in({0, 0}, a).in_out({0, 1}, state, exactly(after));
}

}  // namespace

std::vector<Entry> concurrency_cases() {
  return {
      {"barriers", "5 groups, 9 rounds", [] { return barriers(5, 9); }},
      {"barriers", "1 group, no rounds", [] { return barriers(1, 0); }},
      {"atomics_buffer", "n=500", [] { return atomics_buffer(500); }},
      {"atomics_shared", "n=300", [] { return atomics_shared(300); }},
      {"atomics_int64", "n=300", [] { return atomics_int64(300); }},
      {"atomics_float", "n=300", [] { return atomics_float(300); }},
      {"memory_model", "40 groups", [] { return memory_model(40); }},
  };
}

}  // namespace sokr::conformance
