// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <latch>
#include <random>
#include <set>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <thread>
#include <vector>

namespace sokr::substrate {
namespace {

constexpr CompletionAnswer kPending{SOKR_OK, SOKR_COMPLETION_PENDING};
constexpr CompletionAnswer kComplete{SOKR_OK, SOKR_COMPLETION_COMPLETE};
constexpr CompletionAnswer kFailed{SOKR_OK, SOKR_COMPLETION_FAILED};
constexpr CompletionAnswer kTimedOut{SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT};
constexpr CompletionAnswer kUnknown{SOKR_NOT_FOUND, SOKR_COMPLETION_FAILED};

TEST(InFlightTable, NeverIssuedTokensAreUnknown) {
  InFlightTable table;
  for (std::uint64_t token :
       {UINT64_C(0), UINT64_C(1), UINT64_C(2), UINT64_C(15), UINT64_C(16), UINT64_C(17),
        SOKR_PLUGIN_TOKEN_MAX, SOKR_PLUGIN_TOKEN_MAX + 1, UINT64_MAX, UINT64_MAX - 1}) {
    EXPECT_EQ(table.completion(token, 0), kUnknown) << token;
    EXPECT_EQ(table.completion(token, UINT64_MAX), kUnknown) << token;
    EXPECT_EQ(table.when_terminal(token, [](bool) { FAIL(); }), SOKR_NOT_FOUND) << token;
    EXPECT_FALSE(table.finish(token)) << token;
    EXPECT_FALSE(table.fail(token, "x")) << token;
    EXPECT_EQ(table.error(token), "") << token;
    EXPECT_FALSE(table.timing(token)) << token;
  }
}

TEST(InFlightTable, CountsWhatItGaveOut) {
  InFlightTable table;
  EXPECT_EQ(table.issued(), 0u);
  (void)table.issue_complete();
  (void)table.issue_complete();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { (void)table.finish(table.begin()); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table.issued(), 6u);
}

TEST(InFlightTable, CompleteTokensNeedNoEnd) {
  InFlightTable table;
  const std::uint64_t a = table.issue_complete(), b = table.issue_complete();
  EXPECT_NE(a, b);
  EXPECT_EQ(table.completion(a, 0), kComplete);
  EXPECT_EQ(table.completion(b, UINT64_MAX), kComplete);
  EXPECT_EQ(table.completion(b + 2, 0), kUnknown);
  EXPECT_FALSE(table.fail(a, "too late"));
  EXPECT_EQ(table.completion(a, 0), kComplete);
  EXPECT_EQ(table.active(), 0u);
}

TEST(InFlightTable, AnswersAreSticky) {
  InFlightTable table;
  const std::uint64_t good = table.begin(), bad = table.begin();
  EXPECT_EQ(table.active(), 2u);
  EXPECT_EQ(table.completion(good, 0), kPending);
  EXPECT_EQ(table.completion(good, 1000), kTimedOut);
  EXPECT_TRUE(table.finish(good));
  EXPECT_TRUE(table.fail(bad, "the device is lost"));
  EXPECT_FALSE(table.fail(good, "again"));
  EXPECT_FALSE(table.finish(bad));
  for (std::uint64_t timeout : {UINT64_C(0), UINT64_C(1), UINT64_MAX}) {
    EXPECT_EQ(table.completion(good, timeout), kComplete);
    EXPECT_EQ(table.completion(bad, timeout), kFailed);
  }
  EXPECT_EQ(table.error(bad), "the device is lost");
  EXPECT_EQ(table.error(good), "");
  EXPECT_EQ(table.active(), 0u);
}

TEST(InFlightTable, TokensAreInRangeAndNeverTheSame) {
  InFlightTable table;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t token = i % 3 == 0 ? table.issue_complete() : table.begin();
    EXPECT_GE(token, 1u);
    EXPECT_LE(token, SOKR_PLUGIN_TOKEN_MAX);
    EXPECT_TRUE(seen.insert(token).second);
    if (i % 2 == 0) (void)table.finish(token);
  }
}

// What one thread writes to give out a token is on no cache line that the others write.
TEST(InFlightTable, ThreadsOfDifferentStripesCountApart) {
  InFlightTable table;
  std::set<std::uint64_t> stripes;
  for (std::size_t i = 0; i < kStripes; ++i) {
    std::uint64_t token = 0;
    std::thread([&] { token = table.issue_complete(); }).join();
    EXPECT_EQ(table.completion(token, 0), kComplete);
    stripes.insert(token / 2 % kStripes);
  }
  EXPECT_EQ(stripes.size(), kStripes);
  EXPECT_EQ(table.issued(), kStripes);
}

TEST(InFlightTable, FailuresAreRememberedWhateverTheirOrder) {
  InFlightTable table({.kept_errors = 10, .kept_timings = 10});
  std::vector<std::uint64_t> tokens(3000);
  for (auto& token : tokens) token = table.begin();
  std::vector<std::size_t> order(tokens.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(7));
  for (std::size_t i : order) {
    if (i % 3 == 0) {
      EXPECT_TRUE(table.finish(tokens[i]));
    } else {
      EXPECT_TRUE(table.fail(tokens[i], "n" + std::to_string(i)));
    }
  }
  std::size_t sentences = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    EXPECT_EQ(table.completion(tokens[i], 0), i % 3 == 0 ? kComplete : kFailed) << i;
    const std::string sentence = table.error(tokens[i]);
    if (sentence.empty()) continue;
    ++sentences;
    EXPECT_EQ(sentence, "n" + std::to_string(i));
  }
  EXPECT_EQ(sentences, 10u) << "the sentences of the latest failures";
}

