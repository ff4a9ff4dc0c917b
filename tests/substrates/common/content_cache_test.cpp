// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <latch>
#include <sokr/substrate/content_cache.hpp>
#include <string>
#include <thread>

namespace sokr::substrate {
namespace {

using Cache = ContentCache<std::string>;
using Pointer = Cache::Pointer;

SokrComputationId id(std::uint8_t n) {
  SokrComputationId result{};
  result.bytes[15] = n;
  return result;
}

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

ContentKey key(std::uint8_t n, std::string_view ir, std::string_view extra = "") {
  return {id(n), bytes(ir), bytes(extra)};
}

// Builds the value that names its key, and counts.
struct Compiler {
  Cache& cache;
  int builds = 0;

  std::string operator()(const ContentKey& k) {
    auto result = cache.get(k, [&]() -> Result<Pointer> {
      ++builds;
      return std::make_shared<std::string>(text(k));
    });
    return result ? **result : "failed: " + result.failure().sentence;
  }
  static std::string text(const ContentKey& k) {
    return std::string(k.ir.begin(), k.ir.end()) + "/" +
           std::string(k.extra.begin(), k.extra.end());
  }
};

TEST(ContentCache, BuildsOnce) {
  Cache cache;
  Compiler compile{cache};
  EXPECT_FALSE(cache.find(key(1, "a")));
  EXPECT_EQ(compile(key(1, "a")), "a/");
  EXPECT_EQ(compile(key(1, "a")), "a/");
  EXPECT_EQ(compile.builds, 1);
  ASSERT_TRUE(cache.find(key(1, "a")));
  EXPECT_EQ(***cache.find(key(1, "a")), "a/");
}

TEST(ContentCache, AnIdIsOnlyAHint) {
  Cache cache;
  Compiler compile{cache};
  // One id, many contents of one length; then again, in another order.
  for (int round = 0; round < 3; ++round) {
    for (char c = 'a'; c <= 'z'; ++c) {
      const std::string ir = {'k', c};
      EXPECT_EQ(compile(key(1, ir)), ir + "/");
      EXPECT_EQ(compile(key(1, ir, "x")), ir + "/x");
      EXPECT_EQ(compile(key(0, ir)), ir + "/") << "no id at all";
    }
  }
  EXPECT_EQ(compile.builds, 52);
  // Many ids, one content: one build, and no id is remembered for ever.
  for (int n = 1; n < 256; ++n)
    EXPECT_EQ(compile(key(static_cast<std::uint8_t>(n), "same")), "same/");
  EXPECT_EQ(compile.builds, 53);
  EXPECT_EQ(cache.stats().entries, 53u);
  EXPECT_EQ(cache.stats().builds, 53u);
}

TEST(ContentCache, TheBytesAreCopied) {
  Cache cache;
  Compiler compile{cache};
  std::string ir = "before";
  EXPECT_EQ(compile(key(1, ir)), "before/");
  ir[0] = 'B';  // same address, same id, other bytes
  EXPECT_EQ(compile(key(1, ir)), "Before/");
  EXPECT_EQ(compile(key(1, "before")), "before/");
  EXPECT_EQ(compile.builds, 2);
}

TEST(ContentCache, TheSplitBetweenIrAndExtraMatters) {
  Cache cache;
  Compiler compile{cache};
  for (std::uint8_t n : {0, 1}) {
    EXPECT_EQ(compile(key(n, "ab", "c")), "ab/c");
    EXPECT_EQ(compile(key(n, "a", "bc")), "a/bc");
    EXPECT_EQ(compile(key(n, "", "abc")), "/abc");
    EXPECT_EQ(compile(key(n, "abc", "")), "abc/");
    EXPECT_EQ(compile(key(n, "", "")), "/");
  }
  EXPECT_EQ(compile.builds, 5);
}

TEST(ContentCache, KeepsFailuresOfTheContentOnly) {
  Cache cache;
  int builds = 0;
  const auto ask = [&](const ContentKey& k, SokrResult code) {
    return cache.get(k, [&]() -> Result<Pointer> {
      ++builds;
      return fail(code, "no {}", builds);
    });
  };
  EXPECT_EQ(ask(key(1, "bad"), SOKR_INVALID_IR).failure().sentence, "no 1");
  EXPECT_EQ(ask(key(1, "bad"), SOKR_INVALID_IR).failure().sentence, "no 1");
  EXPECT_EQ(ask(key(2, "bad"), SOKR_INVALID_IR).code(), SOKR_INVALID_IR);
  EXPECT_EQ(ask(key(1, "memory"), SOKR_DISPATCH_FAILED).failure().sentence, "no 2");
  EXPECT_EQ(ask(key(1, "memory"), SOKR_DISPATCH_FAILED).failure().sentence, "no 3");
  Compiler compile{cache};
  EXPECT_EQ(compile(key(1, "memory")), "memory/") << "it may work the next time";
}

TEST(ContentCache, AnExceptionLeavesTheKeyBuildable) {
  Cache cache;
  EXPECT_THROW((void)cache.get(key(1, "a"), []() -> Result<Pointer> { throw std::bad_alloc(); }),
               std::bad_alloc);
  Compiler compile{cache};
  EXPECT_EQ(compile(key(1, "a")), "a/");
}

TEST(ContentCache, IsBoundedAndKeepsWhatIsUsed) {
  ContentCacheOptions options;
  options.max_bytes = 64 * 1024;
  Cache cache(options, [](const std::string&) { return std::size_t{1000}; });
  Compiler compile{cache};
  const Pointer held = *cache.get(
      key(9, "held"), [] { return Result<Pointer>(std::make_shared<std::string>("mine")); });
  EXPECT_EQ(compile(key(1, "hot")), "hot/");
  for (int i = 0; i < 500; ++i) {
    EXPECT_EQ(compile(key(static_cast<std::uint8_t>(i), "cold" + std::to_string(i))),
              "cold" + std::to_string(i) + "/");
    EXPECT_EQ(compile(key(1, "hot")), "hot/");
    EXPECT_LE(cache.stats().bytes, options.max_bytes);
  }
  EXPECT_EQ(compile.builds, 501) << "the hot entry was never evicted";
  EXPECT_GT(cache.stats().evictions, 400u);
  EXPECT_EQ(*held, "mine") << "a value lives as long as somebody holds it";
  EXPECT_EQ(held.use_count() > 0, true);

  cache.clear();
  EXPECT_EQ(cache.stats().entries, 0u);
  EXPECT_EQ(cache.stats().bytes, 0u);
  EXPECT_EQ(compile(key(1, "hot")), "hot/");
  EXPECT_EQ(compile.builds, 502);
}

TEST(ContentCache, AnEntryBeyondTheBoundStaysAlone) {
  ContentCacheOptions options;
  options.max_bytes = 10;
  Cache cache(options);
  Compiler compile{cache};
  EXPECT_EQ(compile(key(1, "a")), "a/");
  EXPECT_EQ(compile(key(1, "a")), "a/");
  EXPECT_EQ(compile.builds, 1);
  EXPECT_EQ(compile(key(1, "b")), "b/");
  EXPECT_EQ(cache.stats().entries, 1u);
  EXPECT_EQ(compile(key(1, "b")), "b/");
  EXPECT_EQ(compile.builds, 2);
}

TEST(ContentCache, ValuesDieWithTheLastHolder) {
  std::weak_ptr<std::string> watch;
  Pointer handle;
  {
    Cache cache;
    handle = *cache.get(key(1, "a"), [&]() -> Result<Pointer> {
      auto value = std::make_shared<std::string>("v");
      watch = value;
      return value;
    });
  }
  EXPECT_FALSE(watch.expired());
  EXPECT_EQ(*handle, "v");
  handle.reset();
  EXPECT_TRUE(watch.expired());
}

TEST(ContentCache, ConcurrentMissesBuildOnce) {
  Cache cache;
  constexpr int kThreads = 6;
  std::latch arrived(kThreads);
  std::atomic<int> builds{0}, right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      arrived.arrive_and_wait();
      // Different ids, one content.
      auto result = cache.get(key(static_cast<std::uint8_t>(t), "one"), [&]() -> Result<Pointer> {
        ++builds;
        std::this_thread::yield();
        return std::make_shared<std::string>("value");
      });
      if (result && **result == "value") ++right;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(builds, 1);
  EXPECT_EQ(right, kThreads);
}

TEST(ContentCache, WhoNeedsItLaterDoesNotWaitForAnother) {
  Cache cache;
  const auto build = []() -> Result<Pointer> { return std::make_shared<std::string>("value"); };
  std::latch building(1), looked(1);
  std::thread first([&] {
    auto result = cache.get(key(1, "one"), [&]() -> Result<Pointer> {
      building.count_down();
      looked.wait();
      return build();
    });
    EXPECT_TRUE(result);
  });
  building.wait();
  EXPECT_FALSE(cache.get_unless_building(key(2, "one"), build));
  const auto other = cache.get_unless_building(key(2, "other"), build);
  ASSERT_TRUE(other);
  EXPECT_EQ(***other, "value");
  looked.count_down();
  first.join();
  const auto known = cache.get_unless_building(key(2, "one"), build);
  ASSERT_TRUE(known);
  EXPECT_EQ(cache.stats().builds, 2u);
}

TEST(ContentCache, ThoseWhoWaitGetTheFailureOrTryThemselves) {
  Cache cache;
  for (const bool throws : {false, true}) {
    const std::string ir = throws ? "throws" : "fails";
    std::latch building(1);
    std::atomic<int> builds{0};
    std::atomic<bool> waiter_asked{false};
    std::thread first([&] {
      try {
        auto result = cache.get(key(1, ir), [&]() -> Result<Pointer> {
          ++builds;
          building.count_down();
          while (!waiter_asked) std::this_thread::yield();
          if (throws) throw std::bad_alloc();
          return fail(SOKR_DISPATCH_FAILED, "device lost");
        });
        EXPECT_FALSE(throws);
        EXPECT_FALSE(result);
      } catch (const std::bad_alloc&) {
        EXPECT_TRUE(throws);
      }
    });
    building.wait();
    waiter_asked = true;
    // Either it waits for the first build, or comes after it and builds itself.
    auto result = cache.get(key(1, ir), [&]() -> Result<Pointer> {
      ++builds;
      return std::make_shared<std::string>("second");
    });
    first.join();
    if (result) {
      EXPECT_EQ(**result, "second");
      EXPECT_EQ(builds, 2);
    } else {
      EXPECT_FALSE(throws);
      EXPECT_EQ(result.failure().sentence, "device lost");
    }
  }
}

TEST(ContentCache, ManyThreadsUseEvictAndClear) {
  ContentCacheOptions options;
  options.max_bytes = 16 * 1024;
  Cache cache(options, [](const std::string&) { return std::size_t{500}; });
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::uint32_t random = static_cast<std::uint32_t>(t) + 1;
      for (int i = 0; i < 1500; ++i) {
        random = random * 1664525 + 1013904223;
        const std::string ir = "kernel" + std::to_string((random >> 16) % 24);
        const ContentKey k = key(static_cast<std::uint8_t>((random >> 8) % 3), ir);
        auto result = cache.get(k, [&]() -> Result<Pointer> {
          if (ir == "kernel7") return fail(SOKR_INVALID_IR, "kernel7");
          return std::make_shared<std::string>(ir);
        });
        if (result ? **result != ir : result.failure().sentence != ir) ++wrong;
        if (i % 500 == 499) cache.clear();
        if (i % 100 == 0) (void)cache.stats();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace sokr::substrate
