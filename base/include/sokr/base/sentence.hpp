// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Sentences on their way across a C boundary, and exceptions that must not cross it. Any thread;
// nothing here throws.
#ifndef SOKR_BASE_SENTENCE_HPP_
#define SOKR_BASE_SENTENCE_HPP_

#include <cstddef>
#include <exception>
#include <new>
#include <sokr/base/result.hpp>
#include <string_view>

namespace sokr {

inline constexpr std::string_view kOutOfMemory = "out of memory";

// Control characters, of names that somebody else made, become spaces.
constexpr char on_one_line(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c;
}

// Writes one line with a final 0, cut between characters of UTF-8; nothing if `out` is null or
// has no room. Returns the length of the whole sentence.
inline std::size_t write_sentence(std::string_view sentence, char* out,
                                  std::size_t capacity) noexcept {
  if (out == nullptr || capacity == 0) return sentence.size();
  std::size_t size = sentence.size();
  if (size > capacity - 1) {
    size = capacity - 1;
    while (size > 0 && (static_cast<unsigned char>(sentence[size]) & 0xC0u) == 0x80u) --size;
  }
  for (std::size_t i = 0; i < size; ++i) out[i] = on_one_line(sentence[i]);
  out[size] = '\0';
  return sentence.size();
}

// To be called in a catch block. The code is SOKR_DISPATCH_FAILED, the sentence what the
// exception says, or empty if there is no memory for it.
inline Failure failure_from_exception() noexcept {
  Failure failure{SOKR_DISPATCH_FAILED, {}};
  const auto say = [&failure](std::string_view what) {
    try {
      failure.sentence = what;
    } catch (...) {
    }
  };
  try {
    throw;
  } catch (const std::bad_alloc&) {
    say(kOutOfMemory);  // short enough to need no allocation
  } catch (const std::exception& e) {
    say(e.what());
  } catch (...) {
    say("an unknown exception was thrown");
  }
  return failure;
}

}  // namespace sokr

#endif  // SOKR_BASE_SENTENCE_HPP_
