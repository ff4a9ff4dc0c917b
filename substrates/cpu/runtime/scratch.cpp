// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/scratch.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <new>

namespace sokr::cpu {

// Stands in front of the memory that is handed out.
struct alignas(kScratchAlignment) ScratchPool::Block {
  std::size_t capacity;

  void* memory() { return this + 1; }
  static Block* of(void* memory) { return static_cast<Block*>(memory) - 1; }
  static void destroy(Block* block) {
    ::operator delete(block, std::align_val_t{kScratchAlignment});
  }
};

ScratchPool::~ScratchPool() {
  for (Block* block : free_) Block::destroy(block);
}

void* ScratchPool::take(std::size_t size) {
  if (size == 0) return nullptr;
  if (size > SIZE_MAX / 4) throw std::bad_alloc();
  {
    std::lock_guard lock(mutex_);
    auto found = std::find_if(free_.rbegin(), free_.rend(),
                              [&](Block* block) { return block->capacity >= size; });
    if (found != free_.rend()) {
      Block* block = *found;
      free_.erase(std::next(found).base());
      return block->memory();
    }
    free_.reserve(free_.size() + 1);
  }
  std::size_t capacity = std::bit_ceil(size);
  void* raw = ::operator new(sizeof(Block) + capacity, std::align_val_t{kScratchAlignment});
  return (new (raw) Block{capacity})->memory();
}

void ScratchPool::give_back(void* memory) noexcept {
  Block* block = Block::of(memory);
  constexpr std::size_t kKept = 256;
  std::unique_lock lock(mutex_);
  try {
    if (free_.size() < kKept) {
      free_.push_back(block);
      return;
    }
  } catch (const std::bad_alloc&) {
  }
  lock.unlock();
  Block::destroy(block);
}

}  // namespace sokr::cpu
