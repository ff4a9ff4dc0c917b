// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What substrates keep on disk between runs: compiled kernels, pipeline caches. A
// folder of files, one for each key, shared by any number of processes and threads.
//
// - The key has everything in it that decides the value; the whole key is stored and
//   compared, its hash only names the file.
// - A file is written under another name and renamed: readers see all of it or none.
// - A checksum covers key and value. A damaged, foreign or truncated file is removed
//   and counts as a miss, never as a value.
// - Files that others could have written (another owner, writable by group or world) are
//   not read: values may be machine code. The user whom the system names where it knows
//   no owner (nobody, 65534) is nobody in particular: for that one nothing is kept. What is
//   no regular file, a pipe, a device or a link, is passed over without waiting for it, and
//   so is what is larger than a value can be.
// - The folder stays below a bound; the entries that were not used for longest go first.
//   Processes that write at once each look at it again after a sixteenth of the bound, so
//   that it is above by that much for each of them at most.
//
// A cache never fails a launch: what goes wrong is a miss, with a reason for the log.
#ifndef SOKR_SUBSTRATE_DISK_CACHE_HPP_
#define SOKR_SUBSTRATE_DISK_CACHE_HPP_

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::substrate {

struct DiskCacheOptions {
  std::filesystem::path folder;  // empty = no cache: every load misses
  std::uint64_t max_bytes = std::uint64_t{512} << 20;
  std::uint64_t max_value_bytes = std::uint64_t{64} << 20;  // larger ones are not stored, nor read
  // The user whose files may be anybody's.
  std::uint32_t nobody = user_of_unknown_files();
  static std::uint32_t user_of_unknown_files();
};

class DiskCache {
 public:
  explicit DiskCache(DiskCacheOptions options) : options_(std::move(options)) {}
  DiskCache(const DiskCache&) = delete;
  DiskCache& operator=(const DiskCache&) = delete;

  // $SOKR_CACHE_DIR/name, else $XDG_CACHE_HOME/sokr/name, else $HOME/.cache/sokr/name;
  // empty if none of these is set, or if SOKR_CACHE_DIR is set and empty.
  static std::filesystem::path default_folder(std::string_view name);

  // The value stored for exactly this key. Any thread.
  std::optional<std::vector<std::uint8_t>> load(std::span<const std::uint8_t> key);

  // Whether load() would find one, unless the key or the value in it is damaged: there is a
  // file of the right owner and size. Reads no more than its header. Any thread.
  bool has(std::span<const std::uint8_t> key) const;

  // False if it could not be stored; `reason`, if given, then says why. Any thread.
  bool store(std::span<const std::uint8_t> key, std::span<const std::uint8_t> value,
             std::string* reason = nullptr);

  const std::filesystem::path& folder() const { return options_.folder; }

 private:
  std::filesystem::path path_of(std::span<const std::uint8_t> key) const;
  void make_room(std::uint64_t added);

  DiskCacheOptions options_;
  std::mutex mutex_;                          // guards what follows
  std::optional<std::uint64_t> known_bytes_;  // an estimate: other processes write too
  std::uint64_t unseen_bytes_ = 0;            // added since the folder was looked at
};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_DISK_CACHE_HPP_
