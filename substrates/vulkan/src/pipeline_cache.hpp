// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A device's VkPipelineCache, kept on disk between runs. What cannot be read or
// written is a line in the debug log, never a failure. Any thread.
//
// A driver keeps everything in it that was ever compiled, also pipelines that are long gone. Where
// it holds more than its bound it is dropped, and one that is empty takes its place.
#ifndef SOKR_VULKAN_PIPELINE_CACHE_HPP_
#define SOKR_VULKAN_PIPELINE_CACHE_HPP_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <sokr/substrate/disk_cache.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <vector>

#include "device.hpp"

namespace sokr::vulkan {

class PipelineCache {
 public:
  // Starts with what the disk has for this device and driver. `disk` may be null.
  PipelineCache(Device& device, substrate::DiskCache* disk, const substrate::Host& host);
  // Stores what is new.
  ~PipelineCache();
  PipelineCache(const PipelineCache&) = delete;
  PipelineCache& operator=(const PipelineCache&) = delete;

  // For as long as a pipeline is compiled with it; a null handle if there is none, which is
  // allowed.
  using Handle = std::shared_ptr<VkPipelineCache_T>;
  Handle handle();
  // A pipeline was compiled: stores now and then, so that a process that ends without
  // destroying anything leaves something behind.
  void note_compiled();
  // What is new.
  void store();
  // How often it was dropped for its size.
  std::uint64_t drops() const { return drops_.load(std::memory_order_relaxed); }

 private:
  Handle create(const std::vector<std::uint8_t>* data);
  std::uint64_t most_bytes() const;
  void drop(std::size_t size);

  Device& device_;
  substrate::DiskCache* disk_;
  substrate::Host host_;
  std::vector<std::uint8_t> key_;
  std::mutex mutex_;
  Handle cache_;
  std::atomic<std::uint64_t> drops_{0};
  bool dirty_ = false;
  std::uint64_t stored_hash_ = 0;
  std::chrono::steady_clock::time_point last_store_{};
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_PIPELINE_CACHE_HPP_
