// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One operation among the invocations of a subgroup each, with what has to come out.
#ifndef SOKR_TESTS_CPU_SUBGROUP_KERNELS_HPP_
#define SOKR_TESTS_CPU_SUBGROUP_KERNELS_HPP_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace sokr::cpu::test {

// Binding 0 holds a word for each invocation of one workgroup of kSubgroupInvocations, binding 1
// takes another.
inline constexpr std::uint32_t kSubgroupInvocations = 64;

struct SubgroupKernel {
  std::string name, text;
  // What invocation `lane` of a subgroup with these words gets.
  std::function<std::uint32_t(std::span<const std::uint32_t> words, std::uint32_t lane)> expect;
};

std::vector<SubgroupKernel> subgroup_kernels();

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_SUBGROUP_KERNELS_HPP_
