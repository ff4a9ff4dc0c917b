// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which functions are inlined where they are called, and which are functions of their own. All are
// inlined while the kernel stays small; else those that save most are shared.
//
// A shared function takes and gives values only: what a pointer to Function or Private memory leads
// to goes in by value and comes back, and so do the Private variables that it and its callees name.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_CALLS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_CALLS_HPP_

#include "compiler/program/program.hpp"

namespace sokr::cpu {

struct Signature {
  std::vector<Id> inputs;        // types: of each parameter (or what it points to), then of globals
  std::vector<Id> outputs;       // types: of the result, if any, of `by_copy`, of `globals`
  std::vector<bool> is_by_copy;  // by parameter
  std::vector<Id> globals;       // Private variables
};

struct CallPlan {
  std::vector<Id> order;  // the shared functions, callees first
  std::unordered_map<Id, Signature> shared;

  const Signature* signature(Id function) const {
    auto it = shared.find(function);
    return it == shared.end() ? nullptr : &it->second;
  }
};

// SOKR_CAPABILITY_DENIED if the kernel is too large or its calls nest too deep however they are
// compiled. Takes time in proportion to the module, whatever its calls would expand to.
Result<CallPlan> plan_calls(const spirv::Module& module, const spirv::EntryPoint& entry);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_CALLS_HPP_
