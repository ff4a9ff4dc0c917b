// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Beyond one repeated launch: each measure alternates with hand-written Vulkan for the same on the
// same device, or with what else it is compared with. Ratios of medians, ours over theirs; smaller
// is better.
//
//   vulkan.push.vs_raw       other push constants at each launch; raw: the command buffer is
//                            recorded anew
//   vulkan.bindings.vs_raw   another buffer at each launch; raw: so is the descriptor
//   vulkan.chain.vs_raw      1,000 launches, each after the one before, one wait; raw: one command
//                            buffer
//   vulkan.host_64m.vs_raw   64 MiB of host memory in and out; raw: the quickest of its ways here
//   vulkan.beside.vs_raw     a kernel, and 64 MiB from the host for another buffer meanwhile, where
//                            there is a queue that only copies; raw: two queues as well
//   vulkan.beside.vs_one_queue  the same; other: vulkan.transfer=off
//   vulkan.buffers.vs_malloc 10,000 buffers of mixed sizes made, written and freed in random order;
//                            malloc(), memcpy() and free() of the same
#ifndef SOKR_BENCH_VULKAN_TABLE_HPP_
#define SOKR_BENCH_VULKAN_TABLE_HPP_

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "substrate.hpp"

namespace sokr::bench {

// What there is, or an exception with the sentence.
template <class T>
T need(Result<T> result) {
  if (result) return *std::move(result);
  throw std::runtime_error(result.failure().sentence);
}
inline void need(Result<void> result) {
  if (!result) throw std::runtime_error(result.failure().sentence);
}

// SOKR_BENCH_QUICK is set.
bool is_quick();

// A compiled kernel of this folder.
std::vector<std::uint8_t> module_bytes(const std::string& name);

std::vector<std::pair<std::string, double>> measure_table(
    const std::shared_ptr<vulkan::Instance>& instance, const vulkan::PhysicalDevice& physical,
    const substrate::Host& host, const vulkan::Options& options);

}  // namespace sokr::bench

#endif  // SOKR_BENCH_VULKAN_TABLE_HPP_
