// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Where emission keeps values between their definitions and uses.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_SLOTS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_SLOTS_HPP_

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Value.h>
#include <llvm/Support/Alignment.h>

#include <cstdint>
#include <vector>

#include "compiler/analysis/shape.hpp"

namespace sokr::cpu {

// A place for a value between its definition and uses that it does not dominate.
struct Slot {
  Shape shape;
  llvm::Type* scalar = nullptr;
  llvm::SmallVector<llvm::Value*, 4> places;  // allocas
  std::uint64_t offset = 0;                   // in scratch
  bool in_scratch = false;
};
using Slots = std::vector<Slot>;

// What a loop over passes has of its pass's scratch memory: see put_kept_slots.
struct KeptSlot {
  llvm::AllocaInst* place = nullptr;
  llvm::Align align;
  std::uint64_t stride = 0;  // from pass to pass
  bool written = false, in_loop = false;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_SLOTS_HPP_
