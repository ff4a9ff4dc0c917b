// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Did a launch become slower? The stated test: the whole 95 % interval of the ratio of the
// medians is above what is allowed, and turns of this run are longer than those of the
// baseline with the allowance (Mann-Whitney, one-sided, p below 0.01). Both have to say so.
#ifndef SOKR_CLI_BENCH_GATE_HPP_
#define SOKR_CLI_BENCH_GATE_HPP_

#include <span>
#include <string>
#include <vector>

#include "baseline.hpp"
#include "bench_report.hpp"
#include "estimates.hpp"

namespace sokr::cli {

inline constexpr double kGateConfidence = 0.95, kGateP = 0.01;

bool is_regression(const measure::Comparison& comparison, double allowance);

// "cpu is 12 % slower than the baseline (...)": with the evidence. `unit` of what is compared.
std::string regression_text(const std::string& substrate, const measure::Comparison& comparison,
                            double max_percent, const std::string& against);

// Throws an Error that says so if there is none.
const BaselineResult& require_result(const Baseline& baseline, const std::string& substrate);

// A sentence for each substrate that became slower than in the baselines, which all have it. Where
// `relative_to` is not empty, its times are over those of that substrate, or of the calibration,
// turn by turn, and a process counts as the median of its ratios. `metric`: a counter that is
// compared instead of times.
std::vector<std::string> regressions(const std::vector<BenchResult>& results,
                                     std::span<const Baseline> baselines, double max_percent,
                                     const std::string& relative_to, const std::string& metric);
// Throws an Error unless a baseline has what is to be compared on this substrate.
void require_comparable(const Baseline& baseline, const std::string& substrate,
                        const std::string& relative_to, const std::string& metric);
std::vector<std::string> regressions(std::span<const CommandComparison> comparisons,
                                     double max_percent);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_GATE_HPP_
