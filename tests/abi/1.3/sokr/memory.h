/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/memory.h - memory that lives on a substrate: part 3 of sokr/compute.h, which includes it.
 *
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_MEMORY_H_
#define SOKR_MEMORY_H_

#include <sokr/growth.h>
#include <sokr/sokr.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Handles of one substrate, from its memory table, never given out twice. 0 is none of them. */
typedef uint64_t SokrBuffer;
typedef uint64_t SokrImage;
typedef uint64_t SokrSampler;

typedef enum {
  SOKR_BUFFER_DEFAULT = 0,     /* fastest for kernels; host access may copy */
  SOKR_BUFFER_HOST_VISIBLE = 1, /* map works without a copy */
  SOKR_BUFFER_ADDRESS = 2,     /* `address` works */
  SOKR_BUFFER_FLAGS_FORCE_32 = 0x7FFFFFFF
} SokrBufferFlags;

typedef enum {
  SOKR_IMAGE_USAGE_SAMPLED = 1, /* bound where a kernel samples or fetches */
  SOKR_IMAGE_USAGE_STORAGE = 2, /* bound where a kernel loads and stores texels */
  SOKR_IMAGE_USAGE_FORCE_32 = 0x7FFFFFFF
} SokrImageUsage;

/* A new image. Its layout in memory is the substrate's own affair, and changes unseen. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrImageInfo) */
  uint32_t dimension;   /* SokrImageDimension, but BUFFER, of sokr/image.h */
  uint32_t format;      /* SokrImageFormat, but NONE */
  uint32_t usage;       /* SokrImageUsage, at least one */
  uint32_t extent[3];   /* texels of level 0; 1 in the dimensions that it does not have */
  uint32_t levels;      /* of mip maps, each half of the one before; 0 = 1 */
  uint32_t layers;      /* of an arrayed image; a cube has six each; 0 = 1, or 6 for a cube */
  uint32_t samples;     /* a texel; 0 = 1 */
} SokrImageInfo;

/* Which texels: a box in one level of some layers. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrImageRegion) */
  uint32_t level;
  uint32_t first_layer;
  uint32_t layer_count; /* 0 = all that follow */
  uint32_t origin[3];
  uint32_t extent[3]; /* all 0 = the whole level */
} SokrImageRegion;

typedef enum {
  SOKR_FILTER_NEAREST = 0,
  SOKR_FILTER_LINEAR = 1,
  SOKR_FILTER_FORCE_32 = 0x7FFFFFFF
} SokrFilter;

typedef enum { /* what lies beyond the edge */
  SOKR_EDGE_REPEAT = 0,
  SOKR_EDGE_MIRROR = 1,
  SOKR_EDGE_CLAMP = 2,       /* the texel at the edge */
  SOKR_EDGE_BORDER = 3,      /* the border colour */
  SOKR_EDGE_MIRROR_ONCE = 4,
  SOKR_EDGE_FORCE_32 = 0x7FFFFFFF
} SokrEdge;

typedef enum {
  SOKR_BORDER_ZERO = 0,  /* 0, 0, 0, 0 */
  SOKR_BORDER_BLACK = 1, /* 0, 0, 0, 1 */
  SOKR_BORDER_WHITE = 2, /* 1, 1, 1, 1 */
  SOKR_BORDER_FORCE_32 = 0x7FFFFFFF
} SokrBorder;

typedef enum { /* the reference value passes if it ... the texel */
  SOKR_COMPARE_NONE = 0, /* there is no comparison */
  SOKR_COMPARE_LESS = 1,
  SOKR_COMPARE_EQUAL = 2,
  SOKR_COMPARE_LESS_EQUAL = 3,
  SOKR_COMPARE_GREATER = 4,
  SOKR_COMPARE_NOT_EQUAL = 5,
  SOKR_COMPARE_GREATER_EQUAL = 6,
  SOKR_COMPARE_ALWAYS = 7,
  SOKR_COMPARE_NEVER = 8,
  SOKR_COMPARE_FORCE_32 = 0x7FFFFFFF
} SokrCompare;

/* A new sampler. Zeros are nearest texels, repeated, of level 0. */
typedef struct {
  uint32_t struct_size; /* sizeof(SokrSamplerInfo) */
  uint32_t magnify;     /* SokrFilter */
  uint32_t minify;      /* SokrFilter */
  uint32_t between_levels; /* SokrFilter */
  uint32_t edge[3];     /* SokrEdge in x, y, z */
  uint32_t border;      /* SokrBorder */
  uint32_t compare;     /* SokrCompare */
  uint32_t unnormalized; /* 1: coordinates are texels, not 0..1 */
  float level_bias;
  float min_level;
  float max_level;
  float max_anisotropy; /* 0 or 1 = none */
} SokrSamplerInfo;

typedef struct SokrMemoryTable SokrMemoryTable;

/*
 * Buffers, images and samplers of one substrate. All functions may be called from any thread at
 * once, also while launches run; what is being created or freed is used by one
 * thread. Results: SOKR_OK; SOKR_INVALID_INPUT (bad handle, range, flag or
 * null pointer); SOKR_CAPABILITY_DENIED (the substrate has no such thing);
 * SOKR_DISPATCH_FAILED (out of memory, device lost). Each failure
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

  /* Since 1.1. From one buffer to another, or within one where the ranges do not overlap, and
   * without the host. Ordered as write and read are. Blocks until done. */
  SokrResult (*copy)(SokrBuffer from, uint64_t from_offset, SokrBuffer to, uint64_t to_offset,
                     uint64_t size);
  /* Since 1.1. A new image, with contents that are not defined. */
  SokrResult (*create_image)(const SokrImageInfo *info, SokrImage *image_out);
  /* Since 1.1. As free. */
  SokrResult (*free_image)(SokrImage image);
  /* Since 1.1. Texels from and to the host, packed: rows one after another, then slices, then
   * layers, without gaps. `size` is exactly theirs. A null region is level 0 of all layers.
   * Ordered as write and read are. Block until done. */
  SokrResult (*write_image)(SokrImage image, const SokrImageRegion *region, const void *from,
                            uint64_t size);
  SokrResult (*read_image)(SokrImage image, const SokrImageRegion *region, void *to,
                           uint64_t size);
  /* Since 1.1. A new sampler. Freed as buffers are: launches that use it go on. */
  SokrResult (*create_sampler)(const SokrSamplerInfo *info, SokrSampler *sampler_out);
  SokrResult (*free_sampler)(SokrSampler sampler);
};

SOKR_STATIC_ASSERT_(sizeof(SokrImageInfo) == 40, "SokrImageInfo is 40 bytes");
SOKR_STATIC_ASSERT_(sizeof(SokrImageRegion) == 40, "SokrImageRegion is 40 bytes");
SOKR_STATIC_ASSERT_(sizeof(SokrSamplerInfo) == 56, "SokrSamplerInfo is 56 bytes");

#ifdef __cplusplus
}
#endif

#endif /* SOKR_MEMORY_H_ */
