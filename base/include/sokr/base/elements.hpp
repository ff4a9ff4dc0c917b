// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Structures and arrays of structures as sokr/growth.h has them: read by the size that stands
// beside them, written with the size that a reader takes.
#ifndef SOKR_BASE_ELEMENTS_HPP_
#define SOKR_BASE_ELEMENTS_HPP_

#include <sokr/growth.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sokr/base/result.hpp>
#include <type_traits>
#include <vector>

namespace sokr {

// An array whose elements are `size` bytes apart, whatever T has. Elements are returned by value:
// what an element does not reach is zero.
template <class T>
class Elements {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Elements() = default;
  // `size` as given beside the count, or `first_size`, that of version 1.0, where there is none.
  // SOKR_INVALID_INPUT, with "its SokrFact is said to be ...", for one that is smaller. A null
  // array has no elements.
  static Result<Elements> of(const T* from, std::uint32_t count, std::size_t size,
                             std::size_t first_size, const char* type) {
    if (from == nullptr || count == 0) return Elements();
    if (size < first_size) {
      return fail(SOKR_INVALID_INPUT, "its {} is said to be {} bytes long; it is at least {}", type,
                  size, first_size);
    }
    Elements all;
    all.bytes_ = reinterpret_cast<const std::byte*>(from);
    all.count_ = count;
    all.size_ = size;
    return all;
  }

  std::uint32_t size() const { return count_; }
  // Bytes from one element to the next.
  std::size_t stride() const { return size_; }
  T operator[](std::size_t i) const {
    T element{};
    std::memcpy(&element, bytes_ + i * size_, std::min(size_, sizeof(T)));
    return element;
  }
  // False if one has something in the bytes that T does not have.
  bool fits() const {
    T element;
    for (std::size_t i = 0; size_ > sizeof(T) && i < count_; ++i)
      if (sokr_copy_sized(&element, sizeof(T), bytes_ + i * size_, size_) == 0) return false;
    return true;
  }

 private:
  const std::byte* bytes_ = nullptr;
  std::uint32_t count_ = 0;
  std::size_t size_ = sizeof(T);
};

// An array to be given out, with elements `size` bytes apart: shorter ones are cut off, which is
// how older readers get theirs.
template <class T>
class ElementArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit ElementArray(std::size_t size = sizeof(T)) : size_(size) {}

  void push_back(const T& element) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + size_);
    std::memcpy(bytes_.data() + at, &element, std::min(size_, sizeof(T)));
  }
  // Null if there is none. Valid until the next push_back.
  const T* data() const {
    return bytes_.empty() ? nullptr : reinterpret_cast<const T*>(bytes_.data());
  }
  std::uint32_t count() const { return static_cast<std::uint32_t>(bytes_.size() / size_); }
  std::uint32_t element_size() const { return static_cast<std::uint32_t>(size_); }

 private:
  std::size_t size_;
  std::vector<std::byte> bytes_;
};

}  // namespace sokr

#endif  // SOKR_BASE_ELEMENTS_HPP_
