/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The core's self-test for any target with a puts: registration, routing, tokens,
 * failure writes, unplugging and the use of every slot. Exit status 0 and a last line
 * "selftest: all N checks passed", or a line for each check that failed.
 */
#include <sokr/sokr.h>
#include <stdio.h>
#include <string.h>

static unsigned checks, failures;

static void check(int good, const char* what, int line) {
  ++checks;
  if (good) return;
  ++failures;
  printf("FAILED line %d: %s\n", line, what);
}
#define CHECK(condition) check((condition) ? 1 : 0, #condition, __LINE__)

/* ---- A substrate that answers what the test tells it ------------------------- */

static struct {
  SokrResult capability, dispatch, completion;
  SokrCompletionSignal signal;
  uint64_t token;
  unsigned calls, destroyed;
  SokrCompletionQuery seen;
} plugin;

static SokrResult capability(const SokrCapabilityQuery* query, SokrCapabilityResponse* response) {
  ++plugin.calls;
  response->substrate_id = 4711;
  response->estimated_latency_ns = query->ir_data_len;
  return plugin.capability;
}

static SokrResult dispatch(const SokrDispatchRequest* request, SokrDispatchResponse* response) {
  (void)request;
  ++plugin.calls;
  response->completion_token = plugin.token;
  return plugin.dispatch;
}

static SokrResult completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
  ++plugin.calls;
  plugin.seen = *query;
  *signal = plugin.signal;
  return plugin.completion;
}

static void destroy(void) {
  ++plugin.destroyed;
}

static SokrResult capability_denied(const SokrCapabilityQuery* query,
                                    SokrCapabilityResponse* response) {
  (void)query;
  (void)response;
  return SOKR_CAPABILITY_DENIED;
}

static const SokrSubstratePlugin good = {
    {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH},
    capability,
    dispatch,
    completion,
    destroy};
static const uint8_t bytes[4] = {1, 2, 3, 4};

static void reset(void) {
  memset(&plugin, 0, sizeof plugin);
  plugin.signal = SOKR_COMPLETION_COMPLETE;
  plugin.token = 1;
}

static SokrResult dispatch_to(uint32_t id, SokrDispatchResponse* response) {
  SokrDispatchRequest request;
  memset(&request, 0, sizeof request);
  request.substrate_id = id;
  request.ir_data = bytes;
  request.ir_data_len = sizeof bytes;
  memset(response, 0xEE, sizeof *response);
  return sokr_dispatch(&request, response);
}

static SokrResult ask(uint64_t token, uint64_t timeout, SokrCompletionSignal* signal) {
  SokrCompletionQuery query;
  query.completion_token = token;
  query.timeout_ns = timeout;
  *signal = SOKR_COMPLETION_FORCE_32;
  return sokr_completion(&query, signal);
}

/* ---- The checks ---------------------------------------------------------------- */

static void test_registration(void) {
  SokrSubstratePlugin table = good;
  uint32_t id = 99, other = 99;
  reset();
  CHECK(sokr_version().major == SOKR_VERSION_MAJOR);
  CHECK(sokr_register_substrate(0, &id) == SOKR_INVALID_INPUT && id == 0);
  CHECK(sokr_register_substrate(&good, 0) == SOKR_INVALID_INPUT);
  table.destroy_fn = 0;
  CHECK(sokr_register_substrate(&table, &id) == SOKR_INVALID_INPUT && id == 0);
  table = good;
  table.version.major = SOKR_VERSION_MAJOR + 1u;
  CHECK(sokr_register_substrate(&table, &id) == SOKR_VERSION_MISMATCH && id == 0);
  table.version.major = SOKR_VERSION_MAJOR;
  table.version.minor = 1000;
  CHECK(sokr_register_substrate(&table, &id) == SOKR_OK && id != 0);
  CHECK(sokr_register_substrate(&good, &other) == SOKR_OK && other == id + 1);
  CHECK(sokr_deregister_substrate(id) == SOKR_OK && plugin.destroyed == 1);
  CHECK(sokr_deregister_substrate(id) == SOKR_NOT_FOUND && plugin.destroyed == 1);
  CHECK(sokr_deregister_substrate(other) == SOKR_OK && plugin.destroyed == 2);
  CHECK(sokr_deregister_substrate(0) == SOKR_NOT_FOUND);
}

static void test_capability(void) {
  SokrSubstratePlugin denier = good;
  SokrCapabilityQuery query;
  SokrCapabilityResponse response;
  uint32_t first = 0, second = 0;
  reset();
  memset(&query, 0, sizeof query);
  memset(&response, 0xEE, sizeof response);
  CHECK(sokr_capability(&query, &response) == SOKR_NO_CAPABLE_SUBSTRATE);
  CHECK(response.result == SOKR_NO_CAPABLE_SUBSTRATE && response.substrate_id == 0 &&
        response.estimated_latency_ns == 0);
  denier.capability_fn = capability_denied;
  CHECK(sokr_register_substrate(&denier, &first) == SOKR_OK);
  CHECK(sokr_register_substrate(&good, &second) == SOKR_OK);
  query.ir_data_len = sizeof bytes;
  CHECK(sokr_capability(&query, &response) == SOKR_INVALID_INPUT && plugin.calls == 0);
  query.ir_data = bytes;
  CHECK(sokr_capability(&query, &response) == SOKR_OK && response.substrate_id == second);
  CHECK(response.result == SOKR_OK && response.estimated_latency_ns == sizeof bytes);
  plugin.capability = SOKR_INVALID_IR;
  CHECK(sokr_capability(&query, &response) == SOKR_INVALID_IR && response.substrate_id == 0);
  CHECK(sokr_capability(0, &response) == SOKR_INVALID_INPUT);
  CHECK(sokr_capability(&query, 0) == SOKR_INVALID_INPUT);
  CHECK(sokr_deregister_substrate(first) == SOKR_OK);
  CHECK(sokr_deregister_substrate(second) == SOKR_OK);
}

