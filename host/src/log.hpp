// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Lines for people on stderr. SOKR_LOG names the most detailed level that is
// printed: error, warning (the default), info, debug. Any thread; each line is
// written at once.
#ifndef SOKR_HOST_LOG_HPP_
#define SOKR_HOST_LOG_HPP_

#include <fmt/format.h>
#include <sokr/compute.h>

#include <string>
#include <string_view>
#include <utility>

namespace sokr::host {

// Reads SOKR_LOG anew. An unknown word is warned about and means the default.
void read_log_level();
SokrLogLevel log_level();

// Control characters become spaces: a line stays one line.
std::string one_line(std::string_view text);
void log_line(SokrLogLevel level, std::string_view line);

template <class... Args>
void log(SokrLogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (level <= log_level()) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace sokr::host

#endif  // SOKR_HOST_LOG_HPP_
