// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One test or more for each rule of docs/contract.md that the core enforces, named
// after the rule.
#include <gtest/gtest.h>
#include <sokr/retire.h>
#include <sokr/sokr.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "fake_plugin.hpp"

namespace sokr::core_test {
namespace {

constexpr uint8_t kBytes[] = {1, 2, 3, 4};

std::vector<uint32_t> registered() {
  size_t count = 0;
  sokr_list_substrates(nullptr, 0, &count);
  std::vector<uint32_t> ids(count);
  EXPECT_EQ(sokr_list_substrates(ids.data(), ids.size(), &count), SOKR_OK);
  return ids;
}

class Contract : public ::testing::Test {
 protected:
  void SetUp() override {
    Fake<1>::script = Fake<2>::script = Fake<3>::script = Script{};
    call_order.clear();
    ASSERT_TRUE(registered().empty());
  }
  void TearDown() override {
    for (uint32_t id : registered()) EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  }

  template <int kNumber>
  static uint32_t add() {
    const SokrSubstratePlugin plugin = Fake<kNumber>::plugin();
    uint32_t id = 0;
    EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_OK);
    return id;
  }

  static SokrCapabilityQuery query() { return {{{7}}, SOKR_IR_SPIRV, kBytes, sizeof kBytes}; }
  static SokrDispatchRequest request(uint32_t id) {
    return {{{9}}, id, kBytes, sizeof kBytes, kBytes, 2};
  }
  static SokrCapabilityResponse stale_capability() { return {SOKR_TIMEOUT, 99, 99}; }
  static SokrDispatchResponse stale_dispatch() { return {SOKR_TIMEOUT, 99}; }

  static void expect_failed(SokrResult result, const SokrCapabilityResponse& response,
                            SokrResult expected) {
    EXPECT_EQ(result, expected);
    EXPECT_EQ(response.result, expected);
    EXPECT_EQ(response.substrate_id, 0u);
    EXPECT_EQ(response.estimated_latency_ns, 0u);
  }
  static void expect_failed(SokrResult result, const SokrDispatchResponse& response,
                            SokrResult expected) {
    SokrDispatchResponse zero;
    std::memset(&zero, 0, sizeof zero);
    zero.result = expected;
    EXPECT_EQ(result, expected);
    EXPECT_EQ(std::memcmp(&response, &zero, sizeof zero), 0);
  }

  static SokrResult complete(SokrCompletionToken token, uint64_t timeout_ns,
                             SokrCompletionSignal* signal) {
    const SokrCompletionQuery query = {token, timeout_ns};
    *signal = SOKR_COMPLETION_FORCE_32;
    return sokr_completion(&query, signal);
  }
};

// ---- Registration ------------------------------------------------------------------

TEST_F(Contract, REG_1_null_pointers_and_functions_are_invalid_input) {
  const SokrSubstratePlugin good = Fake<1>::plugin();
  uint32_t id = 77;
  EXPECT_EQ(sokr_register_substrate(nullptr, &id), SOKR_INVALID_INPUT);
  EXPECT_EQ(id, 0u);
  EXPECT_EQ(sokr_register_substrate(&good, nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_register_substrate(nullptr, nullptr), SOKR_INVALID_INPUT);
  for (int missing = 0; missing < 4; ++missing) {
    SokrSubstratePlugin plugin = good;
    if (missing == 0) plugin.capability_fn = nullptr;
    if (missing == 1) plugin.dispatch_fn = nullptr;
    if (missing == 2) plugin.completion_fn = nullptr;
    if (missing == 3) plugin.destroy_fn = nullptr;
    id = 77;
    EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_INVALID_INPUT) << missing;
    EXPECT_EQ(id, 0u);
  }
  EXPECT_TRUE(registered().empty());
  EXPECT_EQ(Fake<1>::script.calls() + Fake<1>::script.destroy_calls, 0);
}

TEST_F(Contract, REG_2_only_the_major_version_must_match) {
  SokrSubstratePlugin plugin = Fake<1>::plugin();
  uint32_t id = 0;
  for (uint32_t minor : {0u, SOKR_VERSION_MINOR + 1, UINT32_MAX}) {
    plugin.version = {SOKR_VERSION_MAJOR, minor, minor};
    EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_OK) << minor;
  }
  for (uint32_t major : {SOKR_VERSION_MAJOR + 1, UINT32_MAX}) {
    plugin.version = {major, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH};
    id = 77;
    EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_VERSION_MISMATCH) << major;
    EXPECT_EQ(id, 0u);
  }
}

