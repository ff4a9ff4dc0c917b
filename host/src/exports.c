/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The inline functions of the headers as symbols, for callers that cannot read a header. The
 * headers define them under other names here, so that these can have their own.
 */
#define sokr_launch_size inline_launch_size
#define sokr_launch_write inline_launch_write
#define sokr_token_encode inline_token_encode
#define sokr_token_substrate inline_token_substrate
#define sokr_token_plugin_token inline_token_plugin_token
#include <sokr/host.h>
#undef sokr_launch_size
#undef sokr_launch_write
#undef sokr_token_encode
#undef sokr_token_substrate
#undef sokr_token_plugin_token

SOKR_HOST_API size_t sokr_launch_size(const SokrLaunch *launch) {
  return inline_launch_size(launch);
}

SOKR_HOST_API size_t sokr_launch_write(const SokrLaunch *launch, void *out, size_t capacity) {
  return sokr_host_write_launch(launch, out, capacity);
}

SOKR_HOST_API SokrCompletionToken sokr_token_encode(uint32_t substrate_id, uint64_t plugin_token) {
  return inline_token_encode(substrate_id, plugin_token);
}

SOKR_HOST_API uint32_t sokr_token_substrate(SokrCompletionToken token) {
  return inline_token_substrate(token);
}

SOKR_HOST_API uint64_t sokr_token_plugin_token(SokrCompletionToken token) {
  return inline_token_plugin_token(token);
}
