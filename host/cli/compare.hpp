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

namespace sokr::cli {

// |a - b| <= absolute + relative * max(|a|, |b|); NaN agrees with NaN, infinity with itself.
struct Tolerance {
  double absolute = 0, relative = 0;
};
Tolerance tolerance_of(SokrIrScalar type);

// Empty if they agree; else where they first differ, and how many do: "element 3 is 1.5 and
// 2.5, and 7 others differ". Both have the same size.
std::optional<std::string> difference(std::span<const std::byte> a, std::span<const std::byte> b,
                                      std::optional<SokrIrScalar> type);

}  // namespace sokr::cli

#endif  // SOKR_CLI_COMPARE_HPP_
