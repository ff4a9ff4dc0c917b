// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Integer and logical operations on constants, done here.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FOLDING_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FOLDING_HPP_

#include <cstdint>
#include <optional>
#include <span>

#include "compiler/program/program.hpp"

namespace sokr::cpu {

// The number that the lowest `width` bits are with a sign.
std::int64_t signed_value(std::uint64_t bits, unsigned width);

// The result of an operation on `in`, of `width` bits each, as `result_width` bits: an integer or a
// truth value; nothing if it is not such an operation, or not defined.
std::optional<std::uint64_t> folded(spv::Op op, unsigned width, unsigned result_width,
                                    std::span<const std::uint64_t> in);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_FOLDING_HPP_
