// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Files that lie where others may put something else: a pipe that nobody writes to, a device, a
// link in a circle, a file without end. Such are refused, and neither waited for nor read.
#ifndef SOKR_BASE_SMALL_FILE_HPP_
#define SOKR_BASE_SMALL_FILE_HPP_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sokr/base/result.hpp>
#include <string>

namespace sokr {

// An open file; closed at the end. Reads and writes go on after interrupts.
class FileDescriptor {
 public:
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  ~FileDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

  // Up to `size` bytes, fewer only at the end of the file; -1 with errno.
  ssize_t read_up_to(void* to, std::size_t size) const {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t got = ::read(descriptor_, static_cast<char*>(to) + done, size - done);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return -1;
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(done);
  }
  bool read_all(void* to, std::size_t size) const {
    return read_up_to(to, size) == static_cast<ssize_t>(size);
  }
  bool write_all(const void* from, std::size_t size) const {
    const auto* bytes = static_cast<const char*>(from);
    while (size > 0) {
      const ssize_t put = ::write(descriptor_, bytes, size);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return false;
      bytes += put;
      size -= static_cast<std::size_t>(put);
    }
    return true;
  }

 private:
  int descriptor_;
};

// For open(): a pipe without a writer does not keep the caller.
inline constexpr int kReadAtOnce = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

// All of a regular file of at most `most` bytes, as of /proc too, whose size is not known before.
inline Result<std::string> read_small_file(const std::filesystem::path& path, std::size_t most) {
  const FileDescriptor file(::open(path.c_str(), kReadAtOnce));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0)
    return fail(SOKR_NOT_FOUND, "'{}' cannot be read: {}", path.string(), std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return fail(SOKR_INVALID_INPUT, "'{}' is not an ordinary file", path.string());
  std::string text;
  while (text.size() <= most) {
    char chunk[4096];
    const ssize_t got = file.read_up_to(chunk, sizeof chunk);
    if (got < 0)
      return fail(SOKR_NOT_FOUND, "'{}' cannot be read: {}", path.string(), std::strerror(errno));
    text.append(chunk, static_cast<std::size_t>(got));
    if (static_cast<std::size_t>(got) < sizeof chunk && text.size() <= most) return text;
  }
  return fail(SOKR_INVALID_INPUT, "'{}' is larger than {} bytes", path.string(), most);
}

}  // namespace sokr

#endif  // SOKR_BASE_SMALL_FILE_HPP_
