// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Short branches become selections, where nobody loads what the branch kept them from.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "compiler/program/program.hpp"
#include "programs.hpp"

namespace sokr::cpu::test {
namespace {

// Pushed is { uint; uint[4] }. The element `index` of the array is loaded where %few holds.
std::string pushed_text(const std::string& index) {
  std::string text = kernel_text(
      64,
      fmt::format("%few = OpULessThan %bool %own %u4\nOpSelectionMerge %all None\n"
                  "OpBranchConditional %few %loads %all\n%loads = OpLabel\n"
                  "%pushed_place = OpAccessChain %to_push %pushed %u1 {}\n"
                  "%loaded = OpLoad %uint %pushed_place\nOpBranch %all\n%all = OpLabel\n"
                  "%y = OpPhi %uint %u3 %start %loaded %loads\nOpStore %out_place %y\n",
                  index),
      "%four = OpTypeArray %uint %u4\n%push = OpTypeStruct %uint %four\n"
      "%to_pushes = OpTypePointer PushConstant %push\n%to_push = OpTypePointer PushConstant %uint\n"
      "%pushed = OpVariable %to_pushes PushConstant\n");
  text.insert(text.find("OpDecorate"),
              "OpDecorate %push Block\nOpMemberDecorate %push 0 Offset 0\n"
              "OpMemberDecorate %push 1 Offset 4\nOpDecorate %four ArrayStride 4\n");
  return text;
}

std::size_t branches_left(const std::string& index) {
  Lowered lowered = lower_text(pushed_text(index));
  simplify(lowered.program);
  std::size_t branches = 0;
  for (const Block& block : lowered.program.blocks) branches += block.exit == Exit::kBranch ? 1 : 0;
  return branches;
}

TEST(Simplify, LoadsForAllWhatIsInside) {
  EXPECT_EQ(branches_left("%u0"), 0u);
  EXPECT_EQ(branches_left("%u3"), 0u);
}

TEST(Simplify, LoadsForNobodyElseWhatMayBeOutside) {
  EXPECT_EQ(branches_left("%own"), 1u);
  EXPECT_EQ(branches_left("%same"), 1u);
  EXPECT_EQ(branches_left("%u4"), 1u) << "behind the last element";
}

}  // namespace
}  // namespace sokr::cpu::test
