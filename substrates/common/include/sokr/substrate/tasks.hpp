// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Tasks on oneTBB's threads. All work that substrates give to oneTBB goes through here.
//
// The distribution's oneTBB is not built for ThreadSanitizer, which therefore does not see
// that spawning a task and waiting for it order memory. The functions here tell it, and
// tasks.cpp keeps oneTBB's own templates from being instrumented: half of their accesses
// would be seen, and none of what orders them.
#ifndef SOKR_SUBSTRATE_TASKS_HPP_
#define SOKR_SUBSTRATE_TASKS_HPP_

#include <oneapi/tbb/task_arena.h>

#include <atomic>
#include <cstdint>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SOKR_THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SOKR_THREAD_SANITIZER 1
#endif

#if defined(SOKR_THREAD_SANITIZER)
extern "C" void __tsan_acquire(void* at);
extern "C" void __tsan_release(void* at);
#endif

namespace sokr::substrate {

namespace tasks {

// What the thread did so far happens before what follows receive() of the same address.
inline void hand_over([[maybe_unused]] void* at) {
#if defined(SOKR_THREAD_SANITIZER)
  __tsan_release(at);
#endif
}

inline void receive([[maybe_unused]] void* at) {
#if defined(SOKR_THREAD_SANITIZER)
  __tsan_acquire(at);
#endif
}

// A task that is on its way to oneTBB, which may have it in a queue when it throws: it queues first
// and starts a thread for it afterwards. Whoever of the two is done with it last frees it; one that
// was taken back and that no thread ever finds is lost, a few bytes.
class Offer {
 public:
  explicit Offer(void* what) : what_(what) {}
  void* what() const { return what_; }

  // By the thread that runs it, with all that it needs of it. Whether it may run.
  bool take() { return !(leave(kTaken) & kWithdrawn); }
  // By the one that gave it, when oneTBB has it.
  void give() { leave(kGiven); }
  // By the same, when oneTBB threw. Whether it was in time: it is never run then.
  bool withdraw() { return !(leave(kGiven | kWithdrawn) & kTaken); }

 private:
  static constexpr std::uint32_t kGiven = 1, kTaken = 2, kWithdrawn = 4;

  // What was known before.
  std::uint32_t leave(std::uint32_t as) {
    const std::uint32_t before = state_.fetch_or(as, std::memory_order_acq_rel);
    if (before != 0) delete this;
    return before;
  }

  void* const what_;
  std::atomic<std::uint32_t> state_{0};
};

void enqueue(tbb::task_arena& arena, void (*run)(void*), void* what);
void parallel_for(std::uint64_t count, bool (*run)(void*, std::uint64_t), void* what);

}  // namespace tasks

// Calls run(what) once on one of the arena's threads, as soon as one is free. Throws, and never
// calls it, if there is no memory for the task, or no thread can be started for it.
template <auto run, class What>
void enqueue(tbb::task_arena& arena, What* what) {
  auto* const offer = new tasks::Offer(what);
  tasks::hand_over(offer);
  const auto call = [](void* at) {
    tasks::receive(at);
    auto* const mine = static_cast<tasks::Offer*>(at);
    auto* const given = static_cast<What*>(mine->what());
    if (mine->take()) run(given);
  };
  try {
    tasks::enqueue(arena, call, offer);
  } catch (...) {
    if (offer->withdraw()) throw;
    return;  // A thread has it all the same.
  }
  offer->give();
}

// Calls body(index) for every index below `count`, on this and the other threads of its arena,
// and returns when all calls have. After one that returns false no further call has to begin. The
// caller, and a thread that waits inside of a call, does no other task of the arena meanwhile.
template <class Body>
void parallel_for(std::uint64_t count, Body body) {
  struct Loop {
    Body body;
    char begun = 0, ended = 0;  // addresses: calls are ordered with the caller, not each other
  } loop{body};
  const auto call = [](void* at, std::uint64_t index) {
    auto& mine = *static_cast<Loop*>(at);
    tasks::receive(&mine.begun);
    const bool goes_on = mine.body(index);
    tasks::hand_over(&mine.ended);
    return goes_on;
  };
  tasks::hand_over(&loop.begun);
  tasks::parallel_for(count, call, &loop);
  tasks::receive(&loop.ended);
}

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_TASKS_HPP_
