// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A reader-writer lock for data that is read by every dispatch and changed rarely:
// a reader locks only the stripe of its thread, so that readers on different
// threads touch different cache lines; a writer locks all stripes in order.
// Meets SharedLockable for std::shared_lock and Lockable for std::unique_lock.
// Not recursive.
#ifndef SOKR_SUBSTRATE_STRIPED_MUTEX_HPP_
#define SOKR_SUBSTRATE_STRIPED_MUTEX_HPP_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace sokr::substrate {

inline constexpr std::size_t kStripes = 8;
inline constexpr std::size_t kCacheLine = 64;

// The stripe of the calling thread, 0 to kStripes - 1: given out in turn.
std::size_t thread_stripe() noexcept;

class StripedMutex {
 public:
  // One stripe alone, for who needs its number anyhow: as lock_shared on a thread of that stripe.
  std::mutex& stripe(std::size_t index) { return stripes_[index].mutex; }
  void lock_shared() { stripes_[thread_stripe()].mutex.lock(); }
  void unlock_shared() { stripes_[thread_stripe()].mutex.unlock(); }
  void lock() {
    for (Stripe& stripe : stripes_) stripe.mutex.lock();
  }
  void unlock() {
    for (std::size_t i = kStripes; i-- > 0;) stripes_[i].mutex.unlock();
  }

 private:
  struct alignas(kCacheLine) Stripe {
    std::mutex mutex;
  };
  std::array<Stripe, kStripes> stripes_;
};

// Counts the calls inside something that may be closed. Calls on different threads
// touch different cache lines.
//
//     if (!gate.enter()) return SOKR_NOT_FOUND;  ...  gate.leave();
class CallGate {
 public:
  // False once closed.
  bool enter() noexcept;
  void leave() noexcept;
  // Refuses new calls and blocks until the last one has left. Never from inside.
  void close() noexcept;
  // Lets calls in again. Starts closed.
  void open() noexcept { open_.store(true); }

 private:
  struct alignas(kCacheLine) Stripe {
    std::atomic<std::uint32_t> inside{0};
  };
  std::array<Stripe, kStripes> stripes_;
  std::atomic<bool> open_{false};
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_STRIPED_MUTEX_HPP_
