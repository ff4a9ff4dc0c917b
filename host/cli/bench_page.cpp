// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench_sweep.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

using measure::Axis;
using measure::Chart;
using measure::Curve;
using measure::escaped;
using measure::Series;

// Points of a curve over time: what a screen can show.
constexpr std::size_t kMostPointsShown = 300;

constexpr std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#ffffff;--ink:#1b1f24;--soft:#5b6470;--rule:#dfe3e8;--bad:#b91c1c}
@media (prefers-color-scheme:dark){:root{--bg:#0d1014;--card:#14181e;--ink:#e6e9ee;--soft:#9aa4b2;--rule:#2c333d;--bad:#ff8a8a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1360px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:22px;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:16px;margin:28px 0 10px}
.soft{color:var(--soft);margin:0}
.wide{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:8px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:7px 12px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
th{font-weight:600;color:var(--soft);font-size:13px}
th:first-child,td:first-child{text-align:left}
tr:last-child td{border-bottom:0}
.grid{display:grid;grid-template-columns:minmax(0,1fr);gap:16px}
@media (min-width:1000px){.grid{grid-template-columns:repeat(2,minmax(0,1fr))}}
figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:8px}
figure svg{display:block;width:100%;height:auto}
.bad td:last-child{color:var(--bad);font-weight:600}
ul{margin:0;padding-left:20px}
#tip{position:fixed;display:none;pointer-events:none;background:var(--ink);color:var(--card);
padding:4px 8px;border-radius:4px;font-size:13px;max-width:320px;z-index:1}
@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#333;--rule:#ccc;--bad:#b91c1c}body{font-size:12px}
main{max-width:none;padding:0}figure,.wide{break-inside:avoid;border-color:#ccc}
.grid{grid-template-columns:repeat(2,minmax(0,1fr))}table,th{font-size:9px}
th,td{padding:3px 4px}#tip{display:none!important}}
)css";

// Shows the <title> of what is pointed at, at once; without it browsers do so after a while.
constexpr std::string_view kScript = R"js(
const tip=document.getElementById('tip');
document.addEventListener('pointermove',e=>{
const t=e.target.closest&&e.target.closest('circle');const h=t&&t.querySelector('title');
if(!h){tip.style.display='none';return}
tip.textContent=h.textContent;tip.style.display='block';
const w=tip.offsetWidth,x=Math.min(e.clientX+14,innerWidth-w-8),y=e.clientY+16;
tip.style.left=x+'px';tip.style.top=(y+tip.offsetHeight>innerHeight?e.clientY-tip.offsetHeight-10:y)+'px'});
)js";

Axis time_axis(bool logarithmic, std::string name = "time of a dispatch") {
  return {std::move(name), logarithmic, [](double ns) { return duration_text(ns); }, {}};
}

// Far apart, they are seen together on a logarithmic scale only.
bool lie_apart(const BenchReport& report) {
  double least = report.results.front().warm().times.percentile(50), most = least;
  for (const BenchResult& one : report.results) {
    least = std::min(least, one.warm().times.percentile(25));
    most = std::max(most, one.warm().times.percentile(99));
  }
  return most > 4 * least;
}

