/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/compute.h - what substrates that compute on buffers share.
 *
 * The core's three calls stay the only way to run work. This header adds what
 * is needed around them, and all of it is optional:
 *
 *   1. the plugin entry: how a shared library names the substrates it offers;
 *   2. launch parameters (sokr/launch.h): the bytes in SokrDispatchRequest.params, one
 *      schema for every compute substrate, so that the same launch runs on a GPU and
 *      falls back to the CPU unchanged;
 *   3. the memory table (sokr/memory.h): what lives on the substrate;
 *   4. the diagnostics table: why something failed, in one sentence, and counters;
 *   5. the kernel table (sokr/kernel.h): kernels that are prepared once and launched often.
 *
 * A launch, in C:
 *
 *     SokrBinding bindings[] = {
 *       {.set = 0, .binding = 0, .kind = SOKR_BINDING_HOST, .access = SOKR_ACCESS_READ,
 *        .resource = (uint64_t)(uintptr_t)x, .size = sizeof x},
 *     };
 *     SokrLaunch launch = {.groups = {16, 1, 1}, .bindings = bindings, .binding_count = 1};
 *     unsigned char params[512];
 *     size_t size = sokr_launch_write(&launch, params, sizeof params);
 *     SokrDispatchRequest request = {.substrate_id = id, .ir_data = spirv,
 *                                    .ir_data_len = spirv_size,
 *                                    .params = params, .params_len = size};
 *
 * Growth: see sokr/growth.h. The version of this header is that of the four.
 *
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_COMPUTE_H_
#define SOKR_COMPUTE_H_

#include <sokr/growth.h>
#include <sokr/kernel.h>
#include <sokr/launch.h>
#include <sokr/memory.h>
#include <sokr/sokr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. Plugin entry ------------------------------------------------------- */

/* The version of this header; major in the upper 16 bits, minor in the lower.
 * A host accepts every plugin of its own major version. */
#define SOKR_COMPUTE_VERSION UINT32_C(0x00010003)

#if defined(_WIN32)
#define SOKR_PLUGIN_EXPORT __declspec(dllexport)
#else
#define SOKR_PLUGIN_EXPORT __attribute__((visibility("default")))
#endif

typedef enum {
  SOKR_KIND_OTHER = 0,
  SOKR_KIND_DISCRETE_GPU = 1,
  SOKR_KIND_INTEGRATED_GPU = 2,
  SOKR_KIND_VIRTUAL_GPU = 3,
  SOKR_KIND_CPU = 4,          /* compiled code on the processor's cores */
  SOKR_KIND_SOFTWARE_GPU = 5, /* a Vulkan driver that runs on the CPU, such as lavapipe */
  SOKR_KIND_REFERENCE = 6,    /* correct before fast: an oracle */
  SOKR_KIND_FORCE_32 = 0x7FFFFFFF
} SokrSubstrateKind;

/* One fact for people and scripts: {"driver", "Mesa 22.3.6"}. Keys are
 * lower-case words joined by '_', unique within a list. UTF-8. */
typedef struct {
  const char *key;
  const char *value;
} SokrFact;

#define SOKR_FACT_SIZE_1_0 SOKR_SIZE_THROUGH(SokrFact, value)

/* What a launch may ask for. Bytes unless said otherwise. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrComputeLimits) */
  uint32_t max_group_count[3];
  uint32_t max_local_size[3];
  uint32_t max_local_invocations;
  uint32_t max_shared_memory;
  uint32_t max_push_constant_size;
  uint32_t subgroup_size; /* the default, in invocations */
  uint32_t min_subgroup_size;
  uint32_t max_subgroup_size;
  uint32_t max_descriptor_sets;
  uint32_t host_import_alignment; /* of addresses and sizes for import_host; 0 = cannot import */
  uint32_t reserved;
  uint64_t max_binding_size;
  uint64_t memory_size; /* of the device; 0 = unknown */
} SokrComputeLimits;

