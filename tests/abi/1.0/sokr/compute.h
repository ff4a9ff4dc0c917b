/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/compute.h - what substrates that compute on buffers share.
 *
 * The core's three calls stay the only way to run work. This header adds what
 * is needed around them, and all of it is optional:
 *
 *   1. the plugin entry: how a shared library names the substrates it offers;
 *   2. launch parameters: the bytes in SokrDispatchRequest.params, one schema
 *      for every compute substrate, so that the same launch runs on a GPU and
 *      falls back to the CPU unchanged;
 *   3. the memory table: buffers that live on the substrate;
 *   4. the diagnostics table: why something failed, in one sentence.
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
 * Growth. Every structure that crosses the boundary starts with its own size.
 * A reader uses the members that fit into that size and treats the rest as
 * zero; it never demands equality. Members are only ever appended.
 *
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_COMPUTE_H_
#define SOKR_COMPUTE_H_

#include <sokr/sokr.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 1. Plugin entry ------------------------------------------------------- */

/* The version of this header; major in the upper 16 bits, minor in the lower.
 * A host accepts every plugin of its own major version. */
#define SOKR_COMPUTE_VERSION UINT32_C(0x00010000)

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

typedef struct SokrMemoryTable SokrMemoryTable;
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
} SokrSubstrateInfo;

/* Something the plugin looked for and could not offer, and why. */
typedef struct {
  const char *name;   /* "vulkan" */
  const char *reason; /* one sentence: "no Vulkan loader (libvulkan.so.1) on this machine" */
} SokrUnavailable;

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
} SokrPlugin;

typedef enum {
  SOKR_LOG_ERROR = 0,
  SOKR_LOG_WARNING = 1,
  SOKR_LOG_INFO = 2,
  SOKR_LOG_DEBUG = 3,
  SOKR_LOG_FORCE_32 = 0x7FFFFFFF
} SokrLogLevel;

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

/* ---- 2. Launch parameters --------------------------------------------------- */

/* A buffer of one substrate, from its memory table. 0 is no buffer. */
typedef uint64_t SokrBuffer;

typedef enum {
  SOKR_BINDING_NULL = 0,   /* bound to nothing: reads give 0, writes are dropped */
  SOKR_BINDING_HOST = 1,   /* resource is a host address */
  SOKR_BINDING_BUFFER = 2, /* resource is a SokrBuffer */
  SOKR_BINDING_KIND_FORCE_32 = 0x7FFFFFFF
} SokrBindingKind;

typedef enum {
  SOKR_ACCESS_READ = 1,
  SOKR_ACCESS_WRITE = 2,
  SOKR_ACCESS_READ_WRITE = 3,
  SOKR_ACCESS_FORCE_32 = 0x7FFFFFFF
} SokrAccess;

/*
 * One descriptor. Host memory that a binding names stays valid until the
 * completion is terminal, and the host does not touch it in between (memory
 * that is only read by the kernel may be read by the host). Bytes that the
 * kernel does not write keep their values. `access` is what the kernel may do:
 * a substrate may skip copies in the other direction.
 */
typedef struct {
  uint32_t set;      /* descriptor set */
  uint32_t binding;  /* binding within the set */
  uint32_t index;    /* element of a descriptor array; 0 otherwise */
  uint32_t kind;     /* SokrBindingKind */
  uint32_t access;   /* SokrAccess */
  uint32_t reserved; /* 0 */
  uint64_t resource; /* host address or SokrBuffer */
  uint64_t offset;   /* bytes from the start of the resource */
  uint64_t size;     /* bytes; at least 1 unless kind is SOKR_BINDING_NULL */
} SokrBinding;

/* A specialization constant. `value` holds the bit pattern in its low `size`
 * bytes (an f32 as its 32 bits); a bool is 0 or 1 with size 4. Every constant of
 * the module with this id is set, however many there are. */
typedef struct {
  uint32_t id;   /* SpecId */
  uint32_t size; /* 1, 2, 4 or 8 bytes; must equal the declared width (bool: 4) */
  uint64_t value;
} SokrSpecialization;

typedef enum {
  SOKR_LAUNCH_PROFILE = 1, /* record device time, for SokrDiagnosticsTable.timing */
  SOKR_LAUNCH_FLAGS_FORCE_32 = 0x7FFFFFFF
} SokrLaunchFlags;

/*
 * What to launch. A zero-initialised SokrLaunch is the default of everything
 * but `groups`. Everything pointed to is borrowed until sokr_launch_write
 * returns; a count of 0 goes with a null pointer.
 */
