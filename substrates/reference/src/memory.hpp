// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every access to memory goes through here: bounds are checked on the whole range of the
// pointer, and accesses that other threads may make at the same time are atomic.
#ifndef SOKR_REFERENCE_MEMORY_HPP_
#define SOKR_REFERENCE_MEMORY_HPP_

#include <cstring>

#include "step.hpp"
#include "worker.hpp"

namespace sokr::reference {

// The address of `bytes` bytes at `pointer` + `extra`; null if they are out of bounds, which
// is counted.
inline std::uint8_t* resolve(Lane& lane, const Step& step, const Slot* pointer, std::uint64_t extra,
                             std::uint32_t bytes, bool write) {
  const std::uint64_t offset = pointer[2] + extra;
  if (offset <= pointer[1] && pointer[1] - offset >= bytes) [[likely]] {
    auto* at = reinterpret_cast<std::uint8_t*>(pointer[0] + offset);
    if (lane.worker->observer) [[unlikely]]
      lane.worker->note_access(lane, step, pointer, at, bytes, write);
    return at;
  }
  return lane.worker->resolve_special(step, pointer, offset, bytes, write);
}

template <class T>
T load_raw(const std::uint8_t* at) {
  if (reinterpret_cast<std::uintptr_t>(at) % sizeof(T) == 0)
    return __atomic_load_n(reinterpret_cast<const T*>(at), __ATOMIC_RELAXED);
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void store_raw(std::uint8_t* at, T value) {
  if (reinterpret_cast<std::uintptr_t>(at) % sizeof(T) == 0)
    return __atomic_store_n(reinterpret_cast<T*>(at), value, __ATOMIC_RELAXED);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace sokr::reference

#endif  // SOKR_REFERENCE_MEMORY_HPP_
