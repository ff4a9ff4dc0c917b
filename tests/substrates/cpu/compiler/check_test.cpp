// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Modules that the validator accepts and the compiler must refuse: found by changing others.
#include <gtest/gtest.h>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

// A kernel that stores `%word` into binding 0; `decorations` and `body` are what differs.
std::string kernel(const std::string& decorations, const std::string& body) {
  return R"(
    OpCapability Shader
    OpCapability GroupNonUniformArithmetic
    OpCapability GroupNonUniformBallot
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %out %in
    OpExecutionMode %main LocalSize 8 1 1
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 0
    OpDecorate %words ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    )" + decorations +
         R"(
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %uint = OpTypeInt 32 0
    %float = OpTypeFloat 32
    %zero = OpConstant %uint 0
    %subgroup = OpConstant %uint 3
    %one = OpConstant %float 1
    %words = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %words
    %to_block = OpTypePointer StorageBuffer %block
    %to_word = OpTypePointer StorageBuffer %uint
    %to_input = OpTypePointer Input %uint
    %out = OpVariable %to_block StorageBuffer
    %in = OpVariable %to_input Input
    %main = OpFunction %void None %function
    %label = OpLabel
    %index = OpLoad %uint %in
    %at = OpAccessChain %to_word %out %zero %index
    )" + body +
         R"(
    OpStore %at %word
    OpReturn
    OpFunctionEnd)";
}

constexpr const char* kIndex = "OpDecorate %in BuiltIn LocalInvocationIndex";

// The sentence of the refusal; empty if there is none.
std::string refusal(const std::string& text) {
  const Bytes module = assemble(text);
  const auto decoded = spirv::decode(module);
  if (!decoded) return "not decoded: " + decoded.failure().sentence;
  const auto entry = (*decoded)->entry_point("");
  const auto result = check(**decoded, **entry);
  const auto code = compile(**decoded, **entry);
  EXPECT_EQ(result.ok(), code.ok());
  return result ? "" : result.failure().sentence;
}

TEST(Refusals, TheKernelWithoutAFaultIsAccepted) {
  EXPECT_EQ(refusal(kernel(kIndex, "%word = OpIAdd %uint %index %index")), "");
}

TEST(Refusals, ALogicalPointerIsNoNumber) {
  const std::string why = refusal(kernel(kIndex, "%word = OpBitcast %uint %out"));
  EXPECT_NE(why.find("OpBitcast"), std::string::npos) << why;
}

TEST(Refusals, ASubgroupOperationKeepsTheTypeThatItWorksOn) {
  EXPECT_EQ(refusal(kernel(kIndex, "%word = OpGroupNonUniformIAdd %uint %subgroup Reduce %index")),
            "");
  for (const char* body : {"%word = OpGroupNonUniformIAdd %uint %subgroup Reduce %one",
                           "%word = OpGroupNonUniformFAdd %uint %subgroup Reduce %index",
                           "%word = OpGroupNonUniformIAdd %uint %subgroup Reduce %out",
                           "%word = OpGroupNonUniformBallotFindLSB %uint %subgroup %index"}) {
    const std::string why = refusal(kernel(kIndex, body));
    EXPECT_NE(why.find("is not of the type"), std::string::npos) << body << ": " << why;
  }
}

TEST(Refusals, AnInputIsBuiltIn) {
  const std::string why = refusal(kernel("", "%word = OpIAdd %uint %index %index"));
  EXPECT_NE(why.find("is not built-in"), std::string::npos) << why;
}

TEST(Refusals, ABufferIsNotBuiltIn) {
  const std::string why =
      refusal(kernel(std::string(kIndex) + "\nOpDecorate %out BuiltIn LocalInvocationIndex",
                     "%word = OpIAdd %uint %index %index"));
  EXPECT_NE(why.find("is built-in"), std::string::npos) << why;
}

}  // namespace
}  // namespace sokr::cpu::test
