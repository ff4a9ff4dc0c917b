// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Matrix products, dense and sparse.
#include <tbb/blocked_range.h>
#include <tbb/blocked_range2d.h>
#include <tbb/parallel_for.h>

#include <vector>

#include "handwritten.hpp"
#include "simd.hpp"

namespace sokr::bench::handwritten {

using Range = tbb::blocked_range<std::size_t>;
using Range2 = tbb::blocked_range2d<std::size_t>;

// Straight from memory, a block of 4 rows of C in half of the registers.
void matmul_naive(const HandwrittenCall& call) {
  constexpr std::size_t kRows = 4, kVectors = kRegisters / 8, kColumns = kVectors * kWidth;
  const std::size_t m = call.word(0), n = call.word(1), k = call.word(2);
  const float *a = call.buffer<float>(0), *b = call.buffer<float>(1);
  float* c = call.buffer<float>(2);
  const Range2 blocks(0, n / kColumns, 1, 0, m / kRows, 16);
  tbb::parallel_for(blocks, [=](const Range2& range) {
    for (std::size_t column = range.rows().begin(); column < range.rows().end(); ++column) {
      for (std::size_t row = range.cols().begin(); row < range.cols().end(); ++row) {
        const float *left = a + row * kRows * k, *right = b + column * kColumns;
        F sums[kRows][kVectors] = {};
        for (std::size_t i = 0; i < k; ++i) {
          F b_row[kVectors];
#pragma GCC unroll 4
          for (std::size_t v = 0; v < kVectors; ++v) b_row[v] = load<F>(right + i * n + v * kWidth);
#pragma GCC unroll 4
          for (std::size_t r = 0; r < kRows; ++r) {
            const F factor = broadcast(left[r * k + i]);
#pragma GCC unroll 4
            for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] += factor * b_row[v];
          }
        }
        for (std::size_t r = 0; r < kRows; ++r)
          for (std::size_t v = 0; v < kVectors; ++v)
            store(c + (row * kRows + r) * n + column * kColumns + v * kWidth, sums[r][v]);
      }
    }
  });
}

namespace {

constexpr std::size_t kTile = 16;
using TileRow = float[kTile];

// kRows rows of sums += a * b over one tile; the sums stay in registers meanwhile.
template <std::size_t kRows>
inline void multiply_tile(const TileRow* a, const TileRow* b, TileRow* sums) {
  constexpr std::size_t kVectors = kTile / kWidth;
  F block[kRows][kVectors];
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v) block[r][v] = load<F>(sums[r] + v * kWidth);
  for (std::size_t i = 0; i < kTile; ++i) {
    F b_row[kVectors];
    for (std::size_t v = 0; v < kVectors; ++v) b_row[v] = load<F>(b[i] + v * kWidth);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (std::size_t v = 0; v < kVectors; ++v) block[r][v] += a[r][i] * b_row[v];
  }
  for (std::size_t r = 0; r < kRows; ++r)
    for (std::size_t v = 0; v < kVectors; ++v) store(sums[r] + v * kWidth, block[r][v]);
}

inline void copy_tile(const float* from, std::size_t stride, TileRow* to) {
  for (std::size_t r = 0; r < kTile; ++r)
    for (std::size_t v = 0; v < kTile; v += kWidth)
      store(to[r] + v, load<F>(from + r * stride + v));
}

}  // namespace

// Tiles of 16 x 16 through local buffers, half of the registers for sums.
void matmul_tiled(const HandwrittenCall& call) {
  constexpr std::size_t kRows = kRegisters / 2 * kWidth / kTile;
  const std::size_t m = call.word(0), n = call.word(1), k = call.word(2);
  const float *a = call.buffer<float>(0), *b = call.buffer<float>(1);
  float* c = call.buffer<float>(2);
  const Range2 tiles(0, n / kTile, 1, 0, m / kTile, 8);
  tbb::parallel_for(tiles, [=](const Range2& range) {
    alignas(64) float tile_a[kTile][kTile], tile_b[kTile][kTile];
    for (std::size_t column = range.rows().begin(); column < range.rows().end(); ++column) {
      for (std::size_t row = range.cols().begin(); row < range.cols().end(); ++row) {
        alignas(64) float sums[kTile][kTile] = {};
        for (std::size_t start = 0; start < k; start += kTile) {
          copy_tile(a + row * kTile * k + start, k, tile_a);
          copy_tile(b + start * n + column * kTile, n, tile_b);
          for (std::size_t r = 0; r < kTile; r += kRows)
            multiply_tile<kRows>(tile_a + r, tile_b, sums + r);
        }
        for (std::size_t r = 0; r < kTile; ++r)
          std::memcpy(c + (row * kTile + r) * n + column * kTile, sums[r], sizeof sums[r]);
      }
    }
  });
}

namespace {

inline F load_halves(const std::uint16_t* from) {
#if defined(__AVX512F__)
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#elif defined(__AVX2__) && defined(__F16C__)
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
#else
  // Finite halves: the exponent is moved to where a float has it, then corrected.
  F result;
  for (std::uint32_t i = 0; i < kWidth; ++i) {
    const std::uint32_t bits = (from[i] & 0x8000u) << 16 | (from[i] & 0x7FFFu) << 13;
    float scaled;
    std::memcpy(&scaled, &bits, sizeof scaled);
    result[i] = scaled * 0x1p112f;
  }
  return result;
#endif
}

}  // namespace

