// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What exporter.hpp asks of a class: which of the functions that a substrate may have are there,
// and what is answered in place of those that are not.
#ifndef SOKR_SUBSTRATE_EXPORTED_CLASS_HPP_
#define SOKR_SUBSTRATE_EXPORTED_CLASS_HPP_

#include <sokr/compute.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <sokr/base/result.hpp>
#include <sokr/substrate/diagnostics.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/statistics.hpp>
#include <span>
#include <string>
#include <utility>

namespace sokr::substrate::detail {

template <class S>
concept HasMemory = requires(S& s) { s.memory(); };
template <class S>
concept HasTokens = requires(S& s) { s.tokens().poll(0); };
template <class S>
concept HasTiming = HasTokens<S> || requires(S& s, std::uint64_t token) { s.timing(token); };
template <class S>
concept HasStatistics = requires(S& s, StatisticList& list) { s.statistics(list); };
template <class S>
concept HasKernels = requires(S& s, SokrKernel kernel) {
  s.prepare(std::span<const SokrKernelInfo* const>(), &kernel);
  s.release(kernel);
};
template <class S>
concept HasProcessEnds = requires(S& s) { s.process_ends(); };
template <class S>
concept HasRetire = requires(S& s) { s.retire(); };

// What the class says of a token, or else its table.
template <class S>
CompletionAnswer completion(S& s, std::uint64_t token, std::uint64_t timeout_ns) {
  if constexpr (requires { s.completion(token, timeout_ns); })
    return s.completion(token, timeout_ns);
  else
    return s.tokens().completion(token, timeout_ns);
}
template <class S>
std::string completion_error(S& s, std::uint64_t token) {
  if constexpr (requires { s.completion_error(token); })
    return s.completion_error(token);
  else
    return s.tokens().error(token);
}
template <class S>
std::optional<Timing> timing(S& s, std::uint64_t token) {
  if constexpr (requires { s.timing(token); })
    return s.timing(token);
  else
    return s.tokens().timing(token);
}

// Why there is nobody to ask: the process was forked, or the substrate was destroyed.
SokrResult gone(std::size_t slot) noexcept;
SokrResult bad_argument(std::size_t slot, const char* what) noexcept;

// Calls `body` and turns a failure or an exception into a code and a recorded sentence.
template <class Body>
SokrResult guarded(std::size_t slot, Body&& body) noexcept {
  try {
    auto result = body();
    if (result) return SOKR_OK;
    return record_failure(slot, std::move(result).failure());
  } catch (...) {
    return record_failure(slot, failure_from_exception());
  }
}

// Stores the value of a Result in *out, leaves out alone on failure.
template <class T, class U>
Result<void> store(Result<T> result, U* out) {
  if (!result) return std::move(result).failure();
  *out = *std::move(result);
  return {};
}

}  // namespace sokr::substrate::detail

#endif  // SOKR_SUBSTRATE_EXPORTED_CLASS_HPP_