typedef struct SokrDiagnosticsTable SokrDiagnosticsTable;

/* One substrate that a plugin offers. The plugin owns everything pointed to and
 * keeps it valid and unchanged until its library is unloaded. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrSubstrateInfo) */
  uint32_t kind;        /* SokrSubstrateKind */
  const char *name;     /* stable and unique: "vulkan:0", "cpu"; [a-z0-9:_.-], at most 63 bytes */
  const char *description;           /* for people: "llvmpipe (LLVM 15.0.6, 256 bits)" */
  const SokrSubstratePlugin *plugin; /* the vtable, to be registered with the core */
  const uint32_t *ir_formats;        /* what it accepts without translation */
  uint32_t ir_format_count;
  uint32_t fact_count;
  const SokrFact *facts;
  const SokrComputeLimits *limits;         /* null if the substrate has none to name */
  const SokrMemoryTable *memory;           /* null if it has no buffers of its own */
  const SokrDiagnosticsTable *diagnostics; /* null if it cannot explain itself */
  uint32_t fact_size; /* since 1.1: sizeof(SokrFact) */
  uint32_t reserved;
  const SokrKernelTable *kernels; /* since 1.1; null if nothing can be prepared */
} SokrSubstrateInfo;

/* Something the plugin looked for and could not offer, and why. */
typedef struct {
  const char *name;   /* "vulkan" */
  const char *reason; /* one sentence: "no Vulkan loader (libvulkan.so.1) on this machine" */
} SokrUnavailable;

#define SOKR_UNAVAILABLE_SIZE_1_0 SOKR_SIZE_THROUGH(SokrUnavailable, reason)

/* What a plugin library offers. Owned by the plugin. */
typedef struct {
  uint32_t struct_size;     /* sizeof(SokrPlugin) */
  uint32_t compute_version; /* SOKR_COMPUTE_VERSION at compile time */
  const char *name;         /* of the library: "vulkan" */
  const char *version;      /* of the library: "0.1.1" */
  const SokrSubstrateInfo *const *substrates;
  const SokrUnavailable *unavailable;
  uint32_t substrate_count;
  uint32_t unavailable_count;
  uint32_t unavailable_size; /* since 1.1: sizeof(SokrUnavailable) */
  uint32_t reserved;
} SokrPlugin;

typedef enum {
  SOKR_LOG_ERROR = 0,
  SOKR_LOG_WARNING = 1,
  SOKR_LOG_INFO = 2,
  SOKR_LOG_DEBUG = 3,
  SOKR_LOG_FORCE_32 = 0x7FFFFFFF
} SokrLogLevel;

/* Since 1.2. What the calling thread did from one moment to another, such as to run some
 * workgroups of a launch. Strings are UTF-8, and read before the call returns. */
typedef struct {
  uint32_t struct_size;  /* sizeof(SokrTraceSlice) */
  uint32_t reserved;
  const char *substrate; /* the name of one that the plugin offers: "cpu" */
  const char *thread;    /* what to call this thread: "worker 1"; null if it is the caller's */
  const char *name;      /* what was done: of a launch the name of its entry point */
  uint64_t plugin_token; /* the launch that it is a part of, by the plugin's own token; 0 = none */
  uint64_t begin_ns;     /* of CLOCK_MONOTONIC, which std::chrono::steady_clock reads */
  uint64_t end_ns;       /* not before begin_ns */
  uint64_t first_group;  /* workgroups that ran: this one and the next ones, x counted first */
  uint64_t group_count;  /* 0 if it was something else */
} SokrTraceSlice;

