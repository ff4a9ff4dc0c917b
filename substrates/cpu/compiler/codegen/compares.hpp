// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Comparisons of floats under a rounding mode (llvm.experimental.constrained.fcmp), of more than a
// register holds. LLVM 18 ends the process at them: it knows how to split what they give, and not
// what they compare. They are split here.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_COMPARES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_COMPARES_HPP_

#include <llvm/IR/PassManager.h>

#include <cstdint>

namespace sokr::cpu {

class ComparesPass : public llvm::PassInfoMixin<ComparesPass> {
 public:
  explicit ComparesPass(std::uint32_t vector_bits) : vector_bits_(vector_bits) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager&);

 private:
  std::uint32_t vector_bits_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_COMPARES_HPP_
