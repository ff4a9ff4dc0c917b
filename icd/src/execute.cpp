// SPDX-License-Identifier: MIT OR Apache-2.0
#include "execute.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "device.hpp"

namespace sokr::icd {
namespace {

using Clock = std::chrono::steady_clock;

// Queries that take about as long as kPieceBytes of a copy.
constexpr VkDeviceSize kPieceQueries = 4096;

SokrBinding null_binding(const Use& use, std::uint32_t index) {
  SokrBinding binding{};
  binding.set = use.set;
  binding.binding = use.binding;
  binding.index = index;
  binding.access = SOKR_ACCESS_READ_WRITE;
  return binding;
}

// What a dynamic offset makes of a descriptor.
Slice moved(const Descriptor& descriptor, std::uint32_t offset) {
  Slice slice = descriptor.memory;
  if (offset == 0) return slice;
  // The range moves as it is; VK_WHOLE_SIZE has nothing behind it, and ends where the buffer does.
  const VkDeviceSize all = slice.size + descriptor.rest;
  if (offset >= all) return {};
  slice.offset += offset;
  slice.size = std::min(slice.size, all - offset);
  return slice;
}

void bind_elements(const Recording& recording, const BoundSet& bound, const BindingPlace& place,
                   const Use& use, std::vector<SokrBinding>& out) {
  SetContents& set = *bound.contents;
  if (place.type == VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK) {
    SokrBinding binding = null_binding(use, 0);
    binding.kind = SOKR_BINDING_HOST;
    binding.access = SOKR_ACCESS_READ;
    binding.resource = reinterpret_cast<std::uintptr_t>(set.bytes.data() + place.first_byte);
    binding.size = set.count(place);
    if (binding.size == 0) binding = null_binding(use, 0);
    out.push_back(binding);
    return;
  }
  const std::uint32_t has = is_buffer(place.type) ? set.count(place) : 0;
  const std::uint32_t wanted = use.count ? use.count : has;
  const std::lock_guard lock(set.mutex);
  for (std::uint32_t i = 0; i < wanted; ++i) {
    SokrBinding binding = null_binding(use, i);
    if (i < has) {
      const Descriptor& element = set.elements[place.first + i];
      const std::uint32_t dynamic = place.first_dynamic + i;
      const bool moves = is_dynamic(place.type) && dynamic < bound.offset_count;
      const Slice slice =
          moves ? moved(element, recording.offsets[bound.first_offset + dynamic]) : element.memory;
      if (std::byte* data = slice.data()) {
        binding.kind = SOKR_BINDING_HOST;
        binding.access = use.access;
        binding.resource = reinterpret_cast<std::uintptr_t>(data);
        binding.size = slice.size;
      }
    }
    // What a launch does not name of an array without a length is null: most of a large one is.
    if (use.count || binding.kind != SOKR_BINDING_NULL) out.push_back(binding);
  }
}

void bind(const Recording& recording, const DispatchState& state, std::vector<SokrBinding>& out) {
  out.clear();
  for (const Use& use : state.program->uses) {
    const BoundSet* bound =
        use.set < state.set_count ? &recording.sets[state.first_set + use.set] : nullptr;
    const BindingPlace* place =
        bound && bound->contents ? bound->contents->shape->find(use.binding) : nullptr;
    if (place) {
      bind_elements(recording, *bound, *place, use, out);
    } else {
      for (std::uint32_t i = 0; i < use.count; ++i) out.push_back(null_binding(use, i));
    }
  }
}

// All updates of all sets that are bound.
std::uint64_t updates_of(const Recording& recording, const DispatchState& state) {
  std::uint64_t all = 0;
  for (std::uint32_t i = 0; i < state.set_count; ++i) {
    const SetContents* set = recording.sets[state.first_set + i].contents.get();
    if (set) all += set->updates.load(std::memory_order_acquire);
  }
  return all;
}

// Writes a launch of this state, from workgroup `base` on; how many workgroups follow is written
// into it by set_groups.
void write_launch(const Recording& recording, const DispatchState& state,
                  const std::array<std::uint32_t, 3>& base, Scratch& scratch, WrittenLaunch& out) {
  out.state = nullptr;
  bind(recording, state, scratch.bindings);
  SokrLaunch launch{};
  std::copy(base.begin(), base.end(), launch.base_groups);
  launch.bindings = scratch.bindings.data();
  launch.binding_count = static_cast<std::uint32_t>(scratch.bindings.size());
  launch.push_size = state.program->push_size;
  launch.push = launch.push_size ? recording.bytes.data() + state.push : nullptr;
  const std::size_t size = sokr_launch_size(&launch);
  if (out.params.size() < size) out.params.resize(size);
  out.size = sokr_launch_write(&launch, out.params.data(), out.params.size());
}

void set_groups(WrittenLaunch& launch, const std::array<std::uint32_t, 3>& groups) {
  static_assert(sizeof groups == sizeof SokrLaunchHeader::groups);
  if (launch.size == 0) return;  // more than a launch can say: it is refused
  std::memcpy(launch.params.data() + offsetof(SokrLaunchHeader, groups), groups.data(),
              sizeof groups);
}

// What a launch may be expected to take that is waited for beyond the deadline: to be over with it
// costs the program less than to leave it to another thread, and to be woken by that.
constexpr std::chrono::nanoseconds kBrief = std::chrono::milliseconds{4};

// What is expected of launches that took longer than was expected: of so many more nothing is.
constexpr std::uint32_t kDoubt = 8, kMostDoubt = 64;

bool seems_brief(float group_ns, double groups) {
  return group_ns > 0 && group_ns * groups < static_cast<double>(kBrief.count());
}

bool is_brief(const Program& program, double groups) {
  return program.doubt.load(std::memory_order_relaxed) == 0 &&
         seems_brief(program.group_ns.load(std::memory_order_relaxed), groups);
}

// Other programs on the machine make launches longer than they are: the shortest counts, and what
// is longer only bit by bit. A kernel that is long now and then, by its data, is doubted.
void note(const Program& program, double groups, Clock::duration taken) {
  const auto now = static_cast<float>(static_cast<double>(std::chrono::nanoseconds(taken).count()) /
                                      std::max(groups, 1.0));
  const float known = program.group_ns.load(std::memory_order_relaxed);
  const float next = known > 0 ? std::min(now, known * 1.25f) : now;
  program.group_ns.store(next, std::memory_order_relaxed);
  std::uint32_t doubt = program.doubt.load(std::memory_order_relaxed);
  if (taken < kBrief) {
    doubt -= doubt ? 1 : 0;
  } else if (seems_brief(known, groups)) {
    doubt = std::min(doubt + kDoubt, kMostDoubt);
  }
  program.doubt.store(doubt, std::memory_order_relaxed);
}

// Waits for a launch as long as the deadline allows, and a little longer for what ought to be
// brief.
Progress finish(Device& device, const Program& program, Position& at,
                const Clock::time_point* deadline) {
  // What is short was over when dispatch returned, and is asked for without looking at the clock.
  SokrCompletionQuery query{at.running, 0};
  SokrCompletionSignal signal = SOKR_COMPLETION_FAILED;
  SokrResult result = sokr_completion(&query, &signal);
  if (signal == SOKR_COMPLETION_PENDING) {
    const Clock::time_point now = Clock::now();
    if (at.began == Clock::time_point{}) at.began = now;
    query.timeout_ns = UINT64_MAX;
    if (deadline) {
      Clock::time_point until = *deadline;
      if (is_brief(program, at.groups)) until = std::max(until, at.began + kBrief);
      if (now >= until) return Progress::TimeIsUp;
      query.timeout_ns = static_cast<std::uint64_t>((until - now).count());
    }
    result = sokr_completion(&query, &signal);
  }
  if (signal == SOKR_COMPLETION_PENDING || signal == SOKR_COMPLETION_TIMEDOUT) {
    return Progress::TimeIsUp;
  }
  const SokrCompletionToken token = at.running;
  at.running = 0;
  at.has_waited = at.began != Clock::time_point{};
  if (at.has_waited) note(program, at.groups, Clock::now() - at.began);
  at.began = {};
  if (signal == SOKR_COMPLETION_COMPLETE) {
    if (!program.is_compiled()) program.was_launched.store(true, std::memory_order_relaxed);
    return Progress::Done;
  }
  device.lose(result == SOKR_OK ? device.substrate.error_of(token) : device.substrate.last_error());
  return Progress::Failed;
}

class Executor {
 public:
  Executor(Device& device, const Recording& recording, Position& at, Scratch& scratch,
           const Clock::time_point* deadline, Patience patience)
      : device_(device),
        recording_(recording),
        at_(at),
        scratch_(scratch),
        deadline_(deadline),
        patience_(patience) {}

