// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loops that carry more sums than there are registers: each sum takes all its terms of a round
// before the next one does, so that it is read and written once a round and not once a term.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CHAINS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CHAINS_HPP_

#include <llvm/IR/PassManager.h>

namespace sokr::cpu {

// The attribute of functions whose instructions have been put in order: LLVM's scheduler would put
// the terms of all sums beside each other again.
inline constexpr char kOrdered[] = "sokr-ordered";

class ChainsPass : public llvm::PassInfoMixin<ChainsPass> {
 public:
  // Of a processor with that many registers for vectors.
  explicit ChainsPass(unsigned registers) : registers_(registers) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);

 private:
  unsigned registers_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CHAINS_HPP_
