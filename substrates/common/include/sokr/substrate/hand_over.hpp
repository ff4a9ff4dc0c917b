// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The distribution's oneTBB is not built for ThreadSanitizer, which therefore does not see
// that spawning a task and waiting for it order memory. These calls tell it; in other builds
// they are nothing.
#ifndef SOKR_SUBSTRATE_HAND_OVER_HPP_
#define SOKR_SUBSTRATE_HAND_OVER_HPP_

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SOKR_THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SOKR_THREAD_SANITIZER 1
#endif

#if defined(SOKR_THREAD_SANITIZER)
extern "C" void __tsan_acquire(void* at);
extern "C" void __tsan_release(void* at);
#endif

namespace sokr::substrate {

// What the thread did so far happens before what follows receive() of the same address.
inline void hand_over([[maybe_unused]] void* at) {
#if defined(SOKR_THREAD_SANITIZER)
  __tsan_release(at);
#endif
}

inline void receive([[maybe_unused]] void* at) {
#if defined(SOKR_THREAD_SANITIZER)
  __tsan_acquire(at);
#endif
}

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_HAND_OVER_HPP_
