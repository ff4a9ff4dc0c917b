// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loops whose counter advances by what is known only at run time, mostly the number of all
// invocations (a grid-stride loop): each workgroup reads a little here and a little far away.
// Hardware fetches along memory and gives up at each such step, so the loop asks for what its later
// rounds will read.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_PREFETCH_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_PREFETCH_HPP_

#include <llvm/IR/PassManager.h>

namespace sokr::cpu {

class PrefetchPass : public llvm::PassInfoMixin<PrefetchPass> {
 public:
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_PREFETCH_HPP_
