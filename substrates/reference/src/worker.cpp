// SPDX-License-Identifier: MIT OR Apache-2.0
#include "worker.hpp"

#include <algorithm>
#include <cstring>

#include "lowering.hpp"
#include "memory.hpp"

namespace sokr::reference {

// ---- The launch ---------------------------------------------------------------------------

LaunchState::LaunchState(const Program& p, const Launch& l) : program(p), launch(l) {
  for (const SharedPointer& pointer : program.shared_pointers) {
    const std::size_t first = ranges.size();
    std::uint64_t count = pointer.kind == SharedPointer::kBinding ? 1 : 0;
    if (pointer.kind == SharedPointer::kDescriptorArray) {
      // What lies behind the last one that is named is null, however long the array is.
      for (const Descriptor& d : launch.descriptors)
        if (d.set == pointer.set && d.binding == pointer.binding)
          count = std::max(count, std::uint64_t{d.index} + 1);
      if (pointer.count != 0) count = std::min<std::uint64_t>(count, pointer.count);
    }
    ranges.resize(first + count);
    for (const Descriptor& d : launch.descriptors)
      if (d.set == pointer.set && d.binding == pointer.binding && d.index < count && d.data)
        ranges[first + d.index] = {reinterpret_cast<std::uint64_t>(d.data), d.size};
    pointer_ranges.emplace_back(first, count);
  }
}

void LaunchState::fail_with(std::string sentence) {
  const std::lock_guard lock(mutex);
  if (!failure) failure = Failure{SOKR_DISPATCH_FAILED, std::move(sentence)};
  failed.store(true, std::memory_order_relaxed);
}

// ---- Set up ---------------------------------------------------------------------------------

Worker::Worker(LaunchState& launch_state)
    : state(launch_state),
      program(launch_state.program),
      observer(launch_state.launch.observer),
      pool(program.pool),
      workgroup(static_cast<std::size_t>((program.workgroup_bytes + 7) / sizeof(Slot))),
      scratch(program.scratch_slots) {
  const std::uint64_t invocations =
      std::uint64_t{program.local_size[0]} * program.local_size[1] * program.local_size[2];
  const bool phased = program.has_barriers || program.lockstep;
  lanes.resize(phased ? invocations : 1);
  stacks.resize(lanes.size() * program.stack_slots);
  lane_memory.resize(lanes.size() * program.lane_slots);
  prepare_pool();
  for (std::size_t i = 0; i < lanes.size(); ++i)
    prepare_lane(lanes[i], i * program.stack_slots, i * program.lane_slots);
}

void Worker::prepare_pool() {
  for (std::size_t i = 0; i < program.shared_pointers.size(); ++i) {
    const SharedPointer& shared = program.shared_pointers[i];
    const auto [first, count] = state.pointer_ranges[i];
    Pointer pointer{.strides = shared.strides};
    switch (shared.kind) {
      case SharedPointer::kBinding:
        pointer.base = state.ranges[first].data;
        pointer.size = state.ranges[first].size;
        break;
      case SharedPointer::kDescriptorArray:
        pointer.base = reinterpret_cast<Slot>(state.ranges.data() + first);
        pointer.size = count;
        break;
      case SharedPointer::kPush:
        pointer.base = reinterpret_cast<Slot>(state.launch.push.data());
        pointer.size = state.launch.push.size();
        break;
      case SharedPointer::kWorkgroup:
        pointer.base = reinterpret_cast<Slot>(workgroup.data()) + shared.offset;
        pointer.size = shared.size;
        break;
    }
    std::memcpy(&pool[shared.pool], &pointer, sizeof pointer);
  }
}

void Worker::prepare_lane(Lane& lane, std::size_t stack, std::size_t memory) {
  lane.worker = this;
  lane.code = program.steps.data();
  lane.frames.resize(program.max_depth);
  lane.base[0] = stacks.data() + stack;
  lane.base[1] = pool.data();
  lane.base[2] = lane_memory.data() + memory;
  for (const LaneVariable& variable : program.lane_variables) {
    const Pointer pointer{reinterpret_cast<Slot>(lane.base[2] + variable.memory),
                          variable.slots * sizeof(Slot), 0, 0};
    std::memcpy(lane.base[2] + variable.pointer, &pointer, sizeof pointer);
  }
}

void Worker::start_lane(Lane& lane, std::uint32_t index,
                        const std::array<std::uint32_t, 3>& place) {
  lane.index = index;
  lane.depth = 0;
  lane.state = LaneState::kReady;
  lane.at = lane.code + program.functions[0].begin;
  for (const LaneVariable& variable : program.lane_variables) {
    Slot* memory = lane.base[2] + variable.memory;
    if (variable.builtin) {
      write_builtin(lane, variable, place);
    } else if (variable.initializer == kNoRef) {
      std::memset(memory, 0, variable.slots * sizeof(Slot));
    } else {
      std::memcpy(memory, lane.slots(variable.initializer), variable.slots * sizeof(Slot));
    }
  }
}

// ---- Failures ----------------------------------------------------------------------------------

std::string Worker::position(const Lane& lane) const {
  const auto& size = program.local_size;
  return fmt::format("invocation ({}, {}, {})", lane.index % size[0],
                     lane.index / size[0] % size[1], lane.index / size[0] / size[1]);
}

const Step* Worker::fail_lane(Lane& lane, const Step* step, std::string_view what) {
  state.fail_with(
      fmt::format("{}: {} ({} of a workgroup)", program.describe(step), what, position(lane)));
  lane.at = step;
  lane.state = LaneState::kFailed;
  return nullptr;
}

namespace {

template <class T>
bool is_inside(const std::vector<T>& memory, Slot address) {
  const auto begin = reinterpret_cast<Slot>(memory.data());
  return address >= begin && address < begin + memory.size() * sizeof(T);
}

bool is_atomic(spv::Op op) {
  return (op >= spv::Op::OpAtomicLoad && op <= spv::Op::OpAtomicXor) ||
         op == spv::Op::OpAtomicFAddEXT || op == spv::Op::OpAtomicFMinEXT ||
         op == spv::Op::OpAtomicFMaxEXT;
}

}  // namespace

void Worker::note_access(const Lane& lane, const Step& step, const Slot* pointer,
                         const std::uint8_t* address, std::uint32_t bytes, bool write) {
  if (is_inside(stacks, pointer[0]) || is_inside(lane_memory, pointer[0])) return;
  const std::uint32_t word = program.words[program.index_of(&step)];
  const auto op = static_cast<spv::Op>(program.module->words()[word] & 0xFFFFu);
  observer->access({group, lane.index, barriers, reinterpret_cast<std::uintptr_t>(address), bytes,
                    write, is_atomic(op), is_inside(workgroup, pointer[0]), word});
}

bool Worker::is_variable(const Slot* pointer) const {
  return pointer[0] != 0 &&
         std::ranges::none_of(state.launch.descriptors, [&](const Descriptor& d) {
           return reinterpret_cast<Slot>(d.data) == pointer[0];
         });
}

std::uint8_t* Worker::resolve_special(const Step& step, const Slot* pointer, std::uint64_t offset,
                                      std::uint32_t bytes, bool write) {
  const bool physical = pointer[0] == kPhysicalBase;
  if (physical && state.launch.valid_address && state.launch.valid_address(offset, bytes))
    return reinterpret_cast<std::uint8_t*>(offset);
  if (observer && !physical && is_variable(pointer)) observer->outside_of_variable();
  (write ? state.out_of_bounds_writes : state.out_of_bounds_reads)
      .fetch_add(1, std::memory_order_relaxed);
  if (state.launch.out_of_bounds == OutOfBounds::kIgnore) return nullptr;
  const std::lock_guard lock(state.mutex);
  if (!state.first_out_of_bounds.empty()) return nullptr;
  std::string where = fmt::format("a variable of {} bytes", pointer[1]);
  if (physical) where = "no buffer";
  if (pointer[0] == 0) where = "a null descriptor";
  for (const Descriptor& d : state.launch.descriptors)
    if (d.data && reinterpret_cast<Slot>(d.data) == pointer[0])
      where = fmt::format("binding {}.{}[{}] of {} bytes", d.set, d.binding, d.index, d.size);
  state.first_out_of_bounds =
      fmt::format("{}: {} of {} bytes at {} {} is out of bounds of {}", program.describe(&step),
                  write ? "a write" : "a read", bytes, physical ? "address" : "offset",
                  physical ? fmt::format("{:#x}", offset)
                           : fmt::format("{}", static_cast<std::int64_t>(offset)),
                  where);
  return nullptr;
}

// ---- Running
// --------------------------------------------------------------------------------------

void Worker::run_lane(Lane& lane) {
  const Step* step = lane.at;
  // A lane goes on behind the step where it waited.
  if (lane.state == LaneState::kBarrier || lane.state == LaneState::kSubgroup) ++step;
  lane.state = LaneState::kReady;
  while (step) step = step->run(lane, step);
}

void Worker::run_workgroup(std::uint64_t linear) {
  const auto& groups = state.launch.groups;
  std::array<std::uint32_t, 3> place{static_cast<std::uint32_t>(linear % groups[0]),
                                     static_cast<std::uint32_t>(linear / groups[0] % groups[1]),
                                     static_cast<std::uint32_t>(linear / groups[0] / groups[1])};
  for (std::size_t i = 0; i < 3; ++i) place[i] += state.launch.base_groups[i];
  std::fill(workgroup.begin(), workgroup.end(), Slot{0});
  for (const auto& [offset, value] : program.workgroup_initial)
    std::memcpy(reinterpret_cast<std::uint8_t*>(workgroup.data()) + offset, value.data(),
                value.size() * sizeof(Slot));
  group = linear;
  barriers = 0;
  if (observer)
    observer->begin_group(reinterpret_cast<std::uintptr_t>(workgroup.data()),
                          workgroup.size() * sizeof(Slot));
  if (!program.has_barriers && !program.lockstep) return run_each(place);
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    lanes[i].base[0] = stacks.data() + i * program.stack_slots;
    start_lane(lanes[i], static_cast<std::uint32_t>(i), place);
  }
  while (run_phase()) {
  }
}