  Progress operator()(const command::Dispatch& c) { return launch(c.state, c.base, c.groups); }

  Progress operator()(const command::DispatchIndirect& c) {
    std::array<std::uint32_t, 3> groups{};
    const std::byte* from = c.groups.data();
    if (from && c.groups.size >= sizeof groups) std::memcpy(groups.data(), from, sizeof groups);
    return launch(c.state, {0, 0, 0}, groups);
  }

  Progress operator()(const command::Copy& c) {
    const VkDeviceSize size = std::min(c.from.size, c.to.size);
    return in_pieces(size, kPieceBytes, [&](VkDeviceSize first, VkDeviceSize count) {
      std::byte* to = c.to.data();
      if (!to) return;
      if (const std::byte* from = c.from.data()) {
        std::memmove(to + first, from + first, count);
      } else {  // freed, and read as kernels read it
        std::memset(to + first, 0, count);
      }
    });
  }

  Progress operator()(const command::Fill& c) {
    return in_pieces(c.to.size / 4, kPieceBytes / 4, [&](VkDeviceSize first, VkDeviceSize count) {
      std::byte* to = c.to.data();
      for (VkDeviceSize i = first; to && i < first + count; ++i) {
        std::memcpy(to + i * 4, &c.data, 4);
      }
    });
  }

