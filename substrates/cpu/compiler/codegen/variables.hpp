// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Makes values of the variables that emission leaves: masks that collect who arrives, and values
// that are made in one block and used in others that it does not dominate.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_VARIABLES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_VARIABLES_HPP_

#include <llvm/IR/PassManager.h>

#include <cstdint>

namespace sokr::cpu {

// As LLVM's mem2reg, whose time is the product of how many variables and how many blocks a function
// has, for each variable anew with sets that are hashed: kernels of thousands of tests have
// thousands of both. Here a variable takes as many steps as there are blocks in which it lives, of
// a few nanoseconds each, and all of them together at most `most_steps`: what is left then stays in
// memory.
class PromoteVariablesPass : public llvm::PassInfoMixin<PromoteVariablesPass> {
 public:
  explicit PromoteVariablesPass(std::uint64_t most_steps) : most_steps_(most_steps) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);

 private:
  std::uint64_t most_steps_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_VARIABLES_HPP_
