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

#include "thread_seconds.hpp"

namespace sokr::vulkan::test {
namespace {

// %data is a block of uint few[16] and uint rest[], %other one of float rest[] alone, %given push
// constants of two uint, and %x what the invocation's global id says. `seconds`: of judging it.
bool keeps(const std::string& body, const std::string& declarations = "",
           const std::string& locals = "", std::uint64_t* asked = nullptr,
           double* seconds = nullptr) {
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
  const double before = thread_seconds();
  const bool does = keeps_inside(**module, (*module)->entry_points()[0], asked);
  if (seconds != nullptr) *seconds = thread_seconds() - before;
  return does;
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

TEST(Inside, AComponentThatIsTakenFromNowhereIsNothingThatACompareKnows) {
  const auto shuffled = [](const char* first) {
    return keeps_rest(fmt::format("{}\n%all = OpLoad %v3uint %global_id\n"
                                  "%taken = OpVectorShuffle %v3uint %all %all {} 1 2\n"
                                  "%i = OpCompositeExtract %uint %taken 0",
                                  kLength, first),
                      "OpULessThan %bool %i %length", true, "%i");
  };
  EXPECT_TRUE(shuffled("0"));
  EXPECT_FALSE(shuffled("0xFFFFFFFF"));
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

constexpr const char* kFromMemory =
    "%m_at = OpAccessChain %to_uint %data %n0 %n1\n%m = OpLoad %uint %m_at\n";

// %i may be another number where it is used than it was where it was compared.
bool keeps_guarded(const std::string& made, const std::string& declarations = "") {
  return keeps(
      fmt::format("{}\n{}\n%condition = OpULessThan %bool %i %length\n"
                  "OpSelectionMerge %end None\nOpBranchConditional %condition %inner %end\n"
                  "%inner = OpLabel\n%at = OpAccessChain %to_uint %data %n1 %i\n"
                  "OpStore %at %n1\nOpBranch %end\n%end = OpLabel",
                  made, kLength),
      declarations);
}

TEST(Inside, WhatAFunctionIsGivenIsNotRememberedFromAComparison) {
  const std::string function = fmt::format(
      "%takes = OpTypeFunction %void %uint\n%called = OpFunction %void None %takes\n"
      "%i = OpFunctionParameter %uint\n%first = OpLabel\n{}\n"
      "%condition = OpULessThan %bool %i %length\nOpSelectionMerge %end None\n"
      "OpBranchConditional %condition %inner %end\n%inner = OpLabel\n"
      "%at = OpAccessChain %to_uint %data %n1 %i\nOpStore %at %n1\nOpBranch %end\n"
      "%end = OpLabel\nOpReturn\nOpFunctionEnd",
      kLength);
  EXPECT_FALSE(
      keeps(std::string(kFromMemory) + "%none = OpFunctionCall %void %called %m", function));
}

TEST(Inside, WhatMemoryChoseIsNotRememberedFromAComparison) {
  const std::string chosen =
      "%asked = OpIEqual %bool {} %n1\nOpSelectionMerge %both None\n"
      "OpBranchConditional %asked %one %both\n%one = OpLabel\nOpBranch %both\n"
      "%both = OpLabel\n%i = OpPhi %uint %x %entry %n8 %one";
  EXPECT_FALSE(keeps_guarded(kFromMemory + fmt::format(fmt::runtime(chosen), "%m")));
  const std::string selected = "%asked = OpIEqual %bool {} %n1\n%i = OpSelect %uint %asked %x %n8";
  EXPECT_FALSE(keeps_guarded(kFromMemory + fmt::format(fmt::runtime(selected), "%m")));
  EXPECT_TRUE(keeps_guarded(fmt::format(fmt::runtime(selected), "%x")));
  // Where the input is read: a component that memory says.
  EXPECT_FALSE(keeps_guarded(std::string(kFromMemory) +
                             "%c_at = OpAccessChain %to_input_uint %global_id %m\n"
                             "%i = OpLoad %uint %c_at"));
  EXPECT_TRUE(
      keeps_guarded("%one_at = OpAccessChain %to_given_uint %given %n1\n"
                    "%one = OpLoad %uint %one_at\n%two = OpBitwiseAnd %uint %one %n1\n"
                    "%c_at = OpAccessChain %to_input_uint %global_id %two\n"
                    "%i = OpLoad %uint %c_at"));
}

TEST(Inside, MemoryBehindPushConstantsIsMemory) {
  const std::string given =
      "OpDecorate %given_words ArrayStride 4\nOpMemberDecorate %more_block 0 Offset 0\n"
      "OpDecorate %more_block Block\n%given_words = OpTypeArray %uint %n8\n"
      "%more_block = OpTypeStruct %given_words\n"
      "%to_more = OpTypePointer PushConstant %more_block\n"
      "%more = OpVariable %to_more PushConstant";
  const auto at = [](const std::string& index) {
    return "%g_at = OpAccessChain %to_given_uint %more %n0 " + index + "\n%i = OpLoad %uint %g_at";
  };
  EXPECT_FALSE(keeps_guarded(kFromMemory + at("%m"), given));
  EXPECT_TRUE(keeps_guarded(at("%x"), given));
}

TEST(Inside, WhatIsReadOtherwiseThanByALoadIsMemoryToo) {
  const std::string shared =
      "%to_shared = OpTypePointer Workgroup %uint\n%shared = OpVariable %to_shared Workgroup\n";
  EXPECT_FALSE(keeps_guarded("%i = OpAtomicLoad %uint %shared %n2 %n0", shared));
  // It is done once.
  EXPECT_TRUE(keeps_guarded("%i = OpAtomicIAdd %uint %shared %n2 %n0 %n1", shared));
  // OpTypeCooperativeMatrixKHR and OpCooperativeMatrixLoadKHR, which older assemblers do not know,
  // each behind an instruction that takes no more words.
  const std::string matrix = fmt::format(
      "%words_there = OpTypeArray %uint %n16\n%to_words = OpTypePointer Workgroup %words_there\n"
      "!{} %matrix %uint %n2 %n8 %n8 %n0\n%shared_words = OpVariable %to_words Workgroup",
      7 << 16 | 4456);
  EXPECT_FALSE(keeps_guarded(
      fmt::format("%there = OpAccessChain %to_shared %shared_words %n0\n"
                  "%sum = OpIAdd %uint %n1 %n1\n!{} %matrix %loaded_matrix %there %n0 %n8\n"
                  "%i = OpCompositeExtract %uint %loaded_matrix 0",
                  6 << 16 | 4457),
      shared + matrix));
}

// for (i = 0; i < until; i = next) { within } behind
bool keeps_in_loop(const std::string& until, const std::string& within, const std::string& more,
                   const std::string& behind = "") {
  return keeps(
      fmt::format("{}\nOpBranch %head\n%head = OpLabel\n%i = OpPhi %uint %n0 %entry %next %more\n"
                  "OpLoopMerge %end %more None\nOpBranch %test\n%test = OpLabel\n{}\n"
                  "%goes_on = OpULessThan %bool %i {}\nOpBranchConditional %goes_on %inner %end\n"
                  "%inner = OpLabel\n{}\nOpBranch %more\n%more = OpLabel\n{}\nOpBranch %head\n"
                  "%end = OpLabel\n{}",
                  kLength, kFromMemory, until, within, more, behind));
}

TEST(Inside, CountsAreRememberedWithinTheirLoop) {
  const auto access = [](const std::string& index) {
    return fmt::format(
        "%c = OpULessThan %bool {0} %length\nOpSelectionMerge %after None\n"
        "OpBranchConditional %c %inside %after\n%inside = OpLabel\n"
        "%at = OpAccessChain %to_uint %data %n1 {0}\nOpStore %at %n1\nOpBranch %after\n"
        "%after = OpLabel",
        index);
  };
  const std::string by_one = "%next = OpIAdd %uint %i %n1";
  const std::string by_memory = "%next = OpIAdd %uint %i %m";
  EXPECT_TRUE(keeps_in_loop("%length", access("%i"), by_one));
  EXPECT_TRUE(keeps_in_loop("%m", access("%i"), by_one));
  EXPECT_TRUE(keeps_in_loop("%m", "%k = OpIAdd %uint %i %x\n" + access("%k"), by_one));
  EXPECT_FALSE(keeps_in_loop("%n8", access("%i"), by_memory));
  EXPECT_FALSE(keeps_in_loop("%n8", access("%i"), "%next = OpBitwiseXor %uint %i %m"));
  // Memory ended it, and so says what the count is then.
  EXPECT_FALSE(keeps_in_loop("%m", "", by_one, access("%i")));
  EXPECT_FALSE(keeps_in_loop("%m", "%k = OpIAdd %uint %i %x", by_one,
                             "%l = OpIAdd %uint %i %x\n" + access("%l")));
  // The same by a pointer that was made in the loop.
  const auto pointed = [](const std::string& where) {
    return keeps(
        fmt::format("{}\nOpBranch %head\n%head = OpLabel\n%i = OpPhi %uint %n0 %entry %next %more\n"
                    "OpLoopMerge %end %more None\nOpBranch %test\n%test = OpLabel\n{}\n"
                    "%c = OpULessThan %bool %i %length\nOpBranchConditional %c %inner %end\n"
                    "%inner = OpLabel\n%at = OpAccessChain %to_uint %data %n1 %i\n"
                    "%goes_on = OpULessThan %bool %i %m\nOpBranchConditional %goes_on %more %out\n"
                    "%out = OpLabel\n{}\nOpBranch %end\n%more = OpLabel\n{}\n"
                    "%next = OpIAdd %uint %i %n1\nOpBranch %head\n%end = OpLabel",
                    kLength, kFromMemory, where == "%out" ? "OpStore %at %n1" : "",
                    where == "%more" ? "OpStore %at %n1" : ""));
  };
  EXPECT_TRUE(pointed("%more"));
  EXPECT_FALSE(pointed("%out"));
  // Asked for on the way round: what was taken for granted meanwhile is not kept.
  const std::string masked =
      "%few_i = OpBitwiseAnd %uint %i %n15\n%few_at = OpAccessChain %to_uint %data %n0 %few_i\n"
      "OpStore %few_at %n1\n%k = OpIAdd %uint %i %n1\n";
  EXPECT_FALSE(keeps_in_loop("%n8", masked + access("%k"), "%next = OpIAdd %uint %k %m"));
  EXPECT_TRUE(keeps_in_loop("%n8", masked, "%next = OpIAdd %uint %k %m"));
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

// Each of them takes some 16,000 questions, and keeps inside.
TEST(Inside, ManyFunctionsHaveNoMoreThanOne) {
  std::string functions;
  for (int f = 0; f < 20; ++f) {
    const auto name = [&](const char* what) { return fmt::format("%{}_{}", what, f); };
    std::string made = fmt::format("{} = OpULessThan %bool {} %n8\n", name("c0"), name("x"));
    for (int i = 1; i <= 13; ++i)
      made += fmt::format("%c{0}_{2} = OpLogicalAnd %bool %c{1}_{2} %c{1}_{2}\n", i, i - 1, f);
    functions +=
        fmt::format(R"({0} = OpFunction %void None %function
{1} = OpLabel
{2} = OpAccessChain %to_input_uint %global_id %n0
{3} = OpLoad %uint {2}
{4} = OpArrayLength %uint %data 1
{5}{6} = OpULessThan %bool {3} {4}
{7} = OpLogicalAnd %bool %c13_{13} {6}
OpSelectionMerge {8} None
OpBranchConditional {7} {9} {8}
{9} = OpLabel
{10} = OpAccessChain %to_uint %data %n1 {3}
OpStore {10} %n1
OpBranch {8}
{8} = OpLabel
OpReturn
OpFunctionEnd
)",
                    name("f"), name("begin"), name("x_at"), name("x"), name("length"), made,
                    name("inside"), name("both"), name("end"), name("inner"), name("at"), 0, 0, f);
  }
  const auto calls = [](int count) {
    std::string text;
    for (int f = 0; f < count; ++f)
      text += fmt::format("%called{0} = OpFunctionCall %void %f_{0}\n", f);
    return text;
  };
  std::uint64_t asked = 0;
  EXPECT_TRUE(keeps(calls(1), functions, "", &asked));
  EXPECT_GT(asked, 10'000u);
  EXPECT_LE(asked, 60'000u);
  EXPECT_FALSE(keeps(calls(20), functions, "", &asked));
  EXPECT_LE(asked, 101'000u);
}

// Seconds of this thread that it takes to judge an access behind many comparisons of `index`, each
// in a block that only the one before leads to.
double seconds_behind_comparisons(const std::string& index) {
  constexpr int kMany = 20'000;
  std::string made = "OpStore %held %x\n";
  for (int i = 0; i < kMany; ++i)
    made += fmt::format(
        "%l{0} = {1}\n%c{0} = OpULessThan %bool %l{0} %n8\nOpSelectionMerge %m{0} None\n"
        "OpBranchConditional %c{0} %m{0} %out{0}\n%out{0} = OpLabel\nOpReturn\n%m{0} = OpLabel\n",
        i, index);
  made += "%i = " + index + "\n%at = OpAccessChain %to_uint %data %n0 %i\nOpStore %at %n1";
  double seconds = 0;
  EXPECT_TRUE(keeps(made, "", "%held = OpVariable %to_local Function", nullptr, &seconds));
  return seconds;
}

// Whether a store comes before a load is told at once, however many blocks lie between.
TEST(Inside, WhatIsStoredOnceIsFoundFromAnywhereAsFast) {
  const double plain = seconds_behind_comparisons("OpCopyObject %uint %x");
  EXPECT_LT(seconds_behind_comparisons("OpLoad %uint %held"), 8 * plain);
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

// An amount that is no word, or is not known, may be any.
TEST(Inside, ShiftsByWhatIsNoWord) {
  const std::string mask = "%few_x = OpBitwiseAnd %uint %x %n15\n";
  const std::string amounts =
      "%ushort = OpTypeInt 16 0\n%short = OpTypeInt 16 1\n%ulong = OpTypeInt 64 0\n"
      "%s2 = OpConstant %ushort 2\n%s40 = OpConstant %ushort 40\n%m1 = OpConstant %short -1\n"
      "%l40 = OpConstant %ulong 40\n%any = OpUndef %uint";
  const auto shifted = [&](const std::string& by) {
    return keeps(mask + "%i = OpShiftRightLogical %uint %few_x " + by +
                     "\n%at = OpAccessChain %to_uint %data %n0 %i\nOpStore %at %n1",
                 amounts);
  };
  EXPECT_TRUE(shifted("%n2"));
  for (const char* by : {"%s40", "%m1", "%l40", "%any"}) EXPECT_FALSE(shifted(by)) << by;
}

// Of a block with `array`, an access behind a comparison of %i with its length.
bool keeps_of(const std::string& array, const std::string& made, bool asks = true) {
  const std::string declarations =
      array +
      "\nOpDecorate %my_block Block\nOpMemberDecorate %my_block 0 Offset 0\n"
      "OpDecorate %mine DescriptorSet 0\nOpDecorate %mine Binding 2\n"
      "%my_block = OpTypeStruct %array\n%to_my_block = OpTypePointer StorageBuffer %my_block\n"
      "%to_element = OpTypePointer StorageBuffer %element\n"
      "%mine = OpVariable %to_my_block StorageBuffer";
  const std::string access =
      "%at = OpAccessChain %to_element %mine %n0 %i\n%loaded = OpLoad %element %at\n";
  if (!asks) return keeps(made + access, declarations);
  return keeps(made +
                   "%length = OpArrayLength %uint %mine 0\n"
                   "%c = OpULessThan %bool %i %length\nOpSelectionMerge %end None\n"
                   "OpBranchConditional %c %inner %end\n%inner = OpLabel\n" +
                   access + "OpBranch %end\n%end = OpLabel",
               declarations);
}

TEST(Inside, ElementsThatOverlapEndBehindTheLength) {
  const auto pairs = [](int stride) {
    return fmt::format(
        "OpDecorate %array ArrayStride {}\nOpMemberDecorate %element 0 Offset 0\n"
        "OpMemberDecorate %element 1 Offset 4\n%element = OpTypeStruct %uint %uint\n"
        "%array = OpTypeRuntimeArray %element",
        stride);
  };
  const std::string x = "%i = OpCopyObject %uint %x\n";
  EXPECT_TRUE(keeps_of(pairs(8), x));
  EXPECT_TRUE(keeps_of(pairs(16), x));
  EXPECT_FALSE(keeps_of(pairs(4), x));
}

// An index of a chain is signed, whatever its type says.
TEST(Inside, IndicesFrom2To31OnAreNegative) {
  const std::string bytes = "OpDecorate %array ArrayStride 1\n%element = OpTypeInt 8 0\n";
  const std::string huge =
      bytes +
      "%many = OpConstant %uint 3221225472\n%array = OpTypeArray %element %many\n"
      "%last = OpConstant %uint 2147483647\n%behind = OpConstant %uint 2147483648";
  EXPECT_TRUE(keeps_of(huge, "%i = OpCopyObject %uint %last\n", false));
  EXPECT_FALSE(keeps_of(huge, "%i = OpCopyObject %uint %behind\n", false));
  const std::string open = bytes + "%array = OpTypeRuntimeArray %element";
  EXPECT_FALSE(keeps_of(open, "%i = OpCopyObject %uint %x\n"));
  EXPECT_TRUE(keeps_of(open, "%i = OpShiftRightLogical %uint %x %n1\n"));
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
