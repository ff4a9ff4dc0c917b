// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_children.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sokr/sokr.hpp>
#include <string_view>
#include <system_error>

#include "estimates.hpp"
#include "output.hpp"

namespace sokr::cli {
namespace {

namespace fs = std::filesystem;

// Where kernels are cached, each in a folder of its own.
constexpr const char* kCacheVariables[] = {"SOKR_CACHE_DIR", "MESA_SHADER_CACHE_DIR",
                                           "__GL_SHADER_DISK_CACHE_PATH"};
// Processes go on for so long, and at least one.
constexpr std::chrono::seconds kEnough{3};

void add_all(std::vector<std::string>& words, const char* flag,
             const std::vector<std::string>& values) {
  for (const std::string& value : values) words.push_back(fmt::format("{}={}", flag, value));
}

void add(std::vector<std::string>& words, const char* flag, const std::string& value) {
  if (!value.empty()) words.push_back(fmt::format("{}={}", flag, value));
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> environment_with(const std::vector<std::string>& variables) {
  std::vector<std::string> all = variables;
  for (char** one = environ; *one; ++one) {
    const std::string_view given = *one;
    const std::string_view name = given.substr(0, given.find('=') + 1);
    bool replaced = false;
    for (const std::string& variable : variables) replaced |= variable.starts_with(name);
    if (!replaced) all.emplace_back(given);
  }
  return all;
}

// Of EndKept. The signal that came, 0 for none; the children that it ends, 0 for none.
std::atomic<int> end_signal{0};
std::atomic<pid_t> working_children[EndKept::kChildren] = {};
static_assert(std::atomic<pid_t>::is_always_lock_free);

// With what it started, where it has a group of its own: else there is no group of its number.
void kill_child(pid_t child) {
  ::kill(-child, SIGKILL);
  ::kill(child, SIGKILL);
}

void keep_end(int signal) {
  const int code = errno;  // of what is interrupted
  end_signal = signal;
  for (const auto& working : working_children) {
    if (const pid_t child = working; child > 0) kill_child(child);
  }
  errno = code;
}

// What a process of this program prints; none if it does not end well.
std::optional<std::string> output_of(std::vector<std::string> words,
                                     const std::vector<std::string>& variables, int input) {
  words.insert(words.begin(), "sokr");
  std::vector<std::string> environment = environment_with(variables);
  const std::vector<char*> arguments = pointers(words), settings = pointers(environment);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const pid_t child = ::fork();
  if (child == 0) {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(nowhere, STDERR_FILENO);
    if (input >= 0) ::dup2(input, STDIN_FILENO);
    ::execve("/proc/self/exe", arguments.data(), settings.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  EndKept::begin(child);
  std::string output;
  char part[256];
  for (ssize_t got = 0; child > 0;) {
    got = ::read(ends[0], part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    if (output.size() < 4096) output.append(part, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  if (child < 0) return std::nullopt;
  // Its number is nobody else's until it was waited for.
  siginfo_t ended{};
  while (::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) < 0) {
    if (errno != EINTR) break;
  }
  EndKept::end(child);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return std::nullopt;
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return output;
}

std::optional<double> probe(const std::vector<std::string>& words,
                            const std::vector<std::string>& variables, int input) {
  if (input >= 0) ::lseek(input, 0, SEEK_SET);
  const auto output = output_of(words, variables, input);
  double ns = 0;
  if (!output) return std::nullopt;
  const auto [end, error] = std::from_chars(output->data(), output->data() + output->size(), ns);
  if (error != std::errc() || std::string_view(end) != "\n" || ns <= 0) return std::nullopt;
  return ns;
}

}  // namespace

std::vector<std::string> files_read(const LaunchFlags& flags) {
  std::vector<std::string> files;
  if (flags.kernel != "-") files.push_back(flags.kernel);
  for (const std::string& input : flags.in) files.push_back(input.substr(input.find('=') + 1));
  for (const std::string& push : flags.push) {
    if (push.starts_with('@')) files.push_back(push.substr(1));
  }
  return files;
}

std::string not_read_again(const LaunchFlags& flags) {
  for (const std::string& file : files_read(flags)) {
    struct stat status{};
    if (::stat(file.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) return file;
  }
  return {};
}

EndKept::EndKept() {
  end_signal = 0;
  struct sigaction kept{};
  kept.sa_handler = keep_end;
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    // Who is told to go on, as by nohup, goes on.
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &kept, nullptr);
  }
}

EndKept::~EndKept() {
  for (std::size_t i = 0; i < std::size(kSignals); ++i) {
    ::sigaction(kSignals[i], &before_[i], nullptr);
  }
  if (const int signal = end_signal; signal != 0) ::kill(::getpid(), signal);
}

void EndKept::begin(pid_t child) {
  if (child <= 0) return;
  for (auto& working : working_children) {
    pid_t none = 0;
    if (working.compare_exchange_strong(none, child)) break;
  }
  // A signal may have come before the child was known.
  if (end_signal != 0) kill_child(child);
}

void EndKept::end(pid_t child) {
  for (auto& working : working_children) {
    pid_t its = child;
    if (child > 0 && working.compare_exchange_strong(its, 0)) return;
  }
}

bool EndKept::is_asked() {
  return end_signal != 0;
}

UnnamedFile::UnnamedFile(std::span<const std::byte> bytes) {
  descriptor_ = ::memfd_create("sokr-kernel", MFD_CLOEXEC);
  if (descriptor_ >= 0 && write_all(descriptor_, bytes)) return;
  const int code = errno;
  if (descriptor_ >= 0) ::close(descriptor_);
  throw Error(SOKR_INVALID_INPUT,
              fmt::format("a kernel cannot be kept in memory for other processes: {}",
                          std::generic_category().message(code)));
}

UnnamedFile::~UnnamedFile() {
  ::close(descriptor_);
}

std::string UnnamedFile::path() const {
  return fmt::format("/proc/{}/fd/{}", ::getpid(), descriptor_);
}

CacheFolder::CacheFolder() {
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  std::string name = (error ? fs::path("/tmp") : temporary) / "sokr-bench-XXXXXX";
  if (!::mkdtemp(name.data())) {
    throw Error(SOKR_INVALID_INPUT, fmt::format("'{}': no folder for caches can be made there: {}",
                                                name, std::generic_category().message(errno)));
  }
  folder_ = name;
  clear();
}

CacheFolder::~CacheFolder() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

std::vector<std::string> CacheFolder::variables() const {
  // A trace is of this process.
  std::vector<std::string> all{"SOKR_TRACE="};
  for (const char* name : kCacheVariables) {
    all.push_back(fmt::format("{}={}/{}", name, folder_, name));
  }
  return all;
}

void CacheFolder::clear() {
  std::error_code ignored;
  for (const char* name : kCacheVariables) {
    const fs::path folder = fs::path(folder_) / name;
    fs::remove_all(folder, ignored);
    fs::create_directory(folder, ignored);
    fs::permissions(folder, fs::perms::owner_all, ignored);
  }
}

std::vector<std::string> launch_words(const LaunchFlags& flags, const std::string& substrate) {
  std::vector<std::string> words{"bench", flags.kernel};
  add(words, "--on", substrate);
  add(words, "--entry", flags.entry);
  add(words, "--groups", flags.groups);
  add(words, "--threads", flags.threads);
  add(words, "--local-size", flags.local_size);
  add(words, "--subgroup-size", flags.subgroup_size);
  add_all(words, "--in", flags.in);
  add_all(words, "--zero", flags.zero);
  add_all(words, "--out", flags.out);
  add_all(words, "--push", flags.push);
  add_all(words, "--spec", flags.spec);
  add_all(words, "--swap", flags.swap);
  if (flags.cast) words.emplace_back("--cast");
  return words;
}

FirstTimes measure_first(const LaunchFlags& flags, const std::string& substrate,
                         std::span<const std::byte> kernel, int count) {
  FirstTimes times;
  if (const std::string file = not_read_again(flags); !file.empty()) {
    times.reason = fmt::format("'{}' is no file that other processes can read, too", file);
    return times;
  }
  std::vector<std::string> words = launch_words(flags, substrate);
  words.emplace_back("--probe");
  std::optional<UnnamedFile> file;
  if (flags.kernel == "-") file.emplace(kernel);
  const int input = file ? file->descriptor() : -1;
  const EndKept kept;  // until the folder is gone
  CacheFolder caches;
  std::vector<double> ever, cold;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    if (i > 0 && std::chrono::steady_clock::now() - begin > kEnough) break;
    caches.clear();
    const auto first = probe(words, caches.variables(), input);
    // What comes again may be made better: a cache is warm after the second process.
    const auto second = first ? probe(words, caches.variables(), input) : std::nullopt;
    const auto third = second ? probe(words, caches.variables(), input) : std::nullopt;
    if (!third) break;
    ever.push_back(*first);
    cold.push_back(*third);
  }
  if (ever.empty()) {
    times.reason = "a process of its own did not end as this one did";
    return times;
  }
  times.ever = measure::median(ever);
  times.cold_process = measure::median(cold);
  return times;
}

}  // namespace sokr::cli
