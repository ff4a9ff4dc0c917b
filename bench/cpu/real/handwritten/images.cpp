// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Images and grids.
#include <tbb/blocked_range.h>
#include <tbb/blocked_range2d.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "handwritten.hpp"
#include "wide.hpp"

namespace sokr::bench::real::handwritten {

using Range = tbb::blocked_range<std::size_t>;
using Range2 = tbb::blocked_range2d<std::size_t>;

// An image with a border of zeros for each channel: no test inside.
void depthwise(const Size& size, Buffers buffers) {
  const std::size_t height = size[1], width = size[2], stride = size[3];
  const std::size_t out_height = (height + stride - 1) / stride,
                    out_width = (width + stride - 1) / stride, pitch = width + 2 + stride;
  const float *x = at<float>(buffers, 0), *weight = at<float>(buffers, 1),
              *bias = at<float>(buffers, 2);
  float* y = at<float>(buffers, 3);
  tbb::parallel_for(Range(0, size[0], 1), [=](const Range& range) {
    std::vector<float> bordered((height + 2 + stride) * pitch);
    for (std::size_t channel = range.begin(); channel < range.end(); ++channel) {
      for (std::size_t row = 0; row < height; ++row)
        std::memcpy(&bordered[(row + 1) * pitch + 1], x + (channel * height + row) * width,
                    width * sizeof(float));
      const float* w = weight + channel * 9;
      for (std::size_t row = 0; row < out_height; ++row) {
        const float* from = &bordered[row * stride * pitch];
        float* to = y + (channel * out_height + row) * out_width;
        std::size_t i = 0;
        for (; stride == 1 && i + kWidth <= out_width; i += kWidth) {
          F sum = broadcast(bias[channel]);
#pragma GCC unroll 9
          for (std::size_t tap = 0; tap < 9; ++tap)
            sum += w[tap] * load<F>(from + tap / 3 * pitch + i + tap % 3);
          sum = sum > 0.0f ? sum : F{};
          store(to + i, sum < 6.0f ? sum : broadcast(6.0f));
        }
        for (; i < out_width; ++i) {
          float sum = bias[channel];
#pragma GCC unroll 9
          for (std::size_t tap = 0; tap < 9; ++tap)
            sum += w[tap] * from[tap / 3 * pitch + i * stride + tap % 3];
          to[i] = std::clamp(sum, 0.0f, 6.0f);
        }
      }
    }
  });
}

namespace {

// A block of 8 x 8 words.
void transpose_8x8(const std::uint32_t* from, std::size_t from_stride, std::uint32_t* to,
                   std::size_t to_stride) {
#if defined(__AVX2__)
  __m256 r[8], t[8];
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) r[i] = load<__m256>(from + i * from_stride);
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
    t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
  }
#pragma GCC unroll 2
  for (std::size_t i = 0; i < 8; i += 4) {
    r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
    r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
    r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
    r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
  }
#pragma GCC unroll 4
  for (std::size_t i = 0; i < 4; ++i) {
    store(to + i * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
    store(to + (i + 4) * to_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
  }
#else
  for (std::size_t i = 0; i < 8; ++i)
    for (std::size_t j = 0; j < 8; ++j) to[j * to_stride + i] = from[i * from_stride + j];
#endif
}

}  // namespace

// Tiles of 64 x 64 words in blocks of 8 x 8.
void transpose_tiled(const Size& size, Buffers buffers) {
  constexpr std::size_t kTile = 64;
  const std::size_t width = size[0], height = size[1];
  const std::uint32_t* from = at<std::uint32_t>(buffers, 0);
  std::uint32_t* to = at<std::uint32_t>(buffers, 1);
  const Range2 tiles(0, (height + kTile - 1) / kTile, 2, 0, (width + kTile - 1) / kTile, 2);
  tbb::parallel_for(tiles, [=](const Range2& range) {
    const std::size_t bottom = std::min(height, range.rows().end() * kTile),
                      right = std::min(width, range.cols().end() * kTile);
    for (std::size_t left = range.cols().begin() * kTile; left < right; left += 8)
      for (std::size_t top = range.rows().begin() * kTile; top < bottom; top += 8) {
        if (top + 8 <= bottom && left + 8 <= right) {
          transpose_8x8(from + top * width + left, width, to + left * height + top, height);
          continue;
        }
        for (std::size_t x = left; x < std::min(right, left + 8); ++x)
          for (std::size_t y = top; y < std::min(bottom, top + 8); ++y)
            to[x * height + y] = from[y * width + x];
      }
  });
}

// Whole rows of the first dimension.
void permute_4d(const Size& size, Buffers buffers) {
  const std::size_t a = size[0], b = size[1], c = size[2], d = size[3];
  const float* from = at<float>(buffers, 0);
  std::uint16_t* to = at<std::uint16_t>(buffers, 1);
  tbb::parallel_for(Range(0, b * c * d, 64), [=](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const std::size_t k = row % c, j = row / c % b, l = row / c / b;
      const float* source = from + ((l * c + k) * b + j) * a;
      std::size_t i = 0;
      for (; i + kWidth <= a; i += kWidth) to_halves(to + row * a + i, 2 * load<F>(source + i));
      for (; i < a; ++i) to[row * a + i] = to_half(2 * source[i]);
    }
  });
}

