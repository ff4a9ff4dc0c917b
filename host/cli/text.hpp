// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Text for people: aligned columns, sizes, names of enumerators.
#ifndef SOKR_CLI_TEXT_HPP_
#define SOKR_CLI_TEXT_HPP_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::cli {

// Columns of the terminal on stdout; 80 if it is none. COLUMNS overrides it.
std::size_t terminal_width();

// Rows of cells, padded to columns. The last column is wrapped at the terminal's width
// under its own start.
class Table {
 public:
  explicit Table(std::size_t indent = 0) : indent_(indent) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Columns whose cells are aligned to the right.
  void right_align(std::size_t column) { right_.push_back(column); }
  bool empty() const { return rows_.empty(); }
  std::string format(std::size_t width = terminal_width()) const;

 private:
  std::size_t indent_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> right_;
};

// "4 GiB", "1000 bytes", "1 byte": the largest unit of 1024 that divides it exactly, or
// one decimal from 10 KiB on.
std::string bytes_text(std::uint64_t bytes);
// "12.3 µs".
std::string duration_text(double nanoseconds);
// "12 s", "3 min", "5 h", "4 days".
std::string age_text(double seconds);
// "8 x 8 x 1".
std::string extent_text(std::span<const std::uint32_t, 3> extent);
// "discrete GPU" and "discrete_gpu".
std::string kind_text(std::uint32_t kind);
std::string kind_word(std::uint32_t kind);
std::string ir_format_text(std::uint32_t format);
// The candidate that `given` was probably meant to be; empty if none is near.
std::string_view nearest(std::string_view given, std::span<const std::string_view> candidates);
// "a, b and c".
std::string list_text(std::span<const std::string> items);
// Control characters become '?': what came from a file cannot move the cursor.
std::string printable(std::string_view text);

}  // namespace sokr::cli

#endif  // SOKR_CLI_TEXT_HPP_
