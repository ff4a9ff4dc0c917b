// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench_page.hpp"
#include "bench_sweep.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

using measure::Series;

constexpr const char* kWarning = "warning";
constexpr double kPercents[] = {0, 50, 90, 99, 99.9, 100};
constexpr const char* kPercentNames[] = {"min", "p50", "p90", "p99", "p99.9", "max"};

std::string duration_or_dash(const std::optional<double>& ns) {
  return ns ? duration_text(*ns) : "-";
}

double throughput(const Series& series) {
  return 1e9 * static_cast<double>(series.times.count()) / series.times.sum();
}

// Of the median: what it means for as much as a dispatch moves, or computes.
std::string rate_cell(const std::optional<double>& amount, double ns) {
  return amount ? rate_text(*amount * 1e9 / ns) : "";
}

std::string latency_table(const BenchReport& report) {
  Table table;
  for (std::size_t column = 1; column <= 8; ++column) table.right_align(column);
  table.row({"latency", "min", "p50", "±", "p90", "p99", "p99.9", "max", "a second"});
  for (const BenchResult& one : report.results) {
    const measure::Times& times = one.warm().times;
    std::vector<std::string> row{one.substrate};
    for (const double percent : kPercents) {
      row.push_back(duration_text(times.percentile(percent)));
      if (percent == 50) row.push_back(precision_text(one.warm()));
    }
    row.push_back(fmt::format("{:.0f}", throughput(one.warm())));
    table.row(std::move(row));
  }
  return table.format();
}

std::string ways_table(const BenchReport& report) {
  Table table;
  for (std::size_t column = 1; column <= 9; ++column) table.right_align(column);
  table.row({"", "first", "cold", "piped", "batch", "submit", "queue", "execute", "notice"});
  for (const BenchResult& one : report.results) {
    std::vector<std::string> row{one.substrate, duration_or_dash(one.first.ever),
                                 duration_or_dash(one.first.cold_process)};
    for (const Way way : {kPipelined, kBatched}) {
      row.push_back(one.ways[way] ? duration_text(one.ways[way]->times.percentile(50)) : "-");
    }
    const auto& split = one.split;
    row.push_back(split ? duration_text(split->submit) : "-");
    row.push_back(split ? duration_or_dash(split->queue) : "-");
    row.push_back(split ? duration_or_dash(split->execute) : "-");
    row.push_back(split ? duration_or_dash(split->notice) : "-");
    table.row(std::move(row));
  }
  return table.format();
}

// Of a warm dispatch, as --bytes and --flops say; empty if they say nothing. A table of its own:
// beside the ways they are more than 80 columns.
std::string rates_table(const BenchReport& report) {
  if (!report.bytes && !report.flops) return {};
  Table table;
  std::vector<std::string> head{"a second"};
  for (std::size_t column = 1; column <= 2; ++column) table.right_align(column);
  if (report.bytes) head.emplace_back("bytes");
  if (report.flops) head.emplace_back("flops");
  table.row(std::move(head));
  for (const BenchResult& one : report.results) {
    const double median = one.warm().times.percentile(50);
    std::vector<std::string> row{one.substrate};
    if (report.bytes) row.push_back(rate_cell(report.bytes, median));
    if (report.flops) row.push_back(rate_cell(report.flops, median));
    table.row(std::move(row));
  }
  return table.format() + '\n';
}

// Of a warm dispatch, what was counted; empty if nothing was.
std::string counters_table(const BenchReport& report) {
  if (report.results.front().warm().counted.empty()) return {};
  Table table;
  std::vector<std::string> head{"counted"};
  for (const measure::Counted& counter : report.results.front().warm().counted) {
    table.right_align(head.size());
    head.push_back(counter.name);
  }
  table.row(std::move(head));
  for (const BenchResult& one : report.results) {
    std::vector<std::string> row{one.substrate};
    for (const measure::Counted& counter : one.warm().counted) {
      const double middle = measure::median(counter.blocks);
      row.push_back(!counter.is_known()            ? "?"
                    : counter.name == "task-clock" ? duration_text(middle)
                                                   : rate_text(middle));
    }
    table.row(std::move(row));
  }
  return table.format() + '\n';
}

std::string remarks(const BenchReport& report) {
  Table table;
  std::string last;
  for (const Remark& one : remarks_of(report)) {
    const bool goes_on = one.about == last && one.about != kWarning;
    table.row({goes_on ? "" : one.about, one.text});
    last = one.about;
  }
  return table.format();
}

