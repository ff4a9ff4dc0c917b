// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/compares.hpp"

#include <llvm/ADT/SmallVector.h>
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

namespace sokr::cpu {
llvm::PreservedAnalyses ComparesPass::run(llvm::Function& function,
                                          llvm::FunctionAnalysisManager&) {
  llvm::SmallVector<llvm::ConstrainedFPCmpIntrinsic*, 8> wide;
  for (llvm::Instruction& at : llvm::instructions(function))
    if (auto* compare = llvm::dyn_cast<llvm::ConstrainedFPCmpIntrinsic>(&at)) {
      const auto* type =
          llvm::dyn_cast<llvm::FixedVectorType>(compare->getArgOperand(0)->getType());
      if (type && type->getPrimitiveSizeInBits().getFixedValue() > vector_bits_)
        wide.push_back(compare);
    }
  // Halves of halves are looked at in turn.
  while (!wide.empty()) {
    llvm::ConstrainedFPCmpIntrinsic* const compare = wide.pop_back_val();
    auto* type = llvm::cast<llvm::FixedVectorType>(compare->getArgOperand(0)->getType());
    const unsigned half = type->getNumElements() / 2;
    llvm::IRBuilder<> b(compare);
    llvm::Value* parts[2];
    for (const unsigned i : {0u, 1u}) {
      llvm::SmallVector<llvm::Value*, 4> arguments(compare->args());
      for (const unsigned operand : {0u, 1u})
        arguments[operand] = b.CreateShuffleVector(arguments[operand],
                                                   llvm::createSequentialMask(i * half, half, 0));
      auto* part = llvm::cast<llvm::ConstrainedFPCmpIntrinsic>(
          b.CreateIntrinsic(compare->getIntrinsicID(), {arguments[0]->getType()}, arguments));
      part->setAttributes(compare->getAttributes());
      parts[i] = part;
      if (half * type->getScalarSizeInBits() > vector_bits_) wide.push_back(part);
    }
    compare->replaceAllUsesWith(llvm::concatenateVectors(b, parts));
    compare->eraseFromParent();
  }
  return llvm::PreservedAnalyses::none();
}

}  // namespace sokr::cpu
