// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/frame/passes.hpp"

namespace sokr::cpu {

void Passes::begin_pass_loop() {
  if (g_.passes() == 1) {
    at_.pass = b_.getInt32(0);
  } else {
    BasicBlock* before = b_.GetInsertBlock();
    head_ = BasicBlock::Create(cx_, "pass", at_.function);
    branches_.jump(head_);
    b_.SetInsertPoint(head_);
    counter_ = b_.CreatePHI(b_.getInt32Ty(), 2, "pass");
    counter_->addIncoming(b_.getInt32(0), before);
    at_.pass = counter_;
  }
  scope_ = values_.open_scope();
  at_.entry_mask = b_.constant_val(b_.getTrue());
  if (g_.has_tail()) {
    Val index = invocation_.lane_index();
    at_.entry_mask =
        b_.apply(Shape::varying(g_.chunks > 1), {&index}, [&](llvm::ArrayRef<LlvmValue*> v) {
          return b_.CreateICmpULT(v[0], b_.integer_like(v[0]->getType(), g_.total()));
        });
  }
  at_.mask = at_.entry_mask;
}

void Passes::end_pass_loop() {
  values_.close_scope(scope_);
  if (g_.passes() > 1) {
    kept_.put_kept_slots(head_);
    LlvmValue* next = b_.CreateAdd(at_.pass, b_.getInt32(1));
    counter_->addIncoming(next, b_.GetInsertBlock());
    BasicBlock* after = BasicBlock::Create(cx_, "passes", at_.function);
    branches_.branch(b_.CreateICmpULT(next, b_.getInt32(g_.passes())), head_, after);
    b_.SetInsertPoint(after);
  }
  at_.pass = nullptr;
}

}  // namespace sokr::cpu
