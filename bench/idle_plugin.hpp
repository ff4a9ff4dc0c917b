// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A substrate that does nothing and has no state to share: what is left is what the core takes.
#ifndef SOKR_BENCH_IDLE_PLUGIN_HPP_
#define SOKR_BENCH_IDLE_PLUGIN_HPP_

#include <sokr/sokr.h>

namespace sokr::bench {

inline SokrResult nothing_to_ask(const SokrCapabilityQuery*, SokrCapabilityResponse*) {
  return SOKR_OK;
}
inline SokrResult nothing_to_start(const SokrDispatchRequest*, SokrDispatchResponse* response) {
  response->result = SOKR_OK;
  response->completion_token = 1;
  return SOKR_OK;
}
inline SokrResult nothing_to_await(const SokrCompletionQuery*, SokrCompletionSignal* signal) {
  *signal = SOKR_COMPLETION_COMPLETE;
  return SOKR_OK;
}
inline void nothing_to_destroy() {}

inline constexpr SokrSubstratePlugin kIdlePlugin = {
    {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH},
    nothing_to_ask,
    nothing_to_start,
    nothing_to_await,
    nothing_to_destroy};

}  // namespace sokr::bench

#endif  // SOKR_BENCH_IDLE_PLUGIN_HPP_
