// SPDX-License-Identifier: MIT OR Apache-2.0
#include "queue.hpp"

#include <algorithm>

#include "command_buffer.hpp"
#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {
namespace {

// How long vkQueueSubmit executes by itself: less than waking a thread and being woken by it costs
// is a gain for everybody, more would keep a program from preparing what comes next.
constexpr std::chrono::microseconds kInlineTime{100};

// How long a thread that waits executes before it looks at what it waits for.
constexpr std::chrono::milliseconds kSlice{1};

bool is_reached(const SemaphoreValue& wait) {
  return wait.semaphore->value.load(std::memory_order_acquire) >= wait.value;
}

}  // namespace

// True when all that it waits for has come; binary semaphores are then unsignaled.
bool Queue::take_waits(Submission& submission, bool may_wait) {
  if (submission.has_waited) return true;
  const auto& waits = submission.waits;
  const auto ready = [&] { return std::all_of(waits.begin(), waits.end(), is_reached); };
  if (!waits.empty()) {
    std::unique_lock lock(device_.monitor.mutex);
    if (may_wait) {
      device_.monitor.wait(lock, nullptr,
                           [&] { return ready() || device_.lost || device_.ending; });
    }
    if (!ready()) return false;
    for (const SemaphoreValue& wait : waits) {
      if (!wait.semaphore->is_timeline) wait.semaphore->value.store(0, std::memory_order_release);
    }
  }
  submission.has_waited = true;
  return true;
}

void Queue::complete(Submission& submission) {
  std::lock_guard lock(device_.monitor.mutex);
  for (const SemaphoreValue& signal : submission.signals) {
    signal.semaphore->value.store(signal.value, std::memory_order_release);
  }
  if (submission.fence) submission.fence->signaled.store(true, std::memory_order_release);
  device_.monitor.notify();
}

Queue::State Queue::advance(Submission& submission, const Time* deadline, Patience patience) {
  if (device_.lost.load(std::memory_order_acquire)) return State::Failed;
  if (!take_waits(submission, patience == Patience::Waits)) return State::Waits;
  while (submission.recording < submission.recordings.size()) {
    switch (execute(device_, *submission.recordings[submission.recording], submission.position,
                    scratch_, deadline, patience)) {
      case Progress::Done:
        break;
      case Progress::TimeIsUp:
        return State::TimeIsUp;
      case Progress::WaitsForEvent:
        return State::Waits;
      case Progress::Failed:
        return State::Failed;
    }
    ++submission.recording;
    submission.position = {};
    if (deadline && submission.recording < submission.recordings.size() &&
        std::chrono::steady_clock::now() >= *deadline) {
      return State::TimeIsUp;
    }
  }
  complete(submission);
  return State::Done;
}

void Queue::put(std::vector<Submission>& submissions, std::size_t first) {
  for (std::size_t i = first; i < submissions.size(); ++i) {
    pending_.push_back(std::move(submissions[i]));
  }
  if (!pending_.empty()) work_.notify_one();
}

VkResult Queue::submit(std::vector<Submission>& submissions) {
  std::unique_lock lock(device_.monitor.mutex);
  if (device_.lost) return VK_ERROR_DEVICE_LOST;
  // Before anything is done: a program that is told that there is no thread may submit all again.
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  std::size_t done = 0;
  State state = State::Done;
  if (!running_ && pending_.empty()) {
    running_ = true;
    lock.unlock();
    const Time deadline = std::chrono::steady_clock::now() + kInlineTime;
    try {
      while (done < submissions.size()) {
        state = advance(submissions[done], &deadline, Patience::None);
        if (state != State::Done) break;
        if (++done < submissions.size() && std::chrono::steady_clock::now() >= deadline) break;
      }
    } catch (...) {
      device_.lose("no memory to execute what was submitted");
      state = State::Failed;
    }
    lock.lock();
    running_ = false;
  }
  if (state == State::Failed) return VK_ERROR_DEVICE_LOST;
  try {
    put(submissions, done);
  } catch (...) {  // what was done cannot be submitted again
    lock.unlock();
    device_.lose("no memory to keep what was submitted");
    return VK_ERROR_DEVICE_LOST;
  }
  return VK_SUCCESS;
}

Queue::State Queue::advance_first(const Time* deadline, Patience patience) noexcept {
  std::unique_lock lock(device_.monitor.mutex);
  Submission& first = pending_.front();  // stays where it is while others are put behind it
  lock.unlock();
  State state = State::Failed;
  try {
    state = advance(first, deadline, patience);
  } catch (...) {
    device_.lose("no memory to execute what was submitted");
  }
  lock.lock();
  Submission gone;  // destroyed without the lock
  if (state == State::Done) {
    gone = std::move(pending_.front());
    pending_.pop_front();
  }
  if (state == State::Failed) failed_.swap(pending_);
  lock.unlock();
  failed_.clear();
  return state;
}

void Queue::help(const Awaited& ready) noexcept {
  std::unique_lock lock(device_.monitor.mutex);
  while (!ready() && !running_ && !pending_.empty() && !device_.lost) {
    running_ = true;
    lock.unlock();
    State state = State::TimeIsUp;
    while (state == State::TimeIsUp && !ready()) {
      const Time deadline = std::chrono::steady_clock::now() + kSlice;
      state = advance_first(&deadline, Patience::Compiles);
    }
    lock.lock();
    running_ = false;
    if (!pending_.empty()) work_.notify_one();
    device_.monitor.notify();
    if (state != State::Done) return;
  }
}

