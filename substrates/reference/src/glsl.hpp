// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The tables of GLSL.std.450. The function's operands are arguments 2 and up.
#ifndef SOKR_REFERENCE_GLSL_HPP_
#define SOKR_REFERENCE_GLSL_HPP_

#include "lowering.hpp"

namespace sokr::reference {

struct GlslRow {
  std::uint32_t function;
  Lowering lower;
};

// To nearest even whatever the rounding mode.
double round_even(double a);

// Functions of whole vectors and matrices, packing, and those with two results.
std::span<const GlslRow> glsl_composite_rows();

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_GLSL_HPP_
