// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sokr/sokr.hpp>
#include <span>
#include <utility>

#include "baseline.hpp"
#include "bench_flags.hpp"
#include "bench_gate.hpp"
#include "bench_measurement.hpp"
#include "bench_page.hpp"
#include "bench_report.hpp"
#include "bench_serve.hpp"
#include "bench_sweep.hpp"
#include "command.hpp"
#include "counters.hpp"
#include "kernel_file.hpp"
#include "output.hpp"
#include "output_set.hpp"
#include "plan.hpp"
#include "selection.hpp"

namespace sokr::cli {
namespace {

// What times depend on, besides the kernel and the machine.
Json launch_json(const BenchFlags& flags, const Plan& plan) {
  Json buffers = Json::array();
  for (const PlannedBuffer& buffer : plan.buffers) {
    buffers.push_back({{"set", buffer.where.set},
                       {"binding", buffer.where.binding},
                       {"index", buffer.where.index},
                       {"bytes", buffer.size}});
  }
  return Json{{"entry_point", plan.entry},     {"groups", plan.groups},
              {"local_size", plan.local_size}, {"subgroup_size", plan.subgroup_size},
              {"spec", flags.launch.spec},     {"push", flags.launch.push},
              {"buffers", std::move(buffers)}};
}

std::string file_text(const BenchFile& file, const BenchReports& reports) {
  if (file.flag == "--csv") return csv_text(reports);
  if (file.flag == "--markdown") return markdown_text(reports);
  if (file.flag == "--html") return html_text(reports);
  if (file.flag == "--svg") return svg_file_text(reports);
  return json_text(report_json(reports));
}

std::vector<std::string> counter_names() {
  std::vector<std::string> names;
  for (const measure::CounterKind& kind : measure::counter_kinds()) names.emplace_back(kind.name);
  return names;
}

std::vector<OutputFile> open_files(const BenchRequest& request) {
  std::vector<OutputFile> files;
  for (const BenchFile& file : request.files) files.emplace_back(file.path);
  return files;
}

// Whole, and not yet in their places; those that are regular, or those that are not, as of
// write_outputs.
void write_files(const BenchRequest& request, const BenchReports& reports,
                 std::vector<OutputFile>& files, bool regular) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].is_regular() != regular) continue;
    const std::string text = file_text(request.files[i], reports);
    files[i].write(std::as_bytes(std::span(text)));
    files[i].finish();
  }
}

void complete(BenchReport& report, const BenchFlags& flags, const BenchRequest& request,
              const Plan& plan, const Kernel& kernel) {
  report.kernel = flags.launch.kernel;
  report.kernel_hex = kernel_hex(kernel.bytes());
  report.launch = launch_json(flags, plan);
  report.bytes = request.bytes;
  report.flops = request.flops;
}

// What is measured over and over runs in its full version from the start. SOKR_CPU_TIER says
// otherwise; who measures a first dispatch gets what anybody would.
ContextOptions context_options(const BenchFlags& flags) {
  ContextOptions options;
  if (!flags.probe && std::getenv("SOKR_CPU_TIER") == nullptr)
    options.options.emplace_back("cpu.tier", "full");
  return options;
}

// The best that can run the kernel and the launch.
Substrate default_substrate(const Context& context, const Kernel& kernel,
                            DefaultChoice::Reason why_not) {
  return DefaultChoice(context, kernel, std::move(why_not)).next();
}

// The same launch at each point of --sweep. What is wrong with any is said before one is measured.
int bench_sweep(const BenchFlags& flags) {
  const Sweep sweep = parse_sweep(flags.sweep);
  const measure::Counters counters(counter_names());
  const Context context(context_options(flags));
  const Kernel kernel = open_kernel(context, flags.launch.kernel);
  std::vector<BenchFlags> points;
  std::vector<BenchRequest> requests;
  for (const std::uint64_t value : sweep.values) {
    points.push_back(at_point(flags, sweep, value, kernel));
    requests.push_back(read_bench_flags(points.back()));
  }
  const BenchRequest& first = requests.front();
  // The first thing that is said of a launch, with its point. None is kept: each has its inputs in
  // memory.
  const auto first_reason = [&](const auto& reason_of) {
    std::optional<std::string> reason;
    for (std::size_t i = 0; i < requests.size() && !reason; ++i) {
      const auto at = [&](std::string_view what) {
        return fmt::format("at {} {}: {}", sweep.variable, sweep.values[i], what);
      };
      try {
        reason = reason_of(make_plan(kernel, requests[i].launch));
      } catch (const UsageError& error) {
        throw UsageError(at(error.what()));
      }
      if (reason) reason = at(*reason);
    }
    return reason;
  };
  std::vector<Substrate> substrates = named_substrates(context, first.launch.on);
  if (substrates.empty()) {
    substrates.push_back(default_substrate(context, kernel, [&](const Substrate& one) {
      return first_reason([&](const Plan& plan) { return why_not(plan, one); });
    }));
  } else {
    (void)first_reason([&](const Plan& plan) {
      require_capable(substrates, kernel, plan);
      return std::optional<std::string>();
    });
  }
  std::vector<OutputFile> files = open_files(first);
  BenchReports reports{SweepAxis{sweep.variable, sweep.values}, {}};
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Plan plan = make_plan(kernel, requests[i].launch);
    Measurement measurement(points[i], requests[i], context, kernel, plan, counters);
    measurement.run(substrates);
    complete(measurement.report(), points[i], requests[i], plan, kernel);
    reports.points.push_back(std::move(measurement.report()));
  }
  for (const bool regular : {true, false}) write_files(first, reports, files, regular);
  if (first.launch.on.empty()) note("chose " + label(substrates.front()));
  if (!first.prints_file()) print(people_text(reports));
  for (OutputFile& file : files) file.publish();
  return kDone;
}

