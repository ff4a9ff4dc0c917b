// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Shared libraries as files: where they are, whether they can be opened without
// harm, and the handle of an open one.
#ifndef SOKR_HOST_LIBRARY_FILE_HPP_
#define SOKR_HOST_LIBRARY_FILE_HPP_

#include <compare>
#include <cstdint>
#include <filesystem>
#include <sokr/base/result.hpp>
#include <string>
#include <utility>
#include <vector>

#include "declaration.hpp"

namespace sokr::host {

// Two paths are the same file exactly if these are equal.
struct FileId {
  std::uint64_t device = 0, inode = 0;
  auto operator<=>(const FileId&) const = default;
};

// What is known of a library that was not opened.
struct LibraryFacts {
  FileId id;
  Declaration declares;
  std::filesystem::path location;  // absolute: where it is, whatever the process's folder is later
};

// Checks what dlopen does not: that it is a regular file that can be read, and an
// ELF library of this machine whose segments lie inside the file. (Opening a
// truncated library ends a process with SIGBUS; opening a FIFO never returns.)
Result<LibraryFacts> check_library_file(const std::filesystem::path& path);

// An open library; closed by the destructor.
class LibraryFile {
 public:
  // `location` is absolute.
  static Result<LibraryFile> open(const std::filesystem::path& location);
  LibraryFile(LibraryFile&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)), location_(std::move(other.location_)) {}
  LibraryFile& operator=(LibraryFile&& other) noexcept {
    std::swap(handle_, other.handle_);
    std::swap(location_, other.location_);
    return *this;
  }
  ~LibraryFile();
  // Leaves the library open for as long as the process lives.
  void keep() { handle_ = nullptr; }
  // Closes it. True if its code is gone, which somebody else, or -z nodelete, may hold.
  bool close();
  // Null if the library does not export it.
  void* symbol(const char* name) const;

 private:
  LibraryFile(void* handle, std::string location)
      : handle_(handle), location_(std::move(location)) {}
  void* handle_ = nullptr;
  std::string location_;
};

// Where plugins are looked for: the folder beside the library that holds this
// code, then `extra`, then SOKR_PLUGIN_PATH. Named files stay as they are named.
struct PluginPlace {
  std::filesystem::path path;
  const char* named_by = nullptr;  // who asked for it; null = the folder beside the library
};
// Not `everywhere`: only `extra`.
std::vector<PluginPlace> plugin_places(const std::vector<std::filesystem::path>& extra,
                                       bool everywhere = true);

// The files of a place in the order of their names: those of a folder that end in
// .so (the others are traced), or the file itself. A place that is not there gives
// none, and a warning if somebody named it.
std::vector<std::filesystem::path> plugin_files(const PluginPlace& place);

}  // namespace sokr::host

#endif  // SOKR_HOST_LIBRARY_FILE_HPP_
