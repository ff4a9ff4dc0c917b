// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Scalar arithmetic on bit patterns, as OpSpecConstantOp needs it.
#ifndef SOKR_SPIRV_SRC_FOLD_HPP_
#define SOKR_SPIRV_SRC_FOLD_HPP_

#include <cstdint>
#include <optional>
#include <span>
#include <spirv/unified1/spirv.hpp11>

namespace sokr::spirv {

enum class ScalarKind : std::uint8_t { kBool, kInt, kFloat };

struct Scalar {
  std::uint64_t bits = 0;
  ScalarKind kind = ScalarKind::kInt;
  std::uint32_t width = 32;
};

inline std::uint64_t width_mask(std::uint32_t width) {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

inline std::int64_t sign_extend(std::uint64_t bits, std::uint32_t width) {
  const std::uint32_t shift = width >= 64 ? 0 : 64 - width;
  return static_cast<std::int64_t>(bits << shift) >> shift;
}

// How a float result is rounded and whether a denormal one becomes zero, as execution modes say.
struct FloatFold {
  bool toward_zero = false;  // to nearest even otherwise
  bool flush = false;
  bool operator==(const FloatFold&) const = default;
};

// How many operands `op` takes as a scalar operation; 0 = it is not one.
std::uint32_t scalar_operands(spv::Op op);

// The result's bits, which depend on nothing but the operands: not on the floating-point
// environment of the thread. Where SPIR-V leaves the result undefined: a division by zero
// gives 0, INT_MIN / -1 wraps (remainder 0), and a shift by the width or more gives
// what shifting everything out gives.
std::uint64_t fold_scalar(spv::Op op, std::uint32_t result_width, std::span<const Scalar> operands,
                          FloatFold how = {});

double half_to_double(std::uint16_t bits);
std::uint16_t double_to_half(double value, bool toward_zero = false);  // else to nearest even

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_FOLD_HPP_
