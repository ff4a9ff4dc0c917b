// SPDX-License-Identifier: MIT OR Apache-2.0
//
// LLVM's scheduler leaves most of the order alone, and what does not fit goes through the stack:
// eight chunks that compare and choose have eight masks of each condition, and there are seven
// registers for masks. Finding the largest numbers of a row took 151 instructions a round of which
// 47 were for the stack, and 104 with 3.
#include "compiler/codegen/depth_first.hpp"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Instructions.h>

#include <algorithm>
#include <cstddef>

#include "compiler/codegen/chains.hpp"

namespace sokr::cpu {
namespace {

using llvm::BasicBlock;
using llvm::Instruction;

constexpr unsigned kMaskRegisters = 7;  // of those that masks have for themselves
constexpr std::size_t kLeast = 24;      // instructions that are worth an order
constexpr std::size_t kMost = 4096;     // and those that take too long to put in order

// At most so many masks, and registers of vectors, are held at once.
struct Pressure {
  unsigned masks = 0, vectors = 0;
};

bool may_go_deep(const Instruction& instruction) {
  if (llvm::isa<llvm::PHINode>(instruction) || instruction.isTerminator() ||
      llvm::isa<llvm::AllocaInst>(instruction) || instruction.mayWriteToMemory() ||
      instruction.mayHaveSideEffects())
    return false;
  const auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction);
  return !load || load->isSimple();
}

// Instructions in a row of one block, none of which writes memory.
class Row {
 public:
  Row(llvm::ArrayRef<Instruction*> row, const TargetTraits& target) : row_(row), target_(target) {
    for (std::size_t i = 0; i < row.size(); ++i) number_[row[i]] = i;
    for (Instruction* one : row) {
      bool ends = true;  // nobody here needs it
      for (const llvm::User* user : one->users())
        ends &= !number_.contains(llvm::cast<Instruction>(user));
      if (ends) ends_.push_back(one);
    }
  }

  bool order() {
    const Pressure before = pressure_of(row_);
    const bool spills =
        (target_.wide_masks && before.masks > kMaskRegisters) || before.vectors > target_.registers;
    if (!spills) return false;
    depth_first();
    const Pressure after = pressure_of(order_);
    // A quarter less of what there is too much of, and not more of the other.
    const auto is_less = [](unsigned now, unsigned then) { return 4 * now <= 3 * then; };
    const bool better = before.vectors > target_.registers
                            ? is_less(after.vectors, before.vectors) && after.masks <= before.masks
                            : is_less(after.masks, before.masks) &&
                                  after.vectors <= std::max(before.vectors, target_.registers);
    if (!better) return false;
    Instruction* end = row_.back()->getNextNode();
    for (Instruction* one : order_) one->moveBefore(end);
    return true;
  }

 private:
  Pressure pressure_of(llvm::ArrayRef<Instruction*> order) const {
    llvm::DenseMap<const Instruction*, std::size_t> last;  // use
    for (std::size_t i = 0; i < order.size(); ++i)
      for (const llvm::Value* operand : order[i]->operands())
        if (const auto* made = llvm::dyn_cast<Instruction>(operand); made && number_.contains(made))
          last[made] = i;
    llvm::SmallVector<llvm::SmallVector<const Instruction*, 2>, 0> dies(order.size());
    for (const auto& [one, i] : last) {
      const bool stays = llvm::any_of(one->users(), [&](const llvm::User* user) {
        return !number_.contains(llvm::cast<Instruction>(user));
      });
      if (!stays) dies[i].push_back(one);
    }
    Pressure now, most;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const Instruction* one : dies[i]) add(now, *one, -1);
      add(now, *order[i], 1);
      most.masks = std::max(most.masks, now.masks);
      most.vectors = std::max(most.vectors, now.vectors);
    }
    return most;
  }

  void add(Pressure& pressure, const Instruction& one, int sign) const {
    const auto* type = llvm::dyn_cast<llvm::FixedVectorType>(one.getType());
    if (!type) return;
    if (type->getElementType()->isIntegerTy(1) && target_.wide_masks) {
      pressure.masks += static_cast<unsigned>(sign);
      return;
    }
    const unsigned bits =
        std::max(type->getNumElements() * std::max(type->getScalarSizeInBits(), 8u), 1u);
    const unsigned registers = (bits + target_.vector_bits() - 1) / target_.vector_bits();
    pressure.vectors += static_cast<unsigned>(sign) * registers;
  }

  // What an instruction needs comes right before it, and behind it what needs only what is there.
  void depth_first() {
    llvm::DenseMap<const Instruction*, unsigned> missing;  // of those that end here: operands
    for (Instruction* one : ends_) {
      unsigned count = 0;
      for (const llvm::Value* operand : one->operands()) count += is_here(operand);
      missing[one] = count;
    }
    for (Instruction* one : ends_) {
      place(one, missing);
      while (!ready_.empty()) place(ready_.pop_back_val(), missing);
    }
  }

  bool is_here(const llvm::Value* value) const {
    const auto* made = llvm::dyn_cast<Instruction>(value);
    return made && number_.contains(made);
  }

  void place(Instruction* wanted, llvm::DenseMap<const Instruction*, unsigned>& missing) {
    llvm::SmallVector<Instruction*, 32> todo{wanted};
    while (!todo.empty()) {
      Instruction* one = todo.back();
      if (placed_.contains(one)) {
        todo.pop_back();
        continue;
      }
      const std::size_t waiting = todo.size();
      for (llvm::Value* operand : llvm::reverse(one->operands()))
        if (is_here(operand) && !placed_.contains(llvm::cast<Instruction>(operand)))
          todo.push_back(llvm::cast<Instruction>(operand));
      if (todo.size() != waiting) continue;
      todo.pop_back();
      placed_[one] = true;
      order_.push_back(one);
      llvm::SmallVector<Instruction*, 4> next;
      for (const llvm::Use& use : one->uses())
        if (const auto it = missing.find(llvm::cast<Instruction>(use.getUser()));
            it != missing.end() && --it->second == 0)
          next.push_back(llvm::cast<Instruction>(use.getUser()));
      // In the order in which they stood.
      llvm::sort(next, [&](Instruction* a, Instruction* b) {
        return number_.lookup(a) > number_.lookup(b);
      });
      ready_.append(next.begin(), next.end());
    }
  }

  const llvm::ArrayRef<Instruction*> row_;
  const TargetTraits& target_;
  llvm::DenseMap<const Instruction*, std::size_t> number_;
  llvm::SmallVector<Instruction*, 32> ends_, ready_;
  llvm::SmallVector<Instruction*, 64> order_;
  llvm::DenseMap<const Instruction*, bool> placed_;
};

}  // namespace

llvm::PreservedAnalyses DepthFirstPass::run(llvm::Function& function,
                                            llvm::FunctionAnalysisManager& /*analyses*/) {
  if (function.hasFnAttribute(kOrdered)) return llvm::PreservedAnalyses::all();
  bool changed = false;
  for (BasicBlock& block : function) {
    llvm::SmallVector<llvm::SmallVector<Instruction*, 64>, 4> rows(1);
    for (Instruction& one : block) {
      if (may_go_deep(one))
        rows.back().push_back(&one);
      else if (!rows.back().empty())
        rows.emplace_back();
    }
    for (const auto& row : rows)
      if (row.size() >= kLeast && row.size() <= kMost) changed |= Row(row, target_).order();
  }
  if (!changed) return llvm::PreservedAnalyses::all();
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace sokr::cpu
