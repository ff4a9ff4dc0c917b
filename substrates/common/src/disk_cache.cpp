// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <sokr/base/cache_folder.hpp>
#include <sokr/base/small_file.hpp>
#include <sokr/substrate/disk_cache.hpp>
#include <system_error>

namespace sokr::substrate {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[8] = {'S', 'O', 'K', 'R', 'D', 'C', '0', '1'};

struct Header {
  char magic[8];
  std::uint64_t key_size;
  std::uint64_t value_size;
  std::uint64_t checksum;  // XXH3 of key and value
};

std::uint64_t checksum(std::span<const std::uint8_t> key, std::span<const std::uint8_t> value) {
  return XXH3_64bits_withSeed(value.data(), value.size(), XXH3_64bits(key.data(), key.size()));
}

// The header if the open file has the size of an entry for a key of this size.
std::optional<Header> read_header(const FileDescriptor& file, const struct stat& status,
                                  std::size_t key_size, std::uint64_t most) {
  Header header;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < sizeof header || !file.read_all(&header, sizeof header)) return std::nullopt;
  const std::uint64_t rest = size - sizeof header;
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 || header.key_size != key_size ||
      header.key_size > rest || header.value_size != rest - header.key_size ||
      header.value_size > most)
    return std::nullopt;
  return header;
}

// The value if the open file is an intact entry for this key; memory for it is taken only when the
// rest has been found right.
std::optional<std::vector<std::uint8_t>> read_entry(const FileDescriptor& file,
                                                    const struct stat& status,
                                                    std::span<const std::uint8_t> key,
                                                    std::uint64_t most) {
  const std::optional<Header> header = read_header(file, status, key.size(), most);
  if (!header) return std::nullopt;
  std::vector<std::uint8_t> stored_key(key.size());
  if (!file.read_all(stored_key.data(), stored_key.size()) ||
      !std::equal(key.begin(), key.end(), stored_key.begin()))
    return std::nullopt;
  std::vector<std::uint8_t> value(header->value_size);
  if (!file.read_all(value.data(), value.size()) || checksum(key, value) != header->checksum)
    return std::nullopt;
  return value;
}

