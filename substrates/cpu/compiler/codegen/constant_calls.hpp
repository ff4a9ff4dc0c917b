// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Elementary functions of constants. Where a function is called too often to be put into each
// place, its results are constants all the same: those of a table of cosines, for one, whose
// indices are the numbers of invocations and of the rounds of a loop.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CONSTANT_CALLS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CONSTANT_CALLS_HPP_

#include <llvm/IR/PassManager.h>

namespace sokr::cpu {

class ConstantCallsPass : public llvm::PassInfoMixin<ConstantCallsPass> {
 public:
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CONSTANT_CALLS_HPP_
