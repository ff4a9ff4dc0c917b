// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Matrix products.
#include <tbb/blocked_range.h>
#include <tbb/blocked_range2d.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "../make.hpp"
#include "handwritten.hpp"
#include "wide.hpp"

namespace sokr::bench::real::handwritten {
namespace {

// One word of a packed row is a float, or a pair of numbers of 16 bits.
struct Floats {
  using Word = float;
  using Sums = F;
  static Sums add(Sums sums, Sums a, Word b) { return sums + b * a; }
};
struct Pairs {
  using Word = std::int32_t;
  using Sums = I;
  static Sums add(Sums sums, Sums a, Word b) {
#if defined(__AVX512BW__)
    return sums + reinterpret_cast<I>(
                      _mm512_madd_epi16(reinterpret_cast<__m512i>(a), _mm512_set1_epi32(b)));
#elif defined(__AVX2__)
    return sums + reinterpret_cast<I>(
                      _mm256_madd_epi16(reinterpret_cast<__m256i>(a), _mm256_set1_epi32(b)));
#else
    return sums + (a << 16 >> 16) * static_cast<std::int16_t>(b) + (a >> 16) * (b >> 16);
#endif
  }
};

// c[q][r] = sum over i of b[q][i] a[r][i]. Rows of a lie across registers, packed; words of b are
// broadcast. As many sums as registers allow with two of a beside them.
constexpr std::size_t kAcross = 2, kPanel = kAcross * kWidth, kDown = kRegisters == 32 ? 12 : 6;
constexpr std::size_t kPanels = 4, kDepth = 256, kBlockN = 4 * kDown, kBlockM = kPanels * kPanel;

// kRows rows of c by kPanel columns, over `depth` words. `first`: c holds nothing yet.
template <class Number, std::size_t kRows>
void multiply(const typename Number::Word* panel, const typename Number::Word* b, std::size_t depth,
              typename Number::Word* c, std::size_t stride_c, bool first) {
  using Sums = typename Number::Sums;
  Sums sums[kRows][kAcross];
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (std::size_t v = 0; v < kAcross; ++v)
      sums[r][v] = first ? Sums{} : load<Sums>(c + r * stride_c + v * kWidth);
  for (std::size_t i = 0; i < depth; ++i) {
    const Sums a0 = load<Sums>(panel + i * kPanel), a1 = load<Sums>(panel + i * kPanel + kWidth);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r) {
      const typename Number::Word factor = b[r * kDepth + i];
      sums[r][0] = Number::add(sums[r][0], a0, factor);
      sums[r][1] = Number::add(sums[r][1], a1, factor);
    }
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (std::size_t v = 0; v < kAcross; ++v) store(c + r * stride_c + v * kWidth, sums[r][v]);
}

// By the number of rows, less one.
template <class Number, std::size_t... kCounts>
constexpr auto multiplies(std::index_sequence<kCounts...>) {
  return std::array{multiply<Number, kCounts + 1>...};
}

// As multiply, of `across` columns, at most kPanel.
template <class Number>
void multiply_part(std::size_t down, std::size_t across, const typename Number::Word* panel,
                   const typename Number::Word* b, std::size_t depth, typename Number::Word* c,
                   std::size_t stride_c, bool first) {
  static constexpr auto kMultiply = multiplies<Number>(std::make_index_sequence<kDown>());
  if (across == kPanel) {
    kMultiply[down - 1](panel, b, depth, c, stride_c, first);
    return;
  }
  alignas(64) typename Number::Word edge[kDown][kPanel] = {};
  for (std::size_t i = 0; i < down && !first; ++i)
    std::memcpy(edge[i], c + i * stride_c, across * sizeof edge[0][0]);
  kMultiply[down - 1](panel, b, depth, edge[0], kPanel, first);
  for (std::size_t i = 0; i < down; ++i)
    std::memcpy(c + i * stride_c, edge[i], across * sizeof edge[0][0]);
}

// A block of a for each task, packed for a part of the depth and used for all its rows of b.
//   pack_a(r, rows, from, depth, panel)  words [from, from + depth) of up to kPanel rows side by
//   side pack_b(q, from, depth, row)          the same words of one row
template <class Number, class PackA, class PackB>
void product(std::size_t m, std::size_t n, std::size_t words, typename Number::Word* c,
             PackA pack_a, PackB pack_b) {
  const tbb::blocked_range2d<std::size_t> blocks(0, (m + kBlockM - 1) / kBlockM, 1, 0,
                                                 (n + kBlockN - 1) / kBlockN, 4);
  tbb::parallel_for(blocks, [=](const tbb::blocked_range2d<std::size_t>& range) {
    using Word = typename Number::Word;
    alignas(64) static thread_local Word packed[kDepth * kBlockM], rows[kDown * kDepth];
    const std::size_t last_q = std::min(n, range.cols().end() * kBlockN);
    for (std::size_t row = range.rows().begin() * kBlockM;
         row < std::min(m, range.rows().end() * kBlockM); row += kBlockM)
      for (std::size_t from = 0; from < words; from += kDepth) {
        const std::size_t depth = std::min(kDepth, words - from);
        const std::size_t last_r = std::min(m, row + kBlockM);
        for (std::size_t r = row; r < last_r; r += kPanel)
          pack_a(r, std::min(kPanel, m - r), from, depth, packed + (r - row) * kDepth);
        for (std::size_t q = range.cols().begin() * kBlockN; q < last_q; q += kDown) {
          const std::size_t down = std::min(kDown, n - q);
          for (std::size_t i = 0; i < down; ++i) pack_b(q + i, from, depth, rows + i * kDepth);
          for (std::size_t r = row; r < last_r; r += kPanel)
            multiply_part<Number>(down, std::min(kPanel, m - r), packed + (r - row) * kDepth, rows,
                                  depth, c + q * m + r, m, from == 0);
        }
      }
  });
}

// Word i of row r is `word(r, i)`.
template <class Word, class WordOf>
auto packing_rows(WordOf word) {
  return [=](std::size_t r, std::size_t rows, std::size_t from, std::size_t depth, Word* panel) {
    for (std::size_t lane = 0; lane < kPanel; ++lane)
      for (std::size_t i = 0; i < depth; ++i)
        panel[i * kPanel + lane] = lane < rows ? word(r + lane, from + i) : Word{};
  };
}
template <class Word, class WordOf>
auto packing_row(WordOf word) {
  return [=](std::size_t q, std::size_t from, std::size_t depth, Word* row) {
    for (std::size_t i = 0; i < depth; ++i) row[i] = word(q, from + i);
  };
}

}  // namespace

void matmul_f32(const Size& size, Buffers buffers) {
  const std::size_t k = round_up(size[2], 16);
  const float *a = at<float>(buffers, 0), *b = at<float>(buffers, 1);
  product<Floats>(size[0], size[1], k, at<float>(buffers, 2),
                  packing_rows<float>([=](std::size_t r, std::size_t i) { return a[r * k + i]; }),
                  packing_row<float>([=](std::size_t q, std::size_t i) { return b[q * k + i]; }));
}

void matmul_f16(const Size& size, Buffers buffers) {
  const std::size_t k = round_up(size[2], 16);
  const std::uint16_t *a = at<std::uint16_t>(buffers, 0), *b = at<std::uint16_t>(buffers, 1);
  constexpr float kFactor = 0.5f;
  product<Floats>(
      size[0], size[1], k, at<float>(buffers, 2),
      [=](std::size_t r, std::size_t rows, std::size_t from, std::size_t depth, float* panel) {
        for (std::size_t lane = 0; lane < kPanel; ++lane)
          for (std::size_t i = 0; i < depth; i += kWidth) {
            const F wide = lane < rows ? from_halves(a + (r + lane) * k + from + i) : F{};
            for (std::size_t j = 0; j < kWidth; ++j) panel[(i + j) * kPanel + lane] = wide[j];
          }
      },
      [=](std::size_t q, std::size_t from, std::size_t depth, float* row) {
        for (std::size_t i = 0; i < depth; i += kWidth)
          store(row + i, kFactor * from_halves(b + q * k + from + i));
      });
}

void matmul_i8(const Size& size, Buffers buffers) {
  const std::size_t k = round_up(size[2], 32);
  const std::int8_t *a = at<std::int8_t>(buffers, 0), *b = at<std::int8_t>(buffers, 1);
  const auto pair = [k](const std::int8_t* of, std::size_t row, std::size_t i) {
    const std::int8_t* const two = of + row * k + 2 * i;
    return static_cast<std::int32_t>(static_cast<std::uint16_t>(two[0]) |
                                     static_cast<std::uint32_t>(two[1]) << 16);
  };
  product<Pairs>(
      size[0], size[1], k / 2, at<std::int32_t>(buffers, 2),
      packing_rows<std::int32_t>([=](std::size_t r, std::size_t i) { return pair(a, r, i); }),
      packing_row<std::int32_t>([=](std::size_t q, std::size_t i) { return pair(b, q, i); }));
}

// Pixels across, output channels down; what the pixels see is packed as it is needed.
void conv3x3(const Size& size, Buffers buffers) {
  const std::size_t channels = size[0], pixels = std::size_t{size[2]} * size[3];
  const int height = static_cast<int>(size[2]), width = static_cast<int>(size[3]);
  const float *x = at<float>(buffers, 0), *weight = at<float>(buffers, 1);
  product<Floats>(
      pixels, size[1], channels * 9, at<float>(buffers, 2),
      [=](std::size_t pixel, std::size_t count, std::size_t from, std::size_t depth, float* panel) {
        int row[kPanel], column[kPanel];
        for (std::size_t lane = 0; lane < kPanel; ++lane) {
          row[lane] = static_cast<int>(pixel + lane) / width;
          column[lane] = static_cast<int>(pixel + lane) % width;
        }
        for (std::size_t i = 0; i < depth; ++i) {
          const std::size_t channel = (from + i) / 9, tap = (from + i) % 9;
          const int dy = static_cast<int>(tap / 3) - 1, dx = static_cast<int>(tap % 3) - 1;
          const float* const image = x + channel * pixels;
          for (std::size_t lane = 0; lane < kPanel; ++lane) {
            const int y = row[lane] + dy, at_x = column[lane] + dx;
            const bool inside = lane < count && y >= 0 && y < height && at_x >= 0 && at_x < width;
            panel[i * kPanel + lane] = inside ? image[y * width + at_x] : 0;
          }
        }
      },
      packing_row<float>(
          [=](std::size_t q, std::size_t i) { return weight[q * channels * 9 + i]; }));
}

// The 8 that is taken from each value is taken from the sum: 8 times the sum of a block of x.
void matvec_q4(const Size& size, Buffers buffers) {
  const std::size_t rows = size[0], blocks = size[1] / 32;
  const std::uint8_t* w = at<std::uint8_t>(buffers, 0);
  const float* x = at<float>(buffers, 1);
  float* y = at<float>(buffers, 2);
  std::vector<float> eights(blocks);
  for (std::size_t block = 0; block < blocks; ++block) {
    F total{};
    for (std::size_t i = 0; i < 32; i += kWidth) total += load<F>(x + block * 32 + i);
    eights[block] = 8 * sum(total);
  }
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, rows, 32),
                    [=, eights = eights.data()](const tbb::blocked_range<std::size_t>& range) {
                      for (std::size_t row = range.begin(); row < range.end(); ++row) {
                        F sums[2] = {};
                        float less = 0;
                        const std::uint8_t* from = w + row * blocks * 18;
                        for (std::size_t block = 0; block < blocks; ++block, from += 18) {
                          const float scale = from_half(load<std::uint16_t>(from));
                          const B16 bytes = load<B16>(from + 2), low = bytes & 15,
                                    high = bytes >> 4;
                          const float* factors = x + block * 32;
                          F part[2];
#if defined(__AVX512F__)
                          part[0] = widened<0>(low) * load<F>(factors);
                          part[1] = widened<0>(high) * load<F>(factors + 16);
#else
            part[0] = widened<0>(low) * load<F>(factors);
            part[1] = widened<0>(high) * load<F>(factors + 16);
            part[0] += widened<1>(low) * load<F>(factors + kWidth);
            part[1] += widened<1>(high) * load<F>(factors + 16 + kWidth);
            if constexpr (kWidth == 4) {
              part[0] += widened<2 % (16 / kWidth)>(low) * load<F>(factors + 8) +
                         widened<3 % (16 / kWidth)>(low) * load<F>(factors + 12);
              part[1] += widened<2 % (16 / kWidth)>(high) * load<F>(factors + 24) +
                         widened<3 % (16 / kWidth)>(high) * load<F>(factors + 28);
            }
#endif
                          sums[0] += scale * part[0];
                          sums[1] += scale * part[1];
                          less += scale * eights[block];
                        }
                        y[row] = sum(sums[0] + sums[1]) - less;
                      }
                    });
}

