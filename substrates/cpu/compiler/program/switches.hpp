// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_SWITCHES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_SWITCHES_HPP_

#include "compiler/program/program.hpp"

namespace sokr::cpu {

// Makes one switch of tests of one value, each of which is asked where the one before it failed.
void make_switches(Program& program);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_SWITCHES_HPP_
