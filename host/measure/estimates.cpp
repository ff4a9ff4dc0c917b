// SPDX-License-Identifier: MIT OR Apache-2.0
#include "estimates.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace sokr::measure {
namespace {

// How likely a standard normal value is above z.
double above(double z) {
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

// The median of `values`, which it reorders.
double median_in_place(std::vector<double>& values) {
  const std::size_t half = values.size() / 2;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(half);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 != 0) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// The median of as many values drawn with replacement; `drawn` is room for them.
double resampled_median(std::span<const double> values, Random& random,
                        std::vector<double>& drawn) {
  drawn.resize(values.size());
  for (double& one : drawn) one = values[random.below(values.size())];
  return median_in_place(drawn);
}

Interval middle_of(std::vector<double> drawn, double confidence) {
  const double tail = (1 - confidence) / 2;
  return {quantile(drawn, tail), quantile(drawn, 1 - tail)};
}

// The sum of t^3 - t over groups of t equal values; `sorted` is.
double tie_term(std::span<const double> sorted) {
  double sum = 0;
  for (std::size_t from = 0; from < sorted.size();) {
    std::size_t to = from;
    while (to < sorted.size() && sorted[to] == sorted[from]) ++to;
    const auto t = static_cast<double>(to - from);
    sum += t * t * t - t;
    from = to;
  }
  return sum;
}

std::vector<double> medians_of(std::span<const Blocks> runs) {
  std::vector<double> medians;
  for (const Blocks& run : runs) medians.push_back(median(run));
  return medians;
}

Blocks joined(std::span<const Blocks> runs) {
  Blocks all;
  for (const Blocks& run : runs) all.insert(all.end(), run.begin(), run.end());
  return all;
}

// The median of the medians of as many runs, drawn with replacement, of blocks drawn so.
double resampled_runs(std::span<const Blocks> runs, Random& random, std::vector<double>& drawn) {
  std::vector<double> medians;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    medians.push_back(resampled_median(runs[random.below(runs.size())], random, drawn));
  }
  return median_in_place(medians);
}

double spread_of(const std::vector<double>& medians) {
  const auto [least, most] = std::minmax_element(medians.begin(), medians.end());
  return *most / *least - 1;
}

}  // namespace

double percentile(std::vector<double> values, double percent) {
  // In whole thousandths of a percent: 99.9 / 100 * 1000 is a little more than 999.
  constexpr std::uint64_t kAll = 100'000;
  const auto part = static_cast<std::uint64_t>(std::llround(percent * (kAll / 100.0)));
  const std::size_t rank = (values.size() * part + kAll - 1) / kAll;
  const auto at = values.begin() +
                  static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, values.size()) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

double median(std::vector<double> values) {
  return median_in_place(values);
}

double middle(std::vector<double> values) {
  if (values.size() < 4) return median_in_place(values);
  const auto cut = static_cast<std::ptrdiff_t>(values.size() / 4);
  const auto begin = values.begin() + cut, end = values.end() - cut;
  std::nth_element(values.begin(), begin, values.end());
  std::nth_element(begin, end - 1, values.end());
  return std::accumulate(begin, end, 0.0) / static_cast<double>(end - begin);
}

double quantile(std::vector<double> values, double fraction) {
  const double place = fraction * static_cast<double>(values.size() - 1);
  const auto index = static_cast<std::size_t>(place);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(values.begin(), at, values.end());
  const double low = *at, rest = place - static_cast<double>(index);
  if (rest == 0 || index + 1 == values.size()) return low;
  const double high = *std::min_element(at + 1, values.end());
  // Between two infinities as well.
  return high == low ? low : low + rest * (high - low);
}

Interval median_interval(std::span<const double> values, double confidence, std::size_t resamples,
                         std::uint64_t seed) {
  Random random(seed);
  std::vector<double> medians(resamples), drawn;
  for (double& one : medians) one = resampled_median(values, random, drawn);
  return middle_of(std::move(medians), confidence);
}

MannWhitney mann_whitney_greater(std::span<const double> a, std::span<const double> b) {
  if (a.empty() || b.empty()) return {};
  std::vector<double> all(a.begin(), a.end()), sorted_a = all;
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  double ranks = 0;
  for (const double value : a) {
    const auto [from, to] = std::equal_range(all.begin(), all.end(), value);
    ranks += static_cast<double>(from - all.begin() + (to - all.begin()) + 1) / 2;
  }
  const auto n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
  MannWhitney result{ranks - n * (n + 1) / 2, 1};
  const double total = n + m;
  const double variance = n * m / 12 * ((total + 1) - tie_term(all) / (total * (total - 1)));
  if (!(variance > 0)) return result;
  result.p = std::clamp(above((result.u - n * m / 2 - 0.5) / std::sqrt(variance)), 0.0, 1.0);
  return result;
}

double least_mann_whitney_p(std::size_t a, std::size_t b) {
  if (a == 0 || b == 0) return 1;
  const auto n = static_cast<double>(a), m = static_cast<double>(b);
  return above((n * m / 2 - 0.5) / std::sqrt(n * m * (n + m + 1) / 12));
}

