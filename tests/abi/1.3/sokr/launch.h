/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/launch.h - launch parameters: part 2 of sokr/compute.h, which includes it.
 *
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_LAUNCH_H_
#define SOKR_LAUNCH_H_

#include <sokr/growth.h>
#include <sokr/memory.h>
#include <sokr/sokr.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  SOKR_BINDING_NULL = 0,   /* bound to nothing: reads give 0, writes are dropped */
  SOKR_BINDING_HOST = 1,   /* resource is a host address */
  SOKR_BINDING_BUFFER = 2, /* resource is a SokrBuffer */
  SOKR_BINDING_IMAGE = 3,  /* since 1.1: resource is a SokrImage; with `sampler`, both in one */
  SOKR_BINDING_SAMPLER = 4, /* since 1.1: resource is a SokrSampler */
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
 *
 * An image is bound as it is: its dimension and format are what the kernel declares for the
 * binding (SokrIrBinding), the substrate brings it into the layout that it needs. `access` of a
 * sampled image is SOKR_ACCESS_READ. A substrate without images refuses the launch with
 * SOKR_CAPABILITY_DENIED and names the binding.
 */
typedef struct {
  uint32_t set;      /* descriptor set */
  uint32_t binding;  /* binding within the set */
  uint32_t index;    /* element of a descriptor array, below 1,048,576; 0 otherwise */
  uint32_t kind;     /* SokrBindingKind */
  uint32_t access;   /* SokrAccess */
  uint32_t reserved; /* 0 */
  uint64_t resource; /* host address, SokrBuffer, SokrImage or SokrSampler */
  uint64_t offset;   /* bytes from the start of the resource; 0 of an image or a sampler */
  uint64_t size;     /* bytes, at least 1; 0 of nothing, an image or a sampler */

  /* Since 1.1. Of SOKR_BINDING_IMAGE; otherwise 0. */
  uint64_t sampler;      /* SokrSampler, where the kernel declares image and sampler as one */
  uint32_t first_level;  /* of the image's mip maps */
  uint32_t level_count;  /* 0 = all that follow */
  uint32_t first_layer;
  uint32_t layer_count; /* 0 = all that follow */
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
  /* Since 1.1. The workgroup that counting starts with, as for vkCmdDispatchBase: the ids of
   * workgroups run from base_groups to base_groups + groups - 1, global ids start at base_groups
   * times the workgroup size, the number of workgroups is `groups`. base_groups + groups is
   * within the substrate's max_group_count. All 0 with an indirect launch. A substrate that
   * cannot do it refuses the launch with SOKR_CAPABILITY_DENIED. */
  uint32_t base_groups[3];
} SokrLaunch;

/*
 * The bytes: this header, then sections in any order, each at a multiple of 8
 * from the start and none overlapping another or the header. All integers are
 * in the byte order of the machine. `bindings` is an array of SokrBinding,
 * `specializations` of SokrSpecialization, `waits` of SokrCompletionToken, the
 * entry name has no terminator. A section of count 0 has offset 0.
 *
 * Version 1 ends with wait_count, and its elements have the sizes of 1.0. Version 2 says the
 * sizes of its elements: at least those of 1.0, multiples of 8. A writer writes version 1
 * unless the launch says what only version 2 can, so that old substrates go on to run it.
 *
 * A reader checks all of it before it acts on any of it, and answers
 * SOKR_INVALID_INPUT with a sentence. The bytes need no alignment of their own. Bytes of a
 * version 2 header, or of an element, that are beyond what the reader knows are zero, or the
 * launch is refused (sokr/growth.h, 6).
 */
#define SOKR_LAUNCH_MAGIC UINT32_C(0x4C4B4F53) /* "SOKL" in little-endian memory */
#define SOKR_LAUNCH_VERSION UINT32_C(2)        /* the highest that is written here */

typedef struct {
  uint32_t magic;       /* SOKR_LAUNCH_MAGIC */
  uint32_t version;     /* 1 or 2 */
  uint32_t total_size;  /* bytes of everything; equals params_len */
  uint32_t header_size; /* of the writer's header, a multiple of 8; larger is accepted */
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
  /* Version 2. */
  uint32_t binding_size;        /* bytes from one element to the next */
  uint32_t specialization_size; /* likewise */
  uint32_t base_groups[3];
  uint32_t reserved; /* 0 */
} SokrLaunchHeader;

/* The sizes of 1.0, and so of version 1. */
#define SOKR_LAUNCH_SIZE_1_0 SOKR_SIZE_THROUGH(SokrLaunch, waits)
#define SOKR_LAUNCH_HEADER_SIZE_1 SOKR_SIZE_THROUGH(SokrLaunchHeader, wait_count)
#define SOKR_BINDING_SIZE_1_0 SOKR_SIZE_THROUGH(SokrBinding, size)
#define SOKR_SPECIALIZATION_SIZE_1_0 SOKR_SIZE_THROUGH(SokrSpecialization, value)

