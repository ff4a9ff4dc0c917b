// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Never built with ThreadSanitizer: see tasks.hpp.
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>

#include <sokr/substrate/tasks.hpp>

#if defined(SOKR_THREAD_SANITIZER)
#error "tasks.cpp must be compiled with -fno-sanitize=thread"
#endif

namespace sokr::substrate::tasks {

void enqueue(tbb::task_arena& arena, void (*run)(void*), void* what) {
  arena.enqueue([=] { run(what); });
}

void parallel_for(std::uint64_t count, void (*run)(void*, std::uint64_t), void* what) {
  using Range = tbb::blocked_range<std::uint64_t>;
  tbb::parallel_for(
      Range(0, count, 1),
      [=](const Range& range) {
        for (std::uint64_t i = range.begin(); i != range.end(); ++i) run(what, i);
      },
      tbb::simple_partitioner{});
}

}  // namespace sokr::substrate::tasks
