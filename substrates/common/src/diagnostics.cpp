// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstring>
#include <exception>
#include <new>
#include <sokr/substrate/diagnostics.hpp>
#include <vector>

namespace sokr::substrate {
namespace {

constexpr std::string_view kOutOfMemory = "out of memory";

struct LastError {
  std::string sentence;
  bool out_of_memory = false;  // and so was the memory for the sentence
};

std::vector<LastError>& last_errors() {
  thread_local std::vector<LastError> errors;
  return errors;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0u) == 0x80u;
}

}  // namespace

void record_error(std::size_t slot, std::string sentence) noexcept {
  std::vector<LastError>& errors = last_errors();
  try {
    if (errors.size() <= slot) errors.resize(slot + 1);
    errors[slot].sentence = std::move(sentence);
    errors[slot].out_of_memory = false;
  } catch (...) {
    if (slot < errors.size()) errors[slot].out_of_memory = true;
  }
}

SokrResult record_failure(std::size_t slot, Failure failure) noexcept {
  const SokrResult code = failure.code == SOKR_OK ? SOKR_DISPATCH_FAILED : failure.code;
  record_error(slot, std::move(failure.sentence));
  return code;
}

void clear_error(std::size_t slot) noexcept {
  std::vector<LastError>& errors = last_errors();
  if (slot < errors.size()) errors[slot] = LastError{};
}

std::string_view last_error(std::size_t slot) noexcept {
  const std::vector<LastError>& errors = last_errors();
  if (slot >= errors.size()) return {};
  return errors[slot].out_of_memory ? kOutOfMemory : std::string_view(errors[slot].sentence);
}

std::size_t write_sentence(std::string_view sentence, char* out, std::size_t capacity) noexcept {
  if (out == nullptr || capacity == 0) return sentence.size();
  std::size_t size = sentence.size();
  if (size > capacity - 1) {
    size = capacity - 1;
    while (size > 0 && is_continuation(sentence[size])) --size;
  }
  for (std::size_t i = 0; i < size; ++i) {
    const unsigned char c = static_cast<unsigned char>(sentence[i]);
    out[i] = c < 0x20 || c == 0x7F ? ' ' : sentence[i];
  }
  out[size] = '\0';
  return sentence.size();
}

Failure failure_from_exception() noexcept {
  Failure failure{SOKR_DISPATCH_FAILED, {}};
  try {
    throw;
  } catch (const std::bad_alloc&) {
    try {
      failure.sentence = kOutOfMemory;  // short enough to need no allocation
    } catch (...) {
    }
  } catch (const std::exception& e) {
    try {
      failure.sentence = e.what();
    } catch (...) {
    }
  } catch (...) {
    try {
      failure.sentence = "an unknown exception was thrown";
    } catch (...) {
    }
  }
  return failure;
}

}  // namespace sokr::substrate
