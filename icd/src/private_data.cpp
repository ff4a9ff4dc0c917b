// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Data that programs attach to objects.
#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {
namespace {

struct PrivateDataSlot;

// All slots of all devices, and what is in them. Stays while the process ends.
struct Slots {
  std::mutex mutex;
  std::vector<PrivateDataSlot*> all;
};
Slots& slots() {
  static auto* const the = new Slots;
  return *the;
}

struct PrivateDataSlot {
  std::unordered_map<std::uint64_t, std::uint64_t> values;  // by handle, under the mutex of slots()

  PrivateDataSlot() {
    std::lock_guard lock(slots().mutex);
    slots().all.push_back(this);
    private_slots.fetch_add(1, std::memory_order_relaxed);
  }
  ~PrivateDataSlot() {
    if (is_forked()) return;
    std::lock_guard lock(slots().mutex);
    std::erase(slots().all, this);
    private_slots.fetch_sub(1, std::memory_order_relaxed);
  }
};

}  // namespace

SOKR_ICD_OBJECT(VkPrivateDataSlot, PrivateDataSlot)

std::atomic<unsigned> private_slots{0};

// In a child of the process the mutex may be locked for ever.
void forget_private_data(const void* object) noexcept {
  if (is_forked()) return;
  std::lock_guard lock(slots().mutex);
  for (PrivateDataSlot* slot : slots().all) {
    slot->values.erase(reinterpret_cast<std::uintptr_t>(object));
  }
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreatePrivateDataSlot(VkDevice, const VkPrivateDataSlotCreateInfo*,
                                                       const VkAllocationCallbacks* callbacks,
                                                       VkPrivateDataSlot* out) {
  *out = VK_NULL_HANDLE;
  if (is_forked()) return VK_ERROR_OUT_OF_HOST_MEMORY;
  return create<PrivateDataSlot>(callbacks, out);
}
VKAPI_ATTR void VKAPI_CALL vkDestroyPrivateDataSlot(VkDevice, VkPrivateDataSlot handle,
                                                    const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR VkResult VKAPI_CALL vkSetPrivateData(VkDevice, VkObjectType, std::uint64_t object,
                                                VkPrivateDataSlot handle, std::uint64_t data) {
  if (is_forked()) return VK_ERROR_OUT_OF_HOST_MEMORY;
  return guarded([&] {
    std::lock_guard lock(slots().mutex);
    of(handle)->values[object] = data;
    return VK_SUCCESS;
  });
}
VKAPI_ATTR void VKAPI_CALL vkGetPrivateData(VkDevice, VkObjectType, std::uint64_t object,
                                            VkPrivateDataSlot handle, std::uint64_t* out) {
  *out = 0;
  if (is_forked()) return;
  std::lock_guard lock(slots().mutex);
  const auto& values = of(handle)->values;
  const auto found = values.find(object);
  if (found != values.end()) *out = found->second;
}

}  // namespace sokr::icd