TEST(InFlightTable, AWaitEndsWithItsToken) {
  InFlightTable table;
  const std::uint64_t token = table.begin();
  const std::uint64_t other = table.begin();
  int payload = 0;
  std::array<std::thread, 4> waiters;
  std::latch started(4);
  std::atomic<int> right{0};
  for (std::size_t i = 0; i < waiters.size(); ++i) {
    waiters[i] = std::thread([&, i] {
      started.count_down();
      // Timeouts that are as good as endless; one overflows if it is added naively.
      const std::uint64_t timeouts[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_C(1) << 62,
                                        3600000000000};
      if (table.completion(token, timeouts[i]) == kComplete && payload == 42) ++right;
    });
  }
  started.wait();
  payload = 42;
  EXPECT_TRUE(table.finish(token));
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(right, 4);
  EXPECT_EQ(table.completion(other, 0), kPending);
  EXPECT_TRUE(table.finish(other));
}

TEST(InFlightTable, AnExpiredWaitLastsItsTimeAndTheWorkGoesOn) {
  InFlightTable table;
  const std::uint64_t token = table.begin();
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(table.completion(token, 20'000'000), kTimedOut);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(20));
  EXPECT_EQ(table.completion(token, 0), kPending);
  EXPECT_TRUE(table.finish(token));
  EXPECT_EQ(table.completion(token, 1), kComplete);
}

TEST(InFlightTable, CallbacksRunOnceWithTheOutcome) {
  InFlightTable table;
  const std::uint64_t good = table.begin(), bad = table.begin();
  std::vector<std::string> log;
  EXPECT_EQ(table.when_terminal(good, [&](bool f) { log.push_back(f ? "g-failed" : "g"); }),
            SOKR_OK);
  EXPECT_EQ(table.when_terminal(bad, [&](bool f) { log.push_back(f ? "b-failed" : "b"); }),
            SOKR_OK);
  EXPECT_TRUE(log.empty());
  (void)table.fail(bad, "no");
  (void)table.finish(good);
  (void)table.finish(good);
  EXPECT_EQ(log, (std::vector<std::string>{"b-failed", "g"}));
  EXPECT_EQ(table.when_terminal(bad, [&](bool f) { log.push_back(f ? "late" : "?"); }), SOKR_OK);
  EXPECT_EQ(
      table.when_terminal(table.issue_complete(), [&](bool f) { log.push_back(f ? "?" : "now"); }),
      SOKR_OK);
  EXPECT_EQ(log.size(), 4u);
  EXPECT_EQ(log[2], "late");
  EXPECT_EQ(log[3], "now");
}

