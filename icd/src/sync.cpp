// SPDX-License-Identifier: MIT OR Apache-2.0
#include "sync.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "device.hpp"
#include "entry_points.hpp"
#include "queue.hpp"

namespace sokr::icd {
namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

// A thread that asks over and over, at most so long apart, leaves the processor to those who work:
// after so many answers that say "not yet" it rests until there is another one, and no longer than
// that. Two cores are too few for a thread that asks, one that compiles and one that executes: with
// the first two ahead of it, no workgroup of llama.cpp's ran for the 160 ms of a full version.
constexpr std::uint32_t kAsksBeforeRest = 32;
constexpr std::chrono::microseconds kAskAgain{1000}, kRest{100};

// After an answer that says "not yet". True if there is another one by now.
template <class Ready>
bool rest(Device& device, Ready&& ready) {
  thread_local std::uint32_t asked = 0;
  thread_local Time last{};
  asked = Clock::now() - last < kAskAgain ? asked + 1 : 0;
  if (asked < kAsksBeforeRest) {
    std::this_thread::yield();
  } else {
    const Time until = Clock::now() + kRest;
    std::unique_lock lock(device.monitor.mutex);
    device.monitor.wait(lock, &until,
                        [&] { return ready() || device.lost.load(std::memory_order_relaxed); });
  }
  last = Clock::now();
  return ready();
}

// Waits on the host until `ready`; helps with what the queue has to do in the meantime.
template <class Ready>
VkResult wait_for(Device& device, std::uint64_t timeout, Ready&& ready) {
  if (ready()) return VK_SUCCESS;
  if (device.is_lost()) return VK_ERROR_DEVICE_LOST;
  if (timeout == 0) return rest(device, ready) ? VK_SUCCESS : VK_TIMEOUT;
  if (timeout == UINT64_MAX) device.queue->help(ready);
  Time deadline;
  const bool ends = deadline_of(timeout, deadline);
  std::unique_lock lock(device.monitor.mutex);
  device.monitor.wait(lock, ends ? &deadline : nullptr,
                      [&] { return ready() || device.lost.load(std::memory_order_relaxed); });
  if (ready()) return VK_SUCCESS;
  return device.lost.load(std::memory_order_relaxed) ? VK_ERROR_DEVICE_LOST : VK_TIMEOUT;
}

}  // namespace

