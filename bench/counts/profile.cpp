// SPDX-License-Identifier: MIT OR Apache-2.0
#include "profile.hpp"

#include <charconv>
#include <map>
#include <system_error>

namespace sokr::bench {
namespace {

// Behind the prefix, if the line has it.
std::optional<std::string_view> behind(std::string_view line, std::string_view prefix) {
  if (!line.starts_with(prefix)) return std::nullopt;
  return line.substr(prefix.size());
}

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<Profile> read_profile(std::string_view text, std::string_view file) {
  Profile profile;
  bool counts_instructions = false, has_total = false, is_inclusive = false, is_wanted = false;
  std::map<std::string, bool, std::less<>> wanted;  // by "(id)", which stands for a name
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const auto trigger = behind(line, "desc: Trigger: Client Request: ")) {
      profile.trigger = *trigger;
    } else if (const auto events = behind(line, "events: ")) {
      counts_instructions = *events == "Ir";
    } else if (const auto total = behind(line, "totals: ")) {
      const auto value = number(*total);
      if (!value) return std::nullopt;
      profile.instructions = *value;
      has_total = true;
    } else if (line.starts_with("ob=") || line.starts_with("cob=")) {
      // The first time with its name, then by its number alone.
      const std::string_view object = line.substr(line.find('=') + 1);
      const std::size_t close = object.find(')');
      if (close == object.npos) return std::nullopt;
      const std::string id(object.substr(0, close + 1));
      if (close + 1 < object.size()) wanted[id] = !file.empty() && object.find(file) != object.npos;
      if (line.starts_with("ob=")) is_wanted = wanted[id];
    } else if (line.starts_with("calls=")) {
      is_inclusive = true;  // the next line is what was called, which has lines of its own
    } else if (!line.empty() && (line[0] == '+' || line[0] == '-' || line[0] == '*' ||
                                 (line[0] >= '0' && line[0] <= '9'))) {
      const std::size_t space = line.find(' ');
      if (space == line.npos) return std::nullopt;
      const auto value = number(line.substr(space + 1));
      if (!value) return std::nullopt;
      if (is_wanted && !is_inclusive) profile.in_file += *value;
      is_inclusive = false;
    }
  }
  if (!counts_instructions || !has_total) return std::nullopt;
  return profile;
}

}  // namespace sokr::bench
