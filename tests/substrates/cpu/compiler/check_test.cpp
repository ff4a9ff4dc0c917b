// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Modules that the validator accepts and the compiler must refuse: found by changing others.
#include <fmt/format.h>
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
  const auto result = check_wholly(**decoded, **entry);
  const auto code = compile(**decoded, **entry);
  EXPECT_EQ(result.ok(), code.ok());
  // What is known before lowering is not said otherwise.
  EXPECT_TRUE(!result || check(**decoded, **entry));
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

TEST(Refusals, OnlyWhatComputeKernelsHaveEndsABlock) {
  std::string text = kernel(kIndex, R"(
    %word = OpIAdd %uint %index %index
    OpSelectionMerge %after None
    OpBranchConditional %always %ends %after
    %ends = OpLabel
    OpKill
    %after = OpLabel)");
  text.insert(text.find("%main = OpFunction"),
              "%bool = OpTypeBool\n%always = OpConstantTrue %bool\n");
  const Bytes module = assemble(text);
  const auto decoded = spirv::decode(module);
  ASSERT_TRUE(decoded) << decoded.failure().sentence;
  const auto result = check(**decoded, **(*decoded)->entry_point(""));
  ASSERT_FALSE(result);
  EXPECT_NE(result.failure().sentence.find("OpKill ends a block"), std::string::npos)
      << result.failure().sentence;
}

