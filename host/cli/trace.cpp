// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
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
constexpr std::size_t kMostDepth = 8;

Error no_trace(const std::string& file, const std::string& what) {
  return Error(
      SOKR_INVALID_INPUT,
      fmt::format("'{}' is no trace: {}; a program that runs with SOKR_TRACE=FILE writes one", file,
                  what));
}

// The list of events that `text` begins with; discarded if it is none. A process that was killed
// leaves its trace without an end, perhaps in the middle of an event: behind one of its braces, or
// inside of a name that has a bracket.
Json events_of(std::string text) {
  const Json none(Json::value_t::discarded);
  if (!text.starts_with('[')) return none;
  const std::size_t last = text.find_last_not_of(" ,\n\r\t");
  text.resize(last + 1);
  if (text.ends_with(']')) {
    if (Json whole = Json::parse(text, nullptr, false); !whole.is_discarded()) return whole;
  }
  if (text.ends_with('}')) {
    if (Json all = Json::parse(text + ']', nullptr, false); !all.is_discarded()) return all;
  }
  const std::size_t line = text.rfind("},\n");
  text.resize(line == std::string::npos ? 1 : line + 1);
  return Json::parse(text + ']', nullptr, false);
}

Json read_trace(const std::string& file) {
  const Result<std::string> text = read_small_file(file, kMostBytes);
  if (!text) throw Error(text.code(), text.failure().sentence);
  if (is_nested_deeper(*text, kMostDepth)) {
    throw no_trace(file, "it is nested deeper than events are");
  }
  Json json = events_of(*text);
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

struct Times {
  double begin = INFINITY, end = -INFINITY;
  void add(double from, double to) {
    begin = std::min(begin, from);
    end = std::max(end, to);
  }
};

// What the threads of a substrate did: pieces of launches, in microseconds.
struct Threads {
  struct One {
    std::size_t pieces = 0;
    double busy = 0;
  };
  std::map<double, One> by_lane;
  std::map<std::string, Times>
      launches;  // by token: from the first piece's begin to the last's end
  std::vector<Times> pieces;
};

struct Summary {
  // By substrate, then by what was done: microseconds of each.
  std::map<std::string, std::map<std::string, std::vector<double>>> times;
  std::map<std::string, Threads> threads_of;
  std::map<double, std::string> lanes;        // names
  std::map<std::string, std::size_t> failed;  // by substrate
  Times all;
  std::size_t events = 0;
};

// A slice in which a thread ran workgroups.
void add_piece(const Json& given, const std::string& substrate, double lane, double begin,
               double end, Summary& summary) {
  Threads& threads = summary.threads_of[substrate];
  ++threads.by_lane[lane].pieces;
  threads.by_lane[lane].busy += end - begin;
  threads.launches[word(given, "token")].add(begin, end);
  threads.pieces.push_back({begin, end});
}

void add(const Json& event, Summary& summary) {
  if (!event.is_object()) return;
  ++summary.events;
  const std::string kind = word(event, "ph"), name = word(event, "name");
  const auto arguments = event.find("args");
  const Json none = Json::object();
  const Json& given = arguments != event.end() && arguments->is_object() ? *arguments : none;
  const double lane = number(event, "tid");
  if (kind == "M" && name == "thread_name" && std::isfinite(lane)) {
    summary.lanes[lane] = word(given, "name");
  }
  const double at = number(event, "ts");
  if (!std::isfinite(at)) return;
  const double duration = kind == "X" ? number(event, "dur") : 0;
  summary.all.add(at, std::isfinite(duration) ? at + duration : at);
  const std::string substrate = word(given, "substrate");
  if (kind == "X" && std::isfinite(duration)) {
    const bool is_piece = word(event, "cat") == "workgroups";
    summary.times[substrate][is_piece ? name + ", pieces" : name].push_back(duration);
    if (is_piece && std::isfinite(lane)) {
      add_piece(given, substrate, lane, at, at + duration, summary);
    }
  }
  if (kind != "i" || name != "complete") return;
  const double latency = number(given, "latency_us");
  if (std::isfinite(latency)) summary.times[substrate]["dispatch to completion"].push_back(latency);
  const auto failed = given.find("failed");
  if (failed != given.end() && failed->is_boolean() && failed->get<bool>()) {
    ++summary.failed[substrate];
  }
}

// Of intervals, some of which may overlap, the time that lies in at least one.
double union_of(const std::map<std::string, Times>& intervals) {
  std::vector<Times> sorted;
  for (const auto& [name, one] : intervals) sorted.push_back(one);
  std::sort(sorted.begin(), sorted.end(),
            [](const Times& a, const Times& b) { return a.begin < b.begin; });
  double total = 0, covered = -INFINITY;
  for (const Times& one : sorted) {
    total += std::max(0.0, one.end - std::max(one.begin, covered));
    covered = std::max(covered, one.end);
  }
  return total;
}

// How many of them there were at once, at most. A pool has more threads than it lets work.
std::size_t most_at_once(const std::vector<Times>& intervals) {
  std::vector<std::pair<double, int>> changes;
  for (const Times& one : intervals) {
    changes.emplace_back(one.begin, 1);
    changes.emplace_back(one.end, -1);
  }
  // Of one moment, what ends is first.
  std::sort(changes.begin(), changes.end());
  int now = 0, most = 0;
  for (const auto& [at, change] : changes) most = std::max(most, now += change);
  return static_cast<std::size_t>(std::max(most, 1));
}

// How the work was spread over the threads, of substrates that tell it.
std::string threads_text(const Summary& summary) {
  Table table;
  for (const std::size_t column : {2, 3, 4}) table.right_align(column);
  std::string sentences;
  table.row({"", "thread", "pieces", "busy", "share"});
  for (const auto& [substrate, threads] : summary.threads_of) {
    double total = 0, most = 0;
    for (const auto& [lane, one] : threads.by_lane) {
      total += one.busy;
      most = std::max(most, one.busy);
    }
    std::string name = printable(substrate);
    for (const auto& [lane, one] : threads.by_lane) {
      const auto named = summary.lanes.find(lane);
      const std::string thread = named != summary.lanes.end() ? named->second : "?";
      table.row({name, printable(thread), std::to_string(one.pieces),
                 duration_text(1000 * one.busy),
                 fmt::format("{:.0f} %", total > 0 ? 100 * one.busy / total : 0.0)});
      name.clear();
    }
    const std::size_t count = most_at_once(threads.pieces);
    const double wall = union_of(threads.launches);
    if (!(total > 0) || !(wall > 0)) continue;
    sentences += fmt::format("{}: while workgroups ran, {:.2f} of {} thread{} worked on average",
                             printable(substrate), total / wall, count, count == 1 ? "" : "s");
    // Of those that work one after the other none has a part. The busiest of some that were not
    // always the same has no more than an even one, and no less.
    if (count > 1) {
      sentences += fmt::format("; the busiest did {:.2f} times its part",
                               std::max(1.0, most / (total / static_cast<double>(count))));
    }
    sentences += '\n';
  }
  return summary.threads_of.empty() ? "" : table.format() + sentences + '\n';
}

// Other lanes are those of devices, and of layers above.
std::size_t count_threads(const Summary& summary) {
  std::set<double> threads;
  for (const auto& [lane, name] : summary.lanes) {
    if (name == "main thread" || name.starts_with("thread ")) threads.insert(lane);
  }
  for (const auto& [substrate, one] : summary.threads_of) {
    for (const auto& [lane, work] : one.by_lane) threads.insert(lane);
  }
  return threads.size();
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
  std::string out = table.format() + '\n' + threads_text(summary);
  const std::size_t threads = count_threads(summary);
  out += fmt::format("{} events of {} thread{} in {}\n", summary.events, threads,
                     threads == 1 ? "" : "s",
                     duration_text(1000 * std::max(0.0, summary.all.end - summary.all.begin)));
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
