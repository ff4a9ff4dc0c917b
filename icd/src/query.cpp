// SPDX-License-Identifier: MIT OR Apache-2.0
#include "query.hpp"

#include <cstring>

#include "device.hpp"
#include "entry_points.hpp"
#include "queue.hpp"

namespace sokr::icd {

void QueryStates::reset(std::uint32_t first, std::uint32_t count) {
  for (std::uint32_t i = first; i < first + count; ++i) {
    queries[i].available.store(false, std::memory_order_release);
    queries[i].value.store(0, std::memory_order_relaxed);
  }
}

void QueryStates::write(std::uint32_t query, std::uint64_t value) {
  queries[query].value.store(value, std::memory_order_relaxed);
  queries[query].available.store(true, std::memory_order_release);
}

bool QueryStates::give(std::uint32_t first, std::uint32_t count, std::byte* out, std::size_t size,
                       VkDeviceSize stride, VkQueryResultFlags flags) const {
  const bool wide = (flags & VK_QUERY_RESULT_64_BIT) != 0;
  const bool says = (flags & VK_QUERY_RESULT_WITH_AVAILABILITY_BIT) != 0;
  const std::size_t width = wide ? 8 : 4;
  bool all = true;
  for (std::uint32_t i = 0; i < count; ++i) {
    const VkDeviceSize at = i * stride;
    if (at > size || size - at < width * (says ? 2 : 1)) return all;
    const Query& query = queries[first + i];
    const bool available = query.available.load(std::memory_order_acquire);
    all = all && available;
    const std::uint64_t value = query.value.load(std::memory_order_relaxed);
    const std::uint64_t ready = available ? 1 : 0;
    if (available || (flags & VK_QUERY_RESULT_PARTIAL_BIT)) std::memcpy(out + at, &value, width);
    if (says) std::memcpy(out + at + width, &ready, width);
  }
  return all;
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateQueryPool(VkDevice device, const VkQueryPoolCreateInfo* info,
                                                 const VkAllocationCallbacks* callbacks,
                                                 VkQueryPool* out) {
  *out = VK_NULL_HANDLE;
  if (info->queryCount > kMaxQueries) {
    return guarded([&] {
      report(instance_of(device), SOKR_LOG_ERROR,
             "vkCreateQueryPool: a pool has at most " + std::to_string(kMaxQueries) +
                 " queries; asked for are " + std::to_string(info->queryCount));
      return VK_ERROR_OUT_OF_HOST_MEMORY;
    });
  }
  return create<QueryPool>(callbacks, out, info->queryCount);
}
VKAPI_ATTR void VKAPI_CALL vkDestroyQueryPool(VkDevice, VkQueryPool handle,
                                              const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR void VKAPI_CALL vkResetQueryPool(VkDevice, VkQueryPool handle, std::uint32_t first,
                                            std::uint32_t count) {
  QueryStates& states = *of(handle)->states;
  if (states.has(first, count)) states.reset(first, count);
}

VKAPI_ATTR VkResult VKAPI_CALL vkGetQueryPoolResults(VkDevice device, VkQueryPool handle,
                                                     std::uint32_t first, std::uint32_t count,
                                                     std::size_t size, void* out,
                                                     VkDeviceSize stride,
                                                     VkQueryResultFlags flags) {
  const QueryStates& states = *of(handle)->states;
  if (!states.has(first, count)) return VK_ERROR_UNKNOWN;
  const auto ready = [&] {
    for (std::uint32_t i = first; i < first + count; ++i) {
      if (!states.queries[i].available.load(std::memory_order_acquire)) return false;
    }
    return true;
  };
  if ((flags & VK_QUERY_RESULT_WAIT_BIT) && !of(device)->is_lost()) {
    of(device)->queue->help(ready);
    std::unique_lock lock(of(device)->monitor.mutex);
    of(device)->monitor.wait(lock, nullptr, [&] { return ready() || of(device)->lost; });
  }
  const bool all = states.give(first, count, static_cast<std::byte*>(out), size, stride, flags);
  // What is not there will not come any more.
  if (!all && of(device)->is_lost()) return VK_ERROR_DEVICE_LOST;
  return all || (flags & VK_QUERY_RESULT_PARTIAL_BIT) ? VK_SUCCESS : VK_NOT_READY;
}

}  // namespace sokr::icd
