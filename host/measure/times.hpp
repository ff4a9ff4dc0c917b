// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How long dispatches took, in bounded memory: of more than a million, evenly spaced ones are kept
// for percentiles; the number, the first, the least, the most and the sum are of all.
#ifndef SOKR_MEASURE_TIMES_HPP_
#define SOKR_MEASURE_TIMES_HPP_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sokr::measure {

class Times {
 public:
  Times() = default;
  explicit Times(std::size_t most_kept) : most_kept_(most_kept) {}

  void add(double ns);
  std::uint64_t count() const { return count_; }
  double first() const { return first_; }
  double least() const { return least_; }
  double most() const { return most_; }
  double sum() const { return sum_; }
  // 0 to 100, of at least one; the ends are exact.
  double percentile(double percent) const;
  // What is kept, in order.
  const std::vector<double>& kept() const { return kept_; }

 private:
  std::size_t most_kept_ = std::size_t{1} << 20;
  std::uint64_t count_ = 0, stride_ = 1;  // every so many are kept
  double first_ = 0, least_ = 0, most_ = 0, sum_ = 0;
  std::vector<double> kept_;
};

}  // namespace sokr::measure

#endif  // SOKR_MEASURE_TIMES_HPP_
