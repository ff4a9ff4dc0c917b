// SPDX-License-Identifier: MIT OR Apache-2.0
// A function of a mock in which somebody stays until the test lets him go.
#ifndef SOKR_TESTS_HOST_LATCH_HPP_
#define SOKR_TESTS_HOST_LATCH_HPP_

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>

#include "mocks.hpp"

namespace sokr::tests {

// What hangs is said to, after so long; nothing waits for it to pass.
inline constexpr std::chrono::seconds kHangs{30};

// Of `function`, which is main, completion or destroy, of the substrate with this name. One at a
// time blocks in a folder of its own.
class Latch {
 public:
  Latch(const TemporaryFolder& folder, const std::string& name, const std::string& function)
      : path_(folder.path() / (name + "." + function)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) ADD_FAILURE() << "no FIFO";
    ::setenv("SOKR_MOCK_BLOCK", folder.path().c_str(), 1);
  }
  ~Latch() {
    release();
    ::unsetenv("SOKR_MOCK_BLOCK");
  }
  // Comes back when somebody is inside.
  void wait() { end_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC); }
  // From now on nobody stays there.
  void release() {
    std::filesystem::remove(path_);
    if (end_ >= 0) ::close(std::exchange(end_, -1));
  }

 private:
  const std::filesystem::path path_;
  int end_ = -1;
};

}  // namespace sokr::tests

#endif  // SOKR_TESTS_HOST_LATCH_HPP_