void stencil3d(const Size& size, Buffers buffers) {
  const std::size_t width = size[0], height = size[1], depth = size[2];
  const float* from = at<float>(buffers, 0);
  float* to = at<float>(buffers, 1);
  constexpr float kRate = 0.1f;
  tbb::parallel_for(Range(0, height * depth, 32), [=](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      const std::size_t y = row % height, plane = height * width;
      const float* mid = from + row * width;
      const float *up = y > 0 ? mid - width : mid, *down = y + 1 < height ? mid + width : mid;
      const float *back = row >= height ? mid - plane : mid,
                  *front = row / height + 1 < depth ? mid + plane : mid;
      float* out = to + row * width;
      const auto one = [=](std::size_t x) {
        const float around = mid[x > 0 ? x - 1 : 0] + mid[x + 1 < width ? x + 1 : x] + up[x] +
                             down[x] + back[x] + front[x];
        out[x] = mid[x] + kRate * (around - 6 * mid[x]);
      };
      one(0);
      std::size_t x = 1;
      for (; x + kWidth + 1 <= width; x += kWidth) {
        const F around = load<F>(mid + x - 1) + load<F>(mid + x + 1) + load<F>(up + x) +
                         load<F>(down + x) + load<F>(back + x) + load<F>(front + x);
        const F centre = load<F>(mid + x);
        store(out + x, centre + kRate * (around - 6 * centre));
      }
      for (; x < width; ++x) one(x);
    }
  });
}

// Channels as planes of floats, with a border, for a strip of rows at a time.
void bilateral(const Size& size, Buffers buffers) {
  constexpr std::size_t kRadius = 2, kSide = 2 * kRadius + 1;
  const std::size_t width = size[0], height = size[1];
  const std::size_t pitch = (width + kWidth - 1) / kWidth * kWidth + 2 * kRadius;
  const std::uint8_t* from = at<std::uint8_t>(buffers, 0);
  float* to = at<float>(buffers, 1);
  tbb::parallel_for(Range(0, height, 16), [=](const Range& range) {
    const std::size_t rows = range.size() + 2 * kRadius, plane = rows * pitch;
    std::vector<float> planes(4 * plane);
    for (std::size_t row = 0; row < rows; ++row) {
      const auto clamped = [=](std::size_t place, std::size_t n) {
        return std::min(place < kRadius ? 0 : place - kRadius, n - 1);
      };
      const std::uint8_t* source = from + 4 * width * clamped(range.begin() + row, height);
      for (std::size_t x = 0; x < pitch; ++x)
        for (std::size_t i = 0; i < 4; ++i)
          planes[i * plane + row * pitch + x] =
              static_cast<float>(source[4 * clamped(x, width) + i]) * (1 / 255.0f);
    }
    for (std::size_t row = 0; row < range.size(); ++row)
      for (std::size_t x = 0; x < width; x += kWidth) {
        const float* corner = planes.data() + row * pitch + x;
        F mine[3], sums[4] = {}, total = {};
        for (std::size_t i = 0; i < 3; ++i)
          mine[i] = load<F>(corner + i * plane + kRadius * pitch + kRadius);
        for (std::size_t tap = 0; tap < kSide * kSide; ++tap) {
          const int dy = static_cast<int>(tap / kSide) - 2, dx = static_cast<int>(tap % kSide) - 2;
          const float* there = corner + tap / kSide * pitch + tap % kSide;
          F other[4], square = {};
          for (std::size_t i = 0; i < 4; ++i) other[i] = load<F>(there + i * plane);
          for (std::size_t i = 0; i < 3; ++i) square += (other[i] - mine[i]) * (other[i] - mine[i]);
          const F weight = exp(static_cast<float>(dx * dx + dy * dy) * -0.1f - square * 4);
          for (std::size_t i = 0; i < 4; ++i) sums[i] += weight * other[i];
          total += weight;
        }
        const F by = 1.0f / total;
        float* out = to + 4 * ((range.begin() + row) * width + x);
        for (std::size_t lane = 0; lane < std::min<std::size_t>(kWidth, width - x); ++lane)
          for (std::size_t i = 0; i < 4; ++i) out[4 * lane + i] = sums[i][lane] * by[lane];
      }
  });
}

// Rows of eight: both halves are products of a row with a matrix of 8 x 8.
void dct_8x8(const Size& size, Buffers buffers) {
  using Eight = float __attribute__((vector_size(32)));
  const std::size_t width = size[0], height = size[1];
  const std::uint8_t* from = at<std::uint8_t>(buffers, 0);
  const float* table = at<float>(buffers, 1);
  float* to = at<float>(buffers, 2);
  float waves[8][8];  // [k][i]
  Eight columns[8];   // [i] of all k
  for (int k = 0; k < 8; ++k)
    for (int i = 0; i < 8; ++i) {
      waves[k][i] = static_cast<float>(std::cos((2 * i + 1) * k * std::numbers::pi / 16) *
                                       (k ? 0.5 : std::sqrt(0.125)));
      columns[i][k] = waves[k][i];
    }
  float inverse[64];
  for (std::size_t i = 0; i < 64; ++i) inverse[i] = 1 / table[i];
  tbb::parallel_for(Range(0, height / 8, 4), [&, from, to, width](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row)
      for (std::size_t block = 0; block < width / 8; ++block) {
        Eight half[8];
        for (std::size_t y = 0; y < 8; ++y) {
          const std::uint8_t* pixels = from + (row * 8 + y) * width + block * 8;
          Eight sums{};
#pragma GCC unroll 8
          for (std::size_t x = 0; x < 8; ++x)
            sums += (static_cast<float>(pixels[x]) - 128) * columns[x];
          half[y] = sums;
        }
        float* out = to + (row * (width / 8) + block) * 64;
        for (std::size_t v = 0; v < 8; ++v) {
          Eight sums{};
#pragma GCC unroll 8
          for (std::size_t y = 0; y < 8; ++y) sums += waves[v][y] * half[y];
          store(out + v * 8, sums * load<Eight>(inverse + v * 8));
        }
      }
  });
}

}  // namespace sokr::bench::real::handwritten
