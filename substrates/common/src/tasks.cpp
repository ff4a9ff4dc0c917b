// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Never built with ThreadSanitizer: see tasks.hpp.
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <sokr/substrate/tasks.hpp>

#if defined(SOKR_THREAD_SANITIZER)
#error "tasks.cpp must be compiled with -fno-sanitize=thread"
#endif

namespace sokr::substrate::tasks {

void enqueue(tbb::task_arena& arena, void (*run)(void*), void* what) {
  arena.enqueue([=] { run(what); });
}

// Isolated: a caller whose calls have all begun would otherwise take tasks of other loops while it
// waits, and go on only when those are done.
void parallel_for(std::uint64_t count, bool (*run)(void*, std::uint64_t), void* what) {
  using Range = tbb::blocked_range<std::uint64_t>;
  tbb::task_group_context context(tbb::task_group_context::isolated);
  const auto body = [&](const Range& range) {
    for (std::uint64_t i = range.begin(); i != range.end(); ++i) {
      if (run(what, i)) continue;
      context.cancel_group_execution();
      return;
    }
  };
  tbb::this_task_arena::isolate(
      [&] { tbb::parallel_for(Range(0, count, 1), body, tbb::simple_partitioner{}, context); });
}

}  // namespace sokr::substrate::tasks