VKAPI_ATTR VkResult VKAPI_CALL vkCreateFence(VkDevice, const VkFenceCreateInfo* info,
                                             const VkAllocationCallbacks* callbacks, VkFence* out) {
  *out = VK_NULL_HANDLE;
  if (const auto* exported = find<VkExportFenceCreateInfo>(info->pNext);
      exported && exported->handleTypes) {
    return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  }
  const VkResult result = create<Fence>(callbacks, out);
  if (result == VK_SUCCESS) {
    of(*out)->state->signaled = (info->flags & VK_FENCE_CREATE_SIGNALED_BIT) != 0;
  }
  return result;
}
VKAPI_ATTR void VKAPI_CALL vkDestroyFence(VkDevice, VkFence handle,
                                          const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR VkResult VKAPI_CALL vkResetFences(VkDevice, std::uint32_t count, const VkFence* fences) {
  for (std::uint32_t i = 0; i < count; ++i) {
    of(fences[i])->state->signaled.store(false, std::memory_order_release);
  }
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkGetFenceStatus(VkDevice device, VkFence handle) {
  const FenceState& state = *of(handle)->state;
  if (state.signaled.load(std::memory_order_acquire)) return VK_SUCCESS;
  if (of(device)->is_lost()) return VK_ERROR_DEVICE_LOST;
  return guarded([&] {
    return rest(*of(device), [&] { return state.signaled.load(std::memory_order_acquire); })
               ? VK_SUCCESS
               : VK_NOT_READY;
  });
}
VKAPI_ATTR VkResult VKAPI_CALL vkWaitForFences(VkDevice device, std::uint32_t count,
                                               const VkFence* fences, VkBool32 all,
                                               std::uint64_t timeout) {
  const auto signaled = [](VkFence f) {
    return of(f)->state->signaled.load(std::memory_order_acquire);
  };
  return guarded([&] {
    return wait_for(*of(device), timeout, [&] {
      return all ? std::all_of(fences, fences + count, signaled)
                 : std::any_of(fences, fences + count, signaled);
    });
  });
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateSemaphore(VkDevice, const VkSemaphoreCreateInfo* info,
                                                 const VkAllocationCallbacks* callbacks,
                                                 VkSemaphore* out) {
  *out = VK_NULL_HANDLE;
  if (const auto* exported = find<VkExportSemaphoreCreateInfo>(info->pNext);
      exported && exported->handleTypes) {
    return VK_ERROR_INVALID_EXTERNAL_HANDLE;
  }
  const VkResult result = create<Semaphore>(callbacks, out);
  const auto* type = find<VkSemaphoreTypeCreateInfo>(info->pNext);
  if (result == VK_SUCCESS && type && type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE) {
    of(*out)->state->is_timeline = true;
    of(*out)->state->value = type->initialValue;
  }
  return result;
}
VKAPI_ATTR void VKAPI_CALL vkDestroySemaphore(VkDevice, VkSemaphore handle,
                                              const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR VkResult VKAPI_CALL vkGetSemaphoreCounterValue(VkDevice device, VkSemaphore handle,
                                                          std::uint64_t* out) {
  *out = of(handle)->state->value.load(std::memory_order_acquire);
  return of(device)->is_lost() ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkSignalSemaphore(VkDevice handle,
                                                 const VkSemaphoreSignalInfo* info) {
  Device& device = *of(handle);
  if (is_forked()) return VK_ERROR_DEVICE_LOST;
  std::lock_guard lock(device.monitor.mutex);
  of(info->semaphore)->state->value.store(info->value, std::memory_order_release);
  device.monitor.notify();
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkWaitSemaphores(VkDevice device, const VkSemaphoreWaitInfo* info,
                                                std::uint64_t timeout) {
  const auto reached = [&](std::uint32_t i) {
    return of(info->pSemaphores[i])->state->value.load(std::memory_order_acquire) >=
           info->pValues[i];
  };
  const bool any = (info->flags & VK_SEMAPHORE_WAIT_ANY_BIT) != 0;
  return guarded([&] {
    return wait_for(*of(device), timeout, [&] {
      for (std::uint32_t i = 0; i < info->semaphoreCount; ++i) {
        if (reached(i) == any) return any;
      }
      return !any;
    });
  });
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateEvent(VkDevice, const VkEventCreateInfo*,
                                             const VkAllocationCallbacks* callbacks, VkEvent* out) {
  return create<Event>(callbacks, out);
}
VKAPI_ATTR void VKAPI_CALL vkDestroyEvent(VkDevice, VkEvent handle,
                                          const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR VkResult VKAPI_CALL vkGetEventStatus(VkDevice device, VkEvent handle) {
  if (of(device)->is_lost()) return VK_ERROR_DEVICE_LOST;
  return of(handle)->state->set.load(std::memory_order_acquire) ? VK_EVENT_SET : VK_EVENT_RESET;
}
VKAPI_ATTR VkResult VKAPI_CALL vkSetEvent(VkDevice handle, VkEvent event) {
  if (is_forked()) return VK_ERROR_DEVICE_LOST;
  std::lock_guard lock(of(handle)->monitor.mutex);
  of(event)->state->set.store(true, std::memory_order_release);
  of(handle)->monitor.notify();
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkResetEvent(VkDevice handle, VkEvent event) {
  if (is_forked()) return VK_ERROR_DEVICE_LOST;
  std::lock_guard lock(of(handle)->monitor.mutex);
  of(event)->state->set.store(false, std::memory_order_release);
  return VK_SUCCESS;
}

}  // namespace sokr::icd
