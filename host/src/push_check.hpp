// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Pushed numbers against the block that they are pushed into. Any thread.
#ifndef SOKR_HOST_PUSH_CHECK_HPP_
#define SOKR_HOST_PUSH_CHECK_HPP_

#include <sokr/ir.h>

#include <cstdint>
#include <sokr/base/result.hpp>
#include <span>

namespace sokr::host {

// Bytes; a bool takes 4. 0 for what is no SokrIrScalar.
std::uint32_t scalar_size(std::uint32_t type);

// `given` and `held` are sorted by offset. A number in padding, or behind the block, is no
// mismatch; signed and unsigned are alike. The sentence names the member and what it is.
Result<void> check_push(std::span<const SokrIrPushScalar> given,
                        std::span<const SokrIrPushScalar> held, const SokrIrEntryPoint& entry);

}  // namespace sokr::host

#endif  // SOKR_HOST_PUSH_CHECK_HPP_