std::string csv_field(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

std::string csv_line(const std::string& head, const BenchResult& one, std::size_t way) {
  const Series& series = *one.ways[way];
  const measure::Times& times = series.times;
  std::string text = fmt::format("{},{},{},{},{},{},", head, csv_field(one.substrate), kWays[way],
                                 times.count(), times.least(), times.percentile(50));
  text += series.is_interval_known()
              ? fmt::format("{},{}", series.interval.low, series.interval.high)
              : std::string(",");
  for (const double percent : {90.0, 99.0, 99.9, 100.0}) {
    text += fmt::format(",{}", times.percentile(percent));
  }
  const auto optional = [&](const std::optional<double>& ns) {
    return ns && way == kWarm ? fmt::format(",{}", *ns) : std::string(",");
  };
  text += optional(one.first_ns) + optional(one.first.ever) + optional(one.first.cold_process);
  return text + '\n';
}

// Of a Markdown table: a bar would begin the next one.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

std::string markdown_row(const BenchResult& one, const std::string& point) {
  std::string text =
      fmt::format("| `{}`{} | {} | {} |", cell(one.substrate), cell(point),
                  duration_or_dash(one.first.ever), duration_or_dash(one.first.cold_process));
  for (const double percent : kPercents) {
    text += ' ' + duration_text(one.warm().times.percentile(percent));
    if (percent == 50) text += " ± " + precision_text(one.warm());
    text += " |";
  }
  for (const Way way : {kPipelined, kBatched}) {
    text += fmt::format(" {} |",
                        one.ways[way] ? duration_text(one.ways[way]->times.percentile(50)) : "-");
  }
  return text + '\n';
}

// What the gate found, in front of everything: it is what a comment on a change is read for.
std::string markdown_gate(const BenchReport& report) {
  if (report.gate.empty()) return {};
  std::string text =
      "| | before | now | change | 95 % interval | allowed | |\n|---|--:|--:|--:|--:|--:|---|\n";
  for (const GateRow& row : report.gate) {
    const bool held = row.verdict == GateVerdict::kHeld;
    text += fmt::format(
        "| `{}` against {} | {} | {} | {} | {} | {} % | {} |\n", cell(row.substrate),
        cell(row.against), cell(row.text(row.before)), cell(row.text(row.now)), row.change_text(),
        row.interval_text(), row.allowed_percent,
        held ? verdict_word(row.verdict) : fmt::format("**{}**", verdict_word(row.verdict)));
  }
  return text + '\n';
}

// A row for each value, a column for each substrate, of what `cell` says of a result.
template <class Cell>
Table over_values(const BenchReports& reports, std::string_view corner, bool names_fastest,
                  Cell cell) {
  Table table;
  std::vector<std::string> head{std::string(corner)};
  for (const BenchResult& one : reports.points.front().results) {
    table.right_align(head.size());
    head.push_back(one.substrate);
  }
  const bool several = names_fastest && head.size() > 2;
  if (several) head.emplace_back("fastest");
  table.row(std::move(head));
  for (std::size_t i = 0; i < reports.points.size(); ++i) {
    const BenchReport& report = reports.points[i];
    std::vector<std::string> row{value_text(reports.sweep->values[i])};
    const BenchResult* fastest = &report.results.front();
    for (const BenchResult& one : report.results) {
      row.push_back(cell(report, one));
      const auto median = [](const BenchResult& of) { return of.warm().times.percentile(50); };
      if (median(one) < median(*fastest)) fastest = &one;
    }
    if (several) row.push_back(fastest->substrate);
    table.row(std::move(row));
  }
  return table;
}

std::string sweep_text(const BenchReports& reports) {
  const BenchReport& first = reports.points.front();
  std::string text = over_values(reports, reports.sweep->variable, true,
                                 [](const BenchReport&, const BenchResult& one) {
                                   return duration_text(one.warm().times.percentile(50));
                                 })
                         .format();
  for (const bool bytes : {true, false}) {
    if (!(bytes ? first.bytes : first.flops)) continue;
    text += '\n' + over_values(reports, bytes ? "bytes a second" : "flops a second", false,
                               [bytes](const BenchReport& report, const BenchResult& one) {
                                 return rate_cell(bytes ? report.bytes : report.flops,
                                                  one.warm().times.percentile(50));
                               })
                       .format();
  }
  text += '\n';
  for (const Crossing& crossing : crossings(reports)) {
    text += fmt::format("{} is faster than {} from {} of about {:.3g} on\n", crossing.to,
                        crossing.from, reports.sweep->variable, crossing.at);
  }
  Table remarks;
  if (const std::string imprecise = imprecision_text(reports); !imprecise.empty()) {
    remarks.row({"medians", imprecise});
  }
  for (const std::string& warning : warnings_of(reports)) remarks.row({kWarning, warning});
  return text + remarks.format();
}

}  // namespace

