// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What inference libraries run: products, attention, normalisations.
#include <algorithm>
#include <cmath>

#include "handwritten/handwritten.hpp"
#include "libraries.hpp"
#include "make.hpp"

namespace sokr::bench::real {
namespace {

// ---- m x n x k: c[q][r] = sum over i of b[q][i] a[r][i] ---------------------------------

constexpr std::uint32_t kDeep = 16;

Workload matmul_f32(const Size& size) {
  const std::uint32_t m = size[0], n = size[1], k = size[2], stride = round_up(k, kDeep);
  Workload workload{"matmul_f32",
                    {ceil_div(m, 64), ceil_div(n, 64), 1},
                    {128, 1, 1},
                    push(m, n, k, stride, stride, m),
                    {in(padded_rows(m, k, stride)), in(padded_rows(n, k, stride)),
                     out(std::size_t{m} * n * 4, Match::kFloats, 2e-5)}};
  workload.specialization = {{0, 128}, {1, 64}, {2, 64}, {3, kDeep}, {4, 32},
                             {5, 32},  {6, 4},  {7, 2},  {8, 32}};
  return workload;
}

Results matmul_expected(const Size& size, const Workload& workload) {
  const std::uint32_t m = size[0], n = size[1], stride = round_up(size[2], kDeep);
  const std::vector<float> a = initial<float>(workload, 0), b = initial<float>(workload, 1);
  std::vector<double> c(std::size_t{m} * n);
  for (std::uint32_t q = 0; q < n; ++q)
    for (std::uint32_t r = 0; r < m; ++r) {
      double sums[8] = {};
      for (std::uint32_t i = 0; i < stride; i += 8)
        for (std::uint32_t j = 0; j < 8; ++j)
          sums[j] +=
              double{a[std::size_t{r} * stride + i + j]} * b[std::size_t{q} * stride + i + j];
      for (const double sum : sums) c[std::size_t{q} * m + r] += sum;
    }
  return {{}, {}, floats_of(c)};
}

Cost matmul_cost(const Size& size) {
  const double m = size[0], n = size[1], k = size[2];
  return {2 * m * n * k, 4 * (m * k + n * k + m * n)};
}

// ---- rows x k: blocks of 32 values of 4 bits and a scale ----------------------------------

constexpr std::uint32_t kBlockBytes = 18;

Workload matvec_q4(const Size& size) {
  const std::uint32_t rows = size[0], k = size[1], blocks = rows * (k / 32);
  demand(k % 32 == 0, "k is a multiple of 32");
  Random random(rows + k);
  Bytes weights = words(ceil_div(blocks * kBlockBytes, 4));
  weights.resize(std::size_t{blocks} * kBlockBytes);
  for (std::uint32_t i = 0; i < blocks; ++i) {
    const Bytes scale = halves(random, 1);
    std::copy(scale.begin(), scale.end(), weights.begin() + i * std::ptrdiff_t{kBlockBytes});
  }
  Workload workload{"matvec_q4",
                    {ceil_div(rows, 2), 1, 1},
                    {64, 1, 1},
                    push(rows, k),
                    {in(std::move(weights)), in(floats(k, -1, 1)),
                     out(std::size_t{rows} * 4, Match::kFloats, 2e-5)}};
  workload.specialization = {{0, 64}, {1, 2}};
  return workload;
}

Results matvec_q4_expected(const Size& size, const Workload& workload) {
  const std::uint32_t rows = size[0], k = size[1], blocks = k / 32;
  const std::vector<std::uint8_t> w = initial<std::uint8_t>(workload, 0);
  const std::vector<float> x = initial<float>(workload, 1);
  std::vector<double> y(rows);
  for (std::uint32_t row = 0; row < rows; ++row)
    for (std::uint32_t block = 0; block < blocks; ++block) {
      const std::uint8_t* from = &w[(std::size_t{row} * blocks + block) * kBlockBytes];
      const double scale = half_value(static_cast<std::uint16_t>(from[0] | from[1] << 8));
      for (std::uint32_t i = 0; i < 16; ++i) {
        const std::uint32_t byte = from[2 + i];
        y[row] += scale * (double(byte & 15) - 8) * x[block * 32 + i];
        y[row] += scale * (double(byte >> 4) - 8) * x[block * 32 + 16 + i];
      }
    }
  return {{}, {}, floats_of(y)};
}

Cost matvec_q4_cost(const Size& size) {
  const double rows = size[0], k = size[1];
  return {2 * rows * k, rows * k / 32 * kBlockBytes + 4 * (rows + k)};
}

// ---- heads x queries x keys x width ---------------------------------------------------------

Workload attention(const Size& size) {
  const std::uint32_t heads = size[0], queries = size[1], keys = size[2], width = size[3];
  demand(width % 32 == 0, "the width of a head is a multiple of 32");
  Random random(heads + queries + keys);
  const std::size_t cells = std::size_t{heads} * keys * width;
  // The last tenth of the keys is masked from half of the queries.
  std::vector<float> mask(std::size_t{queries} * keys);
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (i / keys % 2 == 1 && i % keys > keys - keys / 10) mask[i] = -1e9f;
  Workload workload{"attention",
                    {ceil_div(queries, 8), heads, 1},
                    {64, 1, 1},
                    push(queries, keys, 1 / std::sqrt(static_cast<float>(width))),
                    {in(floats(std::size_t{heads} * queries * width, -1, 1)),
                     in(halves(random, cells)), in(halves(random, cells)), in(bytes_of(mask)),
                     out(std::size_t{heads} * queries * width * 4, Match::kFloats, 1e-4)}};
  workload.specialization = {{0, 64}, {1, 8}, {2, 32}, {3, width}, {4, 8}};
  return workload;
}

Results attention_expected(const Size& size, const Workload& workload) {
  const std::uint32_t heads = size[0], queries = size[1], keys = size[2], width = size[3];
  const auto widened = [&](std::size_t buffer) {
    std::vector<double> values;
    for (const std::uint16_t half : initial<std::uint16_t>(workload, buffer))
      values.push_back(half_value(half));
    return values;
  };
  const std::vector<float> q = initial<float>(workload, 0), mask = initial<float>(workload, 3);
  const std::vector<double> k = widened(1), v = widened(2);
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  std::vector<double> result(q.size()), scores(keys);
  for (std::uint32_t row = 0; row < heads * queries; ++row) {
    const std::size_t head = std::size_t{row / queries} * keys * width,
                      from = std::size_t{row} * width;
    for (std::uint32_t key = 0; key < keys; ++key) {
      double score = 0;
      for (std::uint32_t i = 0; i < width; ++i)
        score += q[from + i] * k[head + std::size_t{key} * width + i];
      scores[key] = score * scale + mask[std::size_t{row % queries} * keys + key];
    }
    const double most = *std::ranges::max_element(scores);
    double total = 0;
    for (double& score : scores) total += score = std::exp(score - most);
    for (std::uint32_t key = 0; key < keys; ++key)
      for (std::uint32_t i = 0; i < width; ++i)
        result[from + i] += scores[key] / total * v[head + std::size_t{key} * width + i];
  }
  return {{}, {}, {}, {}, floats_of(result)};
}

Cost attention_cost(const Size& size) {
  const double heads = size[0], queries = size[1], keys = size[2], width = size[3];
  return {4 * heads * queries * keys * width,
          heads * width * (8 * queries + 4 * keys) + 4 * queries * keys};
}

// ---- rows x columns ---------------------------------------------------------------------------

constexpr float kScale = 0.3f, kEpsilon = 1e-5f;

Workload softmax_rows(const Size& size) {
  const std::uint32_t rows = size[0], columns = size[1];
  const std::size_t cells = std::size_t{rows} * columns;
  Workload workload{"softmax_rows",
                    {rows, 1, 1},
                    {256, 1, 1},
                    push(columns, kScale),
                    {in(floats(cells, -10, 10)), in(floats(columns, -1, 0)),
                     out(cells * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 256}};
  return workload;
}

Results softmax_expected(const Size& size, const Workload& workload) {
  const std::uint32_t columns = size[1];
  const std::vector<float> x = initial<float>(workload, 0), mask = initial<float>(workload, 1);
  std::vector<double> y(x.size());
  for (std::size_t row = 0; row < x.size(); row += columns) {
    double most = -1e30, total = 0;
    for (std::uint32_t i = 0; i < columns; ++i) {
      y[row + i] = double{x[row + i]} * kScale + mask[i];
      most = std::max(most, y[row + i]);
    }
    for (std::uint32_t i = 0; i < columns; ++i) total += y[row + i] = std::exp(y[row + i] - most);
    for (std::uint32_t i = 0; i < columns; ++i) y[row + i] /= total;
  }
  return {{}, {}, floats_of(y)};
}

Workload rms_norm(const Size& size) {
  const std::uint32_t rows = size[0], columns = size[1];
  const std::size_t cells = std::size_t{rows} * columns;
  Workload workload{"rms_norm",
                    {rows, 1, 1},
                    {256, 1, 1},
                    push(columns, columns, kEpsilon),
                    {in(floats(cells, -2, 2)), in(floats(columns, 0.5f, 2)),
                     out(cells * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, 256}};
  return workload;
}

Results rms_expected(const Size& size, const Workload& workload) {
  const std::uint32_t columns = size[1];
  const std::vector<float> x = initial<float>(workload, 0), weight = initial<float>(workload, 1);
  std::vector<double> y(x.size());
  for (std::size_t row = 0; row < x.size(); row += columns) {
    double sum = 0;
    for (std::uint32_t i = 0; i < columns; ++i) sum += double{x[row + i]} * x[row + i];
    const double by = 1 / std::sqrt(sum / columns + kEpsilon);
    for (std::uint32_t i = 0; i < columns; ++i) y[row + i] = by * x[row + i] * weight[i];
  }
  return {{}, {}, floats_of(y)};
}

// Once in and once out; `operations` for each element.
template <int kOperations>
Cost rows_cost(const Size& size) {
  const double cells = double{size[0] * 1.0} * size[1];
  return {kOperations * cells, 8 * cells};
}

constexpr Kernel kKernels[] = {
    {"matmul_f32",
     "m x n x k",
     "512x512x512 1024x1024x1024 500x333x777",
     "256x256x256",
     "65x67x33 1x129x16",
     matmul_f32,
     matmul_expected,
     matmul_cost,
     handwritten::matmul_f32,
     {"openblas", openblas_matmul_f32}},
    {"matvec_q4", "rows x k", "4096x4096", "1024x1024", "33x96 2x2080", matvec_q4,
     matvec_q4_expected, matvec_q4_cost, handwritten::matvec_q4},
    {"attention", "heads x queries x keys x width", "8x128x1024x64 8x128x1024x128", "2x64x256x64",
     "3x13x77x32 1x33x65x96", attention, attention_expected, attention_cost,
     handwritten::attention},
    {"softmax_rows", "rows x columns", "1024x4096", "256x1024", "3x333 5x7", softmax_rows,
     softmax_expected, rows_cost<12>, handwritten::softmax_rows},
    {"rms_norm", "rows x columns", "1024x4096", "256x1024", "3x333 5x7", rms_norm, rms_expected,
     rows_cost<4>, handwritten::rms_norm},
};

}  // namespace

std::span<const Kernel> inference_kernels() {
  return kKernels;
}

}  // namespace sokr::bench::real
