// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which kernels are known to keep inside of their buffers, and which are not.
#include "inside.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <spirv-tools/libspirv.hpp>
#include <string>
#include <vector>

namespace sokr::vulkan::test {
namespace {

// %data is a block of uint few[16] and uint rest[], %other one of float rest[] alone, %given push
// constants of two uint, and %x what the invocation's global id says.
bool keeps(const std::string& body, const std::string& declarations = "",
           const std::string& locals = "", std::uint64_t* asked = nullptr) {
  const std::string text = fmt::format(R"(
OpCapability Shader
OpCapability VariablePointers
%glsl = OpExtInstImport "GLSL.std.450"
OpMemoryModel Logical GLSL450
OpEntryPoint GLCompute %main "main" %global_id %local_id %local_index
OpExecutionMode %main LocalSize 8 2 1
OpDecorate %global_id BuiltIn GlobalInvocationId
OpDecorate %local_id BuiltIn LocalInvocationId
OpDecorate %local_index BuiltIn LocalInvocationIndex
OpDecorate %block Block
OpMemberDecorate %block 0 Offset 0
OpMemberDecorate %block 1 Offset 64
OpDecorate %only Block
OpMemberDecorate %only 0 Offset 0
OpDecorate %given_block Block
OpMemberDecorate %given_block 0 Offset 0
OpMemberDecorate %given_block 1 Offset 4
OpDecorate %words ArrayStride 4
OpDecorate %uints ArrayStride 4
OpDecorate %data DescriptorSet 0
OpDecorate %data Binding 0
OpDecorate %other DescriptorSet 0
OpDecorate %other Binding 1
%void = OpTypeVoid
%function = OpTypeFunction %void
%bool = OpTypeBool
%uint = OpTypeInt 32 0
%int = OpTypeInt 32 1
%v3uint = OpTypeVector %uint 3
%n0 = OpConstant %uint 0
%n1 = OpConstant %uint 1
%n2 = OpConstant %uint 2
%n8 = OpConstant %uint 8
%n15 = OpConstant %uint 15
%n16 = OpConstant %uint 16
%n17 = OpConstant %uint 17
%n28 = OpConstant %uint 28
%i0 = OpConstant %int 0
%i1 = OpConstant %int 1
%i16 = OpConstant %int 16
%minus = OpConstant %int -1
%words = OpTypeArray %uint %n16
%uints = OpTypeRuntimeArray %uint
%block = OpTypeStruct %words %uints
%only = OpTypeStruct %uints
%given_block = OpTypeStruct %uint %uint
%to_block = OpTypePointer StorageBuffer %block
%to_only = OpTypePointer StorageBuffer %only
%to_uint = OpTypePointer StorageBuffer %uint
%to_given = OpTypePointer PushConstant %given_block
%to_given_uint = OpTypePointer PushConstant %uint
%to_input = OpTypePointer Input %v3uint
%to_input_uint = OpTypePointer Input %uint
%to_local = OpTypePointer Function %uint
%data = OpVariable %to_block StorageBuffer
%other = OpVariable %to_only StorageBuffer
%given = OpVariable %to_given PushConstant
%global_id = OpVariable %to_input Input
%local_id = OpVariable %to_input Input
%local_index = OpVariable %to_input_uint Input
{}
%main = OpFunction %void None %function
%entry = OpLabel
{}
%x_at = OpAccessChain %to_input_uint %global_id %n0
%x = OpLoad %uint %x_at
{}
OpReturn
OpFunctionEnd)",
                                       declarations, locals, body);
  spvtools::SpirvTools tools(SPV_ENV_UNIVERSAL_1_5);
  tools.SetMessageConsumer([](spv_message_level_t, const char*, const spv_position_t& at,
                              const char* what) { ADD_FAILURE() << at.line << ": " << what; });
  std::vector<std::uint32_t> words;
  EXPECT_TRUE(tools.Assemble(text, &words)) << text;
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(words.data()), words.size() * 4);
  const auto module = spirv::decode(bytes);
  if (!module) {
    ADD_FAILURE() << module.failure().sentence << text;
    return false;
  }
  return keeps_inside(**module, (*module)->entry_points()[0], asked);
}

