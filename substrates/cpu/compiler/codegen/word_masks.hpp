// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Masks as words. Where masks have no registers of their own, a comparison of words makes words,
// and choices and masked accesses take words. LLVM 19 makes half-words of what is computed of masks
// between them, or comes from another block, whenever those fit into 128 bits and words do not:
// three instructions for each way there and two for each way back.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_WORD_MASKS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_WORD_MASKS_HPP_

#include <llvm/IR/PassManager.h>

namespace sokr::cpu {

class WordMasksPass : public llvm::PassInfoMixin<WordMasksPass> {
 public:
  // Of masks of that many lanes.
  explicit WordMasksPass(unsigned lanes) : lanes_(lanes) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);

 private:
  unsigned lanes_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_WORD_MASKS_HPP_
