// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What computes, one function for each kind of instruction: from operands that are at hand to the
// result, in straight code at the insertion point, under the active mask where that matters
// (subgroup operations, what stores through a pointer). All take part, active or not, unless said
// otherwise.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_OPERATIONS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_OPERATIONS_HPP_

#include <optional>

#include "compiler/emit/builder/op.hpp"
#include "compiler/emit/frame/invocation.hpp"
#include "compiler/emit/memory/loads_and_stores.hpp"

namespace sokr::cpu {

// What they have at hand. Most need no more than `ir`.
struct Operations {
  VectorBuilder& ir;
  Invocation& invocation;
  Values& values;
  Lanes& lanes;
  LoadsAndStores& memory;
};

Leaves emit_arithmetic(const Operations& ops, const Op& op);
Leaves emit_wide_integer(VectorBuilder& ir, const Op& op);  // two words of result
Leaves emit_conversion(VectorBuilder& ir, const Op& op);
Leaves emit_matrix(VectorBuilder& ir, const Op& op);
// Nothing if the sum is not one that the processor has an instruction for.
std::optional<Leaves> emit_byte_dot(const Operations& ops, const Op& op);
Leaves emit_dot_product(VectorBuilder& ir, const Op& op);
Leaves emit_ext(const Operations& ops, const Op& op);  // GLSL.std.450
Leaves emit_subgroup(const Operations& ops, const Op& op);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_OPERATIONS_HPP_
