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
    // The smallest that is large enough: a large one may be somebody's who needs it. Of several the
    // one that came last, which may still be in a cache.
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it)
      if ((*it)->capacity >= size && (best == free_.end() || (*it)->capacity <= (*best)->capacity))
        best = it;
    if (best != free_.end()) {
      Block* block = *best;
      free_.erase(best);
      kept_ -= block->capacity;
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
    free_.push_back(block);
    kept_ += block->capacity;
    if (free_.size() <= kKept && kept_ <= kMostKept) return;
    // Those that nobody has wanted for longest go.
    block = nullptr;
    while (free_.size() > 1 && (free_.size() > kKept || kept_ > kMostKept)) {
      kept_ -= free_.front()->capacity;
      Block::destroy(free_.front());
      free_.erase(free_.begin());
    }
  } catch (const std::bad_alloc&) {
  }
  lock.unlock();
  if (block) Block::destroy(block);
}

std::size_t ScratchPool::kept() const {
  std::lock_guard lock(mutex_);
  return kept_;
}

}  // namespace sokr::cpu
