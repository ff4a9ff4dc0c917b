// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is counted, in the process that runs under callgrind: from one marker to the next, on the
// thread that marks or on all of them. Without callgrind the work is done and nothing is counted.
#ifndef SOKR_BENCH_COUNTS_REGION_HPP_
#define SOKR_BENCH_COUNTS_REGION_HPP_

#include <valgrind/callgrind.h>

#include <string>

namespace sokr::bench {

// Which threads' instructions count between markers. kAll is for what may be handed to another one:
// there, count what does not occur in waiting.
enum class Threads { kMarking, kAll };

class Counter {
 public:
  // Everything is prepared: until now programs run at several times the speed.
  explicit Counter(Threads threads = Threads::kMarking) : threads_(threads) {
    if (threads_ == Threads::kMarking) CALLGRIND_START_INSTRUMENTATION;
  }
  // What callgrind is told for it.
  static constexpr const char* flag(Threads threads) {
    return threads == Threads::kMarking ? "--collect-atstart=no" : "--collect-atstart=yes";
  }

  // Counts `times` calls of `work`, each of which does `each` of what is counted, under this name:
  // it is the trigger of a profile, with how often it was done.
  template <class Work>
  void count(const std::string& name, int times, int each, Work&& work) const {
    const std::string trigger = name + '*' + std::to_string(times * each);
    mark(true);
    for (int i = 0; i < times; ++i) work();
    mark(false);
    CALLGRIND_DUMP_STATS_AT(trigger.c_str());
  }

  // What is repeated is counted when it has settled: pools have grown, tables are filled. In
  // several batches, so that what happens once, as a lock that was taken, is in few of them.
  template <class Work>
  void count_repeated(const std::string& name, Work&& work) const {
    constexpr int kBatches = 8, kTimes = 32;
    for (int i = 0; i < kBatches * kTimes; ++i) work();
    for (int i = 0; i < kBatches; ++i) count(name, kTimes, 1, work);
  }

 private:
  void mark(bool begins) const {
    if (threads_ == Threads::kMarking) {
      CALLGRIND_TOGGLE_COLLECT;
    } else if (begins) {
      CALLGRIND_START_INSTRUMENTATION;
    } else {
      CALLGRIND_STOP_INSTRUMENTATION;
    }
  }

  Threads threads_;
};

}  // namespace sokr::bench

#endif  // SOKR_BENCH_COUNTS_REGION_HPP_
