// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Do two substrates agree? Bytes have to be equal, except where an output's type says that
// they are floats: those may differ as far as the Vulkan precision rules let two correct
// implementations differ.
#ifndef SOKR_CLI_COMPARE_HPP_
#define SOKR_CLI_COMPARE_HPP_

#include <sokr/ir.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "plan.hpp"

namespace sokr::cli {

// For an output of this type that no --tolerance was given for.
Tolerance tolerance_of(SokrIrScalar type);

// Empty if they agree; else where they first differ, and how many do: "element 3 is 1.5 and
// 2.5, and 7 others differ". Both have the same size. A tolerance that is given holds for
// integers too.
std::optional<std::string> difference(std::span<const std::byte> a, std::span<const std::byte> b,
                                      std::optional<SokrIrScalar> type,
                                      std::optional<Tolerance> given = std::nullopt);

// The same for an output of a launch, as the type that it is written or declared as.
std::optional<std::string> disagreement(const Plan& plan, const PlannedOutput& output,
                                        std::span<const std::byte> a, std::span<const std::byte> b,
                                        const std::optional<Tolerance>& given);

}  // namespace sokr::cli

#endif  // SOKR_CLI_COMPARE_HPP_
