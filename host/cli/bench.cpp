// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <numeric>
#include <sokr/sokr.hpp>

#include "command.hpp"
#include "kernel_file.hpp"
#include "output.hpp"
#include "output_set.hpp"
#include "plan.hpp"
#include "selection.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kWarmUp = 3;
constexpr std::uint32_t kLeast = 20, kMost = 1'000'000;
constexpr std::chrono::seconds kEnough{1};
constexpr std::chrono::seconds kProgress{2};

struct Measured {
  Substrate substrate;
  double first_ns = 0;           // with compilation
  std::vector<double> times_ns;  // dispatch to completion, warm
  std::vector<PageBuffer> memory;
};

// Says on a terminal how far a long run is.
class Progress {
 public:
  void at(const Substrate& substrate, std::size_t done, std::uint32_t wanted) {
    if (!terminal_ || Clock::now() - last_ < kProgress) return;
    last_ = Clock::now();
    note(wanted ? fmt::format("{}: {} of {} dispatches", substrate.name(), done, wanted)
                : fmt::format("{}: {} dispatches", substrate.name(), done));
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  Clock::time_point last_ = Clock::now();
};

Measured measure(const Substrate& substrate, const Kernel& kernel, const Plan& plan,
                 std::uint32_t repeat, Progress& progress) {
  Launch launch = plan.launch;
  std::vector<PageBuffer> memory = bind_buffers(plan, launch);
  const auto once = [&] {
    const auto start = Clock::now();
    substrate.dispatch(kernel, launch).wait();
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  };
  Measured result{substrate, once(), {}, {}};
  for (std::uint32_t i = 0; i < kWarmUp; ++i) once();
  const auto begin = Clock::now();
  const auto more = [&] {
    if (repeat) return result.times_ns.size() < repeat;
    return result.times_ns.size() < kLeast ||
           (result.times_ns.size() < kMost && Clock::now() - begin < kEnough);
  };
  while (more()) {
    result.times_ns.push_back(once());
    progress.at(substrate, result.times_ns.size(), repeat);
  }
  result.memory = std::move(memory);
  return result;
}

double throughput(const Measured& measured) {
  const double total = std::accumulate(measured.times_ns.begin(), measured.times_ns.end(), 0.0);
  return 1e9 * static_cast<double>(measured.times_ns.size()) / total;
}

std::string people_text(const std::vector<Measured>& all) {
  Table table;
  for (std::size_t column = 1; column <= 7; ++column) table.right_align(column);
  table.row({"", "first", "min", "p50", "p90", "p99", "max", "a second"});
  for (const Measured& one : all) {
    std::vector<std::string> row{std::string(one.substrate.name()), duration_text(one.first_ns)};
    for (const double percent : {0.0, 50.0, 90.0, 99.0, 100.0}) {
      row.push_back(duration_text(percentile(one.times_ns, percent)));
    }
    row.push_back(fmt::format("{:.0f}", throughput(one)));
    table.row(std::move(row));
  }
  return table.format();
}

Json report(const BenchFlags& flags, const Plan& plan, const std::vector<Measured>& all) {
  Json results = Json::array();
  for (const Measured& one : all) {
    results.push_back({{"substrate", one.substrate.name()},
                       {"kind", kind_word(one.substrate.info().kind)},
                       {"description", one.substrate.info().description},
                       {"dispatches", one.times_ns.size()},
                       {"first_ns", one.first_ns},
                       {"min_ns", percentile(one.times_ns, 0)},
                       {"p50_ns", percentile(one.times_ns, 50)},
                       {"p90_ns", percentile(one.times_ns, 90)},
                       {"p99_ns", percentile(one.times_ns, 99)},
                       {"max_ns", percentile(one.times_ns, 100)},
                       {"dispatches_per_second", throughput(one)}});
  }
  return Json{{"schema", "sokr.bench/1"},
              {"kernel", flags.launch.kernel},
              {"groups", plan.groups},
              {"local_size", plan.local_size},
              {"results", std::move(results)}};
}

// ---- The baseline ---------------------------------------------------------------------

struct Baseline {
  std::vector<std::pair<std::string, double>> p50_ns;
};

Baseline read_baseline(const std::string& file) {
  const std::vector<std::byte> bytes = read_file(file);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  const Json json = Json::parse(text, text + bytes.size(), nullptr, false);
  const auto refuse = [&](const char* what) {
    return Error(SOKR_INVALID_INPUT,
                 fmt::format("'{}' is no baseline: {}; 'sokr bench --json FILE' "
                             "writes one",
                             file, what));
  };
  if (!json.is_object() || !json.contains("schema") || json["schema"] != "sokr.bench/1") {
    throw refuse("its schema is not sokr.bench/1");
  }
  if (!json.contains("results") || !json["results"].is_array()) throw refuse("it has no results");
  Baseline baseline;
  for (const Json& one : json["results"]) {
    if (!one.is_object() || !one.contains("substrate") || !one["substrate"].is_string() ||
        !one.contains("p50_ns") || !one["p50_ns"].is_number() || one["p50_ns"] <= 0) {
      throw refuse("a result has no substrate or no p50_ns");
    }
    baseline.p50_ns.emplace_back(one["substrate"].get<std::string>(), one["p50_ns"].get<double>());
  }
  return baseline;
}

double parse_percent(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) ||
      value < 0) {
    throw UsageError(fmt::format("--max-regress: '{}' is no percentage of at least 0", text));
  }
  return value;
}

