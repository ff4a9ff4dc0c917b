// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <random>

#include "kernel_runner.hpp"
#include "subgroup_kernels.hpp"

namespace sokr::cpu::test {
namespace {

using Words = std::vector<std::uint32_t>;

class SubgroupOperations : public testing::TestWithParam<std::uint32_t> {};

TEST_P(SubgroupOperations, GiveWhatTheyAreFor) {
  const std::uint32_t size = GetParam();
  std::mt19937 random(size);
  Words in(kSubgroupInvocations);
  for (auto& x : in) x = static_cast<std::uint32_t>(random());
  std::size_t turn = size;
  for (const SubgroupKernel& kernel : subgroup_kernels()) {
    Words expected;
    for (std::uint32_t i = 0; i < kSubgroupInvocations; ++i)
      expected.push_back(kernel.expect(std::span(in).subspan(i / size * size, size), i % size));
    const Bytes module = assemble(kernel.text);
    TestLaunch launch;
    launch.buffers = {{0, 0, bytes_of(in)}, {0, 1, Bytes(kSubgroupInvocations * 4)}};
    TestLaunch reference = launch;
    const auto done = run_reference(module, reference, size);
    ASSERT_TRUE(done) << kernel.name << ": " << done.failure().sentence;
    EXPECT_EQ(values_of<std::uint32_t>(reference.buffers[1].data), expected)
        << kernel.name << " by the interpreter";
    // Each kernel takes two of the ways to compile it in turn.
    const std::vector<CompileOptions> all = all_options();
    for (int k = 0; k < 2; ++k) {
      CompileOptions options = all[turn++ % all.size()];
      options.subgroup_size = size;
      options.effort = Effort::kQuick;
      TestLaunch actual = launch;
      const auto ran = run_compiled(module, options, actual);
      ASSERT_TRUE(ran) << kernel.name << ", " << describe(options) << ": "
                       << ran.failure().sentence;
      EXPECT_EQ(values_of<std::uint32_t>(actual.buffers[1].data), expected)
          << kernel.name << ", " << describe(options);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, SubgroupOperations, testing::Values(8u, 32u, 64u));

}  // namespace
}  // namespace sokr::cpu::test
