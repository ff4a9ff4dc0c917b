// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>

#include "pitfall.hpp"

namespace sokr::differential {
namespace {

constexpr std::uint32_t kPoison = 0xEEEEEEEE;

Words range(std::uint32_t count, std::uint32_t first = 0) {
  Words words(count);
  std::iota(words.begin(), words.end(), first);
  return words;
}
Words poison(std::size_t count) {
  return Words(count, kPoison);
}

std::string first_wrong(const Words& expected, const Words& got, std::size_t binding) {
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] != got[i])
      return fmt::format("binding {} word {} is {} (0x{:x}), expected {} (0x{:x})", binding, i,
                         got[i], got[i], expected[i], expected[i]);
  }
  return {};
}

// All buffers in full.
std::function<std::string(const std::vector<Words>&)> exactly(std::vector<Words> expected) {
  return [expected = std::move(expected)](const std::vector<Words>& got) {
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (std::string text = first_wrong(expected[i], got[i], i); !text.empty()) return text;
    return std::string();
  };
}

template <class F>
Words each(std::uint32_t count, F value) {
  Words words(count);
  for (std::uint32_t i = 0; i < count; ++i) words[i] = value(i);
  return words;
}

// One output in binding 0, one word an invocation.
template <class F>
Situation values(std::uint32_t groups, std::uint32_t count, F value) {
  Situation s;
  s.launch.groups(groups);
  s.buffers = {poison(count)};
  s.judge = exactly({each(count, value)});
  return s;
}

// Inside, next to the ends, and far away in every direction.
const Words kIndices{0,          9,          10,         11,         0xFFFFFFFF,
                     0xFFFFFFFE, 3,          0x40000000, 0x40000003, 0x7FFFFFFF,
                     0x80000000, 0xC0000001, 4096,       1000000,    5,
                     0x3FFFFFFF, 0xFFFFF000, 9,          8,          1};

Situation written_a_round_before() {
  constexpr std::int32_t kRounds = 11;
  Situation s = values(2, 128, [](std::uint32_t own) {
    std::int32_t last = 0, ring[4] = {}, sum = 0;
    for (std::int32_t i = 0; i < kRounds; ++i) {
      if (i > 0) sum += last + 1 > 3 ? 0 : i - (last + 1);
      last = i * 2;
      if (i >= 4) {
        const std::int32_t old = ring[(i + own) & 3];
        sum -= old;
        sum ^= old > 20 ? old : -old;
      }
      ring[i & 3] = i * static_cast<std::int32_t>(own + 1);
    }
    return static_cast<std::uint32_t>(sum);
  });
  s.buffers.push_back({kRounds});
  return s;
}

Situation out_of_bounds_read() {
  Situation s;
  const Words data = range(10, 500);
  const auto n = static_cast<std::uint32_t>(kIndices.size());
  s.launch.groups((n + 16) / 17);
  s.buffers = {data, kIndices, poison(n)};
  s.judge =
      exactly({data, kIndices,
               each(n, [&](std::uint32_t i) { return kIndices[i] < 10 ? data[kIndices[i]] : 0; })});
  return s;
}

Situation out_of_bounds_write() {
  Situation s;
  const Words at{0, 0xFFFFFFFF, 2, 4096, 10, 5, 0x80000001, 9, 0x40000001, 1, 11};
  Words expected = poison(10);
  for (std::uint32_t i = 0; i < at.size(); ++i)
    if (at[i] < 10) expected[at[i]] = i + 1;
  s.launch.groups(1);
  s.buffers = {at, poison(10)};
  s.judge = exactly({at, expected});
  return s;
}

Situation out_of_bounds_atomic() {
  Situation s;
  const Words at{0, 0xFFFFFFFF, 2, 4096, 10, 0, 0x40000000, 9, 9, 9, 12};
  Words expected(10);
  for (const std::uint32_t index : at)
    if (index < 10) ++expected[index];
  s.launch.groups(2);
  s.buffers = {at, Words(10)};
  s.judge = exactly({at, expected});
  return s;
}

Situation inactive_lanes() {
  Situation s;
  const Words data = range(67, 40);
  s.launch.groups(4);
  s.buffers = {data, poison(199)};
  s.judge = exactly({data, each(199, [&](std::uint32_t i) {
                       if (i % 3 == 0) return data[i / 3] + 100 / 7;
                       return i % 16 == 0 ? data[0] : i / (i % 3);
                     })});
  return s;
}

