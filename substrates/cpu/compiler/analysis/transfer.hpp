// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How each instruction makes the shape of its result from those of its operands.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_TRANSFER_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_TRANSFER_HPP_

#include "compiler/analysis/analysis.hpp"

namespace sokr::cpu {

// Operands in the order of Inst::args; empty for those that are no values.
using Operands = std::vector<Shapes>;

inline Divergence merged(Divergence a, Divergence b) {
  return a |= b;
}

// Without what the geometry leaves no room for: chunks that differ, or lanes.
Shape canonical(Shape shape, const Geometry& geometry);

Shapes constant_shapes(const Program& program, Id id);
Shapes transfer(const Program& program, const Geometry& geometry, const Inst& inst,
                const Operands& operands);

// Does each leaf of the result depend on the same leaf of the operands only (operands
// of one leaf go with all)?
bool is_elementwise(const Inst& inst);

// Whether the phis of a block are blended, lane by lane or chunk by chunk: the
// invocations that meet there may have come different ways.
Divergence phi_divergence(const Program& program, const Analysis& analysis, std::uint32_t block);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_TRANSFER_HPP_
