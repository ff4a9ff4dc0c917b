// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Memory between two pages that nobody may touch: an access beyond either end faults.
#ifndef SOKR_TESTS_DIFFERENTIAL_GUARDED_HPP_
#define SOKR_TESTS_DIFFERENTIAL_GUARDED_HPP_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace sokr::differential {

// The bytes touch the guard page behind them, or the one before them. A size that is not
// a multiple of 16 starts or ends at an odd address accordingly. The rest of the inner
// pages holds a pattern that intact() looks for.
class Guarded {
 public:
  enum class Against { kEnd, kStart };

  explicit Guarded(std::span<const std::byte> bytes, Against against = Against::kEnd)
      : size_(bytes.size()) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    inner_ = (size_ / page + 1) * page;
    total_ = inner_ + 2 * page;
    void* memory = mmap(nullptr, total_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    base_ = static_cast<std::byte*>(memory);
    first_ = base_ + page;
    if (mprotect(first_, inner_, PROT_READ | PROT_WRITE) != 0) {
      munmap(base_, total_);
      throw std::bad_alloc();
    }
    std::memset(first_, kPattern, inner_);
    data_ = against == Against::kStart ? first_ : first_ + inner_ - size_;
    if (size_ != 0) std::memcpy(data_, bytes.data(), size_);
  }
  ~Guarded() {
    if (base_ != nullptr) munmap(base_, total_);
  }
  Guarded(Guarded&& other) noexcept
      : base_(std::exchange(other.base_, nullptr)),
        first_(other.first_),
        data_(other.data_),
        size_(other.size_),
        inner_(other.inner_),
        total_(other.total_) {}
  Guarded& operator=(Guarded&&) = delete;

  std::span<std::byte> bytes() { return {data_, size_}; }
  bool intact() const {
    for (const std::byte* at = first_; at != first_ + inner_; ++at) {
      if (at >= data_ && at < data_ + size_) continue;
      if (*at != std::byte{kPattern}) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned char kPattern = 0xA5;
  std::byte* base_ = nullptr;
  std::byte* first_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0, inner_ = 0, total_ = 0;
};

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_GUARDED_HPP_
