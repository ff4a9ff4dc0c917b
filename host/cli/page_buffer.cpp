// SPDX-License-Identifier: MIT OR Apache-2.0
#include "page_buffer.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sokr/sokr.hpp>
#include <utility>
#include <vector>

#include "input_file.hpp"

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
  const InputFile in(file);
  std::vector<std::byte> bytes;
  if (in.is_ordinary()) {
    PageBuffer buffer(in.size());
    const std::size_t got = in.read(buffer.data_, in.size());
    std::byte more{};
    if (got == in.size() && in.read(&more, 1) == 0) return buffer;
    // Somebody writes to it, or it is of /proc, where sizes are not known before.
    bytes.assign(buffer.data_, buffer.data_ + got);
    if (got == in.size()) bytes.push_back(more);
  }
  in.read_rest(bytes, PTRDIFF_MAX);
  PageBuffer buffer(bytes.size());
  std::copy(bytes.begin(), bytes.end(), buffer.data_);
  return buffer;
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
