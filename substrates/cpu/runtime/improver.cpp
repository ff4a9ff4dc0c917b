// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/improver.hpp"

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>

#include "runtime/piece_trace.hpp"

namespace sokr::cpu {
namespace {

constexpr std::atomic<bool> kNever{false};

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

bool Improver::put(Task task) noexcept try {
  State& state = *state_;
  {
    const std::lock_guard lock(state.mutex);
    Line& line = state.line_of(task.urgent);
    const auto added = line.tasks.insert(line.place_for(task), std::move(task));
    try {
      const std::size_t wanted = state.patient.busy + state.patient.tasks.size() +
                                 state.urgent.busy + state.urgent.tasks.size();
      if (state.threads < std::min<std::size_t>(state.patient.limit + state.urgent.limit, wanted)) {
        std::thread([state = state_] { run(state); }).detach();
        ++state.threads;
      }
    } catch (const std::exception&) {
      if (state.threads == 0) {
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

void Improver::run(const std::shared_ptr<State>& shared) {
  State& state = *shared;
  PieceTrace::name_this_thread(PieceTrace::Kind::kCompiler);
  std::unique_lock lock(state.mutex);
  for (;;) {
    Line* line = nullptr;
    state.changed.wait(lock, [&] {
      line = state.next();
      return line || (state.ending && state.is_empty());
    });
    if (!line) return;
    Task task = std::move(line->tasks.front());
    line->tasks.pop_front();
    ++line->busy;
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
    --line->busy;
    state.kept -= task.promised;
    state.changed.notify_all();
  }
}

}  // namespace sokr::cpu
