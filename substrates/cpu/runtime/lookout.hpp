// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Threads that have nothing to do for the moment and look out for a task before they sleep: whoever
// has one gives it to them without asking the system, which takes as long as a short launch.
//
// Each place is of one thread at a time and on a cache line of its own. Any thread may give.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_LOOKOUT_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_LOOKOUT_HPP_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sokr/substrate/striped_mutex.hpp>

namespace sokr::cpu {

// Lets the other half of the core work for some dozens of cycles.
inline void pause_briefly() {
  for (int i = 0; i < 8; ++i) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("isb" ::: "memory");
#endif
  }
}

// Calls done() until it is true or the time is over; whether it was true.
template <class Done>
bool spin_until(const Done& done, std::chrono::steady_clock::time_point end) {
  constexpr int kLooksPerClock = 8;
  do {
    for (int i = 0; i < kLooksPerClock; ++i) {
      if (done()) return true;
      pause_briefly();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

class Lookout {
 public:
  explicit Lookout(std::size_t places) : count_(places), places_(new Place[places + 1]) {}

  // Gives it to somebody who looks at one of the places [first, last); false if nobody does. What
  // the caller wrote before is seen by who gets it.
  bool give(void* task, std::size_t first, std::size_t last) {
    // Partner of the one in look(): either this sees who looks, or they see what was told by then.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (std::size_t i = first; i < last && i < count_; ++i) {
      void* expected = looking();
      if (places_[i].task.load(std::memory_order_relaxed) == expected &&
          places_[i].task.compare_exchange_strong(expected, task, std::memory_order_acq_rel))
        return true;
    }
    return false;
  }

  // Whether somebody looks at this place, just now.
  bool anybody_at(std::size_t place) const {
    return places_[place].task.load(std::memory_order_relaxed) == looking();
  }

  // Looks at a place, which nobody else does, for about so long. Null if nobody gave anything, or
  // if stay() is false, which is called once: whatever anybody tells it before a give() that finds
  // nobody here is told in time.
  template <class Stay>
  void* look(std::size_t place, std::chrono::nanoseconds duration, const Stay& stay) {
    if (place >= count_) return nullptr;  // there are more threads than was said
    std::atomic<void*>& mine = places_[place].task;
    mine.store(looking(), std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (stay())
      spin_until([&] { return mine.load(std::memory_order_relaxed) != looking(); },
                 std::chrono::steady_clock::now() + duration);
    void* const given = mine.exchange(nullptr, std::memory_order_acq_rel);
    return given == looking() ? nullptr : given;
  }

  // Counts what a thread of this place has begun, for begun().
  void note_begun(std::size_t place) {
    places_[std::min(place, count_)].begun.fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t begun() const {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i <= count_; ++i)
      total += places_[i].begun.load(std::memory_order_relaxed);
    return total;
  }

 private:
  struct alignas(substrate::kCacheLine) Place {
    std::atomic<void*> task{nullptr};  // null: nobody is here
    std::atomic<std::uint64_t> begun{0};
  };
  // Somebody is here: no task has the address of a place.
  void* looking() const { return places_.get(); }

  const std::size_t count_;
  const std::unique_ptr<Place[]> places_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_LOOKOUT_HPP_
