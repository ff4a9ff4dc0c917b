// SPDX-License-Identifier: MIT OR Apache-2.0
//
// An instruction whose operands are at hand, for the operations that compute it.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_OP_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_OP_HPP_

#include "compiler/analysis/analysis.hpp"
#include "compiler/emit/builder/val.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

struct Op {
  const Inst& inst;
  std::vector<Leaves> args;  // empty for operands that are no values
  const Shapes* shapes;      // of the result

  const Shape& shape(std::size_t leaf) const { return (*shapes)[leaf]; }
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_OP_HPP_
