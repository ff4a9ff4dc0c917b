// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Structures of plugins start with their own size and grow at the end (sokr/growth.h). A sized
// copy is a structure of this build: members that the plugin's one does not
// reach are zero, members that only the plugin knows are left out.
#ifndef SOKR_HOST_SIZED_HPP_
#define SOKR_HOST_SIZED_HPP_

#include <sokr/growth.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sokr/base/result.hpp>

namespace sokr::host {

// `least` is how far the plugin's structure must reach to be of use.
template <class T>
Result<T> sized_copy(const T* from, std::size_t least, const char* type) {
  if (!from) return fail(SOKR_INVALID_INPUT, "its {} is null", type);
  std::uint32_t size = 0;
  std::memcpy(&size, from, sizeof size);
  if (size < least) {
    return fail(SOKR_INVALID_INPUT, "its {} says that it is {} bytes long; at least {} are needed",
                type, size, least);
  }
  T copy;
  sokr_copy_sized(&copy, sizeof copy, from, size);
  return copy;
}

// Of a structure that a program passes with its size: as above, but what this build does not
// know asks for something, and is refused unless it is zero.
template <class T>
Result<T> sized_request(const void* from, std::size_t size, std::size_t least, const char* type) {
  if (size < least) {
    return fail(SOKR_INVALID_INPUT, "the {} has {} bytes; it has at least {}", type, size, least);
  }
  T copy;
  if (sokr_copy_sized(&copy, sizeof copy, from, size) == 0) {
    return fail(SOKR_CAPABILITY_DENIED,
                "the {} of {} bytes sets something behind the {} that this library knows: it is "
                "of a newer version",
                type, size, sizeof(T));
  }
  return copy;
}

}  // namespace sokr::host

#endif  // SOKR_HOST_SIZED_HPP_
