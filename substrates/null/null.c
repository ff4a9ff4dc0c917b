/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * null - the smallest correct substrate, to be copied.
 *
 * It computes nothing and is honest about it: it accepts only computations in a
 * format of its own, so no real kernel is ever routed to it. What it does do is
 * everything that a plugin owes its host: checks before it acts, tokens that are
 * never reused, waits that end, answers that stay, sentences for every failure.
 * docs/writing-a-substrate.md walks through it. Build it, beside launch_reader.h, with
 *
 *     cc -std=c99 -fPIC -shared -fvisibility=hidden null.c -o sokr-null.so -lpthread
 *
 * A computation is the four bytes "NULL", and anything behind them. Without launch
 * parameters it is complete when dispatch returns. The first push constant, a
 * u32, asks for something else, which makes the plugin a mock for tests:
 *
 *     0  complete at once           2  stay pending, complete when released
 *     1  fail at once               3  stay pending, fail when released
 *     4  release the launch whose token follows, as a u64 at byte 8
 *     5  refuse the dispatch
 *
 * Valid as C99 and as C++11. Needs POSIX threads, for waits with a timeout.
 */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <pthread.h>
#include <sokr/compute.h>
#include <string.h>
#include <time.h>

/* It refuses those by itself, as what it cannot do. */
#define LAUNCH_READER_BASE_GROUPS
#include "launch_reader.h"

#define NULL_IR_FORMAT UINT32_C(0x4E554C4C)

enum {
  NULL_COMPLETE = 0,
  NULL_FAIL = 1,
  NULL_PENDING_COMPLETE = 2,
  NULL_PENDING_FAIL = 3,
  NULL_RELEASE = 4,
  NULL_REFUSE = 5,
  NULL_MAX_PENDING = 64
};

/* ---- State ---------------------------------------------------------------------- */

/*
 * A token is 4 * n + k: the n-th launch of kind k, where k is one of the first four
 * behaviours. How a launch ends can be read from its token, so only pending launches
 * need a place in memory, and terminal answers stay the same for ever.
 */
static pthread_mutex_t null_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t null_released;
static pthread_once_t null_once = PTHREAD_ONCE_INIT;
static int null_alive = 0;
static uint64_t null_issued[4] = {0, 0, 0, 0}; /* the latest n of each kind */
static uint64_t null_gone[4] = {0, 0, 0, 0};   /* the latest n before the last destroy */
static uint64_t null_pending[NULL_MAX_PENDING];
static uint32_t null_pending_count = 0;
/* In a child of fork, which has the memory and none of the threads: one of them may hold the mutex
 * for ever. Set before there is a second thread. */
static int null_forked = 0;

static void null_in_child(void) { null_forked = 1; }

static void null_initialise(void) {
  pthread_condattr_t attributes;
  pthread_atfork(NULL, NULL, null_in_child);
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&null_released, &attributes);
  pthread_condattr_destroy(&attributes);
}

/* ---- Sentences -------------------------------------------------------------------- */

static __thread const char *null_error = "";

static SokrResult null_fail(SokrResult code, const char *sentence) {
  null_error = sentence;
  return code;
}

#define NULL_FORKED "this process was forked from one that had opened null; fork before that"

static size_t null_write(const char *sentence, char *out, size_t capacity) {
  size_t size = strlen(sentence);
  if (out && capacity) {
    size_t copied = size < capacity ? size : capacity - 1;
    memcpy(out, sentence, copied);
    out[copied] = 0;
  }
  return size;
}

/* ---- Capability ------------------------------------------------------------------- */

static int null_is_ours(const uint8_t *ir, size_t size) {
  return ir && size >= 4 && memcmp(ir, "NULL", 4) == 0;
}

static SokrResult null_capability(const SokrCapabilityQuery *query,
                                  SokrCapabilityResponse *response) {
  SokrResult result = SOKR_OK;
  if (!query || !response) {
    return null_fail(SOKR_INVALID_INPUT, "the query or the response is null");
  }
  if (null_forked) {
    result = null_fail(SOKR_DISPATCH_FAILED, NULL_FORKED);
  } else if (query->ir_format != NULL_IR_FORMAT) {
    result = null_fail(SOKR_CAPABILITY_DENIED, "null accepts its own format 0x4e554c4c only");
  } else if (!null_is_ours(query->ir_data, query->ir_data_len)) {
    result = null_fail(SOKR_INVALID_IR, "a null computation starts with the bytes \"NULL\"");
  }
  response->result = result;
  response->substrate_id = 0;
  response->estimated_latency_ns = 0;
  return result;
}

