// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Random integer expressions of an invocation's place, as a kernel's text and as a function: what
// the compiler claims to know of their values can be held against the values.
#ifndef SOKR_TESTS_CPU_EXPRESSIONS_HPP_
#define SOKR_TESTS_CPU_EXPRESSIONS_HPP_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace sokr::cpu::test {

struct Node {
  const char* op = "";  // nullptr-free; "OpIAdd", or "x", "l", "same", "own", "constant"
  std::uint32_t a = 0, b = 0, c = 0;  // nodes before this one
  std::uint32_t constant = 0;
};

// What one invocation computes with.
struct Invocation {
  std::uint32_t x = 0, l = 0, same = 0, own = 0;
};

class Expressions {
 public:
  // `count` results of operations.
  Expressions(std::mt19937& random, std::uint32_t count);

  // The value of each node; every operation wraps as it does in SPIR-V.
  std::vector<std::uint32_t> values(const Invocation& at) const;
  // A kernel that stores them all, with results named "n5".
  std::string text(std::uint32_t size) const;
  const std::vector<Node>& nodes() const { return nodes_; }
  std::string describe(std::uint32_t node) const;

 private:
  std::vector<Node> nodes_;
};

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_EXPRESSIONS_HPP_
