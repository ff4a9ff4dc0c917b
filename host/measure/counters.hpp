// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the system counts of this process on all its threads: instructions and the like, by
// perf_event_open. Threads that are there already are not counted: make it before what has some.
#ifndef SOKR_MEASURE_COUNTERS_HPP_
#define SOKR_MEASURE_COUNTERS_HPP_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::measure {

// One kind that can be asked for.
struct CounterKind {
  const char* name;  // "instructions"
  const char* unit;  // "ns", or empty for a number of things
};
std::span<const CounterKind> counter_kinds();

class Counters {
 public:
  // Opens what the system gives of `names`; an unknown one is as one that is not given.
  explicit Counters(std::span<const std::string> names);
  ~Counters();
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  struct One {
    std::string name;
    int descriptor = -1;  // -1: it is not to be had
    std::string reason;   // why: a sentence
  };
  std::span<const One> all() const { return counters_; }
  // The values now, for each that is to be had, in their order: of user code only, but for
  // task-clock, which the system counts as long as a thread runs.
  void read(std::vector<double>& values) const;
  std::vector<std::string> available() const;
  // Those that had to share what the processor counts with, and did not always count: their values
  // are too small.
  std::vector<std::string> interrupted() const;

 private:
  std::vector<One> counters_;
};

}  // namespace sokr::measure

#endif  // SOKR_MEASURE_COUNTERS_HPP_
