// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Threads that compile while others run what there is: better versions of kernels, and urgent work
// before these. They exist from the first piece of work on. Those for better versions let everybody
// else go first: who computes beside them has a version already, if a slower one.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_IMPROVER_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_IMPROVER_HPP_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

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

  // At most that many pieces of work at once, and of urgent work beside them.
  explicit Improver(unsigned threads, unsigned urgent_threads = 1);
  // Drops what has not begun, waits for what is promised and for who is in a Turn's lock, and
  // leaves alone what else is under way. The code of this and of the work must stay loaded.
  ~Improver();
  Improver(const Improver&) = delete;
  Improver& operator=(const Improver&) = delete;

  // How much is gained by a piece of work, in whatever unit, by what is known when it is asked.
  using Gain = std::function<std::int64_t()>;

  // Any thread; returns at once. What is `promised` is done even if this goes first. Of what waits
  // the one is begun first by which most is gained then. False, and nothing is done, where there is
  // no memory or no thread for it, or there is to be none.
  bool put(Work work, bool promised, Gain gain = nullptr) noexcept {
    return put({std::move(work), promised, false, 0, std::move(gain)});
  }
  // Before all that is not urgent. Never promised. Of what waits the largest is begun first, by a
  // size in whatever unit: what is begun last keeps one thread at work when all others are done.
  bool put_urgent(Work work, std::size_t size) noexcept {
    return put({std::move(work), false, true, size, nullptr});
  }
  // Waits until nothing is left to do; for tests and measurements.
  void drain();

 private:
  struct Task {
    Work work;
    bool promised = false;
    bool urgent = false;
    std::size_t size = 0;
    Gain gain;
  };
  // Work of one kind, the largest first, and of one size in the order in which it was put.
  struct Line {
    const unsigned limit;
    std::deque<Task> tasks;
    unsigned busy = 0;
    unsigned threads = 0;
    std::deque<Task>::iterator place_for(const Task& task);
    Task take();  // the one to begin with
    bool is_idle() const { return busy == 0 && tasks.empty(); }
    bool has_turn() const { return busy < limit && !tasks.empty(); }
  };
  // Of the threads, too, which may outlive this.
  struct State {
    State(unsigned threads_of_patient, unsigned threads_of_urgent)
        : patient{threads_of_patient, {}}, urgent{threads_of_urgent, {}} {}
    Line& line_of(bool is_urgent) { return is_urgent ? urgent : patient; }
    // Is there something to do now for a thread of this line? Urgent work may use as many threads
    // as it is allowed: what is patient begins when it leaves some, and never while some of it
    // waits.
    bool has_turn(const Line& line) const {
      const bool is_spare = urgent.tasks.empty() && urgent.busy < urgent.limit;
      return line.has_turn() && (&line == &urgent || is_spare);
    }
    bool is_empty() const { return patient.tasks.empty() && urgent.tasks.empty(); }
    bool is_idle() const { return patient.is_idle() && urgent.is_idle(); }

    std::mutex mutex;
    std::condition_variable changed;
    Line patient, urgent;
    unsigned kept = 0;  // pieces of work under way that the end waits for
    bool ending = false;
    std::atomic<bool> cancelled{false};
  };
  bool put(Task task) noexcept;
  static void run(const std::shared_ptr<State>& state, Line& line);

  const std::shared_ptr<State> state_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_IMPROVER_HPP_
