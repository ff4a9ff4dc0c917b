// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "tried.hpp"

namespace sokr::substrate {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::uint64_t kMillisecond = 1'000'000;

// What a poll, or a wait that may run out, may say.
bool is_answer(const Completed& answer, bool is_poll) {
  if (answer.is_terminal()) return true;
  return is_poll ? answer == Completed{SOKR_OK, SOKR_COMPLETION_PENDING}
                 : answer == Completed{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT};
}

}  // namespace

void check_null_completion(Check& check) {
  const SokrSubstratePlugin& table = check.tried.table();
  const SokrCompletionQuery query{1, 0};
  SokrCompletionSignal signal{};
  check.tried.at("completion_fn of a null query");
  SokrResult code = table.completion_fn(nullptr, &signal);
  check.expect(code == SOKR_INVALID_INPUT, "a null query is answered with {}", code_text(code));
  check.tried.at("completion_fn with a null signal");
  code = table.completion_fn(&query, nullptr);
  check.expect(code == SOKR_INVALID_INPUT, "a null signal is answered with {}", code_text(code));
  const Completed answer = check.tried.complete(0, kMillisecond);
  check.expect(answer.code != SOKR_OK, "the token 0 is answered with {}", text(answer));
}

void check_blocking(Check& check) {
  const Sample* sample = check.slow();
  if (!sample) return;
  // Work of this length is told from a processor that was busy with something else.
  constexpr std::chrono::milliseconds kLong{50};
  constexpr int kTimes = 3;
  int waited = 0;
  for (int time = 0; time < kTimes; ++time) {
    const auto token = check.start(*sample);
    if (!token) return;
    const auto begin = Clock::now();
    const Completed polled = check.tried.complete(*token, 0);
    if (polled.is_terminal() && Clock::now() - begin > kLong) ++waited;
    // Not endless, however large; and over long before the work is, or with it.
    (void)check.tried.complete(*token, kMillisecond);
    (void)check.tried.complete(*token, UINT64_MAX - 1);
    (void)check.tried.complete(*token, UINT64_MAX);
  }
  check.expect(waited < kTimes, "a poll of '{}' returned when that was over, each of {} times",
               sample->name, kTimes);
}

void check_signals(Check& check) {
  if (!check.quick()) return;
  for (const Sample& sample : check.subject.samples) {
    const auto token = check.start(sample);
    if (!token) continue;
    const Completed polled = check.tried.complete(*token, 0);
    check.expect(is_answer(polled, true), "a poll of '{}' is answered with {}", sample.name,
                 text(polled));
    const Completed waited = check.tried.complete(*token, kMillisecond);
    check.expect(is_answer(waited, false), "a wait of 1 ms for '{}' is answered with {}",
                 sample.name, text(waited));
    const Completed end = check.tried.wait(*token);
    const auto right = sample.fails ? SOKR_COMPLETION_FAILED : SOKR_COMPLETION_COMPLETE;
    check.expect(end == Completed{SOKR_OK, right}, "'{}' ends as {}, not as {}", sample.name,
                 text(end), signal_text(right));
  }
}

void check_sticky(Check& check) {
  if (!check.quick()) return;
  constexpr int kTimes = 100;
  for (const Sample& sample : check.subject.samples) {
    if (sample.takes_long) continue;
    const auto token = check.start(sample);
    if (!token) continue;
    const Completed end = check.tried.wait(*token);
    std::mutex mutex;
    const auto ask = [&] {
      for (int i = 0; i < kTimes; ++i) {
        const std::uint64_t timeout = i % 3 == 0 ? 0 : i % 3 == 1 ? kMillisecond : UINT64_MAX;
        const Completed again = check.tried.complete(*token, timeout);
        if (again == end) continue;
        const std::scoped_lock lock(mutex);
        check.found("'{}' ended as {}; asked again it is {}", sample.name, text(end), text(again));
        return;
      }
    };
    std::jthread other(ask);
    ask();
    // Others that end meanwhile change nothing of it.
    for (int i = 0; i < kTimes; ++i)
      if (const auto next = check.start(sample)) (void)check.tried.wait(*next);
    ask();
  }
}

void check_waits_end(Check& check) {
  const Sample* sample = check.slow();
  if (!sample) return;
  const auto token = check.start(*sample);
  if (!token) return;
  std::array<Completed, 4> ends;
  {
    std::vector<std::jthread> threads;
    for (Completed& end : ends) threads.emplace_back([&] { end = check.tried.wait(*token); });
  }
  for (const Completed& end : ends)
    check.expect(end.is_terminal() && end == ends[0],
                 "of 4 threads that wait for '{}', one is told {}", sample->name, text(end));
}

void check_unknown_tokens(Check& check) {
  std::vector<std::uint64_t> tokens{SOKR_PLUGIN_TOKEN_MAX, SOKR_PLUGIN_TOKEN_MAX - 1,
                                    UINT64_C(1) << 47, (UINT64_C(1) << 46) + 3};
  for (const Sample& sample : check.subject.samples) {
    if (sample.takes_long) continue;
    if (const auto token = check.start(sample)) {
      (void)check.tried.wait(*token);
      tokens.push_back((*token ^ UINT64_C(1) << 45) & SOKR_PLUGIN_TOKEN_MAX);
    }
  }
  for (const std::uint64_t token : tokens) {
    for (const std::uint64_t timeout : {UINT64_C(0), kMillisecond, UINT64_MAX}) {
      const Completed answer = check.tried.complete(token, timeout);
      check.expect(answer.code == SOKR_NOT_FOUND,
                   "the token {:#x}, which it never gave out, is answered with {}", token,
                   text(answer));
    }
  }
}

}  // namespace sokr::substrate
