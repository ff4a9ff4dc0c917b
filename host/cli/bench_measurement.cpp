// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_measurement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "bench_serve.hpp"
#include "compare.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

// There is nothing to overlap in what takes longer; several in flight would only take as long.
constexpr double kLongDispatch_ns = 5e7;
constexpr double kBudgetEach_s = 2, kBudgetOfRatio_s = 1, kBudgetOfPoint_s = 0.5;
constexpr int kProcesses = 3;
constexpr std::chrono::milliseconds kShortTurn{1};
// Of a --budget, where processes of their own are measured as well: what they find is compared.
constexpr double kShareOfProcesses = 0.5;

std::chrono::nanoseconds nanoseconds_of(double seconds) {
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(seconds, 1e8) * 1e9));
}

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

}  // namespace

double seconds_of_side(std::optional<double> given, double usual, std::size_t sides, double share) {
  if (!given) return usual;
  return *given * share / (1 + measure::kMostWarmUp) / static_cast<double>(sides);
}

Measurement::Measurement(const BenchFlags& flags, const BenchRequest& request,
                         const Context& context, const Kernel& kernel, const Plan& plan,
                         const measure::Counters& counters, std::span<const Baseline> baselines)
    : flags_(flags),
      request_(request),
      context_(context),
      kernel_(kernel),
      plan_(plan),
      counters_(counters),
      baselines_(baselines) {}

void Measurement::run(std::span<const Substrate> substrates) {
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
  for (std::size_t i = 0; i < subjects_.size() && !request_.sweep; ++i) measure_first_times(i);
  alternate();
  for (std::size_t i = 0; i < subjects_.size(); ++i) {
    report_.results[i].split = subjects_[i]->split();
  }
  measure_for_ratios();
  compare_with_old();
  progress_.clear();
}

void Measurement::refuse_disagreement() {
  const std::vector<PlannedOutput> outputs = checked_outputs(plan_);
  const std::vector<PageBuffer> first = copies_of(outputs, subjects_.front()->memory());
  for (const auto& subject : subjects_) {
    const std::vector<PageBuffer> now = copies_of(outputs, subject->memory());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const auto differs = disagreement(plan_, outputs[i], first[i].bytes(), now[i].bytes(),
                                        request_.launch.tolerance);
      if (!differs) continue;
      throw Error(
          SOKR_DISPATCH_FAILED,
          fmt::format("{} and {} disagree on binding {}: {}", subjects_.front()->substrate().name(),
                      subject->substrate().name(), outputs[i].spec.where.text(), *differs));
    }
  }
}

void Measurement::measure_first_times(std::size_t i) {
  BenchResult& result = report_.results[i];
  progress_.at(result.substrate, 0, kProcesses, "process");
  result.first = measure_first(flags_.launch, result.substrate, kernel_.bytes(), kProcesses);
}

void Measurement::alternate() {
  std::vector<measure::Side> sides;
  std::vector<std::pair<std::size_t, Way>> whose;  // result and way of each side
  const auto add = [&](std::size_t i, Way way, auto member, std::uint32_t operations) {
    BenchSubject* const subject = subjects_[i].get();
    sides.push_back({fmt::format("{} {}", report_.results[i].substrate, kWays[way]),
                     [subject, member](std::uint32_t count, std::vector<double>& ns) {
                       (subject->*member)(count, ns);
                     },
                     operations});
    whose.emplace_back(i, way);
  };
  for (std::size_t i = 0; i < subjects_.size(); ++i) {
    add(i, kWarm, &BenchSubject::warm, 1);
    try_others(i);
    std::string* const left_out = report_.results[i].left_out;
    if (left_out[kPipelined].empty()) add(i, kPipelined, &BenchSubject::pipelined, kInFlight);
    if (left_out[kBatched].empty()) add(i, kBatched, &BenchSubject::batched, kBatch);
  }
  set_rules(sides.size());
  const measure::Rules& rules = report_.rules;
  report_.environment = measure::look_around();
  const measure::Watch watch;
  std::vector<measure::Series> all =
      measure::alternate(sides, rules, [&](std::string_view side, std::uint64_t done, double part) {
        progress_.at(side, done, rules.repeat, {}, part);
      });
  for (std::size_t i = 0; i < whose.size(); ++i) {
    report_.results[whose[i].first].ways[whose[i].second] = std::move(all[i]);
  }
  double smallest = report_.results.front().warm().times.least();
  for (const BenchResult& one : report_.results) {
    smallest = std::min(smallest, one.warm().times.least());
  }
  report_.warnings = measure::warnings(report_.environment, watch.seen(), smallest);
  if (const auto names = counters_.interrupted(); !names.empty()) {
    report_.warnings.push_back(fmt::format(
        "{} did not count all the time (others count as well, and the processor has no "
        "more counters, or some of its cores have other ones): what is told is too little",
        list_text(names)));
  }
}