std::string short_name(std::string_view kernel) {
  if (kernel == "-") return "stdin";
  std::string_view name = kernel.substr(kernel.rfind('/') + 1);
  if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0) {
    name = name.substr(0, dot);
  }
  return std::string(name);
}

std::vector<Remark> remarks_of(const BenchReport& report) {
  std::vector<Remark> all;
  for (const BenchResult& one : report.results) {
    const Series& warm = one.warm();
    std::string text = measure::ending_text(warm, report.rules);
    if (!report.rules.repeat && !warm.settled) text += "; it had not settled when measuring began";
    if (const std::string outliers = outliers_text(warm); !outliers.empty()) {
      text += "; " + outliers;
    }
    all.push_back({one.substrate, std::move(text)});
    if (one.split && !one.split->queue) {
      all.push_back({one.substrate, "it does not tell when a kernel begins: queue and notice are " +
                                        duration_text(one.split->rest) + " together"});
    }
    for (const Way way : {kPipelined, kBatched}) {
      if (one.left_out[way].empty()) continue;
      all.push_back({one.substrate,
                     fmt::format("{} is left out: {}", kWays[way], printable(one.left_out[way]))});
    }
    if (!one.first.reason.empty()) {
      all.push_back({one.substrate, "first and cold are left out: " + printable(one.first.reason)});
    }
  }
  for (const GateRow& row : report.gate) {
    all.push_back(
        {row.substrate, fmt::format("against {} {} ({}; {} % are allowed): {}, before {}",
                                    row.against, row.change_text(), row.interval_text(),
                                    row.allowed_percent, row.text(row.now), row.text(row.before))});
  }
  for (const std::string& one : report.without_counters) all.push_back({"not counted", one});
  for (const std::string& warning : report.warnings) all.push_back({kWarning, warning});
  return all;
}

std::string imprecision_text(const BenchReports& reports) {
  const BenchResult* widest = nullptr;
  std::size_t count = 0, all = 0, at = 0, unsettled = 0;
  for (std::size_t i = 0; i < reports.points.size(); ++i) {
    const BenchReport& report = reports.points[i];
    if (report.rules.repeat) continue;
    for (const BenchResult& one : report.results) {
      ++all;
      unsettled += !one.warm().settled;
      if (one.warm().ended != measure::Ended::kBudget) continue;
      ++count;
      if (widest && one.warm().precision <= widest->warm().precision) continue;
      widest = &one;
      at = i;
    }
  }
  std::string text;
  if (widest) {
    text = fmt::format(
        "time was up before ±{} for {} of {}; the widest is ±{}, {} at {}; --budget gives each "
        "value "
        "more",
        measure::percent_text(reports.points.front().rules.precision), count, all,
        measure::percent_text(widest->warm().precision), widest->substrate,
        value_text(reports.sweep->values[at]));
  }
  if (unsettled) {
    text += fmt::format("{}{} of {} had not settled when measuring began", text.empty() ? "" : "; ",
                        unsettled, all);
  }
  return text;
}

std::string GateRow::text(double value) const {
  if (unit == "ns") return duration_text(value);
  if (unit == "task-clock") return duration_text(value) + " of task-clock";
  return fmt::format("{:.6g} {}", value, unit);
}

std::string precision_text(const Series& series) {
  return series.is_interval_known() ? fmt::format("{:.1f} %", 100 * series.precision) : "-";
}

std::string GateRow::change_text() const {
  if (!std::isfinite(comparison.ratio)) return "by what it cannot be told";
  return fmt::format("{:+.1f} %", 100 * (comparison.ratio - 1));
}

