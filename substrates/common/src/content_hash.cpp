// SPDX-License-Identifier: MIT OR Apache-2.0
#include <sokr/substrate/content_cache.hpp>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sokr::substrate {

std::uint64_t hash_content(const ContentKey& key) noexcept {
  const std::uint64_t ir = XXH3_64bits(key.ir.data(), key.ir.size());
  return XXH3_64bits_withSeed(key.extra.data(), key.extra.size(), ir);
}

std::uint64_t hash_hint(const ContentKey& key) noexcept {
  std::uint64_t words[4];
  static_assert(sizeof key.id.bytes == 2 * sizeof words[0]);
  std::memcpy(words, key.id.bytes, sizeof key.id.bytes);
  const bool no_id = (words[0] | words[1]) == 0;
  words[2] = key.ir.size();
  words[3] = no_id ? hash_content(key) : 0;
  return XXH3_64bits_withSeed(key.extra.data(), key.extra.size(), XXH3_64bits(words, sizeof words));
}

}  // namespace sokr::substrate
