// SPDX-License-Identifier: MIT OR Apache-2.0
#include "check_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "text.hpp"

namespace sokr::cli {
namespace {

using check::Part;
using check::Report;
using check::Result;
using check::Verdict;

struct Word {
  Verdict verdict;
  const char* key;         // in JSON
  const char *one, *many;  // "1 holds", "2 hold"
};
constexpr Word kWords[] = {
    {Verdict::kHolds, "holds", "holds", "hold"},
    {Verdict::kBroken, "broken", "is broken", "are broken"},
    {Verdict::kNotTried, "not_tried", "was not tried", "were not tried"},
    {Verdict::kRefused, "refused", "is refused", "are refused"},
    {Verdict::kKnownWrong, "known_wrong", "is known to be wrong", "are known to be wrong"},
};

const char* key_of(Verdict verdict) {
  return std::find_if(std::begin(kWords), std::end(kWords),
                      [&](const Word& word) { return word.verdict == verdict; })
      ->key;
}

// "3 hold, 1 is broken".
std::string count_text(std::span<const Result> results) {
  std::string text;
  for (const Word& word : kWords) {
    const auto count = std::count_if(results.begin(), results.end(), [&](const Result& result) {
      return result.verdict == word.verdict;
    });
    if (count == 0) continue;
    text +=
        fmt::format("{}{} {}", text.empty() ? "" : ", ", count, count == 1 ? word.one : word.many);
  }
  return text;
}

std::string groups_text(const Part& part) {
  Table table(2);
  for (std::size_t at = 0; at < part.results.size();) {
    std::size_t end = at;
    while (end < part.results.size() && part.results[end].group == part.results[at].group) ++end;
    table.row({part.results[at].group, count_text(std::span(part.results).subspan(at, end - at))});
    at = end;
  }
  return table.format();
}

// What was not tried, by the reason: most of it is of one.
std::string left_out_text(const Part& part) {
  std::vector<std::pair<std::string, std::string>> reasons;
  for (const Result& result : part.results) {
    if (result.verdict != Verdict::kNotTried && result.verdict != Verdict::kKnownWrong) continue;
    const auto known = std::find_if(reasons.begin(), reasons.end(),
                                    [&](const auto& one) { return one.first == result.reason; });
    if (known == reasons.end()) {
      reasons.emplace_back(result.reason, result.id);
    } else {
      known->second += ", " + result.id;
    }
  }
  if (reasons.empty()) return {};
  std::string text;
  for (const auto& [reason, ids] : reasons) {
    Table table(2);
    table.row({fmt::format("{}: {}", printable(ids), printable(reason))});
    text += table.format();
  }
  return text;
}

std::string broken_text(const Part& part) {
  std::string text;
  for (const Result& result : part.results) {
    if (result.verdict != Verdict::kBroken) continue;
    Table table(4);
    for (const std::string& what : result.found) table.row({"seen", printable(what)});
    table.row({"right", printable(result.says)});
    text += fmt::format("\n  {} is broken\n{}", printable(result.id), table.format());
  }
  return text;
}

}  // namespace

std::string check_text(const Report& report) {
  std::string text;
  if (!report.failure.empty()) {
    Table table(2);
    table.row({printable(report.failure)});
    return fmt::format("{}\n{}", printable(report.plugin), table.format());
  }
  std::vector<Result> all;
  for (const Part& part : report.parts) {
    text +=
        fmt::format("{}{}: {} {}\n{}", text.empty() ? "" : "\n", printable(report.plugin),
                    part.is_ir ? "the IR plugin" : "the substrate",
                    part.name.empty() ? "without a name" : printable(part.name), groups_text(part));
    text += left_out_text(part) + broken_text(part);
    all.insert(all.end(), part.results.begin(), part.results.end());
  }
  return fmt::format("{}\n{}: {}\n", text, printable(report.plugin), count_text(all));
}

Json check_json(std::span<const Report> reports, double timeout_s) {
  Json plugins = Json::array();
  bool holds = true;
  for (const Report& report : reports) {
    Json parts = Json::array();
    for (const Part& part : report.parts) {
      Json rules = Json::array();
      for (const Result& result : part.results) {
        rules.push_back({{"group", result.group},
                         {"id", result.id},
                         {"says", result.says},
                         {"verdict", key_of(result.verdict)},
                         {"found", result.found},
                         {"reason", result.reason.empty() ? Json(nullptr) : Json(result.reason)}});
      }
      parts.push_back({{"kind", part.is_ir ? "ir" : "substrate"},
                       {"name", part.name},
                       {"description", part.description},
                       {"rules", std::move(rules)}});
    }
    plugins.push_back({{"file", report.plugin},
                       {"failure", report.failure.empty() ? Json(nullptr) : Json(report.failure)},
                       {"parts", std::move(parts)},
                       {"holds", report.holds()}});
    holds = holds && report.holds();
  }
  return Json{{"schema", "sokr.check/1"},
              {"timeout_s", timeout_s},
              {"plugins", std::move(plugins)},
              {"holds", holds}};
}

}  // namespace sokr::cli
