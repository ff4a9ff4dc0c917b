// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Where compiled kernels are kept between runs, and which files there are ours: decided once
// for the substrates that write them and the command that shows and clears them.
//
//     <cache root>/<substrate>/<32 hexadecimal digits>.entry
//
// Beside an entry there may be <its name>.<process>.<time>.<number>.new, while it is written or
// if its writer ended in the middle.
#ifndef SOKR_BASE_CACHE_FOLDER_HPP_
#define SOKR_BASE_CACHE_FOLDER_HPP_

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace sokr {

inline constexpr std::string_view kCacheEntrySuffix = ".entry";
inline constexpr std::string_view kCacheUnfinishedSuffix = ".new";
inline constexpr std::size_t kCacheNameDigits = 32;

// $SOKR_CACHE_DIR, else $XDG_CACHE_HOME/sokr, else $HOME/.cache/sokr; empty if none of these
// is set, or if SOKR_CACHE_DIR is set and empty: there is no cache then. Nor is there one in a
// program that has more rights than its user, who would say where it writes and what it runs.
inline std::filesystem::path cache_root() {
  const auto variable = [](const char* name) {
    const char* value = ::secure_getenv(name);
    return value && *value ? value : nullptr;
  };
  if (const char* own = ::secure_getenv("SOKR_CACHE_DIR")) return own;
  if (const char* cache = variable("XDG_CACHE_HOME")) return std::filesystem::path(cache) / "sokr";
  if (const char* home = variable("HOME")) return std::filesystem::path(home) / ".cache" / "sokr";
  return {};
}

enum class CacheFile { kForeign, kEntry, kUnfinished };

// By the name alone.
inline CacheFile classify_cache_file(std::string_view name) {
  if (name.find_first_not_of("0123456789abcdef") != kCacheNameDigits) return CacheFile::kForeign;
  name.remove_prefix(kCacheNameDigits);
  if (name == kCacheEntrySuffix) return CacheFile::kEntry;
  if (!name.starts_with(kCacheEntrySuffix)) return CacheFile::kForeign;
  name.remove_prefix(kCacheEntrySuffix.size());
  return name.starts_with('.') && name.ends_with(kCacheUnfinishedSuffix) ? CacheFile::kUnfinished
                                                                         : CacheFile::kForeign;
}

}  // namespace sokr

#endif  // SOKR_BASE_CACHE_FOLDER_HPP_
