// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every "and", "or", "exclusive or", choice and phi of masks is one of words instead, all ones or
// zeros. What made its operands is extended where it stands, so that a comparison and its extension
// are one instruction; who uses a mask compares the words with zero where he stands, which is none,
// since choices, masked accesses and collected bits look at the sign.
#include "compiler/codegen/word_masks.hpp"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/SetVector.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Instructions.h>

namespace sokr::cpu {
namespace {

using llvm::Instruction;
using llvm::Value;

class Widening {
 public:
  Widening(llvm::Function& function, unsigned lanes)
      : function_(function),
        b_(function.getContext()),
        mask_(llvm::FixedVectorType::get(b_.getInt1Ty(), lanes)),
        words_(llvm::FixedVectorType::get(b_.getInt32Ty(), lanes)) {}

  bool run() {
    for (llvm::BasicBlock& block : function_)
      for (Instruction& one : block)
        if (one.getType() == mask_ && (is_computed(one) || leaves_block(one))) masks_.insert(&one);
    if (masks_.empty()) return false;
    // Phis first: the others may need each of them.
    for (Instruction* one : masks_)
      if (auto* phi = llvm::dyn_cast<llvm::PHINode>(one)) {
        b_.SetInsertPoint(phi);
        wide_[phi] = b_.CreatePHI(words_, phi->getNumIncomingValues());
      }
    for (Instruction* one : masks_) wide(one);
    for (Instruction* one : masks_)
      if (auto* phi = llvm::dyn_cast<llvm::PHINode>(one))
        for (unsigned i = 0; i < phi->getNumIncomingValues(); ++i) {
          Value* from = wide(phi->getIncomingValue(i));
          llvm::cast<llvm::PHINode>(wide_[phi])->addIncoming(from, phi->getIncomingBlock(i));
        }
    for (Instruction* one : masks_) give_back(*one);
    for (Instruction* one : masks_) {
      if (!is_computed(*one)) continue;
      one->replaceAllUsesWith(llvm::PoisonValue::get(mask_));
      one->eraseFromParent();
    }
    return true;
  }

 private:
  static bool is_computed(const Instruction& one) {
    const auto* operation = llvm::dyn_cast<llvm::BinaryOperator>(&one);
    return (operation && operation->isBitwiseLogicOp()) || llvm::isa<llvm::PHINode>(one) ||
           llvm::isa<llvm::SelectInst>(one);
  }
  static bool leaves_block(const Instruction& one) {
    return llvm::isa<llvm::CmpInst>(one) && one.isUsedOutsideOfBlock(one.getParent());
  }

  // The words of a mask. What is computed of masks comes before it, in the order of dominance.
  Value* wide(Value* mask) {
    if (auto* constant = llvm::dyn_cast<llvm::Constant>(mask))
      return b_.CreateSExt(constant, words_);
    if (Value* known = wide_.lookup(mask)) return known;
    llvm::SmallVector<Value*, 16> todo{mask};
    while (!todo.empty()) {
      auto* one = llvm::dyn_cast<Instruction>(todo.back());
      if (wide_.contains(todo.back())) {
        todo.pop_back();
        continue;
      }
      if (!one || !is_computed(*one)) {
        set_point_behind(todo.back());
        wide_[todo.back()] = extended(todo.back());
        todo.pop_back();
        continue;
      }
      const std::size_t waiting = todo.size();
      for (Value* operand : one->operands())
        if (operand->getType() == mask_ && !llvm::isa<llvm::Constant>(operand) &&
            !is_condition(*one, operand) && !wide_.contains(operand))
          todo.push_back(operand);
      if (todo.size() != waiting) continue;
      todo.pop_back();
      wide_[one] = compute(*one);
    }
    return wide_.lookup(mask);
  }

  // One bit for all lanes is extended before it is spread: LLVM spreads bytes and takes three
  // instructions more to make words of them.
  Value* extended(Value* mask) {
    Value* bit = llvm::getSplatValue(mask);
    if (!bit) return b_.CreateSExt(mask, words_);
    return b_.CreateVectorSplat(words_->getNumElements(),
                                b_.CreateSExt(bit, words_->getElementType()));
  }

  // A choice takes its condition as a mask, like any other user.
  static bool is_condition(const Instruction& one, const Value* operand) {
    const auto* select = llvm::dyn_cast<llvm::SelectInst>(&one);
    return select && select->getCondition() == operand && select->getTrueValue() != operand &&
           select->getFalseValue() != operand;
  }

  Value* compute(Instruction& one) {
    const auto words_of = [&](Value* operand) {
      auto* constant = llvm::dyn_cast<llvm::Constant>(operand);
      return constant ? b_.CreateSExt(constant, words_) : wide_.lookup(operand);
    };
    b_.SetInsertPoint(&one);
    if (auto* select = llvm::dyn_cast<llvm::SelectInst>(&one)) {
      Value* yes = words_of(select->getTrueValue());
      Value* no = words_of(select->getFalseValue());
      return b_.CreateSelect(select->getCondition(), yes, no);
    }
    auto& operation = llvm::cast<llvm::BinaryOperator>(one);
    Value* x = words_of(operation.getOperand(0));
    Value* y = words_of(operation.getOperand(1));
    return b_.CreateBinOp(operation.getOpcode(), x, y);
  }

  void set_point_behind(Value* value) {
    auto* one = llvm::dyn_cast<Instruction>(value);
    llvm::BasicBlock* block = one ? one->getParent() : &function_.getEntryBlock();
    if (!one || llvm::isa<llvm::PHINode>(one))
      b_.SetInsertPoint(block, block->getFirstInsertionPt());
    else
      b_.SetInsertPoint(one->getNextNode());
  }

  // To those who still need a mask.
  void give_back(Instruction& one) {
    Value* words = wide_.lookup(&one);
    for (llvm::Use& use : llvm::make_early_inc_range(one.uses())) {
      auto* user = llvm::cast<Instruction>(use.getUser());
      const bool same_block = user->getParent() == one.getParent();
      if (user == words || (!is_computed(one) && same_block)) continue;
      if (masks_.contains(user) && is_computed(*user)) continue;
      if (llvm::isa<llvm::PHINode>(user)) continue;
      if (llvm::isa<llvm::SExtInst>(user) && user->getType() == words_) {
        user->replaceAllUsesWith(words);  // a mask that is kept as words
        user->eraseFromParent();
        continue;
      }
      b_.SetInsertPoint(user);
      use.set(b_.CreateICmpSLT(words, llvm::Constant::getNullValue(words_)));
    }
  }

  llvm::Function& function_;
  llvm::IRBuilder<> b_;
  llvm::FixedVectorType *mask_, *words_;
  llvm::SmallSetVector<Instruction*, 32> masks_;
  llvm::DenseMap<Value*, Value*> wide_;
};

}  // namespace

llvm::PreservedAnalyses WordMasksPass::run(llvm::Function& function,
                                           llvm::FunctionAnalysisManager& /*analyses*/) {
  if (!Widening(function, lanes_).run()) return llvm::PreservedAnalyses::all();
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace sokr::cpu
