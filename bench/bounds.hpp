// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What bench/bounds.json says, a row for each figure: {"max": N} or {"min": N}, or {"counted": N}
// of figures that are counts, which are recorded: kAllowed times as many are allowed. A row may
// name what it cannot do without, "peer" or "machine". One row is of no figure, kCountedBy: with
// which compilers counts were recorded, {"compilers": "GNU 12, LLVM 19"}.
#ifndef SOKR_BENCH_BOUNDS_HPP_
#define SOKR_BENCH_BOUNDS_HPP_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sokr::bench {

// Counts do not depend on the machine or on who else works on it, so little has to be allowed.
constexpr double kAllowed = 1.10;
// Figures of this prefix are counts, but those in kAboutCounts, which say how they were made.
constexpr const char* kCounts = "instructions.";
constexpr const char* kAboutCounts[] = {"instructions.known_2000", "instructions.spread"};
constexpr const char* kCountedBy = "counted_by";
using Bounds = nlohmann::ordered_json;

struct Limits {
  std::optional<double> least, most;
};
Limits limits_of(const Bounds& bound);

// Adds what another program found. A peer that one of them has is here.
void merge(const nlohmann::json& found, nlohmann::json& figures);

// One sentence for each figure that is out of its bounds, was not measured, or is a count that has
// no bound; and for each that was left out because what it needs is not here, or that has become so
// small that its bound guards nothing. Where counts were recorded with other compilers than
// `compilers` (empty: it is not known with which they were made now), a note says so.
struct Verdict {
  std::vector<std::string> failures, notes;
};
// `some_ran`: not all programs were asked for, so that figures may be missing.
Verdict judge(const nlohmann::json& figures, const Bounds& bounds, bool some_ran,
              const std::string& compilers = {});

// The bounds with the counts that were measured, in place of those that were recorded before.
Bounds record(const nlohmann::json& figures, Bounds bounds, const std::string& compilers = {});
// A row for each, as the file has them.
std::string text_of(const Bounds& bounds);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_BOUNDS_HPP_
