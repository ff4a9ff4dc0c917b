// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <unordered_map>

#include "compiler/program/calls.hpp"
#include "compiler/program/program.hpp"
#include "compiler/program/support.hpp"
#include "compiler/program/unreached.hpp"

namespace sokr::cpu {
namespace {

using IdMap = std::unordered_map<Id, Id>;

Id mapped(const IdMap& map, Id id) {
  auto it = map.find(id);
  return it == map.end() ? id : it->second;
}

Inst make_store(Id pointer, Id value) {
  Inst inst;
  inst.op = spv::Op::OpStore;
  inst.args = {pointer, value};
  return inst;
}

// What one inlined instance of a function needs while its blocks are made.
struct Instance {
  const spirv::Function& function;
  IdMap map;
  std::vector<std::uint32_t> first, last;  // by block of the model
  struct Fixup {
    std::uint32_t block;
    std::vector<spirv::BlockIndex> targets;
  };
  std::vector<Fixup> fixups;
  std::vector<Incoming> returns;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> phi_blocks;  // model block, block
};

class Lowerer {
 public:
  Lowerer(const spirv::Module& module, const spirv::EntryPoint& entry, const CallPlan& plan)
      : module_(module), entry_(entry), plan_(plan) {
    program_.module = &module;
    program_.entry = &entry;
  }

  Result<Program> run() {
    const spirv::Function* function = module_.function(entry_.function);
    if (!function)
      return fail(SOKR_INVALID_IR, "entry point {} names a function that does not exist",
                  entry_.name);
    add_globals();
    SOKR_TRY(inline_function(*function, {}, 0, nullptr));
    return finish();
  }

  // A function of its own: takes its parameters apart, runs, and puts its results together.
  Result<Program> run(Id id) {
    const spirv::Function& function = *module_.function(id);
    const Signature& signature = *plan_.signature(id);
    program_.is_shared = true;
    new_block();
    std::vector<Inst> inputs, outputs;
    std::vector<Id> variables;  // to give back
    IdMap parameters;
    std::uint32_t number = 0;
    const auto add_input = [&](Id variable) {
      Inst inst;
      inst.op = kParameter;
      inst.type = signature.inputs[number];
      inst.id = fresh(inst.type);
      inst.args = {number++};
      inputs.push_back(inst);
      if (!variable) return inst.id;
      inputs.push_back(make_store(variable, inst.id));
      variables.push_back(variable);
      return variable;
    };
    for (std::size_t i = 0; i < function.parameters.size(); ++i) {
      const auto& parameter = function.parameters[i];
      Id variable = 0;
      if (signature.is_by_copy[i]) {
        variable = fresh(parameter.type);
        program_.variables.push_back({variable, signature.inputs[i], 0, parameter.id});
      }
      parameters[parameter.id] = add_input(variable);
    }
    for (Id global : signature.globals) {
      const spirv::Variable* variable = module_.variable(global);
      program_.variables.push_back({global, variable->pointee, 0, variable->id});
      add_input(global);
    }
    program_.blocks[0].exit = Exit::kJump;
    program_.blocks[0].targets = {1};
    std::vector<Incoming> returned;
    SOKR_TRY(inline_function(function, std::move(parameters), 1, &returned));
    program_.blocks[0].body.insert(program_.blocks[0].body.begin(), inputs.begin(), inputs.end());
    const auto end = static_cast<std::uint32_t>(program_.blocks.size()) - 1;
    Inst give;
    give.op = kReturn;
    if (signature.outputs.size() > variables.size()) {
      give.args.push_back(fresh(function.return_type));
      program_.blocks[end].phis.push_back({give.args[0], function.return_type, returned, 0});
    }
    for (Id variable : variables) {
      Inst load;
      load.op = spv::Op::OpLoad;
      load.type = signature.outputs[give.args.size()];
      load.id = fresh(load.type);
      load.args = {variable};
      program_.blocks[end].body.push_back(load);
      give.args.push_back(load.id);
    }
    program_.blocks[end].body.push_back(give);
    const std::uint32_t last = new_block();
    program_.blocks[end].exit = Exit::kJump;
    program_.blocks[end].targets = {last};
    Construct whole;
    whole.end = whole.merge = last;
    program_.constructs.push_back(whole);
    return finish();
  }

