// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The threads of oneTBB that run workgroups for one substrate: as many as it has processors to
// use. All but one take any work. The last one, the reserve, is called for what lasts, and where
// the thread that waits cannot lend its processor: a short launch is over before another thread is
// awake, and the thread that waits for it runs it meanwhile.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_CREW_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_CREW_HPP_

#include <tbb/task_arena.h>

#include <mutex>

namespace sokr::cpu {

class Crew {
 public:
  explicit Crew(unsigned threads) : threads_(threads) {}
  // Nothing may be left to do.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  // Threads that work at once, the reserve included.
  unsigned threads() const { return threads_; }
  bool has_reserve() const { return threads_ > 1; }
  // Where tasks are put (<sokr/substrate/tasks.hpp>). The first call of either makes oneTBB
  // provide the threads. Any thread.
  tbb::task_arena& arena();
  tbb::task_arena& reserve();  // only if there is one

 private:
  void prepare();

  unsigned threads_;
  bool counted_ = false;
  std::once_flag prepared_;
  tbb::task_arena arena_, reserve_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_CREW_HPP_
