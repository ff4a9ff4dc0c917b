// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/improver.hpp"

#include <exception>
#include <thread>
#include <utility>

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

Improver::Improver(unsigned threads) : limit_(threads), state_(std::make_shared<State>()) {}

Improver::~Improver() {
  std::unique_lock lock(state_->mutex);
  state_->ending = true;
  std::erase_if(state_->tasks, [](const Task& task) { return !task.promised; });
  state_->cancelled.store(true, std::memory_order_relaxed);
  state_->changed.notify_all();
  state_->changed.wait(lock, [this] { return state_->kept == 0 && state_->tasks.empty(); });
}

bool Improver::put(Work work, bool promised) noexcept try {
  State& state = *state_;
  {
    const std::lock_guard lock(state.mutex);
    state.tasks.push_back({std::move(work), promised});
    try {
      if (state.threads < limit_ && state.busy + state.tasks.size() > state.threads) {
        std::thread([state = state_] { run(state); }).detach();
        ++state.threads;
      }
    } catch (const std::exception&) {
      if (state.threads == 0) {
        state.tasks.pop_back();
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
  state_->changed.wait(lock, [this] { return state_->busy == 0 && state_->tasks.empty(); });
}

void Improver::run(const std::shared_ptr<State>& shared) {
  State& state = *shared;
  std::unique_lock lock(state.mutex);
  for (;;) {
    state.changed.wait(lock, [&] { return state.ending || !state.tasks.empty(); });
    if (state.tasks.empty()) return;
    Task task = std::move(state.tasks.front());
    state.tasks.pop_front();
    ++state.busy;
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
    --state.busy;
    state.kept -= task.promised;
    state.changed.notify_all();
  }
}

}  // namespace sokr::cpu
