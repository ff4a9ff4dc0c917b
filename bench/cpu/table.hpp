// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The kernels of the workload table: the substrate against its peers, against itself without
// bounds checks, and against itself on one core.
#ifndef SOKR_BENCH_CPU_TABLE_HPP_
#define SOKR_BENCH_CPU_TABLE_HPP_

#include "latency.hpp"
#include "measure.hpp"

namespace sokr::bench {

struct NamedPeer {
  const char* name;  // "handwritten", "lavapipe", "pocl"
  std::unique_ptr<Peer> peer;
};

// `only`: one kernel, or empty for all; the geometric means need all. Prints a table for
// people on standard error. False if the substrate's result of a kernel is wrong, which
// is then left out, as is a peer that fails or whose result is wrong.
bool measure_kernels(const Subject& subject, std::span<const NamedPeer> peers,
                     std::string_view only, const Effort& effort, Figures& figures);

// In processes of their own, with the plugin options cpu.robust and cpu.threads. `same` are
// the options that hold for all of them.
void measure_settings(const Subject& subject, const std::vector<std::string>& same,
                      std::string_view only, const Effort& effort, Figures& figures);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_TABLE_HPP_
