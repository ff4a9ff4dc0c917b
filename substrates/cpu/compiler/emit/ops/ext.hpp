// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The two parts of GLSL.std.450.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_EXT_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_EXT_HPP_

#include "compiler/emit/ops/operations.hpp"

namespace sokr::cpu {

// What is not computed component by component: `which` is its number.
Leaves emit_ext_vector(const Operations& ops, const Op& op, std::uint32_t which);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_OPS_EXT_HPP_