/* The version that a launch is written in: the lowest that says all of it. */
static inline uint32_t sokr_launch_version_(const SokrLaunch *launch) {
  uint64_t more = launch->base_groups[0] | launch->base_groups[1] | launch->base_groups[2];
  uint32_t i;
  for (i = 0; i < launch->binding_count; ++i) {
    const SokrBinding *b = launch->bindings + i;
    uint64_t rest[(sizeof(SokrBinding) - SOKR_BINDING_SIZE_1_0) / 8u];
    memcpy(rest, (const char *)b + SOKR_BINDING_SIZE_1_0, sizeof rest);
    more |= rest[0] | rest[1] | rest[2] | (uint64_t)(b->kind > SOKR_BINDING_BUFFER);
  }
  return more ? 2u : 1u;
}

static inline size_t sokr_launch_size_(const SokrLaunch *launch, uint32_t version) {
  uint64_t size = version == 1u ? SOKR_LAUNCH_HEADER_SIZE_1 : sizeof(SokrLaunchHeader);
  uint64_t entry = launch->entry ? (uint64_t)strlen(launch->entry) : 0u;
  size += (entry + 7u) & ~UINT64_C(7);
  size += (uint64_t)launch->binding_count *
          (version == 1u ? SOKR_BINDING_SIZE_1_0 : sizeof(SokrBinding));
  size += ((uint64_t)launch->push_size + 7u) & ~UINT64_C(7);
  size += (uint64_t)launch->specialization_count * sizeof(SokrSpecialization);
  size += (uint64_t)launch->wait_count * sizeof(SokrCompletionToken);
  return size <= UINT32_MAX ? (size_t)size : 0u;
}

/* Bytes that sokr_launch_write needs; 0 if the launch cannot be written (more
 * than 4 GiB - 1). Any thread; does not block. */
static inline size_t sokr_launch_size(const SokrLaunch *launch) {
  return sokr_launch_size_(launch, sokr_launch_version_(launch));
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

/* The same for bindings of version 1: what all of them have. */
static inline uint32_t sokr_launch_bindings_1_(unsigned char *out, uint32_t at,
                                               const SokrLaunch *launch, uint32_t *offset_out) {
  uint32_t i;
  *offset_out = launch->binding_count ? at : 0u;
  for (i = 0; i < launch->binding_count; ++i) {
    memcpy(out + at, launch->bindings + i, SOKR_BINDING_SIZE_1_0);
    at += (uint32_t)SOKR_BINDING_SIZE_1_0;
  }
  return at;
}

/* Writes the launch to `out` and returns the bytes written; 0, with nothing
 * written, if capacity is too small or the launch cannot be written. `out`
 * needs no alignment. Any thread; does not block, does not allocate. */
static inline size_t sokr_launch_write(const SokrLaunch *launch, void *out, size_t capacity) {
  unsigned char *bytes = (unsigned char *)out;
  uint32_t version = sokr_launch_version_(launch);
  size_t size = sokr_launch_size_(launch, version);
  uint32_t at = (uint32_t)(version == 1u ? SOKR_LAUNCH_HEADER_SIZE_1 : sizeof(SokrLaunchHeader));
  SokrLaunchHeader header;
  if (size == 0u || size > capacity) return 0u;
  memset(&header, 0, sizeof header);
  header.magic = SOKR_LAUNCH_MAGIC;
  header.version = version;
  header.total_size = (uint32_t)size;
  header.header_size = at;
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
  header.binding_size = (uint32_t)sizeof(SokrBinding);
  header.specialization_size = (uint32_t)sizeof(SokrSpecialization);
  memcpy(header.base_groups, launch->base_groups, sizeof header.base_groups);
  at = sokr_launch_section_(bytes, at, launch->entry, header.entry_size, &header.entry_offset);
  if (version == 1u) {
    at = sokr_launch_bindings_1_(bytes, at, launch, &header.binding_offset);
  } else {
    at = sokr_launch_section_(bytes, at, launch->bindings,
                              (uint64_t)launch->binding_count * sizeof(SokrBinding),
                              &header.binding_offset);
  }
  at = sokr_launch_section_(bytes, at, launch->push, launch->push_size, &header.push_offset);
  at = sokr_launch_section_(bytes, at, launch->specializations,
                            (uint64_t)launch->specialization_count * sizeof(SokrSpecialization),
                            &header.specialization_offset);
  (void)sokr_launch_section_(bytes, at, launch->waits,
                             (uint64_t)launch->wait_count * sizeof(SokrCompletionToken),
                             &header.wait_offset);
  memcpy(bytes, &header, SOKR_LAUNCH_HEADER_SIZE_1);
  if (version > 1u) memcpy(bytes, &header, sizeof header);
  return size;
}

SOKR_STATIC_ASSERT_(sizeof(SokrBinding) == 72, "SokrBinding is 72 bytes");
SOKR_STATIC_ASSERT_(sizeof(SokrSpecialization) == 16, "SokrSpecialization is 16 bytes");
SOKR_STATIC_ASSERT_(sizeof(SokrLaunchHeader) == 128, "SokrLaunchHeader is 128 bytes");
SOKR_STATIC_ASSERT_(SOKR_LAUNCH_HEADER_SIZE_1 == 104, "the header of version 1 is 104 bytes");
SOKR_STATIC_ASSERT_(SOKR_BINDING_SIZE_1_0 == 48, "SokrBinding was 48 bytes in 1.0");

#ifdef __cplusplus
}
#endif

#endif /* SOKR_LAUNCH_H_ */
