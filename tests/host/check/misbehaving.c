/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The null substrate with buffers and prepared kernels, breaking one rule of the contract: the one
 * that SOKR_TEST_FLAW names. Without that it keeps all of them.
 */
#define sokr_plugin_main honest_plugin_main
#include "null.c"
#undef sokr_plugin_main

#include <sokr/retire.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int has(const char *flaw) {
  const char *named = getenv("SOKR_TEST_FLAW");
  return named && strcmp(named, flaw) == 0;
}

/* Reads, where a compiler cannot see that it must not be. */
static void touch(const void *at) {
  const volatile unsigned char *byte = (const volatile unsigned char *)at;
  (void)*byte;
}

static void never(void) {
  for (;;) pause();
}

static void *idle(void *nothing) {
  never();
  return nothing;
}

static int forked = 0;
static void in_the_child(void) {
  forked = 1;
  if (has("LIF-9: goes on")) null_forked = 0;
}

/* The first thread that calls is the only one that may. */
static int is_others_thread(void) {
  static pthread_t first;
  static int known = 0;
  int other = 0;
  pthread_mutex_lock(&null_mutex);
  if (!known) first = pthread_self(), known = 1;
  other = !pthread_equal(first, pthread_self());
  pthread_mutex_unlock(&null_mutex);
  return other;
}

/* ---- Buffers ------------------------------------------------------------------------------- */

enum { MOST = 256, MOST_BYTES = 4096 };
typedef struct {
  uint64_t handle, size;
  unsigned char bytes[MOST_BYTES];
} Slot;
static Slot slots[MOST];
static uint64_t last_handle = 0;

static SokrResult refuse(SokrResult code, const char *sentence) {
  pthread_mutex_unlock(&null_mutex);
  return null_fail(code, sentence);
}

static SokrResult done(void) {
  pthread_mutex_unlock(&null_mutex);
  return SOKR_OK;
}

/* With null_mutex held. */
static Slot *find(uint64_t handle) {
  int i;
  for (i = 0; i < MOST; ++i)
    if (handle && slots[i].handle == handle) return slots + i;
  return NULL;
}

static int is_gone(void) { return !null_alive && !has("LIF-10"); }

static SokrResult create(uint64_t size, uint32_t flags, SokrBuffer *out) {
  int i = 0;
  (void)flags;
  if (!out) return null_fail(SOKR_INVALID_INPUT, "there is no place for the handle");
  *out = 0;
  pthread_mutex_lock(&null_mutex);
  if (is_gone()) return refuse(SOKR_NOT_FOUND, "this substrate is destroyed");
  if (size == 0 || size > MOST_BYTES) return refuse(SOKR_INVALID_INPUT, "1 to 4096 bytes");
  while (i < MOST && slots[i].handle) ++i;
  if (i == MOST) return refuse(SOKR_DISPATCH_FAILED, "256 buffers are there; free one");
  slots[i].handle = has("MEM-3") ? (uint64_t)i + 1 : ++last_handle;
  slots[i].size = size;
  memset(slots[i].bytes, has("MEM-1") ? 0xCD : 0, sizeof slots[i].bytes);
  *out = slots[i].handle;
  return done();
}

static SokrResult release_buffer(SokrBuffer buffer) {
  Slot *slot;
  pthread_mutex_lock(&null_mutex);
  if (is_gone()) return refuse(SOKR_NOT_FOUND, "this substrate is destroyed");
  slot = find(buffer);
  if (!slot) return refuse(SOKR_INVALID_INPUT, "there is no such buffer");
  slot->handle = 0;
  return done();
}

static SokrResult transfer(SokrBuffer buffer, uint64_t offset, void *to, const void *from,
                           uint64_t size) {
  Slot *slot;
  pthread_mutex_lock(&null_mutex);
  if (is_gone()) return refuse(SOKR_NOT_FOUND, "this substrate is destroyed");
  slot = find(buffer);
  if (!slot || (!to && !from)) return refuse(SOKR_INVALID_INPUT, "no such buffer, or null");
  if (has("MEM-2") ? offset + size > slot->size
                   : offset > slot->size || size > slot->size - offset)
    return refuse(SOKR_INVALID_INPUT, "the range is not within the buffer");
  if (to) memcpy(to, slot->bytes + offset, size);
  if (from) memcpy(slot->bytes + offset, from, size);
  return done();
}

static SokrResult write_buffer(SokrBuffer buffer, uint64_t offset, const void *from,
                               uint64_t size) {
  return transfer(buffer, offset, NULL, from, size);
}

static SokrResult read_buffer(SokrBuffer buffer, uint64_t offset, void *to, uint64_t size) {
  return transfer(buffer, offset, to, NULL, size);
}

static const SokrMemoryTable memory = {.struct_size = sizeof memory,
                                       .create = create,
                                       .free = release_buffer,
                                       .write = write_buffer,
                                       .read = read_buffer};

/* ---- Prepared kernels ------------------------------------------------------------------------ */

static uint64_t prepared[MOST];
static uint64_t last_kernel = 0;

