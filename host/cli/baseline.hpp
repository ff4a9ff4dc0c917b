// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The report of an earlier `sokr bench --json`, schema sokr.bench/1, that --baseline compares
// with.
#ifndef SOKR_CLI_BASELINE_HPP_
#define SOKR_CLI_BASELINE_HPP_

#include <string>
#include <string_view>
#include <vector>

#include "engine.hpp"
#include "output.hpp"

namespace sokr::cli {

struct BaselineResult {
  std::string substrate;
  std::vector<double> blocks_ns;  // finite, above 0, at least one
  std::vector<measure::Counted> counted;
  // Of what was measured beside it, as blocks_ns, by name; may be empty.
  std::vector<measure::Counted> calibration;
};

struct Baseline {
  std::string file;
  Json json;                            // the whole report
  std::vector<BaselineResult> results;  // as listed
  // Null if there is none.
  const BaselineResult* find(std::string_view substrate) const;
};

// Throws an Error that names the file for what is no report, is nested deeper than any is, or has
// medians alone, as those of 0.1 had.
Baseline parse_baseline(std::string_view text, const std::string& file);
Baseline read_baseline(const std::string& file);

// A kernel may have changed, and its file may have moved: that is what is compared. What it is
// called and how it is launched (`launch`, an object) may not: throws UsageError. An older
// baseline lacks some of these.
void refuse_another_launch(const Baseline& baseline, const std::string& kernel, const Json& launch);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BASELINE_HPP_
