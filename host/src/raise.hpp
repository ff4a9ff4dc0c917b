// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The border between results inside and exceptions outside.
#ifndef SOKR_HOST_RAISE_HPP_
#define SOKR_HOST_RAISE_HPP_

#include <sokr/base/result.hpp>
#include <sokr/sokr.hpp>

namespace sokr::host {

// Whoever uses a Buffer that was never allocated, or was moved from.
inline constexpr const char* kNoMemory = "this Buffer holds no memory; allocate one";

[[noreturn]] inline void raise(const Failure& failure) {
  throw Error(failure.code, failure.sentence);
}

template <class T>
T value(Result<T> result) {
  if (!result) raise(result.failure());
  return *std::move(result);
}

inline void check(const Result<void>& result) {
  if (!result) raise(result.failure());
}

}  // namespace sokr::host

#endif  // SOKR_HOST_RAISE_HPP_
