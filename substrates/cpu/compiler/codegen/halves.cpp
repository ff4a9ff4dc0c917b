// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/halves.hpp"

#include <llvm/CodeGen/TargetLowering.h>
#include <llvm/CodeGen/TargetSubtargetInfo.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/Target/TargetMachine.h>

#include "compiler/target/llvm_pch.hpp"

namespace sokr::cpu {
namespace {

using llvm::Intrinsic::ID;

bool is_half(const llvm::Value* value) {
  return value->getType()->getScalarType()->isHalfTy();
}

// Operations of numbers whose float is exact, or rounds as the half does.
bool is_widened(ID id) {
  switch (id) {
    case llvm::Intrinsic::minnum:
    case llvm::Intrinsic::maxnum:
    case llvm::Intrinsic::minimum:
    case llvm::Intrinsic::maximum:
    case llvm::Intrinsic::floor:
    case llvm::Intrinsic::ceil:
    case llvm::Intrinsic::trunc:
    case llvm::Intrinsic::rint:
    case llvm::Intrinsic::nearbyint:
    case llvm::Intrinsic::round:
    case llvm::Intrinsic::roundeven:
    case llvm::Intrinsic::sqrt:
      return true;
    default:
      return false;
  }
}

class Rewriter {
 public:
  explicit Rewriter(llvm::Function& function) : b_(function.getContext()) {}

  // Null where nothing has to change.
  llvm::Value* replacement(llvm::Instruction& inst) {
    b_.SetInsertPoint(&inst);
    if (auto* compare = llvm::dyn_cast<llvm::FCmpInst>(&inst);
        compare && is_half(compare->getOperand(0))) {
      auto* made = b_.CreateFCmp(compare->getPredicate(), widened(compare->getOperand(0)),
                                 widened(compare->getOperand(1)));
      if (auto* other = llvm::dyn_cast<llvm::Instruction>(made)) other->copyIRFlags(compare);
      return made;
    }
    if (auto* select = llvm::dyn_cast<llvm::SelectInst>(&inst); select && is_half(select)) {
      auto* made = b_.CreateSelect(select->getCondition(), bits(select->getTrueValue()),
                                   bits(select->getFalseValue()), "", select);
      return b_.CreateBitCast(made, select->getType());
    }
    auto* call = llvm::dyn_cast<llvm::IntrinsicInst>(&inst);
    if (!call || !is_half(call) || !is_widened(call->getIntrinsicID())) return nullptr;
    llvm::SmallVector<llvm::Value*, 2> operands;
    for (llvm::Value* operand : call->args()) operands.push_back(widened(operand));
    auto* made = b_.CreateIntrinsic(call->getIntrinsicID(), {operands[0]->getType()}, operands);
    return b_.CreateFPTrunc(made, call->getType());
  }

 private:
  llvm::Value* widened(llvm::Value* half) {
    return b_.CreateFPExt(half, half->getType()->getWithNewType(b_.getFloatTy()));
  }
  llvm::Value* bits(llvm::Value* half) {
    return b_.CreateBitCast(half, half->getType()->getWithNewType(b_.getInt16Ty()));
  }

  llvm::IRBuilder<> b_;
};

}  // namespace

llvm::PreservedAnalyses HalvesPass::run(llvm::Function& function, llvm::FunctionAnalysisManager&) {
  const llvm::TargetLowering* target = machine_->getSubtargetImpl(function)->getTargetLowering();
  if (target->isOperationLegal(llvm::ISD::FADD, llvm::MVT::f16))
    return llvm::PreservedAnalyses::all();
  bool changed = false;
  Rewriter rewriter(function);
  for (llvm::Instruction& inst : llvm::make_early_inc_range(llvm::instructions(function))) {
    llvm::Value* instead = rewriter.replacement(inst);
    if (!instead) continue;
    inst.replaceAllUsesWith(instead);
    inst.eraseFromParent();
    changed = true;
  }
  if (!changed) return llvm::PreservedAnalyses::all();
  llvm::PreservedAnalyses kept;
  kept.preserveSet<llvm::CFGAnalyses>();
  return kept;
}

}  // namespace sokr::cpu
