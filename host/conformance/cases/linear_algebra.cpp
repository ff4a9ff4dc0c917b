// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cmath>

#include "case.hpp"

namespace sokr::conformance {
namespace {

// A sum of k rounded terms is off by at most k roundings of the sum of the magnitudes;
// Vulkan leaves the order of a kernel's own operations alone.
Close sum_of(std::vector<double> expected, std::vector<double> magnitude, std::size_t terms) {
  Tolerance tolerance{.relative = static_cast<double>(terms + 1) * kEpsilon};
  return {std::move(expected), tolerance, tolerance, std::move(magnitude)};
}

Case saxpy(std::uint32_t n) {
  Random random(n);
  const float a = -1.75f;
  std::vector<float> x = random.floats(n, -10, 10), y = random.floats(n, -10, 10);
  std::vector<double> expected(n), magnitude(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    expected[i] = double(a) * x[i] + y[i];
    magnitude[i] = std::abs(double(a) * x[i]) + std::abs(y[i]);
  }
  // Two roundings, or one if they are fused.
  return Case().threads(n).push(n, a).in({0, 0}, x).in_out(
      {0, 1}, y, close<float>(sum_of(expected, magnitude, 1)));
}

Case matmul(std::uint32_t m, std::uint32_t n, std::uint32_t k) {
  Random random(m * 31 + n * 7 + k);
  std::vector<float> a = random.floats(m * k, -1, 1), b = random.floats(k * n, -1, 1);
  std::vector<double> expected(m * n), magnitude(m * n);
  for (std::uint32_t row = 0; row < m; ++row) {
    for (std::uint32_t col = 0; col < n; ++col) {
      for (std::uint32_t i = 0; i < k; ++i) {
        double term = double(a[row * k + i]) * b[i * n + col];
        expected[row * n + col] += term;
        magnitude[row * n + col] += std::abs(term);
      }
    }
  }
  return Case().threads(n, m).push(m, n, k).in({0, 0}, a).in({0, 1}, b).out<float>(
      {0, 2}, sum_of(expected, magnitude, k));
}

Case matvec_f16(std::uint32_t rows, std::uint32_t columns) {
  Random random(rows + columns);
  auto halves = [&random](std::size_t count) {
    std::vector<Half> values(count);
    for (Half& value : values) value = to_half(4 * random.unit() - 2);
    return values;
  };
  std::vector<Half> a = halves(rows * columns), x = halves(columns);
  std::vector<double> expected(rows), magnitude(rows);
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (std::uint32_t i = 0; i < columns; ++i) {
      double term = to_double(a[row * columns + i]) * to_double(x[i]);
      expected[row] += term;
      magnitude[row] += std::abs(term);
    }
  }
  return Case()
      .groups(rows)
      .push(rows, columns)
      .in({0, 0}, a)
      .in({0, 1}, x)
      .out<float>({0, 2}, sum_of(expected, magnitude, columns));
}

Case matvec_int8(std::uint32_t rows, std::uint32_t quads) {
  Random random(rows * quads);
  auto a = random.integers<std::int8_t>(rows * quads * 4);
  auto x = random.integers<std::int8_t>(quads * 4);
  std::vector<std::int32_t> expected(rows);
  for (std::uint32_t row = 0; row < rows; ++row) {
    for (std::uint32_t i = 0; i < quads * 4; ++i) expected[row] += a[row * quads * 4 + i] * x[i];
  }
  return Case().groups(rows).push(rows, quads).in({0, 0}, a).in({0, 1}, x).out({0, 2}, expected);
}

Case spmv(std::uint32_t rows, std::uint32_t columns) {
  Random random(rows ^ columns);
  std::vector<std::uint32_t> starts = {0}, places;
  std::vector<float> values, x = random.floats(columns, -3, 3);
  std::vector<double> expected, magnitude;
  for (std::uint32_t row = 0; row < rows; ++row) {
    double sum = 0, size = 0;
    for (std::uint32_t entries = random.u32() % 13; entries > 0; --entries) {
      places.push_back(random.u32() % columns);
      values.push_back(static_cast<float>(random.unit() - 0.5));
      sum += double(values.back()) * x[places.back()];
      size += std::abs(double(values.back()) * x[places.back()]);
    }
    starts.push_back(static_cast<std::uint32_t>(places.size()));
    expected.push_back(sum);
    magnitude.push_back(size);
  }
  return Case()
      .threads(rows)
      .push(rows)
      .in({0, 0}, starts)
      .in({0, 1}, places)
      .in({0, 2}, values)
      .in({0, 3}, x)
      .out<float>({0, 4}, sum_of(expected, magnitude, 13));
}

Case transpose(std::uint32_t width, std::uint32_t height) {
  Random random(width * height);
  std::vector<std::uint32_t> from = random.words(width * height), to(from.size());
  for (std::uint32_t y = 0; y < height; ++y) {
    for (std::uint32_t x = 0; x < width; ++x) to[x * height + y] = from[y * width + x];
  }
  return Case().threads(width, height).push(width, height).in({0, 0}, from).out({0, 1}, to);
}

}  // namespace

std::vector<Entry> linear_algebra_cases() {
  return {
      {"saxpy", "n=1", [] { return saxpy(1); }},
      {"saxpy", "n=1000", [] { return saxpy(1000); }},
      {"matmul_naive", "16x16x16", [] { return matmul(16, 16, 16); }},
      {"matmul_naive", "21x34x17", [] { return matmul(21, 34, 17); }},
      {"matmul_tiled", "32x32x32", [] { return matmul(32, 32, 32); }},
      {"matmul_tiled", "21x34x47", [] { return matmul(21, 34, 47); }},
      {"matvec_f16", "5x300", [] { return matvec_f16(5, 300); }},
      {"matvec_int8_dot", "7x129", [] { return matvec_int8(7, 129); }},
      {"spmv", "200 rows", [] { return spmv(200, 150); }},
      {"transpose", "48x32", [] { return transpose(48, 32); }},
      {"transpose", "37x21", [] { return transpose(37, 21); }},
  };
}

}  // namespace sokr::conformance
