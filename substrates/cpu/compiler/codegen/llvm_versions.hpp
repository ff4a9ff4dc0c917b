// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Where the versions of LLVM that the compiler is built with differ, 18 to 22.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_LLVM_VERSIONS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_LLVM_VERSIONS_HPP_
#include <llvm/ADT/StringMap.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>

#include <string>
#include <utility>

namespace sokr::cpu {

// A machine whose passes can be put together one by one.
#if LLVM_VERSION_MAJOR >= 20
using CodegenMachine = llvm::TargetMachine;
#else
using CodegenMachine = llvm::LLVMTargetMachine;
#endif

// The pass that computes once what machine code computes twice.
inline llvm::AnalysisID machine_cse() {
#if LLVM_VERSION_MAJOR >= 20
  return &llvm::MachineCSELegacyID;
#else
  return &llvm::MachineCSEID;
#endif
}

// The pass that moves instructions to where what they make is used.
inline llvm::AnalysisID machine_sinking() {
#if LLVM_VERSION_MAJOR >= 21
  return &llvm::MachineSinkingLegacyID;
#else
  return &llvm::MachineSinkingID;
#endif
}

// What modules and machines are told their target with.
#if LLVM_VERSION_MAJOR >= 21
inline llvm::Triple as_triple(const std::string& name) {
  return llvm::Triple(name);
}
#else
inline const std::string& as_triple(const std::string& name) {
  return name;
}
#endif

inline llvm::StringMap<bool> read_host_features() {
#if LLVM_VERSION_MAJOR >= 19
  return llvm::sys::getHostCPUFeatures();
#else
  llvm::StringMap<bool> features;
  llvm::sys::getHostCPUFeatures(features);
  return features;
#endif
}

// Must comparisons under a rounding mode be split for it: see compares.hpp.
inline constexpr bool kSplitsCompares = LLVM_VERSION_MAJOR < 19;

// For a branch whose condition hardly ever fails; LLVM 19 has a name for it.
inline llvm::MDNode* likely_weights(llvm::LLVMContext& context) {
  return llvm::MDBuilder(context).createBranchWeights((1U << 20) - 1, 1);
}

// Loop passes as one of a function's, with MemorySSA at hand or without.
inline llvm::FunctionToLoopPassAdaptor over_loops(llvm::LoopPassManager&& passes, bool memory_ssa) {
#if LLVM_VERSION_MAJOR >= 22
  return llvm::createFunctionToLoopPassAdaptor(std::move(passes), memory_ssa);
#else
  return llvm::createFunctionToLoopPassAdaptor(std::move(passes), memory_ssa, false);
#endif
}

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_LLVM_VERSIONS_HPP_