TEST_F(Contract, REG_2_nothing_behind_a_foreign_version_is_read) {
  // Only the version exists; a sanitizer would see any further read.
  auto bytes = std::make_unique<unsigned char[]>(sizeof(SokrVersion));
  const SokrVersion foreign = {SOKR_VERSION_MAJOR + 1, 0, 0};
  std::memcpy(bytes.get(), &foreign, sizeof foreign);
  uint32_t id = 77;
  EXPECT_EQ(sokr_register_substrate(reinterpret_cast<const SokrSubstratePlugin*>(bytes.get()), &id),
            SOKR_VERSION_MISMATCH);
  EXPECT_EQ(id, 0u);
}

TEST_F(Contract, REG_3_the_table_is_copied) {
  auto plugin = std::make_unique<SokrSubstratePlugin>(Fake<1>::plugin());
  uint32_t id = 0;
  ASSERT_EQ(sokr_register_substrate(plugin.get(), &id), SOKR_OK);
  std::memset(static_cast<void*>(plugin.get()), 0, sizeof *plugin);
  plugin.reset();
  SokrDispatchResponse response = stale_dispatch();
  const SokrDispatchRequest to_it = request(id);
  EXPECT_EQ(sokr_dispatch(&to_it, &response), SOKR_OK);
  EXPECT_EQ(Fake<1>::script.dispatch_calls, 1);
}

TEST_F(Contract, REG_4_ids_rise_and_never_come_back) {
  uint32_t last = 0;
  for (int round = 0; round < 200; ++round) {
    const uint32_t id = add<1>();
    EXPECT_GT(id, last);
    EXPECT_TRUE(last == 0 || id == last + 1);
    last = id;
    EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  }
}

TEST_F(Contract, REG_5_a_full_registry_refuses_and_takes_no_id) {
  std::vector<uint32_t> ids;
  for (int i = 0; i < SOKR_MAX_SUBSTRATES; ++i) ids.push_back(add<1>());
  const SokrSubstratePlugin plugin = Fake<2>::plugin();
  uint32_t id = 77;
  EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_REGISTRY_FULL);
  EXPECT_EQ(id, 0u);
  EXPECT_EQ(Fake<2>::script.calls() + Fake<2>::script.destroy_calls, 0);
  EXPECT_EQ(registered(), ids);

  ASSERT_EQ(sokr_deregister_substrate(ids[3]), SOKR_OK);
  EXPECT_EQ(add<2>(), ids.back() + 1);
  ids.erase(ids.begin() + 3);
  ids.push_back(ids.back() + 1);
  EXPECT_EQ(registered(), ids);
  for (uint32_t each : ids) {
    SokrDispatchResponse response = stale_dispatch();
    const SokrDispatchRequest to_it = request(each);
    EXPECT_EQ(sokr_dispatch(&to_it, &response), SOKR_OK) << each;
  }
  EXPECT_EQ(Fake<2>::script.dispatch_calls, 1);
}

TEST_F(Contract, REG_6_the_list_is_in_order_of_registration_and_counts_all) {
  const uint32_t a = add<1>(), b = add<2>(), c = add<3>();
  uint32_t ids[4] = {77, 77, 77, 77};
  size_t count = 99;
  EXPECT_EQ(sokr_list_substrates(ids, 4, &count), SOKR_OK);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(std::vector(ids, ids + 4), (std::vector{a, b, c, 77u}));

  uint32_t two[3] = {77, 77, 77};
  EXPECT_EQ(sokr_list_substrates(two, 2, &count), SOKR_REGISTRY_FULL);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(std::vector(two, two + 3), (std::vector{a, b, 77u}));

  EXPECT_EQ(sokr_list_substrates(nullptr, 0, &count), SOKR_REGISTRY_FULL);
  EXPECT_EQ(count, 3u);
  EXPECT_EQ(sokr_list_substrates(nullptr, 1, &count), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_list_substrates(ids, 4, nullptr), SOKR_INVALID_INPUT);

  ASSERT_EQ(sokr_deregister_substrate(b), SOKR_OK);
  const uint32_t d = add<2>();
  EXPECT_EQ(registered(), (std::vector{a, c, d}));
}