/* What the host tells a plugin. Valid until the library is unloaded. */
typedef struct {
  uint32_t struct_size;     /* sizeof(SokrHostInfo) */
  uint32_t compute_version; /* SOKR_COMPUTE_VERSION at compile time */
  /* Takes one line without a newline. Any thread. Null = discard. */
  void (*log)(void *log_context, uint32_t level, const char *line);
  void *log_context;
  uint32_t log_level; /* the most detailed SokrLogLevel that is wanted */
  uint32_t option_count;
  const SokrFact *options; /* "cpu.threads" = "4"; unknown keys are ignored */
  uint32_t option_size;    /* since 1.1: sizeof(SokrFact) */
  uint32_t reserved;
  /* Since 1.2. Takes a slice for the host's trace, when it has ended; slices of a thread lie side
   * by side, or one within the other. Any thread, from when sokr_plugin_main has returned. Null
   * where nothing is traced: whoever has slices asks that before it reads a clock. */
  void (*trace)(void *trace_context, const SokrTraceSlice *slice);
  void *trace_context;
} SokrHostInfo;

/*
 * The one symbol that a plugin library exports:
 *
 *     SOKR_PLUGIN_EXPORT const SokrPlugin *sokr_plugin_main(const SokrHostInfo *host);
 *
 * Called after the library is opened, before any other function of it, by one
 * thread. It looks for devices and returns what it found; finding nothing is an
 * answer (substrate_count 0, and the reasons in `unavailable`). Null means that
 * the plugin cannot work with this host at all. The host registers the vtables;
 * each destroy_fn is called at most once; when all registered ones have been, the
 * host closes the library.
 *
 * Closing need not unload it: a library may be linked with -z nodelete, or be held
 * by something else in the process. When the host opens it again, sokr_plugin_main
 * is called again, in a library whose variables are as they were left. It then
 * offers its substrates anew, and no token is given out that was given out before.
 */
typedef const SokrPlugin *(*SokrPluginMainFn)(const SokrHostInfo *host);
#define SOKR_PLUGIN_MAIN "sokr_plugin_main"

/*
 * What a library may offer, written into its file, so that a host need not open it
 * to learn that it has nothing of what is wanted. Optional, once, at file scope:
 *
 *     SOKR_PLUGIN_DECLARE("vulkan", SOKR_KIND_BIT(SOKR_KIND_DISCRETE_GPU) |
 *                                       SOKR_KIND_BIT(SOKR_KIND_SOFTWARE_GPU));
 *
 * The first argument has the names of its substrates, each up to its ':', joined by
 * ',', in at most 59 bytes; the second their kinds. A host passes over a substrate
 * that is not covered. A library that declares nothing may offer anything, and is
 * opened whenever plugins are looked for.
 *
 * It is an ELF note: owner "SOKR", type 1; the descriptor is `kinds`, then the names
 * with a terminating 0. On other systems the macro declares nothing.
 */
#define SOKR_KIND_BIT(kind) (UINT32_C(1) << (kind))

typedef struct {
  uint32_t owner_size;      /* 5: "SOKR" and a 0 */
  uint32_t descriptor_size; /* 64: what follows `owner` */
  uint32_t type;            /* SOKR_NOTE_SUBSTRATES */
  char owner[8];
  uint32_t kinds; /* SOKR_KIND_BIT of each */
  char families[60];
} SokrPluginNote;

#define SOKR_NOTE_SUBSTRATES 1
#ifndef SOKR_NOTE_ATTRIBUTES_
#if defined(__ELF__) && defined(__clang__)
#define SOKR_NOTE_ATTRIBUTES_ \
  __attribute__((used, section(".note.sokr"), aligned(4), no_sanitize("address")))
#elif defined(__ELF__) && defined(__GNUC__)
#define SOKR_NOTE_ATTRIBUTES_ __attribute__((used, section(".note.sokr"), aligned(4)))
#endif
#endif
#ifdef SOKR_NOTE_ATTRIBUTES_
#define SOKR_PLUGIN_DECLARE(families, kinds)                              \
  static const SokrPluginNote sokr_plugin_note_ SOKR_NOTE_ATTRIBUTES_ = { \
      5u, 64u, SOKR_NOTE_SUBSTRATES, "SOKR", (uint32_t)(kinds), families}
#else
#define SOKR_PLUGIN_DECLARE(families, kinds) typedef SokrPluginNote sokr_plugin_note_unused_
#endif

