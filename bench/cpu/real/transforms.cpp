// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Transforms, orders and systems of particles.
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "handwritten/handwritten.hpp"
#include "libraries.hpp"
#include "make.hpp"

namespace sokr::bench::real {
namespace {

// ---- batch of 1024 points ---------------------------------------------------------------------

Workload fft_1024(const Size& size) {
  const std::size_t cells = std::size_t{size[0]} * 1024 * 2;
  return {"fft_1024",
          {size[0], 1, 1},
          {256, 1, 1},
          push(-1.0f),
          {in(floats(cells, -1, 1)), out(cells * 4, Match::kFloats, 1e-5)}};
}

// Halves of halves; `x` has a power of two of points.
std::vector<std::complex<double>> transformed(const std::vector<std::complex<double>>& x) {
  const std::size_t n = x.size();
  if (n == 1) return x;
  std::vector<std::complex<double>> even, odd, result(n);
  for (std::size_t i = 0; i < n; i += 2) {
    even.push_back(x[i]);
    odd.push_back(x[i + 1]);
  }
  even = transformed(even);
  odd = transformed(odd);
  for (std::size_t i = 0; i < n / 2; ++i) {
    const auto turned = std::polar(1.0, -2 * std::numbers::pi * double(i) / double(n)) * odd[i];
    result[i] = even[i] + turned;
    result[i + n / 2] = even[i] - turned;
  }
  return result;
}

Workload fft_4096(const Size& size) {
  const std::uint32_t batch = size[0], points = size[1];
  demand(points == 8 || points == 64 || points == 512 || points == 4096,
         "points are a power of 8 from 8 to 4096");
  const std::size_t cells = std::size_t{batch} * points * 2;
  Workload workload{"fft_4096",
                    {batch, 1, 1},
                    {points / 8, 1, 1},
                    push(-1.0f),
                    {in(floats(cells, -1, 1)), out(cells * 4, Match::kFloats, 1e-5)}};
  workload.specialization = {{0, points / 8}, {1, points}};
  return workload;
}

Results fft_of(std::size_t count, const Workload& workload) {
  const std::vector<float> x = initial<float>(workload, 0);
  std::vector<double> result;
  for (std::size_t from = 0; from < x.size(); from += 2 * count) {
    std::vector<std::complex<double>> points;
    for (std::size_t i = 0; i < count; ++i)
      points.emplace_back(x[from + 2 * i], x[from + 2 * i + 1]);
    for (const std::complex<double>& value : transformed(points)) {
      result.push_back(value.real());
      result.push_back(value.imag());
    }
  }
  return {{}, floats_of(result)};
}

Results fft_expected(const Size&, const Workload& workload) {
  return fft_of(1024, workload);
}
Results fft_4096_expected(const Size& size, const Workload& workload) {
  return fft_of(size[1], workload);
}

Cost fft_cost(const Size& size) {
  return {size[0] * 5.0 * 1024 * 10, size[0] * 1024.0 * 16};
}
Cost fft_4096_cost(const Size& size) {
  return {size[0] * 5.0 * size[1] * std::log2(size[1]), size[0] * 16.0 * size[1]};
}

// ---- rows x columns ---------------------------------------------------------------------------

// No two of a row are alike: their order would be anybody's.
Workload argsort_rows(const Size& size) {
  const std::uint32_t rows = size[0], columns = size[1];
  demand(columns <= 4096, "a row has at most 4096 elements");
  Random random(rows + columns);
  std::vector<float> x(std::size_t{rows} * columns);
  for (std::size_t row = 0; row < x.size(); row += columns) {
    for (std::uint32_t i = 0; i < columns; ++i)
      x[row + i] = static_cast<float>(i) - 0.5f * static_cast<float>(columns) + random.f32(0, 0.5f);
    for (std::uint32_t i = columns - 1; i > 0; --i)
      std::swap(x[row + i], x[row + random.u32() % (i + 1)]);
  }
  const std::uint32_t power = std::bit_ceil(columns);
  Workload workload{"argsort_rows",
                    {rows, 1, 1},
                    {256, 1, 1},
                    push(columns),
                    {in(bytes_of(x)), out(x.size() * 4, Match::kBits)}};
  workload.specialization = {{0, std::min(power, 256u)}, {1, power}};
  workload.local[0] = std::min(power, 256u);
  return workload;
}

Results argsort_expected(const Size& size, const Workload& workload) {
  const std::vector<float> x = initial<float>(workload, 0);
  std::vector<std::int32_t> order(x.size());
  for (std::size_t row = 0; row < x.size(); row += size[1]) {
    const auto begin = order.begin() + static_cast<std::ptrdiff_t>(row);
    std::iota(begin, begin + size[1], 0);
    std::sort(begin, begin + size[1], [&](std::int32_t a, std::int32_t b) {
      return x[row + static_cast<std::size_t>(a)] < x[row + static_cast<std::size_t>(b)];
    });
  }
  return {{}, bytes_of(order)};
}

Cost argsort_cost(const Size& size) {
  const double cells = size[0] * 1.0 * size[1];
  return {cells * std::log2(size[1]), 8 * cells};
}

// ---- bodies -----------------------------------------------------------------------------------

constexpr float kStep = 0.01f, kPower = 0.75f, kSoften = 0.05f;

Workload nbody_pow(const Size& size) {
  const std::uint32_t n = size[0];
  Random random(n);
  std::vector<float> positions(4 * std::size_t{n});
  for (std::size_t i = 0; i < positions.size(); ++i)
    positions[i] = i % 4 == 3 ? random.f32(0.5f, 1.5f) : random.f32(-1, 1);
  Workload workload{"nbody_pow",
                    {ceil_div(n, 64), 1, 1},
                    {64, 1, 1},
                    push(n, kStep),
                    {in(bytes_of(positions)),
                     in_out(floats(4 * std::size_t{n}, -0.1f, 0.1f), Match::kFloats, 1e-4)}};
  workload.consumes_input = true;
  workload.specialization = {{0, 64}, {1, word_of(kPower)}, {2, word_of(kSoften)}};
  return workload;
}

Results nbody_expected(const Size& size, const Workload& workload) {
  const std::uint32_t n = size[0];
  const std::vector<double> p = doubles(initial<float>(workload, 0));
  std::vector<double> v = doubles(initial<float>(workload, 1));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      double to[3], square = kSoften;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        to[axis] = p[4 * j + axis] - p[4 * i + axis];
        square += to[axis] * to[axis];
      }
      const double by = kStep * p[4 * j + 3] / std::pow(square, double{kPower});
      for (std::size_t axis = 0; axis < 3; ++axis) v[4 * i + axis] += by * to[axis];
    }
  return {{}, floats_of(v)};
}

Cost nbody_cost(const Size& size) {
  return {size[0] * 20.0 * size[0], size[0] * 48.0};
}

constexpr Kernel kKernels[] = {
    {"argsort_rows", "rows x columns", "256x1024 512x333", "64x1024", "3x333 2x1025 4x5",
     argsort_rows, argsort_expected, argsort_cost, handwritten::argsort_rows},
    {"fft_1024",
     "batch",
     "512",
     "64",
     "1 3",
     fft_1024,
     fft_expected,
     fft_cost,
     handwritten::fft_1024,
     {"fftw", fftw_1024}},
    {"fft_4096",
     "batch x points",
     "128x4096",
     "16x4096",
     "3x512 2x64 5x8",
     fft_4096,
     fft_4096_expected,
     fft_4096_cost,
     handwritten::fft_4096,
     {"fftw", fftw_4096}},
    {"nbody_pow", "bodies", "4096", "1024", "77 65", nbody_pow, nbody_expected, nbody_cost,
     handwritten::nbody_pow},
};

}  // namespace

std::span<const Kernel> transform_kernels() {
  return kKernels;
}

}  // namespace sokr::bench::real
