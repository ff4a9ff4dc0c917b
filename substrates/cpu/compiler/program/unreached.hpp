// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Blocks that nobody gets to: behind a branch on a constant, after a return, after a call that
// never returns.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_UNREACHED_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_UNREACHED_HPP_

#include <cstdint>
#include <vector>

#include "compiler/program/program.hpp"

namespace sokr::cpu {

enum class Reach : std::uint8_t {
  kNot,
  kKept,     // the continue construct of a loop that always ends in its first round
  kReached,  // control flow comes to it
};

std::vector<Reach> reach_of_blocks(const Program& program);

// Is the way from one block to another one that a predecessor is by? Out of a continue construct
// that nobody comes to there is only the way back.
bool is_way(const std::vector<Reach>& reach, std::uint32_t from, std::uint32_t to);

// Removes blocks that are not reached, and the constructs that begin in them. Blocks that a
// construct is known by stay. Constructs are nested; definitions and predecessors are out of date
// afterwards.
void remove_unreached(Program& program);

// Takes from phis what comes from blocks that are no predecessors any more.
void drop_ways_not_taken(Program& program);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_UNREACHED_HPP_
