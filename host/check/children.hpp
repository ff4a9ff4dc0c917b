// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Steps in child processes with a time limit, and what they say through a pipe.
#ifndef SOKR_CHECK_CHILDREN_HPP_
#define SOKR_CHECK_CHILDREN_HPP_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::check {

// The child's end. What cannot be sent is lost, as the child then is.
class Channel {
 public:
  Channel(int fd, std::span<char> doing) : fd_(fd), doing_(doing) {}
  void send(std::uint32_t kind, std::string_view text) const;
  // Memory that the parent reads if the child dies: what it was doing, as a text that ends with 0.
  // Empty when a step begins.
  std::span<char> doing() const { return doing_; }

 private:
  int fd_;
  std::span<char> doing_;
};

struct Said {
  std::uint32_t kind = 0;
  std::string text;
};

// What became of a step.
struct Ended {
  std::vector<Said> said;
  std::string death;  // "the process ended by signal 11 (...), in lower"; empty if it returned
};

using Step = std::function<void(const Channel&)>;

// Runs the steps one after another in one child, and those behind one that killed it in the next.
// `limit` is for each step. `done` is called after each step. What a step writes to standard
// output goes to standard error. Throws std::system_error.
std::vector<Ended> run_in_children(const std::vector<Step>& steps, std::chrono::milliseconds limit,
                                   const std::function<void(std::size_t)>& done);

}  // namespace sokr::check

#endif  // SOKR_CHECK_CHILDREN_HPP_
