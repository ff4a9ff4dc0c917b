// SPDX-License-Identifier: MIT OR Apache-2.0
// What every benchmark measures with.
#ifndef SOKR_BENCH_CLOCK_HPP_
#define SOKR_BENCH_CLOCK_HPP_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace sokr::bench {

inline double now_ns() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Of a non-empty list.
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CLOCK_HPP_
