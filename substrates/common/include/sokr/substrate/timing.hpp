// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATE_TIMING_HPP_
#define SOKR_SUBSTRATE_TIMING_HPP_

#include <chrono>
#include <cstdint>

namespace sokr::substrate {

// What a substrate knows of a profiled launch, as SokrTiming gives it to its host.
struct Timing {
  std::uint64_t device_ns = 0;
  // Of CLOCK_MONOTONIC; both 0 where only the duration is known.
  std::uint64_t began_ns = 0, ended_ns = 0;

  Timing() = default;
  Timing(std::uint64_t duration_ns) : device_ns(duration_ns) {}
  Timing(std::chrono::steady_clock::time_point began, std::chrono::steady_clock::time_point ended)
      : device_ns(ns(ended - began)),
        began_ns(ns(began.time_since_epoch())),
        ended_ns(ns(ended.time_since_epoch())) {}
  bool operator==(const Timing&) const = default;

 private:
  static std::uint64_t ns(std::chrono::nanoseconds time) {
    return static_cast<std::uint64_t>(time.count());
  }
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_TIMING_HPP_
