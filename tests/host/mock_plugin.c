/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Plugins that behave, and plugins that do not, from one source. Without defines: the
 * substrate "mock:add", which accepts SPIR-V and adds MOCK_ADD to every byte that a
 * launch binds for writing. Each define below changes one thing.
 *
 *   MOCK_NAME "x"           the substrate's name      MOCK_KIND k   its kind
 *   MOCK_ADD n              what is added             MOCK_FORMAT f the IR it accepts
 *   MOCK_FAIL_DISPATCH      every dispatch is refused, with a sentence
 *   MOCK_FAIL_COMPLETION    every launch ends as FAILED, with a sentence
 *   MOCK_DENY               capability denies, with a sentence
 *   MOCK_SILENT             has no diagnostics table
 *   MOCK_COMPUTE_VERSION v  claims another version of sokr/compute.h
 *   MOCK_ABI_MAJOR m        its vtable claims another version of sokr/sokr.h
 *   MOCK_NULL_MAIN          sokr_plugin_main returns null
 *   MOCK_NO_SYMBOL          exports nothing
 *   MOCK_NULL_FUNCTION      a function of the vtable is null
 *   MOCK_SHORT_INFO         SokrSubstrateInfo as an old header had it: up to `plugin`
 *   MOCK_TINY_INFO          SokrSubstrateInfo that ends before `plugin`
 *   MOCK_LONG_INFO          structures of a later header, with more members
 *   MOCK_UUID "x"           names the UUID of its device
 *   MOCK_NULL_LIST          a substrate count with a null list
 *   MOCK_UNAVAILABLE        names something that it could not offer
 *   MOCK_KERNELS r          has a kernel table whose prepare answers r; a launch of what is prepared
 *                           adds 100 more
 *   MOCK_MEMORY r           has a memory table whose create writes a handle and answers r, with
 *                           MOCK_NO_HANDLE that of no buffer
 *   MOCK_PENDING            answers PENDING when it is asked of a launch for the first time
 *   MOCK_ENDLESS            claims that its sentences have SIZE_MAX bytes
 *   MOCK_STATISTICS         claims to have UINT32_MAX statistics
 *   MOCK_SECOND "x"         offers another substrate of this name
 *   MOCK_OPENS "x"          its main opens a host on the mock of this file and looks there for
 *                           MOCK_FINDS
 *   MOCK_DECLARE "x"        its file declares these names, and as kinds MOCK_DECLARE_KINDS,
 *                           which is its own kind unless given
 *
 * The lines "NAME main", "NAME destroy", of a kernel table "NAME prepare ENTRY CONSTANTS" and
 * "NAME release", of a memory table "NAME free" and with MOCK_PENDING "NAME pending" and
 * "NAME complete" are appended to the file that the environment variable SOKR_MOCK_LOG names; with
 * MOCK_OPENS "NAME found", or "NAME missing".
 *
 * Where the folder that SOKR_MOCK_BLOCK names has a FIFO "NAME.main", "NAME.completion" or
 * "NAME.destroy", that function of the mock reads it to its end before it does anything.
 *
 * mock_speak, a symbol, does as a thread would that the mock has left behind: it logs the value of
 * its first option, and traces a slice "late".
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sokr/compute.h>
#include <stdio.h>
#include <stdlib.h>

#include "launch_reader.h"

#ifndef MOCK_NAME
#define MOCK_NAME "mock:add"
#endif
#ifndef MOCK_KIND
#define MOCK_KIND SOKR_KIND_CPU
#endif
#ifndef MOCK_ADD
#define MOCK_ADD 1
#endif
#ifndef MOCK_FORMAT
#define MOCK_FORMAT SOKR_IR_SPIRV
#endif
#ifndef MOCK_COMPUTE_VERSION
#define MOCK_COMPUTE_VERSION SOKR_COMPUTE_VERSION
#endif
#ifndef MOCK_ABI_MAJOR
#define MOCK_ABI_MAJOR SOKR_VERSION_MAJOR
#endif

static __thread const char* mock_error = "";
static uint64_t mock_tokens = 0;

