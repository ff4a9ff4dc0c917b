// SPDX-License-Identifier: MIT OR Apache-2.0
#include "library_file.hpp"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>

#include "log.hpp"

namespace sokr::host {
namespace {

namespace fs = std::filesystem;

using ElfHeader = ElfW(Ehdr);
using ElfSegment = ElfW(Phdr);

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string error_text(int code) {
  return std::error_code(code, std::generic_category()).message();
}

ElfHeader own_header() {
  ElfHeader header{};
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&own_header), &info) != 0) {
    std::memcpy(&header, info.dli_fbase, sizeof header);
  }
  return header;
}

// Notes are small: bytes that are read of all segments of a file. One that would exceed this is
// not ours.
constexpr std::size_t kMaxNotes = 65536;

Result<void> read_notes(int fd, const ElfSegment& segment, std::size_t& left,
                        Declaration& declares) {
  if (segment.p_filesz > left) return {};
  left -= segment.p_filesz;
  std::vector<std::byte> notes(segment.p_filesz);
  const auto got = ::pread(fd, notes.data(), notes.size(), static_cast<off_t>(segment.p_offset));
  if (got != static_cast<ssize_t>(notes.size())) {
    return fail(SOKR_INVALID_INPUT, "it is a damaged shared library: its notes cannot be read");
  }
  return declares.read_notes(notes, segment.p_align);
}

Result<Declaration> check_elf(int fd, std::uint64_t size) {
  Declaration declares;
  std::size_t notes_left = kMaxNotes;
  ElfHeader header{};
  if (size < sizeof header ||
      ::pread(fd, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return fail(SOKR_INVALID_INPUT, "it is not a shared library");
  }
  const ElfHeader ours = own_header();
  if (header.e_ident[EI_CLASS] != ours.e_ident[EI_CLASS] ||
      header.e_ident[EI_DATA] != ours.e_ident[EI_DATA] || header.e_machine != ours.e_machine) {
    return fail(SOKR_INVALID_INPUT, "it was built for another kind of processor");
  }
  if (header.e_type != ET_DYN) return fail(SOKR_INVALID_INPUT, "it is not a shared library");
  if (header.e_phentsize != sizeof(ElfSegment) || header.e_phoff > size ||
      header.e_phnum > (size - header.e_phoff) / sizeof(ElfSegment)) {
    return fail(SOKR_INVALID_INPUT, "it is a damaged shared library: no segment table");
  }
  for (std::uint32_t i = 0; i < header.e_phnum; ++i) {
    ElfSegment segment{};
    const auto at = static_cast<off_t>(header.e_phoff + i * sizeof segment);
    if (::pread(fd, &segment, sizeof segment, at) != static_cast<ssize_t>(sizeof segment)) {
      return fail(SOKR_INVALID_INPUT, "it is a damaged shared library: no segment table");
    }
    if (segment.p_type == PT_LOAD &&
        (segment.p_offset > size || segment.p_filesz > size - segment.p_offset)) {
      return fail(SOKR_INVALID_INPUT,
                  "it is a truncated shared library: segment {} ends at byte {} of {}", i,
                  segment.p_offset + segment.p_filesz, size);
    }
    if (segment.p_type == PT_NOTE) SOKR_TRY(read_notes(fd, segment, notes_left, declares));
  }
  return declares;
}

}  // namespace

Result<LibraryFacts> check_library_file(const fs::path& path) {
  std::error_code error;
  fs::path location = fs::absolute(path, error);
  if (error) return fail(SOKR_NOT_FOUND, "it cannot be found: {}", error.message());
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(SOKR_NOT_FOUND, "it cannot be read: {}", error_text(errno));
  }
  if (S_ISDIR(status.st_mode)) return fail(SOKR_INVALID_INPUT, "it is a folder, not a library");
  if (!S_ISREG(status.st_mode)) return fail(SOKR_INVALID_INPUT, "it is not a regular file");
  if (status.st_size == 0) return fail(SOKR_INVALID_INPUT, "it is empty");
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return fail(SOKR_INVALID_INPUT, "it cannot be read: {}", error_text(errno));
  SOKR_ASSIGN(Declaration declares,
              check_elf(file.get(), static_cast<std::uint64_t>(status.st_size)));
  return LibraryFacts{{status.st_dev, status.st_ino}, std::move(declares), std::move(location)};
}

Result<LibraryFile> LibraryFile::open(const fs::path& location) {
  ::dlerror();
  // A name without a slash would be searched for in the system's folders.
  void* handle = ::dlopen(location.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* reason = ::dlerror();
    return fail(SOKR_INVALID_INPUT, "it cannot be loaded: {}", reason ? reason : "unknown reason");
  }
  return LibraryFile(handle, location.string());
}

LibraryFile::~LibraryFile() {
  if (handle_) ::dlclose(handle_);
}

bool LibraryFile::close() {
  if (!handle_) return false;
  ::dlclose(std::exchange(handle_, nullptr));
  void* const still_there = ::dlopen(location_.c_str(), RTLD_LAZY | RTLD_NOLOAD);
  if (still_there) ::dlclose(still_there);
  return still_there == nullptr;
}

void* LibraryFile::symbol(const char* name) const {
  return ::dlsym(handle_, name);
}

std::vector<PluginPlace> plugin_places(const std::vector<fs::path>& extra, bool everywhere) {
  std::vector<PluginPlace> places;
  Dl_info info{};
  if (everywhere && ::dladdr(reinterpret_cast<const void*>(&plugin_places), &info) != 0 &&
      info.dli_fname) {
    std::error_code error;
    fs::path library = fs::canonical(info.dli_fname, error);
    if (!error) {
      places.push_back({library.parent_path() / "sokr", nullptr});
    } else {
      // By a relative name, perhaps, and the process is in another folder since.
      log(SOKR_LOG_DEBUG, "plugins: the folder beside {} is left out: {}", info.dli_fname,
          error.message());
    }
  }
  for (const fs::path& path : extra) places.push_back({path, "the plugin path"});
  const char* variable = everywhere ? ::secure_getenv("SOKR_PLUGIN_PATH") : nullptr;
  std::string_view rest = variable ? variable : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    if (end > 0) places.push_back({rest.substr(0, end), "SOKR_PLUGIN_PATH"});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return places;
}

std::vector<fs::path> plugin_files(const PluginPlace& named) {
  const fs::path& place = named.path;
  std::error_code error;
  const fs::file_status status = fs::status(place, error);
  if (status.type() == fs::file_type::not_found) {
    if (named.named_by) {
      log(SOKR_LOG_WARNING,
          "plugins: {}: there is no such file or folder, but {} names it; it takes files and "
          "folders joined by ':'",
          place.string(), named.named_by);
    } else {
      log(SOKR_LOG_DEBUG, "plugins: {}: there is no such file or folder", place.string());
    }
    return {};
  }
  if (status.type() != fs::file_type::directory) return {place};
  std::vector<fs::path> files;
  fs::directory_iterator entry(place, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == ".so") {
      files.push_back(entry->path());
    } else {
      log(SOKR_LOG_DEBUG, "plugins: {}: left out: its name does not end in .so",
          entry->path().string());
    }
  }
  if (error) {
    log(SOKR_LOG_WARNING, "plugins: {}: the folder cannot be read: {}", place.string(),
        error.message());
  }
  std::sort(files.begin(), files.end());
  log(SOKR_LOG_DEBUG, "plugins: {}: {} candidate{}", place.string(), files.size(),
      files.size() == 1 ? "" : "s");
  return files;
}

}  // namespace sokr::host
