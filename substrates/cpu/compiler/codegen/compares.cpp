// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/compares.hpp"

#include <llvm/ADT/STLExtras.h>
#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

#include <numeric>

namespace sokr::cpu {
namespace {

// Lanes [first, first + count) of a vector.
llvm::Value* part_of(llvm::IRBuilder<>& b, llvm::Value* vector, unsigned first, unsigned count) {
  llvm::SmallVector<int, 16> lanes(count);
  std::iota(lanes.begin(), lanes.end(), static_cast<int>(first));
  return b.CreateShuffleVector(vector, lanes);
}

}  // namespace

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
        arguments[operand] = part_of(b, arguments[operand], i * half, half);
      auto* part = llvm::cast<llvm::ConstrainedFPCmpIntrinsic>(
          b.CreateIntrinsic(compare->getIntrinsicID(), {arguments[0]->getType()}, arguments));
      part->setAttributes(compare->getAttributes());
      parts[i] = part;
      if (half * type->getScalarSizeInBits() > vector_bits_) wide.push_back(part);
    }
    llvm::SmallVector<int, 16> all(2 * std::size_t{half});
    std::iota(all.begin(), all.end(), 0);
    compare->replaceAllUsesWith(b.CreateShuffleVector(parts[0], parts[1], all));
    compare->eraseFromParent();
  }
  return llvm::PreservedAnalyses::none();
}

}  // namespace sokr::cpu
