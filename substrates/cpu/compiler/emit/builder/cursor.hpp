// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Where emission is: in which function, which block of the program, for whom.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_CURSOR_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_CURSOR_HPP_

#include <cstdint>

#include "compiler/emit/builder/val.hpp"

namespace sokr::cpu {

struct Cursor {
  llvm::Function* function = nullptr;
  BasicBlock* entry = nullptr;  // of the function: allocas, and what is loaded once
  BasicBlock* leave = nullptr;  // returns
  LlvmValue* pass = nullptr;    // i32; null outside of a loop over passes
  Val entry_mask;               // the active mask that the pass began with
  Val mask;                     // the active mask of the block
  std::uint32_t block = 0;      // of the program
  int divergent = 0;            // more than 0: the code is for those who have parted
  int robust = 0;          // more than 0: the code tests lanes one by one, and hardly ever runs
  bool contracts = false;  // may products and sums of the instruction be contracted?
};

// While it lives, code is made for those who have parted.
class DivergentCode {
 public:
  explicit DivergentCode(Cursor& at) : at_(at) { ++at_.divergent; }
  ~DivergentCode() { --at_.divergent; }
  DivergentCode(const DivergentCode&) = delete;
  DivergentCode& operator=(const DivergentCode&) = delete;

 private:
  Cursor& at_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_EMIT_BUILDER_CURSOR_HPP_
