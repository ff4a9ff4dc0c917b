// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The arrays of a reflection, read by the sizes that stand beside them.
#ifndef SOKR_IR_CONFORMANCE_FACTS_HPP_
#define SOKR_IR_CONFORMANCE_FACTS_HPP_

#include <sokr/ir.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace sokr::ir {

// What a size is too small for has no elements.
std::vector<SokrIrEntryPoint> entries_of(const SokrIrReflection& all);
std::vector<SokrIrSpecConstant> constants_of(const SokrIrReflection& all);
// Whether its entry points say the sizes of what they have, since 1.1.
bool has_sizes(const SokrIrReflection& all);
std::vector<SokrIrBinding> bindings_of(const SokrIrEntryPoint& entry, bool sized);
std::vector<SokrIrPushMember> members_of(const SokrIrEntryPoint& entry, bool sized);
std::vector<SokrIrPort> ports_of(const SokrIrEntryPoint& entry, bool sized);
// Of the entry point with this number, if it is known.
std::optional<SokrIrEntryTypes> types_of(const SokrIrReflection& all, std::uint32_t index);

}  // namespace sokr::ir

#endif  // SOKR_IR_CONFORMANCE_FACTS_HPP_
