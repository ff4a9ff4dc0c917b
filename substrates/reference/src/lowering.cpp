// SPDX-License-Identifier: MIT OR Apache-2.0
#include "lowering.hpp"

#include <algorithm>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/float_controls.hpp>
#include <unordered_set>

namespace sokr::reference {

using spirv::BlockIndex;
using spirv::Id;
using spirv::Instruction;
using spirv::Type;
using spirv::TypeKind;

namespace {

constexpr std::uint64_t kMaxStackSlots = std::uint64_t{1} << 22;
// Of all invocations that are held at the same time: of a workgroup, if it has barriers.
constexpr std::uint64_t kMaxHeldSlots = std::uint64_t{1} << 26;
constexpr std::uint64_t kMaxPoolSlots = std::uint64_t{1} << 24;

std::unordered_map<std::uint32_t, Lowering> make_table() {
  std::unordered_map<std::uint32_t, Lowering> table;
  for (const auto rows :
       {arithmetic_rows(), integer_rows(), comparison_rows(), conversion_rows(), composite_rows(),
        memory_rows(), atomic_rows(), control_rows(), subgroup_rows(), dot_product_rows()})
    for (const OpRow& row : rows) table.emplace(static_cast<std::uint32_t>(row.op), row.lower);
  return table;
}

}  // namespace

Lowering find_lowering(spv::Op op) {
  static const auto kTable = make_table();
  const auto found = kTable.find(static_cast<std::uint32_t>(op));
  return found == kTable.end() ? nullptr : found->second;
}

std::size_t Program::memory() const {
  // A decoded module takes about so much more than its words.
  constexpr std::size_t kDecodedBytesPerByte = 16;
  const auto size = [](const auto& list) { return list.size() * sizeof(list[0]); };
  std::size_t total = sizeof *this + module->words().size_bytes() * kDecodedBytesPerByte;
  total += size(steps) + size(words) + size(functions) + size(pool) + size(shared_pointers);
  total += size(lane_variables) + size(copies) + size(leaves) + size(chains) + size(calls);
  total += size(switches) + size(groups);
  for (const auto& [offset, slots] : workgroup_initial) total += size(slots);
  for (const Switch& one : switches) total += size(one.cases);
  return total;
}

std::string Program::describe(const Step* step) const {
  const std::size_t index = index_of(step);
  const std::uint32_t word = index < words.size() ? words[index] : 0;
  const auto op = word < module->words().size()
                      ? static_cast<spv::Op>(module->words()[word] & 0xFFFFu)
                      : spv::Op::OpNop;
  for (const FunctionCode& code : functions)
    if (index >= code.begin && index < code.end)
      return fmt::format("{} at word {} of function {}", spirv::op_name(op), word,
                         module->describe(code.id));
  return fmt::format("{} at word {}", spirv::op_name(op), word);
}

Lowerer::Lowerer(std::shared_ptr<const spirv::Module> module, const spirv::EntryPoint& entry,
                 std::uint32_t subgroup_size)
    : module_(std::move(module)),
      entry_(entry),
      program_(std::make_shared<Program>()),
      refs_(module_->bound(), kNoRef),
      slots_(module_->bound(), 0) {
  program_->module = module_;
  program_->entry = &entry_;
  program_->subgroup_size = subgroup_size;
  program_->local_size = entry_.local_size;
}

void Lowerer::deny(SokrResult code, std::string sentence) {
  if (!failure_) failure_ = Failure{code, std::move(sentence)};
}

// ---- Operands -----------------------------------------------------------------------------

Ref Lowerer::temporary(std::uint32_t count) {
  const std::uint32_t at = frame_;
  if (std::uint64_t{frame_} + count > kMaxStackSlots) {
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("function {} needs more than {} value components; the reference interpreter "
                     "takes no more",
                     function_ ? module_->describe(function_->id) : "", kMaxStackSlots));
    return kFrameRefs;
  }
  frame_ += count;
  return kFrameRefs | at;
}