// Groups of 32 values are unpacked into registers once for all columns.
void matvec_q4k(const Size& size, Buffers buffers) {
  const std::size_t rows = size[0], k = size[1], columns = size[2];
  const std::uint8_t* w = at<std::uint8_t>(buffers, 0);
  const float* x = at<float>(buffers, 1);
  float* y = at<float>(buffers, 2);
  constexpr std::size_t kVectorsOf32 = 32 / kWidth;
  tbb::parallel_for(
      tbb::blocked_range<std::size_t>(0, rows, 16),
      [=](const tbb::blocked_range<std::size_t>& range) {
        for (std::size_t row = range.begin(); row < range.end(); ++row) {
          F sums[8] = {};
          for (std::size_t group = 0; group < k / 32; ++group) {
            const std::uint8_t *block = w + (row * (k / 256) + group / 8) * 144, *s = block + 4;
            const std::size_t j = group % 8;
            const int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
            const int least = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
            const float d = from_half(load<std::uint16_t>(block)) * static_cast<float>(scale);
            const float m = from_half(load<std::uint16_t>(block + 2)) * static_cast<float>(least);
            const std::uint8_t* const bytes = block + 16 + j / 2 * 32;
            alignas(64) float values[32];
            for (std::size_t half = 0; half < 2; ++half) {
              const B16 sixteen = load<B16>(bytes + 16 * half);
              const B16 q = j % 2 ? sixteen >> 4 : sixteen & 15;
              store(values + 16 * half, d * widened<0>(q) - m);
              if constexpr (kWidth <= 8)
                store(values + 16 * half + kWidth, d * widened<1 % (16 / kWidth)>(q) - m);
              if constexpr (kWidth == 4) {
                store(values + 16 * half + 8, d * widened<2 % (16 / kWidth)>(q) - m);
                store(values + 16 * half + 12, d * widened<3 % (16 / kWidth)>(q) - m);
              }
            }
            for (std::size_t c = 0; c < columns; ++c)
#pragma GCC unroll 8
              for (std::size_t v = 0; v < kVectorsOf32; ++v)
                sums[c] +=
                    load<F>(values + v * kWidth) * load<F>(x + c * k + group * 32 + v * kWidth);
          }
          for (std::size_t c = 0; c < columns; ++c) y[c * rows + row] = sum(sums[c]);
        }
      });
}

