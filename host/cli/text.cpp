// SPDX-License-Identifier: MIT OR Apache-2.0
#include "text.hpp"

#include <fmt/format.h>
#include <sokr/compute.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <sokr/base/ir_format.hpp>
#include <sokr/base/utf8.hpp>
#include <system_error>
#include <utility>

namespace sokr::cli {
namespace {

constexpr std::pair<const char*, const char*> kKinds[] = {
    {"other", "other"},
    {"discrete GPU", "discrete_gpu"},
    {"integrated GPU", "integrated_gpu"},
    {"virtual GPU", "virtual_gpu"},
    {"CPU", "cpu"},
    {"software GPU", "software_gpu"},
    {"reference", "reference"},
};

// Characters, not bytes: continuation bytes of UTF-8 take no column.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

// Breaks at spaces; a word longer than a line stays whole.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    if (!lines.back().empty()) {
      if (columns_of(lines.back()) + 1 + columns_of(word) > width) {
        lines.emplace_back();
      } else {
        lines.back() += ' ';
      }
    }
    lines.back() += word;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::size_t terminal_width() {
  if (const char* text = std::getenv("COLUMNS")) {
    std::size_t width = 0;
    const std::string_view view = text;
    const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), width);
    if (error == std::errc() && end == view.data() + view.size() && width >= 20) return width;
  }
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  return 80;
}

std::string Table::format(std::size_t width) const {
  std::vector<std::size_t> widths;
  for (const auto& cells : rows_) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      widths[i] = std::max(widths[i], columns_of(cells[i]));
    }
  }
  std::string out;
  for (const auto& cells : rows_) {
    std::string line(indent_, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::size_t gap = widths[i] - columns_of(cells[i]);
      const bool last = i + 1 == cells.size();
      if (std::find(right_.begin(), right_.end(), i) != right_.end()) {
        line += std::string(gap, ' ') + cells[i];
      } else if (last) {
        const std::size_t start = columns_of(line);
        const auto lines = wrapped(cells[i], width > start + 20 ? width - start : 20);
        for (std::size_t n = 0; n < lines.size(); ++n) {
          line += (n ? "\n" + std::string(start, ' ') : "") + lines[n];
        }
      } else {
        line += cells[i] + std::string(gap, ' ');
      }
      if (!last) line += "  ";
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    out += line + '\n';
  }
  return out;
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes == 1) return "1 byte";
  constexpr std::array<const char*, 7> kUnits{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  double scaled = static_cast<double>(bytes);
  bool exact = true;
  for (std::uint64_t rest = bytes; rest >= 1024 && (rest % 1024 == 0 || bytes >= 10240);
       rest /= 1024) {
    exact = exact && rest % 1024 == 0;
    scaled /= 1024;
    ++unit;
  }
  return exact ? fmt::format("{:.0f} {}", scaled, kUnits[unit])
               : fmt::format("{:.1f} {}", scaled, kUnits[unit]);
}

std::string duration_text(double nanoseconds) {
  constexpr std::array<const char*, 3> kUnits{"ns", "µs", "ms"};
  double value = nanoseconds;
  for (const char* unit : kUnits) {
    if (value < 999.5) return fmt::format("{:.{}f} {}", value, value < 99.95 ? 1 : 0, unit);
    value /= 1000;
  }
  return fmt::format("{:.2f} s", value);
}

std::string age_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s", std::floor(seconds));
  if (seconds < 3600) return fmt::format("{:.0f} min", std::floor(seconds / 60));
  if (seconds < 86400) return fmt::format("{:.0f} h", std::floor(seconds / 3600));
  const double days = std::floor(seconds / 86400);
  return fmt::format("{:.0f} {}", days, days == 1 ? "day" : "days");
}

std::string extent_text(std::span<const std::uint32_t, 3> extent) {
  return fmt::format("{} x {} x {}", extent[0], extent[1], extent[2]);
}

std::string kind_text(std::uint32_t kind) {
  return kKinds[kind < std::size(kKinds) ? kind : 0].first;
}

std::string kind_word(std::uint32_t kind) {
  return kKinds[kind < std::size(kKinds) ? kind : 0].second;
}

std::string ir_format_text(std::uint32_t format) {
  const char* known = known_ir_format(format);
  return known ? known : fmt::format("{:#010x}", format);
}

std::string_view nearest(std::string_view given, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, given.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(given, candidate);
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string list_text(std::span<const std::string> items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) text += i + 1 == items.size() ? " and " : ", ";
    text += items[i];
  }
  return text;
}

std::string printable(std::string_view text) {
  const auto is_control = [](char32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
  };
  std::string out;
  while (!text.empty()) {
    // A byte that belongs to no character, too: terminals of 8 bits have controls there.
    const Character one = first_character(text);
    if (is_control(one.code)) {
      out += '?';
    } else {
      out += text.substr(0, one.bytes);
    }
    text.remove_prefix(one.bytes);
  }
  return out;
}

}  // namespace sokr::cli
