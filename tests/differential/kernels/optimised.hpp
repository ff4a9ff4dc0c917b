// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A module as compilers hand it over, and as what spirv-opt makes of it.
#ifndef SOKR_TESTS_DIFFERENTIAL_OPTIMISED_HPP_
#define SOKR_TESTS_DIFFERENTIAL_OPTIMISED_HPP_

#include <cstdint>
#include <span>
#include <vector>

namespace sokr::differential {

enum class Optimised : std::uint8_t { kNot, kForSpeed, kForSize };
inline constexpr Optimised kAllOptimised[] = {Optimised::kNot, Optimised::kForSpeed,
                                              Optimised::kForSize};
const char* name_of(Optimised how);

// Nothing if the optimiser makes no valid module of it.
std::vector<std::uint32_t> optimised(std::span<const std::uint32_t> words, Optimised how);

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_OPTIMISED_HPP_
