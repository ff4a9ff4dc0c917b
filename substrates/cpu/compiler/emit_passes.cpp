// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A workgroup of several passes with barriers in it. The kernel is cut into regions
// without a barrier inside; each region is a loop over the passes. Constructs that hold
// a barrier are sequences of such loops: their blocks run under masks that lie in scratch
// memory for each pass, a loop goes round while any pass has someone in it. Values that
// cross from one region to another lie in scratch memory, too.
#include "compiler/emitter.hpp"
#include "compiler/transfer.hpp"

namespace sokr::cpu {

bool Emitter::splits() const {
  return g_.passes() > 1 && p_.has_barrier;
}

bool Emitter::is_split(std::uint32_t construct) const {
  return splits() && p_.constructs[construct].has_barrier;
}

void Emitter::plan_regions() {
  region_.assign(p_.blocks.size(), 0);
  if (!splits()) return;
  std::uint32_t next = 0;
  number_regions(0, next);
  for (std::size_t c = 0; c < p_.constructs.size(); ++c)
    if (is_split(static_cast<std::uint32_t>(c)) && p_.constructs[c].merge < mask_known_.size())
      mask_known_[p_.constructs[c].merge] = false;
}

void Emitter::number_regions(std::uint32_t construct, std::uint32_t& next) {
  const Construct& c = p_.constructs[construct];
  ++next;
  for (std::uint32_t b = c.begin; b < c.end;) {
    std::uint32_t item = item_at(b, construct);
    std::uint32_t end = item == kNone ? b + 1 : p_.constructs[item].end;
    if (item != kNone && is_split(item)) {
      number_regions(item, next);
      ++next;
    } else {
      for (std::uint32_t i = b; i < end; ++i) region_[i] = next;
      if (item == kNone && p_.blocks[b].barrier_after) ++next;
    }
    b = end;
  }
  ++next;
}

void Emitter::ensure_pass_loop() {
  if (!pass_) begin_pass_loop();
}

void Emitter::leave_pass_loop() {
  if (pass_) end_pass_loop();
  chain_.block = kNone;
}

// Is anyone, in any pass, in this mask?
LlvmValue* Emitter::any_pass(const Slot& slot) {
  llvm::IRBuilder<> top(entry_, entry_->begin());
  auto* flag = top.CreateAlloca(b_.getInt1Ty());
  b_.CreateStore(b_.getFalse(), flag);
  begin_pass_loop();
  LlvmValue* some = any(load_slot(slot));
  b_.CreateStore(b_.CreateOr(b_.CreateLoad(b_.getInt1Ty(), flag), some), flag);
  end_pass_loop();
  return b_.CreateLoad(b_.getInt1Ty(), flag);
}

void Emitter::emit_split_kernel() {
  Slot& first = mask_slots_[0];
  first = make_slot(shape_of(merged(a_.masks[0], Divergence{g_.has_tail(), g_.has_tail()})),
                    b_.getInt1Ty(), true);
  begin_pass_loop();
  store_slot(first, entry_mask_, nullptr);
  reset_private(true);
  end_pass_loop();
  emit_split(0);
  leave_pass_loop();
}

void Emitter::emit_split(std::uint32_t construct) {
  const Construct& c = p_.constructs[construct];
  leave_pass_loop();
  BasicBlock *loop = nullptr, *leave = nullptr;
  const Slot entry = mask_slots_[c.begin];
  if (c.kind == ConstructKind::kLoop) {
    loop = BasicBlock::Create(cx_, "rounds", fn_);
    leave = BasicBlock::Create(cx_, "left", fn_);
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
  }
  begin_pass_loop();
  Val mask = load_slot(entry);
  make_mask_slots(construct);
  if (!loop) store_slot(entry, mask, nullptr);
  Val first = mask;
  bool opened = true;  // the first block goes on with the mask at hand
  for (std::uint32_t b = c.begin; b < c.end && !failure_;) {
    std::uint32_t item = item_at(b, construct);
    std::uint32_t end = item == kNone ? b + 1 : p_.constructs[item].end;
    if (b != c.begin && p_.blocks[b].predecessors.empty()) {
      b = end;
      continue;
    }
    if (item != kNone && is_split(item))
      emit_split_item(item, b);
    else
      emit_region_item(item, b, opened ? &first : nullptr);
    opened = false;
    b = end;
  }
  leave_pass_loop();
  if (!loop) return;
  if (needs_abort_check(construct)) emit_abort_check();
  b_.CreateCondBr(any_pass(entry), loop, leave);
  b_.SetInsertPoint(leave);
}

// A construct with a barrier inside: skipped as a whole if nobody is there.
void Emitter::emit_split_item(std::uint32_t item, std::uint32_t block) {
  leave_pass_loop();
  auto slot = mask_slots_.find(block);
  if (slot == mask_slots_.end()) {
    internal_error(fmt::format("block {} has no mask", block));
    return;
  }
  LlvmValue* some = any_pass(slot->second);
  BasicBlock* body = BasicBlock::Create(cx_, "some", fn_);
  BasicBlock* none = BasicBlock::Create(cx_, "none", fn_);
  b_.CreateCondBr(some, body, none);
  b_.SetInsertPoint(body);
  emit_split(item);
  b_.CreateBr(none);
  b_.SetInsertPoint(none);
}

void Emitter::emit_region_item(std::uint32_t item, std::uint32_t block, const Val* mask) {
  ensure_pass_loop();
  if (mask) {
    mask_ = *mask;
  } else {
    auto slot = mask_slots_.find(block);
    if (slot == mask_slots_.end()) {
      internal_error(fmt::format("block {} has no mask", block));
      return;
    }
    mask_ = load_slot(slot->second);
  }
  BasicBlock* body = BasicBlock::Create(cx_, "some", fn_);
  BasicBlock* skip = BasicBlock::Create(cx_, "none", fn_);
  b_.CreateCondBr(any(mask_), body, skip);
  b_.SetInsertPoint(body);
  std::uint32_t scope = open_scope();
  if (item == kNone) {
    emit_body(block);
    emit_exit_divergent(block);
  } else {
    Val here = mask_;
    emit_range(item);
    mask_ = here;
    if (!a_.escapes[item]) add_mask_to(p_.constructs[item].merge, here);
  }
  b_.CreateBr(skip);
  b_.SetInsertPoint(skip);
  close_scope(scope);
  scopes_.pop_back();
  chain_.block = kNone;
  if (item == kNone && p_.blocks[block].barrier_after) leave_pass_loop();
}

}  // namespace sokr::cpu
