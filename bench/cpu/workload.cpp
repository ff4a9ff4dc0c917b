// SPDX-License-Identifier: MIT OR Apache-2.0
#include "workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "inputs.hpp"

namespace sokr::bench {
namespace {

constexpr std::uint32_t kMebi = 1u << 20;

Workload saxpy(std::uint32_t n) {
  return {"saxpy",
          {(n + 255) / 256, 1, 1},
          {256, 1, 1},
          push(n, 1.5f),
          {in(floats(n, -1, 1)), in_out(floats(n, -1, 1), Match::kFloats, 1e-6)}};
}

Workload matmul(const char* name, std::uint32_t n) {
  return {
      name,
      {n / 16, n / 16, 1},
      {16, 16, 1},
      push(n, n, n),
      {in(floats(n * n, -1, 1)), in(floats(n * n, -1, 1)), out(n * n * 4, Match::kFloats, 1e-5)}};
}

Workload mandelbrot(std::uint32_t n) {
  // A pixel at the border of the set may take another path if a product is fused with a sum.
  return {"mandelbrot",
          {n / 16, n / 16, 1},
          {16, 16, 1},
          push(n, n, 256u, -2.0f, -1.25f, 2.5f / static_cast<float>(n)),
          {out(n * n * 4, Match::kMostly, 0.005)}};
}

Workload nbody(std::uint32_t n) {
  Random random(n);
  std::vector<float> positions(4 * n);
  for (std::size_t i = 0; i < positions.size(); ++i)
    positions[i] = i % 4 == 3 ? random.f32(0.5f, 1.5f) : random.f32(-1, 1);
  return {"nbody",
          {n / 64, 1, 1},
          {64, 1, 1},
          push(n, 1e-4f, 1e-2f),
          {in(bytes_of(positions)), in_out(floats(4 * n, -0.1f, 0.1f), Match::kFloats, 1e-4),
           out(16 * n, Match::kFloats, 1e-4)}};
}

Workload reduction(const char* name, std::uint32_t n) {
  constexpr std::uint32_t kGroups = 64;
  // Positive numbers: a sum that cancels would have no relative error to speak of.
  return {name,
          {kGroups, 1, 1},
          {256, 1, 1},
          push(n),
          {in(floats(n, 0, 1)), out(kGroups * 4, Match::kTotal, 1e-4)}};
}

Workload scan(std::uint32_t n) {
  return {"scan",
          {n / 512, 1, 1},
          {256, 1, 1},
          push(n),
          {in(words(n)), out(n * 4, Match::kBits), out(n / 512 * 4, Match::kBits)}};
}

Workload histogram(const char* name, std::uint32_t n, std::uint32_t groups) {
  return {name,
          {groups, 1, 1},
          {256, 1, 1},
          push(n),
          {in(words(n)), in_out(Bytes(256 * 4), Match::kBits)}};
}

Workload black_scholes(std::uint32_t n) {
  return {"black_scholes",
          {n / 256, 1, 1},
          {256, 1, 1},
          push(n, 0.02f, 0.3f),
          {in(floats(n, 5, 30)), in(floats(n, 1, 100)), in(floats(n, 0.25f, 10)),
           out(n * 4, Match::kFloats, 1e-5), out(n * 4, Match::kFloats, 1e-5)}};
}

Workload stencil(std::uint32_t n) {
  return {"stencil",
          {n / 32, n / 8, 1},
          {32, 8, 1},
          push(n, n, 0.2f),
          {in(floats(n * n, 0, 1)), out(n * n * 4, Match::kFloats, 1e-6)}};
}

Workload matvec_f16(std::uint32_t n) {
  Random random(n);
  return {"matvec_f16",
          {n, 1, 1},
          {64, 1, 1},
          push(n, n),
          {in(halves(random, std::size_t{n} * n)), in(halves(random, n)),
           out(n * 4, Match::kFloats, 1e-5)}};
}

Workload matvec_int8(std::uint32_t n) {
  return {"matvec_int8_dot",
          {n, 1, 1},
          {64, 1, 1},
          push(n, n / 4),
          {in(words(std::size_t{n} * n / 4)), in(words(n / 4)), out(n * 4, Match::kBits)}};
}

// Rows of 8 to 24 entries near the diagonal, as a discretised equation has them.
Workload spmv(std::uint32_t rows) {
  constexpr std::uint32_t kBand = 2048;
  Random random(rows);
  std::vector<std::uint32_t> starts{0}, columns;
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::uint32_t first = std::min(row > kBand / 2 ? row - kBand / 2 : 0, rows - kBand);
    const std::size_t begin = columns.size();
    for (std::uint32_t left = 8 + random.u32() % 17; left > 0; --left)
      columns.push_back(first + random.u32() % kBand);
    std::sort(columns.begin() + static_cast<std::ptrdiff_t>(begin), columns.end());
    starts.push_back(static_cast<std::uint32_t>(columns.size()));
  }
  return {"spmv",
          {rows / 64, 1, 1},
          {64, 1, 1},
          push(rows),
          {in(bytes_of(starts)), in(bytes_of(columns)), in(floats(columns.size(), -1, 1)),
           in(floats(rows, -1, 1)), out(rows * 4, Match::kFloats, 1e-5)}};
}

Workload bitonic_sort(std::uint32_t n) {
  Workload workload{
      "bitonic_sort", {n / 512, 1, 1}, {256, 1, 1}, push(n), {in_out(words(n), Match::kBits)}};
  workload.consumes_input = true;
  return workload;
}

constexpr WorkloadEntry kTable[] = {
    {"saxpy", false, [](bool quick) { return saxpy(quick ? 2 * kMebi : 16 * kMebi); }},
    {"matmul_naive", true, [](bool quick) { return matmul("matmul_naive", quick ? 256 : 512); }},
    {"matmul_tiled", true, [](bool quick) { return matmul("matmul_tiled", quick ? 256 : 512); }},
    {"mandelbrot", true, [](bool quick) { return mandelbrot(quick ? 512 : 1024); }},
    {"nbody", true, [](bool quick) { return nbody(quick ? 2048 : 8192); }},
    {"reduce_shared", false,
     [](bool quick) { return reduction("reduce_shared", quick ? 2 * kMebi : 16 * kMebi); }},
    {"scan", false, [](bool quick) { return scan(quick ? kMebi : 4 * kMebi); }},
    {"histogram_shared", false,
     [](bool quick) { return histogram("histogram_shared", quick ? kMebi / 2 : 4 * kMebi, 64); }},
    {"histogram_global", false,
     [](bool quick) {
       const std::uint32_t n = quick ? kMebi / 8 : kMebi;
       return histogram("histogram_global", n, n / 256);
     }},
    {"black_scholes", true, [](bool quick) { return black_scholes(quick ? kMebi / 4 : kMebi); }},
    {"stencil", false, [](bool quick) { return stencil(quick ? 1024 : 2048); }},
    {"matvec_f16", false, [](bool quick) { return matvec_f16(quick ? 1024 : 4096); }},
    {"matvec_int8_dot", false, [](bool quick) { return matvec_int8(quick ? 1024 : 4096); }},
    {"reduce_subgroup", false,
     [](bool quick) { return reduction("reduce_subgroup", quick ? 2 * kMebi : 16 * kMebi); }},
    {"spmv", false, [](bool quick) { return spmv(quick ? kMebi / 32 : kMebi / 8); }},
    {"bitonic_sort", true, [](bool quick) { return bitonic_sort(quick ? kMebi / 8 : kMebi); }},
};

std::string float_difference(const BufferSpec& spec, const std::vector<float>& expected,
                             const std::vector<float>& actual) {
  float largest = 0;
  for (float value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    // Written so that a NaN is a difference.
    if (std::abs(double(expected[i]) - actual[i]) <= spec.tolerance * largest) continue;
    return fmt::format("element {} is {} instead of {}", i, actual[i], expected[i]);
  }
  return {};
}

std::string total_difference(const BufferSpec& spec, const std::vector<float>& expected,
                             const std::vector<float>& actual) {
  double a = 0, b = 0;
  for (float value : expected) a += value;
  for (float value : actual) b += value;
  if (std::abs(a - b) <= spec.tolerance * std::abs(a)) return {};
  return fmt::format("the sum is {} instead of {}", b, a);
}

std::string word_difference(const BufferSpec& spec, const std::vector<std::uint32_t>& expected,
                            const std::vector<std::uint32_t>& actual) {
  std::size_t different = 0, first = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] == actual[i]) continue;
    if (different++ == 0) first = i;
  }
  const double allowed = spec.match == Match::kMostly ? spec.tolerance : 0;
  if (static_cast<double>(different) <= allowed * static_cast<double>(expected.size())) return {};
  return fmt::format("{} of {} elements differ; element {} is {} instead of {}", different,
                     expected.size(), first, actual[first], expected[first]);
}

}  // namespace

