// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the tables' rows have in common.
#ifndef SOKR_BENCH_CPU_REAL_MAKE_HPP_
#define SOKR_BENCH_CPU_REAL_MAKE_HPP_

#include <fmt/format.h>

#include <bit>
#include <stdexcept>

#include "../inputs.hpp"
#include "real.hpp"

namespace sokr::bench::real {

constexpr std::uint32_t ceil_div(std::uint32_t a, std::uint32_t b) {
  return (a + b - 1) / b;
}
constexpr std::uint32_t round_up(std::uint32_t a, std::uint32_t b) {
  return ceil_div(a, b) * b;
}
inline std::uint32_t word_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
inline void demand(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(fmt::format("this size cannot be: {}", what));
}
// A buffer's initial content.
template <class T>
std::vector<T> initial(const Workload& workload, std::size_t buffer) {
  return elements<T>(workload.buffers[buffer].initial);
}
// Rows of `columns` random numbers, then zeros up to `stride`.
inline Bytes padded_rows(std::uint32_t rows, std::uint32_t columns, std::uint32_t stride) {
  Random random(rows * 31 + columns);
  std::vector<float> values(std::size_t{rows} * stride);
  for (std::uint32_t row = 0; row < rows; ++row)
    for (std::uint32_t i = 0; i < columns; ++i)
      values[std::size_t{row} * stride + i] = random.f32(-1, 1);
  return bytes_of(values);
}
template <class T>
std::vector<double> doubles(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}
inline Bytes floats_of(const std::vector<double>& values) {
  return bytes_of(std::vector<float>(values.begin(), values.end()));
}

}  // namespace sokr::bench::real

#endif  // SOKR_BENCH_CPU_REAL_MAKE_HPP_