Trend trend(std::span<const double> series) {
  const std::size_t count = series.size();
  if (count < 3) return {};
  double concordance = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      concordance += series[j] > series[i] ? 1 : series[j] < series[i] ? -1 : 0;
    }
  }
  std::vector<double> sorted(series.begin(), series.end());
  std::sort(sorted.begin(), sorted.end());
  double equal_pairs = 0, ties = 0;
  for (std::size_t from = 0; from < count;) {
    std::size_t to = from;
    while (to < count && sorted[to] == sorted[from]) ++to;
    const auto t = static_cast<double>(to - from);
    equal_pairs += t * (t - 1) / 2;
    ties += t * (t - 1) * (2 * t + 5);
    from = to;
  }
  const auto n = static_cast<double>(count);
  const double pairs = n * (n - 1) / 2;
  const double variance = (n * (n - 1) * (2 * n + 5) - ties) / 18;
  if (!(variance > 0) || equal_pairs >= pairs) return {};
  Trend result;
  result.tau = concordance / std::sqrt(pairs * (pairs - equal_pairs));
  result.p = std::min(1.0, 2 * above(std::fabs(concordance) / std::sqrt(variance)));
  return result;
}

double median_slope(std::span<const double> series) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < series.size(); ++i) {
    for (std::size_t j = i + 1; j < series.size(); ++j) {
      slopes.push_back((series[j] - series[i]) / static_cast<double>(j - i));
    }
  }
  return slopes.empty() ? 0 : median_in_place(slopes);
}

bool is_stationary(std::span<const double> series) {
  constexpr double kLikely = 0.05, kSmall = 0.01;
  if (series.size() < kSettledBlocks) return false;
  const auto last = series.last(kSettledBlocks);
  if (trend(last).p >= kLikely) return true;
  const double moved = median_slope(last) * static_cast<double>(kSettledBlocks - 1);
  return std::fabs(moved) < kSmall * median({last.begin(), last.end()});
}

Outliers outliers(std::span<const double> values) {
  const std::vector<double> all(values.begin(), values.end());
  const double first = quantile(all, 0.25), third = quantile(all, 0.75), range = third - first;
  Outliers found;
  for (const double value : values) {
    if (value < first - 3 * range) {
      ++found.low_severe;
    } else if (value < first - 1.5 * range) {
      ++found.low_mild;
    } else if (value > third + 3 * range) {
      ++found.high_severe;
    } else if (value > third + 1.5 * range) {
      ++found.high_mild;
    }
  }
  return found;
}

Comparison compare(std::span<const Blocks> before, std::span<const Blocks> now, double allowance,
                   double confidence, std::size_t resamples, std::uint64_t seed) {
  const std::vector<double> earlier = medians_of(before), current = medians_of(now);
  Comparison result;
  result.ratio = median(current) / median(earlier);
  result.spread = spread_of(earlier);

  // What a run has of its own, from how the earlier ones differ from their middle. As few runs
  // show less of it than there is, it is widened as a variance of a sample is.
  std::vector<double> own(earlier.size(), 0.0);
  if (earlier.size() > 1) {
    const double middle = std::log(median(earlier)), n = static_cast<double>(earlier.size());
    for (std::size_t i = 0; i < own.size(); ++i) {
      own[i] = (std::log(earlier[i]) - middle) * std::sqrt(n / (n - 1));
    }
  }
  Random random(seed);
  std::vector<double> ratios(resamples), drawn;
  for (double& one : ratios) {
    const double then = resampled_runs(before, random, drawn);
    const double today = resampled_runs(now, random, drawn);
    // Of a counter, which may be 0 in some turns.
    one = (today == then ? 1 : today / then) * std::exp(own[random.below(own.size())]);
  }
  result.interval = middle_of(std::move(ratios), confidence);

  Blocks allowed = joined(before);
  for (double& value : allowed) value *= allowance;
  const Blocks current_blocks = joined(now);
  result.test = mann_whitney_greater(current_blocks, allowed);
  result.before_count = allowed.size();
  result.now_count = current_blocks.size();
  return result;
}

Comparison compare_paired(std::span<const Blocks> before, std::span<const Blocks> now,
                          double allowance, double confidence, std::size_t resamples,
                          std::uint64_t seed) {
  std::vector<Blocks> ratios;
  Blocks allowed, current;
  for (std::size_t r = 0; r < std::min(before.size(), now.size()); ++r) {
    Blocks& run = ratios.emplace_back();
    for (std::size_t i = 0; i < std::min(before[r].size(), now[r].size()); ++i) {
      run.push_back(now[r][i] / before[r][i]);
    }
    if (run.empty()) ratios.pop_back();
  }
  Comparison result;
  if (ratios.empty()) return result;
  const std::vector<double> medians = medians_of(ratios);
  result.ratio = median(medians);
  result.spread = spread_of(medians);
  Random random(seed);
  std::vector<double> drawn_ratios(resamples), drawn;
  for (double& one : drawn_ratios) one = resampled_runs(ratios, random, drawn);
  result.interval = middle_of(std::move(drawn_ratios), confidence);
  // Are neighbours' ratios above what is allowed? Against their mirror image about it.
  const Blocks all = joined(ratios);
  Blocks mirrored;
  for (const double value : all) mirrored.push_back(allowance * allowance / value);
  result.test = mann_whitney_greater(all, mirrored);
  result.before_count = mirrored.size();
  result.now_count = all.size();
  return result;
}

}  // namespace sokr::measure
