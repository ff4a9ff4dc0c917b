// SPDX-License-Identifier: MIT OR Apache-2.0
//
// --sweep: the same launch for several values of one thing. What depends on it is written with
// the value's name in braces: --threads {n} --zero 0.0={4*n}.
#ifndef SOKR_CLI_BENCH_SWEEP_HPP_
#define SOKR_CLI_BENCH_SWEEP_HPP_

#include <cstdint>
#include <sokr/sokr.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"

namespace sokr::cli {

// A launch has at most so many points.
inline constexpr std::size_t kMostPoints = 64;

struct Sweep {
  std::string variable;  // "push.n", "spec.0", "local-size", "threads", "groups", or "let.n"
  std::string name;      // "n": what stands in braces
  std::vector<std::uint64_t> values;
};

// "push.n=1K:64M:x4", "spec.0=16:64:+16", "local-size=32,64,128". Throws UsageError.
Sweep parse_sweep(std::string_view text);

// The flags of one point. `kernel` tells where push constants are. Throws UsageError.
BenchFlags at_point(const BenchFlags& flags, const Sweep& sweep, std::uint64_t value,
                    const Kernel& kernel);

// "4K" of 4096: a power of 1024 where it is a multiple of one.
std::string value_text(std::uint64_t value);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_SWEEP_HPP_
