// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/corrections.hpp"

#include <llvm/ADT/SetVector.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Transforms/Utils/LoopUtils.h>

#include <optional>

#include "compiler/target/instructions.hpp"

namespace sokr::cpu {
namespace {

using llvm::BasicBlock;
using llvm::Value;

llvm::IntrinsicInst* as_byte_dot(Value* value) {
  auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(value);
  return call && is_byte_dot(call->getIntrinsicID()) ? call : nullptr;
}

// In each round: next = products - correction, where products = sum + ..., correction = 0 + ...
struct Sum {
  llvm::PHINode* sum;
  llvm::BinaryOperator* next;
  llvm::IntrinsicInst *products, *correction;
};

// Whether nobody in the loop but `user` looks at it, and behind it only values that come together
// at its exits (as LCSSA makes them).
bool is_private(const Value& value, const llvm::User& user, const llvm::Loop& loop) {
  return llvm::all_of(value.users(), [&](const llvm::User* other) {
    const auto* instruction = llvm::cast<llvm::Instruction>(other);
    return other == &user || (!loop.contains(instruction) && llvm::isa<llvm::PHINode>(instruction));
  });
}

std::optional<Sum> as_sum(llvm::PHINode& phi, const llvm::Loop& loop, BasicBlock* latch) {
  using namespace llvm::PatternMatch;
  auto* next = llvm::dyn_cast<llvm::BinaryOperator>(phi.getIncomingValueForBlock(latch));
  if (!next || next->getOpcode() != llvm::Instruction::Sub || !loop.contains(next)) return {};
  auto* products = as_byte_dot(next->getOperand(0));
  auto* correction = as_byte_dot(next->getOperand(1));
  if (!products || !correction || products == correction || !loop.contains(products) ||
      !loop.contains(correction) || products->getArgOperand(0) != &phi ||
      !match(correction->getArgOperand(0), m_Zero()) || !products->hasOneUse() ||
      !correction->hasOneUse() || !is_private(phi, *products, loop) ||
      !is_private(*next, phi, loop))
    return {};
  return Sum{&phi, next, products, correction};
}

void split(const Sum& s, const llvm::Loop& loop, BasicBlock* latch) {
  Value* zero = llvm::Constant::getNullValue(s.sum->getType());
  llvm::IRBuilder<> b(s.sum);
  llvm::PHINode* corrections = b.CreatePHI(s.sum->getType(), s.sum->getNumIncomingValues());
  for (BasicBlock* from : s.sum->blocks())
    corrections->addIncoming(from == latch ? static_cast<Value*>(s.correction) : zero, from);
  s.correction->setArgOperand(0, corrections);

  llvm::SmallSetVector<llvm::PHINode*, 4> exits;
  for (Value* value : {static_cast<Value*>(s.sum), static_cast<Value*>(s.next)})
    for (llvm::User* user : value->users())
      if (auto* phi = llvm::cast<llvm::Instruction>(user); !loop.contains(phi))
        exits.insert(llvm::cast<llvm::PHINode>(phi));
  for (llvm::PHINode* exit : exits) {
    b.SetInsertPoint(exit);
    llvm::PHINode* part = b.CreatePHI(exit->getType(), exit->getNumIncomingValues());
    for (unsigned i = 0; i < exit->getNumIncomingValues(); ++i) {
      Value* value = exit->getIncomingValue(i);
      part->addIncoming(value == s.sum    ? static_cast<Value*>(corrections)
                        : value == s.next ? static_cast<Value*>(s.correction)
                                          : zero,
                        exit->getIncomingBlock(i));
      if (value == s.next) exit->setIncomingValue(i, s.products);
    }
    b.SetInsertPoint(exit->getParent(), exit->getParent()->getFirstInsertionPt());
    auto* whole = llvm::cast<llvm::Instruction>(b.CreateSub(exit, part));
    exit->replaceUsesWithIf(whole, [&](const llvm::Use& use) { return use.getUser() != whole; });
  }
  s.sum->setIncomingValueForBlock(latch, s.products);
  s.next->eraseFromParent();
}

}  // namespace

llvm::PreservedAnalyses CorrectionsPass::run(llvm::Function& function,
                                             llvm::FunctionAnalysisManager& analyses) {
  if (llvm::none_of(*function.getParent(), [](const llvm::Function& other) {
        return is_byte_dot(other.getIntrinsicID());
      }))
    return llvm::PreservedAnalyses::all();
  auto& loops = analyses.getResult<llvm::LoopAnalysis>(function);
  auto& dominators = analyses.getResult<llvm::DominatorTreeAnalysis>(function);
  bool changed = false;
  for (llvm::Loop* loop : loops.getLoopsInPreorder()) {
    BasicBlock* latch = loop->getLoopLatch();
    if (!latch || !loop->isInnermost()) continue;
    changed |= llvm::formLCSSA(*loop, dominators, &loops, nullptr);
    llvm::SmallVector<Sum, 16> sums;
    for (llvm::PHINode& phi : loop->getHeader()->phis())
      if (auto sum = as_sum(phi, *loop, latch)) sums.push_back(*sum);
    for (const Sum& sum : sums) split(sum, *loop, latch);
    changed |= !sums.empty();
  }
  if (!changed) return llvm::PreservedAnalyses::all();
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace sokr::cpu
