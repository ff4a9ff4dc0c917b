// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A queue executes what is submitted to it in the order of submission. What waits for nothing is
// executed inside vkQueueSubmit, as far as it gets in a moment. The rest is left to whoever comes
// first: a thread that waits for it, or the queue's own.
#ifndef SOKR_ICD_QUEUE_HPP_
#define SOKR_ICD_QUEUE_HPP_

#include <condition_variable>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "execute.hpp"
#include "object.hpp"

namespace sokr::icd {

struct SemaphoreValue {
  std::shared_ptr<SemaphoreState> semaphore;
  std::uint64_t value = 0;
};

// What a thread waits for: asked again and again, as long as the wait takes, and without memory.
class Awaited {
 public:
  template <class Ask>
  Awaited(const Ask& ask)
      : of_(&ask), ask_([](const void* of) { return (*static_cast<const Ask*>(of))(); }) {}
  bool operator()() const { return ask_(of_); }

 private:
  const void* of_;
  bool (*ask_)(const void*);
};

struct Submission {
  std::vector<SemaphoreValue> waits, signals;
  std::vector<std::shared_ptr<const Recording>> recordings;
  std::shared_ptr<FenceState> fence;
  bool has_waited = false;
  std::size_t recording = 0;  // that is being executed
  Position position;
};

class Queue : public Dispatchable {
 public:
  explicit Queue(Device& device) : device_(device) {}
  ~Queue();

  // Empties `submissions`.
  VkResult submit(std::vector<Submission>& submissions);
  VkResult wait_idle();
  // Executes what is pending until `ready`, which it looks at every millisecond or so, or until
  // that cannot be done without waiting.
  void help(const Awaited& ready) noexcept;

  VkInstance instance() const;

  // Of the queue itself, which lie where the calls do. As others of a queue, not by two threads.
  Labels labels{"Vulkan queue"};

 private:
  enum class State { Done, TimeIsUp, Waits, Failed };
  using Time = std::chrono::steady_clock::time_point;

  State advance(Submission& submission, const Time* deadline, Patience patience);
  bool take_waits(Submission& submission, bool may_wait);
  void complete(Submission& submission);
  // Executes the first of the pending ones; if that fails, and be it for want of memory, the device
  // is lost, and all of them go. The caller has set running_, and can always go on to set it back.
  State advance_first(const Time* deadline, Patience patience) noexcept;
  void put(std::vector<Submission>& submissions, std::size_t first);
  void run() noexcept;

  Device& device_;
  // Of who has set running_.
  Scratch scratch_;
  std::deque<Submission> failed_;  // empty: to make one takes memory, which may be what is wanting
  // Under the device's monitor.
  std::deque<Submission> pending_;
  bool running_ = false;  // somebody executes
  std::thread thread_;
  std::condition_variable work_;  // for the thread: it is not woken by what others wait for
};
SOKR_ICD_OBJECT(VkQueue, Queue)

// What sentences about something of the queue are told to.
inline VkInstance instance_of(VkQueue queue) {
  return of(queue)->instance();
}

}  // namespace sokr::icd

#endif  // SOKR_ICD_QUEUE_HPP_
