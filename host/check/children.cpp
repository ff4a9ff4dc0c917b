// SPDX-License-Identifier: MIT OR Apache-2.0
#include "children.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <system_error>
#include <utility>

namespace sokr::check {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kBegin = 0, kEnd = 1, kFirstKind = 2;
// A sentence comes nowhere near: what is longer was written by somebody else.
constexpr std::uint32_t kMostBytes = 1 << 20;
constexpr std::size_t kMostSaid = 65536;

struct Header {
  std::uint32_t kind = 0, size = 0;
};

[[noreturn]] void refuse(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

void write_all(int fd, const void* from, std::size_t size) {
  const char* bytes = static_cast<const char*>(from);
  while (size > 0) {
    const ssize_t written = ::write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
}

void send_raw(int fd, std::uint32_t kind, std::string_view text) {
  const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(text.size(), kMostBytes));
  const Header header{kind, size};
  write_all(fd, &header, sizeof header);
  write_all(fd, text.data(), size);
}

// In the child: alone in its group, without a core file, and gone with its parent.
void settle(pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::dup2(STDERR_FILENO, STDOUT_FILENO);
}

[[noreturn]] void be_the_child(const std::vector<Step>& steps, std::size_t first, int fd,
                               std::span<char> doing, pid_t parent) {
  settle(parent);
  const Channel channel(fd, doing);
  for (std::size_t i = first; i < steps.size(); ++i) {
    doing[0] = 0;
    send_raw(fd, kBegin, {});
    try {
      steps[i](channel);
    } catch (const std::exception& error) {
      send_raw(fd, kFirstKind, fmt::format("an exception came out of it: {}", error.what()));
    } catch (...) {
      send_raw(fd, kFirstKind, "an exception came out of it");
    }
    send_raw(fd, kEnd, {});
  }
  ::_exit(0);  // whoever is still at work in the plugin is not waited for
}

std::string death_text(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("the process ended by signal {} ({})", WTERMSIG(status),
                       ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("the process was ended, with exit code {}", WEXITSTATUS(status));
}

// Memory that a child shares with its parent.
class Shared {
 public:
  Shared()
      : memory_(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) refuse("no memory to share with a child");
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() { ::munmap(memory_, kSize); }
  std::span<char> bytes() const { return {static_cast<char*>(memory_), kSize}; }
  // What a child left there: it may be anything.
  std::string text() const {
    const char* from = static_cast<const char*>(memory_);
    std::string text(from, ::strnlen(from, kSize));
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c >= 0x7F; }, '?');
    return text;
  }

 private:
  static constexpr std::size_t kSize = 256;
  void* memory_;
};

// One child, from the parent's side.
class Child {
 public:
  Child(const std::vector<Step>& steps, std::size_t first) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) refuse("no pipe to a child");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      be_the_child(steps, first, ends[1], shared_.bytes(), parent);
    }
    ::close(ends[1]);
    fd_ = ends[0];
    if (pid_ < 0) {
      ::close(fd_);
      refuse("no child process");
    }
    ::setpgid(pid_, pid_);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    end();
    ::close(fd_);
  }

  // Waits for something to read, or the end, or until then.
  void wait(Clock::time_point until) {
    // Others may hold the pipe open: the end of the child is asked for, too.
    constexpr std::chrono::milliseconds kSlice{50};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
    pollfd ready{closed_ ? -1 : fd_, POLLIN, 0};
    (void)::poll(&ready, 1,
                 static_cast<int>(std::clamp(left, std::chrono::milliseconds(0), kSlice).count()));
    if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
    char chunk[65536];
    for (;;) {
      const ssize_t got = ::read(fd_, chunk, sizeof chunk);
      closed_ = closed_ || got == 0;
      if (got <= 0) return;
      bytes_.append(chunk, static_cast<std::size_t>(got));
      if (bytes_.size() > std::size_t{4} * kMostBytes) return;
    }
  }
  // The next thing that was said; false if there is none yet.
  bool next(Said& said) {
    Header header;
    if (bytes_.size() < sizeof header) return false;
    std::memcpy(&header, bytes_.data(), sizeof header);
    const std::size_t size = std::min(header.size, kMostBytes);
    if (bytes_.size() < sizeof header + size) return false;
    said = {header.kind, bytes_.substr(sizeof header, size)};
    bytes_.erase(0, sizeof header + size);
    return true;
  }
  bool ended() const { return ended_; }
  // ", in ...", if it said what it was doing.
  std::string place() const {
    const std::string text = shared_.text();
    return text.empty() ? text : ", in " + text;
  }
  int status() const { return status_; }
  // With everything that it started.
  void end() {
    ::kill(-pid_, SIGKILL);
    if (ended_) return;
    // It may have put itself into another group.
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    ended_ = true;
  }

 private:
  Shared shared_;
  pid_t pid_ = -1;
  int fd_ = -1, status_ = 0;
  bool ended_ = false, closed_ = false;
  std::string bytes_;
};

}  // namespace

void Channel::send(std::uint32_t kind, std::string_view text) const {
  send_raw(fd_, kFirstKind + kind, text);
}

std::vector<Ended> run_in_children(const std::vector<Step>& steps, std::chrono::milliseconds limit,
                                   const std::function<void(std::size_t)>& done) {
  std::vector<Ended> all(steps.size());
  std::size_t at = 0;
  while (at < steps.size()) {
    Child child(steps, at);
    Clock::time_point until = Clock::now() + limit;
    bool alive = true;
    while (alive && at < steps.size()) {
      child.wait(until);
      Said said;
      while (at < steps.size() && child.next(said)) {
        if (said.kind == kBegin || said.kind == kEnd) until = Clock::now() + limit;
        if (said.kind >= kFirstKind && all[at].said.size() < kMostSaid) {
          said.kind -= kFirstKind;
          all[at].said.push_back(std::move(said));
        }
        if (said.kind == kEnd) done(++at);
      }
      if (at == steps.size()) break;
      if (child.ended()) {
        all[at].death = death_text(child.status()) + child.place();
        alive = false;
      } else if (Clock::now() >= until) {
        all[at].death = fmt::format("it did not return within {} s{}",
                                    std::chrono::duration<double>(limit).count(), child.place());
        alive = false;
      }
    }
    child.end();
    if (!alive) done(++at);
  }
  return all;
}

}  // namespace sokr::check