static void mock_record(const char* event) {
  const char* path = getenv("SOKR_MOCK_LOG");
  FILE* file = path ? fopen(path, "a") : NULL;
  if (!file) return;
  fprintf(file, "%s %s\n", MOCK_NAME, event);
  fclose(file);
}

static void mock_block(const char* event) {
  const char* folder = getenv("SOKR_MOCK_BLOCK");
  char path[512];
  FILE* fifo;
  if (!folder) return;
  snprintf(path, sizeof path, "%s/%s.%s", folder, MOCK_NAME, event);
  fifo = fopen(path, "r");
  if (!fifo) return;
  while (fgetc(fifo) != EOF) {
  }
  fclose(fifo);
}

static const SokrHostInfo* mock_host = NULL;

SOKR_PLUGIN_EXPORT void mock_speak(void);
SOKR_PLUGIN_EXPORT void mock_speak(void) {
  const SokrTraceSlice slice = {
      .struct_size = sizeof slice, .substrate = MOCK_NAME, .thread = "left behind", .name = "late"};
  mock_host->log(mock_host->log_context, SOKR_LOG_WARNING,
                 mock_host->option_count ? mock_host->options[0].value : "no option");
  if (mock_host->trace) mock_host->trace(mock_host->trace_context, &slice);
}

#ifdef MOCK_OPENS
typedef struct SokrHost SokrHost;

static int mock_symbol(const char* name, void* out) {
  void* const found = dlsym(RTLD_DEFAULT, name);
  memcpy(out, &found, sizeof found);
  return found != NULL;
}

static void mock_open_other(void) {
  SokrHost* (*open)(const char*);
  const SokrSubstrateInfo* (*find)(const SokrHost*, const char*, uint32_t*);
  void (*close)(SokrHost*);
  Dl_info here;
  char path[512];
  SokrHost* host;
  if (!mock_symbol("sokr_host_open", &open) || !mock_symbol("sokr_host_find", &find) ||
      !mock_symbol("sokr_host_close", &close) || !dladdr((const void*)&mock_host, &here)) {
    return;
  }
  snprintf(path, sizeof path, "%s", here.dli_fname);
  snprintf(strrchr(path, '/') + 1, 64, "%s", MOCK_OPENS);
  host = open(path);
  mock_record(host && find(host, MOCK_FINDS, NULL) ? "found" : "missing");
  close(host);
}
#endif

static SokrResult mock_capability(const SokrCapabilityQuery* query,
                                  SokrCapabilityResponse* response) {
  (void)query;
  response->result = SOKR_OK;
#ifdef MOCK_DENY
  mock_error = "the mock\ndenies everything";
  response->result = SOKR_CAPABILITY_DENIED;
#endif
  return response->result;
}

static void mock_run(const SokrBinding* binding, unsigned add) {
  unsigned char* bytes = (unsigned char*)(uintptr_t)binding->resource + binding->offset;
  uint64_t i;
  if (binding->kind != SOKR_BINDING_HOST || !(binding->access & SOKR_ACCESS_WRITE)) return;
  for (i = 0; i < binding->size; ++i) bytes[i] = (unsigned char)(bytes[i] + add);
}

static unsigned mock_prepared_adds(const SokrDispatchRequest* request) {
  SokrPreparedIr ir;
  if (request->ir_data_len != sizeof ir) return 0;
  memcpy(&ir, request->ir_data, sizeof ir);
  return ir.magic == SOKR_IR_PREPARED && ir.kernel ? 100 : 0;
}

#ifdef MOCK_KERNELS
static SokrResult mock_prepare(const SokrKernelInfo* const* kernels, uint32_t count,
                               SokrKernel* out) {
  static SokrKernel given = 0;
  uint32_t i;
  mock_error = "the mock prepares nothing";
  for (i = 0; i < count; ++i) {
    char event[64];
    snprintf(event, sizeof event, "prepare %.16s %u", kernels[i]->entry ? kernels[i]->entry : "-",
             (unsigned)kernels[i]->specialization_count);
    mock_record(event);
    out[i] = MOCK_KERNELS == SOKR_OK ? ++given : 0;
  }
  return MOCK_KERNELS;
}

