// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/frame/branches.hpp"

namespace sokr::cpu {

void Branches::jump(BasicBlock* to) {
  settle();
  b_.CreateBr(to);
}

void Branches::branch(LlvmValue* condition, BasicBlock* yes, BasicBlock* no,
                      llvm::MDNode* weights) {
  settle();
  b_.CreateCondBr(condition, yes, no, weights);
}

}  // namespace sokr::cpu
