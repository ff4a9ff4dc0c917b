// SPDX-License-Identifier: MIT OR Apache-2.0
#include "baseline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sokr/base/small_file.hpp>
#include <sokr/sokr.hpp>
#include <system_error>

#include "command.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

// A turn has some 18 bytes in each of a dozen lists: some 500,000 turns, of most of an hour.
constexpr std::size_t kMostBytes = std::size_t{128} << 20;
// A report has 4. What is nested without end would be walked, and copied, without end.
constexpr std::size_t kMostDepth = 16;

// Discarded if it is no JSON or nested too deep.
Json parse_json(std::string_view text) {
  if (is_nested_deeper(text, kMostDepth)) return Json(Json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

std::string short_text(const Json& value) {
  constexpr std::size_t kMost = 60;
  std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() <= kMost) return text;
  std::size_t end = kMost - 3;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // inside a character
  return text.substr(0, end) + "...";
}

bool are_counts(const Json& list) {
  return list.is_array() && !list.empty() &&
         std::all_of(list.begin(), list.end(), [](const Json& one) {
           return one.is_number() && std::isfinite(one.get<double>()) && one.get<double>() >= 0;
         });
}

bool are_times(const Json& list) {
  return are_counts(list) && std::all_of(list.begin(), list.end(),
                                         [](const Json& one) { return one.get<double>() > 0; });
}

// Of --relative-to, if there are any. What is wrong with them; null if nothing is.
const char* read_rounds(const Json& one, BaselineResult& result) {
  const auto turns = one.find("calibration_turns"), rounds = one.find("rounds");
  if (rounds == one.end() || rounds->is_null()) return nullptr;
  if (turns != one.end() && !turns->is_null()) {
    CalibrationTurns& read = result.calibration_turns.emplace();
    for (std::size_t i = 0; i < kCalibrationCount; ++i) {
      const Json& part = turns->is_object() ? turns->value(kCalibrationParts[i], Json()) : *turns;
      if (!part.is_number_unsigned() || part.get<std::uint64_t>() - 1 >= UINT32_MAX) {
        return "a calibration's turns are no number above 0";
      }
      read[i] = part.get<std::uint32_t>();
    }
  }
  if (!rounds->is_array()) return "a result's rounds are no list";
  for (const Json& round : *rounds) {
    if (!round.is_object() || !are_times(round.value("blocks_ns", Json()))) {
      return "a round's blocks_ns is no list of times above 0";
    }
    BenchRound& read = result.rounds.emplace_back();
    read.blocks = round["blocks_ns"].get<std::vector<double>>();
    const Json one_processor = round.value("on_one_processor", Json(false));
    if (!one_processor.is_boolean()) return "a round's on_one_processor is neither true nor false";
    read.on_one_processor = one_processor.get<bool>();
    if (!result.calibration_turns) continue;
    const Json calibration = round.value("calibration_ns", Json::object());
    for (const char* part : kCalibrationParts) {
      if (!calibration.is_object() || !are_times(calibration.value(part, Json()))) {
        return "a round's calibration_ns is no list of times above 0 for each part";
      }
      read.calibration.push_back(calibration[part].get<std::vector<double>>());
    }
  }
  return nullptr;
}

// Of a kernel_hex; false if it is none.
bool read_hex(std::string_view text, std::vector<std::byte>& bytes) {
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(&text[i], &text[i] + 2, value, 16);
    if (error != std::errc() || end != &text[i] + 2) return false;
    bytes.push_back(static_cast<std::byte>(value));
  }
  return text.size() % 2 == 0;
}

// As a report writes it: what is no UTF-8 is replaced.
std::string as_written(const std::string& text) {
  return Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace))
      .get<std::string>();
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string kernel_hex(std::span<const std::byte> bytes) {
  constexpr std::size_t kMost = std::size_t{1} << 20;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  if (bytes.size() > kMost) return text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte) >> 4];
    text += kDigits[std::to_integer<std::size_t>(byte) & 15];
  }
  return text;
}

Baseline parse_baseline(std::string_view text, const std::string& file) {
  const auto refuse = [&](std::string_view what) {
    return Error(SOKR_INVALID_INPUT,
                 fmt::format("'{}' is no baseline: {}; 'sokr bench --json FILE' "
                             "writes one",
                             file, what));
  };
  Baseline baseline{file, parse_json(text), {}, {}};
  const Json& json = baseline.json;
  if (json.is_discarded()) throw refuse("it is no JSON, or not all of it");
  if (!json.is_object() || !json.contains("schema")) {
    throw refuse("its schema is not sokr.bench/1");
  }
  if (json["schema"] != "sokr.bench/1") {
    throw refuse(fmt::format("its schema is {}, and this version reads \"sokr.bench/1\"",
                             short_text(json["schema"])));
  }
  const auto hex = json.find("kernel_hex");
  if (hex != json.end() && !hex->is_null() &&
      (!hex->is_string() || !read_hex(hex->get_ref<const std::string&>(), baseline.kernel))) {
    throw refuse("its kernel_hex is no list of bytes");
  }
  if (json.contains("sweep")) {
    throw refuse("it has several launches, of a --sweep, and a baseline has one");
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
        if (!counter.is_object() || !counter.contains("blocks") || !are_counts(counter["blocks"])) {
          throw refuse("a counter's blocks are no list of numbers of at least 0");
        }
        result.counted.push_back({name, counter["blocks"].get<std::vector<double>>()});
      }
    }
    if (const char* const wrong = read_rounds(one, result)) throw refuse(wrong);
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

std::string another_machine(const Baseline& baseline, const std::string& cpu, unsigned cores) {
  const Json context = baseline.json.value("context", Json());
  if (!context.is_object()) return {};
  const Json then = context.value("cpu", Json()), count = context.value("num_cpus", Json());
  if (!then.is_string() || !count.is_number_unsigned()) return {};
  // Two processors without a name may be any two.
  const bool is_named = !cpu.empty() && then != "";
  if (is_named && then == cpu && count == cores) return {};
  return fmt::format(
      "{}, {} core{}",
      then == "" ? "a processor that the system does not name" : printable(then.get<std::string>()),
      count.get<std::uint64_t>(), count == 1 ? "" : "s");
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
      name_of(measured->get_ref<const std::string&>()) != name_of(as_written(kernel))) {
    refuse("kernel", *measured, kernel);
  }
  for (const auto& [key, now] : launch.items()) {
    const auto then = baseline.json.find(key);
    if (then != baseline.json.end() && *then != now) refuse(key, *then, now);
  }
}

}  // namespace sokr::cli
