// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Layers and conversions of inference, and an optimiser's step.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "handwritten.hpp"
#include "wide.hpp"

namespace sokr::bench::real::handwritten {

using Range = tbb::blocked_range<std::size_t>;

void layer_norm(const Size& size, Buffers buffers) {
  const std::size_t columns = size[1], whole = columns / kWidth * kWidth;
  const float *x = at<float>(buffers, 0), *affine = at<float>(buffers, 1);
  float* y = at<float>(buffers, 2);
  std::vector<float> weight(columns), bias(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    weight[i] = affine[2 * i];
    bias[i] = affine[2 * i + 1];
  }
  tbb::parallel_for(Range(0, size[0], 4), [=, weight = weight.data(),
                                           bias = bias.data()](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const float* from = x + row * columns;
      float* to = y + row * columns;
      F sums[2] = {}, squares[2] = {};
      std::size_t i = 0;
      for (; i + 2 * kWidth <= columns; i += 2 * kWidth)
#pragma GCC unroll 2
        for (std::size_t v = 0; v < 2; ++v) {
          const F value = load<F>(from + i + v * kWidth);
          sums[v] += value;
          squares[v] += value * value;
        }
      float total = sum(sums[0] + sums[1]), square = sum(squares[0] + squares[1]);
      for (; i < columns; ++i) {
        total += from[i];
        square += from[i] * from[i];
      }
      const float mean = total / static_cast<float>(columns);
      const float variance = square / static_cast<float>(columns) - mean * mean;
      const float by = 1 / std::sqrt(std::max(variance, 0.0f) + 1e-5f);
      for (i = 0; i < whole; i += kWidth)
        store(to + i, (load<F>(from + i) - mean) * by * load<F>(weight + i) + load<F>(bias + i));
      for (; i < columns; ++i) to[i] = (from[i] - mean) * by * weight[i] + bias[i];
    }
  });
}

// Angles of a token once for all its heads.
void rotary(const Size& size, Buffers buffers) {
  const std::size_t heads = size[1], width = size[2], turned = width / 4 * 3 / 2 * 2,
                    half = turned / 2;
  const float* x = at<float>(buffers, 0);
  const std::int32_t* positions = at<std::int32_t>(buffers, 1);
  std::uint16_t* y = at<std::uint16_t>(buffers, 2);
  std::vector<float> steps(half), ramps(half);
  for (std::size_t i = 0; i < half; ++i) {
    steps[i] = std::exp2(-13.2877124f * 2 * static_cast<float>(i) / static_cast<float>(turned));
    ramps[i] = 0.75f * (1 - std::clamp((static_cast<float>(i) - 4) / 16, 0.0f, 1.0f));
  }
  tbb::parallel_for(Range(0, size[0], 2),
                    [=, steps = steps.data(), ramps = ramps.data()](const Range& range) {
                      std::vector<float> c(half), s(half);
                      for (std::size_t token = range.begin(); token < range.end(); ++token) {
                        for (std::size_t i = 0; i < half; ++i) {
                          const float theta = static_cast<float>(positions[token]) * steps[i];
                          const float angle = 0.5f * theta * (1 - ramps[i]) + theta * ramps[i];
                          c[i] = std::cos(angle) * 1.25f;
                          s[i] = std::sin(angle) * 1.25f;
                        }
                        for (std::size_t head = 0; head < heads; ++head) {
                          const float* from = x + (token * heads + head) * width;
                          std::uint16_t* to = y + (token * heads + head) * width;
                          std::size_t i = 0;
                          for (; i + kWidth <= half; i += kWidth) {
                            const F a = load<F>(from + i), b = load<F>(from + half + i);
                            const F cosine = load<F>(&c[i]), sine = load<F>(&s[i]);
                            to_halves(to + i, a * cosine - b * sine);
                            to_halves(to + half + i, a * sine + b * cosine);
                          }
                          for (; i < half; ++i) {
                            to[i] = to_half(from[i] * c[i] - from[half + i] * s[i]);
                            to[half + i] = to_half(from[i] * s[i] + from[half + i] * c[i]);
                          }
                          for (i = turned; i + kWidth <= width; i += kWidth)
                            to_halves(to + i, load<F>(from + i));
                          for (; i < width; ++i) to[i] = to_half(from[i]);
                        }
                      }
                    });
}

