// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/crew.hpp"

#include <tbb/global_control.h>
#include <tbb/info.h>

#include <algorithm>
#include <memory>

namespace sokr::cpu {
namespace {

// oneTBB has one number of workers for all arenas of a process, one less than processors unless
// told otherwise, and an arena that gets none of them waits until another one has nothing to do.
// So it is told the sum of what all crews need. Of several such controls the smallest counts: there
// is one, and that of a program that wants fewer threads is heeded.
class Workers {
 public:
  static Workers& of_process() {
    // Never destroyed: a substrate may outlive the statics.
    static Workers* const workers = new Workers;
    return *workers;
  }
  void add(unsigned threads) { change(threads, 0); }
  void remove(unsigned threads) { change(0, threads); }

 private:
  void change(unsigned more, unsigned fewer) {
    using tbb::global_control;
    constexpr auto kThreads = global_control::max_allowed_parallelism;
    std::lock_guard lock(mutex_);
    threads_ = threads_ + more - fewer;
    const std::size_t least = static_cast<std::size_t>(tbb::info::default_concurrency());
    // One more than workers: oneTBB counts the thread that starts them.
    std::unique_ptr<global_control> next;
    if (threads_ != 0)
      next = std::make_unique<global_control>(kThreads, std::max(least, threads_ + 1));
    control_ = std::move(next);
  }

  std::mutex mutex_;
  std::size_t threads_ = 0;
  std::unique_ptr<tbb::global_control> control_;
};

}  // namespace

Crew::~Crew() {
  if (counted_) Workers::of_process().remove(threads_);
}

void Crew::prepare() {
  std::call_once(prepared_, [this] {
    Workers::of_process().add(threads_);
    counted_ = true;
    arena_.initialize(static_cast<int>(std::max(threads_ - 1, 1u)), 0);
    if (has_reserve()) reserve_.initialize(1, 0);
  });
}

tbb::task_arena& Crew::arena() {
  prepare();
  return arena_;
}

tbb::task_arena& Crew::reserve() {
  prepare();
  return reserve_;
}

}  // namespace sokr::cpu
