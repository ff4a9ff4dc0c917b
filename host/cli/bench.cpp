// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <sokr/sokr.hpp>
#include <span>

#include "baseline.hpp"
#include "bench_flags.hpp"
#include "bench_gate.hpp"
#include "bench_report.hpp"
#include "command.hpp"
#include "compare.hpp"
#include "kernel_file.hpp"
#include "output.hpp"
#include "output_set.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "selection.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

// There is nothing to overlap in what takes longer; several in flight would only take as long.
constexpr double kLongDispatch_ns = 5e7;
constexpr double kBudgetEach_s = 2;
constexpr int kProcesses = 3;

// The outputs as they are now.
std::vector<PageBuffer> copies_of(std::span<const PlannedOutput> outputs,
                                  std::span<const PageBuffer> memory) {
  std::vector<PageBuffer> copies;
  for (const PlannedOutput& output : outputs) {
    const auto bytes = memory[output.buffer].bytes();
    std::copy(bytes.begin(), bytes.end(), copies.emplace_back(bytes.size()).bytes().begin());
  }
  return copies;
}

// What is compared between substrates: the named outputs or, where there are none, all that the
// kernel writes.
std::vector<PlannedOutput> checked_outputs(const Plan& plan) {
  if (!plan.outputs.empty()) return plan.outputs;
  std::vector<PlannedOutput> written;
  for (std::size_t i = 0; i < plan.buffers.size(); ++i) {
    const PlannedBuffer& buffer = plan.buffers[i];
    if (buffer.access == SOKR_ACCESS_READ || buffer.size == 0) continue;
    PlannedOutput& output = written.emplace_back();
    output.spec.where = buffer.where;
    output.spec.npy = buffer.type;
    output.buffer = i;
  }
  return written;
}

// The launch on several substrates, and what is known of it.
class Measurement {
 public:
  Measurement(const BenchFlags& flags, const BenchRequest& request, const Kernel& kernel,
              const Plan& plan)
      : flags_(flags), request_(request), kernel_(kernel), plan_(plan) {}

  // In this order: the first dispatches, whose results are compared; processes of their own;
  // everything else, alternately.
  void run(std::span<const Substrate> substrates) {
    for (const Substrate& substrate : substrates) {
      progress_.at(substrate.name(), 0, 1);
      subjects_.push_back(std::make_unique<BenchSubject>(substrate, kernel_, plan_));
      BenchResult& result = report_.results.emplace_back();
      result.substrate = substrate.name();
      result.kind = kind_word(substrate.info().kind);
      result.description = substrate.info().description;
      result.first_ns = subjects_.back()->first();
    }
    if (request_.check.value_or(!plan_.outputs.empty() || request_.launch.tolerance.has_value())) {
      refuse_disagreement();
    }
    for (std::size_t i = 0; i < subjects_.size(); ++i) measure_first_times(i);
    alternate();
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      report_.results[i].split = subjects_[i]->split();
    }
    progress_.clear();
  }

  BenchReport& report() { return report_; }
  // What the launches of the first substrate left.
  std::vector<PageBuffer>& memory() { return subjects_.front()->memory(); }

 private:
  void refuse_disagreement() {
    const std::vector<PlannedOutput> outputs = checked_outputs(plan_);
    const std::vector<PageBuffer> first = copies_of(outputs, subjects_.front()->memory());
    for (const auto& subject : subjects_) {
      const std::vector<PageBuffer> now = copies_of(outputs, subject->memory());
      for (std::size_t i = 0; i < outputs.size(); ++i) {
        const auto differs = disagreement(plan_, outputs[i], first[i].bytes(), now[i].bytes(),
                                          request_.launch.tolerance);
        if (!differs) continue;
        throw Error(SOKR_DISPATCH_FAILED,
                    fmt::format("{} and {} disagree on binding {}: {}",
                                subjects_.front()->substrate().name(), subject->substrate().name(),
                                outputs[i].spec.where.text(), *differs));
      }
    }
  }

  void measure_first_times(std::size_t i) {
    BenchResult& result = report_.results[i];
    progress_.at(result.substrate, 0, kProcesses, "process");
    result.first = measure_first(flags_.launch, result.substrate, kernel_.bytes(), kProcesses);
  }

  void alternate() {
    std::vector<measure::Side> sides;
    std::vector<std::pair<std::size_t, Way>> whose;  // result and way of each side
    const auto add = [&](std::size_t i, Way way, auto member) {
      BenchSubject* const subject = subjects_[i].get();
      sides.push_back({fmt::format("{} {}", report_.results[i].substrate, kWays[way]),
                       [subject, member](std::uint32_t count, std::vector<double>& ns) {
                         (subject->*member)(count, ns);
                       }});
      whose.emplace_back(i, way);
    };
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      add(i, kWarm, &BenchSubject::warm);
      try_others(i);
      std::string* const left_out = report_.results[i].left_out;
      if (left_out[kPipelined].empty()) add(i, kPipelined, &BenchSubject::pipelined);
      if (left_out[kBatched].empty()) add(i, kBatched, &BenchSubject::batched);
    }
    measure::Rules& rules = report_.rules;
    rules.precision = request_.precision;
    rules.repeat = request_.launch.repeat.value_or(0);
    const double seconds =
        request_.budget_s.value_or(kBudgetEach_s * static_cast<double>(subjects_.size()));
    rules.budget = std::chrono::nanoseconds(static_cast<std::int64_t>(
        std::min(seconds, 1e8) * 1e9 / static_cast<double>(sides.size())));
    rules.least = std::min(rules.least, rules.budget);
    report_.environment = measure::look_around();
    const measure::Watch watch;
    std::vector<measure::Series> all = measure::alternate(
        sides, rules, [&](std::string_view side, std::uint64_t done, double part) {
          progress_.at(side, done, rules.repeat, {}, part);
        });
    for (std::size_t i = 0; i < all.size(); ++i) {
      report_.results[whose[i].first].ways[whose[i].second] = std::move(all[i]);
    }
    double smallest = report_.results.front().warm().times.least();
    for (const BenchResult& one : report_.results) {
      smallest = std::min(smallest, one.warm().times.least());
    }
    report_.warnings = measure::warnings(report_.environment, watch.seen(), smallest);
  }

  // Several at once, and chains, where they make sense and the substrate takes them.
  void try_others(std::size_t i) {
    BenchResult& result = report_.results[i];
    std::vector<double> ns;
    subjects_[i]->warm(1, ns);
    if (ns.back() > kLongDispatch_ns) {
      result.left_out[kPipelined] = result.left_out[kBatched] =
          fmt::format("a dispatch takes {}", duration_text(ns.back()));
      return;
    }
    result.left_out[kPipelined] = subjects_[i]->try_pipelined();
    result.left_out[kBatched] = subjects_[i]->try_batched();
  }

  const BenchFlags& flags_;
  const BenchRequest& request_;
  const Kernel& kernel_;
  const Plan& plan_;
  BenchReport report_;
  std::vector<std::unique_ptr<BenchSubject>> subjects_;
  Progress progress_;
};

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

