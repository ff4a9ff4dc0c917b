// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_TESTS_VULKAN_THREAD_SECONDS_HPP_
#define SOKR_TESTS_VULKAN_THREAD_SECONDS_HPP_

#include <ctime>

namespace sokr::vulkan::test {

// Of the processor, for this thread.
inline double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace sokr::vulkan::test

#endif  // SOKR_TESTS_VULKAN_THREAD_SECONDS_HPP_
