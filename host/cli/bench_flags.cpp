// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <system_error>

#include "bench_calibration.hpp"
#include "bench_children.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

namespace fs = std::filesystem;

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

// "1%", "0.5 %" or "1": the number of percent.
std::string_view without_percent(std::string_view text) {
  if (text.ends_with('%')) text.remove_suffix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// As a part of 1.
double parse_precision(std::string_view text) {
  const auto value = number_of(without_percent(text));
  if (!value || *value <= 0 || *value >= 100) {
    throw UsageError(fmt::format(
        "--precision: '{}' is no percentage between 0 and 100; it takes PCT, such as 1%", text));
  }
  return *value / 100;
}

void refuse_shared_standard_output(const BenchRequest& request) {
  std::vector<std::string> users;
  for (const BenchFile& file : request.files) {
    if (file.path == "-") users.push_back(file.flag + " -");
  }
  for (const OutputSpec& output : request.launch.outputs) {
    if (output.file == "-") users.push_back(fmt::format("--out {}=-", output.where.text()));
  }
  if (users.size() > 1) {
    throw UsageError(fmt::format("{} and {} both write to standard output; give one a file",
                                 users[0], users[1]));
  }
}

// The later one would be all that is there. What is no regular file takes several.
void refuse_files_in_one_place(const BenchRequest& request) {
  std::vector<BenchFile> all = request.files;
  for (const OutputSpec& output : request.launch.outputs) {
    all.push_back({fmt::format("--out {}", output.where.text()), output.file});
  }
  std::map<fs::path, std::string> taken;
  for (const BenchFile& file : all) {
    std::error_code error;
    if (file.path == "-" || fs::is_other(file.path, error)) continue;
    const auto [first, is_new] =
        taken.emplace(fs::weakly_canonical(fs::absolute(file.path), error), file.flag);
    if (is_new) continue;
    throw UsageError(fmt::format("{} and {} both write to '{}'; give each a file of its own",
                                 first->second, file.flag, file.path));
  }
}

// What is compared with, or measured, stays as it is: a result in the place of its own baseline
// would be the baseline of the next run, which then finds nothing slower.
void refuse_to_write_over_what_is_read(const BenchRequest& request, const LaunchFlags& launch) {
  const auto place_of = [](const std::string& file) {
    std::error_code error;
    return fs::is_other(file, error) ? fs::path() : fs::weakly_canonical(fs::absolute(file), error);
  };
  const auto refuse_same = [&](const BenchFile& written, const std::string& flag,
                               const std::string& file) {
    const fs::path place = place_of(file);
    if (written.path == "-" || place.empty() || place != place_of(written.path)) return;
    throw UsageError(fmt::format("{} would write over '{}', which {}; give it a file of its own",
                                 written.flag, written.path, flag));
  };
  std::vector<BenchFile> all = request.files;
  for (const OutputSpec& output : request.launch.outputs) {
    all.push_back({fmt::format("--out {}", output.where.text()), output.file});
  }
  for (const BenchFile& written : all) {
    for (const std::string& file : request.baselines) {
      refuse_same(written, "--baseline compares with", file);
    }
  }
  // An output may take the place of an input.
  for (const BenchFile& written : request.files) {
    for (const std::string& file : files_read(launch))
      refuse_same(written, "the launch reads", file);
  }
}

// What is measured by processes of their own is read by each of them; of a sweep, for each value,
// all but the kernel.
void refuse_files_that_are_read_once(const BenchRequest& request, LaunchFlags launch) {
  const char* const flag = !request.baseline_command.empty() ? "--baseline-command"
                           : !request.relative_to.empty()    ? "--relative-to"
                           : request.sweep                   ? "--sweep"
                                                             : nullptr;
  if (!flag) return;
  if (request.sweep) {
    launch.kernel = std::string("-");
  } else if (launch.kernel == "-") {
    throw UsageError(
        fmt::format("{}: KERNEL - cannot be read by other processes, too; name a file", flag));
  }
  if (const std::string file = not_read_again(launch); !file.empty()) {
    throw UsageError(fmt::format(
        "{}: '{}' is no file that can be read more than once; give it as a file", flag, file));
  }
}

void refuse_odd_comparisons(const BenchRequest& request) {
  if (!request.metric.empty()) {
    std::vector<std::string> names{"time"};
    for (const measure::CounterKind& kind : measure::counter_kinds()) names.emplace_back(kind.name);
    if (std::find(names.begin(), names.end(), request.metric) == names.end()) {
      throw UsageError(
          fmt::format("--metric: '{}' is none; there are {}", request.metric, list_text(names)));
    }
    if (!request.baseline_command.empty()) {
      throw UsageError(
          "--metric and --baseline-command do not go together: an old program counts nothing; "
          "compare with its result by --baseline");
    }
  }
  if (!request.relative_to.empty() &&
      (!request.metric.empty() || !request.baseline_command.empty())) {
    throw UsageError(fmt::format(
        "--relative-to compares ratios of times with --baseline; {} needs none",
        request.metric.empty() ? "--baseline-command, which measures both here," : "--metric"));
  }
  if (!request.metric.empty() && request.baselines.empty()) {
    throw UsageError(fmt::format(
        "--metric {0}: it says what is compared with a baseline, and there is none; it takes "
        "--baseline FILE --max-regress PCT (what can be counted is in every result)",
        request.metric));
  }
  if (request.relative_to == kOldKernel && request.baselines.empty()) {
    throw UsageError(
        "--relative-to kernel: it takes --baseline FILE, which brings the old kernel along");
  }
  if (request.relative_to == kOldKernel && request.baselines.size() > 1) {
    throw UsageError(
        "--relative-to kernel: it measures the kernel of one baseline in turns with this one, and "
        "several are given; name one with --baseline");
  }
  if (request.relative_to.empty() || request.relative_to == kCalibration ||
      request.relative_to == kOldKernel) {
    return;
  }
  const std::vector<std::string>& on = request.launch.on;
  if (std::find(on.begin(), on.end(), request.relative_to) == on.end() || on.size() < 2) {
    throw UsageError(fmt::format(
        "--relative-to {}: it takes calibration, kernel, or a substrate that --on names beside "
        "others, such "
        "as --on cpu,vulkan:0 --relative-to cpu",
        request.relative_to));
  }
}

}  // namespace

