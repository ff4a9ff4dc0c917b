// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What inference libraries run, continued: narrow products, layers, conversions.
#include <algorithm>
#include <cmath>

#include "handwritten/handwritten.hpp"
#include "make.hpp"

namespace sokr::bench::real {
namespace {

std::vector<double> widened(const Workload& workload, std::size_t buffer) {
  std::vector<double> values;
  for (const std::uint16_t half : initial<std::uint16_t>(workload, buffer))
    values.push_back(half_value(half));
  return values;
}

// ---- m x n x k of narrow numbers ---------------------------------------------------------------

constexpr float kFactor = 0.5f;

// Rows of `size` bytes each, then zeros up to `stride` bytes.
Bytes cut_rows(Bytes bytes, std::uint32_t size, std::uint32_t stride) {
  for (std::size_t row = 0; row < bytes.size(); row += stride)
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(row + size),
              bytes.begin() + static_cast<std::ptrdiff_t>(row + stride), std::byte{0});
  return bytes;
}

// c[q][r] of rows at `stride`.
template <class Sum, class T>
std::vector<Sum> product(const std::vector<T>& a, const std::vector<T>& b, std::size_t stride) {
  std::vector<Sum> c;
  for (std::size_t q = 0; q < b.size(); q += stride)
    for (std::size_t r = 0; r < a.size(); r += stride) {
      Sum sum = 0;
      for (std::size_t i = 0; i < stride; ++i) sum += Sum{a[r + i]} * Sum{b[q + i]};
      c.push_back(sum);
    }
  return c;
}

Workload matmul_f16(const Size& size) {
  const std::uint32_t m = size[0], n = size[1], k = size[2], stride = round_up(k, 16);
  Random random(m + n + k);
  Workload workload{"matmul_f16",
                    {ceil_div(m, 64), ceil_div(n, 64), 1},
                    {128, 1, 1},
                    push(m, n, k, stride, stride, m, 0u, 0u, 0u, k, 1u, 1u, 1u, 1u, kFactor, 0u),
                    {in(cut_rows(halves(random, std::size_t{m} * stride), 2 * k, 2 * stride)),
                     in(cut_rows(halves(random, std::size_t{n} * stride), 2 * k, 2 * stride)),
                     out(std::size_t{m} * n * 4, Match::kFloats, 2e-5)}};
  workload.specialization = {{0, 128}, {1, 64}, {2, 64}, {3, 16}, {4, 8}, {5, 4}};
  return workload;
}

Results matmul_f16_expected(const Size& size, const Workload& workload) {
  std::vector<double> c =
      product<double>(widened(workload, 0), widened(workload, 1), round_up(size[2], 16));
  for (double& value : c) value *= kFactor;
  return {{}, {}, floats_of(c)};
}

Workload matmul_i8(const Size& size) {
  const std::uint32_t m = size[0], n = size[1], k = size[2], stride = round_up(k, 32);
  Workload workload{"matmul_i8",
                    {ceil_div(m, 32), ceil_div(n, 32), 1},
                    {128, 1, 1},
                    push(m, n, k, stride),
                    {in(cut_rows(words(std::size_t{m} * stride / 4), k, stride)),
                     in(cut_rows(words(std::size_t{n} * stride / 4), k, stride)),
                     out(std::size_t{m} * n * 4, Match::kBits)}};
  workload.specialization = {{0, 128}, {1, 32}, {2, 32}, {3, 32}, {4, 4}, {5, 2}};
  return workload;
}

Results matmul_i8_expected(const Size& size, const Workload& workload) {
  return {
      {},
      {},
      bytes_of(product<std::int32_t>(initial<std::int8_t>(workload, 0),
                                     initial<std::int8_t>(workload, 1), round_up(size[2], 32)))};
}

template <int kBytes>
Cost narrow_cost(const Size& size) {
  const double m = size[0], n = size[1], k = size[2];
  return {2 * m * n * k, kBytes * (m * k + n * k) + 4 * m * n};
}

// ---- rows x k x columns: blocks of 256 values of 4 bits
// ------------------------------------------

constexpr std::uint32_t kSuper = 144;

Workload matvec_q4k(const Size& size) {
  const std::uint32_t rows = size[0], k = size[1], columns = size[2];
  demand(k % 256 == 0 && columns <= 8, "k is a multiple of 256, and at most 8 columns");
  const std::uint32_t blocks = rows * (k / 256);
  Random random(rows + k);
  Bytes weights = words(std::size_t{blocks} * kSuper / 4);
  for (std::size_t block = 0; block < blocks; ++block) {
    const Bytes scales = halves(random, 2);
    std::copy(scales.begin(), scales.end(),
              weights.begin() + static_cast<std::ptrdiff_t>(block * kSuper));
  }
  Workload workload{"matvec_q4k",
                    {rows, 1, 1},
                    {64, 1, 1},
                    push(rows, k),
                    {in(std::move(weights)), in(floats(std::size_t{columns} * k, -1, 1)),
                     out(std::size_t{columns} * rows * 4, Match::kFloats, 2e-5)}};
  workload.specialization = {{0, 64}, {1, columns}};
  workload.views = {{0}, {0}, {1}, {2}};
  return workload;
}

Results matvec_q4k_expected(const Size& size, const Workload& workload) {
  const std::uint32_t rows = size[0], k = size[1], columns = size[2];
  const std::vector<std::uint8_t> w = initial<std::uint8_t>(workload, 0);
  const std::vector<float> x = initial<float>(workload, 1);
  std::vector<double> y(std::size_t{columns} * rows);
  for (std::uint32_t row = 0; row < rows; ++row)
    for (std::uint32_t i = 0; i < k; ++i) {
      const std::uint8_t* block = &w[(std::size_t{row} * (k / 256) + i / 256) * kSuper];
      const std::uint8_t* const s = block + 4;
      const std::uint32_t group = i % 256 / 32;
      const int scale = group < 4 ? s[group] & 63 : (s[group + 4] & 15) | s[group - 4] >> 6 << 4;
      const int least = group < 4 ? s[group + 4] & 63 : s[group + 4] >> 4 | s[group] >> 6 << 4;
      const int q = block[16 + group / 2 * 32 + i % 32] >> group % 2 * 4 & 15;
      const auto half = [&](std::size_t at) {
        return double{half_value(static_cast<std::uint16_t>(block[at] | block[at + 1] << 8))};
      };
      const double value = half(0) * scale * q - half(2) * least;
      for (std::uint32_t c = 0; c < columns; ++c)
        y[std::size_t{c} * rows + row] += value * x[std::size_t{c} * k + i];
    }
  return {{}, {}, floats_of(y)};
}

Cost matvec_q4k_cost(const Size& size) {
  const double rows = size[0], k = size[1], columns = size[2];
  return {2 * rows * k * columns, rows * k / 256 * kSuper + 4 * columns * (rows + k)};
}

// ---- rows x columns
// ------------------------------------------------------------------------------

constexpr float kEpsilon = 1e-5f;

Workload layer_norm(const Size& size) {
  const std::uint32_t rows = size[0], columns = size[1];
  const std::size_t cells = std::size_t{rows} * columns;
  Workload workload{"layer_norm",
                    {rows, 1, 1},
                    {256, 1, 1},
                    push(columns, kEpsilon),
                    {in(floats(cells, -1, 2)), in(floats(2 * std::size_t{columns}, 0.5f, 2)),
                     out(cells * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 256}};
  return workload;
}

Results layer_norm_expected(const Size& size, const Workload& workload) {
  const std::uint32_t columns = size[1];
  const std::vector<float> x = initial<float>(workload, 0), affine = initial<float>(workload, 1);
  std::vector<double> y(x.size());
  for (std::size_t row = 0; row < x.size(); row += columns) {
    double sum = 0, squares = 0;
    for (std::uint32_t i = 0; i < columns; ++i) sum += x[row + i];
    const double mean = sum / columns;
    for (std::uint32_t i = 0; i < columns; ++i)
      squares += (x[row + i] - mean) * (x[row + i] - mean);
    const double by = 1 / std::sqrt(squares / columns + kEpsilon);
    for (std::uint32_t i = 0; i < columns; ++i)
      y[row + i] = (x[row + i] - mean) * by * affine[2 * i] + affine[2 * i + 1];
  }
  return {{}, {}, floats_of(y)};
}

Cost rows_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1];
  return {8 * cells, 8 * cells};
}

