// SPDX-License-Identifier: MIT OR Apache-2.0
//
// For the library that the runtime opens. It stands before all_targets.cpp among what is linked, so
// that the other processors' code generator, a quarter of the library, is left out: opening it
// would cost each first dispatch a millisecond.
#include <llvm/Support/TargetSelect.h>

#include "compiler/target/targets.hpp"

namespace sokr::cpu {

void initialise_targets() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
}

}  // namespace sokr::cpu
