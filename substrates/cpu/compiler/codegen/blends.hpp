// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Choices between what bit operations make of a value and that value. Where masks have registers of
// their own LLVM makes one instruction of the operations and the choice (AVX-512's vpternlog under
// a mask). With an operand from memory, as constants and single loads are, in two of six orders of
// the operands it numbers their truth table wrong (LLVM up to 22, llvm-project issue 157929): the
// result is a number of nothing. Such a choice is kept apart from its operations, which costs one
// instruction.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_BLENDS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_BLENDS_HPP_

#include <llvm/IR/PassManager.h>

namespace sokr::cpu {

class BlendsPass : public llvm::PassInfoMixin<BlendsPass> {
 public:
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&);
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_BLENDS_HPP_
