// SPDX-License-Identifier: MIT OR Apache-2.0
#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "text.hpp"

namespace sokr::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{500}, kInterval{200};

// Back to the first column; then, to the end of the line, nothing.
constexpr const char* kErase = "\r\x1b[K";

}  // namespace

Progress::Progress() : Progress(::isatty(STDERR_FILENO) != 0 ? stderr : nullptr, Clock::now) {}

void Progress::at(std::string_view substrate, std::size_t done, std::uint32_t wanted,
                  std::string_view unit) {
  if (!out_) return;
  const Clock::time_point now = now_();
  if (now - begin_ < kPatience || (shown_ && now - last_ < kInterval)) return;
  last_ = now;
  shown_ = true;
  std::string text = fmt::format("{}sokr: {}: {}", kErase, substrate, done);
  if (wanted) text += fmt::format(" of {}", wanted);
  const bool is_one = wanted ? wanted == 1 : done == 1;
  text += fmt::format(" {}{}", unit.empty() ? "dispatch" : unit,
                      is_one         ? ""
                      : unit.empty() ? "es"
                                     : "s");
  text += ", " + age_text(std::chrono::duration<double>(now - begin_).count());
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
