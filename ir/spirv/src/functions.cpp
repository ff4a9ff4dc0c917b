// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>

#include "decoder.hpp"
#include "dominance.hpp"
#include "grammar.hpp"

namespace sokr::spirv {
namespace {

bool is_terminator(spv::Op op) {
  switch (op) {
    case spv::Op::OpBranch:
    case spv::Op::OpBranchConditional:
    case spv::Op::OpSwitch:
    case spv::Op::OpKill:
    case spv::Op::OpReturn:
    case spv::Op::OpReturnValue:
    case spv::Op::OpUnreachable:
    case spv::Op::OpTerminateInvocation:
    case spv::Op::OpIgnoreIntersectionKHR:
    case spv::Op::OpTerminateRayKHR:
    case spv::Op::OpEmitMeshTasksEXT:
      return true;
    default:
      return false;
  }
}

bool is_merge(spv::Op op) {
  return op == spv::Op::OpLoopMerge || op == spv::Op::OpSelectionMerge;
}

}  // namespace

Instruction Decoder::instruction(const RawInstruction& raw) const {
  return {raw.op, result_type(raw), result_id(raw), args(raw), raw.word};
}

Result<void> Decoder::decode_functions() {
  block_of_label_.assign(module_->bound_, kNone);
  seen_in_.assign(module_->bound_, kNone);
  callee_index_.assign(module_->bound_, 0);
  is_structured_ = std::find(module_->capabilities_.begin(), module_->capabilities_.end(),
                             spv::Capability::Kernel) == module_->capabilities_.end();
  for (std::size_t at = first_function_; at < raws_.size();) {
    SOKR_ASSIGN(at, decode_function(at));
  }
  return order_calls();
}

// Returns the index after OpFunctionEnd.
Result<std::size_t> Decoder::decode_function(std::size_t at) {
  Module& m = *module_;
  const RawInstruction& begin = raws_[at];
  if (begin.is_passive) return at + 1;
  if (begin.op != spv::Op::OpFunction) return bad(begin, "it is outside of a function");
  Function function;
  function.id = result_id(begin);
  function.return_type = result_type(begin);
  function.control = args(begin)[0];
  function.type = args(begin)[1];
  function.name = std::string(m.name(function.id));
  const Type* type = m.type(function.type);
  if (type == nullptr || type->kind != TypeKind::kFunction ||
      type->element != function.return_type) {
    return bad(begin, "%{} is not a function type that returns its result type", function.type);
  }
  for (++at; at < raws_.size(); ++at) {
    if (raws_[at].is_passive) continue;
    if (raws_[at].op != spv::Op::OpFunctionParameter) break;
    const Parameter parameter{result_id(raws_[at]), result_type(raws_[at])};
    const std::size_t index = function.parameters.size();
    if (index >= type->parameters.size() || parameter.type != type->parameters[index]) {
      return bad(raws_[at], "parameter {} does not suit the function type %{}", index, type->id);
    }
    function.parameters.push_back(parameter);
  }
  if (function.parameters.size() != type->parameters.size()) {
    return bad(begin, "it has {} parameters, its type has {}", function.parameters.size(),
               type->parameters.size());
  }
  std::vector<RawBlock> blocks;
  SOKR_ASSIGN(at, find_blocks(at, blocks));
  if (blocks.empty()) return bad(begin, "the function has no body");
  if (blocks.size() > limits::kFunctionBlocks) {
    return denied(begin, fmt::format("the function has {} blocks, the limit is {}", blocks.size(),
                                     limits::kFunctionBlocks));
  }
  SOKR_ASSIGN(const FlowGraph flow, build_flow(blocks));
  Structure structure;
  calls_.emplace_back();
  if (const StructureError error = find_structure(flow, structure); error.block != kNone) {
    return bad(raws_[definition_[blocks[error.block].label] - 1], "the block {}", error.sentence);
  }
  SOKR_TRY(build_blocks(function, blocks, flow, structure));
  for (const RawBlock& block : blocks) block_of_label_[block.label] = kNone;
  add_flow_cost(function);
  set_slot(function.id, Slot::kFunction, m.functions_.size());
  m.functions_.push_back(std::move(function));
  return at;
}

Result<std::size_t> Decoder::find_blocks(std::size_t at, std::vector<RawBlock>& blocks) {
  bool is_open = false;
  for (; at < raws_.size(); ++at) {
    const RawInstruction& raw = raws_[at];
    count_work();
    if (raw.is_passive) continue;
    if (raw.op == spv::Op::OpFunctionEnd) {
      if (is_open) return bad(raw, "the block before it has no terminator");
      return at + 1;
    }
    if (raw.op == spv::Op::OpLabel) {
      if (is_open) return bad(raw, "the block before it has no terminator");
      is_open = true;
      block_of_label_[result_id(raw)] = static_cast<std::uint32_t>(blocks.size());
      blocks.push_back({result_id(raw), at + 1, at + 1, 0, 0});
      continue;
    }
    if (!is_open || raw.op == spv::Op::OpFunction || raw.op == spv::Op::OpFunctionParameter) {
      return bad(raw, "it is outside of a block");
    }
    RawBlock& block = blocks.back();
    if (is_terminator(raw.op)) {
      block.end = block.merge != 0 ? block.merge : at;
      block.terminator = at;
      is_open = false;
    } else if (block.merge != 0) {
      return bad(raw, "it stands between a merge instruction and the block's terminator");
    } else if (is_merge(raw.op)) {
      block.merge = at;
    }
  }
  return bad(raws_.back(), "the module ends inside a function");
}

// Finds the successors of the block that `flow` ends with, each once.
Result<void> Decoder::add_targets(const RawInstruction& raw, FlowGraph& flow,
                                  std::vector<std::uint32_t>& last_source) const {
  const auto operands = args(raw);
  const auto source = static_cast<std::uint32_t>(flow.blocks.size() - 1);
  const std::size_t step = number_words(raw) + 1;
  std::size_t first = operands.size();
  if (raw.op == spv::Op::OpBranch) first = 0;
  if (raw.op == spv::Op::OpBranchConditional || raw.op == spv::Op::OpSwitch) first = 1;
  for (std::size_t at = first; at < operands.size(); at += raw.op == spv::Op::OpSwitch ? step : 1) {
    if (raw.op == spv::Op::OpBranchConditional && at > 2) break;  // branch weights
    SOKR_ASSIGN(const std::uint32_t target, block_target(raw, operands[at]));
    if (last_source[target] == source) continue;
    count_work();
    last_source[target] = source;
    flow.targets.push_back(target);
    ++flow.blocks.back().count;
  }
  return {};
}

Result<std::uint32_t> Decoder::block_target(const RawInstruction& raw, Id label) const {
  if (block_of_label_[label] == kNone)
    return bad(raw, "%{} is not a block of this function", label);
  return block_of_label_[label];
}

Result<void> Decoder::add_merge(const RawInstruction& raw, spv::Op terminator,
                                FlowBlock& block) const {
  const auto operands = args(raw);
  SOKR_ASSIGN(block.merge, block_target(raw, operands[0]));
  const bool is_loop = raw.op == spv::Op::OpLoopMerge;
  block.merge_kind = is_loop ? MergeKind::kLoop : MergeKind::kSelection;
  if (is_loop) {
    SOKR_ASSIGN(block.continue_target, block_target(raw, operands[1]));
  }
  const bool suits = terminator == spv::Op::OpBranchConditional ||
                     terminator == (is_loop ? spv::Op::OpBranch : spv::Op::OpSwitch);
  if (!suits) return bad(raw, "{} cannot follow it", op_name(terminator));
  return {};
}

Result<FlowGraph> Decoder::build_flow(const std::vector<RawBlock>& blocks) const {
  FlowGraph flow;
  flow.structured = is_structured_;
  std::vector<std::uint32_t> last_source(blocks.size(), kNone);
  flow.blocks.reserve(blocks.size());
  for (const RawBlock& raw : blocks) {
    const RawInstruction& terminator = raws_[raw.terminator];
    FlowBlock& block = flow.blocks.emplace_back();
    block.first = static_cast<std::uint32_t>(flow.targets.size());
    block.is_switch = terminator.op == spv::Op::OpSwitch;
    if (raw.merge != 0) SOKR_TRY(add_merge(raws_[raw.merge], terminator.op, block));
    if (flow.structured && block.is_switch && raw.merge == 0) {
      return bad(terminator, "it needs an OpSelectionMerge before it");
    }
    SOKR_TRY(add_targets(terminator, flow, last_source));
  }
  return flow;
}

Result<void> Decoder::build_blocks(Function& function, const std::vector<RawBlock>& blocks,
                                   const FlowGraph& flow, Structure& structure) {
  const auto position = [&](std::uint32_t block) {
    return block == kNone ? kNone : structure.position[block];
  };
  function.blocks.resize(structure.order.size());
  function.labels.reserve(structure.order.size());
  for (std::uint32_t at = 0; at < structure.order.size(); ++at) {
    const std::uint32_t index = structure.order[at];
    const FlowBlock& source = flow.blocks[index];
    Block& block = function.blocks[at];
    block.label = blocks[index].label;
    block.merge_kind = source.merge_kind;
    block.merge = position(source.merge);
    block.continue_target = position(source.continue_target);
    block.construct = structure.innermost[at];
    block.reachable = structure.reachable[index];
    for (const std::uint32_t target : flow.successors(index)) {
      block.successors.push_back(position(target));
      function.blocks[position(target)].predecessors.push_back(at);
    }
    function.labels.emplace_back(block.label, at);
    SOKR_TRY(fill_block(function, block, blocks[index]));
  }
  std::sort(function.labels.begin(), function.labels.end());
  function.constructs = std::move(structure.constructs);
  return {};
}

// Types and constants; OpUndef may stand in both places.
static bool stands_before_functions(spv::Op op) {
  const std::string_view name = opcode_row(static_cast<std::uint32_t>(op))->name;
  return name.starts_with("OpType") || name.starts_with("OpConstant") ||
         name.starts_with("OpSpecConstant");
}

Result<void> Decoder::fill_block(Function& function, Block& block, const RawBlock& source) {
  block.body.reserve(source.end - source.begin);
  for (std::size_t i = source.begin; i < source.end; ++i) {
    const RawInstruction& raw = raws_[i];
    if (raw.is_passive) continue;
    SOKR_TRY(note_uses(function, raw));
    if (stands_before_functions(raw.op)) return bad(raw, "it stands before all functions");
    if (raw.op == spv::Op::OpPhi) {
      if (!block.body.empty()) return bad(raw, "a phi stands at the start of its block");
      block.phis.push_back(instruction(raw));
    } else if (raw.op == spv::Op::OpVariable) {
      const Type* type = module_->type(result_type(raw));
      if (type->kind != TypeKind::kPointer || type->storage != spv::StorageClass::Function ||
          static_cast<spv::StorageClass>(args(raw)[0]) != spv::StorageClass::Function) {
        return bad(raw, "a variable in a function has storage class Function");
      }
      function.variables.push_back(instruction(raw));
    } else {
      block.body.push_back(instruction(raw));
    }
  }
  if (source.merge != 0) {
    const RawInstruction& merge = raws_[source.merge];
    block.merge_control = args(merge)[merge.op == spv::Op::OpLoopMerge ? 2 : 1];
  }
  SOKR_TRY(note_uses(function, raws_[source.terminator]));
  block.terminator = instruction(raws_[source.terminator]);
  return {};
}

Result<void> Decoder::check_call(const RawInstruction& raw) const {
  const auto operands = args(raw);
  const RawInstruction& callee = raws_[definition_[operands[0]] - 1];
  if (callee.op != spv::Op::OpFunction) return bad(raw, "%{} is not a function", operands[0]);
  const Type* type = module_->type(args(callee)[1]);
  if (type == nullptr || type->kind != TypeKind::kFunction) {
    return bad(callee, "%{} is not a function type", args(callee)[1]);
  }
  const auto given = operands.subspan(1);
  if (given.size() != type->parameters.size()) {
    return bad(raw, "it passes {} arguments, %{} takes {}", given.size(), operands[0],
               type->parameters.size());
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (module_->type_of(given[i]) != type->parameters[i]) {
      return bad(raw, "argument %{} has type %{}, the parameter has %{}", given[i],
                 module_->type_of(given[i]), type->parameters[i]);
    }
  }
  return {};
}

// Callees, barriers and module-scope variables that one instruction names.
Result<void> Decoder::note_uses(Function& function, const RawInstruction& raw) {
  const auto operands = args(raw);
  count_work(1 + operands.size());
  if (raw.op == spv::Op::OpControlBarrier) function.has_barrier = true;
  if (raw.op == spv::Op::OpExtInst && !module_->instruction_set(operands[0])) {
    return bad(raw, "%{} is not an imported instruction set", operands[0]);
  }
  if (raw.op == kExtInstWithForwardRefs) {
    return bad(raw, "%{} is not a NonSemantic instruction set, and only those have it",
               operands[0]);
  }
  if (raw.op == spv::Op::OpFunctionCall) {
    SOKR_TRY(check_call(raw));
    note_call(function, operands[0]);
  }
  const OpcodeRow& row = *opcode_row(static_cast<std::uint32_t>(raw.op));
  visit_ids(row.operands, operands, number_words(raw), [&](std::size_t at) {
    const Id id = operands[at];
    if (module_->variable(id) == nullptr || seen_in_[id] == function.id) return;
    seen_in_[id] = function.id;
    function.globals.push_back(id);
  });
  return {};
}

void Decoder::note_call(Function& function, Id callee) {
  std::vector<std::uint32_t>& calls = calls_.back();
  if (seen_in_[callee] != function.id) {
    callee_index_[callee] = static_cast<std::uint32_t>(calls.size());
    function.callees.push_back(callee);
    calls.push_back(0);
  }
  seen_in_[callee] = function.id;
  ++calls[callee_index_[callee]];
}

// limits::flow_steps says what a step is.
void Decoder::add_flow_cost(const Function& function) {
  const std::vector<Block>& blocks = function.blocks;
  const Dominators dominators(blocks);
  std::vector<std::uint64_t> depths(blocks.size() + 1, 0);  // of all blocks before
  for (BlockIndex at = 0; at < blocks.size(); ++at)
    depths[at + 1] = depths[at] + dominators.depth(at);
  std::uint64_t steps = std::uint64_t{blocks.size()} * blocks.size() / 32;
  for (const Construct& construct : function.constructs) {
    count_work();
    if (construct.kind == ConstructKind::kFunction || construct.kind == ConstructKind::kCase)
      continue;
    const std::uint64_t size = construct.end - construct.begin;
    const std::uint64_t header = dominators.depth(construct.begin);
    const std::uint64_t inside = depths[construct.end] - depths[construct.begin];
    // Blocks that are not reachable may be less deep than the header.
    steps += std::max(inside, header * size) - header * size + size + header / 2;
  }
  flow_cost_.steps += steps;
  if (steps < flow_cost_.worst_steps) return;
  flow_cost_.worst_steps = steps;
  flow_cost_.worst = function.id;
  flow_cost_.worst_blocks = blocks.size();
}

// Of a function whose callees are finished: what is transitive.
Result<void> Decoder::finish_calls(std::uint32_t index) {
  const auto add = [](std::uint64_t& sum, std::uint64_t count, std::uint64_t times) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(count, times, &product) ||
        __builtin_add_overflow(sum, product, &sum)) {
      sum = UINT64_MAX;
    }
  };
  Function& caller = module_->functions_[index];
  caller.inlined_blocks = caller.blocks.size() + 1;
  for (const Block& block : caller.blocks) {
    caller.has_loop = caller.has_loop || block.merge_kind == MergeKind::kLoop;
    caller.inlined_instructions += block.body.size() + block.phis.size() + 1;
    caller.inlined_blocks += static_cast<std::uint64_t>(
        std::count_if(block.body.begin(), block.body.end(), [](const Instruction& instruction) {
          return instruction.op == spv::Op::OpControlBarrier;
        }));
  }
  for (std::size_t i = 0; i < caller.callees.size(); ++i) {
    count_work();
    const Function& callee = *module_->function(caller.callees[i]);
    caller.has_barrier = caller.has_barrier || callee.has_barrier;
    caller.has_loop = caller.has_loop || callee.has_loop;
    caller.call_depth = std::max(caller.call_depth, callee.call_depth + 1);
    add(caller.inlined_blocks, callee.inlined_blocks, calls_[index][i]);
    add(caller.inlined_instructions, callee.inlined_instructions, calls_[index][i]);
  }
  if (caller.call_depth <= limits::kCallDepth) return {};
  return denied(raws_[definition_[caller.id] - 1],
                fmt::format("calls nest deeper than {} below it", limits::kCallDepth));
}

