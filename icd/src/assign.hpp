// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How a value of the description gets into a member of a structure, and the constants that the
// description uses.
#ifndef SOKR_ICD_ASSIGN_HPP_
#define SOKR_ICD_ASSIGN_HPP_

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <type_traits>

#include "facts.hpp"

namespace sokr::icd {

template <class T, class U>
  requires(!std::is_array_v<T>)
void assign(T& to, const U& value) {
  to = static_cast<T>(value);
}
template <std::size_t size>
void assign(char (&to)[size], const char* text) {
  std::strncpy(to, text, size - 1);
  to[size - 1] = '\0';
}
template <class T, std::size_t size, class U>
void assign(T (&to)[size], std::initializer_list<U> values) {
  std::fill_n(to, size, T{});
  std::copy_n(values.begin(), std::min(size, values.size()), to);
}
template <std::size_t size>
void assign(std::uint8_t (&to)[size], const std::array<std::uint8_t, size>& value) {
  std::copy(value.begin(), value.end(), to);
}
// A whole array of zeros.
template <class T, std::size_t size>
  requires(!std::is_same_v<T, char>)
void assign(T (&to)[size], int) {
  std::fill_n(to, size, T{});
}

}  // namespace sokr::icd

#endif  // SOKR_ICD_ASSIGN_HPP_
