// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the ticks of a device's timestamps are in time, and, where VK_EXT_calibrated_timestamps
// compares them, which moment of the host's clock each of them is.
#ifndef SOKR_VULKAN_DEVICE_CLOCK_HPP_
#define SOKR_VULKAN_DEVICE_CLOCK_HPP_

#include <cstdint>
#include <mutex>
#include <optional>
#include <sokr/substrate/timing.hpp>

#include "physical_device.hpp"
#include "vk.hpp"

namespace sokr::vulkan {

class DeviceClock {
 public:
  // `physical` and `table` outlive it. `table` may have no vkGetCalibratedTimestampsEXT.
  DeviceClock(VkDevice device, const PhysicalDevice& physical, const VolkDeviceTable& table)
      : device_(device), physical_(physical), table_(table) {}

  // Of a launch that has just ended: between the timestamps `begin` and `end`. Any thread.
  substrate::Timing timing(std::uint64_t begin, std::uint64_t end);

 private:
  // One moment by both clocks.
  struct Pair {
    std::uint64_t ticks = 0, host_ns = 0;
  };
  // The clocks drift apart by some microseconds a second: the pair is made anew when it is old.
  std::optional<Pair> compared();
  // From `from` to `to`, which may lie before it; the counter is circular.
  double ns_between(std::uint64_t from, std::uint64_t to) const;

  VkDevice device_;
  const PhysicalDevice& physical_;
  const VolkDeviceTable& table_;
  std::mutex mutex_;
  std::optional<Pair> pair_;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_DEVICE_CLOCK_HPP_