Chart over_time(const BenchReport& report, bool logarithmic) {
  Chart chart{
      "As the run went: the middle of each turn",
      {"seconds since the first", false, [](double s) { return fmt::format("{:.3g} s", s); }, {}},
      time_axis(logarithmic),
      {},
      {}};
  for (std::size_t s = 0; s < report.results.size(); ++s) {
    const Series& warm = report.results[s].warm();
    Curve curve{report.results[s].substrate, s, measure::Drawn::kLine, {}};
    const std::size_t stride = warm.blocks.size() / kMostPointsShown + 1;
    for (std::size_t i = 0; i < warm.blocks.size(); i += stride) {
      curve.marks.push_back({warm.block_at[i], warm.blocks[i],
                             fmt::format("{}: {} after {:.2f} s", report.results[s].substrate,
                                         duration_text(warm.blocks[i]), warm.block_at[i])});
    }
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

// A curve for each substrate that has the value everywhere it is asked for.
template <class Value>
Chart over_sweep(const BenchReports& reports, std::string title, const Axis& y, Value value) {
  Chart chart{std::move(title),
              {reports.sweep->variable,
               true,
               [](double n) { return value_text(static_cast<std::uint64_t>(std::llround(n))); },
               {}},
              y,
              {},
              {}};
  for (const std::uint64_t one : reports.sweep->values) {
    chart.x.ticks.push_back(std::max(static_cast<double>(one), 0.5));
  }
  for (std::size_t s = 0; s < reports.points.front().results.size(); ++s) {
    const std::string& name = reports.points.front().results[s].substrate;
    Curve curve{name, s, measure::Drawn::kDots, {}};
    for (std::size_t i = 0; i < reports.points.size(); ++i) {
      const auto found = value(reports.points[i], reports.points[i].results[s]);
      if (!found) continue;
      const std::uint64_t at = reports.sweep->values[i];
      curve.marks.push_back({std::max(static_cast<double>(at), 0.5), *found,
                             fmt::format("{}: {} at {}", name, y.format(*found), value_text(at))});
    }
    chart.curves.push_back(std::move(curve));
  }
  return chart;
}

std::vector<Chart> sweep_charts(const BenchReports& reports) {
  std::vector<Chart> charts;
  const auto median = [](Way way) {
    return [way](const BenchReport&, const BenchResult& one) -> std::optional<double> {
      if (!one.ways[way]) return std::nullopt;
      return one.ways[way]->times.percentile(50);
    };
  };
  charts.push_back(
      over_sweep(reports, "Latency: median, warm", time_axis(true, ""), median(kWarm)));
  for (const Crossing& crossing : crossings(reports)) {
    charts.back().notes.push_back({crossing.at, 0, fmt::format("{} is faster", crossing.to)});
  }
  charts.push_back(over_sweep(reports, "Latency: 99th percentile, warm", time_axis(true, ""),
                              [](const BenchReport&, const BenchResult& one) {
                                return std::optional(one.warm().times.percentile(99));
                              }));
  charts.push_back(over_sweep(reports, "Several in flight: time of each", time_axis(true, ""),
                              median(kPipelined)));
  const Axis rate{"", true, [](double n) { return rate_text(n); }, {}};
  for (const bool bytes : {true, false}) {
    const auto& amount = bytes ? reports.points.front().bytes : reports.points.front().flops;
    if (!amount) continue;
    charts.push_back(over_sweep(reports, bytes ? "Bytes a second" : "Operations a second", rate,
                                [bytes](const BenchReport& report, const BenchResult& one) {
                                  const double each = bytes ? *report.bytes : *report.flops;
                                  return std::optional(each * 1e9 /
                                                       one.warm().times.percentile(50));
                                }));
  }
  return charts;
}

std::string row_html(const std::vector<std::string>& cells, const char* tag,
                     std::string_view style = {}) {
  std::string text = style.empty() ? "<tr>" : fmt::format("<tr class=\"{}\">", style);
  for (const std::string& cell : cells) text += fmt::format("<{0}>{1}</{0}>", tag, escaped(cell));
  return text + "</tr>\n";
}

std::string or_dash(const std::optional<double>& ns) {
  return ns ? duration_text(*ns) : "–";
}

std::string table_html(const BenchReports& reports) {
  std::vector<std::string> head{""};
  if (!reports.sweep) head.insert(head.end(), {"first", "cold process"});
  head.insert(head.end(),
              {"min", "p50", "±", "p90", "p99", "p99.9", "max", "pipelined", "batched"});
  const BenchReport& first = reports.points.front();
  if (first.bytes) head.emplace_back("B/s");
  if (first.flops) head.emplace_back("flop/s");
  std::string text = "<div class=\"wide\"><table>\n" + row_html(head, "th");
  for (std::size_t i = 0; i < reports.points.size(); ++i) {
    const BenchReport& report = reports.points[i];
    for (const BenchResult& one : report.results) {
      std::vector<std::string> row{one.substrate};
      if (reports.sweep) row[0] += fmt::format(", {}", value_text(reports.sweep->values[i]));
      if (!reports.sweep) {
        row.push_back(or_dash(one.first.ever));
        row.push_back(or_dash(one.first.cold_process));
      }
      const measure::Times& times = one.warm().times;
      for (const double percent : {0.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        row.push_back(duration_text(times.percentile(percent)));
        if (percent == 50) row.push_back(precision_text(one.warm()));
      }
      for (const Way way : {kPipelined, kBatched}) {
        row.push_back(one.ways[way] ? duration_text(one.ways[way]->times.percentile(50)) : "–");
      }
      const double second = 1e9 / times.percentile(50);
      if (report.bytes) row.push_back(rate_text(*report.bytes * second));
      if (report.flops) row.push_back(rate_text(*report.flops * second));
      text += row_html(row, "td");
    }
  }
  return text + "</table></div>\n";
}

std::string gate_html(const BenchReport& report) {
  if (report.gate.empty()) return {};
  std::string text =
      "<h2>Against before</h2>\n<div class=\"wide\"><table>\n" +
      row_html({"", "before", "now", "change", "95 % interval", "allowed", ""}, "th");
  for (const GateRow& row : report.gate) {
    text +=
        row_html({fmt::format("{} against {}", row.substrate, row.against), row.text(row.before),
                  row.text(row.now), row.change_text(), row.interval_text(),
                  fmt::format("{} %", row.allowed_percent), verdict_word(row.verdict)},
                 "td", row.verdict == GateVerdict::kHeld ? "" : "bad");
  }
  return text + "</table></div>\n";
}

std::string remarks_html(const BenchReports& reports) {
  std::vector<std::string> all;
  if (reports.sweep) {
    if (std::string text = imprecision_text(reports); !text.empty()) all.push_back(std::move(text));
    for (std::string& warning : warnings_of(reports)) all.push_back(std::move(warning));
  } else {
    for (const Remark& one : remarks_of(reports.points.front())) {
      all.push_back(fmt::format("{}: {}", one.about, one.text));
    }
  }
  std::string text = "<ul class=\"soft\">\n";
  for (const std::string& one : all) text += fmt::format("<li>{}</li>\n", escaped(one));
  return text + "</ul>\n";
}

std::string title_of(const BenchReports& reports) {
  std::string title = short_name(reports.points.front().kernel);
  if (reports.sweep) title += " over " + reports.sweep->variable;
  return title;
}

}  // namespace

std::vector<Crossing> crossings(const BenchReports& reports) {
  std::vector<Crossing> found;
  if (!reports.sweep) return found;
  const auto time = [&](std::size_t point, std::size_t s) {
    return std::log(reports.points[point].results[s].warm().times.percentile(50));
  };
  const auto fastest = [&](std::size_t point) {
    std::size_t best = 0;
    for (std::size_t s = 1; s < reports.points[point].results.size(); ++s) {
      if (time(point, s) < time(point, best)) best = s;
    }
    return best;
  };
  for (std::size_t i = 1; i < reports.points.size(); ++i) {
    const std::size_t before = fastest(i - 1), now = fastest(i);
    if (before == now) continue;
    const double gap_before = time(i - 1, now) - time(i - 1, before),
                 gap_now = time(i, before) - time(i, now);
    const double part = gap_before + gap_now > 0 ? gap_before / (gap_before + gap_now) : 0.5;
    const double from = std::log(std::max(0.5, static_cast<double>(reports.sweep->values[i - 1]))),
                 to = std::log(std::max(0.5, static_cast<double>(reports.sweep->values[i])));
    found.push_back({std::exp(from + (to - from) * part),
                     reports.points[i].results[before].substrate,
                     reports.points[i].results[now].substrate});
  }
  return found;
}

std::vector<Chart> bench_charts(const BenchReports& reports) {
  if (reports.sweep) return sweep_charts(reports);
  const BenchReport& report = reports.points.front();
  std::vector<measure::Values> values;
  for (const BenchResult& one : report.results) {
    values.push_back({one.substrate, one.warm().times.kept()});
  }
  const bool logarithmic = lie_apart(report);
  const Axis axis = time_axis(logarithmic);
  std::vector<Chart> charts;
  charts.push_back(measure::histogram(values, axis));
  charts.push_back(measure::cumulative(values, time_axis(true)));
  charts.push_back(over_time(report, logarithmic));
  // The ways beside one another: the middle of each.
  Chart ways{"Ways to dispatch: medians",
             {"",
              false,
              [](double n) {
                const auto way = static_cast<std::size_t>(std::llround(n));
                const bool is_one = std::fabs(n - std::round(n)) < 0.01 && way < kWayCount;
                return std::string(is_one ? kWays[way] : "");
              },
              {0, 1, 2}},
             time_axis(logarithmic),
             {},
             {}};
  for (std::size_t s = 0; s < report.results.size(); ++s) {
    Curve curve{report.results[s].substrate, s, measure::Drawn::kDots, {}};
    for (std::size_t way = 0; way < kWayCount; ++way) {
      if (!report.results[s].ways[way]) continue;
      const double median = report.results[s].ways[way]->times.percentile(50);
      curve.marks.push_back({static_cast<double>(way), median,
                             fmt::format("{} {}: {}", report.results[s].substrate, kWays[way],
                                         duration_text(median))});
    }
    ways.curves.push_back(std::move(curve));
  }
  charts.push_back(std::move(ways));
  return charts;
}

std::string html_text(const BenchReports& reports) {
  const BenchReport& first = reports.points.front();
  const std::string title = title_of(reports);
  std::string text = fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
      "<title>{} - sokr bench</title>\n<style>{}{}</style>\n</head>\n<body>\n<main>\n<h1>{}</h1>\n",
      escaped(title), kPageStyle, measure::chart_style(), escaped(title));
  text += "<p class=\"soft\">Dispatch to completion";
  for (const BenchResult& one : first.results) {
    text += escaped(fmt::format(" · {} ({})", one.substrate, one.description));
  }
  text += "</p>\n<p class=\"soft\">";
  text +=
      escaped(fmt::format("{} · {} · {} cores · {}", first.environment.date, first.environment.cpu,
                          first.environment.cores, first.environment.kernel));
  text += "</p>\n" + gate_html(first) + "<h2>Times</h2>\n" + table_html(reports);
  text += "<h2>Charts</h2>\n<div class=\"grid\">\n";
  for (const Chart& chart : bench_charts(reports)) {
    text += "<figure>" + measure::svg_text(chart) + "</figure>\n";
  }
  text += "</div>\n<h2>Remarks</h2>\n" + remarks_html(reports);
  text += fmt::format("</main>\n<div id=\"tip\"></div>\n<script>{}</script>\n</body>\n</html>\n",
                      kScript);
  return text;
}

std::string svg_file_text(const BenchReports& reports) {
  return measure::svg_file(title_of(reports), bench_charts(reports));
}

}  // namespace sokr::cli
