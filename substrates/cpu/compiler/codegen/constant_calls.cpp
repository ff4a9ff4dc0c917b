// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/constant_calls.hpp"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/ConstantFolding.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <map>
#include <utility>
#include <vector>

namespace sokr::cpu {
namespace {

using llvm::BasicBlock;
using llvm::Constant;

// A call of a function that reads and writes nothing and has no loops. LLVM's own evaluator knows
// no intrinsics.
class Evaluation {
 public:
  Evaluation(const llvm::Function& function, const std::vector<Constant*>& arguments,
             const llvm::TargetLibraryInfo& library)
      : layout_(function.getParent()->getDataLayout()), library_(library) {
    for (const llvm::Argument& one : function.args()) values_[&one] = arguments[one.getArgNo()];
  }

  // The result, or null where LLVM cannot compute some instruction.
  Constant* result(const BasicBlock& entry) {
    const BasicBlock *from = nullptr, *block = &entry;
    llvm::SmallPtrSet<const BasicBlock*, 8> seen;
    while (block && seen.insert(block).second) {
      if (!take_phis(*block, from)) return nullptr;
      for (const llvm::Instruction& one : *block)
        if (!llvm::isa<llvm::PHINode>(one) && !one.isTerminator() && !compute(one)) return nullptr;
      const llvm::Instruction* end = block->getTerminator();
      if (const auto* ret = llvm::dyn_cast<llvm::ReturnInst>(end))
        return value_of(ret->getReturnValue());
      from = block;
      block = next(*end);
    }
    return nullptr;
  }

 private:
  Constant* value_of(const llvm::Value* value) const {
    if (const auto* constant = llvm::dyn_cast<Constant>(value))
      return const_cast<Constant*>(constant);
    return values_.lookup(value);
  }

  bool take_phis(const BasicBlock& block, const BasicBlock* from) {
    llvm::SmallVector<std::pair<const llvm::PHINode*, Constant*>, 8> all;  // all at once
    for (const llvm::PHINode& phi : block.phis())
      all.emplace_back(&phi, value_of(phi.getIncomingValueForBlock(from)));
    for (const auto& [phi, value] : all) values_[phi] = value;
    return llvm::all_of(all, [](const auto& one) { return one.second != nullptr; });
  }

  bool compute(const llvm::Instruction& one) {
    llvm::SmallVector<Constant*, 4> operands;
    for (const llvm::Use& use : one.operands()) operands.push_back(value_of(use.get()));
    if (llvm::is_contained(operands, nullptr)) return false;
    Constant* value = llvm::ConstantFoldInstOperands(const_cast<llvm::Instruction*>(&one), operands,
                                                     layout_, &library_);
    values_[&one] = value;
    return value != nullptr;
  }

  const BasicBlock* next(const llvm::Instruction& end) const {
    const auto* branch = llvm::dyn_cast<llvm::BranchInst>(&end);
    if (!branch) return nullptr;
    if (branch->isUnconditional()) return branch->getSuccessor(0);
    const auto* test = llvm::dyn_cast_or_null<llvm::ConstantInt>(value_of(branch->getCondition()));
    return test ? branch->getSuccessor(test->isZero() ? 1 : 0) : nullptr;
  }

  const llvm::DataLayout& layout_;
  const llvm::TargetLibraryInfo& library_;
  llvm::DenseMap<const llvm::Value*, Constant*> values_;
};

}  // namespace

// Each operation of such a function is IEEE's, rounded to nearest, here as when the kernel runs, so
// that the bits are those that a call would give. What LLVM cannot compute stays a call.
llvm::PreservedAnalyses ConstantCallsPass::run(llvm::Function& function,
                                               llvm::FunctionAnalysisManager& analyses) {
  const auto& library = analyses.getResult<llvm::TargetLibraryAnalysis>(function);
  std::map<std::pair<llvm::Function*, std::vector<Constant*>>, Constant*> known;
  bool changed = false;
  for (llvm::Instruction& instruction : llvm::make_early_inc_range(llvm::instructions(function))) {
    auto* call = llvm::dyn_cast<llvm::CallInst>(&instruction);
    llvm::Function* callee = call ? call->getCalledFunction() : nullptr;
    if (!callee || callee->isDeclaration() || !callee->hasLocalLinkage() ||
        !callee->doesNotAccessMemory() || call->getType()->isVoidTy() ||
        !llvm::all_of(call->args(), [](llvm::Value* v) { return llvm::isa<Constant>(v); }))
      continue;
    std::vector<Constant*> arguments;
    for (llvm::Value* v : call->args()) arguments.push_back(llvm::cast<Constant>(v));
    const auto [place, is_new] = known.try_emplace({callee, arguments}, nullptr);
    if (is_new)
      place->second = Evaluation(*callee, arguments, library).result(callee->getEntryBlock());
    if (!place->second) continue;
    call->replaceAllUsesWith(place->second);
    call->eraseFromParent();
    changed = true;
  }
  if (!changed) return llvm::PreservedAnalyses::all();
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace sokr::cpu