TEST(InFlightTable, ACallbackMayUseTheTable) {
  InFlightTable table;
  const std::uint64_t first = table.begin(), second = table.begin();
  EXPECT_EQ(table.when_terminal(first,
                                [&](bool) {
                                  EXPECT_EQ(table.completion(first, 0), kComplete);
                                  EXPECT_GE(table.active(), 2u)
                                      << "the token is under way until its callbacks are done";
                                  (void)table.fail(second, "chained");
                                }),
            SOKR_OK);
  EXPECT_TRUE(table.finish(first));
  EXPECT_EQ(table.completion(second, UINT64_MAX), kFailed);
}

// All are over before the first callback runs, and what a callback ends is told, too.
TEST(InFlightTable, CallbacksAreHeldUntilWhoEndsLetsGo) {
  InFlightTable table;
  const std::uint64_t a = table.begin(), b = table.begin(), c = table.begin();
  std::vector<int> order;
  ASSERT_EQ(table.when_terminal(a,
                                [&](bool failed) {
                                  EXPECT_TRUE(failed);
                                  EXPECT_EQ(table.poll(b), kFailed);
                                  order.push_back(1);
                                  const InFlightTable::HeldCallbacks within;
                                  EXPECT_TRUE(table.finish(c));
                                }),
            SOKR_OK);
  ASSERT_EQ(table.when_terminal(b, [&](bool) { order.push_back(2); }), SOKR_OK);
  ASSERT_EQ(table.when_terminal(c, [&](bool) { order.push_back(3); }), SOKR_OK);
  {
    const InFlightTable::HeldCallbacks held;
    {
      const InFlightTable::HeldCallbacks within;
      EXPECT_TRUE(table.fail(a, "a"));
    }
    EXPECT_TRUE(table.fail(b, "b"));
    EXPECT_EQ(table.poll(a), kFailed);
    EXPECT_TRUE(order.empty());
    EXPECT_EQ(table.active(), 3u);
  }
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(table.active(), 0u);
  const std::uint64_t later = table.begin();
  ASSERT_EQ(table.when_terminal(later, [&](bool) { order.push_back(4); }), SOKR_OK);
  EXPECT_TRUE(table.finish(later));
  EXPECT_EQ(order.back(), 4);
}

TEST(InFlightTable, SeveralWaitsAreOne) {
  InFlightTable table;
  const std::uint64_t done = table.issue_complete(), a = table.begin(), b = table.begin();
  int calls = 0;
  bool failed = false;
  std::string sentence;
  const auto note = [&](bool f, std::string s) { ++calls, failed = f, sentence = std::move(s); };
  EXPECT_EQ(table.when_all_terminal(std::array{done, a, b, a}, note), SOKR_OK);
  EXPECT_EQ(calls, 0);
  (void)table.fail(b, "device lost");
  EXPECT_EQ(calls, 0);
  (void)table.finish(a);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(failed);
  EXPECT_EQ(sentence, "the launch that it waited for failed: device lost");

  EXPECT_EQ(table.when_all_terminal({}, note), SOKR_OK);
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(failed);
  std::size_t unknown = 99;
  EXPECT_EQ(table.when_all_terminal(std::array{done, UINT64_C(999999)}, note, &unknown),
            SOKR_NOT_FOUND);
  EXPECT_EQ(unknown, 1u);
  EXPECT_EQ(calls, 2);
}

