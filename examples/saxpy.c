/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* y = a * x + y on the best substrate of this machine, with the C API. */
#include <sokr/host.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 1000000 };
static float x[N], y[N];
static unsigned char spirv[1 << 20], params[512];

static int give_up(const char *sentence) {
  fprintf(stderr, "%s\n", sentence);
  return 1;
}

int main(int argc, char **argv) {
  FILE *file = fopen(argc > 1 ? argv[1] : "saxpy.spv", "rb");
  if (!file) return give_up("usage: saxpy saxpy.spv");
  size_t spirv_size = fread(spirv, 1, sizeof spirv, file);
  fclose(file);
  for (int i = 0; i < N; ++i) x[i] = 1.0f, y[i] = 2.0f;

  SokrHost *host = sokr_host_open(NULL);
  SokrChoice choice;
  if (sokr_host_choose(host, NULL, spirv, spirv_size, &choice) != SOKR_OK)
    return give_up(sokr_host_last_error());

  struct { uint32_t n; float a; } push = {N, 3.0f};
  SokrBinding bindings[2] = {
      {.binding = 0, .kind = SOKR_BINDING_HOST, .access = SOKR_ACCESS_READ,
       .resource = (uint64_t)(uintptr_t)x, .size = sizeof x},
      {.binding = 1, .kind = SOKR_BINDING_HOST, .access = SOKR_ACCESS_READ_WRITE,
       .resource = (uint64_t)(uintptr_t)y, .size = sizeof y}};
  SokrLaunch launch = {.groups = {(N + 255) / 256, 1, 1}, .bindings = bindings,
                       .binding_count = 2, .push = &push, .push_size = sizeof push};
  size_t params_size = sokr_host_write_launch(&launch, params, sizeof params);
  if (params_size == 0) return give_up(sokr_host_last_error());
  SokrDispatchRequest request = {
      .computation_id = choice.computation_id, .substrate_id = choice.substrate_id,
      .ir_data = choice.ir_data, .ir_data_len = choice.ir_data_len,
      .params = params, .params_len = params_size};

  SokrDispatchResponse started;
  SokrCompletionSignal signal = SOKR_COMPLETION_FAILED;
  const SokrResult accepted = sokr_dispatch(&request, &started);          /* fulfil it */
  if (accepted == SOKR_OK)
    sokr_completion(&(SokrCompletionQuery){started.completion_token, UINT64_MAX}, &signal);
  if (signal != SOKR_COMPLETION_COMPLETE) {
    char why[256] = "the launch was not fulfilled, and the substrate does not say why";
    const SokrDiagnosticsTable *explain = choice.info->diagnostics;
    if (explain && accepted != SOKR_OK) explain->last_error(why, sizeof why);
    if (explain && accepted == SOKR_OK)
      explain->completion_error(sokr_token_plugin_token(started.completion_token), why, sizeof why);
    return give_up(why);
  }
  printf("%s: y[0] = %g\n", choice.info->name, y[0]);
  sokr_host_close(host);
  return y[0] == 5.0f ? 0 : 1;
}
