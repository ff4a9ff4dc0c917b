// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How times are taken, with the engine of `sokr bench`: rounds of launches that alternate between
// the peers in an order that is drawn, so that all see the same machine; a round counts as its
// median launch, a ratio as its median over rounds.
#ifndef SOKR_BENCH_CPU_MEASURE_HPP_
#define SOKR_BENCH_CPU_MEASURE_HPP_

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "../alternate.hpp"
#include "peer.hpp"

namespace sokr::bench {

double geometric_mean(const std::vector<double>& values);

// How much time goes into one measurement.
struct Effort {
  bool quick = false;
  int rounds = 11;
  double round_ns = 30e6;  // launches go on until a round has taken this
};

// The median time of the launches of one round. Inputs that a launch consumes are restored
// before each, outside of the measured time.
double round_of(const Workload& workload, Runner& runner, double round_ns);

// What the program prints: one flat JSON object of name to number.
class Figures {
 public:
  void add(const std::string& name, double value) { values_[name] = value; }
  std::string json() const;

 private:
  std::map<std::string, double> values_;
};

// A folder for every compiler's cache, gone at the end, and also when this process is ended, by
// Ctrl-C or without being asked: a process of its own waits for that, and puts the folder away. No
// peer profits from an earlier run, and what is called unseen is unseen. Construct it before the
// first peer.
class PrivateCaches {
 public:
  PrivateCaches();
  ~PrivateCaches();
  PrivateCaches(const PrivateCaches&) = delete;
  PrivateCaches& operator=(const PrivateCaches&) = delete;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
  pid_t keeper_ = -1;
  int life_ = -1;  // a socket to it, which is closed when this process ends
};

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_MEASURE_HPP_
