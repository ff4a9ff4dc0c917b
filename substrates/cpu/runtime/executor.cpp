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

const std::uint32_t kNeverAborted = 0;

}  // namespace

Executor::Executor(unsigned threads, Ended ended) : ended_(std::move(ended)), crew_(threads) {}

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
  launch->open();
  if (launch->total() == 0) return ended_(launch);
  hand_out(launch);
}

// What a task of the crew needs.
struct Executor::Task {
  Executor* executor;
  LaunchPointer launch;
  bool of_reserve;
  std::shared_ptr<TaskCounts> counts;
  std::size_t counted;
};

// The work of a thread of the crew: a launch, and then whichever short one became ready because
// of it. That one is worth less than waking another thread for it.
struct Executor::Worker {
  static thread_local Worker* here;
  const Executor* executor;
  LaunchPointer next;
};

thread_local Executor::Worker* Executor::Worker::here = nullptr;

void Executor::run(Task* task) noexcept {
  const std::unique_ptr<Task> mine(task);
  Executor& self = *mine->executor;
  // Home 0 is the waiting thread's; the reserve stands in for it.
  const int place = mine->of_reserve || !self.crew_.has_reserve()
                        ? 0
                        : std::max(tbb::this_task_arena::current_thread_index(), 0) + 1;
  const auto home = static_cast<std::uint32_t>(place);
  Worker worker{&self, nullptr};
  Worker::here = &worker;
  const Clock::time_point turn_ends = Clock::now() + kTurn;
  std::uint32_t done = 0;
  for (LaunchPointer launch = std::move(mine->launch); launch;) {
    self.work_on(launch, home, Clock::time_point::max());
    launch = std::move(worker.next);
    if (!launch || ++done % kLaunchesPerLook != 0 || Clock::now() < turn_ends) continue;
    // A chain without end would keep everybody else from this thread.
    try {
      self.enqueue(launch, false);
      launch.reset();
    } catch (...) {
    }
  }
  Worker::here = nullptr;
  // The executor may be gone as soon as this was counted: nothing of it after that.
  mine->counts->end(mine->counted);
}

// An open launch. Throws if nobody could be found to work on it.
void Executor::hand_out(const LaunchPointer& launch) {
  if (Worker* worker = Worker::here; worker && worker->executor == this && launch->is_brief()) {
    if (worker->next) return enqueue(launch, false);
    worker->next = launch;
    return;
  }
  spread(launch, std::min(std::max(crew_.threads() - 1, 1u), launch->total()));
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
    substrate::enqueue<&Executor::run>(to_reserve ? crew_.reserve() : crew_.arena(), task.get());
    (void)task.release();
  } catch (...) {
    tasks_[0]->take_back(counted);
    throw;
  }
}

void Executor::work_on(const LaunchPointer& launch, std::uint32_t home,
                       Clock::time_point deadline) noexcept {
  if (launch->work(scratch_, home, deadline, [&] { call_reserve(launch); })) ended_(launch);
}

void Executor::take_part(const LaunchPointer& launch, Clock::time_point deadline) {
  if (!launch->has_unclaimed()) return;
  bool endless = deadline == Clock::time_point::max();
  auto chunk = launch->expected_chunk();
  // Who sleeps leaves a processor to others.
  if (!endless && (!chunk || Clock::now() + 2 * *chunk >= deadline)) return call_reserve(launch);
  work_on(launch, 0, deadline);
  if (!endless && launch->has_unclaimed()) enqueue(launch, false);
}

}  // namespace sokr::cpu