std::vector<View> Workload::bindings() const {
  std::vector<View> all = views;
  for (std::size_t i = 0; views.empty() && i < buffers.size(); ++i) all.push_back({i});
  for (View& view : all)
    if (view.size == 0) view.size = buffers[view.buffer].initial.size() - view.offset;
  return all;
}

std::span<const WorkloadEntry> workload_table() {
  return kTable;
}

const WorkloadEntry* find_workload(std::string_view name) {
  const auto found = std::ranges::find_if(kTable, [&](auto& entry) { return entry.name == name; });
  return found == std::end(kTable) ? nullptr : found;
}

Workload small_saxpy(std::uint32_t n) {
  return saxpy(n);
}

Workload small_mandelbrot(std::uint32_t n) {
  return mandelbrot(n);
}

std::string difference(const BufferSpec& spec, std::span<const std::byte> expected,
                       std::span<const std::byte> actual) {
  if (expected.size() != actual.size())
    return fmt::format("there are {} bytes instead of {}", actual.size(), expected.size());
  switch (spec.match) {
    case Match::kInput:
      return {};
    case Match::kFloats:
      return float_difference(spec, elements<float>(expected), elements<float>(actual));
    case Match::kHalves: {
      const auto widened = [](std::span<const std::byte> bytes) {
        std::vector<float> values;
        for (const std::uint16_t half : elements<std::uint16_t>(bytes))
          values.push_back(half_value(half));
        return values;
      };
      return float_difference(spec, widened(expected), widened(actual));
    }
    case Match::kTotal:
      return total_difference(spec, elements<float>(expected), elements<float>(actual));
    case Match::kBits:
    case Match::kMostly:
      break;
  }
  return word_difference(spec, elements<std::uint32_t>(expected), elements<std::uint32_t>(actual));
}

}  // namespace sokr::bench
