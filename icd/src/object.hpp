// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Objects behind handles. What an application creates lies in memory of its VkAllocationCallbacks,
// if it gives any; what objects hold beside is the driver's own.
#ifndef SOKR_ICD_OBJECT_HPP_
#define SOKR_ICD_OBJECT_HPP_

#include <atomic>
#include <cstdlib>
#include <new>
#include <utility>

#include "vk.hpp"

namespace sokr::icd {

// Handles that the loader looks into start with what it puts there.
struct Dispatchable {
  VK_LOADER_DATA loader;
  Dispatchable() { set_loader_magic_value(this); }
};

inline void* allocate(const VkAllocationCallbacks* callbacks, std::size_t size,
                      std::size_t alignment, VkSystemAllocationScope scope) {
  if (callbacks) return callbacks->pfnAllocation(callbacks->pUserData, size, alignment, scope);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}
inline void release(const VkAllocationCallbacks* callbacks, void* memory) {
  if (callbacks) {
    callbacks->pfnFree(callbacks->pUserData, memory);
  } else {
    std::free(memory);
  }
}

// Runs what may throw; what it throws becomes a result.
template <class Body>
VkResult guarded(Body&& body) noexcept {
  try {
    return body();
  } catch (...) {  // nothing here throws but for want of memory, or of threads
    return VK_ERROR_OUT_OF_HOST_MEMORY;
  }
}

// A new object, or null and nothing left behind.
template <class T, class... Args>
T* make(const VkAllocationCallbacks* callbacks, VkSystemAllocationScope scope, Args&&... args) {
  void* memory = allocate(callbacks, sizeof(T), alignof(T), scope);
  if (!memory) return nullptr;
  try {
    return new (memory) T(std::forward<Args>(args)...);
  } catch (...) {
    release(callbacks, memory);
    return nullptr;
  }
}

// Slots that there are, of all devices: while there are none, no object has private data.
extern std::atomic<unsigned> private_slots;
// What was attached to the object is no longer there: another one may get its place. Any thread.
void forget_private_data(const void* object) noexcept;
inline void forget_private_data_of(const void* object) noexcept {
  if (private_slots.load(std::memory_order_relaxed)) forget_private_data(object);
}

template <class T>
void destroy(const VkAllocationCallbacks* callbacks, T* object) {
  if (!object) return;
  forget_private_data_of(object);
  object->~T();
  release(callbacks, object);
}

// The object behind a handle, and the handle of an object. SOKR_ICD_OBJECT says which is which.
template <class Handle>
struct ObjectOf;
template <class Handle>
typename ObjectOf<Handle>::type* of(Handle handle) {
  return reinterpret_cast<typename ObjectOf<Handle>::type*>(handle);
}
#define SOKR_ICD_OBJECT(Handle, Type) \
  template <>                         \
  struct ObjectOf<Handle> {           \
    using type = Type;                \
  };

// An object of the device, as most are: created, put into its place, or refused for want of memory.
template <class T, class Handle, class... Args>
VkResult create(const VkAllocationCallbacks* callbacks, Handle* out, Args&&... args) {
  T* object = make<T>(callbacks, VK_SYSTEM_ALLOCATION_SCOPE_OBJECT, std::forward<Args>(args)...);
  *out = reinterpret_cast<Handle>(object);
  return object ? VK_SUCCESS : VK_ERROR_OUT_OF_HOST_MEMORY;
}

// The two calls by which Vulkan gives out a list.
template <class T, class Fill>
VkResult give_list(std::uint32_t available, std::uint32_t* count, T* out, Fill&& fill) {
  if (!out) {
    *count = available;
    return VK_SUCCESS;
  }
  const std::uint32_t given = *count < available ? *count : available;
  for (std::uint32_t i = 0; i < given; ++i) fill(i, out[i]);
  *count = given;
  return given < available ? VK_INCOMPLETE : VK_SUCCESS;
}

}  // namespace sokr::icd

#endif  // SOKR_ICD_OBJECT_HPP_