namespace {

constexpr std::size_t kKeys = 64, kQueries = 32, kTogether = 4, kVectors = 2;

// What one thread needs of one tile of keys.
struct Tile {
  std::vector<float> keys, values;  // [width][kKeys], [kKeys][width]
  alignas(64) float scores[kQueries][kKeys];
};

void widen(Tile& tile, const std::uint16_t* keys, const std::uint16_t* values, std::size_t count,
           std::size_t width) {
  tile.keys.resize(width * kKeys);
  tile.values.resize(kKeys * width);
  for (std::size_t key = 0; key < kKeys; ++key)
    for (std::size_t i = 0; i < width; i += kWidth) {
      const bool is_there = key < count;
      const F k = is_there ? from_halves(keys + key * width + i) : F{};
      const F v = is_there ? from_halves(values + key * width + i) : F{};
      for (std::size_t j = 0; j < kWidth; ++j) tile.keys[(i + j) * kKeys + key] = k[j];
      store(&tile.values[key * width + i], v);
    }
}

// to[kTogether][columns] (+)= from[kTogether][depth] times by[depth][columns], rows of `from` at
// `stride`; kVectors registers of columns at a time.
void add_product(const float* from, std::size_t stride, const float* by, std::size_t depth,
                 std::size_t columns, float* to, std::size_t to_stride, bool add) {
  for (std::size_t c = 0; c < columns; c += kVectors * kWidth) {
    F sums[kTogether][kVectors];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kTogether; ++r)
#pragma GCC unroll 2
      for (std::size_t v = 0; v < kVectors; ++v)
        sums[r][v] = add ? load<F>(to + r * to_stride + c + v * kWidth) : F{};
    for (std::size_t i = 0; i < depth; ++i) {
      F row[kVectors];
#pragma GCC unroll 2
      for (std::size_t v = 0; v < kVectors; ++v)
        row[v] = load<F>(by + i * columns + c + v * kWidth);
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kTogether; ++r) {
        const F factor = broadcast(from[r * stride + i]);
#pragma GCC unroll 2
        for (std::size_t v = 0; v < kVectors; ++v) sums[r][v] += factor * row[v];
      }
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < kTogether; ++r)
#pragma GCC unroll 2
      for (std::size_t v = 0; v < kVectors; ++v)
        store(to + r * to_stride + c + v * kWidth, sums[r][v]);
  }
}