// Callees before callers, so that what is transitive is found in one pass.
Result<void> Decoder::order_calls() {
  Module& m = *module_;
  enum class State : std::uint8_t { kNew, kOpen, kDone };
  struct Frame {
    std::uint32_t function;
    std::size_t next;
  };
  std::vector<State> states(m.functions_.size(), State::kNew);
  std::vector<Frame> stack;
  for (std::uint32_t root = 0; root < m.functions_.size(); ++root) {
    if (states[root] != State::kNew) continue;
    states[root] = State::kOpen;
    stack.push_back({root, 0});
    while (!stack.empty()) {
      Function& caller = m.functions_[stack.back().function];
      if (stack.back().next == caller.callees.size()) {
        SOKR_TRY(finish_calls(stack.back().function));
        states[stack.back().function] = State::kDone;
        stack.pop_back();
        continue;
      }
      const Id id = caller.callees[stack.back().next++];
      const auto callee = static_cast<std::uint32_t>(m.function(id) - m.functions_.data());
      if (states[callee] == State::kOpen) {
        return fail(SOKR_INVALID_IR,
                    "function {} calls itself, through {}; recursion is not allowed",
                    m.describe(id), m.describe(caller.id));
      }
      if (states[callee] != State::kNew) continue;
      states[callee] = State::kOpen;
      stack.push_back({callee, 0});
    }
  }
  return {};
}

}  // namespace sokr::spirv