TEST_F(Contract, REG_6_an_empty_list_is_ok) {
  size_t count = 99;
  EXPECT_EQ(sokr_list_substrates(nullptr, 0, &count), SOKR_OK);
  EXPECT_EQ(count, 0u);
}

TEST_F(Contract, REG_7_the_version_is_that_of_the_library) {
  const SokrVersion version = sokr_version();
  EXPECT_EQ(version.major, SOKR_VERSION_MAJOR);
  EXPECT_EQ(version.minor, SOKR_VERSION_MINOR);
  EXPECT_EQ(version.patch, SOKR_VERSION_PATCH);
}

// ---- Capability -----------------------------------------------------------------------

TEST_F(Contract, CAP_1_bad_pointers_are_refused_before_any_plugin_is_asked) {
  add<1>();
  SokrCapabilityQuery asked = query();
  EXPECT_EQ(sokr_capability(&asked, nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_capability(nullptr, nullptr), SOKR_INVALID_INPUT);
  SokrCapabilityResponse response = stale_capability();
  expect_failed(sokr_capability(nullptr, &response), response, SOKR_INVALID_INPUT);
  asked.ir_data = nullptr;
  response = stale_capability();
  expect_failed(sokr_capability(&asked, &response), response, SOKR_INVALID_INPUT);
  EXPECT_EQ(Fake<1>::script.calls(), 0);

  asked.ir_data_len = 0;
  EXPECT_EQ(sokr_capability(&asked, &response), SOKR_OK);
  asked.ir_data = kBytes;
  EXPECT_EQ(sokr_capability(&asked, &response), SOKR_OK);
}

TEST_F(Contract, CAP_2_substrates_are_asked_in_order_and_the_first_ok_wins) {
  add<1>();
  const uint32_t second = add<2>();
  add<3>();
  Fake<1>::script.capability = SOKR_CAPABILITY_DENIED;
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  EXPECT_EQ(sokr_capability(&asked, &response), SOKR_OK);
  EXPECT_EQ(response.substrate_id, second);
  EXPECT_EQ(call_order, (std::vector{1, 2}));
}

TEST_F(Contract, CAP_2_order_survives_unplugging_and_slot_reuse) {
  const uint32_t first = add<1>();
  add<2>();
  ASSERT_EQ(sokr_deregister_substrate(first), SOKR_OK);
  for (int i = 1; i < SOKR_MAX_SUBSTRATES - 1; ++i) {  // until the next id wraps around
    ASSERT_EQ(sokr_deregister_substrate(add<3>()), SOKR_OK);
  }
  add<1>();
  Fake<1>::script.capability = Fake<2>::script.capability = SOKR_CAPABILITY_DENIED;
  call_order.clear();
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  expect_failed(sokr_capability(&asked, &response), response, SOKR_NO_CAPABLE_SUBSTRATE);
  EXPECT_EQ(call_order, (std::vector{2, 1}));
}

TEST_F(Contract, CAP_3_the_core_writes_the_id_and_keeps_the_latency) {
  const uint32_t id = add<1>();
  Fake<1>::script.capability_response = {SOKR_INVALID_IR, 4711, 123456};
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  EXPECT_EQ(sokr_capability(&asked, &response), SOKR_OK);
  EXPECT_EQ(response.result, SOKR_OK);
  EXPECT_EQ(response.substrate_id, id);
  EXPECT_EQ(response.estimated_latency_ns, 123456u);
}

TEST_F(Contract, CAP_3_a_latency_that_was_not_written_is_unknown) {
  add<1>();
  Fake<1>::script.writes_capability = false;
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  EXPECT_EQ(sokr_capability(&asked, &response), SOKR_OK);
  EXPECT_EQ(response.estimated_latency_ns, 0u);
}

TEST_F(Contract, CAP_4_nobody_or_only_denials_is_no_capable_substrate) {
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  expect_failed(sokr_capability(&asked, &response), response, SOKR_NO_CAPABLE_SUBSTRATE);
  add<1>();
  add<2>();
  Fake<1>::script.capability = Fake<2>::script.capability = SOKR_CAPABILITY_DENIED;
  Fake<1>::script.capability_response = {SOKR_OK, 5, 5};
  response = stale_capability();
  expect_failed(sokr_capability(&asked, &response), response, SOKR_NO_CAPABLE_SUBSTRATE);
  EXPECT_EQ(call_order, (std::vector{1, 2}));
}

TEST_F(Contract, CAP_4_the_first_failure_that_is_no_denial_is_returned) {
  add<1>();
  add<2>();
  add<3>();
  Fake<1>::script.capability = SOKR_CAPABILITY_DENIED;
  Fake<2>::script.capability = SOKR_INVALID_IR;
  Fake<3>::script.capability = SOKR_TIMEOUT;
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  expect_failed(sokr_capability(&asked, &response), response, SOKR_INVALID_IR);
  EXPECT_EQ(call_order, (std::vector{1, 2, 3}));
}

TEST_F(Contract, CAP_4_a_failure_does_not_outweigh_a_later_ok) {
  add<1>();
  const uint32_t second = add<2>();
  Fake<1>::script.capability = SOKR_INVALID_IR;
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  EXPECT_EQ(sokr_capability(&asked, &response), SOKR_OK);
  EXPECT_EQ(response.substrate_id, second);
}

TEST_F(Contract, CAP_4_a_result_of_a_newer_minor_version_is_passed_on) {
  add<1>();
  Fake<1>::script.capability = static_cast<SokrResult>(1000);
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response = stale_capability();
  expect_failed(sokr_capability(&asked, &response), response, static_cast<SokrResult>(1000));
}

TEST_F(Contract, CAP_5_the_query_arrives_as_it_is) {
  add<1>();
  const SokrCapabilityQuery asked = query();
  SokrCapabilityResponse response;
  ASSERT_EQ(sokr_capability(&asked, &response), SOKR_OK);
  EXPECT_EQ(std::memcmp(&Fake<1>::script.seen_query, &asked, sizeof asked), 0);
}

// ---- Dispatch ----------------------------------------------------------------------------

TEST_F(Contract, DIS_1_bad_pointers_are_refused_before_the_plugin_is_called) {
  const uint32_t id = add<1>();
  const SokrDispatchRequest good = request(id);
  EXPECT_EQ(sokr_dispatch(&good, nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_dispatch(nullptr, nullptr), SOKR_INVALID_INPUT);
  SokrDispatchResponse response = stale_dispatch();
  expect_failed(sokr_dispatch(nullptr, &response), response, SOKR_INVALID_INPUT);

  SokrDispatchRequest bad = good;
  bad.ir_data = nullptr;
  response = stale_dispatch();
  expect_failed(sokr_dispatch(&bad, &response), response, SOKR_INVALID_INPUT);
  bad = good;
  bad.params = nullptr;
  response = stale_dispatch();
  expect_failed(sokr_dispatch(&bad, &response), response, SOKR_INVALID_INPUT);
  bad = good;
  bad.params_len = 0;
  response = stale_dispatch();
  expect_failed(sokr_dispatch(&bad, &response), response, SOKR_INVALID_INPUT);
  bad.substrate_id = id + 1;  // wrong in two ways: the input is looked at first
  expect_failed(sokr_dispatch(&bad, &response), response, SOKR_INVALID_INPUT);
  EXPECT_EQ(Fake<1>::script.calls(), 0);

  SokrDispatchRequest bare = good;
  bare.params = nullptr;
  bare.params_len = 0;
  bare.ir_data = nullptr;
  bare.ir_data_len = 0;
  EXPECT_EQ(sokr_dispatch(&bare, &response), SOKR_OK);
}

TEST_F(Contract, DIS_2_an_id_that_is_not_registered_is_not_found) {
  const uint32_t id = add<1>();
  for (uint32_t other : {0u, id + 1, id + SOKR_MAX_SUBSTRATES, 0xFFFFu, 0x10000u, 0x10000u + id,
                         0x20000u + id, UINT32_MAX}) {
    SokrDispatchResponse response = stale_dispatch();
    const SokrDispatchRequest astray = request(other);
    expect_failed(sokr_dispatch(&astray, &response), response, SOKR_NOT_FOUND);
  }
  EXPECT_EQ(Fake<1>::script.calls(), 0);
}

TEST_F(Contract, DIS_3_the_token_carries_the_substrate) {
  const uint32_t id = add<1>();
  const SokrDispatchRequest to_it = request(id);
  for (uint64_t own : {UINT64_C(1), UINT64_C(0xABCDEF), SOKR_PLUGIN_TOKEN_MAX}) {
    Fake<1>::script.dispatch_response = {SOKR_OK, own};
    SokrDispatchResponse response = stale_dispatch();
    ASSERT_EQ(sokr_dispatch(&to_it, &response), SOKR_OK);
    EXPECT_EQ(response.result, SOKR_OK);
    EXPECT_EQ(response.completion_token, (uint64_t{id} << 48) | own);
    EXPECT_EQ(sokr_token_substrate(response.completion_token), id);
    EXPECT_EQ(sokr_token_plugin_token(response.completion_token), own);
    EXPECT_EQ(sokr_token_encode(id, own), response.completion_token);
  }
}

TEST_F(Contract, DIS_4_a_plugin_token_out_of_range_is_dispatch_failed) {
  const uint32_t id = add<1>();
  const SokrDispatchRequest to_it = request(id);
  for (uint64_t own : {UINT64_C(0), SOKR_PLUGIN_TOKEN_MAX + 1, UINT64_MAX}) {
    Fake<1>::script.dispatch_response = {SOKR_OK, own};
    SokrDispatchResponse response = stale_dispatch();
    expect_failed(sokr_dispatch(&to_it, &response), response, SOKR_DISPATCH_FAILED);
  }
}

TEST_F(Contract, DIS_4_a_token_that_was_not_written_is_dispatch_failed) {
  const uint32_t id = add<1>();
  Fake<1>::script.writes_dispatch = false;
  const SokrDispatchRequest to_it = request(id);
  SokrDispatchResponse response = stale_dispatch();  // a stale token must not count
  expect_failed(sokr_dispatch(&to_it, &response), response, SOKR_DISPATCH_FAILED);
}

TEST_F(Contract, DIS_5_the_returned_code_decides_and_a_failure_leaves_zeros) {
  const uint32_t id = add<1>();
  const SokrDispatchRequest to_it = request(id);
  for (SokrResult code : {SOKR_CAPABILITY_DENIED, SOKR_DISPATCH_FAILED, SOKR_TIMEOUT,
                          SOKR_INVALID_INPUT, SOKR_INVALID_IR, static_cast<SokrResult>(1000)}) {
    Fake<1>::script.dispatch = code;
    Fake<1>::script.dispatch_response = {SOKR_OK, 5};
    SokrDispatchResponse response = stale_dispatch();
    expect_failed(sokr_dispatch(&to_it, &response), response, code);
  }
  Fake<1>::script.dispatch = SOKR_OK;
  Fake<1>::script.dispatch_response = {SOKR_INVALID_IR, 5};
  SokrDispatchResponse response = stale_dispatch();
  EXPECT_EQ(sokr_dispatch(&to_it, &response), SOKR_OK);
  EXPECT_EQ(response.result, SOKR_OK);
}

TEST_F(Contract, DIS_6_the_request_arrives_as_it_is) {
  const uint32_t id = add<1>();
  const SokrDispatchRequest to_it = request(id);
  SokrDispatchResponse response;
  ASSERT_EQ(sokr_dispatch(&to_it, &response), SOKR_OK);
  EXPECT_EQ(std::memcmp(&Fake<1>::script.seen_request, &to_it, sizeof to_it), 0);
}

// ---- Completion -------------------------------------------------------------------------------

TEST_F(Contract, COM_1_bad_pointers_and_tokens_are_refused_before_the_plugin_is_called) {
  const uint32_t id = add<1>();
  SokrCompletionQuery query = {sokr_token_encode(id, 1), 0};
  EXPECT_EQ(sokr_completion(&query, nullptr), SOKR_INVALID_INPUT);
  EXPECT_EQ(sokr_completion(nullptr, nullptr), SOKR_INVALID_INPUT);
  SokrCompletionSignal signal = SOKR_COMPLETION_COMPLETE;
  EXPECT_EQ(sokr_completion(nullptr, &signal), SOKR_INVALID_INPUT);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  EXPECT_EQ(complete(0, 0, &signal), SOKR_INVALID_INPUT);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  EXPECT_EQ(complete(sokr_token_encode(id, 0), 0, &signal), SOKR_INVALID_INPUT);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  EXPECT_EQ(Fake<1>::script.calls(), 0);
}

TEST_F(Contract, COM_2_a_token_of_no_registered_substrate_is_not_found) {
  const uint32_t id = add<1>();
  SokrCompletionSignal signal;
  for (uint64_t token : {sokr_token_encode(0, 1), sokr_token_encode(id + 1, 1),
                         sokr_token_encode(0xFFFF, 1), UINT64_MAX}) {
    EXPECT_EQ(complete(token, 0, &signal), SOKR_NOT_FOUND);
    EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  }
  EXPECT_EQ(Fake<1>::script.calls(), 0);
}

TEST_F(Contract, COM_3_the_plugin_gets_its_own_token_and_the_timeout) {
  add<1>();
  const uint32_t id = add<2>();
  SokrCompletionSignal signal;
  EXPECT_EQ(complete(sokr_token_encode(id, 0x123456789ABC), 42, &signal), SOKR_OK);
  EXPECT_EQ(Fake<2>::script.seen_completion.completion_token, 0x123456789ABCu);
  EXPECT_EQ(Fake<2>::script.seen_completion.timeout_ns, 42u);
  EXPECT_EQ(Fake<1>::script.calls(), 0);
}

TEST_F(Contract, COM_4_what_is_finished_is_reported_as_it_is) {
  const uint64_t token = sokr_token_encode(add<1>(), 1);
  SokrCompletionSignal signal;
  for (uint64_t timeout : {UINT64_C(0), UINT64_C(1), UINT64_MAX}) {
    for (SokrCompletionSignal end : {SOKR_COMPLETION_COMPLETE, SOKR_COMPLETION_FAILED}) {
      Fake<1>::script.signal = end;
      EXPECT_EQ(complete(token, timeout, &signal), SOKR_OK);
      EXPECT_EQ(signal, end);
    }
  }
}

TEST_F(Contract, COM_5_unfinished_is_pending_from_a_poll_and_timedout_from_a_wait) {
  const uint64_t token = sokr_token_encode(add<1>(), 1);
  SokrCompletionSignal signal;
  const std::pair<SokrResult, SokrCompletionSignal> ways[] = {
      {SOKR_OK, SOKR_COMPLETION_PENDING},
      {SOKR_OK, SOKR_COMPLETION_TIMEDOUT},
      {SOKR_TIMEOUT, SOKR_COMPLETION_TIMEDOUT},
      {SOKR_TIMEOUT, SOKR_COMPLETION_PENDING},
      {SOKR_TIMEOUT, SOKR_COMPLETION_COMPLETE}};
  for (auto [result, said] : ways) {
    Fake<1>::script.completion = result;
    Fake<1>::script.signal = said;
    EXPECT_EQ(complete(token, 0, &signal), SOKR_OK);
    EXPECT_EQ(signal, SOKR_COMPLETION_PENDING);
    for (uint64_t timeout : {UINT64_C(1), UINT64_MAX}) {
      EXPECT_EQ(complete(token, timeout, &signal), SOKR_TIMEOUT);
      EXPECT_EQ(signal, SOKR_COMPLETION_TIMEDOUT);
    }
  }
}

TEST_F(Contract, COM_6_a_failed_query_leaves_failed) {
  const uint64_t token = sokr_token_encode(add<1>(), 1);
  SokrCompletionSignal signal;
  for (SokrResult code : {SOKR_NOT_FOUND, SOKR_DISPATCH_FAILED, static_cast<SokrResult>(1000)}) {
    Fake<1>::script.completion = code;
    EXPECT_EQ(complete(token, 0, &signal), code);
    EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  }
}

TEST_F(Contract, COM_7_a_signal_that_is_none_of_the_four_is_dispatch_failed) {
  const uint64_t token = sokr_token_encode(add<1>(), 1);
  SokrCompletionSignal signal;
  for (uint32_t nonsense : {4u, 0x7FFFFFFFu, 0x80000000u, UINT32_MAX}) {
    Fake<1>::script.signal = nonsense;
    EXPECT_EQ(complete(token, 0, &signal), SOKR_DISPATCH_FAILED);
    EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  }
  Fake<1>::script.writes_signal = false;
  EXPECT_EQ(complete(token, 0, &signal), SOKR_DISPATCH_FAILED);
  EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
}

// ---- Life
// -----------------------------------------------------------------------------------------

TEST_F(Contract, LIF_1_destroy_is_called_once_at_deregistration_and_never_else) {
  const uint32_t id = add<1>();
  EXPECT_EQ(Fake<1>::script.destroy_calls, 0);
  EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  EXPECT_EQ(Fake<1>::script.destroy_calls, 1);
  EXPECT_EQ(sokr_deregister_substrate(id), SOKR_NOT_FOUND);
  EXPECT_EQ(Fake<1>::script.destroy_calls, 1);
}

TEST_F(Contract, LIF_2_deregistering_a_stranger_is_not_found) {
  const uint32_t id = add<1>();
  for (uint32_t other : {0u, id + 1, 0xFFFFu, 0x10000u + id, UINT32_MAX}) {
    EXPECT_EQ(sokr_deregister_substrate(other), SOKR_NOT_FOUND) << other;
  }
  EXPECT_EQ(Fake<1>::script.destroy_calls, 0);
}

TEST_F(Contract, LIF_3_a_stale_id_or_token_never_reaches_a_new_plugin) {
  const uint32_t old = add<1>();
  ASSERT_EQ(sokr_deregister_substrate(old), SOKR_OK);
  for (int i = 0; i < SOKR_MAX_SUBSTRATES; ++i) add<2>();  // one of them has the slot
  SokrDispatchResponse response = stale_dispatch();
  const SokrDispatchRequest astray = request(old);
  expect_failed(sokr_dispatch(&astray, &response), response, SOKR_NOT_FOUND);
  SokrCompletionSignal signal;
  EXPECT_EQ(complete(sokr_token_encode(old, 1), 0, &signal), SOKR_NOT_FOUND);
  EXPECT_EQ(Fake<2>::script.calls(), 0);
}

TEST_F(Contract, LIF_4_deregistration_waits_for_the_calls_inside) {
  const uint32_t id = add<1>();
  std::atomic<bool> inside = false, let_go = false, gone = false;
  bool gone_too_early = false;
  Fake<1>::script.during_dispatch = [&] {
    inside = true;
    while (!let_go) std::this_thread::yield();
    gone_too_early = gone;
  };
  std::thread caller([&] {
    SokrDispatchResponse response;
    const SokrDispatchRequest to_it = request(id);
    EXPECT_EQ(sokr_dispatch(&to_it, &response), SOKR_OK);
  });
  while (!inside) std::this_thread::yield();
  std::thread remover([&] {
    EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
    gone = true;
  });
  // The id is unreachable while the call is still inside.
  SokrCompletionSignal signal;
  while (complete(sokr_token_encode(id, 1), 0, &signal) != SOKR_NOT_FOUND) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(gone);
  EXPECT_EQ(Fake<1>::script.destroy_calls, 0);
  let_go = true;
  caller.join();
  remover.join();
  EXPECT_FALSE(gone_too_early);
  EXPECT_EQ(Fake<1>::script.destroy_calls, 1);
}

// A plugin whose completion waits until it is told to give up.
namespace retiring {
std::atomic<bool> waits, told;
std::atomic<int> tellings, destructions;

SokrResult completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
  *signal = SOKR_COMPLETION_FAILED;
  if (query->completion_token == SOKR_RETIRE_TOKEN && query->timeout_ns == SOKR_RETIRE_TIMEOUT) {
    ++tellings;
    told = true;
    return SOKR_NOT_FOUND;
  }
  waits = true;
  while (!told) std::this_thread::yield();
  return SOKR_OK;
}

uint32_t add(uint32_t patch) {
  waits = told = false;
  tellings = destructions = 0;
  SokrSubstratePlugin plugin = Fake<1>::plugin();
  plugin.version.patch = patch;
  plugin.completion_fn = completion;
  plugin.destroy_fn = [] { ++destructions; };
  uint32_t id = 0;
  EXPECT_EQ(sokr_register_substrate(&plugin, &id), SOKR_OK);
  return id;
}
}  // namespace retiring

TEST_F(Contract, LIF_8_a_plugin_that_retires_is_told_once_while_somebody_is_inside) {
  const uint32_t id = retiring::add(SOKR_VERSION_PATCH | SOKR_RETIRES);
  std::thread caller([&] {
    SokrCompletionSignal signal;
    EXPECT_EQ(complete(sokr_token_encode(id, 1), UINT64_MAX, &signal), SOKR_OK);
    EXPECT_EQ(signal, SOKR_COMPLETION_FAILED);
  });
  while (!retiring::waits) std::this_thread::yield();
  EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK);
  caller.join();
  EXPECT_EQ(retiring::tellings, 1);
  EXPECT_EQ(retiring::destructions, 1);
}

