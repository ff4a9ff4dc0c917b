// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels that arithmetic limits: Mandelbrot, n-body, Black-Scholes.
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include "handwritten.hpp"
#include "simd.hpp"

namespace sokr::bench::handwritten {

using Range = tbb::blocked_range<std::size_t>;

// Several vectors at once hide the latency of one chain of multiply-adds.
void mandelbrot(const HandwrittenCall& call) {
  constexpr std::uint32_t kJam = kRegisters == 32 ? 4 : 2;
  const std::uint32_t width = call.word(0), height = call.word(1), limit = call.word(2);
  const float left = call.word<float>(3), top = call.word<float>(4), step = call.word<float>(5);
  std::uint32_t* iterations = call.buffer<std::uint32_t>(0);
  tbb::parallel_for(Range(0, height), [=](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const float cy = top + static_cast<float>(row) * step;
      for (std::uint32_t column = 0; column < width; column += kJam * kWidth) {
        F cx[kJam], x[kJam] = {}, y[kJam] = {};
        U count[kJam] = {};
        for (std::uint32_t j = 0; j < kJam; ++j)
          cx[j] = left + (iota<F>() + static_cast<float>(column + j * kWidth)) * step;
        for (std::uint32_t i = 0; i < limit; ++i) {
          Mask alive{};
#pragma GCC unroll 4
          for (std::uint32_t j = 0; j < kJam; ++j) {
            const F y2 = y[j] * y[j];
            const Mask inside = at_most(x[j] * x[j] + y2, broadcast(4.0f));
            alive |= inside;
            count[j] = counted(count[j], inside);
            y[j] = (x[j] + x[j]) * y[j] + cy;
            x[j] = x[j] * x[j] + (cx[j] - y2);
          }
          if (!any(alive)) break;
        }
        // Outside, the orbit grows for ever: once out, never counted again.
        for (std::uint32_t j = 0; j < kJam; ++j)
          store(iterations + row * width + column + j * kWidth, count[j]);
      }
    }
  });
}

// Two vectors of bodies in registers against each body of memory in turn.
void nbody(const HandwrittenCall& call) {
  constexpr std::size_t kJam = 2, kBlock = kJam * kWidth;
  const std::size_t n = call.word(0);
  const float dt = call.word<float>(1), softening2 = call.word<float>(2);
  const float* positions = call.buffer<float>(0);
  float* velocities = call.buffer<float>(1);
  float* moved = call.buffer<float>(2);
  tbb::parallel_for(Range(0, n / kBlock), [=](const Range& range) {
    for (std::size_t block = range.begin(); block < range.end(); ++block) {
      const float* own = positions + 4 * block * kBlock;
      F x[kJam], y[kJam], z[kJam], ax[kJam] = {}, ay[kJam] = {}, az[kJam] = {};
      for (std::size_t j = 0; j < kJam; ++j) {
        for (std::size_t lane = 0; lane < kWidth; ++lane) {
          const float* body = own + 4 * (j * kWidth + lane);
          x[j][lane] = body[0], y[j][lane] = body[1], z[j][lane] = body[2];
        }
      }
      for (std::size_t other = 0; other < n; ++other) {
        const float* body = positions + 4 * other;
#pragma GCC unroll 2
        for (std::size_t j = 0; j < kJam; ++j) {
          const F dx = body[0] - x[j], dy = body[1] - y[j], dz = body[2] - z[j];
          const F inverse_distance = inverse_sqrt(dx * dx + dy * dy + dz * dz + softening2);
          const F pull = body[3] * inverse_distance * (inverse_distance * inverse_distance);
          ax[j] += dx * pull, ay[j] += dy * pull, az[j] += dz * pull;
        }
      }
      for (std::size_t i = 0; i < kBlock; ++i) {
        const std::size_t j = i / kWidth, lane = i % kWidth, body = 4 * (block * kBlock + i);
        const float acceleration[3] = {ax[j][lane], ay[j][lane], az[j][lane]};
        for (std::size_t axis = 0; axis < 3; ++axis) {
          const float velocity = velocities[body + axis] + acceleration[axis] * dt;
          velocities[body + axis] = velocity;
          moved[body + axis] = positions[body + axis] + velocity * dt;
        }
        velocities[body + 3] = 0;
        moved[body + 3] = positions[body + 3];
      }
    }
  });
}

namespace {

// Abramowitz and Stegun 26.2.17.
inline F normal(F d) {
  const F k = inverse(1.0f + 0.2316419f * abs(d));
  F p = k * 1.330274429f - 1.821255978f;
  p = p * k + 1.781477937f;
  p = p * k - 0.356563782f;
  p = p * k + 0.319381530f;
  const F tail = 0.3989422804f * exp(-0.5f * d * d) * (k * p);
  return d > 0.0f ? 1.0f - tail : tail;
}

}  // namespace

void black_scholes(const HandwrittenCall& call) {
  const std::size_t n = call.word(0);
  const float rate = call.word<float>(1), volatility = call.word<float>(2);
  const float *price = call.buffer<float>(0), *strike = call.buffer<float>(1),
              *years = call.buffer<float>(2);
  float *calls = call.buffer<float>(3), *puts = call.buffer<float>(4);
  const float drift = rate + 0.5f * volatility * volatility;
  tbb::parallel_for(Range(0, n / kWidth, 256), [=](const Range& range) {
    for (std::size_t i = range.begin() * kWidth; i < range.end() * kWidth; i += kWidth) {
      const F s = load<F>(price + i), x = load<F>(strike + i), t = load<F>(years + i);
      const F root = inverse_sqrt(t);
      const F spread = volatility * (t * root);
      const F d1 = (log(s * inverse(x)) + drift * t) * (root * (1.0f / volatility));
      const F d2 = d1 - spread;
      const F discounted = x * exp(-rate * t);
      const F n1 = normal(d1), n2 = normal(d2);
      store(calls + i, s * n1 - discounted * n2);
      store(puts + i, discounted * (1.0f - n2) - s * (1.0f - n1));
    }
  });
}

}  // namespace sokr::bench::handwritten