TEST(InFlightTable, AbandonEndsEveryWait) {
  InFlightTable table;
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < 50; ++i) tokens.push_back(table.begin());
  (void)table.finish(tokens[10]);
  std::atomic<int> failed{0};
  std::vector<std::thread> waiters;
  std::latch started(4);
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&, i] {
      started.count_down();
      if (table.completion(tokens[static_cast<std::size_t>(i)], UINT64_MAX) == kFailed) ++failed;
    });
  }
  started.wait();
  table.abandon_all("the substrate was destroyed");
  for (auto& waiter : waiters) waiter.join();
  EXPECT_EQ(failed, 4);
  table.wait_idle();
  EXPECT_EQ(table.completion(tokens[10], 0), kComplete);
  EXPECT_EQ(table.completion(tokens[49], 0), kFailed);
  EXPECT_EQ(table.error(tokens[49]), "the substrate was destroyed");
  EXPECT_FALSE(table.finish(tokens[49])) << "a late worker changes nothing";
}

TEST(InFlightTable, TimingsBelongToCompleteTokens) {
  InFlightTable table({.kept_errors = 4, .kept_timings = 2});
  const std::uint64_t a = table.begin(), b = table.begin();
  table.record_timing(a, 100);
  EXPECT_FALSE(table.timing(a)) << "not finished";
  (void)table.finish(a);
  EXPECT_EQ(table.timing(a), Timing(100));
  EXPECT_EQ(table.timing(a), Timing(100)) << "asking does not consume it";
  table.record_timing(b, 5);
  (void)table.fail(b, "x");
  EXPECT_FALSE(table.timing(b));
  const std::uint64_t c = table.issue_complete();
  table.record_timing(c, 7);
  EXPECT_EQ(table.timing(c), Timing(7));
  EXPECT_FALSE(table.timing(a)) << "dropped";
  EXPECT_FALSE(table.timing(table.issue_complete()));
}

TEST(InFlightTable, ManyThreadsIssueFinishFailAndWait) {
  InFlightTable table;
  constexpr int kThreads = 4, kRounds = 800;
  std::array<std::atomic<std::uint64_t>, kThreads> mailbox{};
  std::array<std::uint64_t, kThreads> written{};
  std::atomic<int> callbacks{0};
  std::vector<std::thread> threads;
  // Producer t begins a token, hands it to finisher t, and waits for it; a third
  // thread polls them all.
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        (void)table.issue_complete();
        const std::uint64_t token = table.begin();
        ASSERT_EQ(table.when_terminal(token, [&](bool) { ++callbacks; }), SOKR_OK);
        mailbox[t].store(token);
        mailbox[t].notify_all();
        const CompletionAnswer answer = table.completion(token, UINT64_MAX);
        ASSERT_EQ(answer, i % 5 == 0 ? kFailed : kComplete);
        ASSERT_EQ(written[t], token) << "what happened before the end is visible";
      }
    });
    threads.emplace_back([&, t] {
      std::uint64_t last = 0;
      for (int i = 0; i < kRounds; ++i) {
        mailbox[t].wait(last);
        last = mailbox[t].load();
        written[t] = last;
        ASSERT_TRUE(i % 5 == 0 ? table.fail(last, "asked to") : table.finish(last));
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 0; i < kRounds; ++i) {
      for (auto& box : mailbox) {
        const std::uint64_t token = box.load();
        if (token == 0) continue;
        const CompletionAnswer first = table.completion(token, 0);
        ASSERT_NE(first, kUnknown);
        if (first != kPending) {
          ASSERT_EQ(table.completion(token, 0), first);
        }
      }
    }
  });
  for (auto& thread : threads) thread.join();
  table.wait_idle();
  EXPECT_EQ(callbacks, kThreads * kRounds);
  EXPECT_EQ(table.active(), 0u);
}

