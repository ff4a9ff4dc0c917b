// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Measures sides in turns with the engine of `sokr bench`, for every benchmark here.
#ifndef SOKR_BENCH_ALTERNATE_HPP_
#define SOKR_BENCH_ALTERNATE_HPP_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "clock.hpp"
#include "engine.hpp"

namespace sokr::bench {

// One number for each round and each of the alternating sides.
using Rounds = std::vector<std::vector<double>>;

// A round is one measurement of each side, in an order that is drawn, before any has its next one;
// each returns what it took.
// What may be unseen once is not warmed up.
inline Rounds alternate(int rounds, const std::vector<std::function<double()>>& sides) {
  std::vector<measure::Side> measured;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    measured.push_back({std::to_string(i), [&side = sides[i]](std::uint32_t count, auto& values) {
                          while (count-- > 0) values.push_back(side());
                        }});
  }
  measure::Rules rules;
  rules.repeat = static_cast<std::uint32_t>(rounds);
  rules.few = 0;
  Rounds result;
  for (const measure::Series& series : measure::alternate(measured, rules))
    result.push_back(series.times.kept());
  return result;
}

// The median over the rounds of how much longer `slow` took than `fast`, which were neighbours.
inline double ratio(const std::vector<double>& slow, const std::vector<double>& fast) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < slow.size(); ++i) ratios.push_back(slow[i] / fast[i]);
  return median(std::move(ratios));
}

// How long `work` takes, in ns.
template <class Work>
double time_of(Work&& work) {
  const double start = now_ns();
  work();
  return now_ns() - start;
}

}  // namespace sokr::bench

#endif  // SOKR_BENCH_ALTERNATE_HPP_
