// SPDX-License-Identifier: MIT OR Apache-2.0
#include "check.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sokr/growth.h>

#include <algorithm>
#include <charconv>
#include <sokr/sokr.hpp>
#include <system_error>

#include "opened.hpp"
#include "steps.hpp"

namespace sokr::check {
namespace {

namespace fs = std::filesystem;

// What the first step tells: a line of each part. 'S' or 'I', kind, formats, name, description.
constexpr std::uint32_t kPart = 100, kReason = 101;

std::string one_line(const char* text) {
  std::string line = text ? text : "";
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, '?');
  return line.substr(0, 1000);
}

std::string formats_text(const std::uint32_t* formats, std::uint32_t count) {
  std::string text;
  for (std::uint32_t i = 0; formats && i < std::min(count, 1024u); ++i)
    text += fmt::format("{}{}", text.empty() ? "" : ",", formats[i]);
  return text;
}

void tell_of_substrate(const SokrSubstrateInfo* from, const Channel& channel) {
  SokrSubstrateInfo info{};
  if (from) (void)sokr_copy_sized(&info, sizeof info, from, from->struct_size);
  channel.send(kPart, fmt::format("S\n{}\n{}\n{}\n{}", info.kind,
                                  formats_text(info.ir_formats, info.ir_format_count),
                                  one_line(info.name), one_line(info.description)));
}

void look(const fs::path& plugin, const Channel& channel) try {
  const Opened opened = open_plugin(plugin);
  if (opened.plugin) {
    for (std::uint32_t i = 0; i < opened.plugin->substrate_count; ++i)
      tell_of_substrate(opened.plugin->substrates[i], channel);
    const SokrPlugin& library = *opened.plugin;
    if (library.substrate_count == 0 && library.unavailable && library.unavailable_count > 0)
      channel.send(kReason, one_line(library.unavailable[0].reason));
  }
  if (!opened.ir) return;
  SokrIrPlugin table{};
  (void)sokr_copy_sized(&table, sizeof table, opened.ir, opened.ir->struct_size);
  channel.send(kPart, fmt::format("I\n0\n{}\n{}\n{}", table.format, one_line(table.name),
                                  one_line(table.version)));
} catch (const NoPlugin& why) {
  channel.send(kFound, why.what());
}

std::uint32_t number(std::string_view text) {
  std::uint32_t value = 0;
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Offered offered_of(std::string_view text, std::uint32_t index) {
  std::vector<std::string_view> lines;
  while (lines.size() < 5) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  Offered offered;
  offered.is_ir = lines[0] == "I";
  offered.index = index;
  offered.kind = number(lines[1]);
  for (std::string_view rest = lines[2]; !rest.empty();) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    offered.formats.push_back(number(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (offered.is_ir && offered.formats.empty()) offered.formats.push_back(0);
  offered.name = lines[3];
  offered.description = lines[4];
  return offered;
}

Result result_of(const Trial& trial, const Ended& ended) {
  Result result{trial.group, trial.id, trial.says, Verdict::kHolds, {}, {}};
  for (const Said& said : ended.said) {
    switch (said.kind) {
      case kFound:
        result.verdict = Verdict::kBroken;
        result.found.push_back(said.text);
        break;
      case kNotTried:
      case kRefused:
      case kKnownWrong:
        result.reason = said.text;
        result.verdict = said.kind == kNotTried  ? Verdict::kNotTried
                         : said.kind == kRefused ? Verdict::kRefused
                                                 : Verdict::kKnownWrong;
        break;
      default:
        break;
    }
  }
  if (!ended.death.empty()) {
    result.verdict = Verdict::kBroken;
    result.found.push_back(ended.death);
  }
  if (result.verdict == Verdict::kBroken) result.reason.clear();
  return result;
}

// One after another, those that share a child together.
Part try_part(const Request& request, const Offered& offered) {
  Part part{offered.is_ir, offered.name, offered.description, {}};
  const std::vector<Trial> trials =
      offered.is_ir ? ir_trials(request, offered) : substrate_trials(request, offered);
  const std::string what = part.name.empty() ? "?" : part.name;
  bool usable = true;
  for (std::size_t at = 0; at < trials.size();) {
    if (!usable && !trials[at].is_first) {
      Result result{
          trials[at].group,          trials[at].id, trials[at].says, Verdict::kNotTried, {},
          "it cannot be used at all"};
      part.results.push_back(std::move(result));
      ++at;
      continue;
    }
    std::size_t end = at + 1;
    while (trials[at].is_shared && end < trials.size() && trials[end].is_shared) ++end;
    std::vector<Step> steps;
    for (std::size_t i = at; i < end; ++i) steps.push_back(trials[i].step);
    const auto done = [&](std::size_t count) {
      if (request.progress) request.progress(what, at + count, trials.size());
    };
    const std::vector<Ended> ended = run_in_children(steps, request.timeout, done);
    for (std::size_t i = at; i < end; ++i) {
      part.results.push_back(result_of(trials[i], ended[i - at]));
      if (trials[i].is_first && part.results.back().verdict == Verdict::kBroken) usable = false;
    }
    at = end;
  }
  return part;
}

// Opening anything else may never return.
std::string why_no_file(const fs::path& plugin) {
  std::error_code error;
  const fs::file_status status = fs::status(plugin, error);
  if (status.type() == fs::file_type::not_found) return "there is no such file";
  if (error) return "it cannot be read: " + error.message();
  if (!fs::is_regular_file(status)) return "it is no file, so it is no shared library";
  return {};
}

fs::path program_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

std::size_t Report::count(Verdict verdict) const {
  std::size_t sum = 0;
  for (const Part& part : parts)
    for (const Result& result : part.results) sum += result.verdict == verdict;
  return sum;
}

bool Report::holds() const {
  return failure.empty() && count(Verdict::kBroken) == 0 && count(Verdict::kHolds) > 0;
}

Report check_plugin(const Request& request) {
  Report report{request.plugin.string(), why_no_file(request.plugin), {}};
  if (!report.failure.empty()) return report;
  const Step first = [&](const Channel& channel) { look(request.plugin, channel); };
  const Ended seen = run_in_children({first}, request.timeout, [](std::size_t) {}).front();
  std::vector<Offered> all;
  std::string reason;
  for (const Said& said : seen.said) {
    if (said.kind == kFound) report.failure = said.text;
    if (said.kind == kReason) reason = said.text;
    if (said.kind == kPart)
      all.push_back(offered_of(said.text, static_cast<std::uint32_t>(all.size())));
  }
  if (!seen.death.empty()) report.failure = "when it was opened, " + seen.death;
  if (!report.failure.empty()) return report;
  if (all.empty()) {
    report.failure = "it offers nothing here, so nothing can be tried";
    if (!reason.empty()) report.failure += ": " + reason;
    return report;
  }
  for (const Offered& offered : all) report.parts.push_back(try_part(request, offered));
  return report;
}

fs::path installed_modules() {
  const fs::path beside = program_folder();
  for (const char* folder : {"../share/sokr/examples", "../shaders"}) {
    std::error_code error;
    if (fs::exists(beside / folder / "long_loop.spv", error))
      return (beside / folder).lexically_normal();
  }
  return {};
}

std::vector<fs::path> installed_readers() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&scalar_name), &info) == 0 || !info.dli_fname)
    return {};
  std::error_code error;
  const fs::path reader =
      fs::canonical(info.dli_fname, error).parent_path() / "sokr" / "sokr-ir-spirv.so";
  if (error || !fs::exists(reader, error)) return {};
  return {reader};
}

}  // namespace sokr::check