void Worker::run_each(const std::array<std::uint32_t, 3>& place) {
  const std::uint32_t count = program.local_size[0] * program.local_size[1] * program.local_size[2];
  for (std::uint32_t i = 0; i < count && !stopped(); ++i) {
    lanes[0].base[0] = stacks.data();
    start_lane(lanes[0], i, place);
    run_lane(lanes[0]);
  }
}

// Runs every lane to its next barrier or its end; false when the workgroup is finished.
bool Worker::run_phase() {
  if (program.lockstep) {
    for (std::size_t first = 0; first < lanes.size() && !stopped(); first += program.subgroup_size)
      run_subgroup(first, std::min<std::size_t>(program.subgroup_size, lanes.size() - first));
  } else {
    for (Lane& lane : lanes) {
      if (stopped()) return false;
      if (lane.state != LaneState::kDone) run_lane(lane);
    }
  }
  return !stopped() && release_barrier();
}

namespace {

// Structured order: where the outermost frames differ decides; then a caller at its call
// comes before its callee.
int compare_positions(const Lane& a, const Lane& b) {
  const std::uint32_t common = std::min(a.depth, b.depth);
  for (std::uint32_t i = 0; i < common; ++i)
    if (a.frames[i].call != b.frames[i].call) return a.frames[i].call < b.frames[i].call ? -1 : 1;
  const Step* at_a = a.depth > common ? a.frames[common].call : a.at;
  const Step* at_b = b.depth > common ? b.frames[common].call : b.at;
  if (at_a != at_b) return at_a < at_b ? -1 : 1;
  return a.depth == b.depth ? 0 : a.depth < b.depth ? -1 : 1;
}

}  // namespace

