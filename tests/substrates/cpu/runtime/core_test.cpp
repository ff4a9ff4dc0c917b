// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The substrate behind the C tables and the real core: unplugged while many threads use it.
#include <gtest/gtest.h>

#include <atomic>
#include <sokr/substrate/exporter.hpp>
#include <thread>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

using Slots = substrate::Exporter<CpuSubstrate, 4>;

std::uint32_t plug_in(unsigned threads) {
  auto exported = Slots::install(make(threads));
  EXPECT_TRUE(exported) << exported.failure().sentence;
  std::uint32_t id = 0;
  EXPECT_EQ(sokr_register_substrate(exported->plugin, &id), SOKR_OK);
  return id;
}

// What one user of a substrate saw: launches that completed with the right result, and what
// should not have been. The memory of its launches: one that is still running when the substrate
// is unplugged uses it until the unplugging returns, though its user is told "not found" before.
struct Seen {
  int complete = 0, wrong = 0;
  std::vector<std::uint32_t> small = std::vector<std::uint32_t>(64),
                             large = std::vector<std::uint32_t>(64 * 200);
};

// Dispatches in turns a short kernel, a longer one and one that waits for another, until the
// substrate is gone.
void use_until_gone(std::uint32_t id, std::atomic<int>& completions, Seen& seen) {
  auto &small = seen.small, &large = seen.large;
  for (std::uint32_t i = 0;; ++i) {
    std::fill(small.begin(), small.end(), i);
    Dispatch scale("scale"), rounds("rounds");
    scale.bind(0, small).groups(2).push = {3};
    rounds.bind(0, large).groups(200).push = {20};
    SokrDispatchResponse longer{}, shorter{};
    const SokrDispatchRequest first = rounds.request(id);
    SokrResult result = sokr_dispatch(&first, &longer);
    if (result == SOKR_NOT_FOUND) return;
    if (result != SOKR_OK) ++seen.wrong;
    if (i % 2 != 0) scale.waits = {longer.completion_token};
    const SokrDispatchRequest second = scale.request(id);
    result = sokr_dispatch(&second, &shorter);
    if (result == SOKR_NOT_FOUND) return;
    if (result != SOKR_OK) ++seen.wrong;
    for (SokrCompletionToken token : {shorter.completion_token, longer.completion_token}) {
      SokrCompletionSignal signal;
      const SokrCompletionQuery query{token, i % 3 == 0 ? UINT64_C(100'000'000'000) : UINT64_MAX};
      result = sokr_completion(&query, &signal);
      if (result == SOKR_NOT_FOUND) return;
      if (result != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE) ++seen.wrong;
    }
    if (small != std::vector<std::uint32_t>(64, i + 3)) ++seen.wrong;
    ++seen.complete;
    ++completions;
  }
}

TEST(Core, UnpluggedUnderLoad) {
  for (int round = 0; round < 8; ++round) {
    const std::uint32_t id = plug_in(2);
    std::atomic<int> completions{0};
    std::vector<std::thread> users;
    std::vector<Seen> seen(10);
    for (Seen& mine : seen) users.emplace_back([&, id] { use_until_gone(id, completions, mine); });
    while (completions < 20 * round) std::this_thread::yield();
    EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
    for (auto& user : users) user.join();
    for (const Seen& mine : seen) EXPECT_EQ(mine.wrong, 0);
  }
}

TEST(Core, UnpluggedWhileAnEndlessKernelRuns) {
  const std::uint32_t id = plug_in(2);
  std::vector<std::uint32_t> data{1, 0, 0};
  Dispatch endless("endless");
  endless.bind(0, data);
  const SokrDispatchRequest request = endless.request(id);
  SokrDispatchResponse response{};
  ASSERT_EQ(sokr_dispatch(&request, &response), SOKR_OK);
  SokrCompletionSignal signal;
  const SokrCompletionQuery query{response.completion_token, 5'000'000};
  EXPECT_EQ(sokr_completion(&query, &signal), SOKR_TIMEOUT);
  EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  EXPECT_EQ(sokr_completion(&query, &signal), SOKR_NOT_FOUND);
}

// Those who wait, and launches that wait for it, are let go by the deregistration.
TEST(Core, UnpluggedWhileOthersWaitForAnEndlessKernel) {
  for (unsigned threads : {1u, 2u, 3u}) {
    const std::uint32_t id = plug_in(threads);
    std::vector<std::uint32_t> data{1, 0, 0}, other(32);
    Dispatch endless("endless"), after("scale");
    endless.bind(0, data);
    SokrDispatchRequest request = endless.request(id);
    SokrDispatchResponse first{}, second{};
    ASSERT_EQ(sokr_dispatch(&request, &first), SOKR_OK);
    after.bind(0, other).push = {1};
    after.waits = {first.completion_token};
    request = after.request(id);
    ASSERT_EQ(sokr_dispatch(&request, &second), SOKR_OK);
    std::atomic<int> inside{0};
    std::vector<std::thread> waiters;
    for (const auto& [token, timeout] : {std::pair{first.completion_token, UINT64_MAX},
                                         {first.completion_token, UINT64_C(1'000'000'000'000)},
                                         {second.completion_token, UINT64_MAX}})
      waiters.emplace_back([&inside, token = token, timeout = timeout] {
        SokrCompletionSignal signal;
        const SokrCompletionQuery query{token, timeout};
        ++inside;
        const SokrResult result = sokr_completion(&query, &signal);
        // It may come too late to be inside.
        EXPECT_TRUE(result == SOKR_OK || result == SOKR_NOT_FOUND) << result;
        EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
      });
    while (inside != 3 || __atomic_load_n(&data[2], __ATOMIC_RELAXED) == 0)
      std::this_thread::yield();
    EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
    for (auto& waiter : waiters) waiter.join();
    EXPECT_EQ(other[0], 0u);
  }
}

TEST(Core, TwoSubstratesAtOnce) {
  const std::uint32_t ids[] = {plug_in(1), plug_in(3)};
  std::vector<std::thread> users;
  std::vector<Seen> seen(2);
  std::atomic<int> completions{0};
  for (int i = 0; i < 2; ++i)
    users.emplace_back([&, i] { use_until_gone(ids[i], completions, seen[i]); });
  while (completions < 50) std::this_thread::yield();
  for (std::uint32_t id : ids) EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  for (auto& user : users) user.join();
  for (const Seen& mine : seen) EXPECT_EQ(mine.wrong, 0);
}

}  // namespace
}  // namespace sokr::cpu::test
