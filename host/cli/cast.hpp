// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which of the types that a kernel's block holds a .npy file may have, and its conversion
// (--cast).
#ifndef SOKR_CLI_CAST_HPP_
#define SOKR_CLI_CAST_HPP_

#include <sokr/ir.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "page_buffer.hpp"

namespace sokr::cli {

// Is a number of this type one of `held`, a set of 1 << SokrIrScalar? Integers of one width
// are alike, signed or not. An empty set is not known and holds everything.
bool holds(std::uint32_t held, SokrIrScalar type);

// What --cast makes of a number of type `from`: the one type that `held` has, signed as
// `from` is where both are there. None if there are several.
std::optional<SokrIrScalar> cast_target(std::uint32_t held, SokrIrScalar from);

// "uint32 or float32": the types of a set as NumPy calls them.
std::string types_text(std::uint32_t held);

// The numbers in another type, as NumPy's astype: floats are rounded to nearest, the fraction
// is cut off for integers. Throws an Error, which begins with `name` and names the element,
// for what the type cannot hold: NumPy would give some other number.
PageBuffer cast(std::span<const std::byte> data, SokrIrScalar from, SokrIrScalar to,
                std::string_view name);

}  // namespace sokr::cli

#endif  // SOKR_CLI_CAST_HPP_
