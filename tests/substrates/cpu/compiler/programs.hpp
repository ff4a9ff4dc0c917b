// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels as text, brought as far as the compiler's tests want them, without LLVM.
#ifndef SOKR_TESTS_CPU_PROGRAMS_HPP_
#define SOKR_TESTS_CPU_PROGRAMS_HPP_

#include <memory>
#include <string>
#include <string_view>

#include "compiler/program/program.hpp"

namespace sokr::cpu::test {

struct Lowered {
  std::shared_ptr<const spirv::Module> module;
  Program program;  // as lower() gives it

  // The value that the module calls so; 0 = none (any more).
  Id value(std::string_view name) const;
};

// A test fails and throws if the text is none or is refused.
Lowered lower_text(const std::string& text);

// A kernel with `size` invocations in a row, whose body may name:
//   types %void %bool %uint %int; constants %u0 to %u4; %x, its place in the grid; %l, its place in
//   the workgroup; %same, a number that all read from the same place; %own, one that each reads
//   for itself; %out_place, where it may store.
// `declared` stands among the types. Each result of the body is named in the module.
std::string kernel_text(std::uint32_t size, const std::string& body,
                        const std::string& declared = "");

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_PROGRAMS_HPP_
