// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/control/split_kernel.hpp"

#include <algorithm>

#include "compiler/analysis/transfer.hpp"

namespace sokr::cpu {

void SplitKernel::ensure_pass_loop() {
  if (!at_.pass) passes_.begin_pass_loop();
}

void SplitKernel::leave_pass_loop() {
  if (at_.pass) passes_.end_pass_loop();
  flow_.break_chain();
}

// Is anyone, in any pass, in this mask?
LlvmValue* SplitKernel::any_pass(const Slot& slot) {
  llvm::IRBuilder<> top(at_.entry, at_.entry->begin());
  auto* flag = top.CreateAlloca(b_.getInt1Ty());
  b_.CreateStore(b_.getFalse(), flag);
  passes_.begin_pass_loop();
  LlvmValue* some = b_.any(values_.load_slot(slot));
  b_.CreateStore(b_.CreateOr(b_.CreateLoad(b_.getInt1Ty(), flag), some), flag);
  passes_.end_pass_loop();
  return b_.CreateLoad(b_.getInt1Ty(), flag);
}

void SplitKernel::emit_split_kernel() {
  Slot& first = flow_.mask_slot(0);
  first = values_.make_slot(shape_of(merged(a_.masks[0], Divergence{g_.has_tail(), g_.has_tail()})),
                            b_.getInt1Ty(), true);
  emit_split(0);
  leave_pass_loop();
}

void SplitKernel::emit_split(std::uint32_t construct) {
  b_.note_construct(construct, "split at barriers: a loop over passes for each region");
  const Construct& c = p_.constructs[construct];
  leave_pass_loop();
  BasicBlock *loop = nullptr, *leave = nullptr;
  const Slot entry = flow_.mask_slot(c.begin);
  if (c.kind == ConstructKind::kLoop) {
    loop = BasicBlock::Create(cx_, "rounds", at_.function);
    leave = BasicBlock::Create(cx_, "left", at_.function);
    branches_.jump(loop);
    b_.SetInsertPoint(loop);
  }
  passes_.begin_pass_loop();
  Val mask;
  if (construct == 0) {  // where each pass begins
    mask = at_.entry_mask;
    private_memory_.reset_private();
  } else {
    mask = values_.load_slot(entry);
  }
  flow_.make_mask_slots(construct);
  if (!loop) values_.store_slot(entry, mask, nullptr);
  at_.mask = mask;
  Flow::Guard guard;
  bool kept = false;  // is the mask at hand one that is kept, which others may go on with?
  std::uint32_t before = c.begin;
  for (std::uint32_t b = c.begin; b < c.end && !b_.failure;) {
    std::uint32_t item = regions_.item_at(b, construct);
    std::uint32_t end = item == kNone ? b + 1 : p_.constructs[item].end;
    if (b != c.begin && p_.blocks[b].predecessors.empty()) {
      b = end;
      continue;
    }
    bool goes = kept && regions_.goes_on(construct, before, b);
    if (!goes) flow_.close_guard(guard);
    before = b;
    if (item != kNone && regions_.is_split(item)) {
      emit_split_item(item, b);
      kept = false;
    } else {
      // The first block goes on with the mask at hand.
      if (!goes && !open_region(b, b == c.begin, guard)) return;
      kept = regions_.keeps_mask(b) || goes;
      emit_region_item(item, b);
      if (item == kNone && p_.blocks[b].barrier_after) {
        flow_.close_guard(guard);
        leave_pass_loop();
        kept = false;
      }
    }
    b = end;
  }
  flow_.close_guard(guard);
  leave_pass_loop();
  if (!loop) return;
  if (flow_.needs_abort_check(construct)) flow_.emit_abort_check();
  branches_.branch(any_pass(entry), loop, leave);
  b_.SetInsertPoint(leave);
}

// A construct with a barrier inside: skipped as a whole if nobody is there.
void SplitKernel::emit_split_item(std::uint32_t item, std::uint32_t block) {
  leave_pass_loop();
  const Slot* slot = flow_.find_mask_slot(block);
  if (!slot) {
    b_.internal_error(fmt::format("block {} has no mask", block));
    return;
  }
  LlvmValue* some = any_pass(*slot);
  BasicBlock* body = BasicBlock::Create(cx_, "some", at_.function);
  BasicBlock* none = BasicBlock::Create(cx_, "none", at_.function);
  branches_.branch(some, body, none);
  b_.SetInsertPoint(body);
  emit_split(item);
  branches_.jump(none);
  b_.SetInsertPoint(none);
}

// The mask of `block`, and a branch around what goes on from there.
bool SplitKernel::open_region(std::uint32_t block, bool at_hand, Flow::Guard& guard) {
  ensure_pass_loop();
  flow_.break_chain();
  if (!regions_.keeps_mask(block)) {
    at_.mask = at_.entry_mask;
    return true;
  }
  if (!at_hand) {
    const Slot* slot = flow_.find_mask_slot(block);
    if (!slot) {
      b_.internal_error(fmt::format("block {} has no mask", block));
      return false;
    }
    at_.mask = values_.load_slot(*slot);
  }
  flow_.open_guard(guard);
  return true;
}

void SplitKernel::emit_region_item(std::uint32_t item, std::uint32_t block) {
  Val here = at_.mask;
  if (item == kNone) {
    flow_.emit_body(block);
    flow_.emit_exit_divergent(block);
  } else {
    flow_.emit_range(item);
    if (!a_.escapes[item]) flow_.add_mask_to(p_.constructs[item].merge, here);
  }
  at_.mask = here;
  flow_.break_chain();
}

}  // namespace sokr::cpu
