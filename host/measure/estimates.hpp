// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is known of a quantity from a list of measurements of it. Pure functions: no clock, no
// files, no state; the same input gives the same output, resampling included. Values are finite;
// a list is not empty unless it says so.
#ifndef SOKR_MEASURE_ESTIMATES_HPP_
#define SOKR_MEASURE_ESTIMATES_HPP_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sokr::measure {

// SplitMix64: small, fast, the same everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  // Below `bound`, which is above 0.
  std::size_t below(std::size_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::size_t>((static_cast<Wide>(next()) * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

// The smallest value that `percent` (0 to 100, to a thousandth) of the values do not exceed:
// nearest rank.
double percentile(std::vector<double> values, double percent);
// The middle one, or the mean of the two in the middle.
double median(std::vector<double> values);
// The mean of the middle half (the interquartile mean): what a turn counts as. It lies where the
// median does, and is finer than the ticks of a clock, between which a median of thousands of short
// times jumps. Of fewer than 4 it is the median.
double middle(std::vector<double> values);
// Between the two nearest values, linearly (type 7, as NumPy's default). 0 <= fraction <= 1.
double quantile(std::vector<double> values, double fraction);

struct Interval {
  double low = 0, high = 0;
};

// Of the median, by resampling: percentiles of the medians of `resamples` lists drawn with
// replacement. `confidence` is above 0 and below 1.
Interval median_interval(std::span<const double> values, double confidence,
                         std::size_t resamples = 1000, std::uint64_t seed = 1);

// Do values of `a` tend to be larger than those of `b`? The U statistic of `a`, and how likely one
// as large is if they do not (one-sided, normal approximation with corrections for ties and for
// continuity). 1 where all values are equal.
struct MannWhitney {
  double u = 0, p = 1;
};
MannWhitney mann_whitney_greater(std::span<const double> a, std::span<const double> b);
// The smallest p that it can have of so many values: where each of `a` is larger than all of `b`.
// What is to be shown by a p below that cannot be shown by so few. 1 where one has none.
double least_mann_whitney_p(std::size_t a, std::size_t b);

// Does the series rise or fall? Kendall's tau-b between the values and their places, and how
// likely one as far from 0 is without a trend (two-sided, normal approximation, corrected for
// ties; Mann-Kendall's test). Of fewer than 3, or of equal values: 0 and 1.
struct Trend {
  double tau = 0, p = 1;
};
Trend trend(std::span<const double> series);

// The median slope between all pairs (Theil and Sen), for a step of one place. 0 for one value.
double median_slope(std::span<const double> series);

// Has it settled? The stated test of warm-up: at least `kSettledBlocks` values, and of the last so
// many either no trend (p of at least 0.05), or one that moves the median by less than a
// percent over all of them.
inline constexpr std::size_t kSettledBlocks = 8;
bool is_stationary(std::span<const double> series);

// By Tukey's fences: beyond the quartiles by more than 1.5 (mild) or 3 (severe) interquartile
// ranges. Nothing is removed from anything.
struct Outliers {
  std::size_t low_severe = 0, low_mild = 0, high_mild = 0, high_severe = 0;
  std::size_t count() const { return low_severe + low_mild + high_mild + high_severe; }
};
Outliers outliers(std::span<const double> values);

// How much larger `now` is than `before`: medians of blocks, each list of blocks from one run (one
// process, or one round of alternating processes). `ratio` is the median of `now` over that of
// `before`. The interval resamples runs, then blocks within a run; where there are several earlier
// runs, how far they lie apart counts for `now` as well, which is one run more of the same machine.
struct Comparison {
  double ratio = 1;
  Interval interval;  // of the ratio
  MannWhitney test;   // are blocks of `now` larger than `allowance` times those of `before`?
  double spread = 0;  // between earlier runs: largest median over smallest, less 1
  std::size_t before_count = 0, now_count = 0;  // values that were tested
};
using Blocks = std::vector<double>;
Comparison compare(std::span<const Blocks> before, std::span<const Blocks> now, double allowance,
                   double confidence, std::size_t resamples = 2000, std::uint64_t seed = 1);

// The same where block i of `now[r]` was taken beside block i of `before[r]`: what slowed both is
// in neither's ratio. Each ratio is of neighbours; runs are pairs of processes.
Comparison compare_paired(std::span<const Blocks> before, std::span<const Blocks> now,
                          double allowance, double confidence, std::size_t resamples = 2000,
                          std::uint64_t seed = 1);

}  // namespace sokr::measure

#endif  // SOKR_MEASURE_ESTIMATES_HPP_
