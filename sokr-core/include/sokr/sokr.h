/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/sokr.h - the SOKR core: Capability, Dispatch, Completion.
 *
 * The core routes computations to substrates and knows nothing else. It has no
 * opinion on what a computation is, where it runs, how long it takes or what
 * its parameters mean; those are questions for plugins. This header is RFC 0001
 * as C, with the points that the RFC leaves open decided in docs/contract.md.
 *
 * A program uses it in four steps:
 *
 *     uint32_t id;
 *     sokr_register_substrate(&plugin, &id);           // a plugin's vtable
 *     sokr_capability(&query, &answer);                // who can run this?
 *     sokr_dispatch(&request, &response);              // run it there
 *     sokr_completion(&(SokrCompletionQuery){          // wait for it
 *         response.completion_token, UINT64_MAX}, &signal);
 *
 * Threads. sokr_capability, sokr_dispatch, sokr_completion and
 * sokr_list_substrates may be called from any number of threads at once, also
 * while another thread registers or deregisters. They take no lock.
 * sokr_register_substrate and sokr_deregister_substrate are serialised by the
 * caller: at most one of the two runs at any time in a process.
 *
 * Ownership. Every pointer inside a query or request is borrowed for the call:
 * a plugin neither frees it nor keeps it. Every response is the caller's memory.
 *
 * Failure. On every result other than SOKR_OK the core has zeroed the response
 * and repeated the code in its `result`; a completion signal is then
 * SOKR_COMPLETION_FAILED, or SOKR_COMPLETION_TIMEDOUT when a wait ran out.
 *
 * Valid as C99 to C17 and as C++11 to C++20. Needs only <stddef.h>, <stdint.h>.
 */
#ifndef SOKR_SOKR_H_
#define SOKR_SOKR_H_

#include <stddef.h>
#include <stdint.h>

/* The version of the ABI that this header describes. */
#define SOKR_VERSION_MAJOR 0u
#define SOKR_VERSION_MINOR 1u
#define SOKR_VERSION_PATCH 1u

/* Marks the functions that the shared core library exports. */
#if defined(SOKR_CORE_BUILD) && defined(__GNUC__)
#define SOKR_API __attribute__((visibility("default")))
#else
#define SOKR_API
#endif

