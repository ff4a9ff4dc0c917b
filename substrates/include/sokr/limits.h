/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/limits.h - how SokrComputeLimits is read: whether a number is within a limit.
 *
 * Substrates ask here when they judge a launch, and programs that want to know before: the answer
 * is the same. Of what a substrate names no limit (0) everything is within it, but for subgroup
 * sizes, where 0 means that none can be chosen.
 *
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_LIMITS_H_
#define SOKR_LIMITS_H_

#include <sokr/compute.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t sokr_is_within(uint64_t value, uint64_t limit) {
  return limit == 0 || value <= limit;
}

/* The first axis in which there are too many workgroups; 3 if there is none. */
static inline uint32_t sokr_axis_over_limit(const SokrComputeLimits *limits,
                                            const uint32_t groups[3]) {
  uint32_t axis = 0;
  while (axis < 3 && sokr_is_within(groups[axis], limits->max_group_count[axis])) ++axis;
  return axis;
}

/* The smallest subgroup size above `size` that a launch may ask for; 0 if there is none. So from 0
 * on it lists all of them. */
static inline uint32_t sokr_next_subgroup_size(const SokrComputeLimits *limits, uint32_t size) {
  uint64_t next = 1;
  while (next <= size || next < limits->min_subgroup_size) next *= 2;
  return next <= limits->max_subgroup_size ? (uint32_t)next : 0;
}

/* 0, the substrate's own choice, always is one. */
static inline uint32_t sokr_is_subgroup_size(const SokrComputeLimits *limits, uint32_t size) {
  return size == 0 || sokr_next_subgroup_size(limits, size - 1) == size;
}

#ifdef __cplusplus
}
#endif

#endif /* SOKR_LIMITS_H_ */
