// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <sokr/sokr.hpp>
#include <system_error>

#include "baseline.hpp"
#include "command.hpp"
#include "compare.hpp"
#include "kernel_file.hpp"
#include "output.hpp"
#include "output_set.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "selection.hpp"
#include "text.hpp"
#include "times.hpp"

namespace sokr::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kWarmUp = 3;
constexpr std::uint32_t kLeast = 20, kMost = 1'000'000;
constexpr std::chrono::seconds kEnough{1};

struct Measured {
  Substrate substrate;
  double first_ns = 0;  // with compilation
  Times times;          // dispatch to completion, warm
  std::vector<PageBuffer> memory;
  std::vector<PageBuffer> first_outputs;  // what the first dispatch wrote, for --tolerance
};

// The outputs as they are now.
std::vector<PageBuffer> copy_outputs(const Plan& plan, std::span<const PageBuffer> memory) {
  std::vector<PageBuffer> copies;
  for (const PlannedOutput& output : plan.outputs) {
    const auto bytes = memory[output.buffer].bytes();
    std::copy(bytes.begin(), bytes.end(), copies.emplace_back(bytes.size()).bytes().begin());
  }
  return copies;
}

Measured measure(const Substrate& substrate, const Kernel& kernel, const Plan& plan,
                 const LaunchRequest& request, Progress& progress) {
  const std::uint32_t repeat = request.repeat.value_or(0);
  Launch launch = plan.launch;
  std::vector<PageBuffer> memory = bind_buffers(plan, launch);
  const auto once = [&] {
    const auto start = Clock::now();
    substrate.dispatch(kernel, launch).wait();
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  };
  Measured result{substrate, once(), {}, {}, {}};
  if (request.tolerance) result.first_outputs = copy_outputs(plan, memory);
  for (std::uint32_t i = 0; i < kWarmUp; ++i) {
    swap_buffers(plan, memory, launch);
    once();
  }
  const auto begin = Clock::now();
  const auto more = [&] {
    if (repeat) return result.times.count() < repeat;
    return result.times.count() < kLeast ||
           (result.times.count() < kMost && Clock::now() - begin < kEnough);
  };
  while (more()) {
    swap_buffers(plan, memory, launch);
    result.times.add(once());
    progress.at(substrate.name(), result.times.count(), repeat);
  }
  progress.clear();
  result.memory = std::move(memory);
  return result;
}

void refuse_disagreement(const Plan& plan, const Tolerance& tolerance,
                         const std::vector<Measured>& all) {
  for (const Measured& one : all) {
    for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
      const PlannedOutput& output = plan.outputs[i];
      const auto differs = disagreement(plan, output, all.front().first_outputs[i].bytes(),
                                        one.first_outputs[i].bytes(), tolerance);
      if (!differs) continue;
      throw Error(SOKR_DISPATCH_FAILED,
                  fmt::format("{} and {} disagree on binding {}: {}", all.front().substrate.name(),
                              one.substrate.name(), output.spec.where.text(), *differs));
    }
  }
}

double throughput(const Measured& measured) {
  return 1e9 * static_cast<double>(measured.times.count()) / measured.times.sum();
}

std::string people_text(const std::vector<Measured>& all) {
  Table table;
  for (std::size_t column = 1; column <= 7; ++column) table.right_align(column);
  table.row({"", "first", "min", "p50", "p90", "p99", "max", "a second"});
  for (const Measured& one : all) {
    std::vector<std::string> row{std::string(one.substrate.name()), duration_text(one.first_ns)};
    for (const double percent : {0.0, 50.0, 90.0, 99.0, 100.0}) {
      row.push_back(duration_text(one.times.percentile(percent)));
    }
    row.push_back(fmt::format("{:.0f}", throughput(one)));
    table.row(std::move(row));
  }
  return table.format();
}

// What times depend on, besides the kernel and the machine.
Json launch_json(const BenchFlags& flags, const Plan& plan) {
  Json buffers = Json::array();
  for (const PlannedBuffer& buffer : plan.buffers) {
    buffers.push_back({{"set", buffer.where.set},
                       {"binding", buffer.where.binding},
                       {"index", buffer.where.index},
                       {"bytes", buffer.size}});
  }
  return Json{{"groups", plan.groups},        {"local_size", plan.local_size},
              {"entry_point", plan.entry},    {"subgroup_size", plan.subgroup_size},
              {"spec", flags.launch.spec},    {"push", flags.launch.push},
              {"buffers", std::move(buffers)}};
}

Json report(const BenchFlags& flags, const Plan& plan, const std::vector<Measured>& all) {
  Json results = Json::array();
  for (const Measured& one : all) {
    results.push_back({{"substrate", one.substrate.name()},
                       {"kind", kind_word(one.substrate.info().kind)},
                       {"description", one.substrate.info().description},
                       {"dispatches", one.times.count()},
                       {"first_ns", one.first_ns},
                       {"min_ns", one.times.percentile(0)},
                       {"p50_ns", one.times.percentile(50)},
                       {"p90_ns", one.times.percentile(90)},
                       {"p99_ns", one.times.percentile(99)},
                       {"max_ns", one.times.percentile(100)},
                       {"dispatches_per_second", throughput(one)}});
  }
  Json report{{"schema", "sokr.bench/1"}, {"kernel", flags.launch.kernel}};
  report.update(launch_json(flags, plan));
  report["results"] = std::move(results);
  return report;
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
    const double now = one.times.percentile(50);
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
  const double max_percent = flags.max_regress.empty() ? 0 : parse_percent(flags.max_regress);
  const Baseline baseline = flags.baseline.empty() ? Baseline{} : read_baseline(flags.baseline);
  const Context context;
  std::vector<Substrate> substrates = named_substrates(context, request.on);
  const Kernel kernel = open_kernel(context, flags.launch.kernel);
  const Plan plan = make_plan(kernel, request);
  const bool chosen = substrates.empty();
  if (chosen) substrates.push_back(context.choose(kernel));
  require_capable(substrates, kernel, plan);
  if (!flags.baseline.empty()) {
    refuse_another_launch(baseline, flags.launch.kernel, launch_json(flags, plan));
  }
  std::vector<OutputFile> outputs = open_outputs(plan);
  std::optional<OutputFile> file;
  if (!flags.json.empty()) file.emplace(flags.json);

  std::vector<Measured> all;
  {
    Progress progress;
    for (const Substrate& substrate : substrates) {
      all.push_back(measure(substrate, kernel, plan, request, progress));
    }
  }
  if (request.tolerance) refuse_disagreement(plan, *request.tolerance, all);
  write_outputs(plan, all.front().memory, outputs);
  const std::string slower = flags.baseline.empty() ? "" : regressions(all, baseline, max_percent);
  if (chosen) note("chose " + label(substrates.front()));
  // On standard output there is the one or the other.
  if (flags.json != "-") print(people_text(all));
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
