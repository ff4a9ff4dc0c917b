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
#include <mutex>
#include <thread>
#include <vector>

namespace sokr::cpu {

class Improver {
 public:
  // Does its work, or gives up soon after the flag is set. What it throws is dropped.
  using Work = std::function<void(const std::atomic<bool>& cancelled)>;

  // At most that many pieces of work at once.
  explicit Improver(unsigned threads) : limit_(threads) {}
  // Drops what has not begun; waits for the rest, which is cancelled but where it is promised.
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
  void run();

  const unsigned limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::vector<std::thread> threads_;
  unsigned busy_ = 0;
  bool ending_ = false;
  std::atomic<bool> cancelled_{false};
  static constexpr std::atomic<bool> kNever{false};
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_IMPROVER_HPP_
