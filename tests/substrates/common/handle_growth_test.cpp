// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How often tables of handles are moved as they grow: counted by an operator new of this program's
// own, in whose place sanitizers have theirs.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <sokr/substrate/prepared.hpp>

namespace {
std::atomic<int> large_allocations{0};
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  constexpr std::size_t kLarge = 1 << 16;
  if (size >= kLarge) large_allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size != 0 ? size : 1);
  if (!memory) throw std::bad_alloc();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace sokr::substrate {
namespace {

// Handles that are there are not moved for each that comes.
TEST(Prepared, ManyHandlesCostNoMoreThanFew) {
  KernelHandles<const int> handles;
  const auto kernel = std::make_shared<const int>(5);
  const int before = large_allocations;
  for (int i = 0; i < 20'000; ++i) handles.add(kernel);
  EXPECT_LT(large_allocations - before, 64);
}

}  // namespace
}  // namespace sokr::substrate