typedef struct {
  const char *entry;            /* null = the module's only GLCompute entry point */
  uint32_t groups[3];           /* workgroups; a 0 in any of them launches nothing */
  uint32_t local_size[3];       /* overrides the workgroup size; all 0 = the module's own */
  uint32_t subgroup_size;       /* 0 = the substrate's default */
  uint32_t flags;               /* SokrLaunchFlags */
  SokrBuffer indirect;          /* if not 0: the three group counts, as u32, are read from this */
  uint64_t indirect_offset;     /* buffer at this offset (multiple of 4); `groups` is ignored */
  const SokrBinding *bindings;  /* at most one for each (set, binding, index) */
  uint32_t binding_count;
  uint32_t push_size;           /* bytes; multiple of 4 */
  const void *push;             /* push constants, from byte 0 of the block */
  const SokrSpecialization *specializations;
  uint32_t specialization_count;
  uint32_t wait_count;
  const SokrCompletionToken *waits; /* tokens of the same substrate, as the core gave them:
                                       this launch starts when they are terminal; if one
                                       FAILED, this one fails too */
} SokrLaunch;

/*
 * The bytes: this header, then sections in any order, each at a multiple of 8
 * from the start and none overlapping another or the header. All integers are
 * in the byte order of the machine. `bindings` is an array of SokrBinding,
 * `specializations` of SokrSpecialization, `waits` of SokrCompletionToken, the
 * entry name has no terminator. A section of count 0 has offset 0.
 *
 * A reader checks all of it before it acts on any of it, and answers
 * SOKR_INVALID_INPUT with a sentence. The bytes need no alignment of their own.
 */
#define SOKR_LAUNCH_MAGIC UINT32_C(0x4C4B4F53) /* "SOKL" in little-endian memory */
#define SOKR_LAUNCH_VERSION UINT32_C(1)

typedef struct {
  uint32_t magic;       /* SOKR_LAUNCH_MAGIC */
  uint32_t version;     /* SOKR_LAUNCH_VERSION */
  uint32_t total_size;  /* bytes of everything; equals params_len */
  uint32_t header_size; /* sizeof(SokrLaunchHeader) of the writer; larger is accepted */
  uint32_t flags;
  uint32_t groups[3];
  uint32_t local_size[3];
  uint32_t subgroup_size;
  uint64_t indirect;
  uint64_t indirect_offset;
  uint32_t entry_offset;
  uint32_t entry_size;
  uint32_t binding_offset;
  uint32_t binding_count;
  uint32_t push_offset;
  uint32_t push_size;
  uint32_t specialization_offset;
  uint32_t specialization_count;
  uint32_t wait_offset;
  uint32_t wait_count;
} SokrLaunchHeader;

/* Bytes that sokr_launch_write needs; 0 if the launch cannot be written (more
 * than 4 GiB - 1). Any thread; does not block. */
static inline size_t sokr_launch_size(const SokrLaunch *launch) {
  uint64_t size = sizeof(SokrLaunchHeader);
  uint64_t entry = launch->entry ? (uint64_t)strlen(launch->entry) : 0u;
  size += (entry + 7u) & ~UINT64_C(7);
  size += (uint64_t)launch->binding_count * sizeof(SokrBinding);
  size += ((uint64_t)launch->push_size + 7u) & ~UINT64_C(7);
  size += (uint64_t)launch->specialization_count * sizeof(SokrSpecialization);
  size += (uint64_t)launch->wait_count * sizeof(SokrCompletionToken);
  return size <= UINT32_MAX ? (size_t)size : 0u;
}

/* Copies one section to `at` and returns where the next one starts. */
static inline uint32_t sokr_launch_section_(unsigned char *out, uint32_t at, const void *from,
                                            uint64_t size, uint32_t *offset_out) {
  uint32_t padded = (uint32_t)((size + 7u) & ~UINT64_C(7));
  *offset_out = size ? at : 0u;
  if (size) {
    memset(out + at + padded - 8u, 0, 8u);
    memcpy(out + at, from, (size_t)size);
  }
  return at + padded;
}

/* Writes the launch to `out` and returns the bytes written; 0, with nothing
 * written, if capacity is too small or the launch cannot be written. `out`
 * needs no alignment. Any thread; does not block, does not allocate. */