/* With null_mutex held. */
static uint64_t *find_kernel(uint64_t kernel) {
  int i;
  for (i = 0; i < MOST; ++i)
    if (prepared[i] == kernel) return prepared + i;
  return NULL;
}

static SokrResult prepare(const SokrKernelInfo *const *kernels, uint32_t count, SokrKernel *out) {
  uint32_t i;
  if (!out) return null_fail(SOKR_INVALID_INPUT, "there is no place for the handles");
  for (i = 0; i < count; ++i) out[i] = 0;
  if (!kernels) return null_fail(SOKR_INVALID_INPUT, "the kernels are null");
  for (i = 0; i < count; ++i)
    if (!kernels[i] || !null_is_ours(kernels[i]->ir_data, kernels[i]->ir_size))
      return null_fail(SOKR_INVALID_IR, "one of them is no null computation");
  pthread_mutex_lock(&null_mutex);
  if (!null_alive) return refuse(SOKR_NOT_FOUND, "this substrate is destroyed");
  for (i = 0; i < count; ++i) {
    uint64_t *place = find_kernel(0);
    if (!place) return refuse(SOKR_DISPATCH_FAILED, "256 kernels are prepared");
    *place = out[i] = ++last_kernel;
  }
  return done();
}

static SokrResult release_kernel(SokrKernel kernel) {
  uint64_t *place;
  pthread_mutex_lock(&null_mutex);
  place = kernel && null_alive ? find_kernel(kernel) : NULL;
  if (!place) return refuse(SOKR_NOT_FOUND, "there is no such kernel");
  if (!has("DIS-10")) *place = 0;
  return done();
}

static const SokrKernelTable kernels = {sizeof kernels, 0, prepare, release_kernel};

/* The IR of a prepared kernel becomes that of what was prepared. 0 if there is no such. */
static int resolve(const uint8_t **ir, size_t *size) {
  SokrPreparedIr named;
  int known;
  if (!*ir || *size != sizeof named) return 1;
  memcpy(&named, *ir, sizeof named);
  if (named.magic != SOKR_IR_PREPARED || named.version != 1) return 1;
  pthread_mutex_lock(&null_mutex);
  known = named.kernel != 0 && find_kernel(named.kernel) != NULL;
  pthread_mutex_unlock(&null_mutex);
  *ir = (const uint8_t *)"NULL";
  *size = 4;
  return known;
}

/* ---- The four functions ------------------------------------------------------------------------ */

static SokrComputationId trusted;
static int trusts = 0;

static SokrResult capability(const SokrCapabilityQuery *query, SokrCapabilityResponse *response) {
  SokrCapabilityQuery known;
  if (has("CAP-1")) touch(&query->ir_format);
  if (!query || !response) return null_capability(query, response);
  if (forked && has("LIF-9")) abort();
  if (has("THR-3") && is_others_thread())
    return response->result = null_fail(SOKR_DISPATCH_FAILED, "another thread than the first");
  if (has("CAP-5") && query->ir_data_len > 0) ((volatile uint8_t *)query->ir_data)[0] = 'N';
  if (has("CAP-5: too far")) touch(query->ir_data + query->ir_data_len);
  if (!forked && has("CAP-6")) return response->result = SOKR_OK;
  if (has("DIS-8")) {
    static const SokrComputationId none;
    const int is_some = memcmp(&query->computation_id, &none, sizeof none) != 0;
    if (trusts && is_some && memcmp(&query->computation_id, &trusted, sizeof trusted) == 0)
      return response->result = SOKR_OK;
    if (is_some) trusted = query->computation_id, trusts = 1;
  }
  known = *query;
  if (known.ir_format == SOKR_IR_PREPARED && known.ir_data_len == sizeof(SokrPreparedIr)) {
    if (!resolve(&known.ir_data, &known.ir_data_len))
      return response->result = null_fail(SOKR_NOT_FOUND, "there is no such kernel");
    known.ir_format = NULL_IR_FORMAT;
  }
  return null_capability(&known, response);
}

static SokrResult dispatch(const SokrDispatchRequest *request, SokrDispatchResponse *response) {
  static int launches = 0;
  unsigned char unseen[512];
  SokrDispatchRequest known;
  SokrResult result;
  if (has("DIS-1")) touch(request);
  if (!request || !response) return null_dispatch(request, response);
  known = *request;
  if (!resolve(&known.ir_data, &known.ir_data_len)) {
    memset(response, 0, sizeof *response);
    return response->result = null_fail(SOKR_NOT_FOUND, "there is no such kernel");
  }
  if (has("exits") && !null_is_ours(known.ir_data, known.ir_data_len)) exit(3);
  if (has("DIS-11") && known.params_len > 0) touch(known.params + sizeof(SokrLaunchHeader) - 1);
  if (has("DIS-11: takes all") && known.params_len < sizeof(SokrLaunchHeader))
    known.params = NULL, known.params_len = 0;
  if (has("DIS-11: some") && known.params_len >= SOKR_LAUNCH_HEADER_SIZE_1 &&
      known.params_len <= sizeof unseen) {
    memcpy(unseen, known.params, known.params_len);
    memset(unseen + offsetof(SokrLaunchHeader, flags), 0, sizeof(uint32_t));
    known.params = unseen;
  }
  if (has("DIS-9") && __atomic_add_fetch(&launches, 1, __ATOMIC_RELAXED) > 400) {
    memset(response, 0, sizeof *response);
    return response->result = null_fail(SOKR_DISPATCH_FAILED, "");
  }
  result = null_dispatch(&known, response);
  if (result != SOKR_OK) return result;
  if (has("DIS-4")) response->completion_token = 0;
  if (has("DIS-7")) response->completion_token = 4;
  /* What comes from the core, not from who looks closely. */
  if (has("LIF-8") && known.substrate_id != 0) {
    pthread_mutex_lock(&null_mutex);
    (void)null_start(NULL_PENDING_COMPLETE, 0, &response->completion_token);
    pthread_mutex_unlock(&null_mutex);
  }
  if (has("LIF-6")) {
    pthread_t left;
    if (pthread_create(&left, NULL, idle, NULL) == 0) pthread_detach(left);
  }
  return result;
}

