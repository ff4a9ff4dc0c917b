// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/queries.hpp"

namespace sokr::cpu {

std::uint32_t innermost_loop(const Program& program, std::uint32_t block) {
  for (std::uint32_t c = program.blocks[block].construct; c != kNone;
       c = program.constructs[c].parent)
    if (program.constructs[c].kind == ConstructKind::kLoop) return c;
  return kNone;
}

Id look_through(const Program& program, Id id) {
  // Copies of what nothing reaches may go round.
  for (std::size_t left = program.definitions.size(); left > 0; --left) {
    if (const Phi* phi = program.phi(id); phi && phi->incoming.size() == 1) {
      id = phi->incoming[0].value;
    } else if (const Inst* inst = program.inst(id); inst && inst->op == spv::Op::OpCopyObject) {
      id = inst->args[0];
    } else {
      return id;
    }
  }
  return id;
}

Id root_of(const Program& program, Id pointer) {
  for (;;) {
    pointer = look_through(program, pointer);
    const Inst* inst = program.inst(pointer);
    if (!inst) break;
    if (inst->op != spv::Op::OpAccessChain && inst->op != spv::Op::OpInBoundsAccessChain) return 0;
    pointer = inst->args[0];
  }
  if (program.module->variable(pointer) || private_variable(program, pointer)) return pointer;
  return 0;
}

bool keeps_values(const spirv::Module& module, const spirv::Variable& variable,
                  bool assume_no_alias) {
  return module.is_read_only(variable) && !module.is_shared_live(variable) && assume_no_alias &&
         !variable.aliased;
}

bool is_shared_live(const Program& program, const Inst& access) {
  using Mask = spv::MemoryAccessMask;
  const std::vector<std::uint32_t>& args = access.args;
  std::size_t at = access.op == spv::Op::OpLoad ? 1 : 2;
  while (at < args.size()) {  // a copy may have operands for either side
    const auto has = [mask = args[at]](Mask bit) {
      return (mask & static_cast<std::uint32_t>(bit)) != 0;
    };
    ++at;
    if (has(Mask::Volatile)) return true;
    if (has(Mask::Aligned)) ++at;
    for (const Mask bit : {Mask::MakePointerAvailable, Mask::MakePointerVisible}) {
      if (!has(bit)) continue;
      const spirv::Constant* scope = at < args.size() ? program.constant(args[at]) : nullptr;
      ++at;
      const auto number = scope ? static_cast<spv::Scope>(scope->bits) : spv::Scope::CrossDevice;
      if (number != spv::Scope::Workgroup && number != spv::Scope::Subgroup &&
          number != spv::Scope::Invocation)
        return true;
    }
  }
  return false;
}

const PrivateVariable* private_variable(const Program& program, Id id) {
  auto at = std::ranges::lower_bound(program.variables, id, {}, &PrivateVariable::id);
  return at != program.variables.end() && at->id == id ? &*at : nullptr;
}

std::optional<PrivatePlace> private_place(const Program& program, Id pointer) {
  Id root = root_of(program, pointer);
  if (!root) return std::nullopt;
  const PrivateVariable* variable = private_variable(program, root);
  const spirv::Variable* global = program.module->variable(root);
  bool builtin = global && global->builtin;
  if (!variable && !builtin) return std::nullopt;
  std::vector<const Inst*> chain;
  Id at = look_through(program, pointer);
  while (const Inst* inst = program.inst(at)) {
    chain.push_back(inst);
    at = look_through(program, inst->args[0]);
  }
  PrivatePlace place{root, 0};
  Id type = variable ? variable->type : global->pointee;
  for (auto it = chain.rbegin(); it != chain.rend(); ++it)
    for (std::size_t i = 1; i < (*it)->args.size(); ++i) {
      const spirv::Constant* index = program.constant((*it)->args[i]);
      const spirv::Type* t = program.module->type(type);
      bool inside = index && t && index->bits < (t->members.empty() ? t->count : t->members.size());
      if (inside && place.leaf)
        *place.leaf += leaf_offset(*program.module, type, static_cast<std::uint32_t>(index->bits));
      else
        place.leaf.reset();
      type =
          element_type(*program.module, type, inside ? static_cast<std::uint32_t>(index->bits) : 0);
    }
  return place;
}

}  // namespace sokr::cpu
