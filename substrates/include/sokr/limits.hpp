// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How SokrComputeLimits is read: whether a number is within a limit. Substrates ask here when they
// judge a launch, and the command does before it reads files. Of what a substrate names no limit
// (0) everything is within it, but for subgroup sizes, where 0 means that none can be chosen.
#ifndef SOKR_LIMITS_HPP_
#define SOKR_LIMITS_HPP_

#include <sokr/compute.h>

#include <cstdint>
#include <span>

namespace sokr {

constexpr bool is_within(std::uint64_t value, std::uint64_t limit) {
  return limit == 0 || value <= limit;
}

// The first axis in which there are too many workgroups; 3 if there is none.
constexpr std::uint32_t axis_over_limit(const SokrComputeLimits& limits,
                                        std::span<const std::uint32_t, 3> groups) {
  std::uint32_t axis = 0;
  while (axis < 3 && is_within(groups[axis], limits.max_group_count[axis])) ++axis;
  return axis;
}

// The smallest subgroup size above `size` that a launch may ask for; 0 if there is none. So from 0
// on it lists all of them.
constexpr std::uint32_t next_subgroup_size(const SokrComputeLimits& limits, std::uint32_t size) {
  std::uint64_t next = 1;
  while (next <= size || next < limits.min_subgroup_size) next *= 2;
  return next <= limits.max_subgroup_size ? static_cast<std::uint32_t>(next) : 0;
}

// 0, the substrate's own choice, always is one.
constexpr bool is_subgroup_size(const SokrComputeLimits& limits, std::uint32_t size) {
  return size == 0 || next_subgroup_size(limits, size - 1) == size;
}

}  // namespace sokr

#endif  // SOKR_LIMITS_HPP_
