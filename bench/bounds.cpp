// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

namespace sokr::bench {
namespace {

// Figures that say whether a peer is here.
constexpr const char* kPeers = "peer.";

// "avx512", or "without_avx512"; anything of an empty name.
bool machine_has(const std::string& name) {
  if (name.empty()) return true;
#if defined(__x86_64__)
  const bool has = __builtin_cpu_supports("avx512f") != 0;
#else
  const bool has = true;  // as the figures are named elsewhere
#endif
  return (name == "avx512") == has;
}

bool is_count(std::string_view name) {
  return name.starts_with(kCounts) &&
         std::ranges::find(kAboutCounts, name) == std::end(kAboutCounts);
}

bool has_counts(const nlohmann::json& figures) {
  for (const auto& [name, value] : figures.items())
    if (is_count(name)) return true;
  return false;
}

// Why a figure that was not measured need not be; empty: it does.
std::string excuse(const Bounds& bound, const nlohmann::json& figures) {
  const std::string peer = bound.value("peer", ""), machine = bound.value("machine", "");
  if (!peer.empty() && figures.value(kPeers + peer, 1.0) == 0)
    return fmt::format("{} is not here", peer);
  if (!machine_has(machine)) return fmt::format("this machine is not {}", machine);
  return {};
}

std::string too_much(const std::string& name, double value, double most, const Bounds& bound) {
  if (!bound.contains("counted"))
    return fmt::format("{} is {:.4g}, at most {:.4g} is allowed", name, value, most);
  const double counted = bound["counted"].get<double>();
  return fmt::format(
      "{} is {:.0f}, {:.1f} % more than the {:.0f} that were recorded, and {:.0f} % are allowed; "
      "if "
      "it has to be so, './dev bench --record' records it anew",
      name, value, 100 * (value / counted - 1), counted, 100 * (kAllowed - 1));
}

}  // namespace

Limits limits_of(const Bounds& bound) {
  Limits limits;
  if (bound.contains("min")) limits.least = bound["min"].get<double>();
  if (bound.contains("max")) limits.most = bound["max"].get<double>();
  if (bound.contains("counted")) limits.most = bound["counted"].get<double>() * kAllowed;
  return limits;
}

void merge(const nlohmann::json& found, nlohmann::json& figures) {
  for (const auto& [name, value] : found.items()) {
    const bool was_here = name.starts_with(kPeers) && figures.value(name, 0.0) > 0;
    if (!was_here) figures[name] = value;
  }
}

Verdict judge(const nlohmann::json& figures, const Bounds& bounds, bool some_ran,
              const std::string& compilers) {
  Verdict verdict;
  std::size_t unseen = 0;
  for (const auto& [name, bound] : bounds.items()) {
    if (name == kCountedBy) {
      const std::string then = bound.value("compilers", "");
      if (compilers.empty() || then == compilers || !has_counts(figures)) continue;
      verdict.notes.push_back(fmt::format(
          "counts were recorded with {}, and here are {}: one that is out of bounds may "
          "be what another compiler makes",
          then, compilers));
      continue;
    }
    const auto found = figures.find(name);
    if (found == figures.end()) {
      const std::string why = excuse(bound, figures);
      if (!why.empty()) {
        verdict.notes.push_back(fmt::format("{} is left out: {}", name, why));
      } else if (some_ran) {
        ++unseen;
      } else {
        verdict.failures.push_back(fmt::format("{} was not measured", name));
      }
      continue;
    }
    const double value = found->get<double>();
    const Limits limits = limits_of(bound);
    if (limits.most && value > *limits.most)
      verdict.failures.push_back(too_much(name, value, *limits.most, bound));
    if (limits.least && value < *limits.least)
      verdict.failures.push_back(
          fmt::format("{} is {:.4g}, at least {:.4g} is needed", name, value, *limits.least));
    if (bound.contains("counted") && value * kAllowed < bound["counted"].get<double>())
      verdict.notes.push_back(
          fmt::format("{} is {:.0f}, and {:.0f} were recorded: './dev bench --record' makes the "
                      "bound as tight as it was",
                      name, value, bound["counted"].get<double>()));
  }
  for (const auto& [name, value] : figures.items())
    if (is_count(name) && !bounds.contains(name))
      verdict.failures.push_back(
          fmt::format("{} has no bound: './dev bench --record' records it", name));
  if (unseen > 0)
    verdict.notes.push_back(fmt::format("{} bounds are of programs that did not run", unseen));
  return verdict;
}

Bounds record(const nlohmann::json& figures, Bounds bounds, const std::string& compilers) {
  if (!compilers.empty()) bounds[kCountedBy]["compilers"] = compilers;
  for (const auto& [name, value] : figures.items())
    if (is_count(name)) bounds[name]["counted"] = std::llround(value.get<double>());
  return bounds;
}

std::string text_of(const Bounds& bounds) {
  std::string text;
  for (const auto& [name, bound] : bounds.items()) {
    std::string row;
    for (const auto& [key, value] : bound.items())
      row += fmt::format("{}\"{}\": {}", row.empty() ? "" : ", ", key, value.dump());
    text += fmt::format("{}  \"{}\": {{{}}}", text.empty() ? "{\n" : ",\n", name, row);
  }
  return text.empty() ? "{}\n" : text + "\n}\n";
}

}  // namespace sokr::bench
