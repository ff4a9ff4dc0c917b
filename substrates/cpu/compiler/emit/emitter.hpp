// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From a Program and its Analysis to LLVM IR. One Emitter makes one function: a loop over
// workgroups, in it the passes of the workgroup, in them explicit vector code.
//
// It has a part for each thing that emission does, below first: what is under `builder` makes
// vector code and knows nothing else; `frame` has the function and the values in it; `memory`
// addresses and accesses; `ops` what computes; `control` instructions and control flow. Parts know
// those below them, which the constructors say.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_EMITTER_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_EMITTER_HPP_

#include <string>

#include "compiler/emit/control/split_kernel.hpp"

namespace sokr::cpu {

class Emitter : Room {
 public:
  // `shared`: functions that what is emitted may call, whose scratch memory is [0, scratch).
  Emitter(VectorBuilder& builder, const SharedFunctions* shared = nullptr,
          std::uint64_t scratch = 0);

  Result<void> emit();
  Result<SharedFunction> emit_shared(const std::string& name, const Signature& signature);
  // In place of a kernel: all functions of builtins.hpp, with external linkage.
  void emit_builtins();

  // When one of these is done.
  std::uint64_t scratch_size() const { return frame_.scratch_size(); }
  std::uint32_t binding_count() const { return frame_.binding_count(); }
  std::uint32_t push_size() const { return frame_.push_size(); }

 private:
  bool walks_rows() const;
  void plan();
  void emit_groups();
  void emit_run(LlvmValue* first, LlvmValue* length, bool one_pass);
  void emit_pass();
  void emit_passes();

  const std::uint64_t shared_scratch_;
  Frame frame_;
  Invocation invocation_;
  Branches branches_;
  RegionPlan regions_;
  KeptSlots kept_;
  Values values_;
  Passes passes_;

  ConstantTables constant_tables_;
  WorkgroupMemory workgroup_memory_;
  Addresses addresses_;
  Places places_;
  Lanes lanes_;
  Scalars scalars_;
  WideElements elements_;
  Words words_;
  Strides strides_;
  TableRows table_rows_;
  RegisterCache cache_;
  RunAccesses runs_;
  const Strategies strategies_;
  Accesses accesses_;
  PrivateMemory private_memory_;
  Copies copies_;
  LoadsAndStores memory_;
  Atomics atomics_;

  Calls calls_;
  Instructions instructions_;
  Flow flow_;
  SplitKernel split_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_EMITTER_HPP_
