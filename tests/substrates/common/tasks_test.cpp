// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Tasks where a thread cannot be started: pthread_create is this file's, for oneTBB as well.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <oneapi/tbb/global_control.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <sokr/substrate/tasks.hpp>

// Sanitizers have a pthread_create of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOKR_TEST_IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SOKR_TEST_IS_SANITIZED 1
#endif
#endif

namespace {

std::atomic<int> refused{0};  // how many threads are still to be refused

}  // namespace

#if !defined(SOKR_TEST_IS_SANITIZED)
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* what) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  if (refused.load() > 0 && refused.fetch_sub(1) > 0) return EAGAIN;
  return create(thread, attributes, run, what);
}
#endif

namespace sokr::substrate {
namespace {

struct Work {
  std::atomic<int> calls{0};
  void await(int count) const {
    for (int seen; (seen = calls.load()) < count;) calls.wait(seen);
  }
};

void note(Work* work) {
  work->calls.fetch_add(1);
  work->calls.notify_all();
}

// oneTBB puts a task into its queue, starts a thread for it, and throws if there can be none: the
// next thread finds the task.
TEST(Tasks, OneThatWasRefusedIsNeverCalledAndOthersAreOnce) {
#if defined(SOKR_TEST_IS_SANITIZED)
  GTEST_SKIP() << "a sanitizer has its own pthread_create";
#endif
  constexpr int kMore = 1000;
  // More threads than one: one that could not be started is lost to oneTBB.
  const tbb::global_control workers(tbb::global_control::max_allowed_parallelism, 8);
  tbb::task_arena arena(1, 0), other(1, 0);
  Work first, later;
  refused = 1;
  EXPECT_ANY_THROW(enqueue<note>(arena, &first)) << "oneTBB has started no thread";
  EXPECT_EQ(0, refused.exchange(0));
  enqueue<note>(other, &later);
  later.await(1);
  for (int i = 0; i < kMore; ++i) enqueue<note>(arena, &later);
  later.await(1 + kMore);
  EXPECT_EQ(0, first.calls.load());
  EXPECT_EQ(1 + kMore, later.calls.load());
}

}  // namespace
}  // namespace sokr::substrate
