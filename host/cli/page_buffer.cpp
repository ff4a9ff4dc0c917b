// SPDX-License-Identifier: MIT OR Apache-2.0
#include "page_buffer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <sokr/base/pages.hpp>
#include <sokr/sokr.hpp>
#include <utility>
#include <vector>

#include "input_file.hpp"

namespace sokr::cli {

PageBuffer::PageBuffer(std::uint64_t size) : size_(size), mapped_(size) {
  if (size == 0) return;
  data_ = map_pages(size);
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
  if (data_) unmap_pages(data_, mapped_);
}

void PageBuffer::keep(std::span<const std::byte> part) {
  if (!part.empty()) std::memmove(data_, part.data(), part.size());
  size_ = part.size();
}

}  // namespace sokr::cli
