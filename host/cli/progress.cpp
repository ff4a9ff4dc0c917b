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

Progress::Progress() : terminal_(::isatty(STDERR_FILENO) != 0) {}

void Progress::at(const Substrate& substrate, std::size_t done, std::uint32_t wanted) {
  if (!terminal_) return;
  const Clock::time_point now = Clock::now();
  if (now - begin_ < kPatience || (shown_ && now - last_ < kInterval)) return;
  last_ = now;
  shown_ = true;
  std::string text = fmt::format("{}sokr: {}: {}", kErase, substrate.name(), done);
  if (wanted) text += fmt::format(" of {}", wanted);
  text += done == 1 && !wanted ? " dispatch" : wanted == 1 ? " dispatch" : " dispatches";
  text += ", " + age_text(std::chrono::duration<double>(now - begin_).count());
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void Progress::clear() {
  if (!shown_) return;
  std::fputs(kErase, stderr);
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace sokr::cli
