// SPDX-License-Identifier: MIT OR Apache-2.0
#include "fork.hpp"

#include <pthread.h>

#include <new>

namespace sokr::host {
namespace {

std::atomic<std::uint32_t> forks{0};

// Of the one thread that a child has when it begins, for locks that it finds. Nobody holds it
// while a process forks, but a child's other threads that look at the same moment.
std::mutex& renewing() {
  static std::mutex* const one = new std::mutex;
  return *one;
}

// When the library is loaded, which is before anybody has anything to lose.
const bool is_watched = [] {
  (void)renewing();
  return ::pthread_atfork([] { renewing().lock(); }, [] { renewing().unlock(); },
                          [] {
                            renewing().unlock();
                            forks.fetch_add(1, std::memory_order_relaxed);
                          }) == 0;
}();

}  // namespace

std::uint32_t fork_depth() noexcept {
  return forks.load(std::memory_order_relaxed);
}

bool CallLock::renew() {
  if (depth_.load(std::memory_order_acquire) != fork_depth()) {
    const std::scoped_lock lock(renewing());
    if (depth_.load(std::memory_order_relaxed) != fork_depth()) {
      // Its holder, if it had one, is a thread of the parent. One that had only just locked it, or
      // was about to leave, has left nothing half done.
      is_lost_ = is_lost_ || inside_ != 0;
      inside_ = 0;
      new (&mutex_) std::recursive_mutex;
      depth_.store(fork_depth(), std::memory_order_release);
    }
  }
  return !is_lost_;
}

Result<void> CallLock::enter() {
  if (!renew()) {
    return fail(SOKR_DISPATCH_FAILED,
                "this process was forked while another thread was in the middle of this; fork "
                "before the first Context, or open another one here");
  }
  mutex_.lock();
  ++inside_;
  return {};
}

bool CallLock::try_enter() {
  if (!renew() || !mutex_.try_lock()) return false;
  ++inside_;
  return true;
}

void CallLock::leave() {
  --inside_;
  mutex_.unlock();
}

}  // namespace sokr::host
