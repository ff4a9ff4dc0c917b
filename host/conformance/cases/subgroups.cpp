// SPDX-License-Identifier: MIT OR Apache-2.0
// Subgroup operations. The size of a subgroup and the place of each invocation in it are the
// substrate's choice: the kernels write them down, and the expectation is built from that.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "case.hpp"

namespace sokr::conformance {
namespace {

using U32 = std::vector<std::uint32_t>;
constexpr std::uint32_t kWorkgroup = 64;

// The invocations of one subgroup, by their place in it.
using Members = std::map<std::uint32_t, std::uint32_t>;

// Groups the invocations by workgroup and subgroup; a sentence if the places are not 0, 1,
// 2, ... in each.
std::string subgroups_of(const Bytes& where_bytes, std::uint32_t invocations,
                         std::vector<Members>& subgroups) {
  auto where = from_bytes<std::array<std::uint32_t, 2>>(where_bytes);
  where.resize(invocations);
  std::map<std::array<std::uint32_t, 2>, Members> found;
  for (std::uint32_t i = 0; i < where.size(); ++i) {
    auto [place, is_new] = found[{i / kWorkgroup, where[i][0]}].emplace(where[i][1], i);
    if (!is_new) return fmt::format("invocations {} and {} have one place", i, place->second);
  }
  for (auto& [id, members] : found) {
    if (members.rbegin()->first + 1 != members.size()) {
      return fmt::format("subgroup {} of workgroup {} has gaps", id[1], id[0]);
    }
    subgroups.push_back(std::move(members));
  }
  return "";
}

// Rows of `width` results for each invocation of a subgroup whose inputs are `x`.
using Rule = std::function<std::vector<U32>(const U32& x)>;

Case subgroup_case(std::uint32_t n, std::uint32_t width, const Rule& rule, std::uint32_t size = 0) {
  Random random(n * width);
  U32 a = random.words(n);
  for (std::uint32_t i = 0; i < 64; ++i) a[i] |= 0x80000001u;  // one workgroup all odd
  auto judge = [a, n, width, rule](const Outputs& outputs) -> std::string {
    std::vector<Members> subgroups;
    if (std::string text = subgroups_of(outputs.at({0, 1}), n, subgroups); !text.empty())
      return text;
    U32 got = from_bytes<std::uint32_t>(outputs.at({0, 2}));
    for (const Members& members : subgroups) {
      U32 x;
      for (const auto& [place, invocation] : members) x.push_back(a[invocation]);
      std::vector<U32> expected = rule(x);
      for (const auto& [place, invocation] : members) {
        for (std::uint32_t k = 0; k < width; ++k) {
          std::uint32_t value = got[width * invocation + k];
          if (value == expected[place][k]) continue;
          return fmt::format(
              "result {} of invocation {} (place {} of {}): got {:#x}, expected {:#x}", k,
              invocation, place, members.size(), value, expected[place][k]);
        }
      }
    }
    return "";
  };
  Case made;
  if (size != 0) made.launch.subgroup_size(size);
  return made.threads(n)
      .in({0, 0}, a)
      .out({0, 1}, 8 * n, by_the_case())
      .out({0, 2}, 4 * width * n, by_the_case())
      .judge(judge);
}

std::vector<U32> arithmetic(const U32& x) {
  U32 all = {0, 1, 0xFFFFFFFFu, 0x80000000u, 0xFFFFFFFFu, 0, 0};
  for (std::uint32_t value : x) {
    all[0] += value;
    all[1] *= value | 1;
    all[2] = std::min(all[2], value);
    all[3] = std::uint32_t(std::max(std::int32_t(all[3]), std::int32_t(value)));
    all[4] &= value | 0xFF00;
    all[5] |= value;
    all[6] ^= value;
  }
  std::vector<U32> rows;
  std::uint32_t sum = 0, largest = 0;
  for (std::uint32_t value : x) {
    largest = std::max(largest, value);
    U32 row = all;
    row.insert(row.end(), {sum + value, sum, largest});
    sum += value;
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<U32> ballot(const U32& x) {
  std::array<std::uint32_t, 4> bits{};
  std::uint32_t odd = 0, first = ~0u, last = 0;
  bool same_sign = true;
  for (std::uint32_t lane = 0; lane < x.size(); ++lane) {
    same_sign = same_sign && (x[lane] >> 31) == (x[0] >> 31);
    if ((x[lane] & 1) == 0) continue;
    bits[lane / 32] |= 1u << (lane % 32);
    first = std::min(first, lane);
    last = lane;
    ++odd;
  }
  std::vector<U32> rows;
  std::uint32_t before = 0;
  for (std::uint32_t lane = 0; lane < x.size(); ++lane) {
    std::uint32_t is_odd = x[lane] & 1;
    rows.push_back({std::uint32_t(odd == x.size()) | std::uint32_t(odd > 0) << 1, same_sign,
                    bits[0], bits[1], odd, before + is_odd, before, is_odd ? first : 0,
                    is_odd ? last : 0, is_odd, x[0], x[1 % x.size()] + (lane == 0)});
    before += is_odd;
  }
  return rows;
}

// The size of the subgroups is the number of those that are there: workgroups are full.
std::vector<U32> khr(const U32& x) {
  const auto size = static_cast<std::uint32_t>(x.size());
  std::uint64_t bits = 0;
  bool all = true, same_sign = true;
  for (std::uint32_t lane = 0; lane < size; ++lane) {
    same_sign = same_sign && (x[lane] >> 31) == (x[0] >> 31);
    all = all && (x[lane] & 1) != 0;
    bits |= std::uint64_t{x[lane] & 1} << lane;
  }
  const std::uint64_t everyone = size == 64 ? ~0ull : (1ull << size) - 1;
  std::vector<U32> rows;
  for (std::uint32_t lane = 0; lane < size; ++lane) {
    const std::uint64_t own = 1ull << lane, lower = own - 1;
    const std::uint64_t from = everyone & ~lower;
    rows.push_back({std::uint32_t(all) | std::uint32_t(bits != 0) << 1, same_sign,
                    std::uint32_t(bits), std::uint32_t(bits >> 32), x[0], x[1 % size],
                    std::uint32_t(own), std::uint32_t(from), std::uint32_t(from & ~own),
                    std::uint32_t(lower | own), std::uint32_t(lower), std::uint32_t(from >> 32)});
  }
  return rows;
}

std::vector<U32> shuffle(const U32& x) {
  std::vector<U32> rows;
  auto size = static_cast<std::uint32_t>(x.size());
  for (std::uint32_t lane = 0; lane < size; ++lane) {
    rows.push_back({x[size - 1 - lane], x[(lane ^ 1) % size], lane >= 1 ? x[lane - 1] : 0,
                    lane + 2 < size ? x[lane + 2] : 0});
  }
  return rows;
}

std::vector<U32> uniform_flow(const U32& x) {
  std::uint32_t parity = 0, once = 0, thrice = 0;
  for (std::uint32_t value : x) {
    parity ^= value & 1;
    if (value & 2) value += 5;
    once += value;
    for (std::uint32_t k = 0; k < 3; ++k) thrice += value ^ k;
  }
  return std::vector<U32>(x.size(), {parity ? once : thrice, once});
}

}  // namespace

std::vector<Entry> subgroup_cases() {
  return {
      {"subgroup_arithmetic", "n=256", [] { return subgroup_case(256, 10, arithmetic); }},
      {"subgroup_ballot", "n=256", [] { return subgroup_case(256, 12, ballot); }},
      {"subgroup_khr", "n=256", [] { return subgroup_case(256, 12, khr); }},
      {"subgroup_shuffle", "n=256", [] { return subgroup_case(256, 4, shuffle); }},
      {"subgroup_uniform_flow", "n=256", [] { return subgroup_case(256, 2, uniform_flow); }},
  };
}

}  // namespace sokr::conformance