static void test_dispatch(void) {
  static const uint64_t bad[] = {0, SOKR_PLUGIN_TOKEN_MAX + 1, UINT64_MAX};
  SokrDispatchResponse response;
  uint32_t id = 0;
  unsigned i;
  reset();
  CHECK(sokr_register_substrate(&good, &id) == SOKR_OK);
  plugin.token = SOKR_PLUGIN_TOKEN_MAX;
  CHECK(dispatch_to(id, &response) == SOKR_OK && response.result == SOKR_OK);
  CHECK(response.completion_token == (((uint64_t)id << 48) | SOKR_PLUGIN_TOKEN_MAX));
  for (i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
    plugin.token = bad[i];
    CHECK(dispatch_to(id, &response) == SOKR_DISPATCH_FAILED);
    CHECK(response.result == SOKR_DISPATCH_FAILED && response.completion_token == 0);
  }
  plugin.dispatch = SOKR_INVALID_INPUT;
  CHECK(dispatch_to(id, &response) == SOKR_INVALID_INPUT && response.completion_token == 0);
  CHECK(dispatch_to(id + 1, &response) == SOKR_NOT_FOUND);
  CHECK(dispatch_to(id + 0x10000u, &response) == SOKR_NOT_FOUND);
  CHECK(sokr_dispatch(0, &response) == SOKR_INVALID_INPUT);
  CHECK(sokr_deregister_substrate(id) == SOKR_OK);
  CHECK(dispatch_to(id, &response) == SOKR_NOT_FOUND);
}

static void test_completion(void) {
  SokrCompletionSignal signal;
  uint32_t id = 0;
  uint64_t token;
  reset();
  CHECK(sokr_register_substrate(&good, &id) == SOKR_OK);
  token = sokr_token_encode(id, UINT64_C(0x123456789ABC));
  CHECK(ask(token, 5, &signal) == SOKR_OK && signal == SOKR_COMPLETION_COMPLETE);
  CHECK(plugin.seen.completion_token == UINT64_C(0x123456789ABC) && plugin.seen.timeout_ns == 5);
  plugin.signal = SOKR_COMPLETION_PENDING;
  CHECK(ask(token, 0, &signal) == SOKR_OK && signal == SOKR_COMPLETION_PENDING);
  CHECK(ask(token, 5, &signal) == SOKR_TIMEOUT && signal == SOKR_COMPLETION_TIMEDOUT);
  plugin.signal = SOKR_COMPLETION_FORCE_32;
  CHECK(ask(token, 0, &signal) == SOKR_DISPATCH_FAILED && signal == SOKR_COMPLETION_FAILED);
  CHECK(ask(0, 0, &signal) == SOKR_INVALID_INPUT && signal == SOKR_COMPLETION_FAILED);
  CHECK(ask(sokr_token_encode(id, 0), 0, &signal) == SOKR_INVALID_INPUT);
  CHECK(ask(sokr_token_encode(id + 1, 1), 0, &signal) == SOKR_NOT_FOUND);
  CHECK(sokr_deregister_substrate(id) == SOKR_OK);
  CHECK(ask(token, 0, &signal) == SOKR_NOT_FOUND && signal == SOKR_COMPLETION_FAILED);
}

static void test_every_slot(void) {
  static uint32_t ids[SOKR_MAX_SUBSTRATES + 1], listed[SOKR_MAX_SUBSTRATES + 1];
  SokrDispatchResponse response;
  size_t count = 0;
  uint32_t i;
  reset();
  for (i = 0; i < SOKR_MAX_SUBSTRATES; ++i) {
    CHECK(sokr_register_substrate(&good, &ids[i]) == SOKR_OK);
  }
  CHECK(sokr_register_substrate(&good, &ids[i]) == SOKR_REGISTRY_FULL && ids[i] == 0);
  CHECK(sokr_list_substrates(listed, SOKR_MAX_SUBSTRATES, &count) == SOKR_OK);
  CHECK(count == SOKR_MAX_SUBSTRATES && memcmp(ids, listed, count * sizeof ids[0]) == 0);
  CHECK(sokr_list_substrates(listed, 1, &count) == SOKR_REGISTRY_FULL);
  for (i = 0; i < SOKR_MAX_SUBSTRATES; ++i) {
    CHECK(dispatch_to(ids[i], &response) == SOKR_OK);
    CHECK(sokr_deregister_substrate(ids[i]) == SOKR_OK);
  }
  CHECK(plugin.destroyed == SOKR_MAX_SUBSTRATES);
  CHECK(sokr_list_substrates(0, 0, &count) == SOKR_OK && count == 0);
}

int main(void) {
  test_registration();
  test_capability();
  test_dispatch();
  test_completion();
  test_every_slot();
  if (failures == 0) printf("selftest: all %u checks passed\n", checks);
  return failures == 0 ? 0 : 1;
}
