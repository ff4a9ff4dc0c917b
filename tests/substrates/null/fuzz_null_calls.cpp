// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Sequences of API calls on the null substrate, compared with a simple model: what
// each token ever answered, it answers again until it is released.
#include <cstdint>
#include <cstdlib>
#include <map>

#include "null_mock.hpp"

namespace {

using namespace sokr::testing_support;

enum class State { kPendingComplete, kPendingFail, kComplete, kFailed };

void require(bool condition) {
  if (!condition) std::abort();
}

struct Model {
  std::map<std::uint64_t, State> tokens;
  std::size_t pending = 0;

  static bool is_pending(State s) {
    return s == State::kPendingComplete || s == State::kPendingFail;
  }

  void dispatch(std::uint32_t behaviour, std::uint64_t named) {
    const auto target = tokens.find(sokr_token_plugin_token(named));
    const bool releases = target != tokens.end() && is_pending(target->second);
    SokrResult expected = SOKR_OK;
    if (behaviour == NULL_REFUSE) expected = SOKR_DISPATCH_FAILED;
    if (behaviour > NULL_REFUSE) expected = SOKR_INVALID_INPUT;
    if (behaviour == NULL_RELEASE && !releases) expected = SOKR_INVALID_INPUT;
    if ((behaviour == NULL_PENDING_COMPLETE || behaviour == NULL_PENDING_FAIL) &&
        pending == NULL_MAX_PENDING) {
      expected = SOKR_DISPATCH_FAILED;
    }
    const Dispatched d = null_run(null_params(behaviour, named));
    require(d.result == expected);
    require((d.token != 0) == (expected == SOKR_OK) && d.token <= SOKR_PLUGIN_TOKEN_MAX);
    if (expected != SOKR_OK) return;
    constexpr State kStates[] = {State::kComplete, State::kFailed, State::kPendingComplete,
                                 State::kPendingFail, State::kComplete};
    require(tokens.emplace(d.token, kStates[behaviour]).second);
    pending += is_pending(kStates[behaviour]);
    if (behaviour == NULL_RELEASE) {
      target->second =
          target->second == State::kPendingComplete ? State::kComplete : State::kFailed;
      --pending;
    }
  }

  void ask(std::uint64_t token, std::uint64_t timeout_ns) const {
    const auto at = tokens.find(token);
    // Nobody would release it: such a wait has no end.
    if (at != tokens.end() && is_pending(at->second) && timeout_ns > 1000) timeout_ns = 1000;
    const Completed answer = null_wait_for(token, timeout_ns);
    if (at == tokens.end()) {
      require(answer == Completed{SOKR_NOT_FOUND, SOKR_COMPLETION_FAILED});
    } else if (is_pending(at->second)) {
      require(answer == (timeout_ns == 0 ? Completed{SOKR_OK, SOKR_COMPLETION_PENDING}
                                         : Completed{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT}));
    } else {
      require(answer == Completed{SOKR_OK, at->second == State::kComplete
                                               ? SOKR_COMPLETION_COMPLETE
                                               : SOKR_COMPLETION_FAILED});
    }
  }

  // A token that was given out, or one near it that was not.
  std::uint64_t pick(std::uint8_t which, std::uint8_t off) const {
    if (tokens.empty()) return off;
    auto at = tokens.begin();
    std::advance(at, which % tokens.size());
    return at->first + (off < 200 ? 0 : off - 200u);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Model model;
  (void)null_substrate();
  for (std::size_t i = 0; i + 4 <= size; i += 4) {
    const std::uint64_t token = model.pick(data[i + 1], data[i + 2]);
    switch (data[i] % 8) {
      case 0:
      case 1:
      case 2:
        model.dispatch(data[i + 3] % 8, token);
        break;
      case 7:
        if (data[i + 3] < 16) {
          null_plugin.destroy_fn();
          for (const auto& [old, state] : model.tokens) {
            require(null_wait_for(old, UINT64_MAX).result == SOKR_NOT_FOUND);
          }
          model = Model{};
          (void)null_substrate();
        } else {
          const std::vector<std::uint8_t> params(data + i, data + size);
          const Dispatched d = null_run(params);
          if (d.result == SOKR_OK) require(d.token != 0);
          null_plugin.destroy_fn();
          model = Model{};
          (void)null_substrate();
        }
        break;
      default:
        model.ask(token, data[i + 3] % 3 == 0 ? 0 : data[i + 3] % 3 == 1 ? 50 : UINT64_MAX);
    }
  }
  null_plugin.destroy_fn();
  return 0;
}