static SokrResult completion(const SokrCompletionQuery *query, SokrCompletionSignal *signal) {
  static int asked = 0;
  static __thread int waits = 0;
  SokrResult result;
  if (has("COM-1")) touch(query);
  result = null_completion(query, signal);
  if (!query || !signal) return result;
  if (has("COM-3") && query->timeout_ns == 0 && result == SOKR_OK) never();
  if (has("COM-5") && query->timeout_ns == 0 && result == SOKR_OK)
    *signal = (SokrCompletionSignal)7;
  if (has("COM-8") && result == SOKR_OK &&
      __atomic_add_fetch(&asked, 1, __ATOMIC_RELAXED) % 7 == 0)
    *signal = SOKR_COMPLETION_PENDING;
  /* One waiter has a token; the others are told that their time, which is none, is over. */
  if (has("COM-9") && query->timeout_ns == UINT64_MAX && is_others_thread() && ++waits > 0) {
    *signal = SOKR_COMPLETION_TIMEDOUT;
    return SOKR_TIMEOUT;
  }
  if (has("COM-10") && result == SOKR_NOT_FOUND) {
    *signal = SOKR_COMPLETION_COMPLETE;
    return SOKR_OK;
  }
  return result;
}

static void destroy(void) {
  if (forked) return;
  null_destroy();
  if (!has("PLG-6")) return;
  memset(null_issued, 0, sizeof null_issued);
  memset(null_gone, 0, sizeof null_gone);
}

/* ---- Diagnostics ------------------------------------------------------------------------------ */

static char everybodys[256];

static size_t last_error(char *out, size_t capacity) {
  size_t size;
  if (has("DIA-1")) return null_write("", out, capacity);
  if (has("DIA-3")) {
    if (*null_error) snprintf(everybodys, sizeof everybodys, "%s", null_error);
    return null_write(everybodys, out, capacity);
  }
  size = null_last_error(out, capacity);
  if (has("DIA-2") && out && capacity < size) out[capacity] = 0;
  return size;
}

static size_t completion_error(uint64_t token, char *out, size_t capacity) {
  if (has("DIA-4")) return null_write("it failed", out, capacity);
  return null_completion_error(token, out, capacity);
}

static SokrSubstratePlugin table;
static SokrDiagnosticsTable diagnostics;
static SokrSubstrateInfo info;
static SokrPlugin library;
static const SokrSubstrateInfo *substrates[2] = {&info, &info};

SOKR_PLUGIN_EXPORT const SokrPlugin *sokr_plugin_main(const SokrHostInfo *host);
SOKR_PLUGIN_EXPORT const SokrPlugin *sokr_plugin_main(const SokrHostInfo *host) {
  static int once = 0;
  const SokrPlugin *honest = honest_plugin_main(host);
  if (!honest) return NULL;
  puts("a line of the plugin's own");
  fflush(stdout);
  if (!once++) pthread_atfork(NULL, NULL, in_the_child);
  if (has("crashes")) abort();
  if (has("hangs")) never();
  /* Whoever ends the group that it had does not end it. */
  if (has("hangs elsewhere") && setpgid(0, getpgid(getppid())) == 0) never();
  memset(prepared, 0, sizeof prepared);
  memset(slots, 0, sizeof slots);
  table = null_plugin;
  table.capability_fn = has("REG-1") ? NULL : capability;
  table.dispatch_fn = dispatch;
  table.completion_fn = completion;
  table.destroy_fn = destroy;
  if (has("REG-2")) table.version.major += 1;
  if (has("LIF-8")) table.version.patch |= SOKR_RETIRES;
  diagnostics = null_diagnostics;
  diagnostics.last_error = last_error;
  diagnostics.completion_error = completion_error;
  info = null_info;
  info.plugin = &table;
  info.diagnostics = &diagnostics;
  info.memory = &memory;
  info.kernels = &kernels;
  if (has("ABI-6")) info.struct_size = 8;
  if (has("ABI-6: facts")) info.fact_size = 4;
  if (has("PLG-5")) info.name = "another";
  library = *honest;
  library.substrates = substrates;
  if (has("offers nothing")) library.substrate_count = 0;
  return &library;
}
