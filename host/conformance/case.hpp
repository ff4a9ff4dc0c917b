// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A conformance case: one kernel, its inputs, its launch, and what must come out,
// computed on the host in double precision or exact integers. Cases know nothing of
// substrates; run.hpp executes them.
#ifndef SOKR_CONFORMANCE_CASE_HPP_
#define SOKR_CONFORMANCE_CASE_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <sokr/sokr.hpp>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace sokr::conformance {

using Bytes = std::vector<std::byte>;

template <class T>
Bytes to_bytes(const std::vector<T>& values) {
  Bytes bytes(values.size() * sizeof(T));
  if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

template <class T>
std::vector<T> from_bytes(std::span<const std::byte> bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

// An IEEE half-precision number by its bits.
struct Half {
  std::uint16_t bits = 0;
};
double to_double(Half half);
Half to_half(double value);  // round to nearest even
inline double to_double(float value) {
  return value;
}
inline double to_double(double value) {
  return value;
}

struct Slot {
  std::uint32_t set = 0, binding = 0, index = 0;
  auto operator<=>(const Slot&) const = default;
};

using Outputs = std::map<Slot, Bytes>;

// How far a float may be from the expected value: the sum of the parts. `relative`
// applies to the magnitude, which is |expected| unless the case says otherwise (a sum
// that cancels names the sum of the magnitudes of its terms).
struct Tolerance {
  double ulp = 0, absolute = 0, relative = 0;
};

inline constexpr double kEpsilon = 0x1p-24;  // half the spacing of f32 at 1

// Substrates of this project are held to `strict`; others to what Vulkan promises.
enum class Precision { kStrict, kVulkan };

// Judges one buffer after the run; empty = right, otherwise the first thing that is wrong.
struct Check {
  std::function<std::string(std::span<const std::byte>, Precision)> judge;
  bool exact = false;  // the same bytes come out of every correct substrate
};

// The bytes of `expected`, and nothing else.
Check exactly(Bytes expected, std::size_t element_size = 4);
template <class T>
Check exactly(const std::vector<T>& expected) {
  return exactly(to_bytes(expected), sizeof(T));
}

// Floats near `expected`. NaN matches NaN, infinities match themselves, zeros match
// whatever their sign.
struct Close {
  std::vector<double> expected;
  Tolerance strict;
  Tolerance vulkan = strict;
  std::vector<double> magnitude = {};
};
template <class T>
Check close(Close close);

// Judged by the case as a whole (Case::judge), not by itself.
Check by_the_case();

struct Bound {
  Slot slot;
  SokrAccess access = SOKR_ACCESS_READ;
  Bytes initial;
  Check check;  // not for inputs, which must come out unchanged
};

// ---- One case -----------------------------------------------------------------------

class Case {
 public:
  Launch launch;
  std::array<std::uint32_t, 3> size{1, 1, 1};  // workgroups, or invocations
  bool is_in_threads = false;
  std::vector<Bound> bound;
  std::function<std::string(const Outputs&)> judge_all;

  Case& groups(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1) {
    launch.groups(x, y, z);
    size = {x, y, z};
    is_in_threads = false;
    return *this;
  }
  Case& threads(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1) {
    launch.threads(x, y, z);
    size = {x, y, z};
    is_in_threads = true;
    return *this;
  }
  template <class... Values>
  Case& push(const Values&... values) {
    (launch.push(values), ...);
    return *this;
  }
  template <class T>
  Case& specialize(std::uint32_t id, T value) {
    launch.specialize(id, value);
    return *this;
  }
  // Every buffer has some poisoned bytes behind what is given: a kernel that reads or
  // writes one element too many is found out.
  template <class T>
  Case& in(Slot slot, const std::vector<T>& values) {
    return add_in(slot, to_bytes(values));
  }
  // A buffer of exactly this size, for kernels that ask for it.
  template <class T>
  Case& in_sized(Slot slot, const std::vector<T>& values) {
    bound.push_back({slot, SOKR_ACCESS_READ, to_bytes(values), {}});
    return *this;
  }
  // A buffer that the kernel only writes; poisoned before the run.
  Case& out(Slot slot, std::size_t bytes, Check check);
  template <class T>
  Case& out(Slot slot, const std::vector<T>& expected) {
    return out(slot, expected.size() * sizeof(T), exactly(expected));
  }
  template <class T>
  Case& out(Slot slot, Close expected) {
    std::size_t bytes = expected.expected.size() * sizeof(T);
    return out(slot, bytes, close<T>(std::move(expected)));
  }
  template <class T>
  Case& in_out(Slot slot, const std::vector<T>& initial, Check check) {
    return add(slot, SOKR_ACCESS_READ_WRITE, to_bytes(initial), std::move(check));
  }
  template <class T>
  Case& in_out_sized(Slot slot, const std::vector<T>& initial, Check check) {
    bound.push_back({slot, SOKR_ACCESS_READ_WRITE, to_bytes(initial), std::move(check)});
    return *this;
  }
  Case& judge(std::function<std::string(const Outputs&)> function) {
    judge_all = std::move(function);
    return *this;
  }
  bool exact() const;

 private:
  Case& add_in(Slot slot, Bytes initial);
  // `check` judges the bytes without the tail.
  Case& add(Slot slot, SokrAccess access, Bytes initial, Check check);
};

// A row of a table of cases.
struct Entry {
  const char* module;   // shaders/<module>
  const char* variant;  // of the inputs
  std::function<Case()> make;
};

std::vector<Entry> linear_algebra_cases();
std::vector<Entry> parallel_cases();
std::vector<Entry> simulation_cases();
std::vector<Entry> image_cases();
std::vector<Entry> interface_cases();
std::vector<Entry> layout_cases();
std::vector<Entry> integer_cases();
std::vector<Entry> narrow_and_wide_cases();
std::vector<Entry> float_cases();
std::vector<Entry> vector_math_cases();
std::vector<Entry> control_flow_cases();
std::vector<Entry> concurrency_cases();
std::vector<Entry> subgroup_cases();
std::vector<Entry> float_control_cases();
std::vector<Entry> capability_cases();
std::vector<Entry> all_cases();

// ---- Inputs ---------------------------------------------------------------------------

// SplitMix64: the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t u64();
  std::uint32_t u32() { return static_cast<std::uint32_t>(u64() >> 32); }
  double unit() { return static_cast<double>(u64() >> 11) * 0x1p-53; }
  std::vector<std::uint32_t> words(std::size_t count);
  std::vector<float> floats(std::size_t count, double low, double high);
  template <class T>
  std::vector<T> integers(std::size_t count) {
    std::vector<T> values(count);
    for (T& value : values) value = static_cast<T>(u64());
    return values;
  }

 private:
  std::uint64_t state_;
};

// Random words, with the values first on which integer code breaks: 0, 1, -1, the
// extremes, and powers of two with their neighbours.
std::vector<std::uint32_t> words_with_edges(Random& random, std::size_t count);

// ---- Structured buffers -----------------------------------------------------------------

// Bytes written at given offsets, zero elsewhere.
class Packer {
 public:
  explicit Packer(std::size_t size) : bytes_(size) {}
  template <class T>
  Packer& at(std::size_t offset, T value) {
    std::memcpy(bytes_.data() + offset, &value, sizeof value);
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

template <class To, class From>
To bits_as(From value) {
  static_assert(sizeof(To) == sizeof(From));
  To result;
  std::memcpy(&result, &value, sizeof result);
  return result;
}

}  // namespace sokr::conformance

#endif  // SOKR_CONFORMANCE_CASE_HPP_