Situation builtins(std::array<std::uint32_t, 3> size, std::array<std::uint32_t, 3> groups) {
  Situation s;
  const std::uint32_t nx = size[0] * groups[0], ny = size[1] * groups[1], nz = size[2] * groups[2];
  s.launch.groups(groups[0], groups[1], groups[2]);
  for (std::uint32_t i = 0; i < 3; ++i) s.launch.specialize(i, size[i]);
  s.buffers = {poison(std::size_t{nx} * ny * nz)};
  s.judge = exactly({each(nx * ny * nz, [=](std::uint32_t i) {
    return i % nx + 1000 * (i / nx % ny) + 1000000 * (i / nx / ny);
  })});
  return s;
}

std::uint32_t fall(std::uint32_t i) {
  switch (i % 7) {
    case 0:
      return 11;
    case 1:
      return 10;
    case 3:
      return 100000;
    default:
      break;
  }
  std::uint32_t x = i % 7 == 5 ? 100 : 0;
  if (i % 7 != 2) x += 1000;
  x += 10000;
  return i > 20 ? x : x + 7 + 100000;
}

std::uint32_t search(std::uint32_t goal) {
  for (std::uint32_t i = 0; i < 9; ++i) {
    for (std::uint32_t j = 0; j < 9; ++j) {
      if (i * j == goal && i > 1) return i * 100 + j;
      if (i + j == goal) break;
    }
    if (i == goal) continue;
    if (i * i > goal + 40) return 7000 + i;
  }
  return 9999;
}

Situation long_loop() {
  return values(1, 16, [](std::uint32_t at) {
    const std::uint32_t i = at / 2, rounds = 100000 - i * 1000;
    std::uint32_t x = i;
    for (std::uint32_t k = 0; k < rounds; ++k) x = x * 1664525 + 1013904223;
    return at % 2 == 0 ? rounds : x;
  });
}

std::uint32_t leave(std::uint32_t i) {
  std::uint32_t last = 0;
  for (std::uint32_t k = 0; k < 40; ++k) {
    last = k * k + i;
    if (k == (i * 7) % 41) break;
    for (std::uint32_t m = 0; m < (i & 3); ++m) last += m;
  }
  return last;
}

Situation nested_loop_value() {
  constexpr std::uint32_t kBase = 3;
  Situation s = values(2, 128, [](std::uint32_t i) {
    const std::uint32_t rounds = std::max(i % 29, 1u);
    return kBase * 1000 + kBase + (rounds - 1) * 10 + 1;
  });
  s.launch.push(kBase);
  return s;
}

Situation barrier_in_condition(std::uint32_t turn) {
  Situation s = values(3, 36, [turn](std::uint32_t i) {
    const std::uint32_t l = i % 12, group = i / 12;
    if (group % 2 == turn) return (11 - l) * (11 - l);
    return turn == 0 ? (11 - l) + 5 : l;
  });
  s.launch.push(turn);
  return s;
}

Situation atomic_same_address() {
  Situation s;
  s.launch.groups(3);
  s.buffers = {Words(1), poison(192 * 2)};
  s.judge = [](const std::vector<Words>& got) -> std::string {
    if (got[0][0] != 192) return fmt::format("the count is {}, expected 192", got[0][0]);
    Words all(got[1].begin(), got[1].begin() + 192);
    std::ranges::sort(all);
    if (all != range(192)) return "two invocations got the same old value of the buffer's count";
    for (std::ptrdiff_t g = 0; g < 3; ++g) {
      Words group(got[1].begin() + 192 + g * 64, got[1].begin() + 256 + g * 64);
      std::ranges::sort(group);
      if (group != range(64)) return "two invocations got the same old value of the shared count";
    }
    return {};
  };
  return s;
}

Situation atomic_operations() {
  constexpr std::uint32_t kCount = 70;
  Situation s;
  const Words before{5, 5000, 3, 0xFFFFFFFF, 0, 1,   0,
                     0, 9,    0, 0,          0, 100, static_cast<std::uint32_t>(-100)};
  Words after = before;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    after[0] += i;
    after[5] ^= i * 0x9E3779B9;
  }
  after[1] = 1000 - (kCount - 1);
  after[2] = (kCount - 1) * 3;
  after[3] = 0;
  after[4] = 0xFFFFFFFF;
  after[6] = 77;
  after[8] += 2 * kCount;
  after[12] = static_cast<std::uint32_t>(-50);
  after[13] = 50;
  s.launch.groups(kCount / 7);
  s.buffers = {before};
  s.judge = [after](const std::vector<Words>& got) {
    Words words = got[0];
    // How many swaps of word 7 succeed depends on the order: at least that of invocation 0.
    const bool chained = words[7] >= 1 && words[7] <= kCount;
    words[7] = after[7];
    return chained ? first_wrong(after, words, 0)
                   : std::string("word 7 was not swapped in a chain");
  };
  return s;
}