std::string GateRow::interval_text() const {
  if (!std::isfinite(comparison.ratio)) return "-";
  return fmt::format("{:+.1f} to {:+.1f} %", 100 * (comparison.interval.low - 1),
                     100 * (comparison.interval.high - 1));
}

const char* verdict_word(GateVerdict verdict) {
  switch (verdict) {
    case GateVerdict::kHeld:
      return "held";
    case GateVerdict::kSlower:
      return "slower";
    case GateVerdict::kUnknown:
      break;
  }
  return "unknown";
}

std::string outliers_text(const Series& series) {
  if (series.times.kept().empty()) return {};
  const measure::Outliers found = measure::outliers(series.times.kept());
  if (found.count() == 0) return {};
  const std::size_t all = series.times.kept().size(), low = found.low_mild + found.low_severe,
                    high = found.high_mild + found.high_severe;
  std::vector<std::string> parts;
  if (high) parts.push_back(fmt::format("{} slow ({} severely)", high, found.high_severe));
  if (low) parts.push_back(fmt::format("{} fast", low));
  return fmt::format("outliers: {} of {}", list_text(parts), all);
}

std::vector<std::string> warnings_of(const BenchReports& reports) {
  // As many characters as tell one kind from another.
  constexpr std::size_t kKind = 12;
  std::vector<std::string> all;
  for (const BenchReport& report : reports.points) {
    for (const std::string& warning : report.warnings) {
      const bool is_told = std::any_of(all.begin(), all.end(), [&](const std::string& one) {
        return one.substr(0, kKind) == warning.substr(0, kKind);
      });
      if (!is_told) all.push_back(warning);
    }
  }
  return all;
}

std::string rate_text(double per_second) {
  constexpr const char* kUnits[] = {"", "K", "M", "G", "T", "P"};
  std::size_t unit = 0;
  while (per_second >= 1000 && unit + 1 < std::size(kUnits)) {
    per_second /= 1000;
    ++unit;
  }
  return fmt::format("{:.3g} {}", per_second, kUnits[unit]);
}

std::string people_text(const BenchReports& reports) {
  if (reports.sweep) return sweep_text(reports);
  const BenchReport& report = reports.points.front();
  return latency_table(report) + '\n' + ways_table(report) + '\n' + rates_table(report) +
         counters_table(report) + remarks(report);
}

std::string csv_text(const BenchReports& reports) {
  std::string text =
      "kernel,point,substrate,way,measurements,min_ns,p50_ns,p50_low_ns,p50_high_ns,p90_ns,p99_ns,"
      "p99_9_ns,max_ns,first_ns,first_ever_ns,cold_process_ns\n";
  for (std::size_t i = 0; i < reports.points.size(); ++i) {
    const BenchReport& report = reports.points[i];
    const std::string head =
        csv_field(short_name(report.kernel)) + ',' +
        (reports.sweep ? std::to_string(reports.sweep->values[i]) : std::string());
    for (const BenchResult& one : report.results) {
      for (std::size_t way = 0; way < kWayCount; ++way) {
        if (one.ways[way]) text += csv_line(head, one, way);
      }
    }
  }
  return text;
}

std::string markdown_text(const BenchReports& reports) {
  const BenchReport& first = reports.points.front();
  std::string kernel = printable(short_name(first.kernel));
  // It would end what is set as code.
  std::replace(kernel.begin(), kernel.end(), '`', '\'');
  std::string text = fmt::format("### `{}`\n\n", kernel);
  text += markdown_gate(first);
  text += "| | first | cold process |";
  for (const char* name : kPercentNames) text += fmt::format(" {} |", name);
  text += " pipelined | batched |\n|---|";
  for (int i = 0; i < 10; ++i) text += "--:|";
  text += '\n';
  for (std::size_t i = 0; i < reports.points.size(); ++i) {
    const std::string point = reports.sweep ? fmt::format(" {}={}", reports.sweep->variable,
                                                          value_text(reports.sweep->values[i]))
                                            : std::string();
    for (const BenchResult& one : reports.points[i].results) text += markdown_row(one, point);
  }
  if (reports.sweep) {
    if (const std::string imprecise = imprecision_text(reports); !imprecise.empty()) {
      text += fmt::format("\n> {}\n", cell(imprecise));
    }
  }
  for (const std::string& warning : warnings_of(reports))
    text += fmt::format("\n> {}\n", cell(warning));
  return text;
}

}  // namespace sokr::cli
