// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Did a launch become slower? The stated test: the whole 95 % interval of the ratio of the
// medians is above what is allowed, and turns of this run are longer than those of the
// baseline with the allowance (Mann-Whitney, one-sided, p below 0.01). Both have to say so. Of so
// few turns that no p can be below that, nothing is known, which is no pass.
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

GateVerdict verdict_of(const measure::Comparison& comparison, double allowance);

// What is to be said of one: "cpu is 12 % slower than the baseline (...)", with the evidence, or
// why nothing is known. Empty if it held.
std::string gate_sentence(const GateRow& row);

// Throws an Error that says so if there is none.
const BaselineResult& require_result(const Baseline& baseline, const std::string& substrate);

// A row for each substrate, which all of the baselines have. Where `relative_to` is not empty, its
// times are over those of that substrate, or of the calibration, turn by turn, and a process counts
// as the median of its ratios. `metric`: a counter that is compared instead of times.
std::vector<GateRow> compared_with_baselines(const std::vector<BenchResult>& results,
                                             std::span<const Baseline> baselines,
                                             double max_percent, const std::string& relative_to,
                                             const std::string& metric);
// Throws an Error unless a baseline has what is to be compared on this substrate.
void require_comparable(const Baseline& baseline, const std::string& substrate,
                        const std::string& relative_to, const std::string& metric);
// `against` is what the old side is called: "the baseline command".
std::vector<GateRow> compared_with_old(std::span<const CommandComparison> comparisons,
                                       double max_percent, const std::string& against);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_GATE_HPP_