  Progress operator()(const command::Update& c) {
    if (std::byte* to = c.to.data()) std::memcpy(to, recording_.bytes.data() + c.from, c.to.size);
    return Progress::Done;
  }

  Progress operator()(const command::SetEvent& c) {
    std::lock_guard lock(device_.monitor.mutex);
    c.event->set.store(c.to, std::memory_order_release);
    device_.monitor.notify();
    return Progress::Done;
  }

  Progress operator()(const command::WaitEvent& c) {
    const auto ready = [&] {
      return c.event->set.load(std::memory_order_acquire) || device_.lost.load() ||
             device_.ending.load();
    };
    if (ready()) return Progress::Done;
    if (patience_ != Patience::Waits) return Progress::WaitsForEvent;
    std::unique_lock lock(device_.monitor.mutex);
    device_.monitor.wait(lock, nullptr, ready);
    return Progress::Done;
  }

  Progress operator()(const command::WriteQuery& c) {
    if (!c.pool->has(c.query, 1)) return Progress::Done;
    const auto now = Clock::now().time_since_epoch();
    std::lock_guard lock(device_.monitor.mutex);
    c.pool->write(c.query, c.timestamp
                               ? static_cast<std::uint64_t>(std::chrono::nanoseconds(now).count())
                               : 0);
    device_.monitor.notify();
    return Progress::Done;
  }

  Progress operator()(const command::ResetQueries& c) {
    if (!c.pool->has(c.first, c.count)) return Progress::Done;
    return in_pieces(c.count, kPieceQueries, [&](VkDeviceSize first, VkDeviceSize count) {
      c.pool->reset(c.first + static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count));
    });
  }

  Progress operator()(const command::CopyQueries& c) {
    if (!c.pool->has(c.first, c.count)) return Progress::Done;
    return in_pieces(c.count, kPieceQueries, [&](VkDeviceSize first, VkDeviceSize count) {
      std::byte* to = c.to.data();
      const VkDeviceSize at = first * c.stride;
      if (!to || at >= c.to.size) return;
      c.pool->give(c.first + static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count),
                   to + at, c.to.size - at, c.stride, c.flags);
    });
  }

  Progress operator()(const command::Label& c) {
    scratch_.labels.take(c.what, c.name);
    return Progress::Done;
  }

  Progress operator()(const command::OnImages& c) { return in_pieces(c.steps, c.piece, *c.run); }

 private:
  // Does all of a transfer, piece by piece, as far as the deadline allows; later it goes on from
  // there.
  template <class Run>
  Progress in_pieces(VkDeviceSize all, VkDeviceSize piece, Run&& run) {
    while (at_.transferred < all) {
      const VkDeviceSize count = std::min(piece, all - at_.transferred);
      run(at_.transferred, count);
      at_.transferred += count;
      if (deadline_ && at_.transferred < all && Clock::now() >= *deadline_) {
        return Progress::TimeIsUp;
      }
    }
    at_.transferred = 0;
    at_.has_waited = all >= piece;
    return Progress::Done;
  }

