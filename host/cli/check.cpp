// SPDX-License-Identifier: MIT OR Apache-2.0
#include "check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <sokr/sokr.hpp>
#include <span>
#include <string_view>
#include <system_error>

#include "check_report.hpp"
#include "command.hpp"
#include "input_file.hpp"
#include "launch_flags.hpp"
#include "output_file.hpp"
#include "progress.hpp"

namespace sokr::cli {
namespace {

constexpr double kSeconds = 60;
constexpr double kMostSeconds = 86400;
constexpr std::uint64_t kMostOfSeed = std::uint64_t{256} << 20;  // as of a kernel

double parse_timeout(const std::string& text) {
  if (text.empty()) return kSeconds;
  double seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, seconds);
  if (error != std::errc() || at != end || !(seconds >= 0.001 && seconds <= kMostSeconds)) {
    throw UsageError(
        fmt::format("--timeout {}: it takes seconds, from 0.001 to {}", text, kMostSeconds));
  }
  return seconds;
}

// FILE, or FILE@BYTES if what is behind the last @ is a number.
check::Seed read_seed(const std::string& text) {
  check::Seed seed;
  std::string file = text;
  const std::size_t at = text.rfind('@');
  if (at != std::string::npos && at + 1 < text.size() &&
      text.find_first_not_of("0123456789", at + 1) == std::string::npos) {
    seed.whole_from = parse_count(std::string_view(text).substr(at + 1), "--seed");
    file.resize(at);
  }
  const std::vector<std::byte> bytes = read_input(InputFile(file), kMostOfSeed);
  const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data());
  seed.bytes.assign(from, from + bytes.size());
  seed.name = file;
  if (seed.bytes.empty()) throw UsageError(fmt::format("--seed {}: the file is empty", file));
  return seed;
}

}  // namespace

int check(const CheckFlags& flags) {
  check::Request request;
  const double seconds = parse_timeout(flags.timeout);
  request.timeout = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)));
  for (const std::string& seed : flags.seeds) request.seeds.push_back(read_seed(seed));
  request.modules = check::installed_modules();
  request.readers = check::installed_readers();
  std::optional<OutputFile> file;
  if (!flags.json.empty()) file.emplace(flags.json);

  std::vector<check::Report> reports;
  for (const std::string& plugin : flags.plugins) {
    Progress progress;
    request.plugin = plugin;
    request.progress = [&](std::string_view what, std::size_t done, std::size_t all) {
      progress.at(what, done, static_cast<std::uint32_t>(all), "rule");
    };
    reports.push_back(check::check_plugin(request));
    progress.clear();
    // On standard output there is the one or the other.
    if (flags.json != "-") {
      print((reports.size() > 1 ? "\n" : "") + check_text(reports.back()));
    }
  }
  if (file) {
    const std::string text = json_text(check_json(reports, seconds));
    file->write(std::as_bytes(std::span(text)));
    file->finish();
    file->publish();
  }
  const bool holds = std::all_of(reports.begin(), reports.end(),
                                 [](const check::Report& report) { return report.holds(); });
  return holds ? kDone : kFailed;
}

}  // namespace sokr::cli
