// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One launch that does not run inline: what it binds, and which workgroups are still
// to be run. Any number of threads work on it at once; each claims chunks until none is
// left. It is over when the last chunk is.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_LAUNCH_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_LAUNCH_HPP_

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <sokr/substrate/host_memory.hpp>
#include <sokr/substrate/timing.hpp>
#include <span>
#include <vector>

#include "runtime/piece_trace.hpp"
#include "runtime/runnable.hpp"
#include "runtime/scratch.hpp"
#include "runtime/shares.hpp"

namespace sokr::cpu {

// Runs workgroups [begin, end) on this thread, in the floating-point mode that the kernel
// asks for, and restores the thread's own.
void run_groups(const Runnable& kernel, const KernelContext& context, std::uint32_t begin,
                std::uint32_t end, ScratchPool& scratch);

// Waking a sleeping worker costs about this much, so what is shorter is done sooner on one thread.
inline constexpr double kBriefNanoseconds = 10'000;

// Words that hold the kernel's block of push constants; what a launch leaves out is 0.
std::size_t push_words(const Runnable& kernel);

// Sets the group counts of a context; their product, which fits.
std::uint32_t set_group_count(KernelContext& context, const std::array<std::uint32_t, 3>& groups);

// Of runs that are brief one in so many is measured: true for as many of this thread.
inline constexpr std::uint32_t kMeasureEvery = 16;
bool is_time_to_measure();
// Takes a measurement into the kernel's moving average.
void note_duration(const Runnable& kernel, std::uint64_t groups, std::chrono::nanoseconds duration);

class Launch {
 public:
  Launch(std::shared_ptr<const Runnable> kernel, const Bindings& bindings,
         std::vector<std::shared_ptr<const substrate::HostBuffer>> owners,
         std::span<const std::uint8_t> push, const std::array<std::uint32_t, 3>& base_groups,
         bool profile);
  Launch(const Launch&) = delete;
  Launch& operator=(const Launch&) = delete;

  std::uint64_t token = 0;  // of its owner
  const Runnable& kernel() const { return *kernel_; }
  bool profile() const { return profile_; }
  // True for the first caller alone: who calls the reserve.
  bool claim_reserve() { return !reserve_called_.exchange(true, std::memory_order_relaxed); }
  std::uint32_t total() const { return total_; }

  // Once, before any work: the group counts, and how many threads may work at once.
  void set_groups(const std::array<std::uint32_t, 3>& groups, unsigned threads);

  // Claims and runs chunks until none is left, or until `deadline`; does nothing if as many
  // threads as may are at work already. `home`: the part of the workgroups to begin with, best the
  // same for the same thread each time. `lonely` is called between chunks while fewer threads
  // work than may and nobody claimed the reserve. True for the one caller whose chunk was the last
  // of all to end: it ends the token. Whoever left at a deadline sees to it that others go on.
  // `trace`, if not null, is told of each chunk.
  bool work(ScratchPool& scratch, std::uint32_t home,
            std::chrono::steady_clock::time_point deadline, const std::function<void()>& lonely,
            const PieceTrace* trace);
  // Lets in those who wait for the start: there are workgroups to run, or it has ended.
  void open() {
    if (door_.exchange(Door::kOpen, std::memory_order_acq_rel) == Door::kAwaited)
      door_.notify_all();
  }
  bool is_open() const { return door_.load(std::memory_order_acquire) == Door::kOpen; }
  void await_open();
  // False as long as it is not open; all that set_groups decides is known if true.
  bool has_unclaimed() const { return is_open() && shares_.any_left(); }
  // Expected to be over sooner than another thread is awake, though data may make it last, if the
  // kernel has loops. After set_groups.
  bool is_brief() const;
  // One workgroup takes at least that long, or how long is unknown.
  bool has_long_groups(std::chrono::nanoseconds from) const;
  // How long one chunk is expected to take; empty if that is unknown or data may change it.
  std::optional<std::chrono::nanoseconds> expected_chunk() const;
  // From the first claim to now; 0 if nothing was claimed.
  substrate::Timing timing() const;

  // Makes all work end soon; what was written by then is unspecified.
  void abandon() { abort_.store(1, std::memory_order_relaxed); }
  bool abandoned() const { return abort_.load(std::memory_order_relaxed) != 0; }
  // Its token has ended; by then, not at once. For who looks before it sleeps.
  void note_over() { over_.store(true, std::memory_order_release); }
  bool is_over() const { return over_.load(std::memory_order_acquire); }
  // Why not all of it ran; null if it did. It abandons itself where no scratch memory is to be had.
  const char* why_cut_short() const;

 private:
  bool take_seat();
  void run_chunk(Shares::Claim claim, ScratchPool& scratch, const PieceTrace* trace);

  std::shared_ptr<const Runnable> kernel_;
  Bindings bindings_;
  std::vector<std::shared_ptr<const substrate::HostBuffer>> owners_;
  std::vector<std::uint64_t> push_;  // aligned for any member
  KernelContext context_;
  bool profile_;
  std::uint32_t total_ = 0;
  std::uint32_t chunk_ = 1, longest_ = 1;  // workgroups that a thread takes at once
  std::uint32_t seats_ = 1;
  std::atomic<std::uint32_t> abort_{0};
  std::atomic<bool> out_of_memory_{false};
  // Of 32 bits, which the system can wait for; told only if somebody waits.
  enum class Door : std::int32_t { kClosed, kAwaited, kOpen };
  std::atomic<Door> door_{Door::kClosed};
  std::atomic<bool> reserve_called_{false};
  std::atomic<std::int64_t> started_{0};
  std::atomic<std::uint32_t> seated_{0};
  Shares shares_;
  [[maybe_unused]] char
      apart_[64];  // where it is not aligned itself, which would cost each launch more
  std::atomic<std::uint64_t> done_{0};
  std::atomic<bool> over_{false};
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_LAUNCH_HPP_
