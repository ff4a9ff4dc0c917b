/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/ir.h - IR plugins: what a computation is written in.
 *
 * An IR plugin recognises, validates and reflects one format, and may lower it to
 * others. The host first offers a computation to substrates as it is; only if
 * nobody accepts it does it look for an IR plugin that lowers it to a format that
 * some substrate accepts. The core knows nothing of this.
 *
 * All functions may be called from any thread at once and do not block beyond the
 * work itself. Sentences are UTF-8, one line; a function writes at most
 * `capacity` bytes with a terminating 0. How structures grow: sokr/growth.h.
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_IR_H_
#define SOKR_IR_H_

#include <sokr/growth.h>
#include <sokr/image.h>
#include <sokr/sokr.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOKR_IR_VERSION UINT32_C(0x00010003) /* major << 16 | minor */

typedef enum {
  SOKR_IR_STORAGE_BUFFER = 0,
  SOKR_IR_UNIFORM_BUFFER = 1,
  SOKR_IR_STORAGE_IMAGE = 2,
  SOKR_IR_SAMPLED_IMAGE = 3,
  SOKR_IR_SAMPLER = 4,
  SOKR_IR_COMBINED_IMAGE_SAMPLER = 5,
  SOKR_IR_UNIFORM_TEXEL_BUFFER = 6,
  SOKR_IR_STORAGE_TEXEL_BUFFER = 7,
  SOKR_IR_OTHER_BINDING = 8,
  SOKR_IR_BINDING_FORCE_32 = 0x7FFFFFFF
} SokrIrBindingKind;

typedef enum {
  SOKR_IR_READ = 1,
  SOKR_IR_WRITE = 2,
  SOKR_IR_ACCESS_FORCE_32 = 0x7FFFFFFF
} SokrIrAccess;

typedef enum {
  SOKR_IR_BOOL = 0,
  SOKR_IR_I8 = 1, SOKR_IR_U8 = 2,
  SOKR_IR_I16 = 3, SOKR_IR_U16 = 4, SOKR_IR_F16 = 5,
  SOKR_IR_I32 = 6, SOKR_IR_U32 = 7, SOKR_IR_F32 = 8,
  SOKR_IR_I64 = 9, SOKR_IR_U64 = 10, SOKR_IR_F64 = 11,
  SOKR_IR_SCALAR_FORCE_32 = 0x7FFFFFFF
} SokrIrScalar;

typedef enum {
  SOKR_IR_LOCAL_SIZE_LITERAL = 0,     /* LocalSize */
  SOKR_IR_LOCAL_SIZE_ID = 1,          /* LocalSizeId */
  SOKR_IR_LOCAL_SIZE_WORKGROUP = 2,   /* a constant decorated WorkgroupSize */
  SOKR_IR_LOCAL_SIZE_OVERRIDE = 3,    /* given by the caller */
  SOKR_IR_LOCAL_SIZE_FORCE_32 = 0x7FFFFFFF
} SokrIrLocalSizeSource;

#define SOKR_IR_NO_SPEC_ID UINT32_MAX

typedef struct {
  uint32_t set, binding;
  uint32_t count;          /* of a descriptor array; 1 = not an array; 0 = runtime-sized */
  uint32_t kind;           /* SokrIrBindingKind */
  uint32_t access;         /* SokrIrAccess bits: what the code does */
  uint32_t runtime_stride; /* bytes an element of the trailing runtime array; 0 = none */
  uint64_t min_size;       /* bytes of the fixed part and one element of the runtime array */
  const char *name;        /* never null; may be empty */

  /* Since 1.1. Of images and texel buffers, otherwise 0. A combined image sampler is one binding
   * (SokrBinding.sampler); a sampler has none of it. */
  uint64_t image_flags;    /* SokrImageFlags */
  uint32_t dimension;      /* SokrImageDimension */
  uint32_t image_format;   /* SokrImageFormat that the kernel states; NONE = it states none */
  uint32_t sampled_type;   /* SokrIrScalar of what a sample, load or store has as components */
  uint32_t reserved;
} SokrIrBinding;

#define SOKR_IR_BINDING_SIZE_1_0 ((SOKR_SIZE_THROUGH(SokrIrBinding, name) + 7u) & ~(size_t)7u)

typedef struct {
  const char *name; /* never null; may be empty */
  const char *type; /* "u32", "f32", "vec4", "u32[8]", ... */
  uint32_t offset, size;
} SokrIrPushMember;

