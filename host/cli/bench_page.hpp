// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The page and the picture of `sokr bench`: files that need no others.
#ifndef SOKR_CLI_BENCH_PAGE_HPP_
#define SOKR_CLI_BENCH_PAGE_HPP_

#include <span>
#include <string>
#include <vector>

#include "bench_report.hpp"
#include "charts.hpp"

namespace sokr::cli {

// Of one launch: how its times are distributed, and how they went; of a sweep: over its values,
// with notes where another substrate becomes the fastest.
std::vector<measure::Chart> bench_charts(const BenchReports& reports);

std::string html_text(const BenchReports& reports);
std::string svg_file_text(const BenchReports& reports);

// Between which points of a sweep another substrate becomes the fastest, warm.
struct Crossing {
  double at = 0;  // between the two values, where the curves cross on a logarithmic scale
  std::string from, to;
};
std::vector<Crossing> crossings(const BenchReports& reports);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_PAGE_HPP_
