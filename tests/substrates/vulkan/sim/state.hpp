// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a test may ask of the simulation layer, and tell it, while it runs in the same
// process: dlopen() the layer's own file (the loader's copy is the same one and stays
// loaded), and call sokr_sim_state(). All members may be used from any thread.
//
// Environment of the layer, read once:
//   SOKR_SIM_PROFILE      which device to look like (profiles.cpp); without it the layer is idle
//   SOKR_SIM_VIOLATIONS   "abort" (default): a call that hardware would not survive ends the
//                         process with one line on stderr; "count": it is counted and refused
// And read at each call:
//   SOKR_SIM_CRASH        a function, as vkCreateComputePipelines or vkEnumeratePhysicalDevices, at
//                         which the driver crashes the process
//   SOKR_SIM_HANG         one from which it does not return
#ifndef SOKR_TESTS_VULKAN_SIM_STATE_HPP_
#define SOKR_TESTS_VULKAN_SIM_STATE_HPP_

#include <atomic>
#include <cstdint>

namespace sokr::vulkan::sim {

inline constexpr std::uint32_t kMostTypes = 16;

struct State {
  // Since the process began.
  std::atomic<std::uint64_t> violations{0};
  std::atomic<std::uint64_t> allocations[kMostTypes]{};  // by memory type, imports left out
  std::atomic<std::uint64_t> imports{0};
  std::atomic<std::uint64_t> flushes{0}, invalidations{0};        // ranges
  std::atomic<std::uint64_t> submissions{0}, command_buffers{0};  // in them
  std::atomic<std::uint64_t> copies{0};  // submissions that the queue that only copies is done with
  std::atomic<std::uint64_t> shown_copies{0};             // barriers between copies and the host
  std::atomic<std::uint64_t> full_subgroups{0};           // pipelines that require them
  std::atomic<std::uint64_t> pipelines{0}, unchecked{0};  // those that have no access checked
  // Of the timeline: how far it is, and to be woken.
  std::atomic<std::uint64_t> questions{0}, sleeps{0};
  // Alive now, and the most that ever were.
  std::atomic<std::uint64_t> memories{0}, most_memories{0};
  std::atomic<std::uint64_t> command_pools{0}, most_command_pools{0};
  std::atomic<std::uint64_t> descriptor_pools{0}, most_descriptor_pools{0};
  // Set by tests. Bits of heaps in which nothing more can be allocated:
  std::atomic<std::uint32_t> full_heaps{0};
  // Bytes of the first heap that the driver gives the process; 0 = all. Of profiles with budgets.
  std::atomic<std::uint64_t> budget{0};
  // The device is lost at the call with 0 left, among submissions, waits and questions about
  // progress; negative = never. A device that was lost stays lost.
  std::atomic<std::int64_t> calls_until_loss{-1};
  // Who asks how far the timeline is hears that it has not begun, and the device seems busy.
  std::atomic<bool> seems_busy{false};
  // At most so many allocations; 0 = as the profile says.
  std::atomic<std::uint32_t> allocation_limit{0};
};

}  // namespace sokr::vulkan::sim

// Null if the layer is idle.
extern "C" __attribute__((visibility("default"))) sokr::vulkan::sim::State* sokr_sim_state();
using SokrSimStateFn = sokr::vulkan::sim::State* (*)();

#endif  // SOKR_TESTS_VULKAN_SIM_STATE_HPP_
