// SPDX-License-Identifier: MIT OR Apache-2.0
#include <pthread.h>

#include <memory>
#include <new>
#include <sokr/base/sentence.hpp>
#include <sokr/substrate/diagnostics.hpp>
#include <sokr/substrate/keep_loaded.hpp>
#include <utility>
#include <vector>

namespace sokr::substrate {
namespace {

struct LastError {
  std::string sentence;
  bool out_of_memory = false;  // and so was the memory for the sentence
};

using LastErrors = std::vector<LastError>;

// Of the calling thread; null before its first and when it has ended.
thread_local LastErrors* last_errors = nullptr;

// Makes a key that destroys what a thread has under it when the thread ends; false if there is
// none. Threads may end when nobody has this library open any more, and need it for that.
bool make_key(pthread_key_t& key) noexcept {
  keep_loaded();
  return ::pthread_key_create(&key, [](void* ended) {
           last_errors = nullptr;
           delete static_cast<LastErrors*>(ended);
         }) == 0;
}

// exit() destroys the thread_local objects of its thread before static objects, whose destructors
// may still call and fail here. Keys it leaves alone.
bool destroy_at_thread_end(LastErrors* errors) noexcept {
  static pthread_key_t key;
  static const bool has_key = make_key(key);
  return has_key && ::pthread_setspecific(key, errors) == 0;
}

// Made if there are none. Throws std::bad_alloc.
LastErrors& errors_of_thread() {
  if (last_errors == nullptr) {
    auto made = std::make_unique<LastErrors>();
    if (!destroy_at_thread_end(made.get())) throw std::bad_alloc();
    last_errors = made.release();
  }
  return *last_errors;
}

}  // namespace

void record_error(std::size_t slot, std::string sentence) noexcept {
  try {
    LastErrors& errors = errors_of_thread();
    if (errors.size() <= slot) errors.resize(slot + 1);
    errors[slot].sentence = std::move(sentence);
    errors[slot].out_of_memory = false;
  } catch (...) {
    if (last_errors && slot < last_errors->size()) (*last_errors)[slot].out_of_memory = true;
  }
}

SokrResult record_failure(std::size_t slot, Failure failure) noexcept {
  const SokrResult code = failure.code == SOKR_OK ? SOKR_DISPATCH_FAILED : failure.code;
  record_error(slot, std::move(failure.sentence));
  return code;
}

void clear_error(std::size_t slot) noexcept {
  if (last_errors && slot < last_errors->size()) (*last_errors)[slot] = LastError{};
}

std::string_view last_error(std::size_t slot) noexcept {
  if (!last_errors || slot >= last_errors->size()) return {};
  const LastError& error = (*last_errors)[slot];
  return error.out_of_memory ? kOutOfMemory : std::string_view(error.sentence);
}

std::size_t write_sentence(std::string_view sentence, char* out, std::size_t capacity) noexcept {
  return sokr::write_sentence(sentence, out, capacity);
}

Failure failure_from_exception() noexcept {
  return sokr::failure_from_exception();
}

}  // namespace sokr::substrate
