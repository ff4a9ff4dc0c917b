// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Names of files, programs and kernels are any bytes; what is written for others to read, as JSON
// and XML, is UTF-8. Any thread; nothing here throws.
#ifndef SOKR_BASE_UTF8_HPP_
#define SOKR_BASE_UTF8_HPP_

#include <cstddef>
#include <string_view>

namespace sokr {

// What stands for a byte that belongs to no character: U+FFFD.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Character {
  std::size_t bytes = 1;
  char32_t code = 0;
  bool is_valid = false;
};

// The first character of `text`, which is not empty; a byte that begins none, or one that is
// surrogate, beyond Unicode or longer than it has to be, is by itself and not valid.
constexpr Character first_character(std::string_view text) noexcept {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const char32_t head = byte(0);
  if (head < 0x80) return {1, head, true};
  const std::size_t bytes = head >= 0xF0 ? 4 : head >= 0xE0 ? 3 : 2;
  const Character none{1, head, false};
  if (head < 0xC2 || head > 0xF4 || bytes > text.size()) return none;
  char32_t code = head & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return none;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  const char32_t least = bytes == 4 ? 0x10000 : bytes == 3 ? 0x800 : 0x80;
  if (code < least || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return none;
  return {bytes, code, true};
}

}  // namespace sokr

#endif  // SOKR_BASE_UTF8_HPP_
