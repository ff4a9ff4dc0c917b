// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which substrates a launch runs on.
#ifndef SOKR_CLI_SELECTION_HPP_
#define SOKR_CLI_SELECTION_HPP_

#include <sokr/sokr.hpp>
#include <span>
#include <string>
#include <vector>

#include "plan.hpp"

namespace sokr::cli {

// "vulkan:0 (llvmpipe)"
std::string label(const Substrate& substrate);

// Those of --on, in its order. A name that matches nothing is a UsageError.
std::vector<Substrate> named_substrates(const Context& context,
                                        const std::vector<std::string>& names);

// Throws unless each can run the kernel and this launch.
void require_capable(std::span<const Substrate> substrates, const Kernel& kernel, const Plan& plan);

}  // namespace sokr::cli

#endif  // SOKR_CLI_SELECTION_HPP_
