// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Halves are compared, chosen and rounded as floats, or as their bits.
//
// LLVM narrows what is done to widened halves: `half(min(float(a), float(b)))` becomes a comparison
// and a selection of halves. Of those its code generator makes a minimum of halves, and where the
// processor has none, a call of fminf, which a kernel cannot reach.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_HALVES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_HALVES_HPP_

#include <llvm/IR/PassManager.h>

namespace llvm {
class TargetMachine;
}

namespace sokr::cpu {

// Runs behind all other passes, which would narrow again. Changes no result, and nothing where
// the processor computes with halves.
class HalvesPass : public llvm::PassInfoMixin<HalvesPass> {
 public:
  explicit HalvesPass(llvm::TargetMachine& machine) : machine_(&machine) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);

 private:
  llvm::TargetMachine* machine_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_HALVES_HPP_
