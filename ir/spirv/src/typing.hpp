// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What readers of a decoded module rely on beyond decoding, for modules that no validator saw:
// every value is defined before it is used on every way, and every instruction's operands have
// types that it can work on. An instruction without a rule here is refused.
#ifndef SOKR_SPIRV_SRC_TYPING_HPP_
#define SOKR_SPIRV_SRC_TYPING_HPP_

#include <sokr/spirv/module.hpp>
#include <sokr/spirv/newer.hpp>

namespace sokr::spirv {

// SOKR_INVALID_IR with the instruction; SOKR_CAPABILITY_DENIED where there is no rule. Time is
// near linear.
Result<void> check_uses(const Module& module);
Result<void> check_types(const Module& module);
// The same of what SPIRV-Tools' validator leaves out, or knows in some versions only: types of
// integer dot products and of what the invocations of a subgroup do together, parts of arrays whose
// length a launch gives, how matrices in memory are laid out, and check_writes().
Result<void> check_unvalidated(const Module& module);

// Is nothing written that is only read, and no array of buffers accessed as one value?
Result<void> check_writes(const Module& module);

// Does an extended instruction suit its types? Of GLSL.std.450 only.
bool suits_glsl_std_450(const Module& module, const Instruction& instruction);

// Does an instruction of a subgroup or a dot product of integers suit its types? nullopt for
// another instruction.
std::optional<bool> suits_group(const Module& module, const Instruction& instruction);

// Does an instruction that works on cooperative matrices suit its types? nullopt for another
// instruction, also for one that does the same with values of every type.
std::optional<bool> suits_cooperative(const Module& module, const Instruction& instruction);

// A scalar or a vector of scalars, seen by its components.
struct Shape {
  TypeKind kind = TypeKind::kOther;  // kBool, kInt, kFloat; kOther = neither scalar nor vector
  std::uint32_t width = 0, count = 0;
  bool operator==(const Shape&) const = default;
};
Shape shape_of(const Module& module, Id type);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_TYPING_HPP_