TEST(InFlightTable, MayBeDestroyedWhenIdle) {
  for (int i = 0; i < 200; ++i) {
    auto table = std::make_unique<InFlightTable>();
    const std::uint64_t token = table->begin();
    std::atomic<bool> ran{false};
    ASSERT_EQ(table->when_terminal(token, [&](bool) { ran = true; }), SOKR_OK);
    std::thread worker([token, t = table.get()] { (void)t->finish(token); });
    table->wait_idle();
    EXPECT_TRUE(ran) << "idle means that the callbacks are done too";
    // The worker may still be returning from finish(), but no longer touches the table.
    table.reset();
    worker.join();
  }
}

// What is over is in nobody's way for who is told that it is.
TEST(InFlightTable, ACallbackHasTheRoomOfItsOwnToken) {
  using namespace std::chrono_literals;
  InFlightTable table, other;
  const std::uint64_t a = table.begin(), b = table.begin(), c = table.begin();
  const std::uint64_t foreign = other.begin();
  int told = 0;
  const auto expect_room_of = [&](std::size_t under_way) {
    for (const bool waits : {false, true}) {
      const auto has = [&](std::size_t most) {
        return waits ? table.await_room(most, 0ms) : table.has_room(most);
      };
      EXPECT_TRUE(has(under_way + 1)) << under_way;
      EXPECT_FALSE(has(under_way)) << under_way;
    }
  };
  ASSERT_EQ(table.when_terminal(a,
                                [&](bool) {
                                  expect_room_of(2);
                                  // Its own callback waits behind this one.
                                  EXPECT_TRUE(table.finish(b));
                                  expect_room_of(1);
                                  std::thread([&] {
                                    EXPECT_FALSE(table.has_room(3)) << "of another thread";
                                  }).join();
                                  EXPECT_FALSE(table.await_idle(0ms)) << "this one runs";
                                  EXPECT_FALSE(other.has_room(1));
                                  ++told;
                                }),
            SOKR_OK);
  ASSERT_EQ(table.when_terminal(b,
                                [&](bool) {
                                  expect_room_of(1);
                                  ++told;
                                }),
            SOKR_OK);
  EXPECT_TRUE(table.finish(a));
  EXPECT_EQ(told, 2);
  expect_room_of(1);
  // The same while callbacks are held.
  ASSERT_EQ(table.when_terminal(c, [&](bool) { ++told; }), SOKR_OK);
  {
    const InFlightTable::HeldCallbacks held;
    EXPECT_TRUE(table.finish(c));
    EXPECT_EQ(told, 2);
    EXPECT_TRUE(table.has_room(1));
    EXPECT_EQ(table.active(), 1u);
  }
  EXPECT_EQ(told, 3);
  EXPECT_TRUE(table.await_idle(0ms));
  EXPECT_TRUE(other.finish(foreign));
}

TEST(InFlightTable, RoomIsWaitedForUntilOneEnds) {
  using namespace std::chrono_literals;
  InFlightTable table;
  const std::uint64_t first = table.begin(), second = table.begin();
  EXPECT_TRUE(table.await_room(3, 0ms));
  EXPECT_FALSE(table.await_room(2, 1ms));
  std::thread ender([&] { table.finish(first); });
  EXPECT_TRUE(table.await_room(2, 1h));
  ender.join();
  // Several that wait are all let in, and the last end of all lets them in as well.
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) waiters.emplace_back([&] { EXPECT_TRUE(table.await_room(1, 1h)); });
  table.finish(second);
  for (auto& waiter : waiters) waiter.join();
  table.wait_idle();
}

TEST(InFlightTable, OneThatIsWaitedForAloneTellsWhyItFailed) {
  InFlightTable table;
  const std::uint64_t first = table.begin();
  std::string seen;
  int calls = 0;
  const auto note = [&](bool failed, std::string sentence) {
    ++calls;
    EXPECT_TRUE(failed);
    seen = std::move(sentence);
  };
  EXPECT_EQ(table.when_all_terminal({&first, 1}, note), SOKR_OK);
  EXPECT_EQ(calls, 0);
  table.fail(first, "it was asked to");
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(seen, "the launch that it waited for failed: it was asked to");
  EXPECT_EQ(table.when_all_terminal({&first, 1}, note), SOKR_OK);
  EXPECT_EQ(calls, 2);
  const std::uint64_t stranger = 1'000'000;
  std::size_t unknown = 7;
  EXPECT_EQ(table.when_all_terminal({&stranger, 1}, note, &unknown), SOKR_NOT_FOUND);
  EXPECT_EQ(unknown, 0u);
  EXPECT_EQ(calls, 2);
}