Ref Lowerer::pool_value(std::span<const Slot> value) {
  const std::size_t at = program_->pool.size();
  if (at + value.size() > kMaxPoolSlots) {
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("the module's constants have more than the {} components that the reference "
                     "interpreter takes",
                     kMaxPoolSlots));
    return kPoolRefs;
  }
  program_->pool.insert(program_->pool.end(), value.begin(), value.end());
  return kPoolRefs | static_cast<Ref>(at);
}

void Lowerer::flatten_null(Id type_id, std::vector<Slot>& out) {
  const Type& t = type(type_id);
  if (t.kind == TypeKind::kStruct) {
    for (const auto& member : t.members) flatten_null(member.type, out);
  } else if (t.kind == TypeKind::kArray) {
    for (std::uint32_t i = 0; i < t.count && !failed(); ++i) flatten_null(t.element, out);
  } else if (t.kind == TypeKind::kPointer) {
    const bool physical = t.storage == spv::StorageClass::PhysicalStorageBuffer;
    out.insert(out.end(), {physical ? kPhysicalBase : 0, 0, 0, default_strides(t.element)});
  } else {
    out.resize(out.size() + slots(type_id));
  }
}

void Lowerer::flatten(Id id, Id type_id, std::vector<Slot>& out) {
  const spirv::Constant* constant = module_->constant(id);
  if (!constant || constant->is_null || constant->is_undef) return flatten_null(type_id, out);
  const Type& t = type(type_id);
  if (constant->parts.empty()) {
    // A struct without members is no component.
    if (t.kind != TypeKind::kStruct) out.push_back(constant->bits);
    return;
  }
  for (std::size_t i = 0; i < constant->parts.size() && !failed(); ++i) {
    const bool is_struct = t.kind == TypeKind::kStruct && i < t.members.size();
    flatten(constant->parts[i], is_struct ? t.members[i].type : t.element, out);
  }
}

Ref Lowerer::constant(const spirv::Constant& constant) {
  const std::uint32_t count = slots(constant.type);
  std::vector<Slot> value;
  value.reserve(count);
  if (!failed()) flatten(constant.id, constant.type, value);
  value.resize(count);
  return pool_value(value);
}

Ref Lowerer::ref(Id id) {
  if (id >= refs_.size()) {
    deny(SOKR_INVALID_IR, fmt::format("id %{} is not below the module's bound", id));
    return kPoolRefs;
  }
  if (refs_[id] != kNoRef) return refs_[id];
  if (const auto* found = module_->constant(id)) return refs_[id] = constant(*found);
  if (const auto* found = module_->variable(id)) return refs_[id] = variable(*found);
  deny(SOKR_CAPABILITY_DENIED,
       fmt::format("the reference interpreter cannot use {} as an operand", module_->describe(id)));
  return kPoolRefs;
}

std::uint64_t Lowerer::constant_bits(Id value, std::uint64_t missing) const {
  const spirv::Constant* constant = module_->constant(value);
  return constant ? constant->bits : missing;
}

// ---- Variables --------------------------------------------------------------------------------

Ref Lowerer::variable(const spirv::Variable& variable) {
  SharedPointer pointer;
  pointer.set = variable.set;
  pointer.binding = variable.binding;
  switch (variable.storage) {
    case spv::StorageClass::StorageBuffer:
    case spv::StorageClass::Uniform:
      pointer.kind = SharedPointer::kBinding;
      if (is_descriptor_array(type(variable.type))) {
        pointer.kind = SharedPointer::kDescriptorArray;
        const Type& array = type(variable.pointee);
        pointer.count = array.kind == TypeKind::kArray ? array.count : 0;
      } else if (type(variable.pointee).kind != TypeKind::kStruct) {
        deny(SOKR_CAPABILITY_DENIED,
             fmt::format("the reference interpreter binds blocks and arrays of blocks; variable {} "
                         "is neither",
                         module_->describe(variable.id)));
      }
      return shared_variable(variable, pointer);
    case spv::StorageClass::PushConstant:
      pointer.kind = SharedPointer::kPush;
      return shared_variable(variable, pointer);
    case spv::StorageClass::Workgroup:
      return workgroup_variable(variable);
    case spv::StorageClass::Private:
    case spv::StorageClass::Input:
      return lane_variable(variable);
    default:
      deny(
          SOKR_CAPABILITY_DENIED,
          fmt::format("the reference interpreter has no storage class {} (variable {})",
                      spirv::storage_class_name(variable.storage), module_->describe(variable.id)));
      return kPoolRefs;
  }
}

