// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATE_RETIRE_GRACE_HPP_
#define SOKR_SUBSTRATE_RETIRE_GRACE_HPP_

#include <chrono>

namespace sokr::substrate {

// How long what is under way has to end by itself when its substrate is about to be deregistered
// while somebody is inside (docs/contract.md, LIF-8).
inline constexpr std::chrono::milliseconds kRetireGrace{3'000};

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_RETIRE_GRACE_HPP_