static SokrResult mock_release(SokrKernel kernel) {
  mock_record("release");
  return kernel ? SOKR_OK : SOKR_NOT_FOUND;
}

static const SokrKernelTable mock_kernels = {sizeof(SokrKernelTable), 0, mock_prepare,
                                             mock_release};
#endif

#ifdef MOCK_MEMORY
static SokrResult mock_create(uint64_t size, uint32_t flags, SokrBuffer* buffer) {
  static SokrBuffer given = 0;
  (void)size;
  (void)flags;
  mock_error = "the mock has no memory left";
#ifdef MOCK_NO_HANDLE
  (void)given;
  *buffer = 0;
#else
  *buffer = ++given;
#endif
  return MOCK_MEMORY;
}

static SokrResult mock_free(SokrBuffer buffer) {
  mock_record("free");
  return buffer ? SOKR_OK : SOKR_INVALID_INPUT;
}

static const SokrMemoryTable mock_memory = {
    .struct_size = sizeof(SokrMemoryTable), .create = mock_create, .free = mock_free};
#endif

static SokrResult mock_dispatch(const SokrDispatchRequest* request,
                                SokrDispatchResponse* response) {
  LaunchReader launch;
  uint32_t i;
#ifdef MOCK_FAIL_DISPATCH
  mock_error = "the mock refuses every launch";
  (void)launch;
  (void)i;
  (void)request;
  (void)mock_run;
  (void)mock_prepared_adds;
  (void)mock_tokens;
  response->completion_token = 0;
  return response->result = SOKR_DISPATCH_FAILED;
#else
  const char* wrong = launch_read(&launch, request->params, request->params_len);
  if (wrong) {
    mock_error = wrong;
    return response->result = SOKR_INVALID_INPUT;
  }
  for (i = 0; i < launch.header.binding_count; ++i) {
    SokrBinding binding = launch_binding(&launch, i);
    mock_run(&binding, MOCK_ADD + mock_prepared_adds(request));
  }
  response->completion_token = __atomic_add_fetch(&mock_tokens, 1, __ATOMIC_RELAXED);
  return response->result = SOKR_OK;
#endif
}

static SokrResult mock_completion(const SokrCompletionQuery* query, SokrCompletionSignal* signal) {
  (void)query;
  mock_block("completion");
#ifdef MOCK_PENDING
  static uint64_t mock_asked = 0;
  if (mock_asked != query->completion_token) {
    mock_asked = query->completion_token;
    mock_record("pending");
    *signal = SOKR_COMPLETION_PENDING;
    return SOKR_OK;
  }
  mock_record("complete");
#endif
#ifdef MOCK_FAIL_COMPLETION
  *signal = SOKR_COMPLETION_FAILED;
#else
  *signal = SOKR_COMPLETION_COMPLETE;
#endif
  return SOKR_OK;
}

static void mock_destroy(void) {
  mock_block("destroy");
  mock_record("destroy");
}

static size_t mock_say(const char* sentence, char* out, size_t capacity) {
  size_t size = strlen(sentence);
  if (capacity) {
    size_t count = size < capacity ? size : capacity - 1;
    memcpy(out, sentence, count);
    out[count] = 0;
  }
#ifdef MOCK_ENDLESS
  return SIZE_MAX;
#else
  return size;
#endif
}

static size_t mock_last_error(char* out, size_t capacity) {
  return mock_say(mock_error, out, capacity);
}

static size_t mock_completion_error(uint64_t token, char* out, size_t capacity) {
  (void)token;
  return mock_say("the mock fails every launch", out, capacity);
}

static const SokrSubstratePlugin mock_vtable = {
    {MOCK_ABI_MAJOR, SOKR_VERSION_MINOR, 0},
    mock_capability,
#ifdef MOCK_NULL_FUNCTION
    NULL,
#else
    mock_dispatch,
#endif
    mock_completion,
    mock_destroy,
};

