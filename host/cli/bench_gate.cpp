// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_gate.hpp"

#include <fmt/format.h>

#include <sokr/sokr.hpp>

#include "text.hpp"

namespace sokr::cli {

bool is_regression(const measure::Comparison& comparison, double allowance) {
  return comparison.interval.low > allowance && comparison.test.p < kGateP;
}

std::string regression_text(const std::string& substrate, const measure::Comparison& comparison,
                            double max_percent, const std::string& against) {
  return fmt::format(
      "{} is {:.1f} % slower than the baseline ({}; {} % are allowed; 99 % interval {:.1f} to "
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

std::vector<std::string> regressions(const std::vector<BenchResult>& results,
                                     std::span<const Baseline> baselines, double max_percent) {
  const double allowance = 1 + max_percent / 100;
  std::vector<std::string> found;
  for (const BenchResult& one : results) {
    std::vector<measure::Blocks> before;
    for (const Baseline& baseline : baselines) {
      before.push_back(require_result(baseline, one.substrate).blocks_ns);
    }
    const std::vector<measure::Blocks> now{one.warm().blocks};
    const auto comparison = measure::compare(before, now, allowance, kGateConfidence);
    if (!is_regression(comparison, allowance)) continue;
    const double median = measure::median(now.front());
    const std::string against = fmt::format("{} against {}", duration_text(median),
                                            duration_text(median / comparison.ratio));
    found.push_back(regression_text(one.substrate, comparison, max_percent, against));
  }
  return found;
}

}  // namespace sokr::cli
