/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Registers a substrate that completes everything, and runs a computation on it. */
#include <sokr/sokr.h>
#include <stdio.h>

static int destroyed = 0;

static SokrResult capability(const SokrCapabilityQuery* query, SokrCapabilityResponse* response) {
  (void)query;
  response->result = SOKR_OK;
  return SOKR_OK;
}

static SokrResult dispatch(const SokrDispatchRequest* request, SokrDispatchResponse* response) {
  (void)request;
  response->completion_token = 7;
  return response->result = SOKR_OK;
}

static SokrResult completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
  if (query->completion_token != 7) return SOKR_NOT_FOUND;
  *signal = SOKR_COMPLETION_COMPLETE;
  return SOKR_OK;
}

static void destroy(void) {
  destroyed = 1;
}

int main(void) {
  const SokrSubstratePlugin plugin = {
      {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, 0}, capability, dispatch, completion, destroy};
  SokrDispatchRequest request = {0};
  SokrDispatchResponse response = {0};
  SokrCompletionQuery query = {0};
  SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
  if (sokr_register_substrate(&plugin, &request.substrate_id) != SOKR_OK) return 1;
  if (sokr_dispatch(&request, &response) != SOKR_OK) return 2;
  query.completion_token = response.completion_token;
  if (sokr_completion(&query, &signal) != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE) return 3;
  if (sokr_deregister_substrate(request.substrate_id) != SOKR_OK || !destroyed) return 4;
  printf("core %u.%u.%u\n", sokr_version().major, sokr_version().minor, sokr_version().patch);
  return 0;
}