// Empty if nothing is slower than allowed.
std::string regressions(const std::vector<Measured>& all, const Baseline& baseline,
                        double max_percent) {
  std::string text;
  for (const Measured& one : all) {
    const auto before =
        std::find_if(baseline.p50_ns.begin(), baseline.p50_ns.end(),
                     [&](const auto& entry) { return entry.first == one.substrate.name(); });
    if (before == baseline.p50_ns.end()) {
      throw Error(
          SOKR_NOT_FOUND,
          fmt::format("the baseline has no result for {}; measure it there too, or leave it "
                      "out with --on",
                      one.substrate.name()));
    }
    const double now = percentile(one.times_ns, 50);
    const double percent = 100 * (now / before->second - 1);
    if (percent <= max_percent) continue;
    text +=
        fmt::format("{}{} is {:.0f} % slower than the baseline ({} against {}; {} % are allowed)",
                    text.empty() ? "" : "; ", one.substrate.name(), percent, duration_text(now),
                    duration_text(before->second), max_percent);
  }
  return text;
}

}  // namespace

int bench(const BenchFlags& flags) {
  const LaunchRequest request = read_launch_flags(flags.launch);
  if (flags.baseline.empty() != flags.max_regress.empty()) {
    throw UsageError("--baseline and --max-regress go together");
  }
  const std::uint32_t repeat = flags.repeat.empty() ? 0 : parse_count(flags.repeat, "--repeat");
  const double max_percent = flags.max_regress.empty() ? 0 : parse_percent(flags.max_regress);
  const Baseline baseline = flags.baseline.empty() ? Baseline{} : read_baseline(flags.baseline);
  const Context context;
  std::vector<Substrate> substrates = named_substrates(context, request.on);
  const Kernel kernel = open_kernel(context, flags.launch.kernel);
  const Plan plan = make_plan(kernel, request);
  const bool chosen = substrates.empty();
  if (chosen) substrates.push_back(context.choose(kernel));
  require_capable(substrates, kernel, plan);
  std::vector<OutputFile> outputs = open_outputs(plan);
  std::optional<OutputFile> file;
  if (!flags.json.empty()) file.emplace(flags.json);

  Progress progress;
  std::vector<Measured> all;
  for (const Substrate& substrate : substrates) {
    all.push_back(measure(substrate, kernel, plan, repeat, progress));
  }
  write_outputs(plan, all.front().memory, outputs);
  const std::string slower = flags.baseline.empty() ? "" : regressions(all, baseline, max_percent);
  if (chosen) note("chose " + label(substrates.front()));
  print(people_text(all));
  for (OutputFile& output : outputs) output.publish();
  if (file) {
    const std::string text = json_text(report(flags, plan, all));
    file->write(std::as_bytes(std::span(text)));
    file->finish();
    file->publish();
  }
  if (slower.empty()) return kDone;
  note(slower);
  return kRegressed;
}

}  // namespace sokr::cli
