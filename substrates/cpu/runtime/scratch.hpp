// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Scratch memory for the threads that run kernels: taken for a stretch of work and given
// back, kept for the next one, as far as it is not very much.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_SCRATCH_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_SCRATCH_HPP_

#include <cstddef>
#include <mutex>
#include <sokr/cpu/kernel.hpp>
#include <vector>

namespace sokr::cpu {

class ScratchPool {
 public:
  ScratchPool() = default;
  ~ScratchPool();
  ScratchPool(const ScratchPool&) = delete;
  ScratchPool& operator=(const ScratchPool&) = delete;

  // At least `size` bytes at kScratchAlignment; null for 0. Throws std::bad_alloc.
  void* take(std::size_t size);
  void give_back(void* memory) noexcept;

  // What is kept beyond the block that came last, and what just now is; bytes.
  static constexpr std::size_t kMostKept = std::size_t{128} << 20;
  std::size_t kept() const;

 private:
  struct Block;
  mutable std::mutex mutex_;
  std::vector<Block*> free_;  // the one that came last is last
  std::size_t kept_ = 0;      // bytes of these
};

// Takes at construction, gives back at destruction.
class Scratch {
 public:
  Scratch(ScratchPool& pool, std::size_t size) : pool_(pool), memory_(pool.take(size)) {}
  ~Scratch() {
    if (memory_) pool_.give_back(memory_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* get() const { return memory_; }

 private:
  ScratchPool& pool_;
  void* memory_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_SCRATCH_HPP_
