// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What it costs to launch anything at all, and to see a kernel for the first time.
#ifndef SOKR_BENCH_CPU_LATENCY_HPP_
#define SOKR_BENCH_CPU_LATENCY_HPP_

#include "measure.hpp"

namespace sokr::bench {

struct Subject {
  const Context& context;
  Substrate substrate;
  std::string prefix;  // of the figures' names
};

// `lavapipe` may be null: its ratios are left out then. Each prints its line for people on
// standard error.
void measure_dispatch(const Subject& subject, Peer* lavapipe, const Effort& effort,
                      Figures& figures);
// What it saves to name a kernel by a handle instead of its bytes, small ones and large ones.
void measure_prepared(const Subject& subject, const Effort& effort, Figures& figures);
// Whether the way in which somebody waits, or nobody does, decides how many cores work; and what
// a launch costs that waits for the one before it.
void measure_waiting(const Subject& subject, const Effort& effort, Figures& figures);
void measure_first_dispatch(const Subject& subject, Peer* lavapipe, const Effort& effort,
                            Figures& figures);
void measure_compilation(const Subject& subject, const Effort& effort, Figures& figures);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_LATENCY_HPP_
