// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What `sokr bench` was asked for, read: besides the launch, how to measure, what to write and
// what to compare with. Every mistake is a UsageError that names the flag and shows its form.
#ifndef SOKR_CLI_BENCH_FLAGS_HPP_
#define SOKR_CLI_BENCH_FLAGS_HPP_

#include <optional>
#include <string>
#include <vector>

#include "command.hpp"
#include "engine.hpp"
#include "launch_flags.hpp"

namespace sokr::cli {

// A file that is written: "-" is standard output, which takes one of them.
struct BenchFile {
  std::string flag, path;
};

struct BenchRequest {
  LaunchRequest launch;
  double precision = 0.01;             // half of the interval's width over the median
  std::optional<double> budget_s;      // for all that is measured alternately, warm-up and all
  std::optional<double> bytes, flops;  // of one dispatch
  std::optional<bool> check;           // none: where outputs are named
  std::vector<BenchFile> files;        // --json, --csv, --markdown, --html, --svg
  std::vector<std::string> baselines;
  bool sweep = false;            // this is one of its points
  double max_regress = 0;        // percent
  std::string relative_to;       // a substrate of --on, or kCalibration; may be empty
  std::string metric;            // a counter; empty: times
  std::string baseline_command;  // for a shell; may be empty

  // Is standard output one of the files?
  bool prints_file() const;
  const std::string* file(std::string_view flag) const;
};

BenchRequest read_bench_flags(const BenchFlags& flags);

// "12.5", above 0; `what` is what it takes.
double parse_positive(std::string_view text, std::string_view flag, std::string_view what);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_FLAGS_HPP_
