// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels that memory limits: saxpy, reduction, stencil.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include "handwritten.hpp"
#include "simd.hpp"

namespace sokr::bench::handwritten {

using Range = tbb::blocked_range<std::size_t>;

void saxpy(const HandwrittenCall& call) {
  const std::size_t n = call.word(0);
  const float a = call.word<float>(1);
  const float* x = call.buffer<float>(0);
  float* y = call.buffer<float>(1);
  tbb::parallel_for(Range(0, n / kWidth, 4096), [=](const Range& range) {
    for (std::size_t i = range.begin() * kWidth; i < range.end() * kWidth; i += kWidth)
      store(y + i, a * load<F>(x + i) + load<F>(y + i));
  });
}

// Each partial sum takes a contiguous part: only their total is compared.
void reduce(const HandwrittenCall& call) {
  constexpr std::size_t kChains = 8;
  const std::size_t part = call.word(0) / call.groups;
  const float* values = call.buffer<float>(0);
  float* partial = call.buffer<float>(1);
  tbb::parallel_for(Range(0, call.groups), [=](const Range& range) {
    for (std::size_t group = range.begin(); group < range.end(); ++group) {
      F sums[kChains] = {};
      const float* begin = values + group * part;
      for (std::size_t i = 0; i < part; i += kChains * kWidth)
        for (std::size_t chain = 0; chain < kChains; ++chain)
          sums[chain] += load<F>(begin + i + chain * kWidth);
      for (std::size_t chain = 1; chain < kChains; ++chain) sums[0] += sums[chain];
      partial[group] = sum(sums[0]);
    }
  });
}

void stencil(const HandwrittenCall& call) {
  const std::size_t width = call.word(0), height = call.word(1);
  const float c = call.word<float>(2);
  const float* before = call.buffer<float>(0);
  float* after = call.buffer<float>(1);
  tbb::parallel_for(Range(0, height, 16), [=](const Range& range) {
    for (std::size_t y = range.begin(); y < range.end(); ++y) {
      const float* row = before + y * width;
      float* out = after + y * width;
      if (y == 0 || y == height - 1) {
        std::memcpy(out, row, width * sizeof(float));
        continue;
      }
      const auto block = [=](std::size_t x) {
        const F value = load<F>(row + x);
        const F around = load<F>(row + x - 1) + load<F>(row + x + 1) + load<F>(row + x - width) +
                         load<F>(row + x + width);
        store(out + x, value + c * (around - 4.0f * value));
      };
      // Aligned blocks; those at the ends also compute, then restore, the edge.
      block(1);
      for (std::size_t x = kWidth; x + kWidth < width; x += kWidth) block(x);
      block(width - 1 - kWidth);
      out[0] = row[0];
      out[width - 1] = row[width - 1];
    }
  });
}

}  // namespace sokr::bench::handwritten
