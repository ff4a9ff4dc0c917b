// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/spirv/instructions.hpp - what is known of each instruction, in one row.
//
// Which operands are ids comes from the grammar; how a result depends on operands, and what else an
// instruction does, from a row here. What has no row is refused by whoever compiles or runs it:
// nothing is assumed of an instruction that nobody has looked at.
#ifndef SOKR_SPIRV_INSTRUCTIONS_HPP_
#define SOKR_SPIRV_INSTRUCTIONS_HPP_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <spirv/unified1/spirv.hpp11>

namespace sokr::spirv {

// How the result of one invocation follows from the operands, and so when it is the same for all.
enum class ResultRule : std::uint8_t {
  kNoResult,
  kElementwise,      // each component from the same component of the operands, or from scalars
  kMerged,           // each component from all components of all operands
  kSubgroupUniform,  // the same for all of a subgroup, whatever the operands
  kVarying,          // anybody's own, whatever the operands
  kCustom,           // by a rule of its own
};

// What an instruction does besides its result. That of a call is what its function does.
enum class Effect : std::uint8_t {
  kPure,
  kReads,      // memory
  kWrites,     // memory
  kUpdates,    // memory: reads and writes
  kExchanges,  // values with other invocations
  kOrders,     // invocations or memory
};

struct InstructionRow {
  spv::Op op{};
  ResultRule result{};
  Effect effect{};
};

// Null if nothing is known of it. Those that end a block, declare or annotate have none.
const InstructionRow* instruction_row(spv::Op op);

// Kinds of operand words, behind result type and result.
enum class OperandKind : std::uint8_t { kUnknown, kId, kLiteral };

// Of operand word `index`. kUnknown for instructions that the grammar does not know, beyond their
// operands, and where a number of unknown length comes before. What a mask of memory or image
// operands calls for counts as literal: those ids are constants.
OperandKind operand_kind(spv::Op op, std::size_t index);

// The same rules for an instruction of GLSL.std.450; nothing for numbers that are none of a
// compute kernel's.
std::optional<ResultRule> glsl_result_rule(std::uint32_t instruction);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_INSTRUCTIONS_HPP_
