// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a kernel computes, compiled in many ways, against the reference interpreter, bit by bit.
#ifndef SOKR_TESTS_CPU_COMPILER_SAME_RESULTS_HPP_
#define SOKR_TESTS_CPU_COMPILER_SAME_RESULTS_HPP_

#include <gtest/gtest.h>

#include <vector>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {

inline void expect_same(const Bytes& module, const TestLaunch& launch, std::uint32_t subgroup = 32,
                        const std::vector<CompileOptions>& ways = all_options()) {
  TestLaunch expected = launch;
  auto reference = run_reference(module, expected, subgroup);
  ASSERT_TRUE(reference.ok()) << reference.failure().sentence;
  for (auto options : ways) {
    options.subgroup_size = subgroup;
    TestLaunch actual = launch;
    auto result = run_compiled(module, options, actual);
    ASSERT_TRUE(result.ok()) << describe(options) << ": " << result.failure().sentence;
    for (std::size_t k = 0; k < launch.buffers.size(); ++k) {
      auto want = values_of<std::uint32_t>(expected.buffers[k].data);
      auto got = values_of<std::uint32_t>(actual.buffers[k].data);
      for (std::size_t i = 0; i < want.size(); ++i)
        ASSERT_EQ(want[i], got[i]) << describe(options) << ", buffer " << k << ", element " << i;
    }
  }
}

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_COMPILER_SAME_RESULTS_HPP_
