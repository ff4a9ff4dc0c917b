// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What workloads are made of: the same inputs on every machine, and bytes of them.
#ifndef SOKR_BENCH_CPU_INPUTS_HPP_
#define SOKR_BENCH_CPU_INPUTS_HPP_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "workload.hpp"

namespace sokr::bench {

// SplitMix64: the same inputs on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t u64() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(u64() >> 32); }
  float f32(float low, float high) {
    return low + (high - low) * (static_cast<float>(u32() >> 8) * 0x1p-24f);
  }

 private:
  std::uint64_t state_;
};

template <class T>
inline Bytes bytes_of(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

inline Bytes floats(std::size_t count, float low, float high) {
  Random random(count);
  std::vector<float> values(count);
  for (float& value : values) value = random.f32(low, high);
  return bytes_of(values);
}

inline Bytes words(std::size_t count) {
  Random random(count);
  std::vector<std::uint32_t> values(count);
  for (std::uint32_t& value : values) value = random.u32();
  return bytes_of(values);
}

// Normal f16 numbers of both signs between 2^-7 and 1, by their bits.
inline Bytes halves(Random& random, std::size_t count) {
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) {
    const std::uint32_t word = random.u32();
    const std::uint32_t exponent = 8 + (word >> 10 & 7) % 7;
    value = static_cast<std::uint16_t>((word >> 16 & 0x8000) | exponent << 10 | (word & 0x3FF));
  }
  return bytes_of(values);
}

// The value of an f16 number; infinities and NaN are NaN.
inline float half_value(std::uint16_t half) {
  const bool is_finite = (half & 0x7C00u) != 0x7C00u;
  const std::uint32_t bits =
      (half & 0x8000u) << 16 | (is_finite ? (half & 0x7FFFu) << 13 : 0x7FC00000u);
  float scaled;
  std::memcpy(&scaled, &bits, sizeof scaled);
  return scaled * 0x1p112f;
}
// The f16 number next to a value below 65504.
inline std::uint16_t half_of(double value) {
  const std::uint16_t sign = value < 0 ? 0x8000 : 0;
  const double magnitude = std::abs(value);
  if (magnitude < 0x1p-14)
    return static_cast<std::uint16_t>(sign | static_cast<int>(std::nearbyint(magnitude * 0x1p24)));
  const int exponent = std::ilogb(magnitude);
  // A mantissa that is rounded up to 2 carries into the exponent.
  const int mantissa = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  return static_cast<std::uint16_t>(sign | (((exponent + 14) << 10) + mantissa));
}

template <class... Values>
inline Bytes push(const Values&... values) {
  static_assert(((sizeof values == 4) && ...));
  Bytes bytes(4 * sizeof...(values));
  std::size_t at = 0;
  ((std::memcpy(bytes.data() + at, &values, 4), at += 4), ...);
  return bytes;
}

inline BufferSpec in(Bytes bytes) {
  return {std::move(bytes)};
}
inline BufferSpec out(std::size_t size, Match match, double tolerance = 0) {
  return {Bytes(size), match, tolerance, false};
}
inline BufferSpec in_out(Bytes bytes, Match match, double tolerance = 0) {
  return {std::move(bytes), match, tolerance};
}

template <class T>
inline std::vector<T> elements(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_INPUTS_HPP_
