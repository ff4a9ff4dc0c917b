// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <sokr/base/cache_folder.hpp>
#include <stdexcept>
#include <system_error>

#include "command.hpp"
#include "output.hpp"
#include "text.hpp"

namespace sokr::cli {
namespace {

namespace fs = std::filesystem;
using FileClock = fs::file_time_type::clock;

struct File {
  fs::path path;
  std::uint64_t bytes = 0;
  double age = 0;  // seconds since it was last used
};

// What one substrate keeps.
struct Kept {
  std::string substrate;
  fs::path folder;
  std::vector<File> entries, unfinished;

  std::uint64_t bytes() const {
    std::uint64_t sum = 0;
    for (const auto* files : {&entries, &unfinished})
      for (const File& file : *files) sum += file.bytes;
    return sum;
  }
};

[[noreturn]] void refuse(const fs::path& path, const std::error_code& error) {
  throw std::runtime_error(
      fmt::format("the cache folder {} cannot be read: {}", path.string(), error.message()));
}

// A file or folder that vanishes meanwhile is none: other processes use the cache too.
void take(const fs::directory_entry& found, Kept& kept) {
  const CacheFile kind = classify_cache_file(found.path().filename().string());
  std::error_code gone;
  if (kind == CacheFile::kForeign || !fs::is_regular_file(found.symlink_status(gone))) return;
  File file{found.path(), found.file_size(gone), 0};
  const auto used = gone ? FileClock::time_point() : found.last_write_time(gone);
  if (gone) return;
  file.age = std::max(0.0, std::chrono::duration<double>(FileClock::now() - used).count());
  (kind == CacheFile::kEntry ? kept.entries : kept.unfinished).push_back(std::move(file));
}

std::vector<Kept> survey(const fs::path& root) {
  std::vector<Kept> all;
  std::error_code error;
  fs::directory_iterator folders(root, error);
  if (error == std::errc::no_such_file_or_directory) return all;
  for (; !error && folders != fs::directory_iterator(); folders.increment(error)) {
    std::error_code ignored;
    if (!fs::is_directory(folders->symlink_status(ignored))) continue;
    Kept kept{folders->path().filename().string(), folders->path(), {}, {}};
    std::error_code unreadable;
    fs::directory_iterator files(kept.folder, unreadable);
    for (; !unreadable && files != fs::directory_iterator(); files.increment(unreadable))
      take(*files, kept);
    if (unreadable && unreadable != std::errc::no_such_file_or_directory)
      refuse(kept.folder, unreadable);
    if (!kept.entries.empty() || !kept.unfinished.empty()) all.push_back(std::move(kept));
  }
  if (error) refuse(root, error);
  std::sort(all.begin(), all.end(),
            [](const Kept& a, const Kept& b) { return a.substrate < b.substrate; });
  return all;
}

struct Ages {
  double oldest = 0, newest = 0;
};

std::optional<Ages> ages_of(const Kept& kept) {
  if (kept.entries.empty()) return std::nullopt;
  const auto [newest, oldest] =
      std::minmax_element(kept.entries.begin(), kept.entries.end(),
                          [](const File& a, const File& b) { return a.age < b.age; });
  return Ages{oldest->age, newest->age};
}

std::string count_text(std::size_t entries) {
  return entries == 1 ? "1 entry" : fmt::format("{} entries", entries);
}

std::string used_text(const std::optional<Ages>& ages) {
  if (!ages) return "only unfinished files";
  const std::string newest = age_text(ages->newest), oldest = age_text(ages->oldest);
  if (newest == oldest) return fmt::format("last used {} ago", newest);
  return fmt::format("last used {} to {} ago", newest, oldest);
}

std::string people_text(const fs::path& root, const std::vector<Kept>& all) {
  if (root.empty())
    return "there is no cache: SOKR_CACHE_DIR is empty, or neither XDG_CACHE_HOME nor HOME is "
           "set\n";
  std::string out = printable(root.string()) + '\n';
  Table table(2);
  table.right_align(1);
  table.right_align(2);
  for (const Kept& kept : all)
    table.row({printable(kept.substrate), count_text(kept.entries.size()), bytes_text(kept.bytes()),
               used_text(ages_of(kept))});
  return out + (all.empty() ? "  nothing is kept\n" : table.format());
}

Json scripts_json(const fs::path& root, const std::vector<Kept>& all) {
  Json substrates = Json::array();
  for (const Kept& kept : all) {
    const std::optional<Ages> ages = ages_of(kept);
    substrates.push_back({{"name", kept.substrate},
                          {"folder", kept.folder.string()},
                          {"entries", kept.entries.size()},
                          {"bytes", kept.bytes()},
                          {"newest_used_s", ages ? Json(ages->newest) : Json(nullptr)},
                          {"oldest_used_s", ages ? Json(ages->oldest) : Json(nullptr)}});
  }
  return Json{{"schema", "sokr.cache/1"},
              {"folder", root.empty() ? Json(nullptr) : Json(root.string())},
              {"substrates", std::move(substrates)}};
}

struct Removed {
  std::size_t entries = 0;
  std::uint64_t bytes = 0;
};

Removed remove_all(const std::vector<Kept>& all) {
  Removed removed;
  for (const Kept& kept : all) {
    for (const auto* files : {&kept.entries, &kept.unfinished}) {
      for (const File& file : *files) {
        // Never what lies behind a link that took the file's place meanwhile.
        if (::unlink(file.path.c_str()) == 0) {
          removed.entries += files == &kept.entries;
          removed.bytes += file.bytes;
        } else if (errno != ENOENT) {
          throw std::runtime_error(fmt::format("{} cannot be removed: {}", file.path.string(),
                                               std::generic_category().message(errno)));
        }
      }
    }
  }
  return removed;
}

}  // namespace

int cache(const CacheFlags& flags) {
  const bool clear = flags.action == "clear";
  if (!clear && !flags.action.empty() && flags.action != "list") {
    throw UsageError(
        fmt::format("cache: unknown action '{}'; there are list, which is the "
                    "default, and clear",
                    flags.action));
  }
  const fs::path root = cache_root();
  std::vector<Kept> all;
  if (!root.empty()) all = survey(root);
  if (!clear) {
    print(flags.json ? json_text(scripts_json(root, all)) : people_text(root, all));
    return kDone;
  }
  const Removed removed = remove_all(all);
  if (flags.json) {
    Json report = scripts_json(root, {});
    report["removed"] = {{"entries", removed.entries}, {"bytes", removed.bytes}};
    print(json_text(report));
  } else if (root.empty()) {
    print(people_text(root, all));
  } else {
    print(fmt::format("removed {}, {}, from {}\n", count_text(removed.entries),
                      bytes_text(removed.bytes), printable(root.string())));
  }
  return kDone;
}

}  // namespace sokr::cli
