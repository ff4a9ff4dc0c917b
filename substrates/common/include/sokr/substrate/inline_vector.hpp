// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A vector of trivially copyable elements whose first N live in the object: the
// common small launch allocates nothing. Iterators and references end with every
// change of size. Throws std::bad_alloc only when it grows beyond N.
#ifndef SOKR_SUBSTRATE_INLINE_VECTOR_HPP_
#define SOKR_SUBSTRATE_INLINE_VECTOR_HPP_

#include <cstddef>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace sokr::substrate {

template <class T, std::size_t N>
class InlineVector {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  InlineVector() noexcept {}
  InlineVector(const InlineVector& other) { copy(other); }
  InlineVector(InlineVector&& other) noexcept { take(other); }
  InlineVector& operator=(const InlineVector& other) {
    if (this != &other) copy(other);
    return *this;
  }
  InlineVector& operator=(InlineVector&& other) noexcept {
    if (this != &other) take(other);
    return *this;
  }
  ~InlineVector() = default;

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return size_ <= N ? inlined() : heap_.data(); }
  const T* data() const { return size_ <= N ? inlined() : heap_.data(); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  const T* begin() const { return data(); }
  const T* end() const { return data() + size_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }
  std::span<const T> span() const { return {data(), size_}; }
  operator std::span<const T>() const { return span(); }

  void clear() { size_ = 0; }
  void resize(std::size_t size, const T& value = T{}) {
    if (size > N) {
      if (size_ <= N) heap_.assign(inlined(), inlined() + size_);
      heap_.resize(size, value);
    } else {
      if (size_ > N) std::memcpy(inline_, heap_.data(), size * sizeof(T));
      for (std::size_t i = size_; i < size; ++i) new (inlined() + i) T(value);
    }
    size_ = size;
  }
  void push_back(const T& value) {
    if (size_ < N) {
      // Not by way of a copy, which is read as a whole before its parts have been written.
      new (inlined() + size_) T(value);
      ++size_;
    } else {
      resize(size_ + 1, T(value));  // a copy: what moves may hold it
    }
  }
  void append(const T* from, std::size_t count) {
    const std::size_t old = size_;
    resize(old + count);
    if (count != 0) std::memcpy(data() + old, from, count * sizeof(T));
  }

 private:
  T* inlined() { return reinterpret_cast<T*>(inline_); }
  const T* inlined() const { return reinterpret_cast<const T*>(inline_); }
  // What is in use, and no more of the place: launches are passed on by value.
  void copy(const InlineVector& other) {
    if (other.size_ > N)
      heap_ = other.heap_;
    else if (other.size_ != 0)
      std::memcpy(inline_, other.inline_, other.size_ * sizeof(T));
    size_ = other.size_;
  }
  void take(InlineVector& other) noexcept {
    if (other.size_ > N)
      heap_.swap(other.heap_);
    else if (other.size_ != 0)
      std::memcpy(inline_, other.inline_, other.size_ * sizeof(T));
    size_ = std::exchange(other.size_, 0);
  }

  std::size_t size_ = 0;
  alignas(T) std::byte inline_[N * sizeof(T)];
  std::vector<T> heap_;
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_INLINE_VECTOR_HPP_
