// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The loop over the passes of a workgroup.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_PASSES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_PASSES_HPP_

#include "compiler/emit/frame/branches.hpp"
#include "compiler/emit/frame/invocation.hpp"
#include "compiler/emit/frame/values.hpp"

namespace sokr::cpu {

class Passes : Room {
 public:
  Passes(VectorBuilder& builder, Branches& branches, Invocation& invocation, KeptSlots& kept,
         Values& values)
      : Room(builder), branches_(branches), invocation_(invocation), kept_(kept), values_(values) {}

  // What is emitted between these two is the round of a pass, all of whose invocations are active.
  void begin_pass_loop();
  void end_pass_loop();

 private:
  Branches& branches_;
  Invocation& invocation_;
  KeptSlots& kept_;
  Values& values_;
  BasicBlock* head_ = nullptr;
  llvm::PHINode* counter_ = nullptr;
  std::uint32_t scope_ = 0;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_PASSES_HPP_
