// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What --print shows: numbers in a buffer.
#ifndef SOKR_CLI_VALUES_HPP_
#define SOKR_CLI_VALUES_HPP_

#include <span>
#include <string>

#include "output.hpp"
#include "plan.hpp"

namespace sokr::cli {

// Lines of a terminal of `width` columns, each of which begins with the number of its first
// element. `memory` is what bind_buffers gave.
std::string values_text(const Plan& plan, std::span<const PageBuffer> memory, std::size_t width);

// One object for each --print. What is no number in JSON is a string: "nan", "inf", "-inf".
Json values_json(const Plan& plan, std::span<const PageBuffer> memory);

}  // namespace sokr::cli

#endif  // SOKR_CLI_VALUES_HPP_
