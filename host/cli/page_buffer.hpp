// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Host memory that starts at a page: drivers import it, vector code likes it. Large ones are
// backed by large pages where the system has them.
#ifndef SOKR_CLI_PAGE_BUFFER_HPP_
#define SOKR_CLI_PAGE_BUFFER_HPP_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sokr::cli {

class PageBuffer {
 public:
  PageBuffer() = default;
  // Zeros. Throws an Error if there is no memory for it.
  explicit PageBuffer(std::uint64_t size);
  // The whole file. Throws an Error if it cannot be read.
  static PageBuffer read(const std::string& file);
  PageBuffer(PageBuffer&& other) noexcept;
  PageBuffer& operator=(PageBuffer&& other) noexcept;
  ~PageBuffer();

  std::span<std::byte> bytes() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Keeps only `part`, a part of bytes(), and moves it to the front.
  void keep(std::span<const std::byte> part);

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;  // bytes from data_ on
};

}  // namespace sokr::cli

#endif  // SOKR_CLI_PAGE_BUFFER_HPP_
