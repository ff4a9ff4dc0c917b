// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How large numbers are where they are used. Ranges say it of every lane, active or not; this says
// it of those that take part, of whom conditions on the way to a block tell more. So it may decide
// how something is computed, and not what memory is touched.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_BOUNDS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_BOUNDS_HPP_

#include <cstdint>
#include <optional>

#include "compiler/analysis/geometry.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

// The most that a number of 32 bits, taken without sign, is for whoever takes part in `block`.
std::optional<std::uint32_t> most_of_active(const Program& program, const Geometry& geometry, Id id,
                                            std::uint32_t block);

// A quotient of numbers up to `most` as one product of 32 bits: (x * factor) >> shift.
struct SmallQuotient {
  std::uint32_t factor = 0, shift = 0;
};
std::optional<SmallQuotient> small_quotient(std::uint32_t most, std::uint32_t divisor);
// Of a division or remainder of scalars without sign, where that is worth it.
std::optional<SmallQuotient> small_quotient_of(const Program& program, const Geometry& geometry,
                                               const Inst& inst);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_BOUNDS_HPP_