// An access of few[index] behind how the index is made.
bool keeps_few(const std::string& made, const std::string& index) {
  return keeps(made + "\n%at = OpAccessChain %to_uint %data %n0 " + index +
               "\n%loaded = OpLoad %uint %at");
}

// One of rest[%i] of %data where `condition` says so, or does not.
bool keeps_rest(const std::string& made, const std::string& condition, bool where_true = true,
                const std::string& index = "%x", std::uint64_t* asked = nullptr) {
  return keeps(
      fmt::format(
          "{}\n%condition = {}\nOpSelectionMerge %end None\nOpBranchConditional %condition {}\n"
          "%inner = OpLabel\n%at = OpAccessChain %to_uint %data %n1 {}\n%loaded = OpLoad %uint "
          "%at\n"
          "OpBranch %end\n%end = OpLabel",
          made, condition, where_true ? "%inner %end" : "%end %inner", index),
      "", "", asked);
}

constexpr const char* kLength = "%length = OpArrayLength %uint %data 1";

TEST(Inside, WhatTouchesNoBufferIs) {
  EXPECT_TRUE(keeps(""));
}

TEST(Inside, IndicesThatCannotBeLarger) {
  EXPECT_TRUE(keeps_few("", "%n15"));
  EXPECT_FALSE(keeps_few("", "%n16"));
  EXPECT_FALSE(keeps_few("", "%minus"));
  EXPECT_FALSE(keeps_few("", "%x"));
  EXPECT_TRUE(keeps_few("%i = OpBitwiseAnd %uint %x %n15", "%i"));
  EXPECT_FALSE(keeps_few("%i = OpBitwiseAnd %uint %x %n16", "%i"));
  EXPECT_TRUE(keeps_few("%i = OpUMod %uint %x %n16", "%i"));
  EXPECT_FALSE(keeps_few("%i = OpUMod %uint %x %n17", "%i"));
  EXPECT_FALSE(keeps_few("%i = OpUMod %uint %x %x", "%i"));
  EXPECT_TRUE(keeps_few("%i = OpShiftRightLogical %uint %x %n28", "%i"));
  EXPECT_FALSE(keeps_few("%i = OpShiftRightLogical %uint %x %n17", "%i"));
  EXPECT_TRUE(keeps_few("%i = OpExtInst %uint %glsl UMin %x %n15", "%i"));
  EXPECT_TRUE(keeps_few("%i = OpExtInst %uint %glsl UClamp %x %n2 %n15", "%i"));
  EXPECT_FALSE(keeps_few("%i = OpExtInst %uint %glsl UClamp %x %x %n15", "%i"));
  EXPECT_FALSE(keeps_few("%i = OpExtInst %uint %glsl UMax %x %n15", "%i"));
  EXPECT_TRUE(keeps_few("%i = OpLoad %uint %local_index", "%i"));
  EXPECT_FALSE(keeps_few("%l = OpLoad %uint %local_index\n%i = OpIAdd %uint %l %n1", "%i"));
  EXPECT_TRUE(
      keeps_few("%l = OpLoad %v3uint %local_id\n%a = OpCompositeExtract %uint %l 0\n"
                "%b = OpCompositeExtract %uint %l 1\n%c = OpIMul %uint %b %n8\n"
                "%i = OpIAdd %uint %a %c",
                "%i"));
  // Wraps, and is anything.
  EXPECT_FALSE(keeps_few("%a = OpIMul %uint %x %n16\n%i = OpIAdd %uint %a %n1", "%i"));
  EXPECT_FALSE(
      keeps_few("%a = OpUDiv %uint %x %n2\n%b = OpIMul %uint %a %n8\n"
                "%c = OpShiftRightLogical %uint %b %n28\n%i = OpISub %uint %c %n1",
                "%i"));
}

