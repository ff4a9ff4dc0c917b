// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Instructions that only move components of values that are at hand.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_COMPOSITE_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_COMPOSITE_HPP_

#include "compiler/emit/builder/op.hpp"
#include "compiler/emit/builder/vector_builder.hpp"

namespace sokr::cpu {

// `done` is false, and the result empty, for any other instruction.
Leaves emit_composite(VectorBuilder& ir, const Op& op, bool& done);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_COMPOSITE_HPP_