 private:
  Program finish() {
    program_.blocks.back().exit = Exit::kEnd;
    nest_constructs(program_);
    remove_unreached(program_);
    std::ranges::sort(program_.variables, {}, &PrivateVariable::id);
    index_definitions(program_);
    link_predecessors(program_);
    drop_ways_not_taken(program_);
    return std::move(program_);
  }

  Id fresh(Id type) {
    program_.definitions.push_back({type, kNone, -1});
    return module_.bound() + static_cast<Id>(program_.definitions.size()) - 1;
  }

  std::uint32_t new_block() {
    program_.blocks.emplace_back();
    return static_cast<std::uint32_t>(program_.blocks.size()) - 1;
  }

  void add_globals() {
    for (Id id : entry_.globals) {
      const spirv::Variable* variable = module_.variable(id);
      if (!variable || variable->storage != spv::StorageClass::Private) continue;
      program_.variables.push_back({id, variable->pointee, variable->initializer, variable->id});
      if (variable->initializer) prologue_.push_back(make_store(id, variable->initializer));
    }
  }

  void assign_ids(Instance& instance) {
    for (const auto& variable : instance.function.variables) {
      Id id = fresh(variable.type);
      instance.map[variable.id] = id;
      const spirv::Type* pointer = module_.type(variable.type);
      Id initializer = variable.args.size() > 1 ? variable.args[1] : 0;
      program_.variables.push_back({id, pointer ? pointer->element : 0, initializer, variable.id});
    }
    for (const auto& block : instance.function.blocks) {
      for (const auto& phi : block.phis) instance.map[phi.id] = fresh(phi.type);
      for (const auto& inst : block.body)
        if (inst.id) instance.map[inst.id] = fresh(inst.type);
    }
  }

  // Appends the function's blocks and one block more where all returns meet. `result`
  // receives the returned values.
  Result<void> inline_function(const spirv::Function& function, IdMap parameters,
                               std::uint32_t depth, std::vector<Incoming>* result) {
    if (depth > kMaxCallDepth)
      return fail(SOKR_CAPABILITY_DENIED, "calls nest deeper than {} at function {}", kMaxCallDepth,
                  module_.describe(function.id));
    if (function.blocks.empty())
      return fail(SOKR_INVALID_IR, "function {} has no body", module_.describe(function.id));
    Instance instance{function, std::move(parameters), {}, {}, {}, {}, {}};
    assign_ids(instance);
    auto count = static_cast<std::uint32_t>(function.blocks.size());
    instance.first.resize(count + 1);
    instance.last.resize(count + 1);
    auto begin = static_cast<std::uint32_t>(program_.blocks.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      SOKR_TRY(lower_block(instance, i, depth));
      if (program_.blocks.size() > kMaxBlocks)
        return fail(SOKR_CAPABILITY_DENIED,
                    "the kernel has more than {} blocks when its calls are inlined", kMaxBlocks);
    }
    std::uint32_t end = new_block();
    instance.first[count] = instance.last[count] = end;
    patch(instance, end);
    add_constructs(instance, begin, end);
    if (result) *result = std::move(instance.returns);
    return {};
  }

  Result<void> lower_block(Instance& instance, std::uint32_t index, std::uint32_t depth) {
    const spirv::Block& source = instance.function.blocks[index];
    std::uint32_t at = new_block();
    instance.first[index] = at;
    instance.phi_blocks.push_back({index, at});
    if (index == 0) add_initializers(instance, at);
    for (const auto& inst : source.body) {
      if (inst.op == spv::Op::OpFunctionCall) {
        SOKR_TRY(lower_call(instance, inst, at, depth));
      } else if (inst.op == spv::Op::OpControlBarrier) {
        lower_barrier(instance, inst, at);
      } else if (is_copied_pointer(inst)) {
        instance.map[inst.id] = mapped(instance.map, inst.args[0]);
      } else if (!is_ignored(inst)) {
        append(instance, inst, at);
      }
    }
    instance.last[index] = at;
    return lower_exit(instance, source, at);
  }

  void add_initializers(Instance& instance, std::uint32_t at) {
    auto& body = program_.blocks[at].body;
    if (at == 0) body = prologue_;
    for (const auto& variable : instance.function.variables)
      if (variable.args.size() > 1)
        body.push_back(make_store(instance.map[variable.id], variable.args[1]));
  }

