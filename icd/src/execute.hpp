// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Executes recorded commands, one after the other, and can stop between two of them.
#ifndef SOKR_ICD_EXECUTE_HPP_
#define SOKR_ICD_EXECUTE_HPP_

#include <chrono>
#include <vector>

#include "label.hpp"
#include "recording.hpp"

namespace sokr::icd {

struct Device;

// Memory that executing uses over and over. Of one thread at a time.
struct Scratch {
  std::vector<SokrBinding> bindings;
  WrittenLaunch written;  // of the last state
  Labels labels{"Vulkan commands"};
};

// Whether what a dispatch of this state finds bound now overlaps where the kernel may write. False
// too of what cannot be told: sets that may be updated until the command buffer is submitted, and
// very many descriptors.
bool binds_what_overlaps(const Recording& recording, const DispatchState& state);

// Where execution stands in a recording.
struct Position {
  std::size_t command = 0;
  SokrCompletionToken running = 0;              // a launch that was not over when execution stopped
  double groups = 0;                            // its workgroups
  std::chrono::steady_clock::time_point began;  // when it was first waited for
  bool has_waited = false;       // what was before may have taken a while: a launch, a transfer
  VkDeviceSize transferred = 0;  // by a command that was not over: bytes, rows, what it counts by
};

enum class Progress { Done, TimeIsUp, WaitsForEvent, Failed };

// What who executes may do beyond executing. A program that submits records what comes next, whose
// kernels are then compiled beside those that it has submitted, and must not wait for these.
enum class Patience {
  None,      // not even have a kernel compiled
  Compiles,  // it waits anyway
  Waits,     // for semaphores and events, without a limit
};

// Goes on from `at` until all is done, or until the deadline, if there is one, or as far as
// `patience` allows. Failed: the device is lost, and the sentence was
// reported. Throws std::bad_alloc.
Progress execute(Device& device, const Recording& recording, Position& at, Scratch& scratch,
                 const std::chrono::steady_clock::time_point* deadline, Patience patience);

}  // namespace sokr::icd

#endif  // SOKR_ICD_EXECUTE_HPP_
