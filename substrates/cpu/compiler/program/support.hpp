// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which instructions and capabilities the code generator has, and which of its parts emits each
// instruction.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_SUPPORT_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_SUPPORT_HPP_

#include <cstdint>
#include <optional>
#include <sokr/spirv/instructions.hpp>
#include <sokr/spirv/module.hpp>

namespace sokr::cpu {

struct Inst;

enum class Handler : std::uint8_t {
  kUnknown,  // not supported
  kNothing,
  kMemory,
  kPointer,  // access chains: emitted where they are used
  kPointerTest,
  kComposite,
  kArithmetic,
  kConversion,
  kWideInteger,
  kMatrix,
  kDotProduct,
  kExtension,
  kSubgroup,
  kAtomic,
};

Handler handler_of(spv::Op op);
bool supports(spv::Capability capability);
// An OpGroupNonUniform instruction: a scope is its first operand.
bool is_group_operation(spv::Op op);
// The one that does what an instruction of SPV_KHR_shader_ballot or SPV_KHR_subgroup_vote
// does, which has the same operands but for the scope. OpNop for all others.
spv::Op with_scope(spv::Op op);
bool supports_glsl_std_450(std::uint32_t instruction);

// How a program's instruction makes its result, its own kinds among them; nothing where that is not
// known, which `check` refuses.
std::optional<spirv::ResultRule> result_rule(const Inst& inst);
// Does it do more than give a result, so that doing it twice is not doing it once? Reading is no
// effect, nor is what only takes values from other invocations.
bool has_effects(spv::Op op);

// May the instruction end a block of a compute kernel?
bool ends_a_block(spv::Op op);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_SUPPORT_HPP_
