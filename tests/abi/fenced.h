/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Memory that ends at a page nobody may touch: a read or write of one byte too many faults, with
 * or without a sanitizer. Never given back: it is as long-lived as the tables in it. */
#ifndef SOKR_TESTS_ABI_FENCED_H_
#define SOKR_TESTS_ABI_FENCED_H_

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static inline void *fenced(const void *bytes, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t inner = (size / page + 1u) * page;
  unsigned char *memory = (unsigned char *)mmap(NULL, inner + page, PROT_READ | PROT_WRITE,
                                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == (unsigned char *)MAP_FAILED || mprotect(memory + inner, page, PROT_NONE) != 0) {
    perror("mmap");
    exit(2);
  }
  memset(memory, 0xA5, inner);
  if (bytes) memcpy(memory + inner - size, bytes, size);
  return memory + inner - size;
}

/* `count` elements of `size` bytes, `apart` bytes from one to the next. Of longer ones the rest is
 * ones, which nobody may take for something; of shorter ones the end is left out. */
static inline void *fenced_elements(const void *elements, size_t count, size_t size,
                                    size_t apart) {
  unsigned char *out = (unsigned char *)fenced(NULL, count * apart);
  size_t i;
  memset(out, 0xFF, count * apart);
  for (i = 0; i < count; ++i) {
    memcpy(out + i * apart, (const unsigned char *)elements + i * size, size < apart ? size : apart);
  }
  return out;
}

#define FENCED(object) fenced(&(object), sizeof(object))

#define CHECK(condition)                                                         \
  do {                                                                           \
    if (!(condition)) {                                                          \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
      exit(1);                                                                   \
    }                                                                            \
  } while (0)

#endif /* SOKR_TESTS_ABI_FENCED_H_ */
