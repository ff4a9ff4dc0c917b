// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <sokr/sokr.hpp>

#include "command.hpp"
#include "compare.hpp"
#include "kernel_file.hpp"
#include "output.hpp"
#include "output_set.hpp"
#include "plan.hpp"
#include "progress.hpp"
#include "scalar.hpp"
#include "selection.hpp"
#include "text.hpp"
#include "times.hpp"
#include "values.hpp"

namespace sokr::cli {
namespace {

using Clock = std::chrono::steady_clock;

// Lines that are of interest once something has succeeded, or takes long. An error that
// comes first is the only line.
class Notes {
 public:
  void add(std::string line) { lines_.push_back(std::move(line)); }
  void flush() {
    progress.clear();
    for (const std::string& line : lines_) note(line);
    lines_.clear();
  }

  Progress progress;

 private:
  std::vector<std::string> lines_;
};

struct RunResult {
  Substrate substrate;
  std::string grid;                                     // "16 workgroups of 64"
  measure::Times times;                                 // dispatch to completion
  std::optional<std::chrono::nanoseconds> device_time;  // of the last dispatch
  std::vector<PageBuffer> memory;                       // one for each planned buffer
};

// `plan` is a Plan&& if nothing else needs its inputs.
template <class AnyPlan>
RunResult run_on(const Substrate& substrate, const Kernel& kernel, AnyPlan&& plan,
                 std::uint32_t repeat, Notes& notes) {
  const Plan& launched = plan;  // what is moved out of it are the contents of its inputs
  RunResult result{
      substrate,
      fmt::format("{} workgroups of {}", extent_text(plan.groups), extent_text(plan.local_size)),
      {},
      {},
      {}};
  Launch launch = plan.launch;
  launch.profile();
  result.memory = bind_buffers(std::forward<AnyPlan>(plan), launch);
  bool announced = false;
  Completion completion;
  const auto begin = Clock::now();
  const auto announce = [&] {
    if (!announced) {
      notes.add("running on " + label(substrate));
      notes.flush();
      announced = true;
    }
    notes.progress.at(substrate.name(), result.times.count(), repeat);
  };
  for (std::uint32_t i = 0; i < repeat; ++i) {
    if (i > 0) swap_buffers(launched, result.memory, launch);
    const auto start = Clock::now();
    completion = substrate.dispatch(kernel, launch);
    while (!completion.wait_for(kPatience)) announce();
    const auto end = Clock::now();
    result.times.add(std::chrono::duration<double, std::nano>(end - start).count());
    if (end - begin > kPatience) announce();
  }
  notes.progress.clear();
  result.device_time = completion.device_time();
  return result;
}

std::string summary(const RunResult& result) {
  std::string text = fmt::format("ran on {}: {}", label(result.substrate), result.grid);
  const measure::Times& times = result.times;
  if (times.count() == 1) return text + fmt::format(" in {}", duration_text(times.first()));
  return text + fmt::format(", {} times; first {}, median {}", times.count(),
                            duration_text(times.first()), duration_text(times.percentile(50)));
}

// ---- Which substrates -----------------------------------------------------------------

// Every named one, in that order; there is one at least. The first that fails ends it.
std::vector<RunResult> run_on_named(std::span<const Substrate> substrates, const Kernel& kernel,
                                    Plan& plan, std::uint32_t repeat, Notes& notes) {
  require_capable(substrates, kernel, plan);
  std::vector<RunResult> results;
  for (const Substrate& substrate : substrates.first(substrates.size() - 1)) {
    results.push_back(run_on(substrate, kernel, plan, repeat, notes));
    notes.add(summary(results.back()));
  }
  results.push_back(run_on(substrates.back(), kernel, std::move(plan), repeat, notes));
  notes.add(summary(results.back()));
  return results;
}

// The best capable one; when it fails, the next.
RunResult run_on_best(DefaultChoice& choice, const Kernel& kernel, const Plan& plan,
                      std::uint32_t repeat, Notes& notes) {
  for (std::string failed;;) {
    const Substrate substrate = choice.next();
    if (!failed.empty()) notes.add(fmt::format("{}; using {} instead", failed, substrate.name()));
    try {
      RunResult result = run_on(substrate, kernel, plan, repeat, notes);
      notes.add(summary(result));
      return result;
    } catch (const Error& error) {
      failed = error.what();
      choice.failed(substrate, failed);
    }
  }
}

// ---- Results --------------------------------------------------------------------------

void refuse_disagreement(const Plan& plan, const std::optional<Tolerance>& tolerance,
                         const std::vector<RunResult>& results) {
  for (std::size_t i = 1; i < results.size(); ++i) {
    for (const PlannedOutput& output : plan.outputs) {
      const auto differs = disagreement(plan, output, results[0].memory[output.buffer].bytes(),
                                        results[i].memory[output.buffer].bytes(), tolerance);
      if (!differs) continue;
      throw Error(SOKR_DISPATCH_FAILED,
                  fmt::format("{} and {} disagree on binding {}: {}", results[0].substrate.name(),
                              results[i].substrate.name(), output.spec.where.text(), *differs));
    }
  }
}

Json run_json(const RunResult& result) {
  return Json{
      {"substrate", result.substrate.name()},
      {"kind", kind_word(result.substrate.info().kind)},
      {"description", result.substrate.info().description},
      {"first_ns", result.times.first()},
      {"min_ns", result.times.least()},
      {"median_ns", result.times.percentile(50)},
      {"max_ns", result.times.most()},
      {"device_ns", result.device_time ? Json(result.device_time->count()) : Json(nullptr)}};
}

Json tolerance_json(const std::optional<Tolerance>& tolerance) {
  if (!tolerance) return nullptr;
  return Json{{"absolute", tolerance->absolute}, {"relative", tolerance->relative}};
}

Json report(const RunFlags& flags, const LaunchRequest& request, const Plan& plan,
            std::uint32_t repeat, const std::vector<RunResult>& results,
            const std::vector<Candidate>& passed_over) {
  Json runs = Json::array(), outputs = Json::array(), others = Json::array();
  for (const RunResult& result : results) runs.push_back(run_json(result));
  for (const Candidate& candidate : passed_over) {
    others.push_back({{"name", candidate.name}, {"reason", candidate.reason}});
  }
  for (const PlannedOutput& output : plan.outputs) {
    outputs.push_back(
        {{"set", output.spec.where.set},
         {"binding", output.spec.where.binding},
         {"index", output.spec.where.index},
         {"file", output.spec.file},
         {"dtype", output.spec.npy ? Json(scalar_name(*output.spec.npy)) : Json(nullptr)},
         {"shape", output.spec.npy ? Json(output.shape) : Json(nullptr)},
         {"bytes", plan.buffers[output.buffer].size}});
  }
  return Json{{"schema", "sokr.run/1"},
              {"kernel", flags.launch.kernel},
              {"entry_point", plan.entry},
              {"groups", plan.groups},
              {"local_size", plan.local_size},
              {"repeat", repeat},
              {"runs", std::move(runs)},
              {"passed_over", std::move(others)},
              {"outputs", std::move(outputs)},
              {"tolerance", tolerance_json(request.tolerance)},
              {"printed", values_json(plan, results.front().memory)}};
}

void refuse_for_run(const RunFlags& flags, const LaunchRequest& request) {
  if (!request.swaps.empty() && request.repeat.value_or(1) < 2) {
    throw UsageError(
        "--swap exchanges buffers between dispatches; it needs --repeat N of at least 2");
  }
  for (const OutputSpec& output : request.outputs) {
    if (output.file == "-" && (flags.json || !flags.print.empty())) {
      throw UsageError(
          fmt::format("--out {}=- and {} both write to standard output; give one a "
                      "file",
                      output.where.text(), flags.json ? "--json" : "--print"));
    }
  }
}

}  // namespace

int run(const RunFlags& flags) {
  const LaunchRequest request = read_launch_flags(flags.launch, flags.print);
  refuse_for_run(flags, request);
  const std::uint32_t repeat = request.repeat.value_or(1);
  const Context context;
  const std::vector<Substrate> named = named_substrates(context, request.on);
  const Kernel kernel = open_kernel(context, flags.launch.kernel);
  Plan plan = make_plan(kernel, request);
  std::vector<OutputFile> files = open_outputs(plan);

  Notes notes;
  std::vector<RunResult> results;
  std::vector<Candidate> passed_over;
  if (named.empty()) {
    DefaultChoice choice(context, kernel,
                         [&](const Substrate& substrate) { return why_not(plan, substrate); });
    results.push_back(run_on_best(choice, kernel, plan, repeat, notes));
    passed_over = choice.passed_over();
  } else {
    results = run_on_named(named, kernel, plan, repeat, notes);
    refuse_disagreement(plan, request.tolerance, results);
  }
  for (const bool regular : {true, false}) {
    write_outputs(plan, results.front().memory, files, regular);
  }
  if (flags.json) {
    print(json_text(report(flags, request, plan, repeat, results, passed_over)));
  } else if (!plan.prints.empty()) {
    print(values_text(plan, results.front().memory, terminal_width()));
  }
  for (OutputFile& file : files) file.publish();
  notes.flush();
  return kDone;
}

}  // namespace sokr::cli