void Queue::run() noexcept {
  std::unique_lock lock(device_.monitor.mutex);
  while (true) {
    work_.wait(lock, [&] { return device_.ending || (!running_ && !pending_.empty()); });
    if (device_.ending) return;
    running_ = true;
    lock.unlock();
    advance_first(nullptr, Patience::Waits);
    lock.lock();
    running_ = false;
    device_.monitor.notify();
  }
}

VkInstance Queue::instance() const {
  return instance_of(device_);
}

VkResult Queue::wait_idle() {
  if (device_.is_lost()) return VK_ERROR_DEVICE_LOST;
  const auto idle = [&] { return pending_.empty() && !running_; };
  const auto never = [] { return false; };
  help(never);
  std::unique_lock lock(device_.monitor.mutex);
  device_.monitor.wait(lock, nullptr, [&] { return idle() || device_.lost; });
  return device_.lost ? VK_ERROR_DEVICE_LOST : VK_SUCCESS;
}

Queue::~Queue() {
  if (!thread_.joinable()) return;
  if (is_forked()) {  // the thread is in the parent alone
    thread_.detach();
    return;
  }
  {
    std::lock_guard lock(device_.monitor.mutex);
    device_.ending = true;
    work_.notify_one();
    device_.monitor.notify();
  }
  thread_.join();
}

namespace {

VkResult submit(VkQueue queue, std::vector<Submission>& submissions, VkFence fence) {
  if (is_forked()) return VK_ERROR_DEVICE_LOST;
  if (fence) {
    if (submissions.empty()) submissions.emplace_back();
    submissions.back().fence = of(fence)->state;
  }
  return of(queue)->submit(submissions);
}

Submission submission_of(const VkSubmitInfo& info) {
  Submission made;
  const auto* values = find<VkTimelineSemaphoreSubmitInfo>(info.pNext);
  const auto value = [](const std::uint64_t* all, std::uint32_t count, std::uint32_t i,
                        const SemaphoreState& semaphore) {
    return semaphore.is_timeline && all && i < count ? all[i] : std::uint64_t{1};
  };
  for (std::uint32_t i = 0; i < info.waitSemaphoreCount; ++i) {
    const auto& state = of(info.pWaitSemaphores[i])->state;
    made.waits.push_back({state, values ? value(values->pWaitSemaphoreValues,
                                                values->waitSemaphoreValueCount, i, *state)
                                        : 1});
  }
  for (std::uint32_t i = 0; i < info.signalSemaphoreCount; ++i) {
    const auto& state = of(info.pSignalSemaphores[i])->state;
    made.signals.push_back({state, values ? value(values->pSignalSemaphoreValues,
                                                  values->signalSemaphoreValueCount, i, *state)
                                          : 1});
  }
  for (std::uint32_t i = 0; i < info.commandBufferCount; ++i) {
    made.recordings.push_back(of(info.pCommandBuffers[i])->executable());
  }
  return made;
}

SemaphoreValue value_of(const VkSemaphoreSubmitInfo& info) {
  const auto& state = of(info.semaphore)->state;
  return {state, state->is_timeline ? info.value : 1};
}

Submission submission_of(const VkSubmitInfo2& info) {
  Submission made;
  for (std::uint32_t i = 0; i < info.waitSemaphoreInfoCount; ++i) {
    made.waits.push_back(value_of(info.pWaitSemaphoreInfos[i]));
  }
  for (std::uint32_t i = 0; i < info.signalSemaphoreInfoCount; ++i) {
    made.signals.push_back(value_of(info.pSignalSemaphoreInfos[i]));
  }
  for (std::uint32_t i = 0; i < info.commandBufferInfoCount; ++i) {
    made.recordings.push_back(of(info.pCommandBufferInfos[i].commandBuffer)->executable());
  }
  return made;
}

template <class Info>
VkResult submit_all(VkQueue queue, std::uint32_t count, const Info* infos, VkFence fence) {
  return guarded([&] {
    std::vector<Submission> submissions;
    submissions.reserve(count + 1);
    for (std::uint32_t i = 0; i < count; ++i) submissions.push_back(submission_of(infos[i]));
    return submit(queue, submissions, fence);
  });
}

}  // namespace

VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit(VkQueue queue, std::uint32_t count,
                                             const VkSubmitInfo* infos, VkFence fence) {
  return submit_all(queue, count, infos, fence);
}
VKAPI_ATTR VkResult VKAPI_CALL vkQueueSubmit2(VkQueue queue, std::uint32_t count,
                                              const VkSubmitInfo2* infos, VkFence fence) {
  return submit_all(queue, count, infos, fence);
}
VKAPI_ATTR VkResult VKAPI_CALL vkQueueWaitIdle(VkQueue queue) {
  return guarded([&] { return of(queue)->wait_idle(); });
}
VKAPI_ATTR VkResult VKAPI_CALL vkDeviceWaitIdle(VkDevice device) {
  return guarded([&] { return of(device)->queue->wait_idle(); });
}

}  // namespace sokr::icd
