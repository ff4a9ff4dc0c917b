// SPDX-License-Identifier: MIT OR Apache-2.0
#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr std::chrono::milliseconds kInterval{200};
// Where lines stay, as in the log of a machine that builds.
constexpr std::chrono::seconds kPlainInterval{10};
constexpr int kBarCells = 20;

// Back to the first column; then, to the end of the line, nothing.
constexpr const char* kErase = "\r\x1b[K";

}  // namespace

Progress::Progress() : Progress(stderr, Clock::now, ::isatty(STDERR_FILENO) != 0) {}

void Progress::at(std::string_view substrate, std::size_t done, std::uint32_t wanted,
                  std::string_view unit, double part) {
  if (!out_) return;
  const Clock::time_point now = now_();
  if (is_terminal_ ? now - begin_ < kPatience || (shown_ && now - last_ < kInterval)
                   : now - last_ < kPlainInterval) {
    return;
  }
  last_ = now;
  shown_ = is_terminal_;
  std::string text = fmt::format("{}sokr: ", is_terminal_ ? kErase : "");
  if (part >= 0) {
    const int full = static_cast<int>(part * kBarCells);
    text += is_terminal_ ? fmt::format("[{:=<{}}{:>{}}] ", "", full, "", kBarCells - full)
                         : fmt::format("{:.0f} %, ", 100 * part);
  }
  text += fmt::format("{}: {}", substrate, done);
  if (wanted) text += fmt::format(" of {}", wanted);
  const bool is_one = wanted ? wanted == 1 : done == 1;
  const std::string_view counted = unit.empty() ? "dispatch" : unit;
  const bool hisses = counted.ends_with("ch") || counted.ends_with('s');
  text += fmt::format(" {}{}", counted, is_one ? "" : hisses ? "es" : "s");
  text += ", " + age_text(std::chrono::duration<double>(now - begin_).count());
  if (!is_terminal_) text += '\n';
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
}

void Progress::clear() {
  if (!shown_) return;
  std::fputs(kErase, out_);
  std::fflush(out_);
  shown_ = false;
}

}  // namespace sokr::cli
