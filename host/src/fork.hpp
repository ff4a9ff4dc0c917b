// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What becomes of locks in a child of `fork`, which has none of the parent's threads: whoever was
// inside one never leaves it there.
#ifndef SOKR_HOST_FORK_HPP_
#define SOKR_HOST_FORK_HPP_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <sokr/base/result.hpp>

namespace sokr::host {

// How many forks lie between this process and the one that loaded the library. Any thread. `vfork`
// and a bare `clone` are not counted.
std::uint32_t fork_depth() noexcept;

// A recursive lock that may be held for long, around calls of plugins. In a child it is free; if a
// thread of the parent was inside, what it guards may be half done, and nobody gets in any more.
class CallLock {
 public:
  CallLock() = default;
  CallLock(const CallLock&) = delete;
  CallLock& operator=(const CallLock&) = delete;

  // Fails, and does not lock, in a child where it is as said.
  Result<void> enter();
  // The same without waiting: false also if somebody is inside.
  bool try_enter();
  void leave();

 private:
  bool renew();  // false: lost

  std::recursive_mutex mutex_;
  std::uint32_t inside_ = 0;  // how deep its holder is
  bool is_lost_ = false;      // written before depth_
  std::atomic<std::uint32_t> depth_{fork_depth()};
};

// Leaves, at its end, what was entered.
class Entered {
 public:
  explicit Entered(CallLock& lock) : lock_(lock) {}
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;
  ~Entered() { lock_.leave(); }

 private:
  CallLock& lock_;
};

}  // namespace sokr::host

#endif  // SOKR_HOST_FORK_HPP_
