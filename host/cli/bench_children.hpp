// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The first dispatch of a process, measured in processes of their own: `sokr bench --probe` does
// one dispatch and prints how many nanoseconds it took.
#ifndef SOKR_CLI_BENCH_CHILDREN_HPP_
#define SOKR_CLI_BENCH_CHILDREN_HPP_

#include <sys/types.h>

#include <csignal>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "command.hpp"

namespace sokr::cli {

// A file in memory, which processes that this one starts read by its path as long as it is there.
// It needs no folder that can be written to.
class UnnamedFile {
 public:
  // Throws an Error if there is no room for it.
  explicit UnnamedFile(std::span<const std::byte> bytes);
  ~UnnamedFile();
  UnnamedFile(const UnnamedFile&) = delete;
  UnnamedFile& operator=(const UnnamedFile&) = delete;
  std::string path() const;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// While one is there, a signal that asks this process to end (Ctrl-C, a terminal that goes away,
// whoever ends a job) ends the children that are at work, each with its group, and this process
// when it is gone: what has to be put away is put away before. One at a time.
class EndKept {
 public:
  EndKept();
  ~EndKept();
  EndKept(const EndKept&) = delete;
  EndKept& operator=(const EndKept&) = delete;
  // A child is at work, until it is known to have ended and before it is waited for. At most
  // kChildren are.
  static void begin(pid_t child);
  static void end(pid_t child);
  // Has such a signal come?
  static bool is_asked();

  static constexpr std::size_t kChildren = 4;

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[std::size(kSignals)] = {};
};

// A folder for the caches of kernels, ours and of drivers, which is gone at the end.
class CacheFolder {
 public:
  CacheFolder();
  ~CacheFolder();
  CacheFolder(const CacheFolder&) = delete;
  CacheFolder& operator=(const CacheFolder&) = delete;
  // NAME=VALUE for the environment of a process that uses them.
  std::vector<std::string> variables() const;
  // Nothing is in them any more.
  void clear();

 private:
  std::string folder_;
};

// Medians of some processes, ns; none where it could not be measured: then `reason` says why.
struct FirstTimes {
  std::optional<double> ever, cold_process;
  std::string reason;
};

// The words of `sokr` that launch the same on one substrate; empty: on none that they name.
std::vector<std::string> launch_words(const LaunchFlags& flags, const std::string& substrate);

// The files that a launch reads: its kernel, unless this is standard input, inputs, and what --push
// takes from files.
std::vector<std::string> files_read(const LaunchFlags& flags);

// A file of the launch that is read once, as a pipe is: for another process it is not there, or it
// waits for a writer for ever. Empty if there is none; a kernel on standard input is not among
// them.
std::string not_read_again(const LaunchFlags& flags);

// With empty caches, and again with those that this has filled. `kernel` is what the standard
// input of the processes gives. `count` processes of each, fewer where one takes long.
FirstTimes measure_first(const LaunchFlags& flags, const std::string& substrate,
                         std::span<const std::byte> kernel, int count);

}  // namespace sokr::cli

#endif  // SOKR_CLI_BENCH_CHILDREN_HPP_
