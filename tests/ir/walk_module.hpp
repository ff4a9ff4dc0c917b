// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Touches everything that a decoded module offers, as its readers do: under the
// sanitizers, whatever decode() let through must not hurt.
#ifndef SOKR_TESTS_IR_WALK_MODULE_HPP_
#define SOKR_TESTS_IR_WALK_MODULE_HPP_

#include <sokr/spirv/reflection.hpp>

namespace sokr::spirv {

inline std::uint64_t walk_instruction(const Module& module, const Instruction& instruction) {
  std::uint64_t sum = module.type_of(instruction.id) + module.decorations(instruction.id).alignment;
  sum += op_name(instruction.op).size() + instruction.word;
  for (const std::uint32_t word : instruction.args) sum += word + module.type_of(word);
  return sum;
}

inline std::uint64_t walk_function(const Module& module, const Function& function) {
  std::uint64_t sum = function.parameters.size() + function.callees.size();
  for (const Id id : function.globals) sum += module.variable(id)->pointee;
  for (const Id id : function.callees) sum += module.function(id)->blocks.size();
  for (const Instruction& variable : function.variables) {
    sum +=
        walk_instruction(module, variable) + module.type(module.type(variable.type)->element)->id;
  }
  for (const Block& block : function.blocks) {
    for (const Instruction& phi : block.phis) {
      sum += walk_instruction(module, phi);
      for (std::size_t i = 0; i + 1 < phi.args.size(); i += 2)
        sum += function.block_of(phi.args[i + 1]);
    }
    for (const Instruction& instruction : block.body) sum += walk_instruction(module, instruction);
    sum += walk_instruction(module, block.terminator);
    for (const BlockIndex next : block.successors) sum += function.blocks.at(next).label;
    if (block.merge != kNone) sum += function.blocks.at(block.merge).label;
    if (block.continue_target != kNone) sum += function.blocks.at(block.continue_target).label;
    sum += function.constructs.at(block.construct).end;
    const SwitchTargets targets = module.switch_targets(function, block);
    if (targets.default_target != kNone) sum += function.blocks.at(targets.default_target).label;
    for (const SwitchCase& one : targets.cases) sum += function.blocks.at(one.target).label;
  }
  return sum;
}

inline std::uint64_t walk_module(const Module& module) {
  std::uint64_t sum = module.words().size();
  for (Id id = 0; id < module.bound(); ++id) {
    sum += module.describe(id).size() + module.component_count(id) + module.scalar_type(id).width;
    sum += module.explicit_size(id) + module.explicit_size(id, {16, true});
    sum += module.natural_layout(id).size + module.runtime_array_stride(id);
    if (const Type* type = module.type(id)) {
      for (const Member& member : type->members) sum += module.type(member.type)->id;
      if (type->kind == TypeKind::kPointer) sum += module.type(type->element)->id;
    }
  }
  for (const Constant& constant : module.constants()) {
    sum += constant.bits + module.type(constant.type)->id;
    for (const Id part : constant.parts) sum += module.constant(part)->type;
  }
  for (const Variable& variable : module.variables()) sum += module.type(variable.pointee)->id;
  for (const Function& function : module.functions()) sum += walk_function(module, function);
  for (const EntryPoint& entry : module.entry_points()) {
    sum += (*module.entry_point(entry.name))->local_size[0] + module.function(entry.function)->type;
  }
  const ir::Reflection reflection = reflect(module);
  for (const ir::EntryReflection& entry : reflection.entry_points) sum += entry.bindings.size();
  return sum + reflection.spec_constants.size();
}

}  // namespace sokr::spirv

#endif  // SOKR_TESTS_IR_WALK_MODULE_HPP_