// ---- tokens x heads x width
// ------------------------------------------------------------------------

Workload rotary(const Size& size) {
  const std::uint32_t tokens = size[0], heads = size[1], width = size[2];
  demand(width % 4 == 0, "width is a multiple of 4");
  const std::size_t cells = std::size_t{tokens} * heads * width;
  std::vector<std::int32_t> positions;
  for (std::uint32_t token = 0; token < tokens; ++token)
    positions.push_back(static_cast<std::int32_t>(token * 3 % 1021));
  // Three quarters of each head are turned.
  const std::uint32_t turned = width / 4 * 3 / 2 * 2;
  Workload workload{
      "rotary",
      {ceil_div(width / 2, 64), heads, tokens},
      {64, 1, 1},
      push(heads, width, turned, 0.5f, 13.2877124f, 1.25f, width, heads * width, 4.0f, 20.0f,
           0.75f),
      {in(floats(cells, -1, 1)), in(bytes_of(positions)), out(cells * 2, Match::kHalves, 1e-3)}};
  workload.specialization = {{0, 64}};
  return workload;
}

Results rotary_expected(const Size& size, const Workload& workload) {
  const std::uint32_t heads = size[1], width = size[2], turned = width / 4 * 3 / 2 * 2;
  const std::vector<float> x = initial<float>(workload, 0);
  const std::vector<std::int32_t> positions = initial<std::int32_t>(workload, 1);
  std::vector<std::uint16_t> y;
  for (const float value : x) y.push_back(half_of(value));
  for (std::size_t at = 0; at < x.size(); at += width)
    for (std::uint32_t i = 0; i < turned / 2; ++i) {
      const double theta =
          positions[at / width / heads] * std::exp2(-13.2877124 * 2 * double{1} * i / turned);
      const double ramp = 0.75 * (1 - std::clamp((i - 4.0) / 16, 0.0, 1.0));
      const double angle = 0.5 * theta * (1 - ramp) + theta * ramp;
      const double c = std::cos(angle) * 1.25, s = std::sin(angle) * 1.25;
      const double a = x[at + i], b = x[at + i + turned / 2];
      y[at + i] = half_of(a * c - b * s);
      y[at + i + turned / 2] = half_of(a * s + b * c);
    }
  return {{}, {}, bytes_of(y)};
}

