// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Shapes of all values, and where control flow parts the invocations of a pass.
// Optimistic fixpoint: control flow depends on shapes, and blended values on it.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ANALYSIS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ANALYSIS_HPP_

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "compiler/analysis/geometry.hpp"
#include "compiler/analysis/shape.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/queries.hpp"

namespace sokr::cpu {

using Shapes = std::vector<Shape>;  // of the leaves of one value

struct Analysis {
  std::vector<Shapes> values;          // by id - module bound
  std::vector<Divergence> constructs;  // does control flow part inside, by construct
  std::vector<bool> escapes;  // does an edge leave the construct for elsewhere than its merge
  std::unordered_map<Id, Shapes> variables;  // private variables, by leaf
  std::unordered_map<Id, bool> dynamic;      // private variables indexed by a value
  // For a value that is used outside a loop whose invocations leave one by one: the
  // outermost such loop; kNone = no such use. By id - module bound.
  std::vector<std::uint32_t> leaves_loop;

  // How the active invocations of a block may differ from those of the pass.
  std::vector<Divergence> masks;  // by block
};

// The shape of a builtin's leaves.
Shapes builtin_shapes(spv::BuiltIn builtin, const Geometry& geometry);

Analysis analyse(const Program& program, const Geometry& geometry);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ANALYSIS_HPP_
