// SPDX-License-Identifier: MIT OR Apache-2.0
#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string_view>

extern char** environ;

namespace sokr::vulkan {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 64 << 10;
constexpr std::chrono::seconds kMostEnd{5};  // of a process that was killed

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() { reset(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void reset(int fd = -1) {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
  }

 private:
  int fd_;
};

Failure cannot_start(const Child& child, int error) {
  return fail(SOKR_DISPATCH_FAILED, "{} could not be started: {}", child.program,
              std::strerror(error));
}

std::string_view name_of(std::string_view setting) {
  return setting.substr(0, setting.find('='));
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_of(const Child& child) {
  std::vector<std::string> all = child.settings;
  for (char** one = environ; one && *one; ++one) {
    const std::string_view name = name_of(*one);
    if (std::ranges::none_of(child.settings,
                             [&](const std::string& ours) { return name_of(ours) == name; }))
      all.emplace_back(*one);
  }
  return all;
}

// The actions and attributes are the caller's to destroy, whatever this returns.
int spawn(const Child& child, int input, int output, pid_t& process) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  if (const int error = posix_spawn_file_actions_init(&actions); error != 0) return error;
  if (const int error = posix_spawnattr_init(&attributes); error != 0) {
    posix_spawn_file_actions_destroy(&actions);
    return error;
  }
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int error = posix_spawn_file_actions_adddup2(&actions, input, 0);
  if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, output, 1);
  if (error == 0) error = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  if (error == 0)
    error = posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (error == 0) error = posix_spawnattr_setpgroup(&attributes, 0);
  if (error == 0) error = posix_spawnattr_setsigmask(&attributes, &none);
  if (error == 0) error = posix_spawnattr_setsigdefault(&attributes, &all);
  if (error == 0) {
    std::vector<std::string> words{child.program};
    words.insert(words.end(), child.arguments.begin(), child.arguments.end());
    const std::vector<std::string> settings = environment_of(child);
    error = posix_spawn(&process, child.program.c_str(), &actions, &attributes,
                        pointers(words).data(), pointers(settings).data());
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Until the other end is closed; false if time ran out.
bool read_all(int from, Clock::time_point until, std::string& out) {
  char bytes[4096];
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd ready{from, POLLIN, 0};
    const int got = poll(&ready, 1, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    if (got < 0 && errno != EINTR) return false;
    if (got <= 0) continue;
    const ssize_t count = read(from, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    const auto room = kMostOutput - std::min(kMostOutput, out.size());
    out.append(bytes, std::min(room, static_cast<std::size_t>(count)));
  }
}

// One that a driver holds within the kernel does not even end when it is killed. True where that
// cannot be asked.
bool ends_within(pid_t process, std::chrono::milliseconds patience) {
  const Descriptor handle(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
  if (handle.get() < 0) return true;
  const auto until = Clock::now() + patience;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd ended{handle.get(), POLLIN, 0};
    const int got = poll(&ended, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (got >= 0 || errno != EINTR) return got != 0;
  }
}

// It has closed its output, or is killed: it ends, or has ended.
std::string collect(pid_t process, bool& killed) {
  if (!ends_within(process, kMostEnd)) return "a process that does not end when it is killed";
  int status = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(process, &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended != process) return "the end of its process";
  killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  if (WIFSIGNALED(status))
    return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("exit code {}", WEXITSTATUS(status));
}

}  // namespace

Result<ChildEnd> run_child(const Child& child) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> input(std::tmpfile(), std::fclose);
  if (!input) return cannot_start(child, errno);
  if (std::fwrite(child.input.data(), 1, child.input.size(), input.get()) != child.input.size() ||
      std::fflush(input.get()) != 0 || lseek(fileno(input.get()), 0, SEEK_SET) != 0) {
    return cannot_start(child, errno);
  }
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return cannot_start(child, errno);
  const Descriptor from(ends[0]);
  Descriptor to(ends[1]);
  const auto until = Clock::now() + child.patience;
  pid_t process = -1;
  if (const int error = spawn(child, fileno(input.get()), to.get(), process); error != 0)
    return cannot_start(child, error);
  to.reset();
  ChildEnd end;
  end.timed_out = !read_all(from.get(), until, end.output);
  // One that closed its output has nothing more to say. One that is about to end keeps its status.
  kill(-process, SIGKILL);
  end.how = collect(process, end.killed);
  return end;
}

}  // namespace sokr::vulkan
