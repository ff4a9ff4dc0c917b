/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/host.h - SOKR for C programs: load the plugins, find a substrate.
 *
 * A host finds plugins, registers their substrates with the core and picks one
 * for a kernel. From there on the core's three calls do the work:
 *
 *     SokrHost *host = sokr_host_open(NULL);
 *     SokrChoice choice;
 *     if (sokr_host_choose(host, NULL, spirv, spirv_size, &choice) != SOKR_OK)
 *       return puts(sokr_host_last_error());
 *
 *     size_t size = sokr_host_write_launch(&launch, params, sizeof params);
 *     if (size == 0) return puts(sokr_host_last_error());
 *     SokrDispatchRequest request = {
 *       .computation_id = choice.computation_id, .substrate_id = choice.substrate_id,
 *       .ir_data = choice.ir_data, .ir_data_len = choice.ir_data_len,
 *       .params = params, .params_len = size};
 *     SokrDispatchResponse started;
 *     sokr_dispatch(&request, &started);
 *     sokr_completion(&(SokrCompletionQuery){started.completion_token, UINT64_MAX}, &signal);
 *
 * Why a dispatch failed is in choice.info->diagnostics, in one sentence.
 *
 * Threads: a host may be used by several threads at once, except for
 * sokr_host_close, which comes last. Several hosts may be open at once; a plugin is
 * loaded once, shared, and unloaded with the last of them. Every pointer that comes
 * from a host is valid until that host is closed. Link with sokr::host
 * (pkg-config: sokr). Valid as C99 to C17 and as C++11 to C++20.
 *
 * Growth (sokr/growth.h): a structure of the program's that does not start with its size is
 * passed with it, by an inline function here to the exported one whose name ends in `_sized`.
 * The exported functions with the names of the inline ones are those of 1.0: they read and
 * write structures as they were then, for programs that were built with its header and for
 * languages that call C without reading headers.
 */
#ifndef SOKR_HOST_H_
#define SOKR_HOST_H_

#include <sokr/compute.h>
#include <sokr/ir.h>
#include <sokr/sokr.h>
#include <string.h>

#ifndef SOKR_HOST_API
#if defined(__GNUC__)
#define SOKR_HOST_API __attribute__((visibility("default")))
#else
#define SOKR_HOST_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; major in the upper 16 bits, minor in the lower. */
#define SOKR_HOST_VERSION UINT32_C(0x00010001)

typedef struct SokrHost SokrHost;

/* Loads the plugins beside the library, then those of `plugin_path` (files and
 * folders joined by ':'; may be null), then those of SOKR_PLUGIN_PATH, and registers
 * what they offer. A plugin that cannot be loaded is passed over; SOKR_LOG=debug
 * prints every path and reason. Null only if memory runs out. Blocks for as long as
 * the plugins look for devices. */
SOKR_HOST_API SokrHost *sokr_host_open(const char *plugin_path);

/* Deregisters and unloads. Waits for the calls that are inside a plugin; dispatches
 * in flight are abandoned. Null is ignored. */
SOKR_HOST_API void sokr_host_close(SokrHost *host);

/* The substrates, best first: discrete GPU, integrated GPU, virtual GPU, CPU,
 * software GPU, others, reference. */
SOKR_HOST_API size_t sokr_host_count(const SokrHost *host);

/* One of them. The structure and its tables have the size of the host's headers,
 * whatever the plugin was built against. Null if index is too large. *id_out, unless
 * null, receives the id for SokrDispatchRequest; 0 on failure. */
SOKR_HOST_API const SokrSubstrateInfo *sokr_host_substrate(const SokrHost *host, size_t index,
                                                           uint32_t *id_out);

/* The same by name. Null, with a sentence that lists the names, if there is none. */
SOKR_HOST_API const SokrSubstrateInfo *sokr_host_find(const SokrHost *host, const char *name,
                                                      uint32_t *id_out);

/* Where a kernel can run and what to pass there. */
typedef struct {
  uint32_t substrate_id;
  uint32_t ir_format;
  const SokrSubstrateInfo *info;
  SokrComputationId computation_id; /* of exactly these bytes */
  const uint8_t *ir_data; /* the caller's bytes, or what an IR plugin lowered them to; then */
  size_t ir_data_len;     /* they are the host's until it is closed */
} SokrChoice;

#define SOKR_CHOICE_SIZE_1_0 SOKR_SIZE_THROUGH(SokrChoice, ir_data_len)