// The scores of a row become weights; returns what the sums so far are multiplied by.
float weigh(float* scores, const float* mask, std::size_t count, float scale, float& most,
            float& total) {
  F now = broadcast(most);
  for (std::size_t i = 0; i < kKeys; i += kWidth) {
    F score = load<F>(scores + i) * scale;
    if (i + kWidth <= count) {
      score += load<F>(mask + i);
    } else {
      for (std::size_t j = 0; j < kWidth; ++j)
        score[j] = i + j < count ? score[j] + mask[i + j] : -1e30f;
    }
    store(scores + i, score);
    now = larger(now, score);
  }
  const float next = largest(now), by = std::exp(most - next);
  F added{};
  for (std::size_t i = 0; i < kKeys; i += kWidth) {
    F weight = exp(load<F>(scores + i) - next);
    for (std::size_t j = 0; i + kWidth > count && j < kWidth; ++j)
      if (i + j >= count) weight[j] = 0;
    added += weight;
    store(scores + i, weight);
  }
  total = total * by + sum(added);
  most = next;
  return by;
}

}  // namespace

// A head and 32 queries for each task: keys and values of a tile are widened once for all of them.
void attention(const Size& size, Buffers buffers) {
  const std::size_t heads = size[0], queries = size[1], keys = size[2], width = size[3];
  const float *q = at<float>(buffers, 0), *mask = at<float>(buffers, 3);
  const std::uint16_t *k = at<std::uint16_t>(buffers, 1), *v = at<std::uint16_t>(buffers, 2);
  float* result = at<float>(buffers, 4);
  const float scale = 1 / std::sqrt(static_cast<float>(width));
  const std::size_t parts = (queries + kQueries - 1) / kQueries;
  tbb::parallel_for(std::size_t{0}, heads * parts, [=](std::size_t task) {
    const std::size_t head = task / parts, query0 = task % parts * kQueries;
    const std::size_t count = std::min(kQueries, queries - query0);
    static thread_local Tile tile;
    static thread_local std::vector<float> mine, sums;
    mine.assign(kQueries * width, 0);
    sums.assign(kQueries * width, 0);
    std::memcpy(mine.data(), q + (head * queries + query0) * width, count * width * sizeof(float));
    float most[kQueries], total[kQueries] = {};
    std::fill(std::begin(most), std::end(most), -1e30f);
    for (std::size_t key0 = 0; key0 < keys; key0 += kKeys) {
      const std::size_t left = std::min(kKeys, keys - key0), from = (head * keys + key0) * width;
      widen(tile, k + from, v + from, left, width);
      for (std::size_t row = 0; row < count; row += kTogether) {
        add_product(&mine[row * width], width, tile.keys.data(), width, kKeys, tile.scores[row],
                    kKeys, false);
        for (std::size_t r = row; r < std::min(count, row + kTogether); ++r) {
          const float by = weigh(tile.scores[r], mask + (query0 + r) * keys + key0, left, scale,
                                 most[r], total[r]);
          for (std::size_t i = 0; i < width; i += kWidth)
            store(&sums[r * width + i], load<F>(&sums[r * width + i]) * by);
        }
        add_product(tile.scores[row], kKeys, tile.values.data(), kKeys, width, &sums[row * width],
                    width, true);
      }
    }
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t i = 0; i < width; i += kWidth)
        store(result + (head * queries + query0 + r) * width + i,
              load<F>(&sums[r * width + i]) / total[r]);
  });
}

}  // namespace sokr::bench::real::handwritten
