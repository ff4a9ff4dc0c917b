// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate in a process of its own, with other settings than this one's: settings of a
// plugin hold for a process.
#ifndef SOKR_BENCH_CPU_REMOTE_HPP_
#define SOKR_BENCH_CPU_REMOTE_HPP_

#include <string>
#include <string_view>
#include <vector>

#include "companion.hpp"
#include "measure.hpp"

namespace sokr::bench {

class Remote {
 public:
  // Starts this program again with `--serve` and these plugin options ("cpu.threads=1").
  Remote(std::string_view substrate, bool quick, const std::vector<std::string>& options);
  // One round of the kernel there; the first round of a kernel prepares it. Throws with the
  // other side's sentence.
  double round(std::string_view kernel, double round_ns);

 private:
  Companion companion_;
};

// The other side: answers the lines of standard input until it ends.
int serve(const Context& context, std::string_view substrate, bool quick);

// The module of a kernel of the table.
std::vector<std::byte> module_of(std::string_view kernel);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_CPU_REMOTE_HPP_
