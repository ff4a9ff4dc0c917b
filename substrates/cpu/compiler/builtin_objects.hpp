// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The functions of builtins.hpp that were compiled with this library.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_BUILTIN_OBJECTS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_BUILTIN_OBJECTS_HPP_

#include "compiler/codegen/builtins.hpp"

namespace sokr::cpu {

// Null if there are none for the instruction set. They stay.
const Builtins* builtins_of(Isa isa);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_BUILTIN_OBJECTS_HPP_
