// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is asked about a program again and again, from the program alone: which loop a block is in,
// where a pointer leads, whether memory keeps its values.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_QUERIES_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_QUERIES_HPP_

#include <optional>

#include "compiler/program/program.hpp"

namespace sokr::cpu {

// The innermost loop around a block; kNone = none.
std::uint32_t innermost_loop(const Program& program, std::uint32_t block);

// Where a pointer to private memory leads: the variable and, if every index is a
// constant, the first leaf.
struct PrivatePlace {
  Id variable = 0;
  std::optional<std::uint32_t> leaf;
};
// The variable at the root of a pointer: a private variable's or a module variable's id;
// 0 if the pointer is computed.
Id root_of(const Program& program, Id pointer);
// Looks through copies and phis of one value.
Id look_through(const Program& program, Id id);
std::optional<PrivatePlace> private_place(const Program& program, Id pointer);
const PrivateVariable* private_variable(const Program& program, Id id);
// Does the memory of a buffer keep its values while the kernel runs?
bool keeps_values(const spirv::Module& module, const spirv::Variable& variable,
                  bool assume_no_alias);
// Does a load, a store or a copy of memory by its own operands look at what other workgroups write
// meanwhile, or let them look? Within a workgroup all is the work of one thread.
bool is_shared_live(const Program& program, const Inst& access);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_QUERIES_HPP_
