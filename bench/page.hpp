// SPDX-License-Identifier: MIT OR Apache-2.0
//
// All figures of a run as a table for a terminal and as one page: what was measured against a peer
// has a column for each, won or lost; rates stand beside what the machine can do at most;
// everything else has a line, with its bound.
#ifndef SOKR_BENCH_PAGE_HPP_
#define SOKR_BENCH_PAGE_HPP_

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bounds.hpp"

namespace sokr::bench {

// Who is compared with: a ratio NAME.vs_PEER says how many times longer the peer takes.
struct PeerName {
  const char *name, *title;
  const char* wants;  // what it needs, where it is absent
};
const std::vector<PeerName>& peer_names();

// A ratio of something of ours to something else of which less is better: below 1 is won.
struct Other {
  const char *suffix, *title;
};
const std::vector<Other>& other_names();

// What a kernel needs at least, a second: NAME.gbs and NAME.gops, 10^9 bytes and operations. 0: not
// told.
struct Rates {
  double gbs = 0, gops = 0;
};

struct Sheet {
  std::string about;                                          // when and on what it was measured
  std::map<std::string, std::map<std::string, double>> rows;  // of what, to which peer
  std::map<std::string, double> others, rest;
  std::map<std::string, Rates> rates;
  Rates roof;                       // roof.copy_gbs and roof.fma_gflops: what the machine can do
  std::vector<std::string> absent;  // sentences
  int wins = 0, losses = 0;
};
// `figures`: names with numbers.
Sheet sheet_of(const nlohmann::json& figures);

std::string sheet_text(const Sheet& sheet);  // at most 80 columns
std::string sheet_page(const Sheet& sheet, const Bounds& bounds);
// The same tables in Markdown.
std::string sheet_markdown(const Sheet& sheet, const Bounds& bounds);
// `page` with `figures` between its two lines that say where; nothing if it does not have them.
std::optional<std::string> with_figures(const std::string& page, const std::string& figures);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_PAGE_HPP_