/*
 * The best substrate that can run the kernel; with a name, that one. The format is
 * recognised by the bytes.
 *
 *   SOKR_OK                    *out says where
 *   SOKR_NO_CAPABLE_SUBSTRATE  nobody can; the sentence has each one's reason
 *   SOKR_CAPABILITY_DENIED     the named one cannot, or the kernel is newer or larger than what
 *                              its IR plugin reads; the sentence says which
 *   SOKR_NOT_FOUND             no substrate has that name
 *   SOKR_INVALID_IR            no IR plugin knows these bytes, or they are malformed
 *   SOKR_INVALID_INPUT         a null host, kernel or out
 *   SOKR_DISPATCH_FAILED       out of memory
 * On failure *out is zero.
 */
SOKR_HOST_API SokrResult sokr_host_choose_sized(SokrHost *host, const char *name,
                                                const void *kernel, size_t kernel_size,
                                                SokrChoice *out, size_t choice_size);
static inline SokrResult sokr_host_choose(SokrHost *host, const char *name, const void *kernel,
                                          size_t kernel_size, SokrChoice *out) {
  return sokr_host_choose_sized(host, name, kernel, kernel_size, out, sizeof(SokrChoice));
}

/*
 * What a kernel declares: entry points, bindings, push constants, specialization constants, as
 * these `specializations` (by id; null with a count of 0) and this workgroup size (null or
 * all 0 = the kernel's own) make it. *out is the caller's until sokr_host_free_reflection.
 * Its elements have the library's sizes, which stand beside their counts: go through them with
 * SOKR_ELEMENT. Of a request, which is what IR plugins take, options, limits and target are
 * not looked at.
 *
 *   SOKR_OK             *out says what
 *   SOKR_INVALID_IR     no IR plugin knows these bytes, or they are malformed
 *   SOKR_CAPABILITY_DENIED  they are newer or larger than what their IR plugin reads
 *   SOKR_VERSION_MISMATCH   the request is of another major version
 *   SOKR_INVALID_INPUT  a null host, kernel or out; a specialization of another size than
 *                       declared, or that makes a size bad
 *   SOKR_DISPATCH_FAILED out of memory
 * On failure *out is null.
 */
SOKR_HOST_API SokrResult sokr_host_reflect_request(SokrHost *host, const SokrIrRequest *request,
                                                   const SokrIrReflection **out);
static inline SokrResult sokr_host_reflect(SokrHost *host, const void *kernel, size_t kernel_size,
                                           const SokrSpecialization *specializations,
                                           uint32_t specialization_count,
                                           const uint32_t *local_size,
                                           const SokrIrReflection **out) {
  SokrIrRequest request;
  memset(&request, 0, sizeof request);
  request.struct_size = (uint32_t)sizeof request;
  request.ir_version = SOKR_IR_VERSION;
  request.data = (const uint8_t *)kernel;
  request.size = kernel_size;
  request.specializations = (const SokrIrSpecValue *)(const void *)specializations;
  request.specialization_count = specialization_count;
  request.specialization_size = (uint32_t)sizeof(SokrSpecialization);
  if (local_size) memcpy(request.local_size, local_size, sizeof request.local_size);
  return sokr_host_reflect_request(host, &request, out);
}

/* Null is ignored. Before sokr_host_close. */
SOKR_HOST_API void sokr_host_free_reflection(const SokrIrReflection *reflection);

/* The workgroups for so many invocations, rounded up: groups_out[i] = threads[i] / the entry
 * point's workgroup size. `entry` null = the only entry point. SOKR_INVALID_INPUT, with a
 * sentence that lists the entry points, if there is no such. */
SOKR_HOST_API SokrResult sokr_host_groups(const SokrIrReflection *reflection, const char *entry,
                                          const uint32_t threads[3], uint32_t groups_out[3]);

/* sokr_launch_write, which says why it wrote nothing: a buffer that is too small, or a launch
 * that is too large, is a sentence in sokr_host_last_error. */
SOKR_HOST_API size_t sokr_host_write_launch_sized(const SokrLaunch *launch, size_t launch_size,
                                                  size_t binding_size, size_t specialization_size,
                                                  void *out, size_t capacity);
static inline size_t sokr_host_write_launch(const SokrLaunch *launch, void *out, size_t capacity) {
  return sokr_host_write_launch_sized(launch, sizeof(SokrLaunch), sizeof(SokrBinding),
                                      sizeof(SokrSpecialization), out, capacity);
}

/*
 * For languages that call C but do not read its headers, the library exports the inline
 * functions of sokr/compute.h and sokr/sokr.h under their own names, too: sokr_launch_size,
 * sokr_launch_write (with a sentence, as above; SokrLaunch and SokrBinding as 1.0 had them),
 * sokr_token_encode, sokr_token_substrate and sokr_token_plugin_token.
 */

/* Why the calling thread's last failed call of this header failed, in one sentence;
 * empty if none failed. Valid until the thread's next call of this header. */
SOKR_HOST_API const char *sokr_host_last_error(void);

#ifdef __cplusplus
}
#endif

#endif /* SOKR_HOST_H_ */