Cost rotary_cost(const Size& size) {
  const double cells = double{1} * size[0] * size[1] * size[2];
  return {20 * cells, 6 * cells};
}

// ---- elements
// ---------------------------------------------------------------------------------------

// The largest of a block is 127 times a power of two: its scale has no error.
Workload quantise_q8(const Size& size) {
  const std::uint32_t n = size[0];
  demand(n % 32 == 0, "a multiple of 32");
  Random random(n);
  std::vector<float> x(n);
  for (std::uint32_t block = 0; block < n; block += 32) {
    const float scale = std::ldexp(1.0f, -static_cast<int>(random.u32() % 8));
    for (std::uint32_t i = 0; i < 32; ++i) x[block + i] = random.f32(-100, 100) * scale;
    x[block + random.u32() % 32] = (random.u32() % 2 ? 127.0f : -127.0f) * scale;
  }
  Workload workload{"quantise_q8",
                    {ceil_div(n / 32, 64), 1, 1},
                    {64, 1, 1},
                    push(n),
                    {in(bytes_of(x)), out(n / 32 * std::size_t{36}, Match::kMostly, 1e-3)}};
  workload.specialization = {{0, 64}};
  return workload;
}

Results quantise_expected(const Size&, const Workload& workload) {
  const std::vector<float> x = initial<float>(workload, 0);
  Bytes blocks;
  for (std::size_t block = 0; block < x.size(); block += 32) {
    float most = 0;
    for (std::size_t i = 0; i < 32; ++i) most = std::max(most, std::abs(x[block + i]));
    const float scale = most / 127;
    const auto* bytes = reinterpret_cast<const std::byte*>(&scale);
    blocks.insert(blocks.end(), bytes, bytes + 4);
    for (std::size_t i = 0; i < 32; ++i)
      blocks.push_back(static_cast<std::byte>(std::lround(x[block + i] / double{scale})));
  }
  return {{}, std::move(blocks)};
}

Cost quantise_cost(const Size& size) {
  return {4.0 * size[0], size[0] * (4 + 36 / 32.0)};
}

Workload adam(const Size& size) {
  const std::uint32_t n = size[0];
  const std::vector<float> parameters{1e-2f, 0.9f, 0.999f, 1e-8f, 0.1f, 0.81f, 0.998001f};
  Workload workload{
      "adam",
      {ceil_div(n, 256), 1, 1},
      {256, 1, 1},
      push(n),
      {in_out(floats(n, -1, 1), Match::kFloats, 1e-5), in(floats(n + 1, -1, 1)),
       in_out(floats(n + 2, -1, 1), Match::kFloats, 1e-6),
       in_out(floats(n + 3, 0.1f, 1), Match::kFloats, 1e-6), in(bytes_of(parameters))}};
  workload.consumes_input = true;
  workload.specialization = {{0, 256}};
  // One more of each, which nobody touches.
  workload.views = {{0},
                    {1, 0, std::uint64_t{n} * 4},
                    {2, 0, std::uint64_t{n} * 4},
                    {3, 0, std::uint64_t{n} * 4},
                    {4}};
  return workload;
}