void require_counter(const measure::Counters& counters, const std::string& metric) {
  for (const measure::Counters::One& one : counters.all()) {
    if (one.name == metric && one.descriptor < 0) {
      throw Error(SOKR_NOT_FOUND,
                  fmt::format("--metric {}: it cannot be counted here: {}", metric, one.reason));
    }
  }
}

// Says what did not hold. What is not known is no pass.
int told_verdict(std::span<const GateRow> gate) {
  int code = kDone;
  for (const GateRow& row : gate) {
    if (row.verdict == GateVerdict::kHeld) continue;
    note(gate_sentence(row));
    if (code != kRegressed) code = row.verdict == GateVerdict::kSlower ? kRegressed : kFailed;
  }
  return code;
}

// For another process: one dispatch, or as many as it asks for.
int measure_for_another(const BenchFlags& flags, const Context& context,
                        std::span<const Substrate> substrates, const Kernel& kernel,
                        const Plan& plan) {
  std::vector<std::unique_ptr<BenchSubject>> subjects;
  for (const Substrate& substrate : substrates) {
    subjects.push_back(std::make_unique<BenchSubject>(substrate, kernel, plan));
    const double ns = subjects.back()->first();
    if (flags.probe) {
      print(fmt::format("{}\n", ns));
      return kDone;
    }
  }
  const std::vector<CalibrationTurns> turns = parse_turns(flags.calibrate);
  std::vector<Calibration> calibrations;
  for (std::size_t i = 0; i < std::min(turns.size(), subjects.size()); ++i) {
    calibrations.emplace_back(context, subjects[i]->substrate(), subjects[i]->calibrated(),
                              &turns[i]);
  }
  serve(subjects, calibrations);
  return kDone;
}

}  // namespace

int bench(const BenchFlags& flags) {
  if (!flags.sweep.empty()) return bench_sweep(flags);
  const BenchRequest request = read_bench_flags(flags);
  std::vector<Baseline> baselines;
  for (const std::string& file : request.baselines) baselines.push_back(read_baseline(file));
  // Before there are threads, which are then counted too.
  const measure::Counters counters(counter_names());
  require_counter(counters, request.metric);
  const Context context(context_options(flags));
  // A name that is wrong is said before a kernel is read.
  (void)named_substrates(context, request.launch.on);
  const Kernel kernel = open_kernel(context, flags.launch.kernel);
  const Plan plan = make_plan(kernel, request.launch);
  std::vector<Substrate> substrates = named_substrates(context, request.launch.on);
  if (substrates.empty()) {
    substrates.push_back(default_substrate(
        context, kernel, [&](const Substrate& one) { return why_not(plan, one); }));
  }
  require_capable(substrates, kernel, plan);
  if (flags.probe || is_to_serve(flags.serve)) {
    return measure_for_another(flags, context, substrates, kernel, plan);
  }
  for (const Baseline& baseline : baselines) {
    refuse_another_launch(baseline, flags.launch.kernel, launch_json(flags, plan));
    for (const Substrate& one : substrates) {
      require_comparable(baseline, std::string(one.name()), request.relative_to, request.metric);
    }
  }
  std::vector<OutputFile> outputs = open_outputs(plan), files = open_files(request);

  Measurement measurement(flags, request, context, kernel, plan, counters, baselines);
  measurement.run(substrates);
  complete(measurement.report(), flags, request, plan, kernel);
  BenchReports reports;
  reports.points.push_back(std::move(measurement.report()));
  BenchReport& report = reports.points.front();
  if (request.relative_to.empty() && request.metric.empty()) {
    for (const Baseline& baseline : baselines) {
      const std::string then =
          another_machine(baseline, report.environment.cpu, report.environment.cores);
      if (then.empty()) continue;
      report.warnings.push_back(
          fmt::format("the baseline '{}' is{} of another machine ({}): its times tell little here; "
                      "--relative-to kernel measures its kernel on this one",
                      baseline.file, report.environment.cpu.empty() ? ", perhaps," : "", then));
    }
  }
  report.gate = compared_with_baselines(report.results, baselines, request.max_regress,
                                        request.relative_to, request.metric);
  for (GateRow& row : compared_with_old(
           report.against_command, request.max_regress,
           request.relative_to == kOldKernel ? "the baseline's kernel" : "the baseline command")) {
    report.gate.push_back(std::move(row));
  }

  for (const bool regular : {true, false}) {
    write_outputs(plan, measurement.memory(), outputs, regular);
    write_files(request, reports, files, regular);
  }
  if (request.launch.on.empty()) note("chose " + label(substrates.front()));
  // On standard output there is the one or the other.
  if (!request.prints_file()) print(people_text(reports));
  for (OutputFile& output : outputs) output.publish();
  for (OutputFile& file : files) file.publish();
  return told_verdict(report.gate);
}

}  // namespace sokr::cli
