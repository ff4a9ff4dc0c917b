// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loops that end by themselves, since they count to a limit and do not step over it.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ENDINGS_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ENDINGS_HPP_

#include <cstdint>

#include "compiler/program/program.hpp"

namespace sokr::cpu {

// Where the block leaves the loop at the latest when a counter of at most 32 bits has come to a
// limit, and the counter cannot step over that and wrap around: the limit, which has to stay what
// it is. 0 of any other block.
Id limit_of_counted_exit(const Program& p, std::uint32_t loop, std::uint32_t block);

// Whether every round of a loop comes by a block.
bool is_in_every_round(const Program& p, std::uint32_t loop, std::uint32_t block);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_ENDINGS_HPP_