/* ---- 2. Launch parameters: sokr/launch.h. 3. Memory: sokr/memory.h ------------------- */

/* ---- 4. Diagnostics ------------------------------------------------------------ */

/* Device time of one profiled launch. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrTiming), set by the caller */
  uint32_t reserved;
  uint64_t device_ns; /* execution of the kernel on the device */
  /* Since 1.3. When it began and ended, on CLOCK_MONOTONIC, which std::chrono::steady_clock reads;
   * both 0 where the substrate cannot tell. Of two clocks that were compared, so a microsecond or
   * more beside what the caller sees is possible. */
  uint64_t began_ns;
  uint64_t ended_ns; /* not before began_ns */
} SokrTiming;

typedef enum {
  SOKR_STATISTIC_TOTAL = 0, /* counts up from when the substrate, or its device, was made */
  SOKR_STATISTIC_LEVEL = 1, /* as it is now; goes up and down */
  SOKR_STATISTIC_KIND_FORCE_32 = 0x7FFFFFFF
} SokrStatisticKind;

/* One counter. Its name is made of lower-case words joined by '_' and ends with its unit:
 * "_bytes", "_ns", or none for a number of things. Strings are the plugin's until it is
 * unloaded. The substrates here have, each as far as it applies:
 *
 *   launches              TOTAL  launches that were accepted
 *   in_flight             LEVEL  of them, those that are under way
 *   kernels               LEVEL  compiled kernels that are kept
 *   kernel_bytes          LEVEL  what they occupy
 *   kernels_built         TOTAL  kernels that were made ready: compiled, or read from disk
 *   kernels_evicted       TOTAL  kernels that made room for others
 *   kernels_prepared      LEVEL  kernels of the kernel table that are not released
 *   buffers               LEVEL  buffers of the memory table
 */
typedef struct {
  const char *name;
  uint64_t value;
  uint32_t kind; /* SokrStatisticKind */
  uint32_t reserved;
} SokrStatistic;

/* Where counters are written, set by the caller but for `count`. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrStatistics) */
  uint32_t statistic_size; /* sizeof(SokrStatistic) of the caller */
  SokrStatistic *statistics; /* may be null with a capacity of 0 */
  uint32_t capacity;
  uint32_t count; /* set: how many there are; at most `capacity` of them are written */
} SokrStatistics;

/*
 * Sentences are UTF-8, one line, without a final newline. The functions write
 * at most `capacity` bytes, a terminating 0 included (nothing if capacity is 0),
 * and return the bytes of the whole sentence without the 0. Any thread.
 */
struct SokrDiagnosticsTable {
  uint32_t struct_size; /* sizeof(SokrDiagnosticsTable) */
  uint32_t reserved;
  /* Why the calling thread's last failed call to this substrate failed:
   * what was wrong, where (instruction, binding, limit), what would be right.
   * Empty if none failed. */
  size_t (*last_error)(char *out, size_t capacity);
  /* Why this launch FAILED, by the plugin's own token (the low 48 bits); empty if
   * it did not, or if it is so long ago that the sentence was dropped. */
  size_t (*completion_error)(uint64_t plugin_token, char *out, size_t capacity);
  /* SOKR_OK, or SOKR_NOT_FOUND if the launch was not profiled, is not finished or
   * is too long ago. */
  SokrResult (*timing)(uint64_t plugin_token, SokrTiming *timing);
  /* Since 1.1. Counters by name, always the same ones in the same order, each of which may be
   * of another moment. SOKR_INVALID_INPUT if what the caller set makes no sense. Does not wait
   * for launches. May be null. */
  SokrResult (*statistics)(SokrStatistics *out);
};

/* ---- The layout, pinned ---------------------------------------------------------- */

SOKR_STATIC_ASSERT_(sizeof(SokrPluginNote) == 84, "SokrPluginNote is 84 bytes");

#ifdef __cplusplus
}
#endif

#endif /* SOKR_COMPUTE_H_ */
