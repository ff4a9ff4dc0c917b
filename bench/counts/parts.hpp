// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is counted, part by part: each in a process of its own, which has the environment that the
// part wants and nothing else.
#ifndef SOKR_BENCH_COUNTS_PARTS_HPP_
#define SOKR_BENCH_COUNTS_PARTS_HPP_

#include <span>
#include <string>
#include <vector>

#include "region.hpp"

namespace sokr::bench {

constexpr const char* kNoFile = "???";

struct Part {
  const char* name;
  std::vector<std::string> environment{};  // NAME=VALUE
  // Of its instructions only those in files with this in their names; empty: all of them. What was
  // compiled while it ran is in kNoFile.
  const char* counted_in = "";
  Threads threads = Threads::kMarking;
  bool fills_caches = false;  // it is run once before it is counted
  void (*run)();
};
// Those that this build has.
std::span<const Part> parts();

}  // namespace sokr::bench

#endif  // SOKR_BENCH_COUNTS_PARTS_HPP_
