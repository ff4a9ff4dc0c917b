// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The report of an earlier `sokr bench --json`, schema sokr.bench/1, that --baseline compares
// with.
#ifndef SOKR_CLI_BASELINE_HPP_
#define SOKR_CLI_BASELINE_HPP_

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench_calibration.hpp"
#include "engine.hpp"
#include "output.hpp"

namespace sokr::cli {

struct BaselineResult {
  std::string substrate;
  std::vector<double> blocks_ns;  // finite, above 0, at least one
  std::vector<measure::Counted> counted;
  // Of --relative-to; empty if it was measured without. Of the calibration there is all or nothing.
  std::vector<BenchRound> rounds;
  std::optional<CalibrationTurns> calibration_turns;
};

// Bytes as text; empty if they are more than a baseline brings along.
std::string kernel_hex(std::span<const std::byte> bytes);

struct Baseline {
  std::string file;
  Json json;                            // the whole report
  std::vector<BaselineResult> results;  // as listed
  std::vector<std::byte> kernel;        // its bytes; empty if it does not bring them
  // Null if there is none.
  const BaselineResult* find(std::string_view substrate) const;
};

// Throws an Error that names the file for what is no report, is nested deeper than any is, or has
// medians alone, as those of 0.1 had.
Baseline parse_baseline(std::string_view text, const std::string& file);
Baseline read_baseline(const std::string& file);

// "AMD EPYC, 2 cores" where a baseline was measured on another processor, on more or fewer cores,
// or on one that may be another, as the system names none; empty if it was not, or does not tell.
std::string another_machine(const Baseline& baseline, const std::string& cpu, unsigned cores);

// A kernel may have changed, and its file may have moved: that is what is compared. What it is
// called and how it is launched (`launch`, an object) may not: throws UsageError. An older
// baseline lacks some of these.
void refuse_another_launch(const Baseline& baseline, const std::string& kernel, const Json& launch);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BASELINE_HPP_
