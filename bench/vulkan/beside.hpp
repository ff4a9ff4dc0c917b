// SPDX-License-Identifier: MIT OR Apache-2.0
//
// 64 MiB from the host to a buffer while a kernel runs that does not use it.
#ifndef SOKR_BENCH_VULKAN_BESIDE_HPP_
#define SOKR_BENCH_VULKAN_BESIDE_HPP_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "substrate.hpp"

namespace sokr::bench {

// The rows beside.* of table.hpp; none where the device has no queue that only copies.
std::vector<std::pair<std::string, double>> measure_beside(
    const std::shared_ptr<vulkan::Instance>& instance, const vulkan::PhysicalDevice& physical,
    const substrate::Host& host, const vulkan::Options& options);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_VULKAN_BESIDE_HPP_