Results adam_expected(const Size& size, const Workload& workload) {
  const std::vector<double> p = doubles(initial<float>(workload, 4));
  std::vector<double> x = doubles(initial<float>(workload, 0)),
                      g = doubles(initial<float>(workload, 1)),
                      m = doubles(initial<float>(workload, 2)),
                      v = doubles(initial<float>(workload, 3));
  for (std::uint32_t i = 0; i < size[0]; ++i) {
    m[i] = m[i] * p[1] + g[i] * (1 - p[1]);
    v[i] = v[i] * p[2] + g[i] * g[i] * (1 - p[2]);
    x[i] = x[i] * (1 - p[0] * p[4]) -
           p[0] * (m[i] / (1 - p[5])) / (std::sqrt(v[i] / (1 - p[6])) + p[3]);
  }
  return {floats_of(x), {}, floats_of(m), floats_of(v), {}};
}

Cost adam_cost(const Size& size) {
  return {15.0 * size[0], 28.0 * size[0]};
}

// ---- tokens x heads of 64
// ------------------------------------------------------------------------------

constexpr std::uint32_t kHead = 64;

Workload wkv(const Size& size) {
  const std::uint32_t tokens = size[0], heads = size[1];
  const std::size_t cells = std::size_t{tokens} * heads * kHead;
  Workload workload{
      "wkv",
      {heads, 1, 1},
      {kHead, 1, 1},
      push(tokens, heads),
      {in(floats(cells, -1, 1)), in(floats(cells + 1, -1, 1)), in(floats(cells + 2, -1, 1)),
       in(floats(std::size_t{heads} * kHead * 2, 0.5f, 0.99f)),
       in(floats(std::size_t{heads} * kHead * kHead, -1, 1)),
       out(cells * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, kHead}};
  return workload;
}

Results wkv_expected(const Size& size, const Workload& workload) {
  const std::uint32_t tokens = size[0], heads = size[1];
  const std::vector<float> k = initial<float>(workload, 0), v = initial<float>(workload, 1),
                           r = initial<float>(workload, 2), d = initial<float>(workload, 3);
  std::vector<double> state = doubles(initial<float>(workload, 4));
  std::vector<double> y(std::size_t{tokens} * heads * kHead);
  for (std::uint32_t t = 0; t < tokens; ++t)
    for (std::uint32_t head = 0; head < heads; ++head) {
      const std::size_t at = (std::size_t{t} * heads + head) * kHead;
      for (std::uint32_t i = 0; i < kHead; ++i)
        for (std::uint32_t j = 0; j < kHead; ++j) {
          const std::size_t row = std::size_t{head} * kHead + i;
          double& s = state[row * kHead + j];
          const double kv = double{k[at + i]} * v[at + j];
          y[at + j] += r[at + i] * (d[2 * row + 1] * kv + s);
          s = s * d[2 * row] + kv;
        }
    }
  return {{}, {}, {}, {}, {}, floats_of(y)};
}

Cost wkv_cost(const Size& size) {
  const double heads = size[1], cells = size[0] * heads * kHead;
  return {7 * cells * kHead, 16 * cells + 4 * heads * kHead * kHead};
}

constexpr Kernel kKernels[] = {
    {"matmul_f16", "m x n x k", "512x512x512 500x333x777", "256x256x256", "65x67x33 1x129x16",
     matmul_f16, matmul_f16_expected, narrow_cost<2>, handwritten::matmul_f16},
    {"matmul_i8", "m x n x k", "512x512x512 500x333x777", "256x256x256", "65x67x33 1x129x16",
     matmul_i8, matmul_i8_expected, narrow_cost<1>, handwritten::matmul_i8},
    {"matvec_q4k", "rows x k x columns", "4096x4096x1 4096x4096x8", "1024x1024x1",
     "33x512x1 7x256x3 5x2304x8", matvec_q4k, matvec_q4k_expected, matvec_q4k_cost,
     handwritten::matvec_q4k},
    {"layer_norm", "rows x columns", "1024x4096", "256x1024", "3x333 5x7", layer_norm,
     layer_norm_expected, rows_cost, handwritten::layer_norm},
    {"rotary", "tokens x heads x width", "512x32x128", "64x8x128", "3x5x20 7x1x64", rotary,
     rotary_expected, rotary_cost, handwritten::rotary},
    {"quantise_q8", "elements", "4194304", "262144", "32 2080", quantise_q8, quantise_expected,
     quantise_cost, handwritten::quantise_q8},
    {"adam", "elements", "4194304", "262144", "1 333", adam, adam_expected, adam_cost,
     handwritten::adam},
    {"wkv", "tokens x heads", "128x32", "16x4", "3x1", wkv, wkv_expected, wkv_cost,
     handwritten::wkv},
};

}  // namespace

std::span<const Kernel> layer_kernels() {
  return kKernels;
}

}  // namespace sokr::bench::real
