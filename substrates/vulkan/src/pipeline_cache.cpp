// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pipeline_cache.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <optional>

namespace sokr::vulkan {
namespace {

constexpr auto kStoreInterval = std::chrono::seconds(2);
constexpr std::uint32_t kFormat = 1;  // of the key; a change makes all files foreign

template <class T>
void append(std::vector<std::uint8_t>& key, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  key.insert(key.end(), bytes, bytes + sizeof value);
}

// Everything that decides whether the driver can use the data.
std::vector<std::uint8_t> make_key(const PhysicalDevice& physical) {
  std::vector<std::uint8_t> key;
  append(key, kFormat);
  append(key, physical.properties.vendorID);
  append(key, physical.properties.deviceID);
  append(key, physical.properties.driverVersion);
  append(key, physical.properties.apiVersion);
  append(key, physical.id.driverUUID);
  append(key, physical.id.deviceUUID);
  append(key, physical.properties.pipelineCacheUUID);
  append(key, static_cast<std::uint32_t>(sizeof(void*)));
  return key;
}

}  // namespace

PipelineCache::PipelineCache(Device& device, substrate::DiskCache* disk,
                             const substrate::Host& host)
    : device_(device), disk_(disk), host_(host), key_(make_key(device.physical())) {
  std::optional<std::vector<std::uint8_t>> stored;
  if (disk_) stored = disk_->load(key_);
  VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  if (stored) {
    info.initialDataSize = stored->size();
    info.pInitialData = stored->data();
    stored_hash_ = XXH3_64bits(stored->data(), stored->size());
    host_.log_debug("vulkan: {} bytes of pipelines from {} for {}", stored->size(),
                    disk_->folder().string(), device_.name());
  }
  const VolkDeviceTable& vk = device_.vk();
  VkResult result = vk.vkCreatePipelineCache(device_.handle(), &info, nullptr, &cache_);
  if (result != VK_SUCCESS && stored) {
    info.initialDataSize = 0;
    info.pInitialData = nullptr;
    result = vk.vkCreatePipelineCache(device_.handle(), &info, nullptr, &cache_);
  }
  if (result != VK_SUCCESS) {
    cache_ = VK_NULL_HANDLE;
    (void)device_.check(result, "vkCreatePipelineCache");
    host_.log_debug("vulkan: no pipeline cache on {}: {}", device_.name(), describe(result));
  }
}

PipelineCache::~PipelineCache() {
  if (!cache_) return;
  store();
  device_.vk().vkDestroyPipelineCache(device_.handle(), cache_, nullptr);
}

void PipelineCache::note_compiled() {
  {
    std::lock_guard lock(mutex_);
    dirty_ = true;
    if (std::chrono::steady_clock::now() - last_store_ < kStoreInterval) return;
  }
  store();
}

void PipelineCache::store() {
  std::lock_guard lock(mutex_);
  if (!dirty_ || !disk_ || !cache_ || device_.is_lost()) return;
  dirty_ = false;
  last_store_ = std::chrono::steady_clock::now();
  const VolkDeviceTable& vk = device_.vk();
  std::size_t size = 0;
  if (vk.vkGetPipelineCacheData(device_.handle(), cache_, &size, nullptr) != VK_SUCCESS) return;
  if (size == 0 || size > device_.options().cache_bytes) return;
  try {
    std::vector<std::uint8_t> data(size);
    if (vk.vkGetPipelineCacheData(device_.handle(), cache_, &size, data.data()) != VK_SUCCESS) {
      return;
    }
    data.resize(size);
    const std::uint64_t hash = XXH3_64bits(data.data(), data.size());
    if (hash == stored_hash_) return;
    std::string reason;
    if (disk_->store(key_, data, &reason)) {
      stored_hash_ = hash;
    } else {
      host_.log_debug("vulkan: pipelines of {} are not kept: {}", device_.name(), reason);
    }
  } catch (const std::exception& error) {
    host_.log_debug("vulkan: pipelines of {} are not kept: {}", device_.name(), error.what());
  }
}

}  // namespace sokr::vulkan
