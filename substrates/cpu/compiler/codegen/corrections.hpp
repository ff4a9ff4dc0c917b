// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Byte products whose correction is a sum of its own: see dot_of_bytes in emit/ops/matrix.cpp. A
// loop that adds up such products, sum = (sum + products) - correction in each round, adds up
// products and corrections apart and subtracts once, behind the loop. Sums of integers wrap, so the
// order does not matter.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CORRECTIONS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CORRECTIONS_HPP_

#include <llvm/IR/PassManager.h>

namespace sokr::cpu {

class CorrectionsPass : public llvm::PassInfoMixin<CorrectionsPass> {
 public:
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CORRECTIONS_HPP_
