// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One launch, measured on several substrates: everything of `sokr bench` between its flags and its
// report.
#ifndef SOKR_CLI_BENCH_MEASUREMENT_HPP_
#define SOKR_CLI_BENCH_MEASUREMENT_HPP_

#include <memory>
#include <optional>
#include <sokr/sokr.hpp>
#include <span>
#include <string>
#include <vector>

#include "baseline.hpp"
#include "bench_flags.hpp"
#include "bench_report.hpp"
#include "bench_sides.hpp"
#include "counters.hpp"
#include "progress.hpp"

namespace sokr::cli {

// How long each side is measured, in seconds, without its warm-up: its part of all that `given`
// asks for, in which the warm-up is, or `usual` where nothing is asked for. `share` of the time is
// for these `sides`; processes that are measured, too, have the rest.
double seconds_of_side(std::optional<double> given, double usual, std::size_t sides, double share);

class Measurement {
 public:
  // All of these outlive it. `flags` are those that `request` was read from. The calibration is as
  // long as in the first of the baselines.
  Measurement(const BenchFlags& flags, const BenchRequest& request, const Context& context,
              const Kernel& kernel, const Plan& plan, const measure::Counters& counters,
              std::span<const Baseline> baselines = {});

  // In this order: the first dispatches, whose results are compared; processes of their own, unless
  // it is a point of a sweep; everything else, alternately. Throws an Error for what fails.
  void run(std::span<const Substrate> substrates);

  // Without the name of the kernel and the launch.
  BenchReport& report() { return report_; }
  // What the launches of the first substrate left.
  std::vector<PageBuffer>& memory() { return subjects_.front()->memory(); }

 private:
  void refuse_disagreement();
  void measure_first_times(std::size_t i);
  void alternate();
  void set_rules(std::size_t sides);
  void measure_for_ratios();
  std::vector<std::string> serving_words(const LaunchFlags& launch,
                                         std::vector<std::string>& names) const;
  double share_of_turns() const;
  measure::Rules rules_of_processes(double usual, std::size_t sides) const;
  void compare_with_old();
  void try_others(std::size_t i);

  const BenchFlags& flags_;
  const BenchRequest& request_;
  const Context& context_;
  const Kernel& kernel_;
  const Plan& plan_;
  const measure::Counters& counters_;
  std::span<const Baseline> baselines_;
  BenchReport report_;
  std::vector<std::unique_ptr<BenchSubject>> subjects_;
  Progress progress_;
};

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_MEASUREMENT_HPP_
