// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <sokr/base/small_file.hpp>
#include <sokr/sokr.hpp>
#include <string>
#include <utility>
#include <vector>

#include "command.hpp"
#include "estimates.hpp"
#include "output.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{256} << 20;
// An event has 3.
constexpr int kMostDepth = 8;

struct TooDeep {};

Error no_trace(const std::string& file, const std::string& what) {
  return Error(
      SOKR_INVALID_INPUT,
      fmt::format("'{}' is no trace: {}; a program that runs with SOKR_TRACE=FILE writes one", file,
                  what));
}

// A process that was killed leaves its trace without an end, perhaps in the middle of an event.
std::string ended(std::string text) {
  const std::size_t last = text.find_last_not_of(" \n\r\t");
  if (last == std::string::npos || text[last] == ']') return text;
  const std::size_t line = text.rfind("},\n");
  text.resize(text[last] == '}' ? last + 1 : line == std::string::npos ? 1 : line + 1);
  text.push_back(']');
  return text;
}

Json read_trace(const std::string& file) {
  const Result<std::string> text = read_small_file(file, kMostBytes);
  if (!text) throw Error(text.code(), text.failure().sentence);
  const auto shallow = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth) throw TooDeep();
    return true;
  };
  Json json;
  try {
    json = text->starts_with('[') ? Json::parse(ended(*text), shallow, false)
                                  : Json(Json::value_t::discarded);
  } catch (const TooDeep&) {
    throw no_trace(file, "it is nested deeper than events are");
  }
  if (!json.is_array()) throw no_trace(file, "it is no list of events");
  return json;
}

double number(const Json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_number() ? found->get<double>() : NAN;
}

std::string word(const Json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

struct Summary {
  // By substrate, then by what was done: microseconds of each.
  std::map<std::string, std::map<std::string, std::vector<double>>> times;
  double begin = INFINITY, end = -INFINITY;
  std::map<std::string, std::size_t> failed;  // by substrate
  std::size_t threads = 0, events = 0;
};

void add(const Json& event, Summary& summary) {
  if (!event.is_object()) return;
  ++summary.events;
  const std::string kind = word(event, "ph"), name = word(event, "name");
  const auto arguments = event.find("args");
  const Json none = Json::object();
  const Json& given = arguments != event.end() && arguments->is_object() ? *arguments : none;
  if (kind == "M" && name == "thread_name" && word(given, "name").starts_with("thread ")) {
    ++summary.threads;
  }
  const double at = number(event, "ts");
  if (!std::isfinite(at)) return;
  const double duration = kind == "X" ? number(event, "dur") : 0;
  summary.begin = std::min(summary.begin, at);
  if (std::isfinite(duration)) summary.end = std::max(summary.end, at + duration);
  const std::string substrate = word(given, "substrate");
  if (kind == "X" && std::isfinite(duration)) summary.times[substrate][name].push_back(duration);
  if (kind != "i" || name != "complete") return;
  const double latency = number(given, "latency_us");
  if (std::isfinite(latency)) summary.times[substrate]["dispatch to completion"].push_back(latency);
  const auto failed = given.find("failed");
  if (failed != given.end() && failed->is_boolean() && failed->get<bool>()) {
    ++summary.failed[substrate];
  }
}

std::string summary_text(const Summary& summary) {
  Table table;
  for (std::size_t column = 2; column <= 6; ++column) table.right_align(column);
  table.row({"", "", "times", "total", "median", "p99", "max"});
  for (const auto& [substrate, kinds] : summary.times) {
    std::string name = printable(substrate);
    for (const auto& [what, us] : kinds) {
      double total = 0;
      for (const double one : us) total += one;
      const auto text = [](double microseconds) { return duration_text(1000 * microseconds); };
      table.row({name, printable(what), std::to_string(us.size()), text(total),
                 text(measure::median(us)), text(measure::percentile(us, 99)),
                 text(measure::percentile(us, 100))});
      name.clear();
    }
  }
  std::string out = table.format() + '\n';
  out += fmt::format("{} events of {} thread{} in {}\n", summary.events, summary.threads,
                     summary.threads == 1 ? "" : "s",
                     duration_text(1000 * std::max(0.0, summary.end - summary.begin)));
  for (const auto& [substrate, count] : summary.failed) {
    out += fmt::format("{} of {} failed\n", count, printable(substrate));
  }
  return out;
}

}  // namespace

int trace(const TraceFlags& flags) {
  const Json events = read_trace(flags.file);
  Summary summary;
  for (const Json& event : events) add(event, summary);
  if (summary.times.empty()) throw no_trace(flags.file, "it has no events of a substrate");
  print(summary_text(summary));
  return kDone;
}

}  // namespace sokr::cli
