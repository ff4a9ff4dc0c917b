// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What `sokr bench` found, and the forms that it is written in: for people at 80 columns, as JSON
// that Google Benchmark's tools read, as CSV, as Markdown.
#ifndef SOKR_CLI_BENCH_REPORT_HPP_
#define SOKR_CLI_BENCH_REPORT_HPP_

#include <optional>
#include <string>
#include <vector>

#include "bench_calibration.hpp"
#include "bench_children.hpp"
#include "bench_serve.hpp"
#include "bench_sides.hpp"
#include "engine.hpp"
#include "environment.hpp"
#include "output.hpp"

namespace sokr::cli {

// The ways in which a launch is measured, as they are called in reports.
inline constexpr const char* kWays[] = {"warm", "pipelined", "batched"};
enum Way : std::size_t { kWarm, kPipelined, kBatched, kWayCount };

// One substrate.
struct BenchResult {
  std::string substrate, kind, description;
  double first_ns = 0;  // of this process, whatever the cache had
  FirstTimes first;
  std::optional<measure::Series> ways[kWayCount];  // kWarm is always there
  std::string left_out[kWayCount];                 // why one is not
  std::optional<Split> split;
  std::vector<BenchRound> rounds;        // for --relative-to; else empty
  CalibrationTurns calibration_turns{};  // 0: there is no calibration

  const measure::Series& warm() const { return *ways[kWarm]; }
};

// What the gate makes of one comparison. kUnknown: there are too few turns to show anything, or
// nothing that the new ones could be a multiple of.
enum class GateVerdict { kHeld, kSlower, kUnknown };

// What the gate compared on one substrate, and what came of it.
struct GateRow {
  std::string substrate;
  std::string against;  // "the baseline", "the baseline command"
  GateVerdict verdict = GateVerdict::kHeld;
  measure::Comparison comparison;
  double allowed_percent = 0;
  double before = 0, now = 0;  // medians
  std::string unit = "ns";     // of these: or a counter, or "turns of ...", "times NAME"
  std::string unknown;         // of kUnknown: why

  // "18.1 µs", "1.02e+06 instructions".
  std::string text(double value) const;
  // "+1.2 %" and "-0.4 to +2.9 %".
  std::string change_text() const;
  std::string interval_text() const;
};

struct BenchReport {
  std::string kernel;      // as it was named
  Json launch;             // what times depend on besides kernel and machine
  std::string kernel_hex;  // its bytes, for --relative-to kernel; empty if they are very many
  measure::Environment environment;
  std::vector<std::string> warnings;
  measure::Rules rules;
  std::optional<double> bytes, flops;  // of a dispatch
  std::vector<BenchResult> results;
  std::vector<CommandComparison> against_command;
  std::vector<GateRow> gate;
  std::vector<std::string> without_counters;  // "instructions: why"
};

// What was changed between reports, and its value in each.
struct SweepAxis {
  std::string variable;
  std::vector<std::uint64_t> values;
};

struct BenchReports {
  std::optional<SweepAxis> sweep;
  std::vector<BenchReport> points;  // one, or as many as the sweep has values; of one launch
};

std::string people_text(const BenchReports& reports);
// Schema sokr.bench/1.
Json report_json(const BenchReports& reports);
std::string csv_text(const BenchReports& reports);
std::string markdown_text(const BenchReports& reports);

// "held", "slower" or "unknown".
const char* verdict_word(GateVerdict verdict);
// Why each way ended, what was unusual, what is not there: with whom it is about, which may be
// nobody.
struct Remark {
  std::string about, text;
};
std::vector<Remark> remarks_of(const BenchReport& report);
// Of a sweep: where the medians are not known as well as was asked for. Empty if they are
// everywhere.
std::string imprecision_text(const BenchReports& reports);

// "saxpy" of "shaders/saxpy.spv".
std::string short_name(std::string_view kernel);
// "12 high outliers (3 severe) of 4000"; empty if there are none.
std::string outliers_text(const measure::Series& series);
// "0.3 %": half of the interval of the median over it; "-" where it is not known.
std::string precision_text(const measure::Series& series);
// Of a sweep, the first of each kind.
std::vector<std::string> warnings_of(const BenchReports& reports);
// "1.5 G", "20 M", of units a second.
std::string rate_text(double per_second);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_REPORT_HPP_
