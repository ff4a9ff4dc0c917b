/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Loads the plugins that the first argument names, and runs the null substrate's only
 * computation on what the host chose. */
#include <sokr/host.h>
#include <stdio.h>

int main(int argc, char** argv) {
  SokrHost* host = sokr_host_open(argc > 1 ? argv[1] : NULL);
  uint32_t id = 0;
  SokrDispatchRequest request = {0};
  SokrDispatchResponse response = {0};
  SokrCompletionQuery query = {0, UINT64_MAX};
  SokrCompletionSignal signal = SOKR_COMPLETION_PENDING;
  const SokrSubstrateInfo* info = sokr_host_find(host, "null", &id);
  if (!info) {
    printf("%s\n", sokr_host_last_error());
    return 1;
  }
  request.substrate_id = id;
  request.ir_data = (const uint8_t*)"NULL";
  request.ir_data_len = 4;
  if (sokr_dispatch(&request, &response) != SOKR_OK) return 2;
  query.completion_token = response.completion_token;
  if (sokr_completion(&query, &signal) != SOKR_OK || signal != SOKR_COMPLETION_COMPLETE) return 3;
  printf("%s: %s\n", info->name, info->description);
  sokr_host_close(host);
  return 0;
}