Ref Lowerer::shared_variable(const spirv::Variable& variable, SharedPointer pointer) {
  const Slot empty[kPointerSlots] = {};
  const Ref ref = pool_value(empty);
  pointer.pool = ref & kRefIndex;
  pointer.strides = default_strides(variable.pointee);
  program_->shared_pointers.push_back(pointer);
  return ref;
}

Ref Lowerer::workgroup_variable(const spirv::Variable& variable) {
  SharedPointer pointer;
  pointer.kind = SharedPointer::kWorkgroup;
  auto& total = program_->workgroup_bytes;
  if (entry_.explicit_workgroup) {
    // All blocks share one memory.
    pointer.size = module_->explicit_size(variable.pointee);
    total = std::max(total, (pointer.size + 7) & ~std::uint64_t{7});
  } else {
    pointer.offset = total;
    pointer.size = std::uint64_t{slots(variable.pointee)} * sizeof(Slot);
    total += pointer.size;
    if (variable.initializer && module_->constant(variable.initializer)) {
      std::vector<Slot> initial;
      flatten(variable.initializer, variable.pointee, initial);
      program_->workgroup_initial.emplace_back(pointer.offset, std::move(initial));
    }
  }
  if (total > kMaxWorkgroupBytes * sizeof(Slot))
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("the Workgroup variables need more than the {} bytes that the reference "
                     "interpreter has",
                     kMaxWorkgroupBytes));
  return shared_variable(variable, pointer);
}

Ref Lowerer::lane_variable(const spirv::Variable& variable) {
  LaneVariable lane;
  lane.pointer = program_->lane_slots;
  lane.memory = lane.pointer + kPointerSlots;
  lane.slots = slots(variable.pointee);
  lane.builtin = variable.builtin;
  program_->lane_slots = lane.memory + lane.slots;
  if (program_->lane_slots > kMaxStackSlots)
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("the Private variables need more than the {} components that the reference "
                     "interpreter has",
                     kMaxStackSlots));
  if (variable.initializer) lane.initializer = ref(variable.initializer);
  program_->lane_variables.push_back(lane);
  return kLaneRefs | lane.pointer;
}

// ---- Steps
// ----------------------------------------------------------------------------------------

void Lowerer::emit_plain(Handler handler, std::uint32_t word) {
  program_->steps.push_back(Step{.run = handler});
  program_->words.push_back(word);
}

Step& Lowerer::emit(Handler handler, const Instruction& instruction, std::uint32_t n,
                    std::initializer_list<Ref> operands) {
  emit_plain(handler, instruction.word);
  Step& step = program_->steps.back();
  step.n = n;
  if (instruction.id) step.dst = ref(instruction.id);
  const auto* operand = operands.begin();
  if (operands.size() > 0) step.a = operand[0];
  if (operands.size() > 1) step.b = operand[1];
  if (operands.size() > 2) step.c = operand[2];
  return step;
}

void Lowerer::emit_copy(const Instruction& instruction, Ref to, Ref from, std::uint32_t count) {
  emit_plain(kControl.copy_one, instruction.word);
  Step& step = program_->steps.back();
  step.dst = to;
  step.a = from;
  step.n = count;
}

std::uint32_t Lowerer::function_index(Id id) {
  const auto [found, added] =
      function_indices_.emplace(id, static_cast<std::uint32_t>(program_->functions.size()));
  if (added) {
    if (!module_->function(id)) deny(SOKR_INVALID_IR, fmt::format("%{} is not a function", id));
    program_->functions.push_back(FunctionCode{.id = id});
  }
  return found->second;
}

