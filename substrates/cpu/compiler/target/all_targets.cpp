// SPDX-License-Identifier: MIT OR Apache-2.0
#include <llvm/Support/TargetSelect.h>

#include "compiler/target/targets.hpp"

namespace sokr::cpu {

void initialise_targets() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
}

}  // namespace sokr::cpu