TEST_F(Contract, LIF_8_nobody_is_told_without_need_or_without_having_asked) {
  EXPECT_EQ(sokr_deregister_substrate(retiring::add(SOKR_RETIRES)), SOKR_OK);
  EXPECT_EQ(retiring::tellings, 0);
  const uint32_t id = retiring::add(SOKR_VERSION_PATCH);
  std::thread caller([&] {
    SokrCompletionSignal signal;
    EXPECT_EQ(complete(sokr_token_encode(id, 1), UINT64_MAX, &signal), SOKR_OK);
  });
  while (!retiring::waits) std::this_thread::yield();
  std::thread remover([&] { EXPECT_EQ(sokr_deregister_substrate(id), SOKR_OK); });
  SokrDispatchResponse response = stale_dispatch();
  const SokrDispatchRequest to_it = request(id);
  while (sokr_dispatch(&to_it, &response) != SOKR_NOT_FOUND) std::this_thread::yield();
  retiring::told = true;
  caller.join();
  remover.join();
  EXPECT_EQ(retiring::tellings, 0);
}

TEST_F(Contract, LIF_5_a_plugin_may_call_the_core) {
  const uint32_t inner = add<2>();
  const uint32_t outer = add<1>();
  SokrResult nested = SOKR_DISPATCH_FAILED;
  Fake<1>::script.during_dispatch = [&] {
    SokrDispatchResponse response;
    const SokrDispatchRequest to_inner = request(inner);
    nested = sokr_dispatch(&to_inner, &response);
  };
  SokrDispatchResponse response;
  const SokrDispatchRequest to_outer = request(outer);
  EXPECT_EQ(sokr_dispatch(&to_outer, &response), SOKR_OK);
  EXPECT_EQ(nested, SOKR_OK);
}

