// SPDX-License-Identifier: MIT OR Apache-2.0
#include "output.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "text.hpp"

namespace sokr::cli {

bool write_all(int descriptor, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      pollfd ready{descriptor, POLLOUT, 0};
      if (::poll(&ready, 1, -1) < 0 && errno != EINTR) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void print(std::string_view text) {
  if (std::fflush(stdout) != 0 || !write_all(STDOUT_FILENO, std::as_bytes(std::span(text)))) {
    throw std::runtime_error(fmt::format("the result cannot be written to standard output: {}",
                                         std::generic_category().message(errno)));
  }
}

namespace {

void append_json(const Json& json, std::size_t indent, std::string& text) {
  const auto is_number = [](const Json& one) { return one.is_number(); };
  const bool numbers = json.is_array() && std::all_of(json.begin(), json.end(), is_number);
  if (!json.is_structured() || json.empty() || numbers) {
    text += json.dump(-1, ' ', false, Json::error_handler_t::replace);
    return;
  }
  text += json.is_object() ? '{' : '[';
  const char* separator = "\n";
  for (const auto& [key, value] : json.items()) {
    text += separator;
    text.append(indent + 2, ' ');
    if (json.is_object()) {
      text += Json(key).dump(-1, ' ', false, Json::error_handler_t::replace) + ": ";
    }
    append_json(value, indent + 2, text);
    separator = ",\n";
  }
  text += '\n';
  text.append(indent, ' ');
  text += json.is_object() ? '}' : ']';
}

}  // namespace

std::string json_text(const Json& json) {
  std::string text;
  append_json(json, 0, text);
  return text + '\n';
}

bool is_nested_deeper(std::string_view text, std::size_t most) {
  std::size_t depth = 0;
  bool is_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      is_string = !is_string;
    } else if (is_string) {
      if (c == '\\') ++i;
    } else if (c == '[' || c == '{') {
      if (++depth > most) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
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
