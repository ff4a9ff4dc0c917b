// SPDX-License-Identifier: MIT OR Apache-2.0
#include "output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <sokr/sokr.hpp>
#include <system_error>
#include <utility>

namespace sokr::cli {
namespace {

namespace fs = std::filesystem;

mode_t new_file_mode() {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  return 0666 & ~mask;
}

}  // namespace

void OutputFile::fail(int code) const {
  throw Error(SOKR_INVALID_INPUT, fmt::format("'{}' cannot be written: {}", path_.string(),
                                              std::generic_category().message(code)));
}

OutputFile::OutputFile(const fs::path& path) : path_(path) {
  if (path == "-") {
    target_ = path;
    regular_ = false;
    fd_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    if (fd_ < 0) fail(errno);
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
  std::error_code error;
  // A link stays a link; what it leads to is replaced.
  target_ = fs::weakly_canonical(fs::absolute(path), error);
  if (error) fail(error.value());
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
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
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
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(errno);
  temporary_.clear();
}

}  // namespace sokr::cli
