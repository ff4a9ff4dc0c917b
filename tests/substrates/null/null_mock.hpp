// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The null substrate's source, compiled into the test, and short ways to call it.
#ifndef SOKR_TESTS_SUBSTRATES_NULL_NULL_MOCK_HPP_
#define SOKR_TESTS_SUBSTRATES_NULL_NULL_MOCK_HPP_

#include <cstdint>
#include <string>
#include <vector>

#include "null.c"

namespace sokr::testing_support {

inline const SokrSubstrateInfo& null_substrate() {
  return *sokr_plugin_main(nullptr)->substrates[0];
}

inline std::vector<std::uint8_t> null_params(std::uint32_t behaviour, std::uint64_t released = 0) {
  std::uint8_t push[16] = {};
  memcpy(push, &behaviour, sizeof behaviour);
  memcpy(push + 8, &released, sizeof released);
  SokrLaunch launch{};
  launch.push = push;
  launch.push_size = behaviour == NULL_RELEASE ? 16 : 4;
  std::vector<std::uint8_t> out(sokr_launch_size(&launch));
  out.resize(sokr_launch_write(&launch, out.data(), out.size()));
  return out;
}

struct Dispatched {
  SokrResult result;
  std::uint64_t token;
};

inline Dispatched null_run(const std::vector<std::uint8_t>& params,
                           const std::string& ir = "NULL") {
  SokrDispatchRequest request{};
  request.ir_data = reinterpret_cast<const std::uint8_t*>(ir.data());
  request.ir_data_len = ir.size();
  request.params = params.empty() ? nullptr : params.data();
  request.params_len = params.size();
  SokrDispatchResponse response{};
  const SokrResult result = null_substrate().plugin->dispatch_fn(&request, &response);
  return {result, response.completion_token};
}

struct Completed {
  SokrResult result;
  SokrCompletionSignal signal;
  bool operator==(const Completed& other) const {
    return result == other.result && signal == other.signal;
  }
};

inline Completed null_wait_for(std::uint64_t token, std::uint64_t timeout_ns) {
  const SokrCompletionQuery query{token, timeout_ns};
  SokrCompletionSignal signal{};
  const SokrResult result = null_plugin.completion_fn(&query, &signal);
  return {result, signal};
}

inline std::string null_last_sentence() {
  char out[128];
  null_diagnostics.last_error(out, sizeof out);
  return out;
}

}  // namespace sokr::testing_support

#endif  // SOKR_TESTS_SUBSTRATES_NULL_NULL_MOCK_HPP_
