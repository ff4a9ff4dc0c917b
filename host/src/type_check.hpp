// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The numbers of a launch against what the kernel has in their place. Signed and unsigned are
// alike. Any thread.
#ifndef SOKR_HOST_TYPE_CHECK_HPP_
#define SOKR_HOST_TYPE_CHECK_HPP_

#include <sokr/ir.h>

#include <cstdint>
#include <sokr/base/result.hpp>
#include <span>
#include <utility>

namespace sokr::host {

// Bytes; a bool takes 4. 0 for what is no SokrIrScalar.
std::uint32_t scalar_size(std::uint32_t type);

// `given` and `held` are sorted by offset. A number in padding, or behind the block, is no
// mismatch. The sentence names the member and what it is.
Result<void> check_push(std::span<const SokrIrPushScalar> given,
                        std::span<const SokrIrPushScalar> held, const SokrIrEntryPoint& entry);

// A specialization constant's id, and what its value was given as.
using SpecType = std::pair<std::uint32_t, SokrIrScalar>;

// An integer may stand for a bool. What the kernel does not declare is not looked at.
Result<void> check_specializations(std::span<const SpecType> given,
                                   const SokrIrReflection& reflection);

}  // namespace sokr::host

#endif  // SOKR_HOST_TYPE_CHECK_HPP_
