// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Threads that make better versions of kernels while others run the first ones. They exist from
// the first piece of work on.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_IMPROVER_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_IMPROVER_HPP_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

namespace sokr::cpu {

class Improver {
  struct State;

 public:
  // What a piece of work is told of whom it is done for. Unless it is promised, the Improver goes
  // without waiting for it, and everybody else may go then: between try_lock() and unlock() they
  // stay. For std::unique_lock with std::try_to_lock.
  class Turn {
   public:
    Turn(State& state, bool promised) : state_(state), promised_(promised) {}
    // To be looked at now and then: who sets it does not wait.
    const std::atomic<bool>& cancelled() const;
    // False: the Improver is gone, and what it was for must not be touched any more.
    bool try_lock();
    void unlock();

   private:
    State& state_;
    const bool promised_;
  };
  // What it throws is dropped. What it holds by itself is destroyed by the thread that did it.
  using Work = std::function<void(Turn&)>;

  // At most that many pieces of work at once.
  explicit Improver(unsigned threads);
  // Drops what has not begun, waits for what is promised and for who is in a Turn's lock, and
  // leaves alone what else is under way. The code of this and of the work must stay loaded.
  ~Improver();
  Improver(const Improver&) = delete;
  Improver& operator=(const Improver&) = delete;

  // Any thread; returns at once. What is `promised` is done even if this goes first. False, and
  // nothing is done, where there is no memory or no thread for it.
  bool put(Work work, bool promised) noexcept;
  // Waits until nothing is left to do; for tests and measurements.
  void drain();

 private:
  struct Task {
    Work work;
    bool promised = false;
  };
  // Of the threads, too, which may outlive this.
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Task> tasks;
    unsigned threads = 0, busy = 0;
    unsigned kept = 0;  // pieces of work under way that the end waits for
    bool ending = false;
    std::atomic<bool> cancelled{false};
  };
  static void run(const std::shared_ptr<State>& state);

  const unsigned limit_;
  const std::shared_ptr<State> state_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_IMPROVER_HPP_
