// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Several rounds of a loop as one, where that lets accesses move together or sums stay in
// registers. Behind contraction and the choice of geometry: neither may depend on it.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ROUNDS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ROUNDS_HPP_

#include "compiler/analysis/analysis.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

// Joins the rounds of innermost loops of straight code, whose number is known, four by four.
// `registers` are those of the processor. Were there any? The analysis is then out of date.
bool join_rounds(Program& program, const Analysis& analysis, const Geometry& geometry,
                 std::uint32_t registers);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ROUNDS_HPP_