// For --relative-to, in processes of their own: what is peculiar to a process is in a ratio, too.
void Measurement::measure_for_ratios() {
  if (request_.relative_to.empty() || request_.relative_to == kOldKernel) return;
  std::vector<CalibrationTurns> turns;
  for (std::size_t i = 0; request_.relative_to == kCalibration && i < subjects_.size(); ++i) {
    BenchResult& result = report_.results[i];
    const BaselineResult* const earlier =
        baselines_.empty() ? nullptr : baselines_.front().find(result.substrate);
    const Calibration fitted(
        context_, subjects_[i]->substrate(), subjects_[i]->calibrated(),
        earlier && earlier->calibration_turns ? &*earlier->calibration_turns : nullptr);
    result.calibration_turns = turns.emplace_back(fitted.turns());
  }
  std::vector<std::string> names, words = serving_words(flags_.launch, names);
  if (!turns.empty()) words.push_back(fmt::format("--calibrate={}", turns_text(turns)));
  measure::Rules rules = rules_of_processes(
      kBudgetOfRatio_s, names.size() * (turns.empty() ? 1 : 1 + kCalibrationCount));
  rules.repeat = report_.rules.repeat;
  // Ratios are of neighbours in time: the shorter a turn, the nearer they are.
  rules.block = kShortTurn;
  auto all = measure_rounds(
      words, names, !turns.empty(), rules,
      [&](auto side, auto done, double part) { progress_.at(side, done, rules.repeat, {}, part); });
  for (std::size_t i = 0; i < all.size(); ++i) report_.results[i].rounds = std::move(all[i]);
}

// This program, measuring a launch on the same substrates, `names`, when it is asked to.
std::vector<std::string> Measurement::serving_words(const LaunchFlags& launch,
                                                    std::vector<std::string>& names) const {
  std::vector<std::string> words = launch_words(launch, "");
  for (const BenchResult& one : report_.results) names.push_back(one.substrate);
  words.insert(words.begin(), "/proc/self/exe");
  words.push_back(fmt::format("--on={}", fmt::join(names, ",")));
  words.emplace_back("--serve");
  return words;
}

// What of a --budget is for turns of this process.
double Measurement::share_of_turns() const {
  const bool processes = !request_.relative_to.empty() || !request_.baseline_command.empty();
  return processes ? 1 - kShareOfProcesses : 1;
}

// For each side, over all processes; `usual` seconds where there is no --budget.
measure::Rules Measurement::rules_of_processes(double usual, std::size_t sides) const {
  measure::Rules rules = report_.rules;
  rules.repeat = 0;
  rules.counters = nullptr;
  rules.budget =
      nanoseconds_of(seconds_of_side(request_.budget_s, usual, sides, kShareOfProcesses));
  rules.least = rules.budget;
  return rules;
}

// The old build, or the old kernel, in turns with processes of this one.
void Measurement::compare_with_old() {
  const bool brought = request_.relative_to == kOldKernel;
  if (request_.baseline_command.empty() && !brought) return;
  std::vector<std::string> names, words = serving_words(flags_.launch, names);
  OldSide old;
  std::optional<UnnamedFile> kernel;  // as long as its processes may read it
  if (brought) {
    LaunchFlags flags = flags_.launch;
    kernel.emplace(baselines_.front().kernel);
    flags.kernel = kernel->path();
    std::vector<std::string> same;
    old = {serving_words(flags, same),
           fmt::format("the kernel of the baseline '{}'", baselines_.front().file), false};
  } else {
    old = old_command(request_.baseline_command);
  }
  const measure::Rules rules = rules_of_processes(kBudgetEach_s, 2 * names.size());
  report_.against_command =
      cli::compare_with_old(old, words, names, rules, 1 + request_.max_regress / 100,
                            [&](std::string_view side, std::uint64_t done, double part) {
                              progress_.at(side, done, 0, {}, part);
                            });
}

// Several at once, and chains, where they make sense and the substrate takes them.
void Measurement::try_others(std::size_t i) {
  BenchResult& result = report_.results[i];
  // One of several: who waited for a processor once is not left out for that.
  std::vector<double> ns;
  double shortest = 0;
  for (int tries = 0; tries < 3 && (tries == 0 || shortest > kLongDispatch_ns); ++tries) {
    subjects_[i]->warm(1, ns);
    shortest = *std::min_element(ns.begin(), ns.end());
  }
  if (shortest > kLongDispatch_ns) {
    result.left_out[kPipelined] = result.left_out[kBatched] =
        fmt::format("a dispatch takes {}", duration_text(shortest));
    return;
  }
  result.left_out[kPipelined] = subjects_[i]->try_pipelined();
  result.left_out[kBatched] = subjects_[i]->try_batched();
}

void Measurement::set_rules(std::size_t sides) {
  measure::Rules& rules = report_.rules;
  rules.precision = request_.precision;
  if (!counters_.available().empty()) rules.counters = &counters_;
  // Those that are not to be had for one reason are one line.
  std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
  for (const measure::Counters::One& one : counters_.all()) {
    if (one.descriptor >= 0) continue;
    if (reasons.empty() || reasons.back().first != one.reason) reasons.push_back({one.reason, {}});
    reasons.back().second.push_back(one.name);
  }
  for (const auto& [reason, names] : reasons) {
    report_.without_counters.push_back(fmt::format("{}: {}", list_text(names), reason));
  }
  rules.repeat = request_.launch.repeat.value_or(0);
  const double usual = (request_.sweep ? kBudgetOfPoint_s : kBudgetEach_s) *
                       static_cast<double>(subjects_.size()) / static_cast<double>(sides);
  rules.budget = nanoseconds_of(seconds_of_side(request_.budget_s, usual, sides, share_of_turns()));
  rules.least = std::min(rules.least, rules.budget);
}

}  // namespace sokr::cli
