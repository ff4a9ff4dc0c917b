// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Who runs the workgroups of a launch, and where. A launch is given to the crew; whoever waits for
// it without end takes part in the work. A waiter with a limit takes part only in what is known to
// let it go in time, and sleeps otherwise: the crew then works on all processors. What becomes
// ready because something short ended is run by the thread of the crew that ended it.
//
// To sleep and to be woken takes as long as a short launch. So a thread of the crew that ran dry
// looks out for the next task for some microseconds (runtime/lookout.hpp), and so does who waits
// for what others are about to end; then both sleep.
//
// It knows kernels, workgroups and threads, and nothing of tokens or buffers.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_EXECUTOR_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_EXECUTOR_HPP_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "runtime/crew.hpp"
#include "runtime/launch.hpp"
#include "runtime/lookout.hpp"
#include "runtime/scratch.hpp"
#include "runtime/task_counts.hpp"

namespace sokr::cpu {

class Executor {
 public:
  using LaunchPointer = std::shared_ptr<Launch>;
  // Called once for each launch that was started, by the thread that ran its last workgroups.
  using Ended = std::function<void(const LaunchPointer&)>;

  // Threads that work at once, those that wait included.
  Executor(unsigned threads, Ended ended, const substrate::Host& host = substrate::Host());
  ~Executor() { drain(); }
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  unsigned threads() const { return crew_.threads(); }

  // Known to be over sooner than another thread is awake, whatever the data: with loops, other
  // data may make it endless, and nobody could abandon it on the caller's thread.
  static bool is_short(const Runnable& kernel, const std::array<std::uint32_t, 3>& groups);
  // Runs all workgroups on this thread. Throws std::bad_alloc.
  void run_here(const Runnable& kernel, const Bindings& bindings,
                std::span<const std::uint8_t> push, const std::array<std::uint32_t, 3>& groups,
                const std::array<std::uint32_t, 3>& base_groups);

  // Returns at once, or, on a thread of the crew, when a short one is to be run next. Throws if
  // nobody could be found to work on it; it is not over then.
  void start(const LaunchPointer& launch, const std::array<std::uint32_t, 3>& groups);
  // Works on a launch that was given to start(), maybe by another thread, until nothing is left to
  // claim or, about, until the deadline. Then it stays for some microseconds, if the launch ends by
  // then.
  void take_part(const LaunchPointer& launch, std::chrono::steady_clock::time_point deadline);

  // Waits until no thread of the crew is inside: all launches have to end by themselves or be
  // abandoned before.
  void drain() noexcept;

  // How many tasks the crew was given, ever; for tests and logs.
  std::uint64_t tasks_put() const { return tasks_[0]->put(); }

 private:
  struct Task;
  struct Worker;

  void hand_out(const LaunchPointer& launch);
  void spread(const LaunchPointer& launch, std::uint32_t tasks);
  void call_reserve(const LaunchPointer& launch) noexcept;
  void enqueue(const LaunchPointer& launch, bool to_reserve);
  static void run(Task* task) noexcept;
  Task* run_one(Task* task) noexcept;
  void await_end(const Launch& launch, std::chrono::steady_clock::time_point deadline) const;
  void work_on(const LaunchPointer& launch, std::uint32_t home,
               std::chrono::steady_clock::time_point deadline) noexcept;

  const Ended ended_;
  const PieceTrace trace_;
  ScratchPool scratch_;
  Crew crew_;
  Lookout lookout_;  // by slot of the arena, behind the reserve's place 0
  // Tasks of the crew. Each shares the counts, which may outlive this, by an owner of the stripe of
  // the thread that put it: owners count on a line of their own.
  std::array<std::shared_ptr<TaskCounts>, substrate::kStripes> tasks_ = TaskCounts::owners();
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_EXECUTOR_HPP_