/* ---- Launch parameters -------------------------------------------------------------- */

/* Of a later writer, with something in what is not known here: nothing is wrong with it. */
static int null_asks_for_more(const uint8_t *params, size_t size) {
  SokrLaunchHeader header;
  if (!params || size < sizeof header) return 0;
  memcpy(&header, params, sizeof header); /* params may be unaligned */
  return header.version == SOKR_LAUNCH_VERSION && header.header_size > sizeof header &&
         header.header_size <= size &&
         !sokr_copy_sized(&header, sizeof header, params, header.header_size);
}

/* Checks all of the launch, and reads the behaviour and the token to release. */
static SokrResult null_read_launch(const uint8_t *params, size_t size, uint32_t *behaviour,
                                   uint64_t *token) {
  LaunchReader launch;
  const SokrLaunchHeader *header = &launch.header;
  const char *wrong;
  *behaviour = NULL_COMPLETE;
  *token = 0;
  if (!params && size == 0) return SOKR_OK;
  wrong = launch_read(&launch, params, size);
  if (wrong) {
    return null_fail(
        null_asks_for_more(params, size) ? SOKR_CAPABILITY_DENIED : SOKR_INVALID_INPUT, wrong);
  }
  if ((header->base_groups[0] | header->base_groups[1] | header->base_groups[2]) != 0) {
    return null_fail(SOKR_CAPABILITY_DENIED, "null starts every launch at workgroup 0,0,0");
  }
  if (header->wait_count != 0) {
    return null_fail(SOKR_INVALID_INPUT, "null orders no launches; wait on the host instead");
  }
  if (header->indirect != 0) {
    return null_fail(SOKR_INVALID_INPUT, "null has no buffers that group counts could be in");
  }
  if (header->push_size == 0) return SOKR_OK;
  if (header->push_size != 4 && header->push_size != 16) {
    return null_fail(SOKR_INVALID_INPUT,
                     "null takes 4 bytes of push constants, or 16 with a token to release");
  }
  memcpy(behaviour, launch.push, sizeof *behaviour);
  if (header->push_size == 16) memcpy(token, launch.push + 8, sizeof *token);
  *token = sokr_token_plugin_token(*token);
  return SOKR_OK;
}

/* ---- Dispatch ------------------------------------------------------------------------ */

/* With null_mutex held. The position in null_pending, or null_pending_count. */
static uint32_t null_find_pending(uint64_t token) {
  uint32_t i = 0;
  while (i < null_pending_count && null_pending[i] != token) ++i;
  return i;
}

/* With null_mutex held. */
static SokrResult null_start(uint32_t behaviour, uint64_t released, uint64_t *token_out) {
  uint32_t kind = behaviour == NULL_RELEASE ? (uint32_t)NULL_COMPLETE : behaviour;
  if (!null_alive) return null_fail(SOKR_NOT_FOUND, "this substrate is destroyed");
  if (kind > NULL_PENDING_FAIL) {
    return behaviour == NULL_REFUSE
               ? null_fail(SOKR_DISPATCH_FAILED, "the launch asked to be refused")
               : null_fail(SOKR_INVALID_INPUT, "the first push constant must be 0 to 5");
  }
  if (null_issued[kind] >= SOKR_PLUGIN_TOKEN_MAX / 4 - 1) {
    return null_fail(SOKR_DISPATCH_FAILED, "all completion tokens are used up");
  }
  if (behaviour == NULL_RELEASE) {
    uint32_t at = null_find_pending(released);
    if (at == null_pending_count) {
      return null_fail(SOKR_INVALID_INPUT, "the token to release is not pending");
    }
    null_pending[at] = null_pending[--null_pending_count];
    pthread_cond_broadcast(&null_released);
  }
  if (kind >= NULL_PENDING_COMPLETE && null_pending_count == NULL_MAX_PENDING) {
    return null_fail(SOKR_DISPATCH_FAILED, "64 launches are pending; release one first");
  }
  *token_out = 4 * ++null_issued[kind] + kind;
  if (kind >= NULL_PENDING_COMPLETE) null_pending[null_pending_count++] = *token_out;
  return SOKR_OK;
}

