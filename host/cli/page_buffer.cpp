// SPDX-License-Identifier: MIT OR Apache-2.0
#include "page_buffer.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sokr/sokr.hpp>
#include <utility>
#include <vector>

namespace sokr::cli {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;

void* map(std::size_t size) {
  void* const data =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return data == MAP_FAILED ? nullptr : data;
}

// Memory that starts at a large page, whose whole large pages the system may back by such.
// A page fault for each 4 KiB costs more than to copy them.
std::byte* map_large(std::size_t size) {
  const std::size_t reserved = size + kLargePage;
  auto* const data = static_cast<std::byte*>(reserved > size ? map(reserved) : nullptr);
  if (!data) return nullptr;
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

}  // namespace

PageBuffer::PageBuffer(std::uint64_t size) : size_(size), mapped_(size) {
  if (size == 0) return;
  // Anonymous memory is zero, and costs nothing where it is not touched.
  data_ = size >= kLargePage ? map_large(size) : static_cast<std::byte*>(map(size));
  if (!data_) {
    throw Error(
        SOKR_INVALID_INPUT,
        fmt::format("there is no memory for a buffer of {} bytes; a smaller one would fit", size));
  }
}

PageBuffer PageBuffer::read(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"),
                                                           &std::fclose);
  struct stat status{};
  const bool is_there = in && ::fstat(::fileno(in.get()), &status) == 0;
  const auto copy_of = [](std::span<const std::byte> bytes) {
    PageBuffer buffer(bytes.size());
    std::copy(bytes.begin(), bytes.end(), buffer.data_);
    return buffer;
  };
  if (is_there && !S_ISREG(status.st_mode)) {
    // A pipe: who opens it anew waits for another writer, or misses what this one has written.
    std::vector<std::byte> bytes;
    for (std::size_t got = 1; got > 0;) {
      constexpr std::size_t kPart = std::size_t{1} << 16;
      bytes.resize(bytes.size() + kPart);
      got = std::fread(bytes.data() + bytes.size() - kPart, 1, kPart, in.get());
      bytes.resize(bytes.size() - kPart + got);
    }
    if (!std::ferror(in.get())) return copy_of(bytes);
  }
  if (is_there && S_ISREG(status.st_mode)) {
    PageBuffer buffer(static_cast<std::uint64_t>(status.st_size));
    const std::span<std::byte> bytes = buffer.bytes();
    if (std::fread(bytes.data(), 1, bytes.size(), in.get()) == bytes.size() &&
        std::fgetc(in.get()) == EOF && !std::ferror(in.get())) {
      return buffer;
    }
  }
  // A file that somebody writes to, or one that cannot be read, which this says.
  return copy_of(read_file(file));
}

PageBuffer::PageBuffer(PageBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)) {}

PageBuffer& PageBuffer::operator=(PageBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

PageBuffer::~PageBuffer() {
  if (data_) ::munmap(data_, mapped_);
}

void PageBuffer::keep(std::span<const std::byte> part) {
  if (!part.empty()) std::memmove(data_, part.data(), part.size());
  size_ = part.size();
}

}  // namespace sokr::cli