#ifdef __cplusplus
extern "C" {
#define SOKR_STATIC_ASSERT_(condition, message) static_assert(condition, message)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define SOKR_STATIC_ASSERT_(condition, message) _Static_assert(condition, message)
#else
#define SOKR_STATIC_ASSERT_(condition, message) \
  extern int sokr_static_assert_[(condition) ? 1 : -1]
#endif

/* ---- Types: RFC 0001, names, order and values as printed there ----------- */

typedef struct {
  uint32_t major;
  uint32_t minor;
  uint32_t patch;
} SokrVersion;

typedef enum {
  SOKR_OK = 0,
  SOKR_CAPABILITY_DENIED = 1,    /* this substrate cannot fulfil this computation */
  SOKR_DISPATCH_FAILED = 2,      /* the substrate could not start the work */
  SOKR_TIMEOUT = 3,              /* a wait ran out; the work goes on */
  SOKR_VERSION_MISMATCH = 4,     /* the plugin was built for another major version */
  SOKR_NO_CAPABLE_SUBSTRATE = 5, /* nobody registered accepts this computation */
  SOKR_INVALID_INPUT = 6,        /* a null pointer, a mismatched length, bad parameters */
  SOKR_INVALID_IR = 7,           /* the IR bytes are malformed */
  SOKR_NOT_FOUND = 8,            /* no such substrate or token */
  SOKR_REGISTRY_FULL = 9,        /* no free slot or id; or a listing was cut short */
  SOKR_RESULT_FORCE_32 = 0x7FFFFFFF
} SokrResult;

/* Opaque to the core. Substrates use it as a cache key, and never trust it. */
typedef struct {
  uint8_t bytes[16];
} SokrComputationId;

typedef struct {
  SokrComputationId computation_id;
  uint32_t ir_format;     /* one of SOKR_IR_*, or any other number plugins agree on */
  const uint8_t *ir_data; /* borrowed; null only if ir_data_len is 0 */
  size_t ir_data_len;     /* bytes */
} SokrCapabilityQuery;

typedef struct {
  SokrResult result;
  uint32_t substrate_id;         /* written by the core */
  uint64_t estimated_latency_ns; /* dispatch to completion; 0 = unknown */
} SokrCapabilityResponse;

typedef struct {
  SokrComputationId computation_id;
  uint32_t substrate_id;
  const uint8_t *ir_data; /* borrowed; null only if ir_data_len is 0 */
  size_t ir_data_len;     /* bytes */
  const uint8_t *params;  /* borrowed; null exactly if params_len is 0 */
  size_t params_len;      /* bytes; their meaning is the substrate's */
} SokrDispatchRequest;

typedef uint64_t SokrCompletionToken; /* see sokr_token_encode below */

typedef struct {
  SokrResult result;
  SokrCompletionToken completion_token; /* never 0 when result is SOKR_OK */
} SokrDispatchResponse;

typedef struct {
  SokrCompletionToken completion_token;
  uint64_t timeout_ns; /* 0 = poll, UINT64_MAX = wait without end */
} SokrCompletionQuery;

typedef enum {
  SOKR_COMPLETION_PENDING = 0,
  SOKR_COMPLETION_COMPLETE = 1,
  SOKR_COMPLETION_FAILED = 2,
  SOKR_COMPLETION_TIMEDOUT = 3,
  SOKR_COMPLETION_FORCE_32 = 0x7FFFFFFF
} SokrCompletionSignal;

/*
 * A substrate: four functions and the version they were compiled against.
 * The core copies the table at registration. A later minor version may only
 * append members.
 *
 * capability_fn, dispatch_fn and completion_fn are called concurrently from any
 * thread. completion_fn receives the plugin's own token (1 to 2^48 - 1), as its
 * dispatch_fn returned it. destroy_fn is called exactly once, when no other
 * call is inside the plugin; it finishes or abandons what is in flight and
 * leaves no thread behind.
 */
typedef struct {
  SokrVersion version;
  SokrResult (*capability_fn)(const SokrCapabilityQuery *, SokrCapabilityResponse *);
  SokrResult (*dispatch_fn)(const SokrDispatchRequest *, SokrDispatchResponse *);
  SokrResult (*completion_fn)(const SokrCompletionQuery *, SokrCompletionSignal *);
  void (*destroy_fn)(void);
} SokrSubstratePlugin;

/* IR format identifiers (RFC 0001, "IR Format Identifiers"). */
#define SOKR_IR_SPIRV UINT32_C(0x53505256)
#define SOKR_IR_PTX UINT32_C(0x50545800)
#define SOKR_IR_OPENQASM3 UINT32_C(0x4F51334D)
#define SOKR_IR_SPIKE_GRAPH UINT32_C(0x53504B45)
#define SOKR_IR_OPTICAL_CIRCUIT UINT32_C(0x4F50544C)
#define SOKR_IR_NATIVE UINT32_C(0x534F4B52)

/* ---- Tokens --------------------------------------------------------------- */

/*
 * A token that the core hands out carries the substrate in its upper 16 bits
 * and the plugin's own token in the lower 48: routing a completion needs no
 * table. Plugin tokens are 1 to SOKR_PLUGIN_TOKEN_MAX; 0 is never valid.
 */
#define SOKR_PLUGIN_TOKEN_MAX UINT64_C(0x0000FFFFFFFFFFFF)

static inline SokrCompletionToken sokr_token_encode(uint32_t substrate_id, uint64_t plugin_token) {
  return ((uint64_t)(substrate_id & 0xFFFFu) << 48) | (plugin_token & SOKR_PLUGIN_TOKEN_MAX);
}

static inline uint32_t sokr_token_substrate(SokrCompletionToken token) {
  return (uint32_t)(token >> 48);
}

static inline uint64_t sokr_token_plugin_token(SokrCompletionToken token) {
  return token & SOKR_PLUGIN_TOKEN_MAX;
}

/* ---- The three operations -------------------------------------------------- */

/*
 * Can some substrate fulfil this computation? Substrates are asked in the order
 * of their registration; the first that answers SOKR_OK wins. Blocks only as
 * long as the plugins' capability functions do.
 *
 *   SOKR_OK                    response names the substrate
 *   SOKR_NO_CAPABLE_SUBSTRATE  nobody is registered, or every answer was
 *                              SOKR_CAPABILITY_DENIED
 *   SOKR_INVALID_INPUT         null query or response; null ir_data with a length
 *   any other                  the first answer that was neither SOKR_OK nor
 *                              SOKR_CAPABILITY_DENIED, such as SOKR_INVALID_IR
 */
SOKR_API SokrResult sokr_capability(const SokrCapabilityQuery *query,
                                    SokrCapabilityResponse *response);

/*
 * Start the computation on request->substrate_id. Whether it returns before the
 * work is done is the substrate's choice; what request points to is borrowed
 * until it returns, except what the substrate's own parameters define otherwise.
 *
 *   SOKR_OK                response holds a token for sokr_completion
 *   SOKR_NOT_FOUND         no such substrate is registered
 *   SOKR_INVALID_INPUT     null request or response; null ir_data with a length;
 *                          params null with a length, or not null without one
 *   SOKR_DISPATCH_FAILED   the plugin failed, or returned a token out of range
 *   any other              what the plugin answered
 */
SOKR_API SokrResult sokr_dispatch(const SokrDispatchRequest *request,
                                  SokrDispatchResponse *response);

/*
 * Is it done? Blocks at most query->timeout_ns. A terminal answer is sticky:
 * asked again, from any thread, it is the same.
 *
 *   SOKR_OK               *signal is COMPLETE or FAILED; PENDING from a poll only
 *   SOKR_TIMEOUT          *signal is TIMEDOUT: the wait ran out, the work goes on
 *   SOKR_NOT_FOUND        the token's substrate is not registered, or the plugin
 *                         does not know the token
 *   SOKR_INVALID_INPUT    null query or signal; the token is 0 or has no plugin part
 *   SOKR_DISPATCH_FAILED  the plugin's answer is none of the four signals
 *   any other             what the plugin answered
 */
SOKR_API SokrResult sokr_completion(const SokrCompletionQuery *query,
                                    SokrCompletionSignal *signal);

/* ---- Registry ---------------------------------------------------------------- */

/*
 * Register a substrate. The table is copied; *substrate_id_out receives an id
 * from 1 to 65,535 that is never given out again in this process.
 * Serialised by the caller. Does not block.
 *
 *   SOKR_OK                registered
 *   SOKR_VERSION_MISMATCH  plugin->version.major is not SOKR_VERSION_MAJOR
 *   SOKR_REGISTRY_FULL     all slots taken (SOKR_MAX_SUBSTRATES, fixed when the
 *                          core is built), or all ids used up
 *   SOKR_INVALID_INPUT     a null pointer or a null function
 * On failure *substrate_id_out is 0 and the plugin is not called.
 */
SOKR_API SokrResult sokr_register_substrate(const SokrSubstratePlugin *plugin,
                                            uint32_t *substrate_id_out);

/*
 * Deregister a substrate: the id becomes unreachable at once; then the call
 * waits for the calls already inside the plugin, then calls destroy_fn exactly
 * once. Every token of the substrate is SOKR_NOT_FOUND from then on.
 * Serialised by the caller. Blocks until the last call has left, spinning (see
 * sokr/port.h); must not be called from inside the plugin's own functions, which
 * could never leave. Work that has not ended may use its memory until this call
 * returns, though completion answers SOKR_NOT_FOUND for it before.
 *
 *   SOKR_OK         gone
 *   SOKR_NOT_FOUND  no such substrate is registered
 */
SOKR_API SokrResult sokr_deregister_substrate(uint32_t substrate_id);

/*
 * The ids of all registered substrates, in the order of registration.
 * *count_out is always the total.
 *
 *   SOKR_OK             ids_out holds *count_out ids
 *   SOKR_REGISTRY_FULL  capacity is too small: ids_out holds the first capacity
 *   SOKR_INVALID_INPUT  null count_out; null ids_out with a capacity
 */
SOKR_API SokrResult sokr_list_substrates(uint32_t *ids_out, size_t capacity, size_t *count_out);

/* The version of the core that is linked, as opposed to the header's macros. */
SOKR_API SokrVersion sokr_version(void);

/* ---- The ABI, pinned ------------------------------------------------------------ */

SOKR_STATIC_ASSERT_(sizeof(SokrResult) == 4, "SokrResult is 32 bits wide");
SOKR_STATIC_ASSERT_(sizeof(SokrCompletionSignal) == 4, "SokrCompletionSignal is 32 bits wide");

#ifdef __cplusplus
}
#endif

#endif /* SOKR_SOKR_H_ */
