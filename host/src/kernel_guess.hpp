// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What bytes are that no IR plugin knows, so that the sentence can say how a kernel is made of
// them. Any thread.
#ifndef SOKR_HOST_KERNEL_GUESS_HPP_
#define SOKR_HOST_KERNEL_GUESS_HPP_

#include <cstddef>
#include <span>
#include <string>

namespace sokr::host {

// "GLSL source; compile it: glslc ...". Empty if it is nothing that is known here. Looks at the
// first 64 KiB.
std::string guess_kernel(std::span<const std::byte> bytes);

}  // namespace sokr::host

#endif  // SOKR_HOST_KERNEL_GUESS_HPP_
