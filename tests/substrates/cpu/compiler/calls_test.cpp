// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which functions are inlined and which are shared, by how large they are and how often they are
// called.
#include "compiler/program/calls.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "programs.hpp"

namespace sokr::cpu::test {
namespace {

// A kernel that calls a function of two numbers, which has `body` and gives %f_end, so often; what
// is given second is `second`. Numbers are handed over by way of variables, as front ends have it.
std::string calls_of(const std::string& body, int times, const std::string& second = "%own",
                     const std::string& function_declarations = {}) {
  std::string text = kernel_text(
      64,
      [&] {
        std::string calls = "%r0 = OpCopyObject %uint %own\n";
        for (int k = 1; k <= times; ++k)
          calls += fmt::format(
              "OpStore %first_{0} %r{1}\nOpStore %second_{0} {2}\n"
              "%r{0} = OpFunctionCall %uint %f %first_{0} %second_{0}\n",
              k, k - 1, second);
        return calls + fmt::format("OpStore %out_place %r{}\n", times);
      }(),
      "%to_own = OpTypePointer Function %uint\n"
      "%takes_two = OpTypeFunction %uint %to_own %to_own\n" +
          function_declarations);
  std::string variables;
  for (int k = 1; k <= times; ++k)
    variables += fmt::format(
        "%first_{0} = OpVariable %to_own Function\n%second_{0} = OpVariable %to_own Function\n", k);
  const std::string start = "%start = OpLabel\n";
  text.insert(text.find(start) + start.size(), variables);
  return text + R"(
    %f = OpFunction %uint None %takes_two
    %f_first = OpFunctionParameter %to_own
    %f_second = OpFunctionParameter %to_own
    %f_start = OpLabel
    %fx = OpLoad %uint %f_first
    %fy = OpLoad %uint %f_second
)" + body +
         "OpReturnValue %f_end\nOpFunctionEnd\n";
}

std::string straight(int instructions) {
  std::string body = "%f0 = OpBitwiseXor %uint %fx %fy\n";
  for (int k = 1; k < instructions; ++k)
    body += fmt::format("%f{} = {} %uint %f{} %fy\n", k, k % 2 ? "OpIMul" : "OpIAdd", k - 1);
  return body + fmt::format("%f_end = OpCopyObject %uint %f{}\n", instructions - 1);
}

// Branches one behind the other.
std::string branches(int count) {
  std::string body = "%f0 = OpCopyObject %uint %fx\nOpBranch %merge0\n%merge0 = OpLabel\n";
  for (int k = 1; k <= count; ++k)
    body += fmt::format(
        "%less{0} = OpULessThan %bool %f{1} %fy\nOpSelectionMerge %merge{0} None\n"
        "OpBranchConditional %less{0} %yes{0} %merge{0}\n%yes{0} = OpLabel\n"
        "%more{0} = OpIAdd %uint %f{1} %fy\nOpBranch %merge{0}\n%merge{0} = OpLabel\n"
        "%f{0} = OpPhi %uint %f{1} %merge{1} %more{0} %yes{0}\n",
        k, k - 1);
  return body + fmt::format("%f_end = OpCopyObject %uint %f{}\n", count);
}

const std::string kLoop = R"(
    OpBranch %head
    %head = OpLabel
    %k = OpPhi %uint %u1 %f_start %k_new %next
    %sum = OpPhi %uint %fx %f_start %sum_new %next
    OpLoopMerge %after %next None
    OpBranch %tests
    %tests = OpLabel
    %goes = OpULessThan %bool %k %fy
    OpBranchConditional %goes %round %after
    %round = OpLabel
    %sum_new = OpIMul %uint %sum %k
    OpBranch %next
    %next = OpLabel
    %k_new = OpIAdd %uint %k %u1
    OpBranch %head
    %after = OpLabel
    %f_end = OpCopyObject %uint %sum
)";

bool is_shared(const std::string& text) {
  const Lowered lowered = lower_text(text);
  const spirv::Module& module = *lowered.program.module;
  const Result<CallPlan> plan = plan_calls(module, *lowered.program.entry);
  EXPECT_TRUE(plan) << plan.failure().sentence;
  return plan && !plan->shared.empty();
}

TEST(Calls, OfFewInstructionsAreInlinedHoweverMany) {
  EXPECT_FALSE(is_shared(calls_of(straight(4), 20)));
  EXPECT_FALSE(is_shared(calls_of(straight(4), 700)));
  EXPECT_FALSE(is_shared(calls_of(straight(4), 3000)));
}

TEST(Calls, OfStraightFunctionsAreInlinedWhileThatIsNotMuch) {
  EXPECT_FALSE(is_shared(calls_of(straight(60), 100)));
  EXPECT_TRUE(is_shared(calls_of(straight(100), 100)));
  EXPECT_TRUE(is_shared(calls_of(straight(60), 500)));
}

TEST(Calls, OfFunctionsThatBranchAreSharedEarlier) {
  EXPECT_FALSE(is_shared(calls_of(branches(2), 30)));
  EXPECT_TRUE(is_shared(calls_of(branches(2), 200)));
  EXPECT_FALSE(is_shared(calls_of(kLoop, 30)));
  EXPECT_TRUE(is_shared(calls_of(kLoop, 200)));
}

TEST(Calls, ThatAreGivenConstantsAreInlinedLonger) {
  EXPECT_TRUE(is_shared(calls_of(straight(90), 100)));
  EXPECT_FALSE(is_shared(calls_of(straight(90), 100, "%u3")));
}

TEST(Calls, OfSmallFunctionsAreSharedWhereAKernelWouldBeRefused) {
  EXPECT_TRUE(is_shared(calls_of(straight(8), 9000)));
}

}  // namespace
}  // namespace sokr::cpu::test