TEST(InFlightTable, KeepsWhatATokenStandsForUntilItEnds) {
  InFlightTable table;
  const auto what = std::make_shared<int>(42);
  const std::uint64_t first = table.begin(what), other = table.begin();
  EXPECT_EQ(table.find_as<int>(first), what);
  EXPECT_EQ(table.find(other), nullptr);
  EXPECT_EQ(table.find(table.issue_complete()), nullptr);
  EXPECT_EQ(table.find(1'000'000), nullptr);
  EXPECT_EQ(what.use_count(), 2);
  EXPECT_TRUE(table.finish(first));
  EXPECT_EQ(table.find(first), nullptr);
  EXPECT_EQ(what.use_count(), 1);
  // The entry is used again, without what it stood for.
  const std::uint64_t next = table.begin();
  EXPECT_EQ(table.find(next), nullptr);
  EXPECT_TRUE(table.fail(next, "no"));
  EXPECT_TRUE(table.finish(other));
}

TEST(InFlightTable, StopsWhatIsAbandonedOnceItsTokenFailed) {
  InFlightTable table;
  const auto what = std::make_shared<std::uint64_t>(0);
  *what = table.begin(what);
  const std::uint64_t bare = table.begin();
  int stopped = 0;
  table.abandon_all("gone", [&](void* at) {
    EXPECT_EQ(at, what.get());
    EXPECT_EQ(table.completion(*what, 0), kFailed);
    ++stopped;
  });
  EXPECT_EQ(stopped, 1);
  EXPECT_EQ(table.error(bare), "gone");
  table.wait_idle();
}

// Each token's end ends the next: as deep as that would be, the stack is not.
TEST(InFlightTable, AChainOfAnyLengthEndsOnASmallStack) {
  struct Chain {
    InFlightTable table;
    std::vector<std::uint64_t> tokens;
  } chain;
  constexpr std::size_t kLength = 200'000;
  for (std::size_t i = 0; i < kLength; ++i) chain.tokens.push_back(chain.table.begin());
  for (std::size_t i = 0; i + 1 < kLength; ++i)
    ASSERT_EQ(chain.table.when_terminal(chain.tokens[i],
                                        [&, i](bool failed) {
                                          EXPECT_EQ(failed, i % 2 != 0);
                                          failed ? chain.table.finish(chain.tokens[i + 1])
                                                 : chain.table.fail(chain.tokens[i + 1],
                                                                    "every other one");
                                        }),
              SOKR_OK);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, std::size_t{1} << 20);
  pthread_t thread;
  const auto run = [](void* at) -> void* {
    auto& all = *static_cast<Chain*>(at);
    all.table.finish(all.tokens.front());
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &chain), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  EXPECT_EQ(chain.table.completion(chain.tokens.back(), 0), kFailed);
  EXPECT_EQ(chain.table.active(), 0u);
}