std::uint32_t bits(float x) {
  return std::bit_cast<std::uint32_t>(x);
}

// std430: Item is 80 bytes (a at 0, b at 12, m at 16 with columns of 16, tail at 64, rounded
// to 16); r[2] at 8, three rows of 8 bytes each, 24 an element; items at 64.
Situation layouts() {
  constexpr std::uint32_t kItems = 5, kItemWords = 20, kFirst = 16;
  Situation s;
  Words in(kFirst + kItems * kItemWords);
  in[0] = 1000;
  for (std::uint32_t k = 0; k < 12; ++k) in[2 + k] = bits(static_cast<float>(300 + k));
  const auto item = [&](std::uint32_t i, std::uint32_t word) {
    return kFirst + i * kItemWords + word;
  };
  for (std::uint32_t i = 0; i < kItems; ++i) {
    for (std::uint32_t k = 0; k < 16; ++k) in[item(i, k)] = bits(static_cast<float>(i * 20 + k));
    for (std::uint32_t k = 16; k < 19; ++k) in[item(i, k)] = i * 20 + k;
  }
  const Words out = each(kItems * 4, [&](std::uint32_t at) {
    const std::uint32_t i = at / 4;
    switch (at % 4) {
      case 0:
        return 1000 + (i * 20 + i % 3) + (i * 20 + 3);
      case 1:
        return i * 20 + 4 + 4 * (i % 3) + (i + 1) % 3;
      case 2:
        return i * 20 + 16 + (i + 2) % 3;
      // Column 1, row i % 3 of a row-major 2 x 3: rows of two floats.
      default:
        return 300 + (i & 1) * 6 + (i % 3) * 2 + 1;
    }
  });
  s.launch.groups(2);
  s.buffers = {in, poison(kItems * 4)};
  s.judge = exactly({in, out});
  return s;
}

std::uint32_t sorted_digest(std::uint32_t i) {
  std::array<std::uint32_t, 9> a{};
  for (std::uint32_t k = 0; k < 9; ++k) a[k] = ((i + 3) * (k * 7 + 5)) % 31;
  std::ranges::sort(a);
  return std::accumulate(a.begin(), a.end(), 0u,
                         [](std::uint32_t d, std::uint32_t x) { return d * 31 + x; });
}

std::uint32_t continuing(std::uint32_t i) {
  std::uint32_t x = 1, k = 0;
  do {
    ++k;
    const std::uint32_t which = (x + i) % 4;
    if (which == 0) {
      x += 3;
      continue;
    }
    if (which == 3) {
      if ((i & 1) == 1) continue;
      x += i;
    } else if (which == 2 || k <= 6) {
      if (which == 1) x *= 3;
      x ^= k;
    }
    x = x * 5 + 1;
  } while (k < 10 && x % 11 != 0);
  return x * 16 + k;
}

Situation wrapping_index(std::uint32_t wrap) {
  Situation s;
  const Words data = range(32, 70);
  s.launch.groups(1).push(wrap);
  s.buffers = {data, poison(16)};
  s.judge = exactly(
      {data, each(16, [&](std::uint32_t i) { return i % 2 == 0 ? data[i / 2 * 4 + 1] : 0; })});
  return s;
}

Situation negative_step(std::int32_t offset) {
  Situation s;
  const Words data = range(192, 1000);
  s.launch.groups(3).push(offset);
  s.buffers = {data, poison(192)};
  s.judge =
      exactly({data, each(192, [&](std::uint32_t i) { return data[i] + data[191 - i] * 3; })});
  return s;
}

Situation fill_sizes(std::uint32_t size) {
  constexpr std::uint32_t kCount = 1000;
  Situation s;
  const Words data = each(kCount, [](std::uint32_t i) { return i * i + 1; });
  s.launch.groups((kCount + size - 1) / size).specialize(0, size);
  s.buffers = {data, poison(kCount)};
  s.judge = exactly({data, each(kCount, [&](std::uint32_t i) {
                       std::uint32_t sum = 0;
                       const std::uint32_t first = i / size * size;
                       for (std::uint32_t k = first; k < first + size && k < kCount; ++k)
                         sum += data[k];
                       return data[i] * 2 + sum;
                     })});
  return s;
}

