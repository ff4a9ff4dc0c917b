// SPDX-License-Identifier: MIT OR Apache-2.0
//
// When a wait is over: so many nanoseconds from now, as the timeout of a completion says it. What
// lies beyond the clock's end never comes.
#ifndef SOKR_SUBSTRATE_DEADLINE_HPP_
#define SOKR_SUBSTRATE_DEADLINE_HPP_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace sokr::substrate {

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Deadline(std::uint64_t timeout_ns) {
    if (timeout_ns <= kLongest)
      at_ = Clock::now() + std::chrono::nanoseconds(static_cast<std::int64_t>(timeout_ns));
  }

  bool is_endless() const { return at_ == Clock::time_point::max(); }
  Clock::time_point at() const { return at_; }
  // UINT64_MAX if it is endless.
  std::uint64_t left_ns() const {
    if (is_endless()) return UINT64_MAX;
    return static_cast<std::uint64_t>(std::max<std::int64_t>((at_ - Clock::now()).count(), 0));
  }
  // Whether `done` came true in time.
  template <class Done>
  bool wait(std::condition_variable& changed, std::unique_lock<std::mutex>& lock,
            const Done& done) const {
    if (!is_endless()) return changed.wait_until(lock, at_, done);
    changed.wait(lock, done);
    return true;
  }

 private:
  // A century: far below the clock's range, beyond any process's life.
  static constexpr std::uint64_t kLongest = UINT64_C(100) * 366 * 24 * 3600 * 1'000'000'000;
  Clock::time_point at_ = Clock::time_point::max();
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_DEADLINE_HPP_