  // A launch of this state, from workgroup `base` on; written anew only if it would be another one.
  WrittenLaunch& written(const DispatchState& state, const std::array<std::uint32_t, 3>& base) {
    WrittenLaunch& launch = recording_.executions > 1 ? state.written : scratch_.written;
    const std::uint64_t freed = device_.memory.freed(), updates = updates_of(recording_, state);
    if (launch.state == &state && launch.freed == freed && launch.updates == updates &&
        base == launch.base) {
      return launch;
    }
    write_launch(recording_, state, base, scratch_, launch);
    launch.freed = freed;
    launch.updates = updates;
    launch.base = base;
    launch.state = &state;
    return launch;
  }

  Progress launch(std::uint32_t index, const std::array<std::uint32_t, 3>& base,
                  const std::array<std::uint32_t, 3>& groups) {
    if (groups[0] == 0 || groups[1] == 0 || groups[2] == 0) return Progress::Done;
    const DispatchState& state = recording_.states[index];
    WrittenLaunch& launch = written(state, base);
    set_groups(launch, groups);
    // Whatever memory was wanting for that is told to who submits.
    if (patience_ == Patience::None && !state.program->is_compiled()) return Progress::TimeIsUp;
    const SokrPreparedIr ir = sokr_prepared_ir(state.program->kernel);
    SokrDispatchRequest request{};
    request.substrate_id = device_.substrate.id;
    request.ir_data = reinterpret_cast<const std::uint8_t*>(&ir);
    request.ir_data_len = sizeof ir;
    request.params = launch.params.data();
    request.params_len = launch.size;
    SokrDispatchResponse started{};
    if (sokr_dispatch(&request, &started) != SOKR_OK) {
      device_.lose("a dispatch of " + std::to_string(groups[0]) + " x " +
                   std::to_string(groups[1]) + " x " + std::to_string(groups[2]) +
                   " workgroups: " + device_.substrate.last_error());
      return Progress::Failed;
    }
    at_.running = started.completion_token;
    at_.groups = static_cast<double>(groups[0]) * groups[1] * groups[2];
    return finish(device_, *state.program, at_, deadline_);
  }

  Device& device_;
  const Recording& recording_;
  Position& at_;
  Scratch& scratch_;
  const Clock::time_point* deadline_;
  const Patience patience_;
};

bool overlap_written(const SokrBinding& a, const SokrBinding& b) {
  return ((a.access | b.access) & SOKR_ACCESS_WRITE) != 0 && a.resource < b.resource + b.size &&
         b.resource < a.resource + a.size;
}

// Of a command that launches.
const Program& program_of(const Recording& recording, const Command& command) {
  const auto* direct = std::get_if<command::Dispatch>(&command);
  const std::uint32_t state =
      direct ? direct->state : std::get<command::DispatchIndirect>(command).state;
  return *recording.states[state].program;
}

}  // namespace

bool binds_what_overlaps(const Recording& recording, const DispatchState& state) {
  constexpr std::size_t kMost = 64;  // each is compared with each
  for (std::uint32_t i = 0; i < state.set_count; ++i) {
    const SetContents* set = recording.sets[state.first_set + i].contents.get();
    if (set && (set->shape->late || set->elements.size() > kMost)) return false;
  }
  std::vector<SokrBinding> bindings;
  bind(recording, state, bindings);
  if (bindings.size() > kMost) return false;
  for (auto a = bindings.begin(); a != bindings.end(); ++a)
    for (auto b = a + 1; b != bindings.end(); ++b)
      if (overlap_written(*a, *b)) return true;
  return false;
}

Progress execute(Device& device, const Recording& recording, Position& at, Scratch& scratch,
                 const Clock::time_point* deadline, Patience patience) {
  if (at.running) {
    const Progress progress =
        finish(device, program_of(recording, recording.commands[at.command]), at, deadline);
    if (progress != Progress::Done) return progress;
    ++at.command;
  }
  scratch.written.state = nullptr;  // of another recording, at the same place perhaps
  if (at.command == 0 && recording.executions < 2) ++recording.executions;
  Executor executor(device, recording, at, scratch, deadline, patience);
  while (at.command < recording.commands.size()) {
    const Progress progress = std::visit(executor, recording.commands[at.command]);
    if (progress != Progress::Done) return progress;
    ++at.command;
    const bool looks = deadline && (at.has_waited || at.command % 16 == 0);
    at.has_waited = false;
    // What is over is not left to anybody.
    if (looks && at.command < recording.commands.size() && Clock::now() >= *deadline) {
      return Progress::TimeIsUp;
    }
  }
  return Progress::Done;
}

}  // namespace sokr::icd
