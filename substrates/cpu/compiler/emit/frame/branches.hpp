// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Ways from block to block. Only here are branches made to blocks that others lead to as well:
// what is held of Workgroup memory in registers is written before, and a branch made behind the
// back of this class loses stores. A block that has no other way in may be branched to by the
// builder.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_BRANCHES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_BRANCHES_HPP_

#include <functional>
#include <utility>

#include "compiler/emit/builder/room.hpp"

namespace sokr::cpu {

class Branches : Room {
 public:
  explicit Branches(VectorBuilder& builder) : Room(builder) {}

  // Called before each branch; at most one.
  void settle_by(std::function<void()> settle) { settle_ = std::move(settle); }
  void settle() {
    if (settle_) settle_();
  }

  void jump(BasicBlock* to);
  void branch(LlvmValue* condition, BasicBlock* yes, BasicBlock* no,
              llvm::MDNode* weights = nullptr);

 private:
  std::function<void()> settle_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_FRAME_BRANCHES_HPP_