// Each of them is small; together they are more than an invocation may have.
TEST(Refusals, ManySmallVariablesAreCountedBeforeAnythingIsCompiled) {
  std::string text = kernel(std::string(kIndex), "%word = OpIAdd %uint %index %index");
  const std::string label = "%label = OpLabel\n";
  std::string variables;
  for (int i = 0; i < 16'400; ++i)
    variables += fmt::format("%v{} = OpVariable %to_small Function\n", i);
  for (int i = 0; i < 16'400; ++i)
    variables += fmt::format("%p{0} = OpAccessChain %to_own %v{0} %low\nOpStore %p{0} %low\n", i);
  text.insert(text.find("%main = OpFunction"), R"(%count = OpConstant %uint 64
    %small = OpTypeArray %uint %count
    %to_small = OpTypePointer Function %small
    %to_own = OpTypePointer Function %uint
    )");
  text.insert(text.find("%index = OpLoad"), "%low = OpLoad %uint %in\n");
  const std::size_t at = text.find("%low = OpLoad");
  text.insert(at, variables.substr(0, variables.find("%p0")));
  text.insert(text.find("%index = OpLoad"), variables.substr(variables.find("%p0")));
  EXPECT_NE(refusal(text), "");
}

// Functions that call one another `times` times each, `levels` deep, with `body` in the last.
std::string calls(int levels, int times, const std::string& body) {
  std::string text = kernel(kIndex, R"(
    %word = OpFunctionCall %uint %f0 %index
    OpStore %at %word
    OpReturn
    OpFunctionEnd)");
  text.erase(text.find("OpFunctionEnd") + 13);  // what the kernel itself ends with
  text.insert(text.find("%main = OpFunction"), "%takes_one = OpTypeFunction %uint %uint\n    ");
  for (int level = 0; level <= levels; ++level) {
    text += fmt::format(
        "\n%f{0} = OpFunction %uint None %takes_one\n%x{0}_0 = OpFunctionParameter %uint\n"
        "%l{0} = OpLabel\n",
        level);
    int last = 0;
    if (level == levels) {
      text += body + fmt::format("\n%x{0}_1 = OpIAdd %uint %x{0}_0 %x{0}_0\n", level);
      last = 1;
    } else {
      for (; last < times; ++last)
        text += fmt::format("%x{0}_{1} = OpFunctionCall %uint %f{2} %x{0}_{3}\n", level, last + 1,
                            level + 1, last);
    }
    text += fmt::format("OpReturnValue %x{}_{}\nOpFunctionEnd\n", level, last);
  }
  return text;
}

constexpr const char* kBarrier = "OpControlBarrier %workgroup %workgroup %semantics";

std::string with_barrier(std::string text) {
  text.insert(text.find("%main = OpFunction"),
              "%workgroup = OpConstant %uint 2\n%semantics = OpConstant %uint 264\n");
  return text;
}

TEST(Refusals, CallsAreSharedOrCounted) {
  EXPECT_EQ(refusal(calls(4, 16, "")), "");
  EXPECT_EQ(refusal(calls(200, 1, "")), "");
  EXPECT_EQ(refusal(calls(100, 2, "")), "");
  EXPECT_EQ(refusal(with_barrier(calls(2, 16, kBarrier))), "");
  const std::string many = refusal(with_barrier(calls(5, 16, kBarrier)));
  EXPECT_NE(many.find("it holds a barrier"), std::string::npos) << many;
  EXPECT_NE(many.find("times"), std::string::npos) << many;
  const std::string deep = refusal(with_barrier(calls(70, 1, kBarrier)));
  EXPECT_NE(deep.find("nest deeper than 64"), std::string::npos) << deep;
  const std::string both = refusal(with_barrier(calls(60, 2, kBarrier)));
  EXPECT_NE(both.find("it holds a barrier"), std::string::npos) << both;
}

// A kernel that reads an array of `length` words, and writes it with its first element changed.
std::string changed_array(std::uint32_t length) {
  std::string text = kernel(std::string(kIndex) + R"(
    OpDecorate %fixed ArrayStride 4
    OpDecorate %whole Block
    OpMemberDecorate %whole 0 Offset 0
    OpDecorate %other DescriptorSet 0
    OpDecorate %other Binding 1)",
                            R"(
    %from = OpAccessChain %to_fixed %other %zero
    %value = OpLoad %fixed %from
    %changed = OpCompositeInsert %fixed %index %value 0
    OpStore %from %changed
    %word = OpCompositeExtract %uint %value 1)");
  text.insert(text.find("%main = OpFunction"),
              fmt::format("%length = OpConstant %uint {}\n%fixed = OpTypeArray %uint %length\n"
                          "%whole = OpTypeStruct %fixed\n"
                          "%to_whole = OpTypePointer StorageBuffer %whole\n"
                          "%to_fixed = OpTypePointer StorageBuffer %fixed\n"
                          "%other = OpVariable %to_whole StorageBuffer\n",
                          length));
  return text;
}

TEST(Refusals, LargeValuesTakePrivateMemory) {
  EXPECT_EQ(refusal(changed_array(100)), "");
  EXPECT_EQ(refusal(changed_array(500'000)), "");
  const std::string why = refusal(changed_array(1u << 28));
  EXPECT_NE(why.find("private memory"), std::string::npos) << why;
}

// Undefined images that nothing uses.
TEST(Refusals, AnUnusedUndefinedImageIsNone) {
  for (const char* type : {"%image", "%sampler", "%sampled"}) {
    std::string text =
        kernel(kIndex, fmt::format("%none = OpUndef {}\n%word = OpIAdd %uint %index %index", type));
    text.insert(text.find("%main = OpFunction"),
                "%image = OpTypeImage %float 2D 0 0 0 1 Unknown\n%sampler = OpTypeSampler\n"
                "%sampled = OpTypeSampledImage %image\n");
    EXPECT_EQ(refusal(text), "") << type;
    TestLaunch launch;
    launch.buffers = {{0, 0, Bytes(32)}};
    const auto ran = run_reference(assemble(text), launch);
    EXPECT_TRUE(ran) << (ran ? "" : ran.failure().sentence);
    const std::size_t at = text.find("%word =");
    text.insert(at, fmt::format("%copy = OpCopyObject {} %none\n", type));
    const std::string why = refusal(text);
    EXPECT_NE(why.find("images or extensions"), std::string::npos) << type << ": " << why;
  }
}

}  // namespace
}  // namespace sokr::cpu::test