  // The copy is the pointer itself: one to private memory is no value that could be copied. So is a
  // chain of no steps.
  bool is_copied_pointer(const spirv::Instruction& inst) const {
    if (inst.op == spv::Op::OpAccessChain || inst.op == spv::Op::OpInBoundsAccessChain)
      return inst.args.size() == 1;
    const spirv::Type* type = inst.op == spv::Op::OpCopyObject ? module_.type(inst.type) : nullptr;
    return type && type->kind == spirv::TypeKind::kPointer;
  }

  bool is_ignored(const spirv::Instruction& inst) const {
    if (inst.op == spv::Op::OpNop || inst.op == spv::Op::OpLine || inst.op == spv::Op::OpNoLine)
      return true;
    return inst.op == spv::Op::OpExtInst && !inst.args.empty() &&
           module_.instruction_set(inst.args[0]) == spirv::InstructionSet::kNonSemantic;
  }

  void append(Instance& instance, const spirv::Instruction& inst, std::uint32_t at) {
    Inst out;
    out.op = inst.op;
    out.type = inst.type;
    out.id = inst.id ? mapped(instance.map, inst.id) : 0;
    out.origin = inst.id;
    out.args.assign(inst.args.begin(), inst.args.end());
    for (std::size_t i = 0; i < out.args.size(); ++i)
      if (operand_is_value(out.op, i, inst.args)) out.args[i] = mapped(instance.map, out.args[i]);
    if (const spv::Op scoped = with_scope(inst.op); scoped != spv::Op::OpNop) {
      out.op = scoped;
      out.args.insert(out.args.begin(), 0);  // the subgroup, as the instruction itself says
    }
    if (is_group_operation(out.op)) program_.uses_subgroups = true;
    program_.blocks[at].body.push_back(std::move(out));
  }

  // Invocations of a subgroup move together anyway: only wider barriers divide.
  void lower_barrier(Instance& instance, const spirv::Instruction& inst, std::uint32_t& at) {
    append(instance, inst, at);
    const spirv::Constant* scope = module_.constant(inst.args[0]);
    if (scope && scope->bits == static_cast<std::uint64_t>(spv::Scope::Subgroup)) {
      program_.uses_subgroups = true;
      return;
    }
    program_.has_barrier = true;
    std::uint32_t next = new_block();
    program_.blocks[at].barrier_after = true;
    program_.blocks[at].exit = Exit::kJump;
    program_.blocks[at].targets = {next};
    at = next;
  }

  Result<void> lower_call(Instance& instance, const spirv::Instruction& inst, std::uint32_t& at,
                          std::uint32_t depth) {
    const spirv::Function* callee = inst.args.empty() ? nullptr : module_.function(inst.args[0]);
    if (!callee || callee->parameters.size() + 1 != inst.args.size())
      return fail(SOKR_INVALID_IR, "call {} does not name a function with its parameters",
                  module_.describe(inst.id));
    if (const Signature* signature = plan_.signature(callee->id)) {
      lower_shared_call(instance, inst, at, *signature);
      return {};
    }
    IdMap parameters;
    for (std::size_t i = 0; i < callee->parameters.size(); ++i)
      parameters[callee->parameters[i].id] = mapped(instance.map, inst.args[i + 1]);
    auto entry = static_cast<std::uint32_t>(program_.blocks.size());
    program_.blocks[at].exit = Exit::kJump;
    program_.blocks[at].targets = {entry};
    std::vector<Incoming> returned;
    SOKR_TRY(inline_function(*callee, std::move(parameters), depth + 1, &returned));
    at = static_cast<std::uint32_t>(program_.blocks.size()) - 1;
    const spirv::Type* type = module_.type(inst.type);
    if (type && type->kind != spirv::TypeKind::kVoid)
      program_.blocks[at].phis.push_back(
          {mapped(instance.map, inst.id), inst.type, std::move(returned), inst.id});
    return {};
  }

