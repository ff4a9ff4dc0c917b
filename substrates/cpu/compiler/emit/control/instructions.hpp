// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One instruction of the program: its operands, the function that computes it, its result.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_INSTRUCTIONS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_INSTRUCTIONS_HPP_

#include "compiler/emit/control/calls.hpp"
#include "compiler/emit/memory/atomics.hpp"
#include "compiler/emit/ops/operations.hpp"

namespace sokr::cpu {

class Instructions : Room {
 public:
  Instructions(const Operations& operations, Addresses& addresses, Copies& copies, Atomics& atomics,
               Calls& calls)
      : Room(operations.ir),
        ops_(operations),
        values_(operations.values),
        addresses_(addresses),
        memory_(operations.memory),
        copies_(copies),
        atomics_(atomics),
        calls_(calls) {}

  // Of the block at hand, under the active mask. May end the block and go on in another one.
  void emit_inst(const Inst& inst);

 private:
  Operations ops_;
  Values& values_;
  Addresses& addresses_;
  LoadsAndStores& memory_;
  Copies& copies_;
  Atomics& atomics_;
  Calls& calls_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_CONTROL_INSTRUCTIONS_HPP_
