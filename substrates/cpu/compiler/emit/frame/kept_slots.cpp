// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emit/frame/kept_slots.hpp"

#include <algorithm>

namespace sokr::cpu {

LlvmValue* KeptSlots::place_in_scratch(std::uint64_t offset, std::uint64_t stride) {
  LlvmValue* pass = at_.pass ? b_.CreateZExt(at_.pass, b_.getInt64Ty()) : b_.getInt64(0);
  LlvmValue* at = b_.CreateAdd(b_.CreateMul(pass, b_.getInt64(stride)), b_.getInt64(offset));
  return b_.CreateGEP(b_.getInt8Ty(), frame_.scratch(), at);
}

// Is the block that is being emitted inside of a loop of its region?
bool KeptSlots::is_in_loop() const {
  for (std::uint32_t c = p_.blocks[at_.block].construct; c != kNone; c = p_.constructs[c].parent)
    if (p_.constructs[c].kind == ConstructKind::kLoop && !regions_.is_split(c)) return true;
  return false;
}

// Where what lies at `offset` of scratch memory, and `stride` further for each pass, is during this
// round of the loop over passes.
LlvmValue* KeptSlots::kept_place(std::uint64_t offset, std::uint64_t stride, LlvmType* type,
                                 llvm::Align align, bool writes) {
  KeptSlot& kept = kept_slots_[offset];
  if (!kept.place) {
    llvm::IRBuilder<> top(at_.entry, at_.entry->begin());
    kept.place = top.CreateAlloca(type);
    kept.place->setAlignment(align);
    kept.align = align;
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
void KeptSlots::put_kept_slots(BasicBlock* head) {
  const std::size_t registers = t_.registers;
  const auto vectors = std::ranges::count_if(kept_slots_, [](const auto& one) {
    return one.second.in_loop && one.second.place->getAllocatedType()->isVectorTy();
  });
  const bool fit = static_cast<std::size_t>(vectors) <= 3 * registers;
  llvm::IRBuilder<>::InsertPointGuard guard(b_);
  llvm::BasicBlock* const last = b_.GetInsertBlock();
  for (const auto& [offset, kept] : kept_slots_) {
    b_.SetInsertPoint(head, head->getFirstInsertionPt());
    LlvmValue* at = place_in_scratch(offset, kept.stride);
    if (!kept.in_loop || !fit) {
      kept.place->replaceAllUsesWith(at);
      kept.place->eraseFromParent();
      continue;
    }
    LlvmType* type = kept.place->getAllocatedType();
    b_.CreateAlignedStore(b_.CreateAlignedLoad(type, at, kept.align), kept.place, kept.align);
    if (!kept.written) continue;
    b_.SetInsertPoint(last);
    b_.CreateAlignedStore(b_.CreateAlignedLoad(type, kept.place, kept.align), at, kept.align);
  }
  kept_slots_.clear();
}

}  // namespace sokr::cpu