std::string file_text(const BenchFile& file, const BenchReport& report) {
  if (file.flag == "--csv") return csv_text(report);
  if (file.flag == "--markdown") return markdown_text(report);
  return json_text(report_json(report));
}

// One dispatch of a process of its own: `sokr bench --probe`.
int probe(const BenchRequest& request, const Substrate& substrate, const Kernel& kernel,
          const Plan& plan) {
  require_capable(std::span(&substrate, 1), kernel, plan);
  (void)request;
  print(fmt::format("{}\n", BenchSubject(substrate, kernel, plan).first()));
  return kDone;
}

}  // namespace

int bench(const BenchFlags& flags) {
  const BenchRequest request = read_bench_flags(flags);
  std::vector<Baseline> baselines;
  for (const std::string& file : request.baselines) baselines.push_back(read_baseline(file));
  const Context context;
  std::vector<Substrate> substrates = named_substrates(context, request.launch.on);
  const Kernel kernel = open_kernel(context, flags.launch.kernel);
  const Plan plan = make_plan(kernel, request.launch);
  const bool chosen = substrates.empty();
  if (chosen) substrates.push_back(context.choose(kernel));
  if (flags.probe) return probe(request, substrates.front(), kernel, plan);
  require_capable(substrates, kernel, plan);
  for (const Baseline& baseline : baselines) {
    refuse_another_launch(baseline, flags.launch.kernel, launch_json(flags, plan));
    for (const Substrate& one : substrates) require_result(baseline, std::string(one.name()));
  }
  std::vector<OutputFile> outputs = open_outputs(plan), files;
  for (const BenchFile& file : request.files) files.emplace_back(file.path);

  Measurement measurement(flags, request, kernel, plan);
  measurement.run(substrates);
  BenchReport& report = measurement.report();
  report.kernel = flags.launch.kernel;
  report.launch = launch_json(flags, plan);
  report.bytes = request.bytes;
  report.flops = request.flops;

  write_outputs(plan, measurement.memory(), outputs);
  const std::vector<std::string> slower =
      baselines.empty() ? std::vector<std::string>()
                        : regressions(report.results, baselines, request.max_regress);
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string text = file_text(request.files[i], report);
    files[i].write(std::as_bytes(std::span(text)));
    files[i].finish();
  }
  if (chosen) note("chose " + label(substrates.front()));
  // On standard output there is the one or the other.
  if (!request.prints_file()) print(people_text(report));
  for (OutputFile& output : outputs) output.publish();
  for (OutputFile& file : files) file.publish();
  for (const std::string& sentence : slower) note(sentence);
  return slower.empty() ? kDone : kRegressed;
}

}  // namespace sokr::cli
