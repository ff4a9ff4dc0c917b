// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A device's VkPipelineCache, kept on disk between runs. What cannot be read or
// written is a line in the debug log, never a failure. Any thread.
#ifndef SOKR_VULKAN_PIPELINE_CACHE_HPP_
#define SOKR_VULKAN_PIPELINE_CACHE_HPP_

#include <atomic>
#include <chrono>
#include <cstdint>
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

  VkPipelineCache handle() const { return cache_; }  // null if there is none; that is allowed
  // A pipeline was compiled: stores now and then, so that a process that ends without
  // destroying anything leaves something behind.
  void note_compiled();

 private:
  void store();

  Device& device_;
  substrate::DiskCache* disk_;
  substrate::Host host_;
  std::vector<std::uint8_t> key_;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::mutex mutex_;
  bool dirty_ = false;
  std::uint64_t stored_hash_ = 0;
  std::chrono::steady_clock::time_point last_store_{};
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_PIPELINE_CACHE_HPP_