static inline size_t sokr_launch_write(const SokrLaunch *launch, void *out, size_t capacity) {
  SokrLaunchHeader header;
  unsigned char *bytes = (unsigned char *)out;
  size_t size = sokr_launch_size(launch);
  uint32_t at = (uint32_t)sizeof header;
  if (size == 0u || size > capacity) return 0u;
  memset(&header, 0, sizeof header);
  header.magic = SOKR_LAUNCH_MAGIC;
  header.version = SOKR_LAUNCH_VERSION;
  header.total_size = (uint32_t)size;
  header.header_size = (uint32_t)sizeof header;
  header.flags = launch->flags;
  memcpy(header.groups, launch->groups, sizeof header.groups);
  memcpy(header.local_size, launch->local_size, sizeof header.local_size);
  header.subgroup_size = launch->subgroup_size;
  header.indirect = launch->indirect;
  header.indirect_offset = launch->indirect_offset;
  header.entry_size = launch->entry ? (uint32_t)strlen(launch->entry) : 0u;
  header.binding_count = launch->binding_count;
  header.push_size = launch->push_size;
  header.specialization_count = launch->specialization_count;
  header.wait_count = launch->wait_count;
  at = sokr_launch_section_(bytes, at, launch->entry, header.entry_size, &header.entry_offset);
  at = sokr_launch_section_(bytes, at, launch->bindings,
                            (uint64_t)launch->binding_count * sizeof(SokrBinding),
                            &header.binding_offset);
  at = sokr_launch_section_(bytes, at, launch->push, launch->push_size, &header.push_offset);
  at = sokr_launch_section_(bytes, at, launch->specializations,
                            (uint64_t)launch->specialization_count * sizeof(SokrSpecialization),
                            &header.specialization_offset);
  (void)sokr_launch_section_(bytes, at, launch->waits,
                             (uint64_t)launch->wait_count * sizeof(SokrCompletionToken),
                             &header.wait_offset);
  memcpy(bytes, &header, sizeof header);
  return size;
}

/* ---- 3. Memory --------------------------------------------------------------- */

typedef enum {
  SOKR_BUFFER_DEFAULT = 0,     /* fastest for kernels; host access may copy */
  SOKR_BUFFER_HOST_VISIBLE = 1, /* map works without a copy */
  SOKR_BUFFER_ADDRESS = 2,     /* `address` works */
  SOKR_BUFFER_FLAGS_FORCE_32 = 0x7FFFFFFF
} SokrBufferFlags;

/*
 * Buffers of one substrate. All functions may be called from any thread at
 * once, also while launches run; a buffer being created or freed is used by one
 * thread. Results: SOKR_OK; SOKR_INVALID_INPUT (bad handle, range, flag or
 * null pointer); SOKR_DISPATCH_FAILED (out of memory, device lost). Each failure
 * has a sentence in the diagnostics table. A function pointer may be null where
 * the substrate has no such thing.
 */
struct SokrMemoryTable {
  uint32_t struct_size; /* sizeof(SokrMemoryTable) */
  uint32_t reserved;
  /* A new buffer of `size` bytes (at least 1), filled with zeros. */
  SokrResult (*create)(uint64_t size, uint32_t flags, SokrBuffer *buffer_out);
  /* Host memory as a buffer, in place. Address and size are multiples of
   * host_import_alignment. The memory outlives the buffer. */
  SokrResult (*import_host)(void *memory, uint64_t size, SokrBuffer *buffer_out);
  /* The handle is dead at once; memory goes when no launch uses it any more. */
  SokrResult (*free)(SokrBuffer buffer);
  /* Host copy or read; wait for the launches that write the range first (the
   * caller orders them by their completions). Blocks until done. */
  SokrResult (*write)(SokrBuffer buffer, uint64_t offset, const void *from, uint64_t size);
  SokrResult (*read)(SokrBuffer buffer, uint64_t offset, void *to, uint64_t size);
  /* A host view of a SOKR_BUFFER_HOST_VISIBLE buffer; stays until free. */
  SokrResult (*map)(SokrBuffer buffer, void **memory_out);
  /* The address that a PhysicalStorageBuffer pointer holds. */
  SokrResult (*address)(SokrBuffer buffer, uint64_t *address_out);
};

/* ---- 4. Diagnostics ------------------------------------------------------------ */

/* Device time of one profiled launch. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrTiming), set by the caller */
  uint32_t reserved;
  uint64_t device_ns; /* execution of the kernel on the device */
} SokrTiming;

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
};

/* ---- The layout, pinned ---------------------------------------------------------- */

SOKR_STATIC_ASSERT_(sizeof(SokrBinding) == 48, "SokrBinding is 48 bytes");
SOKR_STATIC_ASSERT_(sizeof(SokrSpecialization) == 16, "SokrSpecialization is 16 bytes");
SOKR_STATIC_ASSERT_(sizeof(SokrLaunchHeader) == 104, "SokrLaunchHeader is 104 bytes");
SOKR_STATIC_ASSERT_(sizeof(SokrPluginNote) == 84, "SokrPluginNote is 84 bytes");

#ifdef __cplusplus
}
#endif

#endif /* SOKR_COMPUTE_H_ */
