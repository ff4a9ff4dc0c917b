// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Substrates whose every answer a test decides. A vtable has no context argument, so
// each number is a plugin of its own with static state.
#ifndef SOKR_TESTS_CORE_FAKE_PLUGIN_HPP_
#define SOKR_TESTS_CORE_FAKE_PLUGIN_HPP_

#include <sokr/sokr.h>

#include <cstring>
#include <functional>
#include <vector>

namespace sokr::core_test {

struct Script {
  SokrResult capability = SOKR_OK;
  SokrCapabilityResponse capability_response = {SOKR_OK, 0, 0};
  bool writes_capability = true;

  SokrResult dispatch = SOKR_OK;
  SokrDispatchResponse dispatch_response = {SOKR_OK, 1};
  bool writes_dispatch = true;
  std::function<void()> during_dispatch;

  SokrResult completion = SOKR_OK;
  uint32_t signal = SOKR_COMPLETION_COMPLETE;
  bool writes_signal = true;

  int capability_calls = 0, dispatch_calls = 0, completion_calls = 0, destroy_calls = 0;
  SokrCapabilityQuery seen_query = {};
  SokrDispatchRequest seen_request = {};
  SokrCompletionQuery seen_completion = {};

  int calls() const { return capability_calls + dispatch_calls + completion_calls; }
};

// The order in which plugins were asked or destroyed, by their numbers.
inline std::vector<int> call_order;

template <int kNumber>
struct Fake {
  static inline Script script;

  static SokrResult capability(const SokrCapabilityQuery* query, SokrCapabilityResponse* response) {
    ++script.capability_calls;
    call_order.push_back(kNumber);
    script.seen_query = *query;
    if (script.writes_capability) *response = script.capability_response;
    return script.capability;
  }
  static SokrResult dispatch(const SokrDispatchRequest* request, SokrDispatchResponse* response) {
    ++script.dispatch_calls;
    script.seen_request = *request;
    if (script.during_dispatch) script.during_dispatch();
    if (script.writes_dispatch) *response = script.dispatch_response;
    return script.dispatch;
  }
  static SokrResult completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
    ++script.completion_calls;
    script.seen_completion = *query;
    if (script.writes_signal) std::memcpy(signal, &script.signal, sizeof script.signal);
    return script.completion;
  }
  static void destroy() {
    ++script.destroy_calls;
    call_order.push_back(-kNumber);
  }

  static constexpr SokrSubstratePlugin plugin() {
    return {{SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH},
            capability,
            dispatch,
            completion,
            destroy};
  }
};

}  // namespace sokr::core_test

#endif  // SOKR_TESTS_CORE_FAKE_PLUGIN_HPP_
