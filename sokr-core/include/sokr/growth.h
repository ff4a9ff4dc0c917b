/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * sokr/growth.h - how the interfaces beside the core grow, and three helpers for it.
 *
 * The rule of compute.h, launch.h, memory.h, kernel.h, image.h, ir.h and host.h. The structures
 * of sokr/sokr.h are those of RFC 0001 and follow the core's own rules.
 *
 *   1. Members and functions are only ever appended, and mean for ever what they meant first;
 *      enumerations only gain values.
 *   2. A structure that crosses a boundary starts with its own size, `struct_size`, written by
 *      whoever fills it. Where it cannot, its size is passed beside it.
 *   3. An array of structures has the size of one element beside its count: `facts`,
 *      `fact_count`, `fact_size`. Elements lie `fact_size` bytes apart. An array of numbers or
 *      of pointers needs no size.
 *   4. A reader uses the members that fit into the size and takes the rest as zero; it never
 *      demands equality. Zero means in every appended member what there was before it.
 *   5. A structure that ends before the size of its elements is of version 1.0, which had none:
 *      they are as long as they were then (SOKR_..._SIZE_1_0). One that reaches it says it: 0, or
 *      less than in 1.0, is an error.
 *   6. Of what tells something (infos, tables, facts, reflections) a reader ignores the bytes
 *      that it does not know. Of what asks for something (a launch, a request) it refuses them
 *      with a sentence, unless all of them are zero: they ask for what it does not have.
 *   7. Version 1.0 read elements by its own sizes. So a writer gives larger ones only to who
 *      reads at least 1.1. It knows that from the version that it was told (SokrHostInfo,
 *      SokrIrRequest), or from the function that was called.
 *   8. What has a version of its own (a launch) is written in the lowest one that says all of it.
 *
 * Frozen copies of every version's headers lie in tests/abi; programs and plugins built with
 * any of them run with any other.
 *
 * Valid as C99 to C17 and as C++11 to C++20.
 */
#ifndef SOKR_GROWTH_H_
#define SOKR_GROWTH_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The bytes of a structure up to the end of a member. */
#define SOKR_SIZE_THROUGH(type, member) (offsetof(type, member) + sizeof(((type *)0)->member))

/* Does the structure, which starts with its size, reach to the end of a member? */
#define SOKR_HAS(type, pointer, member) \
  ((size_t)(pointer)->struct_size >= SOKR_SIZE_THROUGH(type, member))

/* The element of an array whose elements are `size` bytes apart. `size` is as given beside the
 * count, and not 0. Only members within `size` may be read. */
#define SOKR_ELEMENT(type, array, size, index) \
  ((const type *)(const void *)((const char *)(array) + (size_t)(index) * (size_t)(size)))

#ifdef __cplusplus
extern "C" {
#endif

/* Copies what fits of a structure or element of `from_size` bytes into one of `to_size`, and
 * zeros behind it. 1 if nothing was lost, that is, if all bytes beyond `to_size` are zero; 0 if
 * not. `from` needs no alignment. */
static inline int sokr_copy_sized(void *to, size_t to_size, const void *from, size_t from_size) {
  const unsigned char *bytes = (const unsigned char *)from;
  size_t i;
  if (from_size < to_size) {
    memcpy(to, from, from_size);
    memset((unsigned char *)to + from_size, 0, to_size - from_size);
    return 1;
  }
  memcpy(to, from, to_size);
  for (i = to_size; i < from_size; ++i) {
    if (bytes[i] != 0u) return 0;
  }
  return 1;
}

#ifdef __cplusplus
}
#endif

#endif /* SOKR_GROWTH_H_ */
