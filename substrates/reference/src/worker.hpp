// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What one thread needs to run workgroups of one launch, one after the other: the lanes
// with their stacks, the Workgroup memory, the pool with this launch's pointers.
#ifndef SOKR_REFERENCE_WORKER_HPP_
#define SOKR_REFERENCE_WORKER_HPP_

#include <atomic>
#include <mutex>
#include <optional>

#include "program.hpp"

namespace sokr::reference {

// Shared by all workers of a launch.
struct LaunchState {
  const Program& program;
  const Launch& launch;
  std::vector<Range> ranges;                                          // of all descriptors
  std::vector<std::pair<std::size_t, std::uint64_t>> pointer_ranges;  // per SharedPointer:
                                                                      // first, count
  std::atomic<std::uint64_t> out_of_bounds_reads{0}, out_of_bounds_writes{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::string first_out_of_bounds;  // under mutex
  std::optional<Failure> failure;   // under mutex; the first

  LaunchState(const Program& p, const Launch& l);
  bool stopped() const {
    return failed.load(std::memory_order_relaxed) ||
           (launch.stop && launch.stop->load(std::memory_order_relaxed));
  }
  void fail_with(std::string sentence);
};

struct Worker {
  explicit Worker(LaunchState& launch_state);

  void run_workgroup(std::uint64_t linear);

  // ---- For the steps ----
  // Addresses of physical pointers; everything else is out of bounds.
  std::uint8_t* resolve_special(const Step& step, const Slot* pointer, std::uint64_t offset,
                                std::uint32_t bytes, bool write);
  // Tells the launch's observer, if there is one.
  void note_access(const Lane& lane, const Step& step, const Slot* pointer,
                   const std::uint8_t* address, std::uint32_t bytes, bool write);
  const Step* fail_lane(Lane& lane, const Step* step, std::string_view what);
  bool stopped() const { return state.stopped(); }

  // Not a null descriptor, and not a buffer.
  bool is_variable(const Slot* pointer) const;

  LaunchState& state;
  const Program& program;
  AccessObserver* observer;
  std::uint64_t group = 0;     // the workgroup being run
  std::uint32_t barriers = 0;  // that it has passed
  std::vector<Lane> lanes;
  std::vector<Slot> stacks;       // of all lanes
  std::vector<Slot> lane_memory;  // Private and Input variables of all lanes
  std::vector<Slot> pool;
  std::vector<Slot> workgroup;
  std::vector<Slot> scratch;
  ActiveSet active;

 private:
  void prepare_pool();
  void prepare_lane(Lane& lane, std::size_t stack, std::size_t memory);
  void start_lane(Lane& lane, std::uint32_t index, const std::array<std::uint32_t, 3>& place);
  void write_builtin(Lane& lane, const LaneVariable& variable,
                     const std::array<std::uint32_t, 3>& place);
  void run_each(const std::array<std::uint32_t, 3>& place);  // one lane after the other
  bool run_phase();                                          // all lanes to their next barrier
  void run_lane(Lane& lane);
  void run_subgroup(std::size_t first, std::size_t count);
  bool run_together(std::span<Lane* const> together, std::size_t first);
  bool release_barrier();
  std::string position(const Lane& lane) const;
};

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_WORKER_HPP_
