// SPDX-License-Identifier: MIT OR Apache-2.0
#include "replaced_new.hpp"

#include <cstdlib>
#include <new>

namespace sokr::test {
thread_local int news_left = -1;
}  // namespace sokr::test

#if !defined(SOKR_TEST_IS_SANITIZED)
void* operator new(std::size_t size) {
  if (sokr::test::news_left >= 0 && sokr::test::news_left-- == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
#endif
