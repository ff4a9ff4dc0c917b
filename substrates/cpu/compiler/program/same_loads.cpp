// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loads of one place of memory that keeps its values are one load: rounds of a loop that was copied
// read the same elements of a vector again, once for each row of a matrix. LLVM sees that only of
// what is a single instruction; what is a test and a load of each lane with transposes is made, and
// paid for, once for each. A value that lives longer costs a load of a register from the stack at
// most. Only within a block, where the first load is certainly made before the others.
#include <map>
#include <unordered_map>
#include <vector>

#include "compiler/program/numbering.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/queries.hpp"

namespace sokr::cpu {

namespace {

// The memory that a load reads: what keeps its values, by a load without conditions of its own.
bool reads_fixed(const Program& program, const Inst& inst, bool assume_no_alias) {
  if (inst.op != spv::Op::OpLoad || !inst.id) return false;
  if (is_shared_live(program, inst)) return false;
  const spirv::Variable* variable = program.module->variable(root_of(program, inst.args[0]));
  return variable && variable->storage != spv::StorageClass::PushConstant &&
         keeps_values(*program.module, *variable, assume_no_alias);
}

}  // namespace

void join_same_loads(Program& program, bool assume_no_alias) {
  Numbering numbers(program);
  std::unordered_map<Id, Id> same;
  for (const Block& block : program.blocks) {
    std::map<std::pair<std::uint32_t, Id>, Id> first;  // by the pointer's number and the type
    for (const Inst& inst : block.body) {
      if (!reads_fixed(program, inst, assume_no_alias)) continue;
      const auto [at, fresh] =
          first.try_emplace({numbers.number_of(inst.args[0]), inst.type}, inst.id);
      if (!fresh) same[inst.id] = at->second;
    }
  }
  if (same.empty()) return;
  for (Block& block : program.blocks)
    std::erase_if(block.body, [&](const Inst& inst) { return same.contains(inst.id); });
  for (const auto& [gone, kept] : same) forget_definition(program, gone);
  replace_values(program, same);
  index_definitions(program);
}

}  // namespace sokr::cpu
