// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Whether this process is a child that was forked after this library had begun its work. Such a
// child has the memory of what was going on, but none of the threads that would end it, and no
// device: locks may be held by nobody, and every wait could last for ever. So it is told so at the
// door (exporter.hpp) instead, and nothing of the substrate is touched, not even to destroy it.
#ifndef SOKR_SUBSTRATE_FORK_WATCH_HPP_
#define SOKR_SUBSTRATE_FORK_WATCH_HPP_

#include <atomic>

namespace sokr::substrate {

namespace detail {
extern std::atomic<bool> forked;
}

// From now on a child of this process, and its children, count as forked. Any thread, any number.
void watch_forks() noexcept;

// One relaxed load.
inline bool is_forked() noexcept {
  return detail::forked.load(std::memory_order_relaxed);
}

// What a forked child is told.
inline constexpr const char* kForkedSentence =
    "this process was forked from one that had opened the substrate already, and has neither its "
    "threads nor its device; fork before SOKR is opened, or let the child run a program of its own";

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_FORK_WATCH_HPP_
