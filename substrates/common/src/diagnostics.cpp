// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/base/sentence.hpp>
#include <sokr/substrate/diagnostics.hpp>
#include <vector>

namespace sokr::substrate {
namespace {

struct LastError {
  std::string sentence;
  bool out_of_memory = false;  // and so was the memory for the sentence
};

std::vector<LastError>& last_errors() {
  thread_local std::vector<LastError> errors;
  return errors;
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
  return sokr::write_sentence(sentence, out, capacity);
}

Failure failure_from_exception() noexcept {
  return sokr::failure_from_exception();
}

}  // namespace sokr::substrate
