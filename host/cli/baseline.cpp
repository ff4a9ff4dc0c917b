// SPDX-License-Identifier: MIT OR Apache-2.0
#include "baseline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sokr/base/small_file.hpp>
#include <sokr/sokr.hpp>

#include "command.hpp"

namespace sokr::cli {
namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 20;
// A report has 4. What is nested without end would be walked, and copied, without end.
constexpr int kMostDepth = 16;

struct TooDeep {};

// Discarded if it is no JSON or nested too deep.
Json parse_json(std::string_view text) {
  const auto shallow = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMostDepth) throw TooDeep();
    return true;
  };
  try {
    return Json::parse(text, shallow, false);
  } catch (const TooDeep&) {
    return Json(Json::value_t::discarded);
  }
}

std::string short_text(const Json& value) {
  constexpr std::size_t kMost = 60;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= kMost) return text;
  std::size_t end = kMost - 3;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // inside a character
  return text.substr(0, end) + "...";
}

bool are_times(const Json& list) {
  return list.is_array() && !list.empty() &&
         std::all_of(list.begin(), list.end(), [](const Json& one) {
           return one.is_number() && std::isfinite(one.get<double>()) && one.get<double>() > 0;
         });
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

Baseline parse_baseline(std::string_view text, const std::string& file) {
  const auto refuse = [&](const char* what) {
    return Error(SOKR_INVALID_INPUT,
                 fmt::format("'{}' is no baseline: {}; 'sokr bench --json FILE' "
                             "writes one",
                             file, what));
  };
  Baseline baseline{file, parse_json(text), {}};
  const Json& json = baseline.json;
  if (!json.is_object() || !json.contains("schema") || json["schema"] != "sokr.bench/1") {
    throw refuse("its schema is not sokr.bench/1");
  }
  if (!json.contains("results") || !json["results"].is_array()) throw refuse("it has no results");
  for (const Json& one : json["results"]) {
    if (!one.is_object() || !one.contains("substrate") || !one["substrate"].is_string()) {
      throw refuse("a result has no substrate");
    }
    if (!one.contains("blocks_ns") && one.contains("p50_ns")) {
      throw refuse(
          "it has medians alone, as earlier versions wrote, and nothing that tells how "
          "far they can be trusted; measure anew");
    }
    if (!one.contains("blocks_ns") || !are_times(one["blocks_ns"])) {
      throw refuse("a result's blocks_ns is no list of times above 0");
    }
    BaselineResult& result = baseline.results.emplace_back();
    result.substrate = one["substrate"].get<std::string>();
    result.blocks_ns = one["blocks_ns"].get<std::vector<double>>();
    if (one.contains("counters")) {
      if (!one["counters"].is_object()) throw refuse("a result's counters are no object");
      for (const auto& [name, counter] : one["counters"].items()) {
        if (!counter.is_object() || !counter.contains("blocks") || !are_times(counter["blocks"])) {
          throw refuse("a counter's blocks are no list of numbers above 0");
        }
        result.counted.push_back({name, counter["blocks"].get<std::vector<double>>()});
      }
    }
    if (!one.contains("calibration") || one["calibration"].is_null()) continue;
    if (!one["calibration"].is_object()) throw refuse("a result's calibration is no object");
    for (const auto& [name, part] : one["calibration"].items()) {
      if (!part.is_object() || !part.contains("blocks_ns") || !are_times(part["blocks_ns"])) {
        throw refuse("a calibration's blocks_ns is no list of times above 0");
      }
      result.calibration.push_back({name, part["blocks_ns"].get<std::vector<double>>()});
    }
  }
  return baseline;
}

const BaselineResult* Baseline::find(std::string_view substrate) const {
  for (const BaselineResult& one : results) {
    if (one.substrate == substrate) return &one;
  }
  return nullptr;
}

Baseline read_baseline(const std::string& file) {
  const Result<std::string> text = read_small_file(file, kMostBytes);
  if (!text) throw Error(text.code(), text.failure().sentence);
  return parse_baseline(*text, file);
}

void refuse_another_launch(const Baseline& baseline, const std::string& kernel,
                           const Json& launch) {
  const auto refuse = [&](std::string_view what, const Json& then, const Json& now) {
    throw UsageError(fmt::format(
        "--baseline {}: it measured another launch: its {} is {}, and here it is {}; measure a "
        "baseline for this one with --json FILE",
        baseline.file, what, short_text(then), short_text(now)));
  };
  const auto measured = baseline.json.find("kernel");
  if (measured != baseline.json.end() && measured->is_string() &&
      name_of(measured->get_ref<const std::string&>()) != name_of(kernel)) {
    refuse("kernel", *measured, kernel);
  }
  for (const auto& [key, now] : launch.items()) {
    const auto then = baseline.json.find(key);
    if (then != baseline.json.end() && *then != now) refuse(key, *then, now);
  }
}

}  // namespace sokr::cli