// ---- Functions
// ---------------------------------------------------------------------------------------

void Lowerer::check_float_controls() {
  const auto& controls = entry_.float_controls;
  program_->round_toward_zero = (controls.rounding_rtz & 6u) != 0;
  if (program_->round_toward_zero && (controls.rounding_rte & 6u) != 0)
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("entry point '{}' asks for RoundingModeRTZ and RoundingModeRTE at once; the "
                     "reference interpreter has one rounding mode for f32 and f64",
                     entry_.name));
}

// Bit patterns with the lowest exponent become zeros of their sign.
template <class Bits, unsigned kMantissa>
void flush(Lane& lane, const Step& step) {
  constexpr Slot kSign = Slot{1} << (sizeof(Bits) * 8 - 1);
  Slot* to = lane.slots(step.dst);
  for (std::uint32_t i = 0; i < step.n; ++i)
    if ((to[i] & (kSign - 1)) >> kMantissa == 0) to[i] &= kSign;
}

void Lowerer::emit_flush(Ref value, Id type_id, std::uint32_t word) {
  const Type& t = type(type_id);
  if (t.kind == TypeKind::kStruct) {
    for (std::uint32_t i = 0; i < t.members.size(); ++i)
      emit_flush(value + member_slot(t, i), t.members[i].type, word);
    return;
  }
  const Type& part = scalar(type_id);
  if (part.kind != TypeKind::kFloat || !flushes(part.width)) return;
  emit_plain(part.width == 16   ? straight<flush<std::uint16_t, 10>>
             : part.width == 32 ? straight<flush<std::uint32_t, 23>>
                                : straight<flush<std::uint64_t, 52>>,
             word);
  program_->steps.back().dst = value;
  program_->steps.back().n = slots(type_id);
}

void Lowerer::scan_call_tree() {
  for (const Id id : entry_.functions) {
    for (const auto& block : module_->function(id)->blocks) {
      for (const auto& instruction : block.body) {
        if (is_subgroup_operation(instruction.op)) program_->lockstep = true;
        if (instruction.op != spv::Op::OpControlBarrier) continue;
        const auto scope = static_cast<spv::Scope>(constant_bits(arg(instruction, 0)));
        (scope == spv::Scope::Subgroup ? program_->lockstep : program_->has_barriers) = true;
      }
    }
  }
}

void Lowerer::assign_slots(const spirv::Function& function, FunctionCode& code) {
  frame_ = 0;
  for (const auto& parameter : function.parameters)
    refs_[parameter.id] = temporary(slots(parameter.type));
  for (const auto& variable : function.variables) {
    LocalVariable local;
    const Type& pointer = type(variable.type);
    local.slots = slots(pointer.element);
    local.pointer = temporary(kPointerSlots);
    local.memory = temporary(local.slots);
    if (variable.args.size() > 1) local.initializer = ref(variable.args[1]);
    refs_[variable.id] = kFrameRefs | local.pointer;
    code.variables.push_back(local);
  }
  const auto assign = [&](const Instruction& instruction) {
    if (!instruction.id || failed()) return;
    // Whoever uses an undefined image has a type or is an instruction that is refused.
    const TypeKind kind = type(instruction.type).kind;
    if (instruction.op == spv::Op::OpUndef &&
        (kind == TypeKind::kImage || kind == TypeKind::kSampler || kind == TypeKind::kSampledImage))
      return;
    const std::uint32_t count = slots(instruction.type);
    if (instruction.op == spv::Op::OpUndef && !failed()) {
      std::vector<Slot> value;
      flatten_null(instruction.type, value);
      refs_[instruction.id] = pool_value(value);
    } else {
      refs_[instruction.id] = temporary(count);
    }
  };
  for (const auto& block : function.blocks) {
    for (const auto& phi : block.phis) assign(phi);
    for (const auto& instruction : block.body) assign(instruction);
  }
}