TEST(InFlightTable, WhoWaitsHelpsUntilItsTimeIsOver) {
  InFlightTable table;
  const auto what = std::make_shared<int>(0);
  const std::uint64_t token = table.begin(what);
  const auto never = [](const auto&, std::uint64_t) -> std::uint64_t {
    ADD_FAILURE() << "helped a token that is not under way";
    return 0;
  };
  EXPECT_EQ(table.completion_with_help<int>(table.issue_complete(), UINT64_MAX, never), kComplete);
  EXPECT_EQ(table.completion_with_help<int>(1'000'000, UINT64_MAX, never), kUnknown);
  // A poll helps once.
  int calls = 0;
  const auto once = [&](const std::shared_ptr<int>& at, std::uint64_t left) -> std::uint64_t {
    EXPECT_EQ(at, what);
    EXPECT_EQ(left, 0u);
    ++calls;
    return 0;
  };
  EXPECT_EQ(table.completion_with_help<int>(token, 0, once), kPending);
  EXPECT_EQ(calls, 1);
  // With time, again and again, and less is left each time.
  std::uint64_t last = UINT64_MAX;
  calls = 0;
  const auto hurried = [&](const auto&, std::uint64_t left) -> std::uint64_t {
    EXPECT_LE(left, last);
    last = left;
    ++calls;
    return calls % 2 == 0 ? 0 : 100'000;
  };
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(table.completion_with_help<int>(token, 5'000'000, hurried), kTimedOut);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(5));
  EXPECT_GT(calls, 1);
  // Who has nothing left to do sleeps until another thread ends it.
  std::atomic<bool> asleep{false};
  std::thread other([&] {
    asleep.wait(false);
    table.finish(token);
  });
  const auto lazy = [&](const auto&, std::uint64_t) -> std::uint64_t {
    asleep = true;
    asleep.notify_all();
    return UINT64_MAX;
  };
  EXPECT_EQ(table.completion_with_help<int>(token, UINT64_MAX, lazy), kComplete);
  other.join();
  // And what the help ended is over.
  const std::uint64_t next = table.begin(what);
  const auto ends = [&](const auto&, std::uint64_t) -> std::uint64_t {
    table.fail(next, "by who waited");
    return 0;
  };
  EXPECT_EQ(table.completion_with_help<int>(next, 1, ends), kFailed);
}

// Few are not counted one by one; from many on they are, to the last.
TEST(InFlightTable, TheLimitOfWhatIsUnderWayIsExact) {
  using namespace std::chrono_literals;
  constexpr std::size_t kMost = 2000;
  for (const std::size_t threads : {1u, 3u, 8u}) {
    InFlightTable table;
    std::vector<std::vector<std::uint64_t>> tokens(threads);
    // One after the other, so that nobody gets through at once with another.
    for (std::size_t t = 0; t < threads; ++t)
      std::thread([&] {
        const std::size_t mine = kMost * (t + 1) / threads - kMost * t / threads;
        for (std::size_t i = 0; i < mine; ++i) {
          ASSERT_TRUE(table.await_room(kMost, 0ms)) << threads << ": " << t << ", " << i;
          tokens[t].push_back(table.begin());
        }
      }).join();
    EXPECT_EQ(table.active(), kMost);
    EXPECT_FALSE(table.await_room(kMost, 0ms));
    std::thread([&] {
      EXPECT_FALSE(table.await_room(kMost, 0ms)) << "of a thread that has none";
    }).join();
    table.finish(tokens.back().back());
    tokens.back().pop_back();
    EXPECT_TRUE(table.await_room(kMost, 0ms));
    for (const auto& some : tokens)
      for (const std::uint64_t token : some) EXPECT_TRUE(table.finish(token));
    EXPECT_EQ(table.active(), 0u);
    EXPECT_TRUE(table.await_room(1, 0ms));
  }
}

// A library that stays loaded offers its substrates anew: docs/contract.md, PLG-6.
TEST(InFlightTable, GivesOutNoTokenOfATableThatWasDestroyed) {
  std::set<std::uint64_t> earlier;
  for (int time = 0; time < 3; ++time) {
    InFlightTable table;
    for (const std::uint64_t token : earlier) EXPECT_EQ(table.poll(token).result, SOKR_NOT_FOUND);
    EXPECT_EQ(table.issued(), 0u);
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(earlier.insert(table.issue_complete()).second);
      const std::uint64_t token = table.begin();
      EXPECT_TRUE(earlier.insert(token).second);
      table.finish(token);
    }
    EXPECT_EQ(table.issued(), 40u);
  }
}

}  // namespace
}  // namespace sokr::substrate
