// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Rows: normalised, ordered.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <array>
#include <cmath>
#include <vector>

#include "handwritten.hpp"
#include "wide.hpp"

namespace sokr::bench::real::handwritten {

using Range = tbb::blocked_range<std::size_t>;

// The row stays in the caches between the three passes.
void softmax_rows(const Size& size, Buffers buffers) {
  const std::size_t columns = size[1];
  const float *x = at<float>(buffers, 0), *mask = at<float>(buffers, 1);
  float* y = at<float>(buffers, 2);
  constexpr float kScale = 0.3f;
  tbb::parallel_for(Range(0, size[0], 4), [=](const Range& range) {
    const std::size_t whole = columns / kWidth * kWidth;
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const float* from = x + row * columns;
      float* to = y + row * columns;
      F most_of = broadcast(-1e30f);
      for (std::size_t i = 0; i < whole; i += kWidth) {
        const F value = load<F>(from + i) * kScale + load<F>(mask + i);
        most_of = larger(most_of, value);
        store(to + i, value);
      }
      float most = largest(most_of), total = 0;
      for (std::size_t i = whole; i < columns; ++i)
        most = std::max(most, to[i] = from[i] * kScale + mask[i]);
      F totals{};
      for (std::size_t i = 0; i < whole; i += kWidth) {
        const F value = exp(load<F>(to + i) - most);
        totals += value;
        store(to + i, value);
      }
      for (std::size_t i = whole; i < columns; ++i) total += to[i] = std::exp(to[i] - most);
      const float by = 1 / (total + sum(totals));
      for (std::size_t i = 0; i < whole; i += kWidth) store(to + i, load<F>(to + i) * by);
      for (std::size_t i = whole; i < columns; ++i) to[i] *= by;
    }
  });
}

void rms_norm(const Size& size, Buffers buffers) {
  const std::size_t columns = size[1];
  const float *x = at<float>(buffers, 0), *weight = at<float>(buffers, 1);
  float* y = at<float>(buffers, 2);
  tbb::parallel_for(Range(0, size[0], 4), [=](const Range& range) {
    constexpr std::size_t kChains = 4;
    const std::size_t whole = columns / (kChains * kWidth) * kChains * kWidth;
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const float* from = x + row * columns;
      float* to = y + row * columns;
      F sums[kChains] = {};
      for (std::size_t i = 0; i < whole; i += kChains * kWidth)
#pragma GCC unroll 4
        for (std::size_t chain = 0; chain < kChains; ++chain) {
          const F value = load<F>(from + i + chain * kWidth);
          sums[chain] += value * value;
        }
      float total = sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
      for (std::size_t i = whole; i < columns; ++i) total += from[i] * from[i];
      const float by = 1 / std::sqrt(total / static_cast<float>(columns) + 1e-5f);
      std::size_t i = 0;
      for (; i + kWidth <= columns; i += kWidth)
        store(to + i, load<F>(from + i) * load<F>(weight + i) * by);
      for (; i < columns; ++i) to[i] = from[i] * weight[i] * by;
    }
  });
}

// Keys and places in one word, by four passes of a byte each: each pass is stable.
void argsort_rows(const Size& size, Buffers buffers) {
  const std::size_t columns = size[1];
  const float* x = at<float>(buffers, 0);
  std::int32_t* order = at<std::int32_t>(buffers, 1);
  tbb::parallel_for(Range(0, size[0], 4), [=](const Range& range) {
    std::vector<std::uint64_t> now(columns), next(columns);
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      std::array<std::array<std::uint32_t, 256>, 4> counts{};
      for (std::size_t i = 0; i < columns; ++i) {
        const std::uint32_t bits = load<std::uint32_t>(x + row * columns + i);
        // In the order of the floats.
        const std::uint32_t key = bits ^ (bits >> 31 ? 0xFFFFFFFFu : 0x80000000u);
        now[i] = std::uint64_t{key} << 32 | i;
        for (std::size_t pass = 0; pass < 4; ++pass) ++counts[pass][key >> 8 * pass & 255];
      }
      for (std::size_t pass = 0; pass < 4; ++pass) {
        std::uint32_t places = 0;
        for (std::uint32_t& count : counts[pass]) places += std::exchange(count, places);
        for (const std::uint64_t word : now)
          next[counts[pass][word >> (32 + 8 * pass) & 255]++] = word;
        std::swap(now, next);
      }
      for (std::size_t i = 0; i < columns; ++i)
        order[row * columns + i] = static_cast<std::int32_t>(now[i]);
    }
  });
}

}  // namespace sokr::bench::real::handwritten