static SokrResult null_dispatch(const SokrDispatchRequest *request,
                                SokrDispatchResponse *response) {
  uint32_t behaviour = 0;
  uint64_t released = 0, token = 0;
  SokrResult result;
  if (!request || !response) {
    return null_fail(SOKR_INVALID_INPUT, "the request or the response is null");
  }
  result = null_forked
               ? null_fail(SOKR_DISPATCH_FAILED, NULL_FORKED)
               : null_read_launch(request->params, request->params_len, &behaviour, &released);
  if (result == SOKR_OK && !null_is_ours(request->ir_data, request->ir_data_len)) {
    result = null_fail(SOKR_INVALID_IR, "a null computation starts with the bytes \"NULL\"");
  }
  if (result == SOKR_OK) {
    pthread_mutex_lock(&null_mutex);
    result = null_start(behaviour, released, &token);
    pthread_mutex_unlock(&null_mutex);
  }
  response->result = result;
  response->completion_token = token;
  return result;
}

/* ---- Completion ---------------------------------------------------------------------- */

/* With null_mutex held. Was this token given out since the library came to life? */
static int null_is_issued(uint64_t token) {
  uint64_t n = token / 4;
  return n > null_gone[token % 4] && n <= null_issued[token % 4];
}

/* Timeouts of more than a century wait as long as those without end. */
static void null_deadline(uint64_t timeout_ns, struct timespec *deadline) {
  clock_gettime(CLOCK_MONOTONIC, deadline);
  deadline->tv_sec += (time_t)(timeout_ns / 1000000000u);
  deadline->tv_nsec += (long)(timeout_ns % 1000000000u);
  if (deadline->tv_nsec >= 1000000000) {
    deadline->tv_sec += 1;
    deadline->tv_nsec -= 1000000000;
  }
}

static SokrResult null_wait(uint64_t token, uint64_t timeout_ns, SokrCompletionSignal *signal) {
  const int for_ever = timeout_ns / 1000000000u > UINT64_C(100) * 366 * 24 * 3600;
  struct timespec deadline;
  int expired = timeout_ns == 0;
  if (!null_alive || !null_is_issued(token)) {
    return null_fail(SOKR_NOT_FOUND, "no such completion token");
  }
  if (!expired && !for_ever) null_deadline(timeout_ns, &deadline);
  while (null_find_pending(token) != null_pending_count) {
    if (expired) {
      *signal = timeout_ns == 0 ? SOKR_COMPLETION_PENDING : SOKR_COMPLETION_TIMEDOUT;
      return timeout_ns == 0 ? SOKR_OK
                             : null_fail(SOKR_TIMEOUT, "the launch is still pending");
    }
    expired = for_ever ? pthread_cond_wait(&null_released, &null_mutex) != 0
                       : pthread_cond_timedwait(&null_released, &null_mutex, &deadline) != 0;
  }
  *signal = token % 2 == 0 ? SOKR_COMPLETION_COMPLETE : SOKR_COMPLETION_FAILED;
  return SOKR_OK;
}

static SokrResult null_completion(const SokrCompletionQuery *query, SokrCompletionSignal *signal) {
  SokrResult result;
  if (!query || !signal) {
    return null_fail(SOKR_INVALID_INPUT, "the query or the signal is null");
  }
  *signal = SOKR_COMPLETION_FAILED;
  if (null_forked) return null_fail(SOKR_DISPATCH_FAILED, NULL_FORKED);
  pthread_mutex_lock(&null_mutex);
  result = null_wait(query->completion_token, query->timeout_ns, signal);
  pthread_mutex_unlock(&null_mutex);
  return result;
}

/* ---- Destroy --------------------------------------------------------------------------- */

/* The core has let the last call out, so nobody waits. What is pending is abandoned. The
 * counters go on, so that no token is given out twice if the library is used again. */
