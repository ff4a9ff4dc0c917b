// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Memory for data of programs, straight from the system: zero, and costing nothing where nobody
// touches it. From 2 MiB on it starts at a large page, and whole large pages of it are backed by
// such where the system lets programs ask for them (transparent_hugepage/enabled is "madvise" or
// "always"). A page fault for each 4 KiB costs more than to copy them, and a kernel that walks
// through columns touches another page with each row: more than a processor remembers.
#ifndef SOKR_BASE_PAGES_HPP_
#define SOKR_BASE_PAGES_HPP_

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace sokr {

inline constexpr std::size_t kLargePage = std::size_t{2} << 20;

// `size` bytes, at least 1, at the begin of a page; null if there are none. `flags` are added to
// those of mmap, such as MAP_NORESERVE. They end with unmap_pages, from any thread.
inline std::byte* map_pages(std::size_t size, int flags = 0) noexcept {
  const auto map = [flags](std::size_t bytes) {
    void* const data =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
    return data == MAP_FAILED ? nullptr : static_cast<std::byte*>(data);
  };
  const std::size_t reserved = size + kLargePage;
  if (size < kLargePage || reserved < size) return map(size);
  std::byte* const data = map(reserved);
  if (!data) return map(size);  // there may be an end to the address space
  const std::size_t before = -reinterpret_cast<std::uintptr_t>(data) % kLargePage;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t used = (size + page - 1) / page * page;
  if (before) ::munmap(data, before);
  ::munmap(data + before + used, reserved - before - used);
#ifdef MADV_HUGEPAGE
  ::madvise(data + before, size / kLargePage * kLargePage, MADV_HUGEPAGE);
#endif
  return data + before;
}

inline void unmap_pages(std::byte* data, std::size_t size) noexcept {
  ::munmap(data, size);
}

}  // namespace sokr

#endif  // SOKR_BASE_PAGES_HPP_
