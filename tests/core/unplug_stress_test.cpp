// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Hot-unplug under load: callers dispatch, wait and ask while plugins come and go.
// A plugin's memory is poisoned by destroy_fn, so a call that gets in too late, or
// stays too long, is seen by the plugin itself and by the sanitizers.
#include <gtest/gtest.h>
#include <sokr/sokr.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sokr::core_test {
namespace {

// One life of one plugin. Plain members on purpose: only the core's ordering keeps
// the writes of one life apart from the reads of another.
struct Life {
  uint64_t alive = 0;
  uint64_t generation = 0;
};
constexpr uint64_t kAlive = 0xA11FE;

std::atomic<uint64_t> late_calls = 0, double_destroys = 0;

template <int kNumber>
struct Plugin {
  static inline Life life;
  static inline std::atomic<int> destroyed = 0;

  static bool look() {
    if (life.alive == kAlive) return true;
    ++late_calls;
    return false;
  }
  static SokrResult capability(const SokrCapabilityQuery*, SokrCapabilityResponse*) {
    look();
    return kNumber % 2 == 0 ? SOKR_OK : SOKR_CAPABILITY_DENIED;
  }
  static SokrResult dispatch(const SokrDispatchRequest*, SokrDispatchResponse* response) {
    look();
    response->completion_token = life.generation;
    return SOKR_OK;
  }
  static SokrResult completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
    look();
    // A token of another life can only arrive if an id came back.
    if (query->completion_token != life.generation) ++late_calls;
    *signal = SOKR_COMPLETION_COMPLETE;
    return SOKR_OK;
  }
  static void destroy() {
    if (life.alive != kAlive) ++double_destroys;
    life.alive = 0;
    ++destroyed;
  }
  static uint32_t plug(uint64_t generation) {
    life = {kAlive, generation};
    const SokrSubstratePlugin table = {
        {SOKR_VERSION_MAJOR, 0, 0}, capability, dispatch, completion, destroy};
    uint32_t id = 0;
    EXPECT_EQ(sokr_register_substrate(&table, &id), SOKR_OK);
    return id;
  }
};

struct Vtable {
  uint32_t (*plug)(uint64_t);
  std::atomic<int>* destroyed;
};
template <int... kNumbers>
std::array<Vtable, sizeof...(kNumbers)> plugins(std::integer_sequence<int, kNumbers...>) {
  return {Vtable{Plugin<kNumbers>::plug, &Plugin<kNumbers>::destroyed}...};
}

TEST(UnplugStress, THR_1_callers_never_meet_a_destroyed_plugin) {
  constexpr int kPlugins = 6, kCallers = 10, kRounds = 1500;
  auto all = plugins(std::make_integer_sequence<int, kPlugins>());
  std::array<std::atomic<uint32_t>, kPlugins> ids = {};
  std::atomic<bool> stop = false;
  std::atomic<uint64_t> served = 0, turned_away = 0;

  uint64_t generation = 0;
  for (int i = 0; i < kPlugins; ++i) ids[i] = all[i].plug(++generation);

  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      for (uint32_t turn = caller; !stop; ++turn) {
        const SokrDispatchRequest request = {{{0}}, ids[turn % kPlugins], nullptr, 0, nullptr, 0};
        SokrDispatchResponse response;
        const SokrResult dispatched = sokr_dispatch(&request, &response);
        if (dispatched == SOKR_NOT_FOUND) {
          ++turned_away;
          continue;
        }
        EXPECT_EQ(dispatched, SOKR_OK);
        const SokrCompletionQuery query = {response.completion_token, UINT64_MAX};
        SokrCompletionSignal signal;
        const SokrResult completed = sokr_completion(&query, &signal);
        EXPECT_TRUE(completed == SOKR_OK || completed == SOKR_NOT_FOUND) << completed;
        ++served;
        const SokrCapabilityQuery asked = {{{0}}, 0, nullptr, 0};
        SokrCapabilityResponse answer;
        const SokrResult capable = sokr_capability(&asked, &answer);
        EXPECT_TRUE(capable == SOKR_OK || capable == SOKR_NO_CAPABLE_SUBSTRATE) << capable;
        size_t count = 0;
        uint32_t listed[kPlugins];
        sokr_list_substrates(listed, kPlugins, &count);
        EXPECT_LE(count, size_t{kPlugins});
      }
    });
  }
  for (int round = 0; round < kRounds; ++round) {
    const int which = round % kPlugins;
    ASSERT_EQ(sokr_deregister_substrate(ids[which]), SOKR_OK);
    ids[which] = all[which].plug(++generation);
    if (round % 16 == 0) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  int destroyed = 0;
  for (int i = 0; i < kPlugins; ++i) {
    EXPECT_EQ(sokr_deregister_substrate(ids[i]), SOKR_OK);
    destroyed += *all[i].destroyed;
  }
  EXPECT_EQ(destroyed, kRounds + kPlugins);
  EXPECT_EQ(late_calls, 0u);
  EXPECT_EQ(double_destroys, 0u);
  EXPECT_GT(served, 0u);
  RecordProperty("served", std::to_string(served));
  RecordProperty("turned_away", std::to_string(turned_away));
}

}  // namespace
}  // namespace sokr::core_test
