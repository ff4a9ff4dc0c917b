// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A kernel from a file or, named "-", from standard input. Errors name the file.
#ifndef SOKR_CLI_KERNEL_FILE_HPP_
#define SOKR_CLI_KERNEL_FILE_HPP_

#include <sokr/sokr.hpp>
#include <string>

namespace sokr::cli {

Kernel open_kernel(const Context& context, const std::string& file);

}  // namespace sokr::cli

#endif  // SOKR_CLI_KERNEL_FILE_HPP_