bool BenchRequest::prints_file() const {
  return std::any_of(files.begin(), files.end(), [](const auto& one) { return one.path == "-"; });
}

const std::string* BenchRequest::file(std::string_view flag) const {
  for (const BenchFile& one : files) {
    if (one.flag == flag) return &one.path;
  }
  return nullptr;
}

double parse_positive(std::string_view text, std::string_view flag, std::string_view what) {
  const auto value = number_of(text);
  if (!value || *value <= 0) {
    throw UsageError(fmt::format("{}: '{}' is no {} above 0", flag, text, what));
  }
  return *value;
}

BenchRequest read_bench_flags(const BenchFlags& flags) {
  BenchRequest request;
  request.launch = read_launch_flags(flags.launch);
  const bool compares = !flags.baselines.empty() || !flags.baseline_command.empty();
  if (compares == flags.max_regress.empty()) {
    throw UsageError(
        "--baseline and --max-regress go together; so do --baseline-command and --max-regress");
  }
  if (!flags.max_regress.empty()) {
    const auto percent = number_of(without_percent(flags.max_regress));
    if (!percent || *percent < 0) {
      throw UsageError(fmt::format(
          "--max-regress: '{}' is no percentage of at least 0; it takes PCT, such as 5%",
          flags.max_regress));
    }
    request.max_regress = *percent;
  }
  request.sweep = !flags.sweep.empty();
  if (request.sweep && (compares || !flags.relative_to.empty())) {
    throw UsageError(
        "--sweep compares with no baseline; measure the sizes that matter by themselves");
  }
  if (request.sweep && !request.launch.outputs.empty()) {
    throw UsageError(
        "--sweep and --out do not go together: which of the launches would be written?");
  }
  request.baselines = flags.baselines;
  request.relative_to = flags.relative_to;
  request.baseline_command = flags.baseline_command;
  request.metric = flags.metric == "time" ? "" : flags.metric;
  refuse_odd_comparisons(request);
  refuse_files_that_are_read_once(request, flags.launch);
  if (!flags.precision.empty()) request.precision = parse_precision(flags.precision);
  if (!flags.budget.empty()) {
    request.budget_s = parse_positive(flags.budget, "--budget", "number of seconds");
  }
  if (request.launch.repeat && (!flags.precision.empty() || !flags.budget.empty())) {
    throw UsageError(fmt::format(
        "--repeat says how many dispatches there are, and {} when to stop; give one of them",
        flags.precision.empty() ? "--budget" : "--precision"));
  }
  if (!flags.bytes.empty()) {
    request.bytes = static_cast<double>(parse_bytes(flags.bytes, "--bytes"));
  }
  if (!flags.flops.empty()) {
    request.flops = parse_positive(flags.flops, "--flops", "number of operations");
  }
  if (flags.check) request.check = true;
  if (flags.no_check) request.check = false;
  if (flags.check && flags.no_check) {
    throw UsageError("--check and --no-check contradict each other; give one of them");
  }
  if (flags.check && request.launch.on.size() < 2) {
    throw UsageError("--check compares what several substrates compute; name them with --on A,B");
  }
  for (const auto& [flag, path] :
       {std::pair("--json", &flags.json), std::pair("--csv", &flags.csv),
        std::pair("--markdown", &flags.markdown), std::pair("--html", &flags.html),
        std::pair("--svg", &flags.svg)}) {
    if (!path->empty()) request.files.push_back({flag, *path});
  }
  refuse_shared_standard_output(request);
  refuse_files_in_one_place(request);
  refuse_to_write_over_what_is_read(request, flags.launch);
  return request;
}

}  // namespace sokr::cli
