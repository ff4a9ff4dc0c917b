// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_gate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <sokr/sokr.hpp>

#include "bench_calibration.hpp"
#include "text.hpp"

namespace sokr::cli {

GateVerdict verdict_of(const measure::Comparison& comparison, double allowance) {
  if (measure::least_mann_whitney_p(comparison.now_count, comparison.before_count) >= kGateP) {
    return GateVerdict::kUnknown;
  }
  const bool slower = comparison.interval.low > allowance && comparison.test.p < kGateP;
  return slower ? GateVerdict::kSlower : GateVerdict::kHeld;
}

namespace {

// Of kUnknown. Turns of now are had by asking for more of them; those of a baseline are what they
// are.
std::string too_few(const measure::Comparison& comparison, bool is_baseline) {
  constexpr std::size_t kVeryMany = std::size_t{1} << 20;
  const bool never =
      is_baseline && measure::least_mann_whitney_p(kVeryMany, comparison.before_count) >= kGateP;
  // Processes of both sides, beside another command, are measured by time alone.
  return fmt::format("of {} and {} turns no p is below {}; measure {}, with a larger --budget{}",
                     comparison.before_count, comparison.now_count, kGateP,
                     never ? "the baseline anew" : "longer", is_baseline ? " or --repeat" : "");
}

}  // namespace

std::string gate_sentence(const GateRow& row) {
  const measure::Comparison& comparison = row.comparison;
  if (row.verdict == GateVerdict::kUnknown) {
    return fmt::format("whether {} is slower than {} cannot be told: {}", row.substrate,
                       row.against, row.unknown);
  }
  if (row.verdict == GateVerdict::kHeld) return {};
  return fmt::format(
      "{} is {:.1f} % slower than {} ({} against {}; {} % are allowed; 95 % interval {:.1f} to "
      "{:.1f} %, Mann-Whitney p = {:.2g})",
      row.substrate, 100 * (comparison.ratio - 1), row.against, row.text(row.now),
      row.text(row.before), row.allowed_percent, 100 * (comparison.interval.low - 1),
      100 * (comparison.interval.high - 1), comparison.test.p);
}

const BaselineResult& require_result(const Baseline& baseline, const std::string& substrate) {
  if (const BaselineResult* const earlier = baseline.find(substrate)) return *earlier;
  throw Error(SOKR_NOT_FOUND,
              fmt::format("the baseline '{}' has no result for {}; measure it there too, or leave "
                          "it out with --on",
                          baseline.file, substrate));
}

namespace {

const measure::Blocks* counted(const std::vector<measure::Counted>& all, const std::string& name) {
  for (const measure::Counted& one : all) {
    if (one.name == name) return &one.blocks;
  }
  return nullptr;
}

// What times are divided by: turns of one part of the calibration, or the times of a substrate.
struct Unit {
  std::string substrate;
  std::optional<std::size_t> part;
  std::string text() const {
    return part ? fmt::format("{} {}", kCalibration, kCalibrationParts[*part]) : substrate;
  }
};

// How long the loops of a run were, and how long those are that all runs are compared by.
struct Loops {
  CalibrationTurns turns, common;
};

// The ratios of the turns of one process, each to its neighbour of a part of the calibration, in
// turns of its loop.
measure::Blocks ratios(const BenchRound& round, const Loops& loops, std::size_t part) {
  const measure::Blocks& under = round.calibration[part];
  const double turns = loops.turns[part], common = loops.common[part];
  const double dispatch = measure::median(round.calibration.front());
  measure::Blocks all;
  for (std::size_t i = 0; i < std::min(round.blocks.size(), under.size()); ++i) {
    double ns = under[i];
    // A loop of another run may be longer. Its dispatch is not, which is as long as the one that
    // has no loop.
    if (turns != common) ns += std::max(0.0, ns - dispatch) * (common / turns - 1);
    all.push_back(round.blocks[i] / ns * common);
  }
  return all;
}

// Of each process its median, as no single one tells much.
measure::Blocks medians(const std::vector<BenchRound>& rounds, const Loops& loops,
                        std::size_t part) {
  measure::Blocks all;
  for (const BenchRound& round : rounds) all.push_back(measure::median(ratios(round, loops, part)));
  return all;
}

// What else the machine does slows one substrate by other factors than another, and moves the
// median of their ratios by a tenth. It leaves some turns of each alone: these are compared, of
// each process. Not the shortest one, which is a single one.
constexpr double kUndisturbed = 0.02;

measure::Blocks undisturbed(const std::vector<BenchRound>& rounds,
                            const std::vector<BenchRound>& other) {
  measure::Blocks all;
  for (std::size_t i = 0; i < std::min(rounds.size(), other.size()); ++i) {
    if (rounds[i].blocks.empty() || other[i].blocks.empty()) continue;
    all.push_back(measure::quantile(rounds[i].blocks, kUndisturbed) /
                  measure::quantile(other[i].blocks, kUndisturbed));
  }
  return all;
}

const BaselineResult& require_rounds(const Baseline& baseline, const std::string& substrate,
                                     const std::string& relative_to) {
  const BaselineResult& one = require_result(baseline, substrate);
  const bool calibration = relative_to == kCalibration;
  if (!calibration && !one.rounds.empty() && !one.rounds.front().on_one_processor) {
    throw Error(
        SOKR_NOT_FOUND,
        fmt::format("the ratios of {} in the baseline '{}' are not of one processor, as those "
                    "of --relative-to {} are; measure it anew",
                    substrate, baseline.file, relative_to));
  }
  if (!one.rounds.empty() && (!calibration || one.calibration_turns)) return one;
  throw Error(
      SOKR_NOT_FOUND,
      fmt::format("the baseline '{}' has no {} for {}; measure it with --relative-to {}, too",
                  baseline.file, calibration ? "calibration" : "ratios", substrate, relative_to));
}

// The loops of the first baseline are those of this run, too, and of the others if they were
// measured with it.
CalibrationTurns common_turns(std::span<const Baseline> baselines, const std::string& substrate) {
  return *require_rounds(baselines.front(), substrate, std::string(kCalibration)).calibration_turns;
}

measure::Blocks earlier_medians(const Baseline& baseline, const std::string& substrate,
                                const Unit& unit, const CalibrationTurns& common) {
  const std::string to(unit.part ? kCalibration : std::string_view(unit.substrate));
  const BaselineResult& one = require_rounds(baseline, substrate, to);
  if (unit.part) return medians(one.rounds, {*one.calibration_turns, common}, *unit.part);
  return undisturbed(one.rounds, require_rounds(baseline, to, to).rounds);
}

measure::Blocks current_medians(const std::vector<BenchResult>& results, const BenchResult& one,
                                const Unit& unit, const CalibrationTurns& common) {
  if (unit.part) return medians(one.rounds, {one.calibration_turns, common}, *unit.part);
  for (const BenchResult& other : results) {
    if (other.substrate == unit.substrate) return undisturbed(one.rounds, other.rounds);
  }
  return {};
}

// What is compared of an earlier result without --relative-to: its turns.
measure::Blocks earlier_blocks(const Baseline& baseline, const std::string& substrate,
                               const std::string& metric) {
  const BaselineResult& one = require_result(baseline, substrate);
  if (metric.empty()) return one.blocks_ns;
  if (const measure::Blocks* const blocks = counted(one.counted, metric)) return *blocks;
  throw Error(SOKR_NOT_FOUND, fmt::format("the baseline '{}' has counted no {} for {}; measure "
                                          "it where they are to be had",
                                          baseline.file, metric, substrate));
}

// The part of the calibration that a kernel goes with: over which its times were steadiest, from
// one neighbour to the next and from baseline to baseline.
Unit steadiest_part(std::span<const Baseline> baselines, const std::string& substrate,
                    const CalibrationTurns& common) {
  Unit best;
  double least = 0;
  for (std::size_t part = 0; part < kCalibrationCount; ++part) {
    const Unit unit{{}, part};
    std::vector<double> all;
    for (const Baseline& baseline : baselines) {
      const BaselineResult& one = require_rounds(baseline, substrate, std::string(kCalibration));
      for (const BenchRound& round : one.rounds) {
        const measure::Blocks some = ratios(round, {*one.calibration_turns, common}, part);
        all.insert(all.end(), some.begin(), some.end());
      }
    }
    const double apart = measure::quantile(all, 0.75) / measure::quantile(all, 0.25);
    if (best.part && apart >= least) continue;
    best = unit;
    least = apart;
  }
  return best;
}

std::vector<double> medians_of(const std::vector<measure::Blocks>& runs) {
  std::vector<double> all;
  for (const measure::Blocks& run : runs) all.push_back(measure::median(run));
  return all;
}

// What was compared, and with what, for a sentence.
struct Compared {
  std::vector<measure::Blocks> before, now;
  std::string unit;
};

Compared compared(const std::vector<BenchResult>& results, const BenchResult& one,
                  std::span<const Baseline> baselines, const std::string& relative_to,
                  const std::string& metric) {
  Compared both;
  if (relative_to.empty() || !metric.empty()) {
    for (const Baseline& baseline : baselines) {
      both.before.push_back(earlier_blocks(baseline, one.substrate, metric));
    }
    both.now = {metric.empty() ? one.warm().blocks : *counted(one.warm().counted, metric)};
    return both;
  }
  const bool calibration = relative_to == kCalibration;
  const CalibrationTurns common =
      calibration ? common_turns(baselines, one.substrate) : CalibrationTurns{};
  const Unit unit = calibration ? steadiest_part(baselines, one.substrate, common)
                                : Unit{relative_to, std::nullopt};
  for (const Baseline& baseline : baselines) {
    both.before.push_back(earlier_medians(baseline, one.substrate, unit, common));
  }
  both.now = {current_medians(results, one, unit, common)};
  both.unit = unit.text();
  return both;
}

}  // namespace

void require_comparable(const Baseline& baseline, const std::string& substrate,
                        const std::string& relative_to, const std::string& metric) {
  if (relative_to == kOldKernel) {
    if (!baseline.kernel.empty()) return;
    throw Error(SOKR_NOT_FOUND, fmt::format("the baseline '{}' does not bring its kernel along; "
                                            "measure it anew, or use --baseline-command",
                                            baseline.file));
  }
  if (relative_to.empty() || !metric.empty()) {
    (void)earlier_blocks(baseline, substrate, metric);
  } else {
    (void)require_rounds(baseline, substrate, relative_to);
  }
}

std::vector<GateRow> compared_with_baselines(const std::vector<BenchResult>& results,
                                             std::span<const Baseline> baselines,
                                             double max_percent, const std::string& relative_to,
                                             const std::string& metric) {
  const double allowance = 1 + max_percent / 100;
  std::vector<GateRow> rows;
  for (const BenchResult& one : results) {
    // Its kernel is measured here: none of its times are compared.
    if (baselines.empty() || one.substrate == relative_to || relative_to == kOldKernel) continue;
    const Compared both = compared(results, one, baselines, relative_to, metric);
    GateRow& row = rows.emplace_back();
    row.substrate = one.substrate;
    row.against = baselines.size() == 1 ? "the baseline" : "the baselines";
    row.allowed_percent = max_percent;
    row.now = measure::median(both.now.front());
    const std::vector<double> before = medians_of(both.before);
    row.before = measure::median(before);
    if (std::find(before.begin(), before.end(), 0) != before.end()) {
      // Of a counter: times are above 0.
      row.verdict = GateVerdict::kUnknown;
      row.comparison.ratio = std::numeric_limits<double>::quiet_NaN();
      row.comparison.interval = {row.comparison.ratio, row.comparison.ratio};
      row.unknown = fmt::format(
          "half of the turns of {} or more counted 0 {}, of which nothing is a multiple; compare "
          "times, or another --metric",
          row.against, metric);
    } else {
      row.comparison = measure::compare(both.before, both.now, allowance, kGateConfidence);
      row.verdict = verdict_of(row.comparison, allowance);
      if (row.verdict == GateVerdict::kUnknown) row.unknown = too_few(row.comparison, true);
    }
    row.unit = !metric.empty()               ? metric
               : relative_to.empty()         ? "ns"
               : relative_to == kCalibration ? "turns of " + both.unit
                                             : "times " + both.unit;
  }
  return rows;
}

std::vector<GateRow> compared_with_old(std::span<const CommandComparison> comparisons,
                                       double max_percent, const std::string& against) {
  std::vector<GateRow> rows;
  for (const CommandComparison& one : comparisons) {
    GateRow& row = rows.emplace_back();
    row.substrate = one.substrate;
    row.against = against;
    row.comparison = one.comparison;
    row.verdict = verdict_of(one.comparison, 1 + max_percent / 100);
    if (row.verdict == GateVerdict::kUnknown) row.unknown = too_few(one.comparison, false);
    row.allowed_percent = max_percent;
    row.now = one.now_ns;
    row.before = one.before_ns;
  }
  return rows;
}

}  // namespace sokr::cli