#define SOKR_IR_PUSH_MEMBER_SIZE_1_0 SOKR_SIZE_THROUGH(SokrIrPushMember, size)

typedef enum {
  SOKR_IR_IN = 1,     /* read */
  SOKR_IR_OUT = 2,    /* written */
  SOKR_IR_IN_OUT = 3, /* both */
  SOKR_IR_DIRECTION_FORCE_32 = 0x7FFFFFFF
} SokrIrDirection;

typedef enum {
  SOKR_IR_PORT_BUFFER = 0,    /* an array in memory: a launch binds it at `set`, `binding` */
  SOKR_IR_PORT_PARAMETER = 1, /* a value: a launch pushes it at `offset` */
  SOKR_IR_PORT_KIND_FORCE_32 = 0x7FFFFFFF
} SokrIrPortKind;

#define SOKR_IR_ANY_EXTENT UINT64_MAX

/*
 * What a computation takes or gives, by name. Formats that have no descriptor sets are bound
 * with it: their IR plugin gives each port a place, the same in every reflection of the same
 * bytes, and launches use that place, so that launch parameters are alike for all formats.
 * The elements of an array lie one after another, the last dimension innermost. A parameter is a
 * port of direction IN. A format whose own names are (set, binding) has no ports.
 */
typedef struct {
  const char *name;       /* unique in its entry point; never null or empty */
  const uint64_t *shape;  /* `rank` extents, outermost first; SOKR_IR_ANY_EXTENT = the caller's */
  uint32_t rank;          /* 0 = one element */
  uint32_t direction;     /* SokrIrDirection */
  uint32_t kind;          /* SokrIrPortKind */
  uint32_t type;          /* SokrIrScalar of an element */
  uint32_t set, binding;  /* of a buffer; otherwise 0 */
  uint32_t offset;        /* of a parameter, in the push constants; otherwise 0 */
  uint32_t reserved;
} SokrIrPort;

typedef struct {
  const char *name;
  uint32_t local_size[3];          /* with the given specialization applied */
  uint32_t local_size_source;      /* SokrIrLocalSizeSource */
  uint32_t local_size_spec_ids[3]; /* SOKR_IR_NO_SPEC_ID where it is a plain number */
  uint32_t binding_count;
  uint64_t workgroup_bytes;
  const SokrIrBinding *bindings;   /* sorted by set, binding */
  const SokrIrPushMember *push_members;
  uint32_t push_member_count;
  uint32_t push_size;              /* bytes to pass; 0 = none */

  /* Since 1.1. */
  const SokrIrPort *ports; /* in the order of the format; null with a count of 0 */
  uint32_t port_count;
  uint32_t port_size;        /* sizeof(SokrIrPort) of the plugin */
  uint32_t binding_size;     /* sizeof(SokrIrBinding) */
  uint32_t push_member_size; /* sizeof(SokrIrPushMember) */
} SokrIrEntryPoint;

#define SOKR_IR_ENTRY_POINT_SIZE_1_0 SOKR_SIZE_THROUGH(SokrIrEntryPoint, push_size)

typedef struct {
  uint32_t id;
  uint32_t type;          /* SokrIrScalar */
  uint64_t default_value; /* bit pattern of the first declaration */
  uint32_t declarations;  /* how many constants carry this id */
  uint32_t reserved;
  const char *name;       /* never null; may be empty */
} SokrIrSpecConstant;

#define SOKR_IR_SPEC_CONSTANT_SIZE_1_0 \
  ((SOKR_SIZE_THROUGH(SokrIrSpecConstant, name) + 7u) & ~(size_t)7u)

/* One scalar of a push constant block: a component of a vector, an element of an array,
 * a member of a nested structure. A pointer is a u64. */
typedef struct {
  uint32_t offset; /* bytes from the start of the block */
  uint32_t type;   /* SokrIrScalar */
} SokrIrPushScalar;

/* What lies in the blocks of one entry point. */
typedef struct {
  /* For each of its bindings, in their order: the bit 1 << t for every SokrIrScalar t that
   * its block holds; 0 = not known. */
  const uint32_t *binding_scalars;
  const SokrIrPushScalar *push_scalars; /* sorted by offset; at most the first 1024 */
  uint32_t push_scalar_count;
  uint32_t push_scalar_size; /* sizeof(SokrIrPushScalar) of the plugin */
  /* For each of its push members, in their order: where, in bytes from the start of the
   * block, that ends which the code may read of it; 0 = it reads nothing. What lies behind
   * the last of them need not be given. Null = not known. */
  const uint32_t *push_read_ends;
} SokrIrEntryTypes;