  // Values go in and come back.
  void lower_shared_call(Instance& instance, const spirv::Instruction& inst, std::uint32_t at,
                         const Signature& signature) {
    program_.has_calls = true;
    auto& body = program_.blocks[at].body;
    Inst call;
    call.op = kCall;
    call.args = {inst.args[0]};
    std::vector<Id> places;  // where what comes back goes
    const auto pass = [&](Id value, bool by_copy) {
      if (by_copy) {
        places.push_back(value);
        Inst load;
        load.op = spv::Op::OpLoad;
        load.type = signature.inputs[call.args.size() - 1];
        load.id = fresh(load.type);
        load.args = {value};
        body.push_back(load);
        value = load.id;
      }
      call.args.push_back(value);
    };
    for (std::size_t i = 0; i + 1 < inst.args.size(); ++i)
      pass(mapped(instance.map, inst.args[i + 1]), signature.is_by_copy[i]);
    for (Id global : signature.globals) pass(global, true);
    body.push_back(call);
    const std::size_t own = signature.outputs.size() - places.size();
    std::vector<Inst> stores;
    for (std::uint32_t i = 0; i < signature.outputs.size(); ++i) {
      Inst result;
      result.op = kCallResult;
      result.type = signature.outputs[i];
      result.id = i < own ? mapped(instance.map, inst.id) : fresh(result.type);
      result.args = {i};
      body.push_back(result);
      if (i >= own) stores.push_back(make_store(places[i - own], result.id));
    }
    body.insert(body.end(), stores.begin(), stores.end());
  }

  Result<void> lower_exit(Instance& instance, const spirv::Block& source, std::uint32_t at) {
    const spirv::Instruction& end = source.terminator;
    Block& block = program_.blocks[at];
    auto target = [&](Id label) { return instance.function.block_of(label); };
    switch (end.op) {
      case spv::Op::OpBranch:
        block.exit = Exit::kJump;
        instance.fixups.push_back({at, {target(end.args[0])}});
        return {};
      case spv::Op::OpBranchConditional:
        block.exit = Exit::kBranch;
        block.condition = mapped(instance.map, end.args[0]);
        instance.fixups.push_back({at, {target(end.args[1]), target(end.args[2])}});
        return {};
      case spv::Op::OpSwitch:
        lower_switch(instance, source, at);
        return {};
      case spv::Op::OpReturn:
        block.exit = Exit::kJump;
        instance.returns.push_back({0, at});
        return {};
      case spv::Op::OpReturnValue:
        block.exit = Exit::kJump;
        instance.returns.push_back({mapped(instance.map, end.args[0]), at});
        return {};
      case spv::Op::OpUnreachable:
        block.exit = Exit::kEnd;
        return {};
      default:
        return fail(SOKR_DISPATCH_FAILED, "{} ends a block, which `check` ought to have refused",
                    spirv::op_name(end.op));
    }
  }

  void lower_switch(Instance& instance, const spirv::Block& source, std::uint32_t at) {
    spirv::SwitchTargets targets = module_.switch_targets(instance.function, source);
    Block& block = program_.blocks[at];
    block.exit = Exit::kSwitch;
    block.condition = mapped(instance.map, targets.selector);
    Instance::Fixup fixup{at, {targets.default_target}};
    for (const auto& one : targets.cases) {
      block.cases.push_back({one.literal, 0});
      fixup.targets.push_back(one.target);
    }
    instance.fixups.push_back(std::move(fixup));
  }

  void patch(Instance& instance, std::uint32_t end) {
    for (const auto& fixup : instance.fixups) {
      Block& block = program_.blocks[fixup.block];
      auto resolve = [&](spirv::BlockIndex target) {
        return target < instance.first.size() ? instance.first[target] : end;
      };
      if (block.exit != Exit::kSwitch) {
        for (auto target : fixup.targets) block.targets.push_back(resolve(target));
        if (block.exit == Exit::kBranch && block.targets[0] == block.targets[1]) {
          block.exit = Exit::kJump;
          block.targets.pop_back();
        }
        continue;
      }
      block.targets = {resolve(fixup.targets[0])};
      for (std::size_t i = 0; i < block.cases.size(); ++i)
        block.cases[i].target = resolve(fixup.targets[i + 1]);
      std::erase_if(block.cases, [&](const Case& c) { return c.target == block.targets[0]; });
      if (block.cases.empty()) block.exit = Exit::kJump;
    }
    for (const auto& incoming : instance.returns) program_.blocks[incoming.block].targets = {end};
    for (auto [model, at] : instance.phi_blocks)
      for (const auto& phi : instance.function.blocks[model].phis) add_phi(instance, phi, at);
  }

