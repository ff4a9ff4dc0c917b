// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A workgroup of several passes with barriers in it. The kernel is cut into regions
// without a barrier inside; each region is a loop over the passes. Constructs that hold
// a barrier are sequences of such loops: their blocks run under masks that lie in scratch
// memory for each pass, a loop goes round while any pass has someone in it. Values that
// cross from one region to another lie in scratch memory, too, and in registers while a region has
// loops that use them.
#include <algorithm>

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

// Does everyone come to each item of the construct? Then no masks are kept for them.
bool Emitter::everyone_comes(std::uint32_t construct) const {
  if (std::ranges::find(a_.escapes, true) != a_.escapes.end()) return false;
  for (std::uint32_t c = construct; c != kNone; c = p_.constructs[c].parent)
    if (p_.constructs[c].kind != ConstructKind::kFunction || a_.constructs[c]) return false;
  return true;
}

// Is the mask of a block of a split construct kept in a slot?
bool Emitter::keeps_mask(std::uint32_t block) const {
  std::uint32_t c = p_.blocks[block].construct;
  for (; p_.constructs[c].begin == block && p_.constructs[c].parent != kNone;
       c = p_.constructs[c].parent)
    if (is_split(c) || p_.constructs[c].kind == ConstructKind::kLoop) return true;
  return !is_split(c) || !everyone_comes(c);
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

// Is whoever is in the item at `before`, the one ahead of `block`, all that comes to `block`,
// with no barrier between?
bool Emitter::goes_on(std::uint32_t construct, std::uint32_t before, std::uint32_t block) const {
  std::uint32_t item = item_at(before, construct), next = item_at(block, construct);
  std::uint32_t end = item == kNone ? before + 1 : p_.constructs[item].end;
  if (end != block || region_[before] != region_[block]) return false;
  if ((item != kNone && is_split(item)) || (next != kNone && is_split(next))) return false;
  bool arrives =
      item == kNone ? p_.blocks[before].exit == Exit::kJump && p_.blocks[before].targets[0] == block
                    : !a_.escapes[item] && p_.constructs[item].merge == block;
  bool reached =
      before == p_.constructs[construct].begin || !p_.blocks[before].predecessors.empty();
  const auto& from = p_.blocks[block].predecessors;
  return arrives && reached && !from.empty() &&
         std::ranges::all_of(from, [&](auto b) { return b >= before && b < end; });
}

void Emitter::emit_split(std::uint32_t construct) {
  note_construct(construct, "split at barriers: a loop over passes for each region");
  const Construct& c = p_.constructs[construct];
  leave_pass_loop();
  BasicBlock *loop = nullptr, *leave = nullptr;
  const Slot entry = mask_slots_[c.begin];
  if (c.kind == ConstructKind::kLoop) {
    loop = BasicBlock::Create(cx_, "rounds", fn_);
    leave = BasicBlock::Create(cx_, "left", fn_);
    jump(loop);
    b_.SetInsertPoint(loop);
  }
  begin_pass_loop();
  Val mask = load_slot(entry);
  make_mask_slots(construct);
  if (!loop) store_slot(entry, mask, nullptr);
  mask_ = mask;
  Guard guard;
  std::uint32_t before = c.begin;
  for (std::uint32_t b = c.begin; b < c.end && !failure_;) {
    std::uint32_t item = item_at(b, construct);
    std::uint32_t end = item == kNone ? b + 1 : p_.constructs[item].end;
    if (b != c.begin && p_.blocks[b].predecessors.empty()) {
      b = end;
      continue;
    }
    bool goes = guard.skip && goes_on(construct, before, b);
    if (!goes) close_guard(guard);
    before = b;
    if (item != kNone && is_split(item)) {
      emit_split_item(item, b);
    } else {
      // The first block goes on with the mask at hand.
      if (!goes && !open_region(b, b == c.begin, guard)) return;
      emit_region_item(item, b);
      if (item == kNone && p_.blocks[b].barrier_after) {
        close_guard(guard);
        leave_pass_loop();
      }
    }
    b = end;
  }
  close_guard(guard);
  leave_pass_loop();
  if (!loop) return;
  if (needs_abort_check(construct)) emit_abort_check();
  branch(any_pass(entry), loop, leave);
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
  branch(some, body, none);
  b_.SetInsertPoint(body);
  emit_split(item);
  jump(none);
  b_.SetInsertPoint(none);
}

// The mask of `block`, and a branch around what goes on from there.
bool Emitter::open_region(std::uint32_t block, bool at_hand, Guard& guard) {
  ensure_pass_loop();
  chain_.block = kNone;
  if (!keeps_mask(block)) {
    mask_ = entry_mask_;
    return true;
  }
  if (!at_hand) {
    auto slot = mask_slots_.find(block);
    if (slot == mask_slots_.end()) {
      internal_error(fmt::format("block {} has no mask", block));
      return false;
    }
    mask_ = load_slot(slot->second);
  }
  open_guard(guard);
  return true;
}

void Emitter::emit_region_item(std::uint32_t item, std::uint32_t block) {
  Val here = mask_;
  if (item == kNone) {
    emit_body(block);
    emit_exit_divergent(block);
  } else {
    emit_range(item);
    if (!a_.escapes[item]) add_mask_to(p_.constructs[item].merge, here);
  }
  mask_ = here;
  chain_.block = kNone;
}

// ---- Kept slots ---------------------------------------------------------------------------

LlvmValue* Emitter::place_in_scratch(std::uint64_t offset, std::uint64_t stride) {
  LlvmValue* pass = pass_ ? b_.CreateZExt(pass_, b_.getInt64Ty()) : b_.getInt64(0);
  LlvmValue* at = b_.CreateAdd(b_.CreateMul(pass, b_.getInt64(stride)), b_.getInt64(offset));
  return b_.CreateGEP(b_.getInt8Ty(), scratch_, at);
}

// Is the block that is being emitted inside of a loop of its region?
bool Emitter::is_in_loop() const {
  for (std::uint32_t c = p_.blocks[block_].construct; c != kNone; c = p_.constructs[c].parent)
    if (p_.constructs[c].kind == ConstructKind::kLoop && !is_split(c)) return true;
  return false;
}

// Where what lies at `offset` of scratch memory, and `stride` further for each pass, is during this
// round of the loop over passes.
LlvmValue* Emitter::kept_place(std::uint64_t offset, std::uint64_t stride, LlvmType* type,
                               bool writes) {
  KeptSlot& kept = kept_slots_[offset];
  if (!kept.place) {
    llvm::IRBuilder<> top(entry_, entry_->begin());
    kept.place = top.CreateAlloca(type);
    kept.place->setAlignment(llvm::Align(64));
    kept.stride = stride;
  }
  kept.written |= writes;
  kept.in_loop |= is_in_loop();
  return kept.place;
}

// What a loop of the region uses is in registers throughout the region, as far as there are enough:
// read where the round begins, and written where it ends. LLVM cannot know that nothing else of
// what the loop does touches that memory. Anything else is read and written in its place: held
// without a loop it would only need a register for longer, and of more than three times as many as
// there are registers each would be moved as often as it is used, once more than in its place.
void Emitter::put_kept_slots() {
  const std::size_t registers = register_count(t_.isa);
  const auto vectors = std::ranges::count_if(kept_slots_, [](const auto& one) {
    return one.second.in_loop && one.second.place->getAllocatedType()->isVectorTy();
  });
  const bool fit = static_cast<std::size_t>(vectors) <= 3 * registers;
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  llvm::BasicBlock* const last = b_.GetInsertBlock();
  for (const auto& [offset, kept] : kept_slots_) {
    b_.SetInsertPoint(pass_loop_.head, pass_loop_.head->getFirstInsertionPt());
    LlvmValue* at = place_in_scratch(offset, kept.stride);
    if (!kept.in_loop || !fit) {
      kept.place->replaceAllUsesWith(at);
      kept.place->eraseFromParent();
      continue;
    }
    LlvmType* type = kept.place->getAllocatedType();
    b_.CreateAlignedStore(b_.CreateAlignedLoad(type, at, llvm::Align(64)), kept.place,
                          llvm::Align(64));
    if (!kept.written) continue;
    b_.SetInsertPoint(last);
    b_.CreateAlignedStore(b_.CreateAlignedLoad(type, kept.place, llvm::Align(64)), at,
                          llvm::Align(64));
  }
  kept_slots_.clear();
}

}  // namespace sokr::cpu