/* Owned by the IR plugin until free_reflection. What `reflect` gives is as 1.0 had it, element by
 * element; `reflect_request` gives elements of the plugin's own sizes. */
typedef struct {
  uint32_t struct_size;
  uint32_t entry_point_count;
  const SokrIrEntryPoint *entry_points;
  const SokrIrSpecConstant *spec_constants; /* sorted by id */
  const char *const *capabilities;
  const char *const *extensions;
  uint32_t spec_constant_count;
  uint32_t capability_count;
  uint32_t extension_count;
  uint32_t entry_types_size;           /* sizeof(SokrIrEntryTypes) of the plugin */
  const SokrIrEntryTypes *entry_types; /* one for each entry point; null = not known */
  uint32_t entry_point_size;           /* since 1.1: sizeof(SokrIrEntryPoint) of the plugin */
  uint32_t spec_constant_size;         /* since 1.1: sizeof(SokrIrSpecConstant) */
} SokrIrReflection;

/* A value for every constant with this id, as in SokrSpecialization. */
typedef struct {
  uint32_t id;
  uint32_t size; /* 1, 2, 4, 8; bool: 4 */
  uint64_t value;
} SokrIrSpecValue;

#define SOKR_IR_SPEC_VALUE_SIZE_1_0 SOKR_SIZE_THROUGH(SokrIrSpecValue, value)

/* An option of the host's context, such as "spirv.validate" and "strict". */
typedef struct {
  const char *key, *value;
} SokrIrOption;

#define SOKR_IR_OPTION_SIZE_1_0 SOKR_SIZE_THROUGH(SokrIrOption, value)

/* What a lowered computation is to fit. 0 = not known, or no limit. Bytes unless said
 * otherwise; as SokrComputeLimits of the substrate that it is meant for. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrIrLimits) */
  uint32_t max_group_count[3];
  uint32_t max_local_size[3];
  uint32_t max_local_invocations;
  uint32_t max_shared_memory;
  uint32_t max_push_constant_size;
  uint32_t subgroup_size, min_subgroup_size, max_subgroup_size; /* invocations */
  uint32_t max_descriptor_sets;
  uint64_t max_binding_size;
} SokrIrLimits;

/*
 * What is asked of an IR plugin, borrowed until the function returns. It asks: bytes that the
 * plugin does not know are zero, or it refuses (sokr/growth.h, 6). What a function does not
 * use it ignores: validation looks at `data` and `options`, reflection at all but `target` and
 * `limits`, lowering at everything. Lowering with specializations, a local or a subgroup size
 * makes them part of the result, which launches then repeat or leave out; without, the result
 * takes them from launches, as the source would.
 */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrIrRequest) */
  uint32_t ir_version;  /* SOKR_IR_VERSION of who asks */
  const uint8_t *data;
  size_t size;
  const SokrIrSpecValue *specializations;
  uint32_t specialization_count;
  uint32_t specialization_size; /* sizeof(SokrIrSpecValue) */
  const SokrIrOption *options;
  uint32_t option_count;
  uint32_t option_size;      /* sizeof(SokrIrOption) */
  uint32_t local_size[3];    /* all 0 = the module's own */
  uint32_t subgroup_size;    /* 0 = the substrate's default */
  const SokrIrLimits *limits; /* null = not known */
  uint32_t target;           /* of lowering: one of the plugin's targets */
  uint32_t reserved;
} SokrIrRequest;

