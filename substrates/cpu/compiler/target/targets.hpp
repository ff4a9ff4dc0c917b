// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The processors that code can be made for, a choice of whoever links the compiler.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TARGETS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TARGETS_HPP_

namespace sokr::cpu {

// Makes LLVM's code generators known: all (all_targets.cpp), or this machine's own where
// native_target.cpp is linked in its place. Not at once by several threads.
void initialise_targets();

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_TARGET_TARGETS_HPP_