// Whether this user, and nobody else, could have written the file.
bool trusted(const struct stat& status, std::uint32_t nobody) {
  return S_ISREG(status.st_mode) && status.st_uid == ::geteuid() && status.st_uid != nobody &&
         (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Unlike that of any other process, one of the same number that was killed while it wrote, too: in
// a container numbers are the same at every start.
std::string unique_suffix() {
  static std::atomic<unsigned> counter{0};
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return fmt::format(".{}.{:x}.{}{}", ::getpid(), now.count(),
                     counter.fetch_add(1, std::memory_order_relaxed), kCacheUnfinishedSuffix);
}

// Nobody writes an entry for so long: who began it is gone.
constexpr std::chrono::hours kUnfinishedLasts{1};

// Each process looks at the folder again when it has added this part of the bound.
constexpr std::uint64_t kLooksPerBound = 16;

}  // namespace

fs::path DiskCache::default_folder(std::string_view name) {
  const fs::path root = cache_root();
  return root.empty() ? root : root / name;
}

fs::path DiskCache::path_of(std::span<const std::uint8_t> key) const {
  XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  return options_.folder /
         fmt::format("{:016x}{:016x}{}", hash.high64, hash.low64, kCacheEntrySuffix);
}

std::uint32_t DiskCacheOptions::user_of_unknown_files() {
  constexpr std::uint32_t kUsual = 65534;
  const Result<std::string> said = read_small_file("/proc/sys/kernel/overflowuid", 64);
  std::uint32_t user = kUsual;
  if (said) std::from_chars(said->data(), said->data() + said->size(), user);
  return user;
}

bool DiskCache::has(std::span<const std::uint8_t> key) const {
  if (options_.folder.empty()) return false;
  const FileDescriptor file(::open(path_of(key).c_str(), kReadAtOnce | O_NOFOLLOW));
  struct stat status;
  return file && ::fstat(file.get(), &status) == 0 && trusted(status, options_.nobody) &&
         read_header(file, status, key.size(), options_.max_value_bytes).has_value();
}

std::optional<std::vector<std::uint8_t>> DiskCache::load(std::span<const std::uint8_t> key) {
  if (options_.folder.empty()) return std::nullopt;
  fs::path path = path_of(key);
  const FileDescriptor file(::open(path.c_str(), kReadAtOnce | O_NOFOLLOW));
  struct stat status;
  if (!file || ::fstat(file.get(), &status) != 0 || !trusted(status, options_.nobody))
    return std::nullopt;
  std::optional<std::vector<std::uint8_t>> value =
      read_entry(file, status, key, options_.max_value_bytes);
  // The times of use are what eviction goes by.
  if (value)
    ::futimens(file.get(), nullptr);
  else
    ::unlink(path.c_str());
  return value;
}

bool DiskCache::store(std::span<const std::uint8_t> key, std::span<const std::uint8_t> value,
                      std::string* reason) {
  auto failed = [&](std::string_view what) {
    if (reason)
      *reason = fmt::format("{} {}: {}", what, options_.folder.string(), std::strerror(errno));
    return false;
  };
  if (options_.folder.empty()) {
    if (reason)
      *reason = "there is no cache folder: none of SOKR_CACHE_DIR, XDG_CACHE_HOME, HOME is set";
    return false;
  }
  if (value.size() > options_.max_value_bytes) {
    if (reason)
      *reason = fmt::format("a value of {} bytes is larger than {}, the most that is kept",
                            value.size(), options_.max_value_bytes);
    return false;
  }
  std::error_code error;
  fs::create_directories(options_.folder, error);
  fs::path path = path_of(key);
  fs::path temporary = path.string() + unique_suffix();
  make_room(sizeof(Header) + key.size() + value.size());
  {
    const FileDescriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) return failed("cannot create a file in");
    struct stat status;
    if (::fstat(file.get(), &status) == 0 && !trusted(status, options_.nobody)) {
      // It would be written anew at every start.
      if (reason) {
        *reason = fmt::format(
            "a file of user {} in {} is of user {} with mode {:o}, which may be somebody else's: "
            "nothing is kept",
            ::geteuid(), options_.folder.string(), status.st_uid, status.st_mode & 07777u);
      }
      ::unlink(temporary.c_str());
      return false;
    }
    Header header{};
    std::memcpy(header.magic, kMagic, sizeof kMagic);
    header.key_size = key.size();
    header.value_size = value.size();
    header.checksum = checksum(key, value);
    if (!file.write_all(&header, sizeof header) || !file.write_all(key.data(), key.size()) ||
        !file.write_all(value.data(), value.size())) {
      failed("cannot write a file in");
      ::unlink(temporary.c_str());
      return false;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    failed("cannot rename a file in");
    ::unlink(temporary.c_str());
    return false;
  }
  return true;
}

void DiskCache::make_room(std::uint64_t added) {
  std::lock_guard lock(mutex_);
  // Others write too, so that what this one knows is right for a while only.
  unseen_bytes_ += added;
  if (known_bytes_ && unseen_bytes_ <= options_.max_bytes / kLooksPerBound &&
      (*known_bytes_ += added) <= options_.max_bytes)
    return;
  unseen_bytes_ = 0;

  struct Entry {
    fs::path path;
    std::uint64_t size;
    fs::file_time_type used;
  };
  std::vector<Entry> entries;
  std::uint64_t total = added;
  const auto now = fs::file_time_type::clock::now();
  std::error_code error;
  for (fs::directory_iterator it(options_.folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;
    const CacheFile kind = classify_cache_file(it->path().filename().native());
    if (kind == CacheFile::kForeign) continue;
    const std::uint64_t size = it->file_size(gone);
    if (gone) continue;  // or it is no file
    const fs::file_time_type used = it->last_write_time(gone);
    if (gone) continue;
    if (kind == CacheFile::kUnfinished) {
      if (now - used < kUnfinishedLasts || !fs::remove(it->path(), gone)) total += size;
      continue;
    }
    entries.push_back({it->path(), size, used});
    total += size;
  }
  if (total > options_.max_bytes) {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.used < b.used; });
    // A quarter of room at once, so that a full cache is not scanned at every store.
    std::uint64_t goal = options_.max_bytes - options_.max_bytes / 4;
    for (const Entry& entry : entries) {
      if (total <= goal) break;
      std::error_code gone;
      if (fs::remove(entry.path, gone)) total -= entry.size;
    }
  }
  known_bytes_ = total;
}

}  // namespace sokr::substrate
