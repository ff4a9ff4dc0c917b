// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Bytes at the end of memory that can be read and not written, with nothing behind them: who reads
// too far, or writes, ends there. For those that try what others wrote.
#ifndef SOKR_BASE_FENCED_HPP_
#define SOKR_BASE_FENCED_HPP_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>

namespace sokr {

class Fenced {
 public:
  // Copies them. Throws std::bad_alloc.
  explicit Fenced(std::span<const std::uint8_t> bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t readable = (bytes.size() + page) / page * page;
    size_ = readable + page;
    memory_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    auto* const end = static_cast<std::uint8_t*>(memory_) + readable;
    if (!bytes.empty()) std::memcpy(end - bytes.size(), bytes.data(), bytes.size());
    (void)::mprotect(memory_, readable, PROT_READ);
    (void)::mprotect(end, page, PROT_NONE);
    bytes_ = {end - bytes.size(), bytes.size()};
  }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  ~Fenced() { ::munmap(memory_, size_); }

  // Never null, also if there are none.
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
  std::span<const std::uint8_t> bytes_;
};

}  // namespace sokr

#endif  // SOKR_BASE_FENCED_HPP_