#ifdef MOCK_STATISTICS
static SokrResult mock_count(SokrStatistics* statistics) {
  statistics->count = UINT32_MAX;
  return SOKR_OK;
}
#endif

static const SokrDiagnosticsTable mock_diagnostics = {
    .struct_size = sizeof(SokrDiagnosticsTable),
    .last_error = mock_last_error,
    .completion_error = mock_completion_error,
#ifdef MOCK_STATISTICS
    .statistics = mock_count,
#endif
};
static const uint32_t mock_formats[] = {MOCK_FORMAT};

/* A structure of a later header: ours, and members that this host does not know. */
typedef struct {
  SokrSubstrateInfo known;
  uint64_t later[8];
} LaterInfo;

#ifdef MOCK_UUID
static const SokrFact mock_fact = {"device_uuid", MOCK_UUID};
#endif

static const LaterInfo mock_info = {{
#if defined(MOCK_SHORT_INFO)
                                        offsetof(SokrSubstrateInfo, ir_formats),
#elif defined(MOCK_TINY_INFO)
                                        offsetof(SokrSubstrateInfo, plugin),
#elif defined(MOCK_LONG_INFO)
                                        sizeof(LaterInfo),
#else
                                        sizeof(SokrSubstrateInfo),
#endif
                                        MOCK_KIND,
                                        MOCK_NAME,
                                        "a mock",
                                        &mock_vtable,
                                        mock_formats,
                                        1,
#ifdef MOCK_UUID
                                        1,
                                        &mock_fact,
#else
                                        0,
                                        NULL,
#endif
                                        NULL,
#ifdef MOCK_MEMORY
                                        &mock_memory,
#else
                                        NULL,
#endif
#ifdef MOCK_SILENT
                                        NULL,
#else
                                        &mock_diagnostics,
#endif
                                        sizeof(SokrFact),
                                        0,
#ifdef MOCK_KERNELS
                                        &mock_kernels,
#else
                                        NULL,
#endif
                                    },
                                    {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull}};

#ifdef MOCK_SECOND
static const SokrSubstrateInfo mock_second = {.struct_size = sizeof mock_second,
                                              .kind = MOCK_KIND,
                                              .name = MOCK_SECOND,
                                              .description = "another mock",
                                              .plugin = &mock_vtable};
#endif

static const SokrSubstrateInfo* const mock_substrates[] = {
    &mock_info.known,
#ifdef MOCK_SECOND
    &mock_second,
#endif
};
static const SokrUnavailable mock_unavailable[] = {{"mock:other", "its device is\nnot plugged in"}};

static const SokrPlugin mock_library = {
    sizeof(SokrPlugin),
    MOCK_COMPUTE_VERSION,
    "mock",
    "1",
#ifdef MOCK_NULL_LIST
    NULL,
#else
    mock_substrates,
#endif
    mock_unavailable,
    sizeof mock_substrates / sizeof mock_substrates[0],
#ifdef MOCK_UNAVAILABLE
    1,
#else
    0,
#endif
    sizeof(SokrUnavailable),
};

#ifdef MOCK_DECLARE
#ifndef MOCK_DECLARE_KINDS
#define MOCK_DECLARE_KINDS SOKR_KIND_BIT(MOCK_KIND)
#endif
SOKR_PLUGIN_DECLARE(MOCK_DECLARE, MOCK_DECLARE_KINDS);
#endif

#ifndef MOCK_NO_SYMBOL
SOKR_PLUGIN_EXPORT
#else
__attribute__((visibility("hidden")))
#endif
const SokrPlugin* sokr_plugin_main(const SokrHostInfo* host) {
  mock_host = host;
  (void)mock_library;
  (void)mock_substrates;
  (void)mock_diagnostics;
  (void)mock_dispatch;
  mock_record("main");
  mock_block("main");
#ifdef MOCK_OPENS
  mock_open_other();
#endif
#ifdef MOCK_NULL_MAIN
  return NULL;
#else
  return &mock_library;
#endif
}
