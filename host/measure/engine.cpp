// SPDX-License-Identifier: MIT OR Apache-2.0
#include "engine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace sokr::measure {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMostInBlock = 1u << 16;

double seconds(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

class Alternation {
 public:
  Alternation(std::span<const Side> sides, const Rules& rules, const Told& told)
      : sides_(sides), rules_(rules), told_(told), random_(rules.seed), state_(sides.size()) {
    for (const Side& side : sides) {
      Series& series = series_.emplace_back();
      series.name = side.name;
      if (!rules.counters) continue;
      for (std::string& name : rules.counters->available()) {
        series.counted.push_back({std::move(name), {}});
      }
    }
  }

  std::vector<Series> run() {
    if (rules_.repeat) {
      warm_up_a_little();
      while (has_more_to_count()) cycle();
    } else {
      warm_up();
      begin_ = Clock::now();
      while (!is_enough()) cycle();
    }
    for (Series& series : series_) judge(series);
    return std::move(series_);
  }

 private:
  struct State {
    std::uint32_t in_block = 1;
    double least_ns = 0;       // that a measurement took with all that belongs to it; 0: not known
    std::vector<double> warm;  // what the turns of warm-up count as
  };

  void tell(std::size_t side, std::uint64_t done, double part) {
    if (told_) told_(sides_[side].name, done, std::clamp(part, 0.0, 1.0));
  }

  // A turn. The first operation after others had theirs refills caches that they emptied; where
  // it is one of many, it is not among the measurements.
  const std::vector<double>& turn(std::size_t side, std::uint32_t count) {
    ns_.clear();
    if (count >= 10) {
      sides_[side].measure(1, ns_);
      ns_.clear();
    }
    if (rules_.counters) rules_.counters->read(before_);
    sides_[side].measure(count, ns_);
    if (rules_.counters) rules_.counters->read(after_);
    return ns_;
  }

  // By the shortest turn so far: one in which the system ran something else for a while says
  // nothing of how many measurements a turn has room for.
  void fit_block(std::size_t side, std::uint32_t count, Clock::duration took) {
    const double each = std::max(1.0, std::chrono::duration<double, std::nano>(took).count()) /
                        static_cast<double>(count);
    State& state = state_[side];
    if (state.least_ns == 0 || each < state.least_ns) state.least_ns = each;
    const double fits = static_cast<double>(rules_.block.count()) / state.least_ns;
    state.in_block =
        static_cast<std::uint32_t>(std::clamp(fits, 1.0, static_cast<double>(kMostInBlock)));
  }

  void warm_up_a_little() {
    for (std::size_t side = 0; side < sides_.size() && rules_.few > 0; ++side) {
      const auto start = Clock::now();
      turn(side, rules_.few);
      fit_block(side, rules_.few, Clock::now() - start);
      series_[side].warm_up = rules_.few;
    }
    begin_ = Clock::now();
  }

  // Turns for those that have not settled.
  void warm_up() {
    const auto begin = Clock::now();
    const auto most = rules_.budget * static_cast<std::int64_t>(sides_.size()) * kMostWarmUp;
    for (bool all = false; !all;) {
      all = true;
      for (const std::size_t side : shuffled(sides_.size(), random_)) {
        if (series_[side].settled) continue;
        const std::uint32_t count = state_[side].in_block;
        const auto start = Clock::now();
        const std::vector<double>& ns = turn(side, count);
        fit_block(side, count, Clock::now() - start);
        series_[side].warm_up += ns.size();
        if (!ns.empty()) state_[side].warm.push_back(middle(ns));
        series_[side].settled = is_stationary(state_[side].warm);
        all = all && series_[side].settled;
        tell(side, series_[side].warm_up, 0);
      }
      if (Clock::now() - begin > most) return;
    }
  }

  // Measurements of its next turn; 0 where all were made that were asked for.
  std::uint32_t next_count(std::size_t side) const {
    const std::uint32_t count = state_[side].in_block;
    if (!rules_.repeat) return count;
    const std::uint64_t left = rules_.repeat - series_[side].times.count();
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>({count, left, std::max(1u, rules_.repeat / 10)}));
  }

  // Who has a turn in this cycle. Where all measure so many, turns of a quick side have more of
  // them: it is not as far ahead of the slowest as this one comes in a turn, or it would be done
  // before that one has well begun.
  std::vector<std::uint32_t> counts_of_cycle() const {
    std::vector<std::uint32_t> counts;
    std::uint64_t least_done = UINT64_MAX;
    std::uint32_t least = UINT32_MAX;
    for (std::size_t side = 0; side < sides_.size(); ++side) {
      counts.push_back(next_count(side));
      least_done = std::min(least_done, series_[side].times.count());
      if (counts.back() > 0) least = std::min(least, counts.back());
    }
    for (std::size_t side = 0; rules_.repeat && side < sides_.size(); ++side) {
      if (series_[side].times.count() - least_done >= least) counts[side] = 0;
    }
    return counts;
  }

  void cycle() {
    const std::vector<std::uint32_t> counts = counts_of_cycle();
    for (const std::size_t side : shuffled(sides_.size(), random_)) {
      Series& series = series_[side];
      const std::uint32_t count = counts[side];
      if (count == 0) continue;
      const double at = seconds(Clock::now() - begin_);
      const std::vector<double>& ns = turn(side, count);
      for (const double one : ns) series.times.add(one);
      if (!ns.empty()) {
        series.blocks.push_back(middle(ns));
        series.block_at.push_back(at);
        for (std::size_t i = 0; i < series.counted.size(); ++i) {
          series.counted[i].blocks.push_back(
              (after_[i] - before_[i]) / (static_cast<double>(count) * sides_[side].operations));
        }
      }
      tell(side, series.times.count(), part_done(series));
    }
  }

  double part_done(const Series& series) const {
    if (rules_.repeat) {
      return static_cast<double>(series.times.count()) / static_cast<double>(rules_.repeat);
    }
    return seconds(Clock::now() - begin_) /
           (seconds(rules_.budget) * static_cast<double>(sides_.size()));
  }

  bool has_more_to_count() const {
    return std::any_of(series_.begin(), series_.end(),
                       [&](const Series& series) { return series.times.count() < rules_.repeat; });
  }

  bool is_enough() {
    const std::size_t blocks = series_.front().blocks.size();
    if (blocks < kLeastBlocks) return false;
    const auto spent = Clock::now() - begin_;
    const auto all = static_cast<std::int64_t>(sides_.size());
    if (spent >= rules_.budget * all) return true;
    if (spent < rules_.least * all || blocks < next_look_) return false;
    // It is looked at as it grows by a tenth: to look costs time, and to look always finds a
    // lucky moment.
    next_look_ = blocks + std::max<std::size_t>(1, blocks / 10);
    for (Series& series : series_) judge(series);
    return std::all_of(series_.begin(), series_.end(),
                       [](const Series& series) { return series.ended == Ended::kPrecise; });
  }

  void judge(Series& series) {
    if (series.blocks.empty()) return;
    series.interval = median_interval(series.blocks, kConfidence);
    series.precision = (series.interval.high - series.interval.low) / 2 / median(series.blocks);
    series.ended = rules_.repeat                          ? Ended::kCount
                   : series.precision <= rules_.precision ? Ended::kPrecise
                                                          : Ended::kBudget;
  }

  std::span<const Side> sides_;
  const Rules& rules_;
  const Told& told_;
  Random random_;
  std::vector<State> state_;
  std::vector<Series> series_;
  std::vector<double> ns_, before_, after_;
  Clock::time_point begin_;
  std::size_t next_look_ = 0;
};

}  // namespace

std::vector<std::size_t> shuffled(std::size_t count, Random& random) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

std::vector<Series> alternate(std::span<const Side> sides, const Rules& rules, const Told& told) {
  if (sides.empty()) return {};
  return Alternation(sides, rules, told).run();
}

std::string percent_text(double part) {
  const double percent = 100 * part;
  return percent >= 9.95 ? fmt::format("{:.0f} %", percent) : fmt::format("{:.2g} %", percent);
}

std::string ending_text(const Series& series, const Rules& rules) {
  const std::string reached = "median known to ±" + percent_text(series.precision);
  switch (series.ended) {
    case Ended::kPrecise:
      return fmt::format("{}, as asked (±{})", reached, percent_text(rules.precision));
    case Ended::kBudget:
      return fmt::format("time was up at ±{}, and ±{} was asked for",
                         percent_text(series.precision), percent_text(rules.precision));
    case Ended::kCount:
      break;
  }
  const std::uint64_t count = series.times.count();
  return fmt::format(
      "{} measurement{}, as asked; {}", count, count == 1 ? "" : "s",
      series.is_interval_known()
          ? reached
          : fmt::format("how well the median is known cannot be told of fewer than {} turns",
                        kLeastBlocks));
}

}  // namespace sokr::measure
