// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr.bench/1: an object that is also a result of Google Benchmark, whose tools read `context`
// and `benchmarks`; what they have no place for stands beside.
#include <fmt/format.h>
#include <sokr/sokr.h>

#include "bench_calibration.hpp"
#include "bench_report.hpp"

namespace sokr::cli {
namespace {

using measure::Series;

// Samples that a report keeps of each series, evenly spaced in time.
constexpr std::size_t kSamples = 1000;

template <class T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::vector<double> thinned(const std::vector<double>& all, std::size_t most) {
  if (all.size() <= most) return all;
  std::vector<double> some;
  for (std::size_t i = 0; i < most; ++i) some.push_back(all[i * all.size() / most]);
  return some;
}

const char* ended_word(measure::Ended ended) {
  switch (ended) {
    case measure::Ended::kPrecise:
      return "precise";
    case measure::Ended::kBudget:
      return "budget";
    case measure::Ended::kCount:
      break;
  }
  return "count";
}

Json outliers_json(const Series& series) {
  const measure::Outliers found = measure::outliers(series.times.kept());
  return Json{{"of", series.times.kept().size()},
              {"low_severe", found.low_severe},
              {"low_mild", found.low_mild},
              {"high_mild", found.high_mild},
              {"high_severe", found.high_severe}};
}

void add_percentiles(const measure::Times& times, Json& to) {
  to["min_ns"] = times.percentile(0);
  to["p50_ns"] = times.percentile(50);
  to["p90_ns"] = times.percentile(90);
  to["p99_ns"] = times.percentile(99);
  to["p99_9_ns"] = times.percentile(99.9);
  to["max_ns"] = times.percentile(100);
}

void add_series(const Series& series, Json& to) {
  to["interval_ns"] = nullptr;
  to["precision"] = nullptr;
  if (series.is_interval_known()) {
    to["interval_ns"] = {series.interval.low, series.interval.high};
    to["precision"] = series.precision;
  }
  to["ended"] = ended_word(series.ended);
  to["settled"] = series.settled;
  to["warm_up"] = series.warm_up;
  to["outliers"] = outliers_json(series);
  to["blocks_ns"] = series.blocks;
  to["block_at_s"] = series.block_at;
  to["samples_ns"] = thinned(series.times.kept(), kSamples);
}

double throughput(const Series& series) {
  return 1e9 * static_cast<double>(series.times.count()) / series.times.sum();
}

Json way_json(const std::optional<Series>& series) {
  if (!series) return nullptr;
  Json json{{"measurements", series->times.count()}};
  add_percentiles(series->times, json);
  add_series(*series, json);
  return json;
}

Json result_json(const BenchResult& one) {
  Json json{{"substrate", one.substrate},
            {"kind", one.kind},
            {"description", one.description},
            {"dispatches", one.warm().times.count()},
            {"first_ns", one.first_ns},
            {"first_ever_ns", or_null(one.first.ever)},
            {"cold_process_ns", or_null(one.first.cold_process)}};
  add_percentiles(one.warm().times, json);
  json["dispatches_per_second"] = throughput(one.warm());
  json["split"] = nullptr;
  if (one.split) {
    json["split"] = {{"submit_ns", one.split->submit},
                     {"queue_ns", or_null(one.split->queue)},
                     {"execute_ns", or_null(one.split->execute)},
                     {"notice_ns", or_null(one.split->notice)},
                     {"rest_ns", one.split->rest}};
  }
  add_series(one.warm(), json);
  json["counters"] = Json::object();
  for (const measure::Counted& counter : one.warm().counted) {
    if (counter.is_known()) {
      json["counters"][counter.name] = {{"median", measure::median(counter.blocks)},
                                        {"blocks", counter.blocks}};
    }
  }
  json["pipelined"] = way_json(one.ways[kPipelined]);
  json["batched"] = way_json(one.ways[kBatched]);
  json["rounds"] = Json::array();
  for (const BenchRound& round : one.rounds) {
    Json& to = json["rounds"].emplace_back(
        Json{{"blocks_ns", round.blocks}, {"on_one_processor", round.on_one_processor}});
    for (std::size_t i = 0; i < round.calibration.size(); ++i) {
      to["calibration_ns"][kCalibrationParts[i]] = round.calibration[i];
    }
  }
  json["calibration_turns"] = nullptr;
  for (std::size_t i = 0; i < kCalibrationCount && one.calibration_turns[i] > 0; ++i) {
    json["calibration_turns"][kCalibrationParts[i]] = one.calibration_turns[i];
  }
  return json;
}

// ---- What Google Benchmark's tools read ---------------------------------------------------

Json context_json(const BenchReport& report) {
  const measure::Environment& machine = report.environment;
  return Json{
      {"date", machine.date},
      {"host_name", machine.host_name},
      {"executable", "sokr"},
      {"num_cpus", machine.cores},
      {"mhz_per_cpu", static_cast<std::int64_t>(machine.mhz)},
      {"cpu_scaling_enabled", !machine.governor.empty() && machine.governor != "performance"},
      {"caches", Json::array()},
      {"load_avg", machine.load},
      {"library_version",
       fmt::format("{}.{}.{}", SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH)},
      {"library_build_type", "release"},
      {"json_schema_version", 1},
      {"cpu", machine.cpu},
      {"os", machine.kernel},
      {"governor", machine.governor},
      {"virtual_machine", machine.is_virtual},
      {"clock_tick_ns", machine.clock_tick_ns},
      {"clock_cost_ns", machine.clock_cost_ns},
      {"warnings", report.warnings}};
}

Json benchmark_json(const std::string& name, std::uint64_t iterations, double ns) {
  return Json{
      {"name", name},          {"run_name", name}, {"run_type", "iteration"},  {"repetitions", 1},
      {"repetition_index", 0}, {"threads", 1},     {"iterations", iterations}, {"real_time", ns},
      {"cpu_time", ns},        {"time_unit", "ns"}};
}

Json benchmarks_json(const BenchReport& report, const std::string& point) {
  Json all = Json::array();
  int family = 0;
  const auto add = [&](Json&& one, int family_index, int index) {
    one["family_index"] = family_index;
    one["per_family_instance_index"] = index;
    all.push_back(std::move(one));
  };
  for (const BenchResult& one : report.results) {
    const std::string name = short_name(report.kernel) + '/' + one.substrate + '/';
    int index = 0;
    for (std::size_t way = 0; way < kWayCount; ++way) {
      if (!one.ways[way]) continue;
      const measure::Times& times = one.ways[way]->times;
      Json json = benchmark_json(name + kWays[way] + point, times.count(), times.percentile(50));
      add_percentiles(times, json);
      json["items_per_second"] = throughput(*one.ways[way]);
      const double second = 1e9 / times.percentile(50);
      for (const measure::Counted& counter : one.ways[way]->counted) {
        if (counter.is_known()) json[counter.name] = measure::median(counter.blocks);
      }
      if (report.bytes) json["bytes_per_second"] = *report.bytes * second;
      if (report.flops) json["flops_per_second"] = *report.flops * second;
      add(std::move(json), family, index++);
    }
    if (one.first.ever) add(benchmark_json(name + "first", 1, *one.first.ever), family, index++);
    if (one.first.cold_process) {
      add(benchmark_json(name + "cold", 1, *one.first.cold_process), family, index++);
    }
    ++family;
  }
  return all;
}

// The launch of one point, and what came of it.
Json point_json(const BenchReport& report) {
  Json json = report.launch;
  Json results = Json::array(), comparisons = Json::array();
  for (const BenchResult& one : report.results) results.push_back(result_json(one));
  json["results"] = std::move(results);
  for (const CommandComparison& one : report.against_command) {
    comparisons.push_back(
        {{"substrate", one.substrate},
         {"ratio", one.comparison.ratio},
         {"interval", {one.comparison.interval.low, one.comparison.interval.high}},
         {"mann_whitney_p", one.comparison.test.p},
         {"before_ns", one.before_ns},
         {"now_ns", one.now_ns}});
  }
  json["against_command"] = std::move(comparisons);
  json["gate"] = Json::array();
  for (const GateRow& row : report.gate) {
    json["gate"].push_back(
        {{"substrate", row.substrate},
         {"against", row.against},
         {"verdict", verdict_word(row.verdict)},
         {"ratio", row.comparison.ratio},
         {"interval", {row.comparison.interval.low, row.comparison.interval.high}},
         {"mann_whitney_p", row.comparison.test.p},
         {"allowed_percent", row.allowed_percent},
         {"before", row.before},
         {"now", row.now},
         {"unit", row.unit}});
  }
  return json;
}

}  // namespace

Json report_json(const BenchReports& reports) {
  const BenchReport& first = reports.points.front();
  Json json{{"schema", "sokr.bench/1"}, {"context", context_json(first)}, {"kernel", first.kernel}};
  json["kernel_hex"] = first.kernel_hex.empty() ? Json(nullptr) : Json(first.kernel_hex);
  if (!reports.sweep) {
    json.update(point_json(first));
    json["benchmarks"] = benchmarks_json(first, "");
    return json;
  }
  json["sweep"] = {{"variable", reports.sweep->variable}, {"values", reports.sweep->values}};
  Json points = Json::array(), benchmarks = Json::array();
  for (std::size_t i = 0; i < reports.points.size(); ++i) {
    points.push_back(point_json(reports.points[i]));
    // As Google Benchmark names arguments.
    const std::string point =
        fmt::format("/{}:{}", reports.sweep->variable, reports.sweep->values[i]);
    for (Json& one : benchmarks_json(reports.points[i], point)) {
      benchmarks.push_back(std::move(one));
    }
  }
  json["points"] = std::move(points);
  json["benchmarks"] = std::move(benchmarks);
  return json;
}

}  // namespace sokr::cli
