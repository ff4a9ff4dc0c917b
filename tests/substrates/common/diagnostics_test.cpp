// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <sokr/substrate/diagnostics.hpp>
#include <sokr/substrate/striped_mutex.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sokr::substrate {
namespace {

TEST(Diagnostics, EachThreadAndSlotHasItsOwnError) {
  record_error(0, "zero");
  EXPECT_EQ(record_failure(3, fail(SOKR_INVALID_IR, "three")), SOKR_INVALID_IR);
  EXPECT_EQ(last_error(0), "zero");
  EXPECT_EQ(last_error(3), "three");
  EXPECT_EQ(last_error(1), "");
  EXPECT_EQ(last_error(1000), "");
  std::thread([] {
    EXPECT_EQ(last_error(0), "");
    record_error(0, "other");
    EXPECT_EQ(last_error(0), "other");
  }).join();
  EXPECT_EQ(last_error(0), "zero");
  clear_error(0);
  EXPECT_EQ(last_error(0), "");
  EXPECT_EQ(last_error(3), "three");
}

// Whoever holds a context or a buffer in a static object calls when exit() has destroyed the
// thread_local objects.
struct CallsAtExit {
  ~CallsAtExit() {
    const std::string earlier(last_error(2));
    record_error(2, "said by the destructor of a static object, in more than a few letters");
    record_error(9, "nine");
    const bool right = earlier == "said before the process ended, in more than a few letters" &&
                       last_error(2).starts_with("said by the destructor") &&
                       last_error(9) == "nine";
    clear_error(2);
    ::_exit(right && last_error(2).empty() ? 0 : 1);
  }
};

TEST(DiagnosticsDeathTest, StaticObjectsAreToldWhatFailed) {
  const auto end = [] {
    static CallsAtExit last;
    record_error(0, "zero");
    record_error(2, "said before the process ended, in more than a few letters");
    std::exit(2);
  };
  EXPECT_EXIT(end(), testing::ExitedWithCode(0), "");
}

TEST(Diagnostics, AFailureIsNeverOk) {
  EXPECT_EQ(record_failure(0, Failure{}), SOKR_DISPATCH_FAILED);
}

TEST(Diagnostics, WritesWithinTheCapacity) {
  char out[8];
  std::memset(out, 'x', sizeof out);
  EXPECT_EQ(write_sentence("hello", nullptr, 0), 5u);
  EXPECT_EQ(write_sentence("hello", out, 0), 5u);
  EXPECT_EQ(out[0], 'x');
  EXPECT_EQ(write_sentence("hello", out, 1), 5u);
  EXPECT_EQ(out[0], '\0');
  EXPECT_EQ(out[1], 'x');
  EXPECT_EQ(write_sentence("hello", out, 4), 5u);
  EXPECT_STREQ(out, "hel");
  EXPECT_EQ(out[4], 'x');
  EXPECT_EQ(write_sentence("hello", out, 6), 5u);
  EXPECT_STREQ(out, "hello");
  EXPECT_EQ(write_sentence("", out, sizeof out), 0u);
  EXPECT_STREQ(out, "");
}

TEST(Diagnostics, CutsAtWholeCharacters) {
  char out[16];
  EXPECT_EQ(write_sentence("a\xC3\xA4o", out, 3), 4u);
  EXPECT_STREQ(out, "a");
  EXPECT_EQ(write_sentence("a\xC3\xA4o", out, 4), 4u);
  EXPECT_STREQ(out, "a\xC3\xA4");
  EXPECT_EQ(write_sentence("\xF0\x9F\x98\x80", out, 4), 4u);
  EXPECT_STREQ(out, "");
}

TEST(Diagnostics, SentencesAreOneLine) {
  char out[32];
  EXPECT_EQ(write_sentence("a\nb\tc\x7F", out, sizeof out), 6u);
  EXPECT_STREQ(out, "a b c ");
}

TEST(Diagnostics, ExceptionsBecomeFailures) {
  const auto failure_of = [](auto thrower) {
    try {
      thrower();
    } catch (...) {
      return failure_from_exception();
    }
    return Failure{};
  };
  EXPECT_EQ(failure_of([] { throw std::bad_alloc(); }).sentence, "out of memory");
  EXPECT_EQ(failure_of([] { throw std::runtime_error("why"); }).sentence, "why");
  EXPECT_EQ(failure_of([] { throw 7; }).sentence, "an unknown exception was thrown");
  EXPECT_EQ(failure_of([] { throw 7; }).code, SOKR_DISPATCH_FAILED);
}

TEST(StripedMutex, WritersAreAlone) {
  StripedMutex mutex;
  std::vector<int> shared(8, 0);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) {
        if (i % 10 == t) {
          std::unique_lock lock(mutex);
          for (int& x : shared) ++x;
        } else {
          std::shared_lock lock(mutex);
          for (int x : shared) ASSERT_EQ(x, shared[0]);
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(shared[7], 200);
}

TEST(CallGate, CloseWaitsForTheCallsInside) {
  for (int round = 0; round < 50; ++round) {
    CallGate gate;
    EXPECT_FALSE(gate.enter()) << "starts closed";
    gate.open();
    auto alive = std::make_unique<int>(1);
    std::atomic<int> entered{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        while (gate.enter()) {
          ++entered;
          ASSERT_EQ(*alive, 1);
          gate.leave();
        }
      });
    }
    while (entered < 3) std::this_thread::yield();
    gate.close();
    *alive = 2;  // nobody is inside: no race, and no assertion above fails
    alive.reset();
    for (auto& thread : threads) thread.join();
  }
}

}  // namespace
}  // namespace sokr::substrate