void quantise_q8(const Size& size, Buffers buffers) {
  const float* x = at<float>(buffers, 0);
  std::byte* blocks = at<std::byte>(buffers, 1);
  constexpr std::size_t kVectors = 32 / kWidth;
  using Narrow = std::int8_t __attribute__((vector_size(kWidth)));
  tbb::parallel_for(Range(0, size[0] / 32, 1024), [=](const Range& range) {
    for (std::size_t block = range.begin(); block < range.end(); ++block) {
      F values[kVectors], most = {};
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        values[v] = load<F>(x + block * 32 + v * kWidth);
        most = larger(most, abs(values[v]));
      }
      const float scale = largest(most) / 127, by = scale != 0 ? 1 / scale : 0;
      std::byte* to = blocks + block * 36;
      store(to, scale);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        // To the nearest integer, in the low bits.
        const F shifted = values[v] * by + 0x1.8p23f;
        store(to + 4 + v * kWidth, __builtin_convertvector(reinterpret_cast<I>(shifted), Narrow));
      }
    }
  });
}

void adam(const Size& size, Buffers buffers) {
  const std::size_t n = size[0];
  float *x = at<float>(buffers, 0), *m = at<float>(buffers, 2), *v = at<float>(buffers, 3);
  const float *g = at<float>(buffers, 1), *p = at<float>(buffers, 4);
  const float beta1 = p[1], beta2 = p[2], epsilon = p[3], keep = 1 - p[0] * p[4];
  const float rate = p[0] / (1 - p[5]), by_v = 1 / (1 - p[6]);
  tbb::parallel_for(Range(0, n, 16384), [=](const Range& range) {
    std::size_t i = range.begin();
    for (; i + kWidth <= range.end(); i += kWidth) {
      const F gradient = load<F>(g + i);
      const F now_m = load<F>(m + i) * beta1 + gradient * (1 - beta1);
      const F now_v = load<F>(v + i) * beta2 + gradient * gradient * (1 - beta2);
      store(m + i, now_m);
      store(v + i, now_v);
      store(x + i, load<F>(x + i) * keep - rate * now_m / (square_root(now_v * by_v) + epsilon));
    }
    for (; i < range.end(); ++i) {
      m[i] = m[i] * beta1 + g[i] * (1 - beta1);
      v[i] = v[i] * beta2 + g[i] * g[i] * (1 - beta2);
      x[i] = x[i] * keep - rate * m[i] / (std::sqrt(v[i] * by_v) + epsilon);
    }
  });
}

// Some columns of a head's state for each task: they stay in the first level of the caches.
void wkv(const Size& size, Buffers buffers) {
  constexpr std::size_t kHead = 64, kVectors = 2, kColumns = kVectors * kWidth;
  const std::size_t tokens = size[0], heads = size[1], parts = kHead / kColumns;
  const float *k = at<float>(buffers, 0), *v = at<float>(buffers, 1), *r = at<float>(buffers, 2),
              *decay_bonus = at<float>(buffers, 3), *initial = at<float>(buffers, 4);
  float* result = at<float>(buffers, 5);
  tbb::parallel_for(std::size_t{0}, heads * parts, [=](std::size_t task) {
    const std::size_t head = task / parts, first = task % parts * kColumns;
    F state[kHead][kVectors];
    for (std::size_t i = 0; i < kHead; ++i)
      for (std::size_t c = 0; c < kVectors; ++c)
        state[i][c] = load<F>(initial + (head * kHead + i) * kHead + first + c * kWidth);
    for (std::size_t t = 0; t < tokens; ++t) {
      const std::size_t here = (t * heads + head) * kHead;
      F mine[kVectors], sums[kVectors] = {};
      for (std::size_t c = 0; c < kVectors; ++c) mine[c] = load<F>(v + here + first + c * kWidth);
      for (std::size_t i = 0; i < kHead; ++i) {
        const float decay = decay_bonus[(head * kHead + i) * 2],
                    bonus = decay_bonus[(head * kHead + i) * 2 + 1];
        const float key = k[here + i], weight = r[here + i];
#pragma GCC unroll 2
        for (std::size_t c = 0; c < kVectors; ++c) {
          const F kv = key * mine[c];
          sums[c] += weight * (bonus * kv + state[i][c]);
          state[i][c] = state[i][c] * decay + kv;
        }
      }
      for (std::size_t c = 0; c < kVectors; ++c) store(result + here + first + c * kWidth, sums[c]);
    }
  });
}

}  // namespace sokr::bench::real::handwritten
