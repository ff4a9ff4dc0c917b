// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One instruction of the program: its operands, the function that computes it, its result.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_INSTRUCTIONS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_INSTRUCTIONS_HPP_

#include "compiler/emit/control/calls.hpp"
#include "compiler/emit/memory/atomics.hpp"
#include "compiler/emit/ops/operations.hpp"
#include "compiler/program/float_modes.hpp"
#include "compiler/program/support.hpp"

namespace sokr::cpu {

class Instructions : Room {
 public:
  Instructions(const Operations& operations, Addresses& addresses, Copies& copies, Atomics& atomics,
               Calls& calls)
      : Room(operations.ir),
        ops_(operations),
        addresses_(addresses),
        copies_(copies),
        atomics_(atomics),
        calls_(calls) {}

  // Of the block at hand, under the active mask. May end the block and go on in another one.
  void emit_inst(const Inst& inst);

 private:
  struct Statement;
  struct Computation;
  static const Statement kStatements[];
  static const Computation kComputations[];

  std::vector<Leaves> operands_of(const Inst& inst, Handler handler);
  void flush_denormals(const Inst& inst, const FloatModes& modes, Leaves& result);

  Operations ops_;
  Addresses& addresses_;
  Copies& copies_;
  Atomics& atomics_;
  Calls& calls_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_INSTRUCTIONS_HPP_
