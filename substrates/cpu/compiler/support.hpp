// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which instructions and capabilities the code generator has, and which of its parts emits each
// instruction.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_SUPPORT_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_SUPPORT_HPP_

#include <cstdint>
#include <sokr/spirv/module.hpp>

namespace sokr::cpu {

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

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_SUPPORT_HPP_