TEST(Inside, IndicesBelowTheLength) {
  EXPECT_TRUE(keeps_rest(kLength, "OpULessThan %bool %x %length"));
  EXPECT_TRUE(keeps_rest(kLength, "OpUGreaterThan %bool %length %x"));
  EXPECT_TRUE(keeps_rest(kLength, "OpUGreaterThanEqual %bool %x %length", false));
  EXPECT_TRUE(keeps_rest(kLength, "OpULessThanEqual %bool %length %x", false));
  EXPECT_FALSE(keeps_rest(kLength, "OpULessThan %bool %x %length", false));
  EXPECT_FALSE(keeps_rest(kLength, "OpULessThanEqual %bool %x %length"));
  EXPECT_FALSE(keeps_rest(kLength, "OpUGreaterThanEqual %bool %x %length"));
  EXPECT_FALSE(keeps_rest(kLength, "OpSLessThan %bool %x %length"));
  // As compilers of GLSL have it: the length is an int, and each use reads the id anew.
  EXPECT_TRUE(
      keeps_rest("%asked = OpArrayLength %uint %data 1\n%length = OpBitcast %int %asked\n"
                 "%back = OpBitcast %uint %length\n%y = OpLoad %uint %x_at",
                 "OpULessThan %bool %y %back"));
  const std::string given =
      "%given_at = OpAccessChain %to_given_uint %given %n0\n%n = OpLoad %uint %given_at\n";
  EXPECT_FALSE(keeps_rest(given + kLength, "OpULessThan %bool %x %n"));
  EXPECT_TRUE(keeps_rest(given + kLength, "OpULessThan %bool %n %length", true, "%n"));
  // Of another buffer, another id, or a sum.
  EXPECT_FALSE(
      keeps_rest("%length = OpArrayLength %uint %other 0", "OpULessThan %bool %x %length"));
  EXPECT_FALSE(keeps_rest(std::string(kLength) + "\n%y = OpIAdd %uint %x %n1",
                          "OpULessThan %bool %x %length", true, "%y"));
  const std::string both = std::string(kLength) +
                           "\n%inside = OpULessThan %bool %x %length\n"
                           "%also = OpUGreaterThan %bool %x %n8";
  EXPECT_TRUE(keeps_rest(both, "OpLogicalAnd %bool %also %inside"));
  EXPECT_FALSE(keeps_rest(both, "OpLogicalOr %bool %also %inside"));
  EXPECT_FALSE(keeps_rest(both, "OpLogicalAnd %bool %also %inside", false));
  EXPECT_FALSE(keeps_rest(both, "OpLogicalNot %bool %inside"));
  EXPECT_TRUE(keeps_rest(both, "OpLogicalNot %bool %inside", false));
}

// What memory says may be another thing when it is asked again.
TEST(Inside, WhatIsReadFromMemoryIsNotRememberedFromAComparison) {
  const std::string read = std::string(kLength) +
                           "\n%there = OpAccessChain %to_uint %data %n0 %n1\n"
                           "%i = OpLoad %uint %there\n%sum = OpIAdd %uint %i %n1\n%none = OpUndef "
                           "%uint";
  EXPECT_FALSE(keeps_rest(read, "OpULessThan %bool %i %length", true, "%i"));
  EXPECT_FALSE(keeps_rest(read, "OpULessThan %bool %sum %length", true, "%sum"));
  EXPECT_FALSE(keeps_rest(read, "OpULessThan %bool %none %length", true, "%none"));
  EXPECT_TRUE(
      keeps_few("%there = OpAccessChain %to_uint %data %n0 %n1\n%y = OpLoad %uint %there\n"
                "%i = OpBitwiseAnd %uint %y %n15",
                "%i"));
}

TEST(Inside, AVariableThatIsWrittenOnceIsWhatWasWritten) {
  const char* local = "%i = OpVariable %to_local Function";
  const auto guarded = [&](const std::string& before, const std::string& within) {
    return keeps(fmt::format("{}\n{}\n%a = OpLoad %uint %i\n%c = OpULessThan %bool %a %length\n"
                             "OpSelectionMerge %end None\nOpBranchConditional %c %inner %end\n"
                             "%inner = OpLabel\n{}\n%b = OpLoad %uint %i\n"
                             "%at = OpAccessChain %to_uint %data %n1 %b\n"
                             "OpStore %at %n1\nOpBranch %end\n%end = OpLabel",
                             kLength, before, within),
                 "", local);
  };
  EXPECT_TRUE(guarded("OpStore %i %x", ""));
  EXPECT_FALSE(guarded("OpStore %i %x", "OpStore %i %n17"));
  EXPECT_FALSE(guarded("", ""));
}

