// SPDX-License-Identifier: MIT OR Apache-2.0
#include "modules.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <optional>
#include <string>

#include "log.hpp"

namespace sokr::icd {
namespace {

// Beyond it all are forgotten: what follows is another net, or another program's part, most likely.
// What is known of a module takes some times its words.
constexpr std::size_t kMostBytes = std::size_t{8} << 20;
// What is kept of the smallest one.
constexpr std::size_t kBytesOfEach = 4096;

}  // namespace

Kernel ReadModules::read(const SubstrateInUse& substrate, VkInstance instance,
                         std::span<const std::byte> words) {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(words.data(), words.size()));
  Key key;
  static_assert(sizeof digest.digest == sizeof key);
  std::copy_n(digest.digest, key.size(), key.begin());
  {
    const std::lock_guard lock(mutex_);
    const auto known = modules_.find(key);
    if (known != modules_.end() && std::ranges::equal(known->second.bytes(), words))
      return known->second;
  }
  report(instance, SOKR_LOG_DEBUG,
         "reading a module of " + std::to_string(words.size()) + " bytes");
  Kernel fresh = substrate.context->kernel(words);
  std::map<Key, Kernel> gone;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  const std::size_t bytes = words.size() + kBytesOfEach;
  if (bytes > kMostBytes - bytes_) {
    gone.swap(modules_);
    bytes_ = 0;
  }
  if (bytes <= kMostBytes && modules_.try_emplace(key, fresh).second) bytes_ += bytes;
  return fresh;
}

}  // namespace sokr::icd
