// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Compiles the functions of codegen/builtins.hpp.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_BUILTINS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_BUILTINS_HPP_

#include <cstdint>
#include <sokr/base/result.hpp>
#include <vector>

#include "compiler/codegen/builtins.hpp"

namespace sokr::cpu {

// The object file for any processor with the instruction set, whatever this machine's is.
Result<std::vector<std::uint8_t>> compile_builtins(Isa isa);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_BUILTINS_HPP_