static void null_destroy(void) {
  if (null_forked) return;
  pthread_mutex_lock(&null_mutex);
  null_alive = 0;
  null_pending_count = 0;
  memcpy(null_gone, null_issued, sizeof null_gone);
  pthread_mutex_unlock(&null_mutex);
}

/* ---- Diagnostics ------------------------------------------------------------------------ */

static size_t null_last_error(char *out, size_t capacity) {
  return null_write(null_error, out, capacity);
}

static size_t null_completion_error(uint64_t token, char *out, size_t capacity) {
  int failed;
  if (null_forked) return null_write(NULL_FORKED, out, capacity);
  pthread_mutex_lock(&null_mutex);
  failed = null_alive && null_is_issued(token) && token % 2 == 1 &&
           null_find_pending(token) == null_pending_count;
  pthread_mutex_unlock(&null_mutex);
  return null_write(failed ? "the launch asked to fail" : "", out, capacity);
}

/* ---- What the library offers ---------------------------------------------------------------- */

/* Members in the order of the structures: C++ before C++20 has no designated initialisers. */
static const SokrSubstratePlugin null_plugin = {
    {SOKR_VERSION_MAJOR, SOKR_VERSION_MINOR, SOKR_VERSION_PATCH},
    null_capability,
    null_dispatch,
    null_completion,
    null_destroy,
};

static const SokrDiagnosticsTable null_diagnostics = {
    sizeof(SokrDiagnosticsTable), 0, null_last_error, null_completion_error, NULL, NULL,
};

static const uint32_t null_formats[] = {NULL_IR_FORMAT};
static const SokrFact null_facts[] = {{"computes", "nothing"}};

static const SokrSubstrateInfo null_info = {
    sizeof(SokrSubstrateInfo), /* struct_size */
    SOKR_KIND_OTHER,           /* kind */
    "null",                    /* name */
    "computes nothing; a skeleton and a mock", /* description */
    &null_plugin,      /* plugin */
    null_formats,      /* ir_formats */
    1,                 /* ir_format_count */
    1,                 /* fact_count */
    null_facts,        /* facts */
    NULL,              /* limits */
    NULL,              /* memory */
    &null_diagnostics, /* diagnostics */
    sizeof(SokrFact),  /* fact_size */
    0,                 /* reserved */
    NULL,              /* kernels */
};

static const SokrSubstrateInfo *const null_substrates[] = {&null_info};

static const SokrPlugin null_library = {
    sizeof(SokrPlugin),   /* struct_size */
    SOKR_COMPUTE_VERSION, /* compute_version */
    "null",               /* name */
    "0.1.1",              /* version */
    null_substrates,      /* substrates */
    NULL,                 /* unavailable */
    1,                    /* substrate_count */
    0,                    /* unavailable_count */
    sizeof(SokrUnavailable), /* unavailable_size */
    0,                    /* reserved */
};

static const SokrUnavailable null_unavailable[] = {{"null", NULL_FORKED}};

static const SokrPlugin null_forked_library = {
    sizeof(SokrPlugin),   /* struct_size */
    SOKR_COMPUTE_VERSION, /* compute_version */
    "null",               /* name */
    "0.1.1",              /* version */
    NULL,                 /* substrates */
    null_unavailable,     /* unavailable */
    0,                    /* substrate_count */
    1,                    /* unavailable_count */
    sizeof(SokrUnavailable), /* unavailable_size */
    0,                    /* reserved */
};

SOKR_PLUGIN_DECLARE("null", SOKR_KIND_BIT(SOKR_KIND_OTHER));

#ifdef __cplusplus
extern "C"
#endif
SOKR_PLUGIN_EXPORT const SokrPlugin *sokr_plugin_main(const SokrHostInfo *host) {
  if (host && host->compute_version >> 16 != SOKR_COMPUTE_VERSION >> 16) return NULL;
  if (null_forked) return &null_forked_library;
  pthread_once(&null_once, null_initialise);
  pthread_mutex_lock(&null_mutex);
  null_alive = 1;
  pthread_mutex_unlock(&null_mutex);
  return &null_library;
}
