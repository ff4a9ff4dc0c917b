// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/improver.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "runtime/piece_trace.hpp"

namespace sokr::cpu {
namespace {

constexpr std::atomic<bool> kNever{false};

// A quarter of a processor that others want, and all of one that nobody does. An ncnn net took 0.12
// s with first versions alone, and 0.16 while full ones were compiled beside it as if they were
// urgent.
constexpr int kPatience = 5;

// Neither before others nor as often as they. By nobody's leave: a thread may always step back.
void let_others_go_first() {
  const sched_param none{};
  (void)::pthread_setschedparam(::pthread_self(), SCHED_OTHER, &none);
  const auto self = static_cast<id_t>(::gettid());
  const int now = ::getpriority(PRIO_PROCESS, self);
  (void)::setpriority(PRIO_PROCESS, self, now + kPatience);
}

}  // namespace

const std::atomic<bool>& Improver::Turn::cancelled() const {
  return promised_ ? kNever : state_.cancelled;
}

bool Improver::Turn::try_lock() {
  if (promised_) return true;
  const std::lock_guard lock(state_.mutex);
  if (state_.ending) return false;
  ++state_.kept;
  return true;
}

void Improver::Turn::unlock() {
  if (promised_) return;
  const std::lock_guard lock(state_.mutex);
  --state_.kept;
  state_.changed.notify_all();
}

Improver::Improver(unsigned threads, unsigned urgent_threads)
    : state_(std::make_shared<State>(threads, urgent_threads)) {}

Improver::~Improver() {
  std::unique_lock lock(state_->mutex);
  state_->ending = true;
  std::erase_if(state_->patient.tasks, [](const Task& task) { return !task.promised; });
  state_->urgent.tasks.clear();
  state_->cancelled.store(true, std::memory_order_relaxed);
  state_->changed.notify_all();
  state_->changed.wait(lock, [this] { return state_->kept == 0 && state_->is_empty(); });
}

std::deque<Improver::Task>::iterator Improver::Line::place_for(const Task& task) {
  return std::ranges::upper_bound(tasks, task.size, std::greater<>(), &Task::size);
}

Improver::Task Improver::Line::take() {
  const auto gain_of = [](const Task& task) { return task.gain ? task.gain() : 0; };
  const auto first = std::ranges::max_element(tasks, std::less<>(), gain_of);
  Task task = std::move(*first);
  tasks.erase(first);
  return task;
}

bool Improver::put(Task task) noexcept try {
  State& state = *state_;
  {
    const std::lock_guard lock(state.mutex);
    Line& line = state.line_of(task.urgent);
    if (line.limit == 0) return false;
    const auto added = line.tasks.insert(line.place_for(task), std::move(task));
    try {
      if (line.threads < std::min<std::size_t>(line.limit, line.busy + line.tasks.size())) {
        std::thread([state = state_, &line] { run(state, line); }).detach();
        ++line.threads;
      }
    } catch (const std::exception&) {
      if (line.threads == 0) {
        line.tasks.erase(added);
        return false;
      }
    }
  }
  state.changed.notify_all();
  return true;
} catch (const std::exception&) {
  return false;
}

void Improver::drain() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [this] { return state_->is_idle(); });
}

void Improver::run(const std::shared_ptr<State>& shared, Line& line) {
  State& state = *shared;
  PieceTrace::name_this_thread(PieceTrace::Kind::kCompiler);
  if (&line == &state.patient) let_others_go_first();
  std::unique_lock lock(state.mutex);
  for (;;) {
    state.changed.wait(
        lock, [&] { return state.has_turn(line) || (state.ending && line.tasks.empty()); });
    if (line.tasks.empty()) return;
    Task task = line.take();
    ++line.busy;
    if (&line == &state.urgent) state.changed.notify_all();  // may leave something for the others
    state.kept += task.promised;
    lock.unlock();
    try {
      Turn turn(state, task.promised);
      task.work(turn);
    } catch (const std::exception&) {
      // The first version goes on being used.
    }
    task.work = nullptr;  // what it holds may be large
    lock.lock();
    --line.busy;
    state.kept -= task.promised;
    state.changed.notify_all();
  }
}

}  // namespace sokr::cpu
