// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes as an entry of the disk cache: a miss, after which the file is gone, or the value of
// an intact entry for exactly this key. The first byte chooses the key and whether the bytes are
// a file as they are or a value that is stored.
#include <fcntl.h>
#include <unistd.h>
#include <xxhash.h>

#include <filesystem>
#include <sokr/base/cache_folder.hpp>
#include <sokr/substrate/disk_cache.hpp>

#include "fuzzing.hpp"

namespace {

namespace fs = std::filesystem;
using sokr::fuzzing::require;
using sokr::substrate::DiskCache;

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMostValue = 2048, kHeader = 32;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sokr-fuzz-cache-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

void write(const fs::path& path, const Bytes& bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  require(file >= 0 &&
          ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  ::close(file);
}

std::uint64_t word(const Bytes& bytes, std::size_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The value if the bytes are a whole entry for this key, as disk_cache.hpp describes it.
std::optional<Bytes> entry_value(const Bytes& file, const Bytes& key) {
  if (file.size() < kHeader + key.size() || std::memcmp(file.data(), "SOKRDC01", 8) != 0)
    return std::nullopt;
  const Bytes stored(file.begin() + kHeader,
                     file.begin() + kHeader + static_cast<long>(key.size()));
  const Bytes value(file.begin() + kHeader + static_cast<long>(key.size()), file.end());
  if (word(file, 8) != key.size() || word(file, 16) != value.size() || stored != key ||
      value.size() > kMostValue)
    return std::nullopt;
  const std::uint64_t checksum =
      XXH3_64bits_withSeed(value.data(), value.size(), XXH3_64bits(key.data(), key.size()));
  return word(file, 24) == checksum ? std::optional(value) : std::nullopt;
}

fs::path path_of(const fs::path& folder, const Bytes& key) {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  char name[sokr::kCacheNameDigits + 1];
  std::snprintf(name, sizeof name, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return folder / (name + std::string(sokr::kCacheEntrySuffix));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  static DiskCache cache({folder.path, 1 << 20, kMostValue});
  if (size == 0) return 0;
  const Bytes key(data[0] / 2 % 8, 'k');
  const Bytes bytes(data + 1, data + size);
  const fs::path path = path_of(folder.path, key);
  if (data[0] % 2 == 0) {
    write(path, bytes);
    const auto value = cache.load(key);
    require(value == entry_value(bytes, key));
    require((::access(path.c_str(), F_OK) == 0) == value.has_value());
    return 0;
  }
  std::string reason;
  const bool stored = cache.store(key, bytes, &reason);
  require(stored == (bytes.size() <= kMostValue), reason);
  if (stored) require(cache.load(key) == bytes);
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  std::vector<std::string> seeds{std::string("\x01value"), std::string(1, '\x03')};
  const Folder folder;
  DiskCache cache({folder.path});
  for (std::size_t length : {0u, 3u}) {
    const Bytes key(length, 'k'), value{'v', 'a', 'l', 'u', 'e'};
    require(cache.store(key, value));
    std::string file(1, static_cast<char>(2 * length));
    const int descriptor = ::open(path_of(folder.path, key).c_str(), O_RDONLY | O_CLOEXEC);
    char text[256];
    file.append(text, static_cast<std::size_t>(::read(descriptor, text, sizeof text)));
    ::close(descriptor);
    seeds.push_back(std::move(file));
  }
  return {std::move(seeds),
          {"SOKRDC01", std::string("\x03\0\0\0\0\0\0\0", 8), std::string(8, '\xff'),
           std::string(8, '\0'), "kkk"}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
