// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Measures several things against one another in one run: in turns of short blocks, whose order
// is drawn anew each time, so that what drifts (clock rates, temperature, neighbours) hits all
// alike. First until each has settled, then until each median is known well enough, or time is up;
// or until each has as many measurements as was asked for, all of them over the whole run.
//
// One thread calls everything, in the caller's. Nothing is thrown but what a side throws.
#ifndef SOKR_MEASURE_ENGINE_HPP_
#define SOKR_MEASURE_ENGINE_HPP_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "counters.hpp"
#include "estimates.hpp"
#include "times.hpp"

namespace sokr::measure {

// One thing that is measured. `measure` does it `count` times and appends what each took, in
// nanoseconds and above 0: `count` values. Where several operations are one measurement, what each
// of them took, and `operations` says how many they are.
struct Side {
  std::string name;
  std::function<void(std::uint32_t count, std::vector<double>& ns)> measure;
  std::uint32_t operations = 1;
};

inline constexpr std::uint32_t kFewWarmUp = 3;

struct Rules {
  // Half of the 95 % interval of the median, over the median: what is well enough.
  double precision = 0.01;
  // For each side: never fewer than `least`, whatever is known; no more than `budget`. The warm-up
  // before it takes kMostWarmUp of this at most.
  std::chrono::nanoseconds least{200'000'000}, budget{2'000'000'000};
  // Exactly so many measurements of each side, after `few`; 0: the rules above. A turn is a tenth
  // of them at most. A side whose turns have more of them waits for the others, so that each is
  // measured from the beginning to the end.
  std::uint32_t repeat = 0, few = kFewWarmUp;
  // How long a turn takes, at least one measurement. Where it is 0, and where nothing is known of a
  // side as `few` is 0, each turn is one, and the measurements of all sides are neighbours.
  std::chrono::nanoseconds block{5'000'000};
  std::uint64_t seed = 1;  // of the order
  // Read before and after each turn, if it is there; outlives the run.
  const Counters* counters = nullptr;
};

inline constexpr double kMostWarmUp = 0.25;
// Turns that a side has at least, however long they take.
inline constexpr std::size_t kLeastBlocks = 5;
inline constexpr double kConfidence = 0.95;

enum class Ended { kPrecise, kBudget, kCount };

// One counter: of each turn, what an operation of it took on average. What could not be read once
// is as if it went backwards.
struct Counted {
  std::string name;
  std::vector<double> blocks;
  bool is_known() const {
    return std::all_of(blocks.begin(), blocks.end(), [](double n) { return n >= 0; });
  }
};

// What became of a side.
struct Series {
  std::string name;
  Times times;
  std::vector<double> blocks;    // the middle of each turn, in order, ns
  std::vector<double> block_at;  // when each began, in seconds since the first
  std::vector<Counted> counted;  // of each counter that is to be had
  std::uint64_t warm_up = 0;     // measurements before the first that counts
  bool settled = false;          // as is_stationary says; false where `repeat` was set
  Interval interval;             // of the median of blocks, kConfidence; see below
  double precision = 0;          // half of it over the median
  Ended ended = Ended::kCount;

  // Of fewer turns nothing is known of how well the median is: of a single one, resampled, the
  // interval would have no width.
  bool is_interval_known() const { return blocks.size() >= kLeastBlocks; }
};

// Called now and then: how many measurements there are of the side that has its turn, and which
// part of the whole is done, from 0 to 1, as far as that can be foretold.
using Told = std::function<void(std::string_view side, std::uint64_t done, double part)>;

std::vector<Series> alternate(std::span<const Side> sides, const Rules& rules,
                              const Told& told = {});

// The order of `count` things, drawn.
std::vector<std::size_t> shuffled(std::size_t count, Random& random);

// "0.29 %", "168 %" of a part of 1.
std::string percent_text(double part);

// "precise to 0.4 % after 1.2 s", and the like: why it ended.
std::string ending_text(const Series& series, const Rules& rules);

}  // namespace sokr::measure

#endif  // SOKR_MEASURE_ENGINE_HPP_
