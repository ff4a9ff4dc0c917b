// SPDX-License-Identifier: MIT OR Apache-2.0
#include "log.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <sokr/observe.hpp>

namespace sokr::host {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames{"error", "warning", "info", "debug"};

std::atomic<std::uint32_t> current_level{SOKR_LOG_WARNING};
std::atomic<LogObserver> observer{nullptr};

}  // namespace

void read_log_level() {
  const char* text = std::getenv("SOKR_LOG");
  SokrLogLevel level = SOKR_LOG_WARNING;
  bool known = text == nullptr || *text == '\0';
  for (std::size_t i = 0; !known && i < kLevelNames.size(); ++i) {
    if (kLevelNames[i] != text) continue;
    level = static_cast<SokrLogLevel>(i);
    known = true;
  }
  current_level.store(level, std::memory_order_relaxed);
  if (!known) {
    log(SOKR_LOG_WARNING, "SOKR_LOG is '{}'; it takes error, warning, info or debug", text);
  }
}

SokrLogLevel log_level() {
  return static_cast<SokrLogLevel>(current_level.load(std::memory_order_relaxed));
}

std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

void log_line(SokrLogLevel level, std::string_view line) {
  if (level > log_level()) return;
  const std::string one = one_line(line);
  const std::string text = fmt::format("sokr: {}: {}\n", kLevelNames[level], one);
  std::fwrite(text.data(), 1, text.size(), stderr);
  if (const LogObserver observe = observer.load(std::memory_order_acquire)) {
    observe(level, one.c_str());
  }
}

}  // namespace sokr::host

void sokr::observe_log(LogObserver observer) noexcept {
  host::observer.store(observer, std::memory_order_release);
}