void matvec_f16(const HandwrittenCall& call) {
  constexpr std::size_t kChains = 4;
  const std::size_t rows = call.word(0), columns = call.word(1);
  const std::uint16_t *a = call.buffer<std::uint16_t>(0), *x = call.buffer<std::uint16_t>(1);
  float* y = call.buffer<float>(2);
  std::vector<float> widened(columns);
  for (std::size_t i = 0; i < columns; i += kWidth) store(&widened[i], load_halves(x + i));
  tbb::parallel_for(Range(0, rows, 16), [=, factors = widened.data()](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      F sums[kChains] = {};
      for (std::size_t i = 0; i < columns; i += kChains * kWidth)
#pragma GCC unroll 4
        for (std::size_t chain = 0; chain < kChains; ++chain)
          sums[chain] += load_halves(a + row * columns + i + chain * kWidth) *
                         load<F>(factors + i + chain * kWidth);
      y[row] = sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
  });
}

namespace {

// With AVX-512 the instruction multiplies unsigned by signed bytes: a is taken 128 too
// large, and `excess`, 128 times the sum of x, is what the product is then too large by.
#if defined(__AVX512VNNI__)
inline std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* x, std::size_t size,
                             std::int32_t excess) {
  const __m512i bias = _mm512_set1_epi8(static_cast<char>(0x80));
  __m512i sums[4] = {};
  for (std::size_t i = 0; i < size; i += 256)
#pragma GCC unroll 4
    for (std::size_t chain = 0; chain < 4; ++chain)
      sums[chain] = _mm512_dpbusd_epi32(
          sums[chain], _mm512_xor_si512(_mm512_loadu_si512(a + i + 64 * chain), bias),
          _mm512_loadu_si512(x + i + 64 * chain));
  const __m512i total =
      _mm512_add_epi32(_mm512_add_epi32(sums[0], sums[1]), _mm512_add_epi32(sums[2], sums[3]));
  return _mm512_reduce_add_epi32(total) - excess;
}
#elif defined(__AVX2__)
inline std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* x, std::size_t size,
                             std::int32_t) {
  const auto wide = [](const std::int8_t* from) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  };
  __m256i sums[4] = {};
  for (std::size_t i = 0; i < size; i += 64)
#pragma GCC unroll 4
    for (std::size_t chain = 0; chain < 4; ++chain)
      sums[chain] = _mm256_add_epi32(
          sums[chain], _mm256_madd_epi16(wide(a + i + 16 * chain), wide(x + i + 16 * chain)));
  std::int32_t lanes[8];
  store(lanes,
        _mm256_add_epi32(_mm256_add_epi32(sums[0], sums[1]), _mm256_add_epi32(sums[2], sums[3])));
  std::int32_t result = 0;
  for (std::int32_t lane : lanes) result += lane;
  return result;
}
#else
inline std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* x, std::size_t size,
                             std::int32_t) {
  std::int32_t result = 0;
  for (std::size_t i = 0; i < size; ++i) result += std::int32_t{a[i]} * x[i];
  return result;
}
#endif

}  // namespace

void matvec_int8_dot(const HandwrittenCall& call) {
  const std::size_t rows = call.word(0), columns = 4 * std::size_t{call.word(1)};
  const std::int8_t *a = call.buffer<std::int8_t>(0), *x = call.buffer<std::int8_t>(1);
  std::int32_t* y = call.buffer<std::int32_t>(2);
  std::int32_t sum_of_x = 0;
  for (std::size_t i = 0; i < columns; ++i) sum_of_x += x[i];
  tbb::parallel_for(Range(0, rows, 16), [=](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row)
      y[row] = dot_int8(a + row * columns, x, columns, 128 * sum_of_x);
  });
}

// Rows are short: entries of one row in a vector, the end masked off.
void spmv(const HandwrittenCall& call) {
  const std::size_t rows = call.word(0);
  const std::uint32_t *starts = call.buffer<std::uint32_t>(0),
                      *columns = call.buffer<std::uint32_t>(1);
  const float *values = call.buffer<float>(2), *x = call.buffer<float>(3);
  float* y = call.buffer<float>(4);
  tbb::parallel_for(Range(0, rows, 256), [=](const Range& range) {
    for (std::size_t row = range.begin(); row < range.end(); ++row) {
      float chains[4] = {};
      std::uint32_t i = starts[row];
      const std::uint32_t end = starts[row + 1];
      for (; i + 4 <= end; i += 4)
#pragma GCC unroll 4
        for (std::uint32_t chain = 0; chain < 4; ++chain)
          chains[chain] += values[i + chain] * x[columns[i + chain]];
      for (; i < end; ++i) chains[0] += values[i] * x[columns[i]];
      y[row] = (chains[0] + chains[1]) + (chains[2] + chains[3]);
    }
  });
}

}  // namespace sokr::bench::handwritten