// The lanes that are furthest behind run together up to the next mark; a subgroup operation
// that they reach is executed for all of them. Because every construct is a contiguous range
// of steps, a lane that has left a construct waits there for those that are still inside.
void Worker::run_subgroup(std::size_t first, std::size_t count) {
  std::vector<Lane*> runnable, together;
  for (std::size_t i = first; i < first + count; ++i) {
    Lane& lane = lanes[i];
    if (lane.state == LaneState::kDone) continue;
    if (lane.state == LaneState::kBarrier) {
      ++lane.at;
      lane.state = LaneState::kReady;
    }
    runnable.push_back(&lane);
  }
  active.size = program.subgroup_size;
  while (!runnable.empty()) {
    if (stopped()) return;
    const Lane* behind = runnable.front();
    for (const Lane* lane : runnable)
      if (compare_positions(*lane, *behind) < 0) behind = lane;
    together.clear();
    for (Lane* lane : runnable)
      if (lane == behind || compare_positions(*lane, *behind) == 0) together.push_back(lane);
    if (!run_together(together, first)) return;
    std::erase_if(runnable, [](const Lane* lane) {
      return lane->state == LaneState::kDone || lane->state == LaneState::kBarrier;
    });
  }
}

// Runs lanes that are at the same place to their next mark or end, subgroup operations
// included; false if one failed.
bool Worker::run_together(std::span<Lane* const> together, std::size_t first) {
  for (;;) {
    bool waits = false;
    for (Lane* lane : together) {
      const Step* step = lane->at;
      if (lane->state == LaneState::kSubgroup || step->run == kControl.mark) ++step;
      lane->state = LaneState::kReady;
      while (step) step = step->run(*lane, step);
      if (lane->state == LaneState::kFailed) return false;
      waits |= lane->state == LaneState::kSubgroup;
    }
    if (!waits) return true;
    active.lanes.fill(nullptr);
    for (Lane* lane : together) active.lanes[lane->index - first] = lane;
    const Step& step = *together.front()->at;
    program.groups[step.extra].run(active, step);
  }
}

// All lanes are at a barrier or done; true if there is a barrier to pass.
bool Worker::release_barrier() {
  const Lane* waiting = nullptr;
  for (const Lane& lane : lanes) {
    if (lane.state != LaneState::kBarrier) continue;
    if (!waiting) waiting = &lane;
    if (compare_positions(*waiting, lane) != 0) {
      state.fail_with(fmt::format(
          "divergent barrier: {} waits at {}, {} at {}; all invocations of a workgroup must reach "
          "the same barrier",
          position(*waiting), program.describe(waiting->at), position(lane),
          program.describe(lane.at)));
      return false;
    }
  }
  ++barriers;
  return waiting != nullptr;
}

}  // namespace sokr::reference