typedef struct {
  uint32_t struct_size; /* sizeof(SokrIrPlugin) */
  uint32_t ir_version;  /* SOKR_IR_VERSION at compile time */
  const char *name;     /* "spirv" */
  const char *version;  /* of the plugin: "0.1.1" */
  uint32_t format;      /* SOKR_IR_* that it reads */
  uint32_t target_count;
  const uint32_t *targets; /* formats that it lowers to; may be null with a count of 0 */

  /* Are these bytes of this format? Looks at the first bytes only. 1 or 0. */
  int (*recognise)(const uint8_t *data, size_t size);

  /* SOKR_OK; or, with a sentence, SOKR_INVALID_IR, or SOKR_CAPABILITY_DENIED for what may be
   * valid, but is newer or larger than what this plugin reads. */
  SokrResult (*validate)(const uint8_t *data, size_t size, char *sentence, size_t capacity);

  /* SOKR_OK and *out; or SOKR_INVALID_IR, SOKR_INVALID_INPUT (a specialization of another
   * size than declared, or values that make a length or size bad) with a sentence, and *out
   * null. Ids that are not declared are ignored. local_size null or all 0 = the module's
   * own. Without specializations and local size, a length or size that the module's own
   * values make bad is shown as 1: it is for the caller's values to decide. */
  SokrResult (*reflect)(const uint8_t *data, size_t size, const SokrIrSpecValue *specializations,
                        uint32_t specialization_count, const uint32_t *local_size,
                        const SokrIrReflection **out, char *sentence, size_t capacity);
  void (*free_reflection)(const SokrIrReflection *reflection);

  /* Translates to `target`, one of `targets`; *out is freed with free_lowered. Null if
   * target_count is 0, or with a lower_request. */
  SokrResult (*lower)(const uint8_t *data, size_t size, uint32_t target, uint8_t **out,
                      size_t *out_size, char *sentence, size_t capacity);
  void (*free_lowered)(uint8_t *lowered);

  /* As validate, by the options of a context; keys that it does not know are ignored.
   * SOKR_INVALID_INPUT for a value that an option does not have. With SOKR_OK the sentence is
   * empty, or a remark: why a stricter reading would refuse the module. May be null. */
  SokrResult (*validate_with)(const uint8_t *data, size_t size, const SokrIrOption *options,
                              uint32_t option_count, char *sentence, size_t capacity);

  /* Since 1.1, and preferred to those above where they are not null. As validate_with, reflect
   * and lower; SOKR_INVALID_INPUT also for a request that the plugin cannot read,
   * SOKR_CAPABILITY_DENIED from lowering for what cannot fit the limits. What they
   * give is freed by free_reflection and free_lowered. */
  SokrResult (*validate_request)(const SokrIrRequest *request, char *sentence, size_t capacity);
  SokrResult (*reflect_request)(const SokrIrRequest *request, const SokrIrReflection **out,
                                char *sentence, size_t capacity);
  SokrResult (*lower_request)(const SokrIrRequest *request, uint8_t **out, size_t *out_size,
                              char *sentence, size_t capacity);
} SokrIrPlugin;

/* The one symbol that an IR plugin library exports. The table is owned by the
 * plugin until its library is unloaded; null means that it cannot work here. */
typedef const SokrIrPlugin *(*SokrIrPluginMainFn)(void);
#define SOKR_IR_PLUGIN_MAIN "sokr_ir_plugin_main"

/*
 * What an IR plugin library reads, written into its file, so that a host opens it only
 * when there is a kernel to read. Optional, once, at file scope:
 *
 *     SOKR_IR_PLUGIN_DECLARE(SOKR_IR_SPIRV);
 *
 * A library that declares this and no substrates (sokr/compute.h) offers none; one that
 * declares only substrates reads nothing. It is an ELF note: owner "SOKR", type 2; the
 * descriptor is the format.
 */
typedef struct {
  uint32_t owner_size;      /* 5: "SOKR" and a 0 */
  uint32_t descriptor_size; /* 4: what follows `owner` */
  uint32_t type;            /* SOKR_NOTE_IR */
  char owner[8];
  uint32_t format;
} SokrIrPluginNote;

#define SOKR_NOTE_IR 2
#ifndef SOKR_NOTE_ATTRIBUTES_
#if defined(__ELF__) && defined(__clang__)
#define SOKR_NOTE_ATTRIBUTES_ \
  __attribute__((used, section(".note.sokr"), aligned(4), no_sanitize("address")))
#elif defined(__ELF__) && defined(__GNUC__)
#define SOKR_NOTE_ATTRIBUTES_ __attribute__((used, section(".note.sokr"), aligned(4)))
#endif
#endif
#ifdef SOKR_NOTE_ATTRIBUTES_
#define SOKR_IR_PLUGIN_DECLARE(format)                                         \
  static const SokrIrPluginNote sokr_ir_plugin_note_ SOKR_NOTE_ATTRIBUTES_ = { \
      5u, 4u, SOKR_NOTE_IR, "SOKR", (uint32_t)(format)}
#else
#define SOKR_IR_PLUGIN_DECLARE(format) typedef SokrIrPluginNote sokr_ir_plugin_note_unused_
#endif

#ifdef __cplusplus
}
#endif

#endif /* SOKR_IR_H_ */
