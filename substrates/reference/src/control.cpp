// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Branches, calls, barriers, and the steps that structure them.
#include <algorithm>
#include <atomic>
#include <cstring>

#include "lowering.hpp"
#include "worker.hpp"

namespace sokr::reference {

using spirv::Instruction;

namespace {

const Step* pause(Lane& lane, const Step* at, LaneState state) {
  lane.at = at;
  lane.state = state;
  return nullptr;
}

// ---- Branches -----------------------------------------------------------------------------

const Step* jump(Lane& lane, const Step* step) {
  return lane.code + step->extra;
}

const Step* jump_back(Lane& lane, const Step* step) {
  if (lane.worker->stopped()) [[unlikely]]
    return pause(lane, step, LaneState::kFailed);
  return lane.code + step->extra;
}

const Step* branch(Lane& lane, const Step* step) {
  return lane.code + (lane.slot(step->a) ? step->b : step->c);
}

const Step* select_case(Lane& lane, const Step* step) {
  const Switch& table = lane.worker->program.switches[step->extra];
  const Slot value = lane.slot(step->a);
  const auto found =
      std::lower_bound(table.cases.begin(), table.cases.end(), value,
                       [](const auto& entry, Slot literal) { return entry.first < literal; });
  const bool hit = found != table.cases.end() && found->first == value;
  return lane.code + (hit ? found->second : table.default_target);
}

const Step* trap(Lane& lane, const Step* step) {
  return lane.worker->fail_lane(lane, step, "an invocation reached code that must not be reached");
}

// A place where lanes of a subgroup wait for each other; a lane never stops at the mark that
// it starts from.
const Step* mark(Lane& lane, const Step* step) {
  return pause(lane, step, LaneState::kReady);
}

// ---- Copies -------------------------------------------------------------------------------

void copy_one(Lane& lane, const Step& step) {
  const Slot* from = lane.slots(step.a);
  Slot* to = lane.slots(step.dst);
  if (step.n == 1) {
    *to = *from;
  } else {
    std::memmove(to, from, step.n * sizeof(Slot));
  }
}

void copy_sequence(Lane& lane, const Step& step) {
  const Copy* copy = &lane.worker->program.copies[step.extra];
  for (std::uint32_t i = 0; i < step.n; ++i, ++copy)
    std::memmove(lane.slots(copy->to), lane.slots(copy->from), copy->count * sizeof(Slot));
}

// All sources are read before the first target is written.
void copy_parallel(Lane& lane, const Step& step) {
  const Copy* copies = &lane.worker->program.copies[step.extra];
  Slot* kept = lane.worker->scratch.data();
  for (std::uint32_t i = 0; i < step.n; ++i) {
    std::memcpy(kept, lane.slots(copies[i].from), copies[i].count * sizeof(Slot));
    kept += copies[i].count;
  }
  kept = lane.worker->scratch.data();
  for (std::uint32_t i = 0; i < step.n; ++i) {
    std::memcpy(lane.slots(copies[i].to), kept, copies[i].count * sizeof(Slot));
    kept += copies[i].count;
  }
}

// ---- Functions ------------------------------------------------------------------------------

void variables(Lane& lane, const Step& step) {
  for (const LocalVariable& variable : lane.worker->program.functions[step.extra].variables) {
    Slot* memory = lane.base[0] + variable.memory;
    Slot* pointer = lane.base[0] + variable.pointer;
    pointer[0] = reinterpret_cast<Slot>(memory);
    pointer[1] = variable.slots * sizeof(Slot);
    pointer[2] = 0;
    pointer[3] = 0;
    if (variable.initializer == kNoRef) {
      std::memset(memory, 0, variable.slots * sizeof(Slot));
    } else {
      std::memcpy(memory, lane.slots(variable.initializer), variable.slots * sizeof(Slot));
    }
  }
}

// c = slots of the caller's frame. A place to stop, as a jump back is: calls that double at each of
// many levels are as good as endless.
const Step* call(Lane& lane, const Step* step) {
  if (lane.worker->stopped()) [[unlikely]]
    return pause(lane, step, LaneState::kFailed);
  const Program& program = lane.worker->program;
  const Call& target = program.calls[step->extra];
  Slot* frame = lane.base[0] + step->c;
  for (const Copy& argument : target.arguments)
    std::memcpy(frame + argument.to, lane.slots(argument.from), argument.count * sizeof(Slot));
  lane.frames[lane.depth++] = {step, lane.base[0]};
  lane.base[0] = frame;
  return lane.code + program.functions[target.function].begin;
}

const Step* return_void(Lane& lane, const Step* step) {
  if (lane.depth == 0) return pause(lane, step, LaneState::kDone);
  const Frame& frame = lane.frames[--lane.depth];
  lane.base[0] = frame.base;
  return frame.call + 1;
}

const Step* return_value(Lane& lane, const Step* step) {
  if (lane.depth == 0) return pause(lane, step, LaneState::kDone);
  const Slot* value = lane.slots(step->a);
  const Frame& frame = lane.frames[--lane.depth];
  lane.base[0] = frame.base;
  std::memmove(lane.slots(frame.call->dst), value, step->n * sizeof(Slot));
  return frame.call + 1;
}

void lower_call(Lowerer& l, const Instruction& i) {
  const spirv::Id callee = l.arg(i, 0);
  const spirv::Function* function = l.module().function(callee);
  Call call_site;
  call_site.function = l.function_index(callee);
  if (l.failed()) return;
  std::uint32_t at = 0;
  for (std::size_t k = 0; k < function->parameters.size(); ++k) {
    const std::uint32_t count = l.slots(function->parameters[k].type);
    call_site.arguments.push_back({at, l.operand(i, k + 1), count});
    at += count;
  }
  l.emit(call, i, 1).extra = static_cast<std::uint32_t>(l.program().calls.size());
  l.program().calls.push_back(std::move(call_site));
  if (l.program().lockstep) l.emit(mark, i, 0);
}

// ---- Barriers -----------------------------------------------------------------------------

const Step* barrier(Lane& lane, const Step* step) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return pause(lane, step, LaneState::kBarrier);
}

void fence(Lane&, const Step&) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void meet(ActiveSet&, const Step&) {}
const Step* subgroup_barrier(Lane& lane, const Step* step) {
  return pause(lane, step, LaneState::kSubgroup);
}

void lower_control_barrier(Lowerer& l, const Instruction& i) {
  const auto scope = static_cast<spv::Scope>(l.constant_bits(l.arg(i, 0)));
  if (scope == spv::Scope::Workgroup) {
    l.emit(barrier, i, 0);
  } else if (scope == spv::Scope::Subgroup) {
    l.emit(subgroup_barrier, i, 0).extra = static_cast<std::uint32_t>(l.program().groups.size());
    l.program().groups.push_back({.run = meet});
  } else if (scope == spv::Scope::Invocation) {
    l.emit(straight<fence>, i, 0);
  } else {
    l.deny(SOKR_CAPABILITY_DENIED,
           fmt::format("OpControlBarrier at word {} has execution scope {}; the reference "
                       "interpreter has Workgroup and Subgroup",
                       i.word, static_cast<std::uint32_t>(scope)));
  }
}

void lower_fence(Lowerer& l, const Instruction& i) {
  l.emit(straight<fence>, i, 0);
}
void lower_nothing(Lowerer&, const Instruction&) {}

void lower_extended(Lowerer& l, const Instruction& i) {
  const auto set = l.module().instruction_set(l.arg(i, 0));
  if (set == spirv::InstructionSet::kNonSemantic) return;
  const std::uint32_t function = l.arg(i, 1);
  const Lowering lower = set == spirv::InstructionSet::kGlslStd450 ? find_glsl(function) : nullptr;
  if (lower) return lower(l, i);
  l.deny(SOKR_CAPABILITY_DENIED,
         set == spirv::InstructionSet::kGlslStd450
             ? fmt::format("the reference interpreter does not run GLSL.std.450 {} (word {} of the "
                           "module)",
                           spirv::glsl_std_450_name(function), i.word)
             : fmt::format("the reference interpreter does not know the extended instruction set "
                           "{} (word {} of the module)",
                           l.module().describe(l.arg(i, 0)), i.word));
}

constexpr OpRow kRows[] = {
    {spv::Op::OpExtInst, lower_extended},
    {spv::Op::OpFunctionCall, lower_call},
    {spv::Op::OpControlBarrier, lower_control_barrier},
    {spv::Op::OpMemoryBarrier, lower_fence},
    {spv::Op::OpUndef, lower_nothing},
    {spv::Op::OpNop, lower_nothing},
    {spv::Op::OpNoLine, lower_nothing},
    {spv::Op::OpLine, lower_nothing},
    {spv::Op::OpAssumeTrueKHR, lower_nothing},
};

}  // namespace

const ControlHandlers kControl = {
    .jump = jump,
    .jump_back = jump_back,
    .copy_one = straight<copy_one>,
    .copy_sequence = straight<copy_sequence>,
    .copy_parallel = straight<copy_parallel>,
    .branch = branch,
    .select_case = select_case,
    .mark = mark,
    .trap = trap,
    .variables = straight<variables>,
    .call = call,
    .return_void = return_void,
    .return_value = return_value,
};

std::span<const OpRow> control_rows() {
  return kRows;
}

}  // namespace sokr::reference