// for (i = from; i < to; i += step) few[i]
bool keeps_loop(const std::string& type, const std::string& from, const std::string& compare,
                const std::string& to, const std::string& step) {
  return keeps(fmt::format(
      "OpBranch %head\n%head = OpLabel\n%i = OpPhi {0} {1} %entry %next %more\n"
      "OpLoopMerge %end %more None\nOpBranch %test\n%test = OpLabel\n%c = {2} %bool %i {3}\n"
      "OpBranchConditional %c %inner %end\n%inner = OpLabel\n"
      "%at = OpAccessChain %to_uint %data %n0 %i\nOpStore %at %n1\nOpBranch %more\n"
      "%more = OpLabel\n%next = OpIAdd {0} %i {4}\nOpBranch %head\n%end = OpLabel",
      type, from, compare, to, step));
}

TEST(Inside, Loops) {
  EXPECT_TRUE(keeps_loop("%uint", "%n0", "OpULessThan", "%n16", "%n1"));
  EXPECT_FALSE(keeps_loop("%uint", "%n0", "OpULessThan", "%n17", "%n1"));
  EXPECT_TRUE(keeps_loop("%uint", "%n0", "OpULessThan", "%n16", "%n2"));
  EXPECT_TRUE(keeps_loop("%int", "%i0", "OpSLessThan", "%i16", "%i1"));
  EXPECT_FALSE(keeps_loop("%int", "%minus", "OpSLessThan", "%i16", "%i1"));
  EXPECT_FALSE(keeps_loop("%int", "%i0", "OpSLessThan", "%i16", "%minus"));
  EXPECT_FALSE(keeps_loop("%int", "%i0", "OpSLessThan", "%x", "%i1"));
}

// However long: nothing is asked without end, neither in depth nor in all.
TEST(Inside, ALongChainIsNotFollowedToItsEnd) {
  constexpr int kLong = 100'000;
  std::string made = std::string(kLength) + "\n%a0 = OpIAdd %uint %x %n1\n";
  for (int i = 1; i <= kLong; ++i) made += fmt::format("%a{} = OpIAdd %uint %a{} %n1\n", i, i - 1);
  const std::string last = fmt::format("%a{}", kLong);
  std::uint64_t asked = 0;
  EXPECT_FALSE(keeps_rest(made, "OpULessThan %bool " + last + " %length", true, last, &asked));
  EXPECT_LE(asked, 1000u);
  // What was cut off is not remembered: from nearer it is found out.
  EXPECT_TRUE(keeps_rest(made, "OpULessThan %bool %a3 %length", true, "%a3"));
}

// Each condition twice in the next one: 30 of them have a thousand million ways to the first.
TEST(Inside, ConditionsThatAreSharedAreNotAskedForEver) {
  std::string made = std::string(kLength) + "\n%c0 = OpULessThan %bool %x %n8\n";
  for (int i = 1; i <= 30; ++i)
    made += fmt::format("%c{0} = OpLogicalAnd %bool %c{1} %c{1}\n", i, i - 1);
  std::uint64_t asked = 0;
  EXPECT_FALSE(keeps_rest(made, "OpLogicalAnd %bool %c30 %c30", true, "%x", &asked));
  EXPECT_LE(asked, 200'000u);
  EXPECT_FALSE(keeps_few(made + "%d = OpLogicalOr %bool %c30 %c30", "%x"));
}

TEST(Inside, PointersThatWanderAreNotFollowed) {
  EXPECT_TRUE(
      keeps("%a = OpAccessChain %to_uint %data %n0 %n1\n"
            "%r = OpAtomicIAdd %uint %a %n1 %n0 %n1"));
  EXPECT_FALSE(
      keeps("%a = OpAccessChain %to_uint %data %n0 %n1\n"
            "%b = OpAccessChain %to_uint %data %n0 %n2\n%c = OpIEqual %bool %x %n1\n"
            "%p = OpSelect %to_uint %c %a %b\n%r = OpLoad %uint %p"));
}

}  // namespace
}  // namespace sokr::vulkan::test
