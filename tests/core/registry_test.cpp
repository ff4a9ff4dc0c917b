// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The registry from the inside: small instances of the template.
#include "../../sokr-core/src/registry.hpp"

#include <gtest/gtest.h>
#include <sokr/sokr.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace {
std::atomic<int> port_waits = 0;
}

extern "C" void sokr_port_wait(void) {
  ++port_waits;
  std::this_thread::yield();
}

namespace sokr::core {
namespace {

using Small = Registry<NativeAtomics, int, 4, 3, 64>;

std::vector<int> ids(const Small& registry) {
  Small::Snapshot snapshot;
  registry.snapshot(snapshot);
  return {snapshot.ids, snapshot.ids + snapshot.count};
}

TEST(SlotState, every_transition_of_every_id_leads_where_it_should) {
  EXPECT_TRUE(check::walk_ids(1, kMaxId));
}

TEST(Registry, enter_gives_the_payload_until_removal) {
  Small registry;
  const uint32_t id = registry.add(42);
  EXPECT_EQ(id, 1u);
  const Small::Visit visit = registry.enter(id);
  ASSERT_NE(visit.payload, nullptr);
  EXPECT_EQ(*visit.payload, 42);
  registry.leave(visit);
  int last = 0;
  EXPECT_TRUE(registry.remove(id, [&](int payload) { last = payload; }));
  EXPECT_EQ(last, 42);
  EXPECT_EQ(registry.enter(id).payload, nullptr);
  EXPECT_FALSE(registry.remove(id, [](int) { FAIL(); }));
}

TEST(Registry, a_refused_entry_leaves_no_count_behind) {
  Small registry;
  const uint32_t id = registry.add(1);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(registry.enter(id + 4).payload, nullptr);
  EXPECT_TRUE(registry.remove(id, [](int) {}));  // would wait for ever
}

TEST(Registry, ids_displaced_from_their_slot_are_found_and_listed_in_order) {
  Small registry;
  std::vector<int> expected;
  for (int i = 0; i < 4; ++i) expected.push_back(static_cast<int>(registry.add(i)));
  EXPECT_EQ(registry.add(9), 0u);
  // Remove and add in an order that leaves no id where id % slots would put it.
  for (uint32_t gone : {2u, 4u, 1u, 3u}) {
    ASSERT_TRUE(registry.remove(gone, [](int) {}));
    std::erase(expected, static_cast<int>(gone));
    expected.push_back(static_cast<int>(registry.add(static_cast<int>(gone) * 10)));
    EXPECT_EQ(ids(registry), expected);
    for (int id : expected) {
      const Small::Visit visit = registry.enter(static_cast<uint32_t>(id));
      ASSERT_NE(visit.payload, nullptr) << id;
      registry.leave(visit);
    }
  }
  EXPECT_EQ(ids(registry), (std::vector{5, 6, 7, 8}));
}

// Every entry goes to the next stripe.
struct RoundRobin : NativeAtomics {
  static inline uint32_t next = 0;
  static uint32_t stripe(uint32_t count) { return next++ % count; }
};

TEST(Registry, removal_waits_for_every_stripe) {
  Registry<RoundRobin, int, 4, 3, 64> registry;
  const uint32_t id = registry.add(1);
  const auto first = registry.enter(id), second = registry.enter(id), third = registry.enter(id);
  EXPECT_NE(first.stripe, second.stripe);
  EXPECT_NE(second.stripe, third.stripe);
  std::atomic<int> left = 0;
  std::thread remover([&] { EXPECT_TRUE(registry.remove(id, [&](int) { EXPECT_EQ(left, 3); })); });
  for (auto visit = registry.enter(id); visit.payload != nullptr; visit = registry.enter(id)) {
    registry.leave(visit);  // until the id is unreachable
  }
  for (const auto& visit : {third, first, second}) {
    ++left;
    registry.leave(visit);
  }
  remover.join();
}

TEST(Registry, several_threads_that_add_and_remove_at_once_break_nothing) {
  Small registry;
  std::atomic<int> last_calls = 0;
  constexpr int kThreads = 4, kRounds = 2000;
  std::vector<std::vector<uint32_t>> given(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < kRounds; ++round) {
        const uint32_t id = registry.add(thread);
        // A look at slots that change meanwhile may find each of them taken in its turn.
        if (id == 0) continue;
        given[thread].push_back(id);
        ASSERT_TRUE(registry.remove(id, [&](int payload) {
          EXPECT_EQ(payload, thread);
          ++last_calls;
        }));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<uint32_t> unique;
  size_t total = 0;
  for (const auto& ids_of_thread : given) {
    EXPECT_FALSE(ids_of_thread.empty());
    unique.insert(ids_of_thread.begin(), ids_of_thread.end());
    total += ids_of_thread.size();
  }
  EXPECT_EQ(unique.size(), total);
  EXPECT_EQ(static_cast<size_t>(last_calls), total);
}

TEST(Registry, one_id_is_removed_by_one_of_several_threads) {
  for (int round = 0; round < 200; ++round) {
    Small registry;
    const uint32_t id = registry.add(1);
    std::atomic<int> removed = 0, last_calls = 0;
    std::thread other([&] { removed += registry.remove(id, [&](int) { ++last_calls; }); });
    removed += registry.remove(id, [&](int) { ++last_calls; });
    other.join();
    EXPECT_EQ(removed, 1);
    EXPECT_EQ(last_calls, 1);
  }
}

std::atomic<bool> inside = false, let_go = false;

SokrResult deny(const SokrCapabilityQuery*, SokrCapabilityResponse*) {
  return SOKR_CAPABILITY_DENIED;
}
SokrResult dispatch_until_let_go(const SokrDispatchRequest*, SokrDispatchResponse* response) {
  inside = true;
  while (!let_go) std::this_thread::yield();
  response->completion_token = 1;
  return SOKR_OK;
}
SokrResult complete(const SokrCompletionQuery*, SokrCompletionSignal* signal) {
  *signal = SOKR_COMPLETION_COMPLETE;
  return SOKR_OK;
}
void destroy() {}

TEST(Port, a_program_that_links_the_static_library_replaces_the_wait) {
  const SokrSubstratePlugin plugin = {
      {SOKR_VERSION_MAJOR, 0, 0}, deny, dispatch_until_let_go, complete, destroy};
  uint32_t id = 0;
  ASSERT_EQ(sokr_register_substrate(&plugin, &id), SOKR_OK);
  std::thread caller([&] {
    const SokrDispatchRequest request = {{{0}}, id, nullptr, 0, nullptr, 0};
    SokrDispatchResponse response;
    EXPECT_EQ(sokr_dispatch(&request, &response), SOKR_OK);
  });
  while (!inside) std::this_thread::yield();
  const int before = port_waits;
  std::thread remover([&] { EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK); });
  while (port_waits == before) std::this_thread::yield();
  let_go = true;
  caller.join();
  remover.join();
}

TEST(Registry, stacks_of_equal_size_spread_over_the_stripes) {
  std::set<uint32_t> stripes;
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  std::mutex mutex;
  std::atomic<int> arrived = 0;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const uint32_t mine = NativeAtomics::stripe(64);
      EXPECT_LT(mine, 64u);
      ++arrived;
      while (arrived < kThreads) std::this_thread::yield();  // all stacks exist at once
      std::lock_guard lock(mutex);
      stripes.insert(mine);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(stripes.size(), size_t{kThreads} / 2);
  EXPECT_EQ(NativeAtomics::stripe(1), 0u);
}

}  // namespace
}  // namespace sokr::core
