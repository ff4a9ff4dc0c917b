// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How invocations map to registers. A workgroup's invocations, in the order of
// LocalInvocationIndex, are cut into passes of `lanes()` invocations that move
// together; a pass is `chunks` registers of `width` 32-bit lanes.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_GEOMETRY_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_GEOMETRY_HPP_

#include <array>
#include <cstdint>
#include <memory>
#include <sokr/cpu/compiler.hpp>

#include "compiler/analysis/shape.hpp"
#include "compiler/program/program.hpp"

namespace sokr::cpu {

struct Geometry {
  std::uint32_t width = 4;  // 1: one invocation after the other
  std::uint32_t chunks = 1;
  std::uint32_t subgroup = 32;
  std::array<std::uint32_t, 3> local{1, 1, 1};
  bool partial = false;  // of a shared function: those who call it need not be all
  std::shared_ptr<Tables> tables = std::make_shared<Tables>();  // of the shapes made with it

  std::uint32_t lanes() const { return width * chunks; }
  std::uint32_t total() const { return local[0] * local[1] * local[2]; }
  std::uint32_t passes() const { return (total() + lanes() - 1) / lanes(); }
  // May lanes be beyond the workgroup, or not have come?
  bool has_tail() const { return partial || total() % lanes() != 0; }
};

// Scalars of private variables in the loop, at places that are constants: registers, as far as
// there are enough.
std::size_t private_tile(const Program& program, const Construct& loop);

// Chooses how many chunks move together: enough to hide latencies and to share what
// they have in common, few enough for the registers and for compile time; all of the
// workgroup where that makes barriers vanish; never less than a subgroup if the kernel
// uses subgroups.
Geometry choose_geometry(const Program& program, const CompileOptions& options);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_GEOMETRY_HPP_
