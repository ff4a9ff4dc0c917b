// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Arrays of constants in memory, for those that are indexed by values.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_CONSTANT_TABLES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_CONSTANT_TABLES_HPP_

#include <unordered_map>

#include "compiler/emit/frame/frame.hpp"
#include "compiler/emit/memory/address.hpp"

namespace sokr::cpu {

class ConstantTables : Room {
 public:
  ConstantTables(VectorBuilder& builder, Frame& frame) : Room(builder), frame_(frame) {}

  // Of the memory that holds the constant, which is of this type.
  Address table_address(Id constant, Id type);

 private:
  LlvmValue* table_memory(Id constant, Id type);

  Frame& frame_;
  std::unordered_map<Id, LlvmValue*> memory_;  // by constant
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_MEMORY_CONSTANT_TABLES_HPP_
