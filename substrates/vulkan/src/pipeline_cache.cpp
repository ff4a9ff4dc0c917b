// SPDX-License-Identifier: MIT OR Apache-2.0
#include "pipeline_cache.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <optional>

namespace sokr::vulkan {
namespace {

constexpr auto kStoreInterval = std::chrono::seconds(2);
constexpr std::uint32_t kKeyFormat = 1;  // of the key; a change makes all files foreign

template <class T>
void append(std::vector<std::uint8_t>& key, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  key.insert(key.end(), bytes, bytes + sizeof value);
}

// Everything that decides whether the driver can use the data.
std::vector<std::uint8_t> make_key(const PhysicalDevice& physical) {
  std::vector<std::uint8_t> key;
  append(key, kKeyFormat);
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
  if (stored) {
    stored_hash_ = XXH3_64bits(stored->data(), stored->size());
    host_.log_debug("vulkan: {} bytes of pipelines from {} for {}", stored->size(),
                    disk_->folder().string(), device_.name());
    cache_ = create(&*stored);
  }
  if (!cache_) cache_ = create(nullptr);
}

PipelineCache::~PipelineCache() {
  store();
}

PipelineCache::Handle PipelineCache::create(const std::vector<std::uint8_t>* data) {
  VkPipelineCacheCreateInfo info{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  if (data) {
    info.initialDataSize = data->size();
    info.pInitialData = data->data();
  }
  VkPipelineCache cache = VK_NULL_HANDLE;
  const VkResult result =
      device_.vk().vkCreatePipelineCache(device_.handle(), &info, nullptr, &cache);
  if (result == VK_SUCCESS) {
    return Handle(cache, [&device = device_](VkPipelineCache last) {
      device.vk().vkDestroyPipelineCache(device.handle(), last, nullptr);
    });
  }
  if (!data) {
    (void)device_.check(result, "vkCreatePipelineCache");
    host_.log_debug("vulkan: no pipeline cache on {}: {}", device_.name(), describe(result));
  }
  return nullptr;
}

PipelineCache::Handle PipelineCache::handle() {
  std::lock_guard lock(mutex_);
  return cache_;
}

// That of its file, or where it has none, that of the pipelines that are kept.
std::uint64_t PipelineCache::most_bytes() const {
  const Options& options = device_.options();
  return options.cache_bytes != 0 ? options.cache_bytes : options.kernel_bytes;
}

void PipelineCache::note_compiled() {
  {
    std::lock_guard lock(mutex_);
    dirty_ = true;
    if (std::chrono::steady_clock::now() - last_store_ < kStoreInterval) return;
  }
  store();
}

// With the mutex held.
void PipelineCache::drop(std::size_t size) {
  host_.log_debug(
      "vulkan: the pipeline cache of {} has {} bytes, over its bound of {}: it is empty now",
      device_.name(), size, most_bytes());
  cache_ = create(nullptr);  // the old one goes when nobody compiles with it
  drops_.fetch_add(1, std::memory_order_relaxed);
}

void PipelineCache::store() {
  std::lock_guard lock(mutex_);
  if (!dirty_ || !cache_ || device_.is_lost()) return;
  dirty_ = false;
  last_store_ = std::chrono::steady_clock::now();
  const VolkDeviceTable& vk = device_.vk();
  std::size_t size = 0;
  if (vk.vkGetPipelineCacheData(device_.handle(), cache_.get(), &size, nullptr) != VK_SUCCESS)
    return;
  if (size > most_bytes()) return drop(size);
  if (size == 0 || !disk_ || device_.options().cache_bytes == 0) return;
  try {
    std::vector<std::uint8_t> data(size);
    if (vk.vkGetPipelineCacheData(device_.handle(), cache_.get(), &size, data.data()) !=
        VK_SUCCESS) {
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
