// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sokr/sokr.hpp>

#include "bench_calibration.hpp"
#include "text.hpp"

namespace sokr::cli {

bool is_regression(const measure::Comparison& comparison, double allowance) {
  return comparison.interval.low > allowance && comparison.test.p < kGateP;
}

std::string regression_text(const std::string& substrate, const measure::Comparison& comparison,
                            double max_percent, const std::string& against) {
  return fmt::format(
      "{} is {:.1f} % slower than the baseline ({}; {} % are allowed; 95 % interval {:.1f} to "
      "{:.1f} %, Mann-Whitney p = {:.2g})",
      substrate, 100 * (comparison.ratio - 1), against, max_percent,
      100 * (comparison.interval.low - 1), 100 * (comparison.interval.high - 1), comparison.test.p);
}

const BaselineResult& require_result(const Baseline& baseline, const std::string& substrate) {
  if (const BaselineResult* const earlier = baseline.find(substrate)) return *earlier;
  throw Error(SOKR_NOT_FOUND,
              fmt::format("the baseline '{}' has no result for {}; measure it there too, or leave "
                          "it out with --on",
                          baseline.file, substrate));
}

namespace {

measure::Blocks over(const std::vector<double>& times, const std::vector<double>& unit) {
  measure::Blocks ratios;
  for (std::size_t i = 0; i < std::min(times.size(), unit.size()); ++i) {
    ratios.push_back(times[i] / unit[i]);
  }
  return ratios;
}

const measure::Blocks* counted(const std::vector<measure::Counted>& all, const std::string& name) {
  for (const measure::Counted& one : all) {
    if (one.name == name) return &one.blocks;
  }
  return nullptr;
}

// "memory" of "calibration memory".
std::string part_of(const std::string& relative_to) {
  return relative_to.substr(std::min(relative_to.size(), kCalibration.size() + 1));
}

// What is compared of an earlier result: its turns, or how they relate to others of the same run.
measure::Blocks earlier_blocks(const Baseline& baseline, const std::string& substrate,
                               const std::string& relative_to, const std::string& metric) {
  const BaselineResult& one = require_result(baseline, substrate);
  if (!metric.empty()) {
    if (const measure::Blocks* const blocks = counted(one.counted, metric)) return *blocks;
    throw Error(SOKR_NOT_FOUND, fmt::format("the baseline '{}' has counted no {} for {}; measure "
                                            "it where they are to be had",
                                            baseline.file, metric, substrate));
  }
  if (relative_to.empty()) return one.blocks_ns;
  if (relative_to.starts_with(kCalibration)) {
    if (const measure::Blocks* const part = counted(one.calibration, part_of(relative_to))) {
      return over(one.blocks_ns, *part);
    }
    throw Error(SOKR_NOT_FOUND,
                fmt::format("the baseline '{}' has no calibration for {}; measure it with "
                            "--relative-to calibration, too",
                            baseline.file, substrate));
  }
  return over(one.blocks_ns, require_result(baseline, relative_to).blocks_ns);
}

measure::Blocks current_blocks(const std::vector<BenchResult>& results, const BenchResult& one,
                               const std::string& relative_to, const std::string& metric) {
  if (!metric.empty()) return *counted(one.warm().counted, metric);
  if (relative_to.empty()) return one.warm().blocks;
  for (std::size_t i = 0; i < one.calibration.size(); ++i) {
    if (part_of(relative_to) == kCalibrationParts[i]) {
      return over(one.warm().blocks, one.calibration[i].blocks);
    }
  }
  for (const BenchResult& other : results) {
    if (other.substrate == relative_to) return over(one.warm().blocks, other.warm().blocks);
  }
  return {};
}

// How far ratios lie apart: those of several baselines, or those within the only one.
double unsteadiness(const std::vector<measure::Blocks>& before) {
  if (before.size() == 1) {
    return measure::quantile(before[0], 0.75) / measure::quantile(before[0], 0.25);
  }
  std::vector<double> medians;
  for (const measure::Blocks& blocks : before) medians.push_back(measure::median(blocks));
  const auto [least, most] = std::minmax_element(medians.begin(), medians.end());
  return *most / *least;
}

// The part of the calibration that a kernel goes with: over which its times were steadiest.
std::string steadiest_part(std::span<const Baseline> baselines, const std::string& substrate) {
  std::string best;
  double least = 0;
  for (const char* part : kCalibrationParts) {
    const std::string name = fmt::format("{} {}", kCalibration, part);
    std::vector<measure::Blocks> before;
    for (const Baseline& baseline : baselines) {
      before.push_back(earlier_blocks(baseline, substrate, name, ""));
    }
    const double apart = unsteadiness(before);
    if (!best.empty() && apart >= least) continue;
    best = name;
    least = apart;
  }
  return best;
}

}  // namespace

void require_comparable(const Baseline& baseline, const std::string& substrate,
                        const std::string& relative_to, const std::string& metric) {
  if (relative_to != kCalibration) {
    (void)earlier_blocks(baseline, substrate, relative_to, metric);
    return;
  }
  for (const char* part : kCalibrationParts) {
    (void)earlier_blocks(baseline, substrate, fmt::format("{} {}", relative_to, part), metric);
  }
}

std::vector<std::string> regressions(const std::vector<BenchResult>& results,
                                     std::span<const Baseline> baselines, double max_percent,
                                     const std::string& relative_to, const std::string& metric) {
  const double allowance = 1 + max_percent / 100;
  std::vector<std::string> found;
  for (const BenchResult& one : results) {
    if (baselines.empty() || one.substrate == relative_to) continue;
    const std::string unit = relative_to == kCalibration && metric.empty()
                                 ? steadiest_part(baselines, one.substrate)
                                 : relative_to;
    std::vector<measure::Blocks> before;
    for (const Baseline& baseline : baselines) {
      before.push_back(earlier_blocks(baseline, one.substrate, unit, metric));
    }
    const std::vector<measure::Blocks> now{current_blocks(results, one, unit, metric)};
    const auto comparison = measure::compare(before, now, allowance, kGateConfidence);
    if (!is_regression(comparison, allowance)) continue;
    const double median = measure::median(now.front());
    const std::string against =
        !metric.empty()
            ? fmt::format("{:.6g} {} against {:.6g}", median, metric, median / comparison.ratio)
        : relative_to.empty() ? fmt::format("{} against {}", duration_text(median),
                                            duration_text(median / comparison.ratio))
                              : fmt::format("{:.4g} against {:.4g} times {}", median,
                                            median / comparison.ratio, unit);
    found.push_back(regression_text(one.substrate, comparison, max_percent, against));
  }
  return found;
}

std::vector<std::string> regressions(std::span<const CommandComparison> comparisons,
                                     double max_percent) {
  std::vector<std::string> found;
  for (const CommandComparison& one : comparisons) {
    if (!is_regression(one.comparison, 1 + max_percent / 100)) continue;
    found.push_back(regression_text(
        one.substrate, one.comparison, max_percent,
        fmt::format("{} against {}", duration_text(one.now_ns), duration_text(one.before_ns))));
  }
  return found;
}

}  // namespace sokr::cli
