// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/executor.hpp"

#include <algorithm>
#include <cstring>
#include <sokr/substrate/tasks.hpp>
#include <utility>

namespace sokr::cpu {
namespace {

using Clock = std::chrono::steady_clock;

// Of workgroups that last this long, one more thread takes one at once; of shorter ones a thread
// that finds itself alone after some calls it.
constexpr std::chrono::microseconds kReserveFrom{100};
// So many tasks for each thread are more than what waits for somebody to take part.
constexpr std::uint32_t kBacklogPerThread = 4;
// A thread of the crew goes on with what became ready for so long before others have their turn.
constexpr std::chrono::milliseconds kTurn{1};
// It looks at the clock once in so many: they are short, each less than kBriefNanoseconds.
constexpr std::uint32_t kLaunchesPerLook = 8;
// A thread that ran dry looks out for so long, about what the system takes to wake one twice.
constexpr std::chrono::microseconds kLookout{40};
// oneTBB's arenas have two slots at least, however few threads they are to have.
constexpr std::size_t kMoreSlots = 2;

const std::uint32_t kNeverAborted = 0;

}  // namespace

Executor::Executor(unsigned threads, Ended ended, const substrate::Host& host)
    : ended_(std::move(ended)), trace_(host), crew_(threads), lookout_(threads + kMoreSlots) {}

void Executor::drain() noexcept {
  tasks_[0]->await_none();
}

bool Executor::is_short(const Runnable& kernel, const std::array<std::uint32_t, 3>& groups) {
  if (kernel.has_loops) return false;
  const double known = kernel.ns_per_group.load(std::memory_order_relaxed);
  // So many are never short; of fewer the third count makes no more than 64 bits hold.
  std::uint64_t total = std::uint64_t{groups[0]} * groups[1];
  if (total > UINT32_MAX) return false;
  total *= groups[2];
  return known > 0 && known * static_cast<double>(total) < kBriefNanoseconds;
}

void Executor::run_here(const Runnable& kernel, const Bindings& bindings,
                        std::span<const std::uint8_t> given,
                        const std::array<std::uint32_t, 3>& groups,
                        const std::array<std::uint32_t, 3>& base_groups) {
  substrate::InlineVector<std::uint64_t, 32> push;
  push.resize(push_words(kernel));
  if (!given.empty()) std::memcpy(push.data(), given.data(), given.size());
  KernelContext context;
  context.bindings = bindings.data();
  context.push_constants = push.data();
  const std::uint32_t total = set_group_count(context, groups);
  std::ranges::copy(base_groups, context.base_group);
  context.abort = &kNeverAborted;
  if (is_time_to_measure()) {
    const Clock::time_point start = Clock::now();
    run_groups(kernel, context, 0, total, scratch_);
    const Clock::duration duration = Clock::now() - start;
    note_duration(kernel, total, duration);
    note_use(kernel, duration * kMeasureEvery);
  } else {
    run_groups(kernel, context, 0, total, scratch_);
  }
}

void Executor::start(const LaunchPointer& launch, const std::array<std::uint32_t, 3>& groups) {
  launch->set_groups(groups, crew_.threads());
  if (launch->total() != 0) hand_out(launch);
  // Not before: a launch that is handed to nobody fails, and nobody who waits for it may run it
  // then.
  launch->open();
  if (launch->total() == 0) ended_(launch);
}

// What a task of the crew needs.
struct Executor::Task {
  Executor* executor;
  LaunchPointer launch;
  bool of_reserve;
  std::shared_ptr<TaskCounts> counts;
  std::size_t counted;
};

// The work of a thread of the crew: a launch, and then one that became ready because of it. If that
// is short it is worth less than waking another thread for it.
struct Executor::Worker {
  static thread_local Worker* here;
  const Executor* executor;
  bool is_reserve;
  LaunchPointer next;
};

thread_local Executor::Worker* Executor::Worker::here = nullptr;

void Executor::run(Task* task) noexcept {
  while (task) task = task->executor->run_one(task);
}

// The next task of this thread, if there is one by then.
Executor::Task* Executor::run_one(Task* task) noexcept {
  const std::unique_ptr<Task> mine(task);
  const std::size_t place =
      mine->of_reserve
          ? 0
          : static_cast<std::size_t>(std::max(tbb::this_task_arena::current_thread_index(), 0)) + 1;
  // Home 0 is the waiting thread's; the reserve stands in for it.
  const std::uint32_t home = crew_.has_reserve() ? static_cast<std::uint32_t>(place) : 0;
  lookout_.note_begun(place);
  if (trace_.is_on()) PieceTrace::name_this_thread(PieceTrace::Kind::kWorker);
  Worker worker{this, mine->of_reserve, nullptr};
  Worker::here = &worker;
  const Clock::time_point turn_ends = Clock::now() + kTurn;
  std::uint32_t done = 0;
  for (LaunchPointer launch = std::move(mine->launch); launch;) {
    work_on(launch, home, Clock::time_point::max());
    launch = std::move(worker.next);
    if (!launch || (launch->is_brief() && ++done % kLaunchesPerLook != 0) ||
        Clock::now() < turn_ends)
      continue;
    // A chain without end would keep everybody else from this thread.
    try {
      enqueue(launch, false);
      launch.reset();
    } catch (...) {
    }
  }
  Worker::here = nullptr;
  // Not while tasks lie where only a thread that ends this one finds them.
  void* const next =
      lookout_.look(place, kLookout, [&] { return tasks_[0]->put() == lookout_.begun(); });
  // The executor may be gone as soon as this was counted, unless there is another task: nothing of
  // it after that.
  mine->counts->end(mine->counted);
  return static_cast<Task*>(next);
}

// Throws if nobody could be found to work on it.
void Executor::hand_out(const LaunchPointer& launch) {
  std::uint32_t tasks = std::max(crew_.threads() - 1, 1u);
  if (Worker* worker = Worker::here; worker && worker->executor == this && !worker->next) {
    worker->next = launch;
    if (launch->is_brief()) return;
    // Whoever waits for it may sleep, since it was not ready before. The reserve costs nothing
    // while it looks out.
    if (!worker->is_reserve) {
      --tasks;
      if (lookout_.anybody_at(0)) call_reserve(launch);
    }
    try {
      spread(launch, std::min(tasks, launch->total() - 1));
    } catch (...) {
      // This thread does it.
    }
  } else {
    if (launch->is_brief()) tasks = 1;
    spread(launch, std::min(tasks, launch->total()));
  }
  const bool backlog = tasks_[0]->left() > kBacklogPerThread * crew_.threads();
  if (backlog || launch->has_long_groups(kReserveFrom)) call_reserve(launch);
}

// Lets up to so many threads work on it. Throws if not even one could be told.
void Executor::spread(const LaunchPointer& launch, std::uint32_t tasks) {
  for (std::uint32_t i = 0; i < tasks; ++i) {
    try {
      enqueue(launch, false);
    } catch (...) {
      if (i == 0) throw;
      return;
    }
  }
}

// Lets the reserve work on it too, once.
void Executor::call_reserve(const LaunchPointer& launch) noexcept {
  if (!crew_.has_reserve() || !launch->claim_reserve()) return;
  try {
    enqueue(launch, true);
  } catch (...) {
    // The others do it.
  }
}

void Executor::enqueue(const LaunchPointer& launch, bool to_reserve) {
  const std::size_t counted = tasks_[0]->add();
  try {
    auto task = std::make_unique<Task>(this, launch, to_reserve, tasks_[counted], counted);
    const std::size_t first = to_reserve ? 0 : 1;
    if (lookout_.give(task.get(), first, to_reserve ? 1 : SIZE_MAX)) return (void)task.release();
    substrate::enqueue<&Executor::run>(to_reserve ? crew_.reserve() : crew_.arena(), task.get());
    (void)task.release();
  } catch (...) {
    // It counts as one that began and ended: whoever sleeps until there are none is told of it.
    lookout_.note_begun(SIZE_MAX);
    tasks_[0]->end(counted);
    throw;
  }
}

void Executor::work_on(const LaunchPointer& launch, std::uint32_t home,
                       Clock::time_point deadline) noexcept {
  const PieceTrace* const trace = trace_.is_on() ? &trace_ : nullptr;
  if (!launch->work(scratch_, home, deadline, [&] { call_reserve(launch); }, trace)) return;
  ended_(launch);
  launch->note_over();
}

void Executor::take_part(const LaunchPointer& launch, Clock::time_point deadline) {
  if (launch->has_unclaimed()) {
    bool endless = deadline == Clock::time_point::max();
    auto chunk = launch->expected_chunk();
    // Who sleeps leaves a processor to others.
    if (!endless && (!chunk || Clock::now() + 2 * *chunk >= deadline)) return call_reserve(launch);
    work_on(launch, 0, deadline);
    if (!endless && launch->has_unclaimed()) {
      try {
        return enqueue(launch, false);
      } catch (...) {
        // Nobody else may be there: late is better than never.
        work_on(launch, 0, Clock::time_point::max());
      }
    }
  }
  await_end(*launch, deadline);
}

// What others are about to end.
void Executor::await_end(const Launch& launch, Clock::time_point deadline) const {
  if (crew_.has_reserve())
    spin_until([&] { return launch.is_over(); }, std::min(deadline, Clock::now() + kLookout));
}

}  // namespace sokr::cpu
