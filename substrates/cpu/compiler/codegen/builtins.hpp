// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Functions that drafts call and that depend on no kernel: the elementary functions, and accesses
// of elements. They are compiled when the project is built, once for each instruction set, and
// linked into the kernels that call them: half of what an ordinary draft would have LLVM compile.
//
// What they compute is the same as where they are emitted into the kernel, to the last bit: LLVM
// neither contracts nor reorders, and code for the instruction set alone has the same operations.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_BUILTINS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_BUILTINS_HPP_

#include <cstdint>
#include <set>
#include <sokr/base/result.hpp>
#include <sokr/cpu/kernel.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::cpu {

class Builtins {
 public:
  // Of an object file that stays where it is; SOKR_DISPATCH_FAILED if it is none.
  static Result<Builtins> read(std::span<const std::uint8_t> object);

  bool has(std::string_view name) const { return names_.contains(name); }
  std::span<const std::uint8_t> object() const { return object_; }

 private:
  std::span<const std::uint8_t> object_;
  std::set<std::string, std::less<>> names_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_CODEGEN_BUILTINS_HPP_
