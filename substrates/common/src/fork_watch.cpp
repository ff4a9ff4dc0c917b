// SPDX-License-Identifier: MIT OR Apache-2.0
#include <pthread.h>

#include <sokr/substrate/fork_watch.hpp>

namespace sokr::substrate {

std::atomic<bool> detail::forked{false};

void watch_forks() noexcept {
  // The handler goes with the library, and runs alone in the child. Without memory for it, forks
  // stay unseen.
  [[maybe_unused]] static const int registered = ::pthread_atfork(
      nullptr, nullptr, [] { detail::forked.store(true, std::memory_order_relaxed); });
}

}  // namespace sokr::substrate
