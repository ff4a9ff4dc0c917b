// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the executor has to know of a kernel to run its workgroups.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_RUNNABLE_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_RUNNABLE_HPP_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <sokr/cpu/kernel.hpp>
#include <sokr/substrate/inline_vector.hpp>
#include <string>

namespace sokr::cpu {

// KernelContext::bindings.
using Bindings = substrate::InlineVector<KernelBinding, 16>;

struct Runnable {
  KernelEntry entry = nullptr;
  std::size_t scratch_size = 0;  // bytes
  std::uint32_t flags = 0;       // KernelFlags
  std::size_t push_size = 0;     // bytes of its block of push constants
  bool has_loops = false;        // if not, a workgroup ends by itself, whatever the data
  std::string name;              // of its entry point
  // Moving average of the time that one workgroup takes on one core; 0 = never run.
  mutable std::atomic<float> ns_per_group{0.0f};

  // A better version of the same code, with the same results, once there is one: it is used for
  // what begins from then on. It lives as long as this.
  mutable std::atomic<const Runnable*> better{nullptr};
  // Asks for a better version. Any thread, once; empty where there will be none.
  std::function<void()> want_better;
  // Nanoseconds, on all threads, that this has left to run before a better one is asked for.
  mutable std::atomic<std::int64_t> left_ns{0};

  const Runnable& best() const {
    const Runnable* other = better.load(std::memory_order_acquire);
    return other ? *other : *this;
  }
};

// Of a kernel that may become better: it has run that long.
inline void note_use(const Runnable& kernel, std::chrono::nanoseconds duration) {
  if (!kernel.want_better) return;
  const std::int64_t had = kernel.left_ns.fetch_sub(duration.count(), std::memory_order_relaxed);
  if (had > 0 && had <= duration.count()) kernel.want_better();
}

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_RUNNABLE_HPP_
