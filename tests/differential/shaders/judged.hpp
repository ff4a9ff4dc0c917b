// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Shaders with what has to come out of them by the tests' own reckoning: the conformance suite's
// cases, the pitfalls, the twins.
#ifndef SOKR_TESTS_DIFFERENTIAL_SHADERS_JUDGED_HPP_
#define SOKR_TESTS_DIFFERENTIAL_SHADERS_JUDGED_HPP_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "case.hpp"
#include "expectations.hpp"

namespace sokr::differential {

struct Judged {
  std::string name;
  std::filesystem::path module;
  // The launch for subgroups of that many invocations.
  std::function<conformance::Case(std::uint32_t lanes)> make;
  // Why a substrate is not asked; empty if it is.
  std::function<std::string(const conformance::Profile&)> not_on;
};

// Compiled without optimization by this build. Each case has its first inputs and each twin one
// size of the grid, in turn; or all.
std::vector<Judged> judged_shaders(bool all_sizes);

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_SHADERS_JUDGED_HPP_
