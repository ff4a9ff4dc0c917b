/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * launch_reader.h - reads launch parameters (sokr/launch.h, every version) in C, to be copied.
 *
 *     LaunchReader launch;
 *     const char *wrong = launch_read(&launch, request->params, request->params_len);
 *     if (wrong) return fail(SOKR_INVALID_INPUT, wrong);
 *     for (i = 0; i < launch.header.binding_count; ++i) {
 *       SokrBinding binding = launch_binding(&launch, i);
 *       ...
 *
 * launch_read checks everything that the bytes can tell: lengths, counts, offsets, overlap,
 * enumerators, alignment and 64-bit overflow. What it accepts may be used without a further
 * check, except for what only the plugin knows: whether the bindings fit the kernel, whether
 * buffers exist, and the numbers that its device allows. It borrows the bytes, which need no
 * alignment, and allocates nothing. Any thread. Valid as C99 and as C++11.
 *
 * Launches that ask for more than buffers and a start at workgroup 0,0,0 are refused, with
 * SOKR_CAPABILITY_DENIED as the right code, unless the plugin says before it includes this
 * that it looks at them:
 *
 *     #define LAUNCH_READER_BASE_GROUPS   it looks at header.base_groups
 *     #define LAUNCH_READER_IMAGES        it looks at images and samplers among the bindings
 */
#ifndef LAUNCH_READER_H_
#define LAUNCH_READER_H_

#include <sokr/compute.h>
#include <string.h>

/* More specialization constants than any kernel has; each is compared with each. */
#define LAUNCH_READER_MAX_SPECIALIZATIONS 1024u

typedef struct {
  SokrLaunchHeader header; /* groups, local_size, flags, counts, ...; as of the last version */
  const uint8_t *bytes;
  const char *entry;   /* header.entry_size bytes without a 0; none = the only entry point */
  const uint8_t *push; /* header.push_size bytes, as unaligned as the launch */
} LaunchReader;

static inline SokrBinding launch_binding(const LaunchReader *launch, uint32_t i) {
  SokrBinding binding;
  size_t size = launch->header.binding_size;
  (void)sokr_copy_sized(&binding, sizeof binding,
                        launch->bytes + launch->header.binding_offset + (size_t)i * size, size);
  return binding;
}

/* Its value has no bits beyond its size. */
static inline SokrSpecialization launch_specialization(const LaunchReader *launch, uint32_t i) {
  SokrSpecialization constant;
  size_t size = launch->header.specialization_size;
  (void)sokr_copy_sized(&constant, sizeof constant,
                        launch->bytes + launch->header.specialization_offset + (size_t)i * size,
                        size);
  if (constant.size < 8u) constant.value &= (UINT64_C(1) << (8u * constant.size)) - 1u;
  return constant;
}

/* As the core gave it: sokr_token_plugin_token has the plugin's own part. */
static inline SokrCompletionToken launch_wait(const LaunchReader *launch, uint32_t i) {
  SokrCompletionToken token;
  memcpy(&token, launch->bytes + launch->header.wait_offset + (size_t)i * sizeof token,
         sizeof token);
  return token;
}

typedef struct {
  uint64_t offset, size; /* bytes */
} LaunchSection_;

static inline const char *launch_check_sections_(const LaunchReader *launch) {
  const SokrLaunchHeader *h = &launch->header;
  LaunchSection_ sections[5];
  int i, j;
  sections[0].offset = h->entry_offset, sections[0].size = h->entry_size;
  sections[1].offset = h->binding_offset;
  sections[1].size = h->binding_count * (uint64_t)h->binding_size;
  sections[2].offset = h->push_offset, sections[2].size = h->push_size;
  sections[3].offset = h->specialization_offset;
  sections[3].size = h->specialization_count * (uint64_t)h->specialization_size;
  sections[4].offset = h->wait_offset;
  sections[4].size = h->wait_count * (uint64_t)sizeof(SokrCompletionToken);
  for (i = 0; i < 5; ++i) {
    const LaunchSection_ *a = &sections[i];
    if (a->size == 0u) {
      if (a->offset != 0u) return "launch parameters: an empty section has an offset";
      continue;
    }
    if (a->offset % 8u != 0u) return "launch parameters: a section is not at a multiple of 8";
    if (a->offset < h->header_size) return "launch parameters: a section lies in the header";
    if (a->offset + a->size > h->total_size) return "launch parameters: a section is cut off";
    for (j = 0; j < i; ++j) {
      const LaunchSection_ *b = &sections[j];
      if (b->size && a->offset < b->offset + b->size && b->offset < a->offset + a->size) {
        return "launch parameters: two sections overlap";
      }
    }
  }
  return NULL;
}

static inline const char *launch_check_header_(const SokrLaunchHeader *h, size_t size) {
  if (h->magic != SOKR_LAUNCH_MAGIC) {
    return "launch parameters do not start with their magic; write them with sokr_launch_write";
  }
  if (h->version == 0u || h->version > SOKR_LAUNCH_VERSION) {
    return "launch parameters have a version that is not 1 or 2";
  }
  if (h->total_size != size) return "launch parameters have another size than params_len";
  if (h->header_size < (h->version == 1u ? SOKR_LAUNCH_HEADER_SIZE_1 : sizeof *h) ||
      h->header_size > size || h->header_size % 8u != 0u) {
    return "launch parameters have a header of a wrong size";
  }
  if (h->flags & ~(uint32_t)SOKR_LAUNCH_PROFILE) return "launch parameters have unknown flags";
  if (h->push_size % 4u != 0u) return "the push constants are not a multiple of 4 bytes";
  if ((h->local_size[0] | h->local_size[1] | h->local_size[2]) != 0u &&
      (h->local_size[0] == 0u || h->local_size[1] == 0u || h->local_size[2] == 0u)) {
    return "the local size has a 0; give three sizes, or 0,0,0 for the kernel's own";
  }
  if (h->indirect != 0u &&
      (h->indirect_offset % 4u != 0u || h->indirect_offset > UINT64_MAX - 12u)) {
    return "the indirect offset is not a multiple of 4 with room for 12 bytes";
  }
  if (h->binding_size < SOKR_BINDING_SIZE_1_0 || h->binding_size % 8u != 0u ||
      h->specialization_size < SOKR_SPECIALIZATION_SIZE_1_0 || h->specialization_size % 8u != 0u) {
    return "launch parameters have elements of a wrong size";
  }
  if (h->reserved != 0u) return "launch parameters have a reserved member that is not 0";
  if ((h->base_groups[0] | h->base_groups[1] | h->base_groups[2]) != 0u) {
    if (h->indirect != 0u) return "an indirect launch does not start at workgroup 0,0,0";
#ifndef LAUNCH_READER_BASE_GROUPS
    return "the launch does not start at workgroup 0,0,0 (base_groups)";
#endif
  }
  return NULL;
}

/* Bytes beyond what is known here: zero, or they ask for something. */
static inline int launch_is_known_(const LaunchReader *launch, uint32_t offset, uint32_t count,
                                   size_t size, size_t known) {
  const uint8_t *at = launch->bytes + offset;
  size_t i;
  for (; size > known && count != 0u; --count, at += size) {
    for (i = known; i < size; ++i) {
      if (at[i] != 0u) return 0;
    }
  }
  return 1;
}

static inline int launch_is_all_known_(const LaunchReader *launch) {
  const SokrLaunchHeader *h = &launch->header;
  if (h->version == 1u) return 1;
  return launch_is_known_(launch, 0u, 1u, h->header_size, sizeof *h) &&
         launch_is_known_(launch, h->binding_offset, h->binding_count, h->binding_size,
                          sizeof(SokrBinding)) &&
         launch_is_known_(launch, h->specialization_offset, h->specialization_count,
                          h->specialization_size, sizeof(SokrSpecialization));
}

static inline const char *launch_check_binding_(const SokrBinding *b) {
  uint64_t start, limit;
  if (b->kind > SOKR_BINDING_SAMPLER) return "a binding has an unknown kind";
#ifndef LAUNCH_READER_IMAGES
  if (b->kind > SOKR_BINDING_BUFFER) return "a binding is an image or a sampler";
#endif
  if (b->kind != SOKR_BINDING_IMAGE &&
      (b->sampler | b->first_level | b->level_count | b->first_layer | b->layer_count) != 0u) {
    return "a binding that is no image has a sampler, levels or layers";
  }
  if (b->reserved != 0u) return "a binding's reserved member is not 0";
  if (b->access > SOKR_ACCESS_READ_WRITE) return "a binding has an unknown access";
  if (b->kind == SOKR_BINDING_NULL) return NULL;
  if (b->access == 0u) return "a binding has no access";
  if (b->resource == 0u) return "a binding has no resource; use SOKR_BINDING_NULL";
  if (b->kind > SOKR_BINDING_BUFFER) {
    return (b->offset | b->size) != 0u ? "an image or a sampler has an offset or a size" : NULL;
  }
  if (b->size == 0u) return "a binding has no bytes; use SOKR_BINDING_NULL";
  start = b->kind == SOKR_BINDING_HOST ? b->resource : 0u;
  limit = b->kind == SOKR_BINDING_HOST ? (uint64_t)UINTPTR_MAX : UINT64_MAX;
  if (start > limit || b->offset > limit - start || b->size > limit - start - b->offset) {
    return "a binding reaches beyond the end of the address space";
  }
  return NULL;
}

static inline const char *launch_check_elements_(const LaunchReader *launch) {
  uint32_t i, j;
  for (i = 0; i < launch->header.binding_count; ++i) {
    SokrBinding binding = launch_binding(launch, i);
    const char *wrong = launch_check_binding_(&binding);
    if (wrong) return wrong;
  }
  if (launch->header.specialization_count > LAUNCH_READER_MAX_SPECIALIZATIONS) {
    return "there are more than 1024 specialization constants";
  }
  for (i = 0; i < launch->header.specialization_count; ++i) {
    SokrSpecialization constant = launch_specialization(launch, i);
    if (constant.size != 1u && constant.size != 2u && constant.size != 4u && constant.size != 8u) {
      return "a specialization constant has a size that is not 1, 2, 4 or 8";
    }
    for (j = 0; j < i; ++j) {
      if (launch_specialization(launch, j).id == constant.id) {
        return "a specialization constant is given twice";
      }
    }
  }
  for (i = 0; i < launch->header.wait_count; ++i) {
    if (sokr_token_plugin_token(launch_wait(launch, i)) == 0u) {
      return "the launch waits for something that is no completion token";
    }
  }
  return NULL;
}

/* Null if the launch is good; else what is wrong, in one sentence of static storage, and *launch
 * is not to be used. */
static inline const char *launch_read(LaunchReader *launch, const uint8_t *params, size_t size) {
  const char *wrong;
  if (!params || size == 0u) return "there are no launch parameters; use sokr_launch_write";
  if (size < SOKR_LAUNCH_HEADER_SIZE_1) return "launch parameters are shorter than their header";
  (void)sokr_copy_sized(&launch->header, sizeof launch->header, params, SOKR_LAUNCH_HEADER_SIZE_1);
  launch->header.binding_size = SOKR_BINDING_SIZE_1_0;
  launch->header.specialization_size = SOKR_SPECIALIZATION_SIZE_1_0;
  if (launch->header.version == 2u && size >= sizeof launch->header) {
    memcpy(&launch->header, params, sizeof launch->header);
  }
  launch->bytes = params;
  wrong = launch_check_header_(&launch->header, size);
  if (!wrong) wrong = launch_check_sections_(launch);
  if (!wrong && !launch_is_all_known_(launch)) {
    wrong = "the launch parameters ask for something that is not known here";
  }
  if (wrong) return wrong;
  launch->entry = (const char *)params + launch->header.entry_offset;
  launch->push = params + launch->header.push_offset;
  if (launch->header.entry_size && memchr(launch->entry, 0, launch->header.entry_size)) {
    return "the entry point's name has a 0 in it";
  }
  return launch_check_elements_(launch);
}

#endif /* LAUNCH_READER_H_ */