void Lowerer::lower_instruction(const Instruction& instruction) {
  const Lowering lower = find_lowering(instruction.op);
  if (!lower) {
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("the reference interpreter does not run {} (word {} of the module)",
                     spirv::op_name(instruction.op), instruction.word));
    return;
  }
  lower(*this, instruction);
  if (entry_.float_controls.denorm_flush_to_zero != 0 && instruction.id && !failed() &&
      spirv::flushes_result(instruction.op, arg(instruction, 1)))
    emit_flush(ref(instruction.id), instruction.type, instruction.word);
}

void Lowerer::lower_function(std::uint32_t index) {
  const spirv::Function* function = module_->function(program_->functions[index].id);
  if (!function || function->blocks.empty())
    return deny(SOKR_INVALID_IR, fmt::format("function {} has no body",
                                             module_->describe(program_->functions[index].id)));
  function_ = function;
  edges_.clear();
  incoming_.clear();
  block_starts_.assign(function->blocks.size(), 0);
  FunctionCode code{.id = function->id};
  code.begin = static_cast<std::uint32_t>(program_->steps.size());
  assign_slots(*function, code);
  if (!code.variables.empty()) {
    emit_plain(kControl.variables, 0);
    program_->steps.back().extra = index;
  }
  for (BlockIndex i = 0; i < function->blocks.size() && !failed(); ++i) {
    const spirv::Block& block = function->blocks[i];
    block_starts_[i] = static_cast<std::uint32_t>(program_->steps.size());
    const std::uint32_t word = block.terminator.word;
    if (program_->lockstep) emit_plain(kControl.mark, word);
    if (!block.reachable) {
      emit_plain(kControl.trap, word);
      continue;
    }
    for (const auto& instruction : block.body) {
      lower_instruction(instruction);
      if (failed()) return;
    }
    lower_terminator(*function, i);
  }
  resolve_edges(*function);
  code.end = static_cast<std::uint32_t>(program_->steps.size());
  code.frame_slots = frame_;
  for (std::uint32_t i = code.begin; i < code.end; ++i)
    if (program_->steps[i].run == kControl.call) program_->steps[i].c = frame_;
  program_->functions[index] = std::move(code);
}

void Lowerer::lower_terminator(const spirv::Function& function, BlockIndex index) {
  const spirv::Block& block = function.blocks[index];
  const Instruction& end = block.terminator;
  const auto edge = [&](int operand, BlockIndex to, std::size_t which = 0) {
    edges_.push_back({program_->steps.size() - 1, operand, which, index, to});
  };
  switch (end.op) {
    case spv::Op::OpBranch: {
      const BlockIndex to = function.block_of(arg(end, 0));
      emit_phi_copies(function, index, to);
      emit_plain(to <= index ? kControl.jump_back : kControl.jump, end.word);
      edge(0, to);
      break;
    }
    case spv::Op::OpBranchConditional: {
      const Ref condition = operand(end, 0);
      emit_plain(kControl.branch, end.word);
      program_->steps.back().a = condition;
      edge(1, function.block_of(arg(end, 1)));
      edge(2, function.block_of(arg(end, 2)));
      break;
    }
    case spv::Op::OpSwitch: {
      const spirv::SwitchTargets targets = module_->switch_targets(function, block);
      const Ref selector = ref(targets.selector);
      emit_plain(kControl.select_case, end.word);
      program_->steps.back().a = selector;
      program_->steps.back().extra = static_cast<std::uint32_t>(program_->switches.size());
      Switch& table = program_->switches.emplace_back();
      edge(3, targets.default_target);
      auto cases = targets.cases;
      std::sort(cases.begin(), cases.end(),
                [](const auto& a, const auto& b) { return a.literal < b.literal; });
      for (std::size_t i = 0; i < cases.size(); ++i) {
        table.cases.emplace_back(cases[i].literal, 0);
        edge(4, cases[i].target, i);
      }
      break;
    }
    case spv::Op::OpReturn:
      emit_plain(kControl.return_void, end.word);
      break;
    case spv::Op::OpReturnValue: {
      const Ref value = operand(end, 0);
      const std::uint32_t count = slots(function.return_type);
      emit_plain(kControl.return_value, end.word);
      program_->steps.back().a = value;
      program_->steps.back().n = count;
      break;
    }
    case spv::Op::OpUnreachable:
      emit_plain(kControl.trap, end.word);
      break;
    default:
      deny(SOKR_CAPABILITY_DENIED,
           fmt::format("the reference interpreter does not run {} (word {} of the module)",
                       spirv::op_name(end.op), end.word));
  }
}

