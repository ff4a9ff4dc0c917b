// SPDX-License-Identifier: MIT OR Apache-2.0
#include "output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <sokr/base/small_file.hpp>
#include <sokr/sokr.hpp>
#include <system_error>
#include <utility>
#include <vector>

#include "output.hpp"

namespace sokr::cli {
namespace {

namespace fs = std::filesystem;

mode_t new_file_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

// Where a path leads.
struct Place {
  fs::path path;                  // behind all links, whether there is something or not
  std::optional<int> descriptor;  // of this process, if it is a name of one
};

// `error` is set where it leads nowhere: a folder on the way is missing, links go in a circle.
Place place_of(const fs::path& given, std::error_code& error) {
  constexpr int kMostLinks = 40;  // as the system's
  const fs::path descriptors = fs::path("/proc") / std::to_string(::getpid()) / "fd";
  fs::path path = fs::absolute(given, error);
  for (int links = 0; !error; ++links) {
    const fs::path folder = fs::canonical(path.parent_path(), error);
    if (error) break;
    path = folder / path.filename();
    if (folder == descriptors) {
      const std::string name = path.filename().string();
      int number = 0;
      const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
      if (failed == std::errc() && end == name.data() + name.size()) return {path, number};
    }
    std::error_code none;
    if (!fs::is_symlink(fs::symlink_status(path, none))) return {path, std::nullopt};
    if (links == kMostLinks) {
      error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
      break;
    }
    path = folder / fs::read_symlink(path, error);
  }
  return {path, std::nullopt};
}

// The descriptor among the standard ones for output through which this file is written, too.
std::optional<int> standard_descriptor(const struct stat& file) {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat its{};
    if (::fstat(descriptor, &its) != 0) continue;
    if (its.st_dev == file.st_dev && its.st_ino == file.st_ino) return descriptor;
  }
  return std::nullopt;
}

}  // namespace

void OutputFile::fail(int code) const {
  throw Error(SOKR_INVALID_INPUT, fmt::format("'{}' cannot be written: {}", path_.string(),
                                              std::generic_category().message(code)));
}

OutputFile::OutputFile(const fs::path& path) : path_(path) {
  if (path == "-") {
    open_given(STDOUT_FILENO);
    return;
  }
  std::error_code error;
  const Place place = place_of(path, error);
  if (place.descriptor) {
    open_given(*place.descriptor);
    return;
  }
  struct stat status{};
  const bool exists = ::stat(path.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) fail(errno);
  if (exists && S_ISDIR(status.st_mode)) fail(EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    target_ = path;
    regular_ = false;
    fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) fail(errno);
    return;
  }
  if (exists) {
    if (const auto descriptor = standard_descriptor(status)) {
      open_given(*descriptor);
      return;
    }
  }
  // A link stays a link; what it leads to is replaced.
  if (error) fail(error.value());
  target_ = place.path;
  if (exists && ::access(target_.c_str(), W_OK) != 0) fail(errno);
  const fs::path folder = target_.parent_path();
  // A file without a name leaves nothing behind, however this process ends.
  fd_ = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    std::string name = temporary_name();
    fd_ = ::mkostemp(name.data(), O_CLOEXEC);
    if (fd_ < 0) fail(errno);
    temporary_ = name;
    if (!exists) ::fchmod(fd_, new_file_mode());
  }
  if (exists) ::fchmod(fd_, status.st_mode & 07777);
}

// What this process was given open, for itself and maybe for others, is not closed.
void OutputFile::open_given(int descriptor) {
  target_ = path_;
  regular_ = false;
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0) fail(errno);
  if ((flags & O_ACCMODE) == O_RDONLY) fail(EBADF);
  fd_ = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (fd_ < 0) fail(errno);
}

// Short: the target's own name may be as long as a name can be.
std::string OutputFile::temporary_name() const {
  return (target_.parent_path() / ".sokr-XXXXXX").string();
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      regular_(other.regular_),
      fd_(std::exchange(other.fd_, -1)) {}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
  if (!write_all(fd_, bytes)) fail(errno);
}

void OutputFile::finish() {
  if (regular_ && temporary_.empty()) give_name();
  if (::close(std::exchange(fd_, -1)) != 0) fail(errno);
}

void OutputFile::give_name() {
  const std::string source = fmt::format("/proc/self/fd/{}", fd_);
  for (;;) {
    // mkstemp finds a free name; the link needs it to be free again.
    std::string name = temporary_name();
    const int taken = ::mkostemp(name.data(), O_CLOEXEC);
    if (taken < 0) fail(errno);
    ::close(taken);
    ::unlink(name.c_str());
    if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      temporary_ = name;
      return;
    }
    if (errno != EEXIST) fail(errno);
  }
}

void OutputFile::publish() {
  if (!regular_) return;
  if (::rename(temporary_.c_str(), target_.c_str()) == 0) {
    temporary_.clear();
    return;
  }
  const int code = errno;
  if (code != EBUSY && code != EPERM && code != EXDEV) fail(code);
  copy_to_target(code);
  ::unlink(temporary_.c_str());
  temporary_.clear();
}

// `code` is why it cannot take the place of what is there.
void OutputFile::copy_to_target(int code) {
  const FileDescriptor from(::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC));
  const FileDescriptor to(::open(target_.c_str(), O_WRONLY | O_CLOEXEC));
  if (!from || !to) fail(code);
  off_t size = 0;
  std::vector<std::byte> part(std::size_t{1} << 20);
  for (;;) {
    const ssize_t got = from.read_up_to(part.data(), part.size());
    if (got < 0) fail(errno);
    if (got == 0) break;
    if (!to.write_all(part.data(), static_cast<std::size_t>(got))) fail(errno);
    size += got;
  }
  // What was longer ends with it.
  if (::ftruncate(to.get(), size) != 0) fail(errno);
}

}  // namespace sokr::cli
