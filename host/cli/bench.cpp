// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <sokr/sokr.hpp>
#include <span>

#include "baseline.hpp"
#include "bench_calibration.hpp"
#include "bench_flags.hpp"
#include "bench_gate.hpp"
#include "bench_report.hpp"
#include "bench_serve.hpp"
#include "command.hpp"
#include "compare.hpp"
#include "counters.hpp"
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
  Measurement(const BenchFlags& flags, const BenchRequest& request, const Context& context,
              const Kernel& kernel, const Plan& plan, const measure::Counters& counters)
      : flags_(flags),
        request_(request),
        context_(context),
        kernel_(kernel),
        plan_(plan),
        counters_(counters) {}

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
    compare_with_old();
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
    add_calibration(sides);
    measure::Rules& rules = report_.rules;
    rules.precision = request_.precision;
    if (!counters_.available().empty()) rules.counters = &counters_;
    for (const measure::Counters::One& one : counters_.all()) {
      if (one.descriptor < 0) {
        report_.without_counters.push_back(fmt::format("{}: {}", one.name, one.reason));
      }
    }
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
    for (std::size_t i = 0; i < whose.size(); ++i) {
      report_.results[whose[i].first].ways[whose[i].second] = std::move(all[i]);
    }
    for (std::size_t i = 0; i < calibrations_.size(); ++i) {
      report_.results[i].calibration = std::move(all[whose.size() + i]);
    }
    double smallest = report_.results.front().warm().times.least();
    for (const BenchResult& one : report_.results) {
      smallest = std::min(smallest, one.warm().times.least());
    }
    report_.warnings = measure::warnings(report_.environment, watch.seen(), smallest);
  }

  // Behind the others, one for each substrate.
  void add_calibration(std::vector<measure::Side>& sides) {
    if (request_.relative_to != kCalibration) return;
    for (const auto& subject : subjects_) {
      calibrations_.emplace_back(context_, subject->substrate());
    }
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      sides.push_back({fmt::format("{} {}", report_.results[i].substrate, kCalibration),
                       [this, i](std::uint32_t count, std::vector<double>& ns) {
                         calibrations_[i].measure(count, ns);
                       }});
    }
  }

  // The old build, or the old kernel, in turns with processes of this one.
  void compare_with_old() {
    if (request_.baseline_command.empty()) return;
    std::vector<std::string> names, words = launch_words(flags_.launch, "");
    for (const BenchResult& one : report_.results) names.push_back(one.substrate);
    words.insert(words.begin(), "/proc/self/exe");
    words.push_back(fmt::format("--on={}", fmt::join(names, ",")));
    words.emplace_back("--serve");
    measure::Rules rules = report_.rules;
    rules.repeat = 0;
    rules.counters = nullptr;
    rules.budget = std::chrono::nanoseconds(
        static_cast<std::int64_t>(std::min(request_.budget_s.value_or(kBudgetEach_s), 1e8) * 1e9));
    rules.least = rules.budget;
    report_.against_command = compare_with_command(
        request_.baseline_command, words, names, rules, 1 + request_.max_regress / 100,
        [&](std::string_view side, std::uint64_t done, double part) {
          progress_.at(side, done, 0, {}, part);
        });
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
  const Context& context_;
  const Kernel& kernel_;
  const Plan& plan_;
  const measure::Counters& counters_;
  BenchReport report_;
  std::vector<std::unique_ptr<BenchSubject>> subjects_;
  std::vector<Calibration> calibrations_;
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

void require_counter(const measure::Counters& counters, const std::string& metric) {
  for (const measure::Counters::One& one : counters.all()) {
    if (one.name == metric && one.descriptor < 0) {
      throw Error(SOKR_NOT_FOUND,
                  fmt::format("--metric {}: it cannot be counted here: {}", metric, one.reason));
    }
  }
}

// For another process: one dispatch, or as many as it asks for.
int measure_for_another(const BenchFlags& flags, std::span<const Substrate> substrates,
                        const Kernel& kernel, const Plan& plan) {
  std::vector<std::unique_ptr<BenchSubject>> subjects;
  for (const Substrate& substrate : substrates) {
    subjects.push_back(std::make_unique<BenchSubject>(substrate, kernel, plan));
    const double ns = subjects.back()->first();
    if (flags.probe) {
      print(fmt::format("{}\n", ns));
      return kDone;
    }
  }
  serve(subjects);
  return kDone;
}

}  // namespace

int bench(const BenchFlags& flags) {
  const BenchRequest request = read_bench_flags(flags);
  std::vector<Baseline> baselines;
  for (const std::string& file : request.baselines) baselines.push_back(read_baseline(file));
  // Before there are threads, which are then counted too.
  std::vector<std::string> counter_names;
  for (const measure::CounterKind& kind : measure::counter_kinds()) {
    counter_names.emplace_back(kind.name);
  }
  const measure::Counters counters(counter_names);
  require_counter(counters, request.metric);
  const Context context;
  std::vector<Substrate> substrates = named_substrates(context, request.launch.on);
  const Kernel kernel = open_kernel(context, flags.launch.kernel);
  const Plan plan = make_plan(kernel, request.launch);
  const bool chosen = substrates.empty();
  if (chosen) substrates.push_back(context.choose(kernel));
  require_capable(substrates, kernel, plan);
  if (flags.probe || is_to_serve(flags.serve)) {
    return measure_for_another(flags, substrates, kernel, plan);
  }
  for (const Baseline& baseline : baselines) {
    refuse_another_launch(baseline, flags.launch.kernel, launch_json(flags, plan));
    for (const Substrate& one : substrates) {
      require_comparable(baseline, std::string(one.name()), request.relative_to, request.metric);
    }
  }
  std::vector<OutputFile> outputs = open_outputs(plan), files;
  for (const BenchFile& file : request.files) files.emplace_back(file.path);

  Measurement measurement(flags, request, context, kernel, plan, counters);
  measurement.run(substrates);
  BenchReport& report = measurement.report();
  report.kernel = flags.launch.kernel;
  report.launch = launch_json(flags, plan);
  report.bytes = request.bytes;
  report.flops = request.flops;

  write_outputs(plan, measurement.memory(), outputs);
  std::vector<std::string> slower = regressions(report.results, baselines, request.max_regress,
                                                request.relative_to, request.metric);
  for (std::string& one : regressions(report.against_command, request.max_regress)) {
    slower.push_back(std::move(one));
  }
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
