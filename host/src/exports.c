/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The inline functions of the headers as symbols: for callers that cannot read a header, and for
 * programs that were built when some of these were exported functions. They take structures as
 * 1.0 had them. The headers define them under other names here, so that these can have their own.
 */
#define sokr_host_choose inline_host_choose
#define sokr_host_reflect inline_host_reflect
#define sokr_host_write_launch inline_host_write_launch
#define sokr_launch_size inline_launch_size
#define sokr_launch_write inline_launch_write
#define sokr_token_encode inline_token_encode
#define sokr_token_substrate inline_token_substrate
#define sokr_token_plugin_token inline_token_plugin_token
#include <sokr/host.h>
#undef sokr_host_choose
#undef sokr_host_reflect
#undef sokr_host_write_launch
#undef sokr_launch_size
#undef sokr_launch_write
#undef sokr_token_encode
#undef sokr_token_substrate
#undef sokr_token_plugin_token

SOKR_HOST_API SokrResult sokr_host_choose(SokrHost *host, const char *name, const void *kernel,
                                          size_t kernel_size, SokrChoice *out) {
  return sokr_host_choose_sized(host, name, kernel, kernel_size, out, SOKR_CHOICE_SIZE_1_0);
}

SOKR_HOST_API SokrResult sokr_host_reflect(SokrHost *host, const void *kernel, size_t kernel_size,
                                           const SokrSpecialization *specializations,
                                           uint32_t specialization_count,
                                           const uint32_t *local_size,
                                           const SokrIrReflection **out) {
  SokrIrRequest request;
  memset(&request, 0, sizeof request);
  request.struct_size = (uint32_t)sizeof request;
  request.ir_version = UINT32_C(0x00010000);
  request.data = (const uint8_t *)kernel;
  request.size = kernel_size;
  request.specializations = (const SokrIrSpecValue *)(const void *)specializations;
  request.specialization_count = specialization_count;
  request.specialization_size = (uint32_t)SOKR_SPECIALIZATION_SIZE_1_0;
  if (local_size) memcpy(request.local_size, local_size, sizeof request.local_size);
  return sokr_host_reflect_request(host, &request, out);
}

SOKR_HOST_API size_t sokr_host_write_launch(const SokrLaunch *launch, void *out,
                                            size_t capacity) {
  return sokr_host_write_launch_sized(launch, SOKR_LAUNCH_SIZE_1_0, SOKR_BINDING_SIZE_1_0,
                                      SOKR_SPECIALIZATION_SIZE_1_0, out, capacity);
}

SOKR_HOST_API size_t sokr_launch_size(const SokrLaunch *launch) {
  SokrLaunch known;
  sokr_copy_sized(&known, sizeof known, launch, SOKR_LAUNCH_SIZE_1_0);
  return sokr_launch_size_(&known, 1u); /* looks at no binding */
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