// ---- Edges
// -------------------------------------------------------------------------------------------

// What the phis of `to` take when control comes from `from`, in their order. All ways to a block
// are found at once.
std::span<const Lowerer::Incoming> Lowerer::incoming_of(const spirv::Function& function,
                                                        BlockIndex from, BlockIndex to) {
  const auto [found, is_new] = incoming_.try_emplace(to);
  auto& by_label = found->second;
  if (is_new) {
    for (const Instruction& phi : function.blocks[to].phis)
      for (std::size_t i = 0; i + 1 < phi.args.size(); i += 2)
        by_label[phi.args[i + 1]].push_back({&phi, phi.args[i]});
  }
  return by_label[function.blocks[from].label];
}

void Lowerer::emit_phi_copies(const spirv::Function& function, BlockIndex from, BlockIndex to) {
  if (to >= function.blocks.size() || function.blocks[to].phis.empty()) return;
  std::vector<Copy> copies;
  bool overlap = false;
  std::uint32_t total = 0;
  std::unordered_set<Ref> written;
  for (const Incoming& incoming : incoming_of(function, from, to)) {
    const Copy copy{ref(incoming.phi->id), ref(incoming.value), slots(incoming.phi->type)};
    overlap = overlap || written.contains(copy.from);
    written.insert(copy.to);
    total += copy.count;
    copies.push_back(copy);
  }
  if (copies.empty()) return;
  emit_plain(overlap ? kControl.copy_parallel : kControl.copy_sequence,
             function.blocks[from].terminator.word);
  Step& step = program_->steps.back();
  step.extra = static_cast<std::uint32_t>(program_->copies.size());
  step.n = static_cast<std::uint32_t>(copies.size());
  program_->copies.insert(program_->copies.end(), copies.begin(), copies.end());
  program_->scratch_slots = std::max(program_->scratch_slots, total);
}

bool Lowerer::needs_stub(const spirv::Function& function, const Edge& edge) const {
  if (edge.operand == 0) return false;
  return edge.to <= edge.from || !function.blocks[edge.to].phis.empty();
}

void Lowerer::set_target(const Edge& edge, std::uint32_t target) {
  Step& step = program_->steps[edge.step];
  switch (edge.operand) {
    case 0:
      step.extra = target;
      break;
    case 1:
      step.b = target;
      break;
    case 2:
      step.c = target;
      break;
    case 3:
      program_->switches[step.extra].default_target = target;
      break;
    default:
      program_->switches[step.extra].cases[edge.index].second = target;
      break;
  }
}

void Lowerer::resolve_edges(const spirv::Function& function) {
  const std::vector<Edge> edges = std::move(edges_);
  for (const Edge& edge : edges) {
    if (failed()) return;
    if (edge.to >= function.blocks.size())
      return deny(SOKR_INVALID_IR, fmt::format("a branch in function {} leads to no block",
                                               module_->describe(function.id)));
    if (!needs_stub(function, edge)) {
      set_target(edge, block_starts_[edge.to]);
      continue;
    }
    set_target(edge, static_cast<std::uint32_t>(program_->steps.size()));
    emit_phi_copies(function, edge.from, edge.to);
    emit_plain(edge.to <= edge.from ? kControl.jump_back : kControl.jump,
               function.blocks[edge.from].terminator.word);
    program_->steps.back().extra = block_starts_[edge.to];
  }
}

// ---- The whole
// -----------------------------------------------------------------------------------------

