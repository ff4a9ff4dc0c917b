// SPDX-License-Identifier: MIT OR Apache-2.0
#include "device_clock.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace sokr::vulkan {
namespace {

constexpr std::uint64_t kOldNs = 10'000'000;

std::uint64_t host_clock_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

}  // namespace

double DeviceClock::ns_between(std::uint64_t from, std::uint64_t to) const {
  const std::uint32_t unused = 64 - std::min(physical_.queue.timestampValidBits, 64u);
  const auto ticks = static_cast<std::int64_t>((to - from) << unused) >> unused;
  return static_cast<double>(ticks) * physical_.properties.limits.timestampPeriod;
}

std::optional<DeviceClock::Pair> DeviceClock::compared() {
  if (!physical_.has_host_clock || !table_.vkGetCalibratedTimestampsEXT) return std::nullopt;
  std::lock_guard lock(mutex_);
  if (pair_ && host_clock_ns() - pair_->host_ns < kOldNs) return pair_;
  std::array<VkCalibratedTimestampInfoEXT, 2> asked{};
  for (auto& one : asked) one.sType = VK_STRUCTURE_TYPE_CALIBRATED_TIMESTAMP_INFO_EXT;
  asked[0].timeDomain = VK_TIME_DOMAIN_DEVICE_EXT;
  asked[1].timeDomain = VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT;
  std::array<std::uint64_t, 2> seen{};
  std::uint64_t deviation = 0;
  if (table_.vkGetCalibratedTimestampsEXT(device_, 2, asked.data(), seen.data(), &deviation) !=
      VK_SUCCESS)
    return std::nullopt;
  pair_ = Pair{seen[0], seen[1]};
  return pair_;
}

substrate::Timing DeviceClock::timing(std::uint64_t begin, std::uint64_t end) {
  const auto duration =
      static_cast<std::uint64_t>(std::llround(std::max(0.0, ns_between(begin, end))));
  const std::optional<Pair> pair = compared();
  if (!pair) return duration;
  // It has ended by now, whatever two clocks say.
  const std::int64_t since = std::llround(ns_between(pair->ticks, end));
  substrate::Timing timing(duration);
  timing.ended_ns = std::min(pair->host_ns + static_cast<std::uint64_t>(since), host_clock_ns());
  timing.began_ns = timing.ended_ns - std::min(duration, timing.ended_ns);
  return timing;
}

}  // namespace sokr::vulkan
