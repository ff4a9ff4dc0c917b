// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Fences, semaphores and events. Their states are shared with whoever still has to signal them.
#ifndef SOKR_ICD_SYNC_HPP_
#define SOKR_ICD_SYNC_HPP_

#include <atomic>
#include <memory>

#include "object.hpp"

namespace sokr::icd {

struct Device;

// Written under the device's monitor, read anywhere.
struct FenceState {
  std::atomic<bool> signaled{false};
};
struct Fence {
  std::shared_ptr<FenceState> state = std::make_shared<FenceState>();
};
SOKR_ICD_OBJECT(VkFence, Fence)

// A binary semaphore is a timeline that only has 0 and 1.
struct SemaphoreState {
  bool is_timeline = false;
  std::atomic<std::uint64_t> value{0};
};
struct Semaphore {
  std::shared_ptr<SemaphoreState> state = std::make_shared<SemaphoreState>();
};
SOKR_ICD_OBJECT(VkSemaphore, Semaphore)

struct EventState {
  std::atomic<bool> set{false};
};
struct Event {
  std::shared_ptr<EventState> state = std::make_shared<EventState>();
};
SOKR_ICD_OBJECT(VkEvent, Event)

}  // namespace sokr::icd

#endif  // SOKR_ICD_SYNC_HPP_