std::string judge_subgroups(const std::vector<Words>& got) {
  constexpr std::uint32_t kLocal = 49;
  const std::uint32_t size = got[0][0];
  if (!std::has_single_bit(size)) return fmt::format("the subgroup size is {}", size);
  Words expected;
  for (std::uint32_t i = 0; i < 2 * kLocal; ++i) {
    const std::uint32_t l = i % kLocal, first = l / size * size,
                        end = std::min(first + size, kLocal);
    std::uint32_t sum = 0, before = 0, even = 0;
    for (std::uint32_t k = first; k < end; ++k) {
      const std::uint32_t x = k * 3 + 1;
      sum += x;
      if (k < l) before += x;
      even += x % 2 == 0;
    }
    for (const std::uint32_t word :
         {size, l - first, sum, before, even, first * 3 + 1, (end - 1) * 3 + 1, l / size})
      expected.push_back(word);
  }
  return first_wrong(expected, got[0], 0);
}

Situation subgroup_tail() {
  Situation s;
  s.launch.groups(2);
  s.buffers = {poison(2 * 49 * 8)};
  s.judge = judge_subgroups;
  return s;
}

}  // namespace

std::vector<Pitfall> pitfalls() {
  const char* const robustness = "reads and writes beyond a buffer's end are its own affair";
  std::vector<Pitfall> all{
      {"reads out of bounds", "out_of_bounds_read", out_of_bounds_read, robustness},
      {"writes out of bounds", "out_of_bounds_write", out_of_bounds_write, robustness},
      {"atomics out of bounds", "out_of_bounds_atomic", out_of_bounds_atomic, robustness},
      {"inactive lanes", "inactive_lanes", inactive_lanes},
      {"switch fallthrough", "switch_fallthrough", [] { return values(2, 61, fall); }},
      {"return in nested loops", "return_in_nested_loops",
       [] {
         return values(4, 60,
                       [](std::uint32_t i) { return search(i) + search(i + 5) + search(i + 10); });
       }},
      {"100000 iterations", "long_loop", long_loop, "its loops end after 65,535 iterations"},
      {"values that leave a loop", "loop_exit_value", [] { return values(2, 128, leave); }},
      {"values that leave nested loops", "nested_loop_value", nested_loop_value},
      {"barriers in a loop", "barrier_in_loop",
       [] { return values(2, 66, [](std::uint32_t i) { return (i % 33 + 20) % 33 * 100 + 20; }); },
       "it loses the 33rd invocation after a loop with barriers"},
      {"barriers in a condition 0", "barrier_in_condition", [] { return barrier_in_condition(0); }},
      {"barriers in a condition 1", "barrier_in_condition", [] { return barrier_in_condition(1); }},
      {"atomics on one address", "atomic_same_address", atomic_same_address},
      {"atomic operations", "atomic_operations", atomic_operations},
      {"layouts", "layouts", layouts},
      {"private arrays", "private_arrays", [] { return values(3, 51, sorted_digest); }},
      {"private arrays, written a round before", "written_a_round_before", written_a_round_before},
      {"continue in a switch", "continue_in_switch", [] { return values(2, 128, continuing); }},
      {"a uniform address with changing contents", "uniform_reload",
       [] {
         return values(2, 128, [](std::uint32_t) {
           std::uint32_t sum = 0;
           for (std::uint32_t turn = 0; turn < 8; ++turn) sum = sum * 3 + turn * 10 + 1;
           return sum;
         });
       }},
      {"an index that wraps around 32 bits", "wrapping_index",
       [] { return wrapping_index(0x10000000); }, robustness},
      {"an index that is far away", "wrapping_index", [] { return wrapping_index(0x08000000); },
       robustness},
      {"addresses that run backwards", "negative_step", [] { return negative_step(-1000); }},
      {"subgroups at the end of a workgroup", "subgroup_tail", subgroup_tail},
  };
  for (const std::uint32_t size : {1u, 7u, 12u, 17u, 64u, 256u})
    all.push_back({fmt::format("local size {} and a partial end", size), "fill_sizes",
                   [size] { return fill_sizes(size); }, robustness});
  const std::array<std::uint32_t, 3> sizes[] = {{1, 1, 1}, {7, 1, 1}, {1, 12, 1}, {1, 1, 17},
                                                {4, 4, 4}, {5, 3, 2}, {16, 2, 1}, {3, 7, 5}};
  for (const auto& size : sizes)
    all.push_back({fmt::format("local size {} x {} x {}", size[0], size[1], size[2]), "builtins",
                   [size] { return builtins(size, {3, 2, 2}); }});
  return all;
}

}  // namespace sokr::differential
