// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A program that is run to see whether it survives: what a driver does there to its process, it
// does to nobody else's. It is started without fork(), in a process group of its own.
#ifndef SOKR_VULKAN_CHILD_HPP_
#define SOKR_VULKAN_CHILD_HPP_

#include <chrono>
#include <cstdint>
#include <sokr/base/result.hpp>
#include <span>
#include <string>
#include <vector>

namespace sokr::vulkan {

struct Child {
  std::string program;  // a path
  std::vector<std::string> arguments;
  std::vector<std::string> settings;      // "NAME=value", in front of this process's own
  std::span<const std::uint8_t> input;    // all that it can read from its standard input
  std::chrono::milliseconds patience{0};  // then it is killed, and whatever it started
};

struct ChildEnd {
  std::string output;  // what it wrote to its standard output: the first 64 KiB
  bool timed_out = false;
  bool killed = false;  // by a signal that says nothing of it: SIGKILL, from here or elsewhere
  // "signal 11 (Segmentation fault)" or "exit code 3"; "the end of its process" where another part
  // of the program collected it.
  std::string how;
};

// Blocks until it has closed its standard output, at most for as long as its patience. Fails if it
// could not be started. Its standard error is nowhere. Any thread.
Result<ChildEnd> run_child(const Child& child);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_CHILD_HPP_
