// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATE_RUN_AND_END_HPP_
#define SOKR_SUBSTRATE_RUN_AND_END_HPP_

#include <chrono>
#include <cstdint>
#include <sokr/base/result.hpp>
#include <sokr/substrate/diagnostics.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <utility>

namespace sokr::substrate {

// Runs what a token that is under way stands for, and ends the token by what came of it: run()
// returns Result<void>, and may throw. With its time if it is to be profiled.
template <class Run>
void run_and_end(InFlightTable& tokens, std::uint64_t token, bool profile,
                 const Run& run) noexcept {
  const auto begin = std::chrono::steady_clock::now();
  Result<void> done;
  try {
    done = run();
  } catch (...) {
    done = failure_from_exception();
  }
  if (!done) {
    (void)tokens.fail(token, std::move(done).failure().sentence);
    return;
  }
  if (profile) tokens.record_timing(token, {begin, std::chrono::steady_clock::now()});
  (void)tokens.finish(token);
}

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_RUN_AND_END_HPP_
