// SPDX-License-Identifier: MIT OR Apache-2.0
#include "input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sokr/sokr.hpp>
#include <system_error>
#include <utility>

namespace sokr::cli {
namespace {

// What somebody types at a terminal is less; what is more comes from /dev/zero and the like.
constexpr std::uint64_t kMostOfDevice = std::uint64_t{16} << 20;

}  // namespace

InputFile::InputFile(const std::string& file)
    : InputFile(fmt::format("'{}'", file), ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {}

InputFile InputFile::standard_input() {
  return {"standard input", ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)};
}

InputFile::InputFile(std::string name, int descriptor)
    : name_(std::move(name)), descriptor_(descriptor) {
  struct stat status{};
  if (!descriptor_ || ::fstat(descriptor_.get(), &status) != 0) fail(errno);
  if (S_ISDIR(status.st_mode)) fail(EISDIR);
  ordinary_ = S_ISREG(status.st_mode);
  device_ = S_ISCHR(status.st_mode);
  if (ordinary_) size_ = static_cast<std::uint64_t>(status.st_size);
}

void InputFile::fail(int code) const {
  throw Error(SOKR_NOT_FOUND,
              fmt::format("{} cannot be read: {}", name_, std::generic_category().message(code)));
}

std::size_t InputFile::read(void* to, std::size_t size) const {
  std::size_t had = 0;
  while (had < size) {
    const ssize_t got = ::read(descriptor_.get(), static_cast<std::byte*>(to) + had, size - had);
    if (got == 0) break;
    if (got > 0) {
      had += static_cast<std::size_t>(got);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {  // a pipe of who does not want to wait
      pollfd waiting{descriptor_.get(), POLLIN, 0};
      (void)::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      fail(errno);
    }
  }
  return had;
}

void InputFile::read_rest(std::vector<std::byte>& bytes, std::uint64_t most) const {
  const std::uint64_t limit = device_ ? std::min(most, kMostOfDevice) : most;
  for (;;) {
    constexpr std::size_t kPart = std::size_t{1} << 16;
    const std::size_t had = bytes.size();
    bytes.resize(had + kPart);
    const std::size_t got = read(bytes.data() + had, kPart);
    bytes.resize(had + got);
    if (bytes.size() > limit) {
      throw Error(SOKR_INVALID_INPUT,
                  device_ ? fmt::format("{} is a device that gives more than {} bytes, and may "
                                        "have no end; give as many as are needed by a file or "
                                        "a pipe",
                                        name_, limit)
                          : fmt::format("{} has more than {} bytes, which are the most that is "
                                        "read here",
                                        name_, limit));
    }
    if (got < kPart) return;
  }
}

std::vector<std::byte> read_input(const InputFile& input, std::uint64_t most) {
  std::vector<std::byte> bytes;
  bytes.reserve(std::min(input.size(), most));
  input.read_rest(bytes, most);
  return bytes;
}

}  // namespace sokr::cli
