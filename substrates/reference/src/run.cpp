// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cfenv>
#include <exception>
#include <memory>
#include <sokr/substrate/tasks.hpp>

#include "worker.hpp"

namespace sokr::reference {

namespace {

// Workers are reused from one workgroup to the next; there are as many as threads that run
// at the same time.
class WorkerPool {
 public:
  explicit WorkerPool(LaunchState& state) : state_(state) {}

  std::unique_ptr<Worker> acquire() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        auto worker = std::move(free_.back());
        free_.pop_back();
        return worker;
      }
    }
    return std::make_unique<Worker>(state_);
  }
  void release(std::unique_ptr<Worker> worker) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(worker));
  }

 private:
  LaunchState& state_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> free_;
};

// The floating-point environment of the kernel: default, with the entry point's rounding.
class FloatEnvironment {
 public:
  explicit FloatEnvironment(bool toward_zero) {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
    if (toward_zero) std::fesetround(FE_TOWARDZERO);
  }
  ~FloatEnvironment() { std::fesetenv(&saved_); }
  FloatEnvironment(const FloatEnvironment&) = delete;
  FloatEnvironment& operator=(const FloatEnvironment&) = delete;

 private:
  std::fenv_t saved_;
};

// False: the launch goes no further.
bool run_one(LaunchState& state, WorkerPool& workers, std::uint64_t index) {
  if (state.stopped()) return false;
  try {
    auto worker = workers.acquire();
    const FloatEnvironment environment(state.program.round_toward_zero);
    worker->run_workgroup(index);
    workers.release(std::move(worker));
  } catch (const std::bad_alloc&) {
    state.fail_with("out of memory while running a workgroup");
  }
  return !state.stopped();
}

}  // namespace

Result<RunReport> run(const Program& program, const Launch& launch) {
  std::uint64_t groups = 0;
  if (__builtin_mul_overflow(std::uint64_t{launch.groups[0]} * launch.groups[1],
                             std::uint64_t{launch.groups[2]}, &groups))
    return fail(SOKR_INVALID_INPUT, "{} x {} x {} workgroups are more than 2^64 - 1",
                launch.groups[0], launch.groups[1], launch.groups[2]);
  try {
    LaunchState state(program, launch);
    WorkerPool workers(state);
    substrate::parallel_for(groups,
                            [&](std::uint64_t index) { return run_one(state, workers, index); });
    const std::lock_guard lock(state.mutex);
    if (state.failure) return *std::move(state.failure);
    if (launch.stop && launch.stop->load(std::memory_order_relaxed))
      return fail(SOKR_DISPATCH_FAILED, "the launch was abandoned");
    RunReport report{state.out_of_bounds_reads, state.out_of_bounds_writes,
                     std::move(state.first_out_of_bounds)};
    if (launch.out_of_bounds == OutOfBounds::kFail && !report.first_out_of_bounds.empty())
      return fail(SOKR_DISPATCH_FAILED, "{}", report.first_out_of_bounds);
    return report;
  } catch (const std::bad_alloc&) {
    return fail(SOKR_DISPATCH_FAILED, "out of memory while running {} workgroups", groups);
  }
}

}  // namespace sokr::reference
