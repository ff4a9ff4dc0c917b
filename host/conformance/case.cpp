// SPDX-License-Identifier: MIT OR Apache-2.0
#include "case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace sokr::conformance {
namespace {

constexpr std::byte kPoison{0xCD};
constexpr std::size_t kTail = 64;

template <class T>
struct Format;
template <>
struct Format<Half> {
  static constexpr int kMantissa = 10, kMinExponent = -14;
};
template <>
struct Format<float> {
  static constexpr int kMantissa = 23, kMinExponent = -126;
};
template <>
struct Format<double> {
  static constexpr int kMantissa = 52, kMinExponent = -1022;
};

// The spacing of the format's numbers at `value`.
template <class T>
double spacing(double value) {
  int exponent = Format<T>::kMinExponent;
  if (value != 0 && std::isfinite(value)) exponent = std::max(std::ilogb(value), exponent);
  return std::ldexp(1.0, exponent - Format<T>::kMantissa);
}

template <class T>
double largest_finite() {
  return std::ldexp(2.0 - std::ldexp(1.0, -Format<T>::kMantissa), 1 - Format<T>::kMinExponent);
}

template <class T>
bool is_close(double got, double expected, double magnitude, const Tolerance& tolerance) {
  if (std::isnan(expected)) return std::isnan(got);
  double allowed =
      tolerance.ulp * spacing<T>(expected) + tolerance.absolute + tolerance.relative * magnitude;
  if (std::isinf(allowed)) return !std::isnan(got);
  if (std::abs(expected) > largest_finite<T>()) {
    return std::isinf(got) && std::signbit(got) == std::signbit(expected);
  }
  if (std::isinf(got)) {
    return std::signbit(got) == std::signbit(expected) &&
           std::abs(expected) + allowed > largest_finite<T>();
  }
  return std::abs(got - expected) <= allowed;
}

// Vulkan lets an implementation replace a subnormal result by zero.
template <class T>
bool is_flushed(double got, double expected) {
  return got == 0 && std::abs(expected) < std::ldexp(1.0, Format<T>::kMinExponent);
}

template <class T>
std::string judge_close(const Close& close, std::span<const std::byte> bytes, Precision precision) {
  const Tolerance& tolerance = precision == Precision::kStrict ? close.strict : close.vulkan;
  std::vector<T> got = from_bytes<T>(bytes);
  std::size_t wrong = 0;
  std::string first;
  for (std::size_t i = 0; i < close.expected.size(); ++i) {
    double value = to_double(got[i]), expected = close.expected[i];
    double magnitude = close.magnitude.empty() ? std::abs(expected) : close.magnitude[i];
    if (is_close<T>(value, expected, magnitude, tolerance)) continue;
    if (precision == Precision::kVulkan && is_flushed<T>(value, expected)) continue;
    if (wrong++ == 0) {
      first = fmt::format("element {}: got {:.9g}, expected {:.9g} ({:.3g} ULP off)", i, value,
                          expected, std::abs(value - expected) / spacing<T>(expected));
    }
  }
  return wrong == 0 ? "" : fmt::format("{} of {} elements are wrong; {}", wrong, got.size(), first);
}

std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
    text += fmt::format("{:02x}", std::to_integer<unsigned>(*byte));
  }
  return "0x" + text;
}

}  // namespace

double to_double(Half half) {
  int exponent = (half.bits >> 10) & 31, mantissa = half.bits & 1023;
  double sign = half.bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) {
    return mantissa ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  }
  return exponent ? sign * std::ldexp(1024 + mantissa, exponent - 25)
                  : sign * std::ldexp(mantissa, -24);
}

Half to_half(double value) {
  std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::abs(value);
  if (std::isnan(value)) return {static_cast<std::uint16_t>(sign | 0x7E00)};
  if (magnitude >= 65520.0) return {static_cast<std::uint16_t>(sign | 0x7C00)};
  int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
  // A significand that rounds up to 2048 carries into the exponent by itself.
  auto significand = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  int biased = significand < 1024 ? significand : ((exponent + 14) << 10) + significand;
  return {static_cast<std::uint16_t>(sign | biased)};
}