TEST_F(Contract, THR_2_a_call_that_blocks_in_one_plugin_holds_up_no_other) {
  const uint32_t blocked = add<1>(), other = add<2>();
  std::atomic<bool> inside = false, let_go = false;
  Fake<1>::script.during_dispatch = [&] {
    inside = true;
    while (!let_go) std::this_thread::yield();
  };
  std::thread caller([&] {
    SokrDispatchResponse response;
    const SokrDispatchRequest to_it = request(blocked);
    EXPECT_EQ(sokr_dispatch(&to_it, &response), SOKR_OK);
  });
  while (!inside) std::this_thread::yield();
  SokrDispatchResponse response;
  const SokrDispatchRequest to_other = request(other);
  EXPECT_EQ(sokr_dispatch(&to_other, &response), SOKR_OK);
  const uint32_t third = add<3>();
  EXPECT_EQ(sokr_deregister_substrate(other), SOKR_OK);
  EXPECT_EQ(sokr_deregister_substrate(third), SOKR_OK);
  let_go = true;
  caller.join();
}

void let_an_exception_out_of_a_plugin() {
  const SokrSubstratePlugin plugin = Fake<1>::plugin();
  uint32_t id = 0;
  sokr_register_substrate(&plugin, &id);
  Fake<1>::script.during_dispatch = [] { throw 1; };
  const SokrDispatchRequest request = {{{9}}, id, kBytes, 1, nullptr, 0};
  SokrDispatchResponse response;
  try {
    sokr_dispatch(&request, &response);
  } catch (...) {
  }
}

TEST(ContractDeath, PLG_1_an_exception_that_leaves_a_plugin_ends_the_process) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(let_an_exception_out_of_a_plugin(), "terminate");
}

}  // namespace
}  // namespace sokr::core_test
