// SPDX-License-Identifier: MIT OR Apache-2.0
#include "output.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "text.hpp"

namespace sokr::cli {

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw std::runtime_error(fmt::format("the result cannot be written to standard output: {}",
                                         std::generic_category().message(errno)));
  }
}

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

void note(std::string_view line) {
  const std::string text = fmt::format("sokr: {}\n", printable(line));
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void inform(std::string_view line) {
  const char* level = std::getenv("SOKR_LOG");
  if (level == nullptr) return;
  if (std::strcmp(level, "info") == 0 || std::strcmp(level, "debug") == 0) note(line);
}

}  // namespace sokr::cli
