// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Emission makes each operation for all chunks of registers before the next operation. Where that
// holds more masks or vectors than there are registers, one chunk's work comes before the next
// one's instead.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_DEPTH_FIRST_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_DEPTH_FIRST_HPP_

#include <llvm/IR/PassManager.h>

#include "compiler/target/traits.hpp"

namespace sokr::cpu {

class DepthFirstPass : public llvm::PassInfoMixin<DepthFirstPass> {
 public:
  explicit DepthFirstPass(const TargetTraits& target) : target_(target) {}
  llvm::PreservedAnalyses run(llvm::Function& function, llvm::FunctionAnalysisManager& analyses);

 private:
  const TargetTraits& target_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_DEPTH_FIRST_HPP_
