// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/scratch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace sokr::cpu::test {
namespace {

TEST(ScratchPool, NothingCostsNothing) {
  ScratchPool pool;
  EXPECT_EQ(pool.take(0), nullptr);
  EXPECT_EQ(Scratch(pool, 0).get(), nullptr);
}

TEST(ScratchPool, HandsOutAlignedMemoryOfTheSizeAskedFor) {
  ScratchPool pool;
  std::set<void*> taken;
  for (std::size_t size : {1u, 63u, 64u, 65u, 4096u, 100000u}) {
    void* memory = pool.take(size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % kScratchAlignment, 0u);
    EXPECT_TRUE(taken.insert(memory).second);
    std::memset(memory, 0xee, size);
  }
  for (void* memory : taken) pool.give_back(memory);
}

TEST(ScratchPool, TakesBackAndReusesWhatIsLargeEnough) {
  ScratchPool pool;
  void* first = pool.take(1000);
  pool.give_back(first);
  void* larger = pool.take(5000);
  EXPECT_NE(larger, first);
  EXPECT_EQ(pool.take(900), first);
  pool.give_back(first);
  pool.give_back(larger);
}

TEST(ScratchPool, GivesALargeBlockToNobodyWhoNeedsASmallOne) {
  ScratchPool pool;
  void *small = pool.take(1000), *large = pool.take(1'000'000);
  for (const bool large_last : {true, false}) {
    pool.give_back(large_last ? small : large);
    pool.give_back(large_last ? large : small);
    EXPECT_EQ(pool.take(900), small);
    EXPECT_EQ(pool.take(900'000), large);
  }
  pool.give_back(small);
  pool.give_back(large);
}

TEST(ScratchPool, KeepsNoMoreThanAFewHugeBlocks) {
  constexpr std::size_t kHuge = ScratchPool::kMostKept / 4;
  ScratchPool pool;
  std::vector<void*> taken;
  for (int i = 0; i < 12; ++i) taken.push_back(pool.take(kHuge));
  for (void* memory : taken) pool.give_back(memory);
  EXPECT_EQ(pool.kept(), ScratchPool::kMostKept);
  EXPECT_EQ(pool.take(kHuge), taken.back());
  pool.give_back(taken.back());
  // One that is larger than all that is kept stays alone, for the next launch.
  void* larger = pool.take(2 * ScratchPool::kMostKept);
  pool.give_back(larger);
  EXPECT_EQ(pool.kept(), 2 * ScratchPool::kMostKept);
  EXPECT_EQ(pool.take(2 * ScratchPool::kMostKept), larger);
  pool.give_back(larger);
}

TEST(ScratchPool, RefusesWhatNoMachineHas) {
  ScratchPool pool;
  EXPECT_THROW(pool.take(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(pool.take(SIZE_MAX / 2 + 2), std::bad_alloc);
  EXPECT_THROW(pool.take(SIZE_MAX / 2), std::bad_alloc);
}

TEST(ScratchPool, NoTwoThreadsShareABlock) {
  ScratchPool pool;
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (unsigned t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < 2000; ++i) {
        Scratch scratch(pool, 64u << (i % 4));
        auto* bytes = static_cast<unsigned char*>(scratch.get());
        std::memset(bytes, static_cast<int>(t), 64);
        for (unsigned k = 0; k < 64; ++k)
          if (bytes[k] != t) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace sokr::cpu::test
