// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What crosses the pipes between the substrate `neon` on this machine and the runner, which
// an emulator runs. A request is, in this order:
//   RequestHeader
//   kernel_size bytes      CompiledKernel::serialise()
//   region_count times     RegionHeader and `size` bytes
//   binding_count times    BindingHeader
//   push_size bytes
// The answer is an AnswerHeader and then the bytes of all regions, or the sentence of a
// failure. Both sides are little-endian and built from the same sources.
#ifndef SOKR_TESTS_CPU_EMULATED_PROTOCOL_HPP_
#define SOKR_TESTS_CPU_EMULATED_PROTOCOL_HPP_

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace sokr::cpu::emulated {

struct RequestHeader {
  std::uint64_t kernel_size = 0;
  std::uint32_t region_count = 0, binding_count = 0, push_size = 0;
  std::uint32_t groups[3] = {1, 1, 1}, base_groups[3] = {0, 0, 0};
};

// Memory that bindings lie in. It gets the same place within its pages as it has in the
// caller's: what touches a page's end there does so here, before a page that nobody may touch.
struct RegionHeader {
  std::uint64_t size = 0;
  std::uint64_t place = 0;  // address modulo kPage
};
inline constexpr std::uint64_t kPage = 4096;

// In the order of KernelContext::bindings.
struct BindingHeader {
  static constexpr std::uint32_t kNull = UINT32_MAX;
  std::uint32_t region = kNull, reserved = 0;
  std::uint64_t offset = 0, size = 0;
};

struct AnswerHeader {
  std::uint32_t failed = 0;
  std::uint32_t sentence_size = 0;
};

// False at the end of the stream and on errors.
inline bool read_all(int file, void* to, std::size_t size) {
  auto* at = static_cast<char*>(to);
  while (size != 0) {
    ssize_t got = ::read(file, at, size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    at += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

inline bool write_all(int file, const void* from, std::size_t size) {
  const auto* at = static_cast<const char*>(from);
  while (size != 0) {
    ssize_t put = ::write(file, at, size);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    at += put;
    size -= static_cast<std::size_t>(put);
  }
  return true;
}

}  // namespace sokr::cpu::emulated

#endif  // SOKR_TESTS_CPU_EMULATED_PROTOCOL_HPP_
