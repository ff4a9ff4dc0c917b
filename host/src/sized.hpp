// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Structures of plugins start with their own size and grow at the end. A sized
// copy is a structure of this build: members that the plugin's one does not
// reach are zero, members that only the plugin knows are left out.
#ifndef SOKR_HOST_SIZED_HPP_
#define SOKR_HOST_SIZED_HPP_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <sokr/base/result.hpp>

// The bytes of a structure up to the end of a member.
#define SOKR_SIZE_THROUGH(type, member) (offsetof(type, member) + sizeof(type::member))

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
  T copy{};
  std::memcpy(&copy, from, std::min<std::size_t>(size, sizeof copy));
  return copy;
}

}  // namespace sokr::host

#endif  // SOKR_HOST_SIZED_HPP_
