// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Variables in Workgroup memory: scratch memory of the thread, which runs one workgroup at a time.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WORKGROUP_MEMORY_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WORKGROUP_MEMORY_HPP_

#include <unordered_map>

#include "compiler/emit/frame/branches.hpp"
#include "compiler/emit/frame/frame.hpp"
#include "compiler/program/memory_layout.hpp"

namespace sokr::cpu {

class WorkgroupMemory : Room {
 public:
  WorkgroupMemory(VectorBuilder& builder, Frame& frame, Branches& branches)
      : Room(builder), frame_(frame), branches_(branches) {}

  void place_workgroup_variables();
  bool is_used() const { return !variables_.empty(); }
  std::uint64_t size_of(Id variable) const { return variables_.at(variable).size; }
  LlvmValue* base_of(Id variable);  // where the function begins; 64 bytes aligned
  Placed workgroup_place(Id type) const { return {type, {}, 0, !p_.entry->explicit_workgroup}; }

  // Where a workgroup begins: writes the zeros that initializers ask for. Opens blocks.
  void zero_workgroup_memory();

 private:
  struct Extent {
    std::uint64_t offset = 0, size = 0;  // in scratch memory
  };

  Frame& frame_;
  Branches& branches_;
  std::unordered_map<Id, Extent> variables_;
  std::unordered_map<Id, llvm::Instruction*> bases_;
  std::uint64_t block_size_ = 0, block_offset_ = 0;  // of variables that share one memory
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_WORKGROUP_MEMORY_HPP_
