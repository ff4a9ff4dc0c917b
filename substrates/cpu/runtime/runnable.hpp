// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the executor has to know of a kernel to run its workgroups.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_RUNNABLE_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_RUNNABLE_HPP_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <sokr/cpu/kernel.hpp>
#include <sokr/substrate/inline_vector.hpp>

namespace sokr::cpu {

// KernelContext::bindings.
using Bindings = substrate::InlineVector<KernelBinding, 16>;

struct Runnable {
  KernelEntry entry = nullptr;
  std::size_t scratch_size = 0;  // bytes
  std::uint32_t flags = 0;       // KernelFlags
  std::size_t push_size = 0;     // bytes of its block of push constants
  bool has_loops = false;        // if not, a workgroup ends by itself, whatever the data
  // Moving average of the time that one workgroup takes on one core; 0 = never run.
  mutable std::atomic<float> ns_per_group{0.0f};
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_RUNNABLE_HPP_
