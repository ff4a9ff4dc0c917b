// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From LLVM IR to an object file: the target machine, the optimisation pipeline.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CODEGEN_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CODEGEN_HPP_

#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <sokr/cpu/compiler.hpp>
#include <string>

#include "compiler/target/llvm_pch.hpp"
#include "compiler/target/traits.hpp"

namespace sokr::cpu {

// Of this machine's processor, if it has the instruction set; else of any that has it.
TargetTraits traits_of(Isa isa);

// The processor model and features that code for this instruction set is made for: the
// host's own where it has it.
struct CpuModel {
  std::string triple, cpu, features;
};
CpuModel model_of(Isa isa);
// The least that has it.
CpuModel least_model_of(Isa isa);

// A target machine for one compilation at a time, kept for the next one afterwards.
struct GiveBack {
  Isa isa;
  Effort effort;
  void operator()(llvm::TargetMachine* machine) const;
};
using BorrowedMachine = std::unique_ptr<llvm::TargetMachine, GiveBack>;
Result<BorrowedMachine> borrow_machine(Isa isa, Effort effort);
// For code that all processors with the instruction set run, a section for each function.
Result<std::unique_ptr<llvm::TargetMachine>> make_least_machine(Isa isa);
// `scalar_mode`: the code is for one invocation after the other.
void optimise(llvm::Module& module, llvm::TargetMachine& machine, const CompileOptions& options,
              bool scalar_mode);
// For the instruction set that the machine was made for.
Result<llvm::SmallVector<char, 0>> emit_object(llvm::Module& module, llvm::TargetMachine& machine,
                                               Isa isa);
Result<std::string> emit_assembly(llvm::Module& module, llvm::TargetMachine& machine, Isa isa);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_CODEGEN_HPP_
