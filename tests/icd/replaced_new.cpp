// SPDX-License-Identifier: MIT OR Apache-2.0
#include "replaced_new.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace sokr::test {
thread_local int news_left = -1;
thread_local bool news_stay_out = false;
thread_local long news_held = 0;
}  // namespace sokr::test

#if !defined(SOKR_TEST_IS_SANITIZED)
void* operator new(std::size_t size) {
  using namespace sokr::test;
  if (news_left == 0) {
    if (!news_stay_out) news_left = -1;
    throw std::bad_alloc();
  }
  if (news_left > 0) --news_left;
  void* const memory = std::malloc(size ? size : 1);
  if (!memory) throw std::bad_alloc();
  news_held += static_cast<long>(malloc_usable_size(memory));
  return memory;
}
void operator delete(void* memory) noexcept {
  sokr::test::news_held -= static_cast<long>(malloc_usable_size(memory));
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  operator delete(memory);
}
#endif