  void add_phi(Instance& instance, const spirv::Instruction& phi, std::uint32_t at) {
    Phi out{instance.map[phi.id], phi.type, {}, phi.id};
    for (std::size_t i = 0; i + 1 < phi.args.size(); i += 2) {
      spirv::BlockIndex from = instance.function.block_of(phi.args[i + 1]);
      if (from < instance.last.size())
        out.incoming.push_back({mapped(instance.map, phi.args[i]), instance.last[from]});
    }
    program_.blocks[at].phis.push_back(std::move(out));
  }

  void add_constructs(const Instance& instance, std::uint32_t begin, std::uint32_t end) {
    auto first = [&](spirv::BlockIndex i) {
      return i < instance.first.size() ? instance.first[i] : end;
    };
    Construct whole;
    whole.begin = whole.header = begin;
    whole.end = whole.merge = end;
    program_.constructs.push_back(whole);
    for (const auto& source : instance.function.constructs) {
      Construct out;
      if (source.kind == spirv::ConstructKind::kSelection) {
        out.kind = ConstructKind::kSelection;
      } else if (source.kind == spirv::ConstructKind::kSwitch) {
        out.kind = ConstructKind::kSwitch;
      } else if (source.kind == spirv::ConstructKind::kLoop) {
        out.kind = ConstructKind::kLoop;
      } else {
        continue;
      }
      // A selection starts with the branch, a loop with the phis of its header.
      bool loop = out.kind == ConstructKind::kLoop;
      out.header = out.begin = loop ? first(source.header) : instance.last[source.header];
      out.end = first(source.end);
      out.merge = first(source.merge);
      if (loop) out.continue_target = first(source.continue_target);
      program_.constructs.push_back(out);
    }
  }

  const spirv::Module& module_;
  const spirv::EntryPoint& entry_;
  const CallPlan& plan_;
  Program program_;
  std::vector<Inst> prologue_;
};

}  // namespace

namespace {

void set_place(Program& program, Id id, std::uint32_t block, std::int32_t index) {
  const Id bound = program.module->bound();
  if (id < bound) return;
  Definition& d = program.definitions[id - bound];
  d.block = block;
  d.index = index;
}

}  // namespace

void forget_definition(Program& program, Id id) {
  set_place(program, id, kNone, -1);
}

void index_body(Program& program, std::uint32_t block, std::size_t first) {
  const std::vector<Inst>& body = program.blocks[block].body;
  for (std::size_t i = first; i < body.size(); ++i)
    if (body[i].id) set_place(program, body[i].id, block, static_cast<std::int32_t>(i));
}

void index_definitions(Program& program) {
  for (Definition& d : program.definitions) {
    d.block = kNone;
    d.index = -1;
  }
  for (std::uint32_t b = 0; b < program.blocks.size(); ++b) {
    const std::vector<Phi>& phis = program.blocks[b].phis;
    for (std::size_t i = 0; i < phis.size(); ++i)
      set_place(program, phis[i].id, b, -1 - static_cast<std::int32_t>(i));
    index_body(program, b, 0);
  }
}

// What nothing reaches is no predecessor.
void link_predecessors(Program& program) {
  const std::vector<Reach> reach = reach_of_blocks(program);
  for (auto& block : program.blocks) block.predecessors.clear();
  for (std::uint32_t b = 0; b < program.blocks.size(); ++b) {
    auto link = [&](std::uint32_t target) {
      if (!is_way(reach, b, target)) return;
      auto& list = program.blocks[target].predecessors;
      if (list.empty() || list.back() != b) list.push_back(b);
    };
    for (auto target : program.blocks[b].targets) link(target);
    for (const auto& one : program.blocks[b].cases) link(one.target);
  }
}

Result<Program> lower(const spirv::Module& module, const spirv::EntryPoint& entry,
                      const CallPlan& plan, Id shared_function) {
  Lowerer lowerer(module, entry, plan);
  return shared_function ? lowerer.run(shared_function) : lowerer.run();
}

}  // namespace sokr::cpu