Check exactly(Bytes expected, std::size_t element_size) {
  auto judge = [expected = std::move(expected), element_size](std::span<const std::byte> got,
                                                              Precision) -> std::string {
    if (got.size() != expected.size()) return "the sizes differ";
    std::size_t wrong = 0;
    std::string first;
    for (std::size_t at = 0; at < got.size(); at += element_size) {
      std::size_t size = std::min(element_size, got.size() - at);
      std::span<const std::byte> want = std::span(expected).subspan(at, size);
      std::span<const std::byte> have = got.subspan(at, size);
      if (std::ranges::equal(have, want)) continue;
      if (wrong++ == 0) {
        first =
            fmt::format("element {}: got {}, expected {}", at / element_size, hex(have), hex(want));
      }
    }
    return wrong == 0 ? ""
                      : fmt::format("{} of {} elements are wrong; {}", wrong,
                                    got.size() / element_size, first);
  };
  return {judge, true};
}

template <class T>
Check close(Close expected) {
  return {[expected = std::move(expected)](std::span<const std::byte> got, Precision precision) {
            return judge_close<T>(expected, got, precision);
          },
          false};
}
template Check close<Half>(Close);
template Check close<float>(Close);
template Check close<double>(Close);

Check by_the_case() {
  return {[](std::span<const std::byte>, Precision) { return std::string(); }, false};
}

Case& Case::add_in(Slot slot, Bytes initial) {
  initial.resize(initial.size() + kTail, kPoison);
  bound.push_back({slot, SOKR_ACCESS_READ, std::move(initial), {}});
  return *this;
}

Case& Case::add(Slot slot, SokrAccess access, Bytes initial, Check check) {
  const std::size_t length = initial.size();
  initial.resize(length + kTail, kPoison);
  auto judge = [length, check](std::span<const std::byte> got, Precision precision) {
    if (!std::ranges::all_of(got.subspan(length), [](std::byte byte) { return byte == kPoison; })) {
      return std::string("bytes behind the result have changed");
    }
    return check.judge(got.first(length), precision);
  };
  bound.push_back({slot, access, std::move(initial), {judge, check.exact}});
  return *this;
}

Case& Case::out(Slot slot, std::size_t bytes, Check check) {
  return add(slot, SOKR_ACCESS_WRITE, Bytes(bytes, kPoison), std::move(check));
}

bool Case::exact() const {
  return std::ranges::all_of(bound, [](const Bound& buffer) {
    return buffer.access == SOKR_ACCESS_READ || buffer.check.exact;
  });
}

std::vector<Entry> all_cases() {
  std::vector<Entry> all;
  for (auto cases : {linear_algebra_cases, parallel_cases, simulation_cases, image_cases,
                     interface_cases, layout_cases, integer_cases, narrow_and_wide_cases,
                     float_cases, vector_math_cases, control_flow_cases, concurrency_cases,
                     subgroup_cases, float_control_cases, capability_cases}) {
    for (Entry& entry : cases()) all.push_back(std::move(entry));
  }
  return all;
}

std::uint64_t Random::u64() {
  std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::vector<std::uint32_t> Random::words(std::size_t count) {
  return integers<std::uint32_t>(count);
}

std::vector<float> Random::floats(std::size_t count, double low, double high) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(low + (high - low) * unit());
  return values;
}

std::vector<std::uint32_t> words_with_edges(Random& random, std::size_t count) {
  std::vector<std::uint32_t> values = {0, 1, 0xFFFFFFFFu, 0x80000000u, 0x7FFFFFFFu, 0x80000001u};
  for (std::uint32_t bit = 1; bit < 32; ++bit) {
    for (std::uint32_t delta : {0xFFFFFFFFu, 0u, 1u}) values.push_back((1u << bit) + delta);
  }
  values.resize(std::min(values.size(), count));
  while (values.size() < count) values.push_back(random.u32());
  return values;
}

}  // namespace sokr::conformance