// Slots of the deepest stack below a function; 0 in `known` = not visited, 1 = being visited.
std::uint64_t Lowerer::stack_of(std::uint32_t index, std::vector<std::uint64_t>& known,
                                std::vector<std::uint32_t>& depths) {
  if (known[index] > 1) return known[index];
  if (known[index] == 1) {
    deny(SOKR_INVALID_IR,
         fmt::format("function {} calls itself", module_->describe(program_->functions[index].id)));
    return 0;
  }
  known[index] = 1;
  const FunctionCode& code = program_->functions[index];
  std::uint64_t deepest = 0;
  std::uint32_t depth = 0;
  for (std::uint32_t i = code.begin; i < code.end && !failed(); ++i) {
    const Step& step = program_->steps[i];
    if (step.run != kControl.call) continue;
    const std::uint32_t callee = program_->calls[step.extra].function;
    deepest = std::max(deepest, stack_of(callee, known, depths));
    depth = std::max(depth, depths[callee] + 1);
  }
  depths[index] = depth;
  return known[index] = deepest + code.frame_slots + 2;
}

void Lowerer::measure_stack() {
  std::vector<std::uint64_t> known(program_->functions.size(), 0);
  std::vector<std::uint32_t> depths(program_->functions.size(), 0);
  program_->stack_slots = stack_of(0, known, depths);
  program_->max_depth = depths[0] + 1;
  if (program_->stack_slots > kMaxStackSlots)
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("entry point '{}' needs {} value components an invocation; the reference "
                     "interpreter takes at most {}",
                     entry_.name, program_->stack_slots, kMaxStackSlots));
  const auto& size = program_->local_size;
  const bool together = program_->has_barriers || program_->lockstep;
  const std::uint64_t invocations =
      together ? std::uint64_t{size[0]} * size[1] * size[2] : 1;  // at most kMaxLocalInvocations
  const std::uint64_t each = program_->stack_slots + program_->lane_slots;
  if (!failed() && invocations * each > kMaxHeldSlots)
    deny(SOKR_CAPABILITY_DENIED,
         fmt::format("entry point '{}' needs {} value components in each of the {} invocations of "
                     "a workgroup, which meet at barriers; the reference interpreter holds at "
                     "most {}",
                     entry_.name, each, invocations, kMaxHeldSlots));
}

Result<std::shared_ptr<const Program>> Lowerer::run() {
  check_float_controls();
  scan_call_tree();
  function_index(entry_.function);
  for (std::uint32_t i = 0; i < program_->functions.size() && !failed(); ++i) lower_function(i);
  if (!failed()) measure_stack();
  if (failure_) return *std::move(failure_);
  return std::shared_ptr<const Program>(program_);
}

Result<std::shared_ptr<const Program>> prepare(std::shared_ptr<const spirv::Module> module,
                                               const spirv::EntryPoint& entry,
                                               std::uint32_t subgroup_size) {
  if (subgroup_size < kMinSubgroupSize || subgroup_size > kMaxSubgroupSize ||
      (subgroup_size & (subgroup_size - 1)) != 0)
    return fail(SOKR_INVALID_INPUT,
                "subgroup size {} is not supported; the reference interpreter has powers of two "
                "from {} to {}",
                subgroup_size, kMinSubgroupSize, kMaxSubgroupSize);
  const std::uint64_t invocations =
      std::uint64_t{entry.local_size[0]} * entry.local_size[1] * entry.local_size[2];
  if (invocations == 0 || invocations > kMaxLocalInvocations)
    return fail(
        SOKR_CAPABILITY_DENIED,
        "workgroup size {}x{}x{} has {} invocations; the reference interpreter takes 1 to {}",
        entry.local_size[0], entry.local_size[1], entry.local_size[2], invocations,
        kMaxLocalInvocations);
  SOKR_TRY(check_capabilities(*module));
  SOKR_TRY(spirv::check_allowed(*module, entry));
  try {
    return Lowerer(std::move(module), entry, subgroup_size).run();
  } catch (const std::bad_alloc&) {
    return fail(SOKR_DISPATCH_FAILED, "out of memory while preparing entry point '{}'", entry.name);
  }
}

}  // namespace sokr::reference
