// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/improver.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace sokr::cpu {

Improver::~Improver() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    std::erase_if(tasks_, [](const Task& task) { return !task.promised; });
  }
  cancelled_.store(true, std::memory_order_relaxed);
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Improver::put(Work work, bool promised) noexcept try {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({std::move(work), promised});
    try {
      if (threads_.size() < limit_ && busy_ + tasks_.size() > threads_.size())
        threads_.emplace_back([this] { run(); });
    } catch (const std::exception&) {
      if (threads_.empty()) {
        tasks_.pop_back();
        return false;
      }
    }
  }
  changed_.notify_all();
  return true;
} catch (const std::exception&) {
  return false;
}

void Improver::drain() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return busy_ == 0 && tasks_.empty(); });
}

void Improver::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    ++busy_;
    lock.unlock();
    try {
      task.work(task.promised ? kNever : cancelled_);
    } catch (const std::exception&) {
      // The first version goes on being used.
    }
    task.work = nullptr;  // what it holds may be large
    lock.lock();
    --busy_;
    changed_.notify_all();
  }
}

}  // namespace sokr::cpu
