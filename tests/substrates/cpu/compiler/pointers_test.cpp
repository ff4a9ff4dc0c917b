// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Pointers as values, and Workgroup memory with and without an explicit layout: numbers known
// beforehand, from the compiler and from the interpreter.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

using Words = std::vector<std::uint32_t>;

constexpr std::uint32_t kInvocations = 32;

struct Text {
  std::string decorations, globals, body;
  std::string capabilities = "OpCapability VariablePointers\n";
};

// One workgroup of 32. Binding 0 (%r) is what is written, binding 1 (%s) are numbers, of 4 bytes
// each; %i is the invocation.
std::string kernel(const Text& text) {
  std::string constants;
  for (std::uint32_t i = 0; i <= 32; ++i)
    constants += fmt::format("%c{0} = OpConstant %u {0}\n", i);
  return "OpCapability Shader\nOpCapability Int64\nOpCapability Int16\n" + text.capabilities +
         R"(OpExtension "SPV_KHR_workgroup_memory_explicit_layout"
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %id %r %s
    OpExecutionMode %main LocalSize 32 1 1
    OpDecorate %id BuiltIn LocalInvocationIndex
    OpDecorate %au ArrayStride 4
    OpMemberDecorate %bu 0 Offset 0
    OpDecorate %bu Block
    OpDecorate %r DescriptorSet 0
    OpDecorate %r Binding 0
    OpDecorate %s DescriptorSet 0
    OpDecorate %s Binding 1
    OpDecorate %pu ArrayStride 4
    )" + text.decorations +
         R"(
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %u = OpTypeInt 32 0
    %n = OpTypeInt 32 1
    %n16 = OpTypeInt 16 1
    %n64 = OpTypeInt 64 1
    %u3 = OpTypeVector %u 3
    %u4 = OpTypeVector %u 4
    %au = OpTypeRuntimeArray %u
    %bu = OpTypeStruct %au
    %pb = OpTypePointer StorageBuffer %bu
    %pu = OpTypePointer StorageBuffer %u
    %pi = OpTypePointer Input %u
    %pw = OpTypePointer Workgroup %u
    )" + constants +
         text.globals + R"(
    %r = OpVariable %pb StorageBuffer
    %s = OpVariable %pb StorageBuffer
    %id = OpVariable %pi Input
    %main = OpFunction %void None %function
    %start = OpLabel
    %i = OpLoad %u %id
    )" + text.body +
         "\nOpReturn\nOpFunctionEnd\n";
}

// Stores %name at place `at` of the result.
std::string store(const std::string& name, const std::string& at) {
  static int n = 0;
  ++n;
  return fmt::format("%out{0} = OpAccessChain %pu %r %c0 {1}\nOpStore %out{0} {2}\n", n, at, name);
}
std::string number(const std::string& to, const std::string& condition) {
  return fmt::format("{} = OpSelect %u {} %c1 %c0\n", to, condition);
}

void expect_words(const Text& text, const Words& expected) {
  const Bytes module = assemble(kernel(text));
  TestLaunch launch;
  Words numbers;
  for (std::uint32_t i = 0; i < kInvocations; ++i) numbers.push_back(100 + i);
  launch.buffers = {{0, 0, Bytes(kInvocations * 4)}, {0, 1, bytes_of(numbers)}};
  const auto first = [&](const TestLaunch& after) {
    Words words = values_of<std::uint32_t>(after.buffers[0].data);
    words.resize(expected.size());
    return words;
  };
  TestLaunch reference = launch;
  const auto done = run_reference(module, reference);
  ASSERT_TRUE(done) << done.failure().sentence;
  EXPECT_EQ(first(reference), expected) << "by the interpreter";
  for (const CompileOptions& options : all_options()) {
    TestLaunch actual = launch;
    const auto ran = run_compiled(module, options, actual);
    ASSERT_TRUE(ran) << describe(options) << ": " << ran.failure().sentence;
    EXPECT_EQ(first(actual), expected) << describe(options);
  }
}

constexpr const char* kWords =
    "%wa = OpTypeArray %u %c32\n%pwa = OpTypePointer Workgroup %wa\n"
    "%w = OpVariable %pwa Workgroup\n";

TEST(Pointers, AreCompared) {
  Text text;
  text.globals = kWords;
  text.body = R"(
    %s1 = OpAccessChain %pu %s %c0 %c1
    %s3 = OpAccessChain %pu %s %c0 %c3
    %w1 = OpAccessChain %pw %w %c1
    %w3 = OpAccessChain %pw %w %c3
    %d = OpPtrDiff %u %s3 %s1
    %back = OpPtrDiff %n %s1 %s3
    %wide = OpPtrDiff %n64 %s1 %s3
    %narrow = OpPtrDiff %n16 %w1 %w3
    %dw = OpPtrDiff %u %w3 %w1
    %e = OpPtrEqual %bool %s1 %s3
    %f = OpPtrEqual %bool %s1 %s1
    %g = OpPtrNotEqual %bool %w1 %w3
    %h = OpPtrNotEqual %bool %w3 %w3
    %back_u = OpBitcast %u %back
    %wide_n = OpSConvert %n %wide
    %wide_u = OpBitcast %u %wide_n
    %narrow_n = OpSConvert %n %narrow
    %narrow_u = OpBitcast %u %narrow_n
    )" + number("%e1", "%e") +
              number("%f1", "%f") + number("%g1", "%g") + number("%h1", "%h");
  int at = 0;
  for (const char* name :
       {"%d", "%back_u", "%wide_u", "%narrow_u", "%dw", "%e1", "%f1", "%g1", "%h1"})
    text.body += store(name, fmt::format("%c{}", at++));
  const std::uint32_t minus_two = 0u - 2;
  expect_words(text, {2, minus_two, minus_two, minus_two, 2, 0, 1, 1, 0});
}

TEST(Pointers, MayBeNull) {
  Text text;
  text.globals =
      std::string(kWords) + "%null = OpConstantNull %pu\n%nothing = OpConstantNull %pw\n";
  text.body = R"(
    %s0 = OpAccessChain %pu %s %c0 %c0
    %w0 = OpAccessChain %pw %w %c0
    %odd = OpBitwiseAnd %u %i %c1
    %t = OpIEqual %bool %odd %c1
    %p = OpSelect %pu %t %null %s0
    %q = OpSelect %pw %t %w0 %nothing
    %e = OpPtrEqual %bool %p %null
    %f = OpPtrNotEqual %bool %q %nothing
    %g = OpPtrEqual %bool %null %null
    )" + number("%e1", "%e") +
              number("%f1", "%f") + number("%g1", "%g") + R"(
    %f2 = OpIMul %u %f1 %c2
    %g4 = OpIMul %u %g1 %c4
    %ef = OpIAdd %u %e1 %f2
    %all = OpIAdd %u %ef %g4
    )" + store("%all", "%i");
  Words expected;
  for (std::uint32_t i = 0; i < kInvocations; ++i) expected.push_back(i % 2 ? 7 : 4);
  expect_words(text, expected);
}

// Each invocation walks from its own element until a pointer meets the end.
TEST(Pointers, WalkToTheEnd) {
  Text text;
  text.body = R"(
    %begin = OpAccessChain %pu %s %c0 %i
    %end = OpAccessChain %pu %s %c0 %c32
    OpBranch %head
    %head = OpLabel
    %p = OpPhi %pu %begin %start %next %go
    %sum = OpPhi %u %c0 %start %more %go
    %there = OpPtrEqual %bool %p %end
    OpLoopMerge %done %go None
    OpBranchConditional %there %done %step
    %step = OpLabel
    %value = OpLoad %u %p
    OpBranch %go
    %go = OpLabel
    %more = OpIAdd %u %sum %value
    %next = OpPtrAccessChain %pu %p %c1
    OpBranch %head
    %done = OpLabel
    %left = OpPtrDiff %u %end %begin
    %product = OpIMul %u %left %c3
    %result = OpIAdd %u %sum %product
    )" + store("%result", "%i");
  Words expected;
  for (std::uint32_t i = 0; i < kInvocations; ++i) {
    std::uint32_t sum = 0;
    for (std::uint32_t k = i; k < 32; ++k) sum += 100 + k;
    expected.push_back(sum + (32 - i) * 3);
  }
  expect_words(text, expected);
}

// Numbers of 32 bits with and without a sign: a step has one.
constexpr const char* kStepsBack = R"(
    %minus_u = OpConstant %u 4294967295
    %minus_n = OpConstant %n -1
    )";

// From an element that each invocation chooses back by one, and from one element back by as many
// as each chooses. %s holds 100 + i at place i, of which the low bits are the index.
TEST(Pointers, StepBackFromTheElementOfAnIndex) {
  Text text;
  text.globals = kStepsBack;
  text.body = R"(
    %own = OpAccessChain %pu %s %c0 %i
    %number = OpLoad %u %own
    %seven = OpBitwiseAnd %u %number %c7
    %index = OpIAdd %u %seven %c1
    %there = OpAccessChain %pu %s %c0 %index
    %before = OpPtrAccessChain %pu %there %minus_u
    %a = OpLoad %u %before
    %before_n = OpPtrAccessChain %pu %there %minus_n
    %b = OpLoad %u %before_n
    %ten = OpAccessChain %pu %s %c0 %c10
    %back = OpISub %u %c0 %index
    %further = OpPtrAccessChain %pu %ten %back
    %c = OpLoad %u %further
    %again = OpPtrAccessChain %pu %further %index
    %d = OpLoad %u %again
    %outside = OpPtrAccessChain %pu %ten %number
    %e = OpLoad %u %outside
    %a1 = OpIMul %u %a %c3
    %b1 = OpIMul %u %b %c5
    %c1x = OpIMul %u %c %c7
    %d1 = OpIMul %u %d %c11
    %ab = OpIAdd %u %a1 %b1
    %cd = OpIAdd %u %c1x %d1
    %abcd = OpIAdd %u %ab %cd
    %all = OpIAdd %u %abcd %e
    )" + store("%all", "%i");
  Words expected;
  for (std::uint32_t i = 0; i < kInvocations; ++i) {
    const std::uint32_t index = ((100 + i) & 7) + 1;
    expected.push_back((100 + index - 1) * 8 + (110 - index) * 7 + 110 * 11);
  }
  expect_words(text, expected);
}

TEST(Pointers, StepBackToWhatIsWrittenAndCounted) {
  Text text;
  text.globals = kStepsBack;
  text.body = R"(
    %own = OpAccessChain %pu %s %c0 %i
    %number = OpLoad %u %own
    %low = OpBitwiseXor %u %number %c5
    %index0 = OpBitwiseAnd %u %low %c31
    %index = OpIAdd %u %index0 %c1
    %there = OpAccessChain %pu %r %c0 %index
    %before = OpPtrAccessChain %pu %there %minus_n
    OpStore %before %number
    %last = OpAccessChain %pu %r %c0 %c31
    %back = OpISub %u %index0 %c31
    %counted = OpPtrAccessChain %pu %last %back
    %old = OpAtomicIAdd %u %counted %c1 %c0 %c1
    %twice = OpIAdd %u %old %number
    %counted_once = OpAtomicExchange %u %before %c1 %c0 %twice
    %thrice = OpIAdd %u %counted_once %twice
    OpStore %counted %thrice
    )";
  Words expected(kInvocations);
  for (std::uint32_t i = 0; i < kInvocations; ++i)
    expected[((100 + i) ^ 5) & 31] = 3 * (100 + i) + 1;
  expect_words(text, expected);
}

// Each invocation's own step leads all of them to one place.
TEST(Pointers, StepsThatCancelLeadToOnePlace) {
  Text text;
  text.body = R"(
    %own = OpAccessChain %pu %s %c0 %i
    %left = OpISub %u %c7 %i
    %seventh = OpPtrAccessChain %pu %own %left
    %a = OpAtomicLoad %u %seventh %c1 %c0
    %b = OpLoad %u %seventh
    %ab = OpIAdd %u %a %b
    )" + store("%ab", "%i");
  expect_words(text, Words(kInvocations, 214));
}

// The whole variable as a pointer, used where control flow has parted and behind that.
TEST(Pointers, ToWholeVariables) {
  Text text;
  text.body = R"(
    %t = OpULessThan %bool %i %c7
    OpSelectionMerge %join None
    OpBranchConditional %t %yes %no
    %yes = OpLabel
    %p = OpSelect %pb %t %s %r
    %x = OpAccessChain %pu %p %c0 %i
    %xv = OpLoad %u %x
    OpBranch %join
    %no = OpLabel
    %q = OpSelect %pb %t %r %s
    %y = OpAccessChain %pu %q %c0 %c2
    %yv = OpLoad %u %y
    OpBranch %join
    %join = OpLabel
    %v = OpPhi %u %xv %yes %yv %no
    %m = OpSelect %pb %t %s %r
    %e = OpPtrEqual %bool %m %s
    )" + number("%e1", "%e") +
              "%sum = OpIAdd %u %v %e1\n" + store("%sum", "%i");
  Words expected;
  for (std::uint32_t i = 0; i < kInvocations; ++i) expected.push_back(i < 7 ? 101 + i : 102);
  expect_words(text, expected);
}

TEST(Pointers, ChosenAmongStructures) {
  Text text;
  text.globals = R"(
    %S = OpTypeStruct %u %u3
    %S2 = OpTypeStruct %u %u3
    %pS = OpTypePointer Function %S
    %three = OpConstantComposite %u3 %c1 %c2 %c3
    %k1 = OpConstantComposite %S %c5 %three
    %k2 = OpConstantNull %S
    )";
  text.body = R"(
    %v1 = OpVariable %pS Function %k1
    %v2 = OpVariable %pS Function
    %po = OpAccessChain %pu %r %c0 %i
    OpCopyMemory %v2 %v1
    %l = OpLoad %S %v2
    %odd = OpBitwiseAnd %u %i %c1
    %t = OpIEqual %bool %odd %c1
    %chosen = OpSelect %S %t %l %k2
    %other = OpCopyLogical %S2 %chosen
    %a = OpCompositeExtract %u %other 1 1
    %b = OpCompositeExtract %u %other 0
    %p0 = OpAccessChain %pu %r %c0 %c0
    %ps = OpSelect %pu %t %po %p0
    %eq = OpPtrEqual %bool %ps %po
    %e = OpSelect %u %eq %c7 %c0
    %ab = OpIAdd %u %a %b
    %sum = OpIAdd %u %ab %e
    OpStore %po %sum
    )";
  Words expected;
  for (std::uint32_t i = 0; i < kInvocations; ++i) expected.push_back(i % 2 ? 14 : i == 0 ? 7 : 0);
  expect_words(text, expected);
}

TEST(Pointers, CopyMemoryBetweenRooms) {
  Text text;
  text.globals = R"(
    %wa = OpTypeArray %u %c32
    %pwa = OpTypePointer Workgroup %wa
    %w = OpVariable %pwa Workgroup
    %pf = OpTypePointer Function %u
    )";
  text.body = R"(
    %own = OpVariable %pf Function
    %from = OpAccessChain %pu %s %c0 %i
    %there = OpAccessChain %pw %w %i
    %to = OpAccessChain %pu %r %c0 %i
    OpCopyMemory %there %from Aligned 4 Aligned 4
    OpCopyMemory %own %there
    OpCopyMemory %to %own
    )";
  Words expected;
  for (std::uint32_t i = 0; i < kInvocations; ++i) expected.push_back(100 + i);
  expect_words(text, expected);
}

// ---- Workgroup memory -------------------------------------------------------------------------

// Decorations of a layout mean nothing there: element 1 follows element 0, and none lies upon
// another.
TEST(WorkgroupMemory, WithoutABlockHasALayoutOfItsOwn) {
  Text text;
  text.decorations = R"(
    OpDecorate %spread ArrayStride 8
    OpDecorate %narrow ArrayStride 4
    OpMemberDecorate %pair 0 Offset 0
    OpMemberDecorate %pair 1 Offset 0
    )";
  text.globals = R"(
    %spread = OpTypePointer Workgroup %u
    %wa = OpTypeArray %u %c4
    %pwa = OpTypePointer Workgroup %wa
    %w = OpVariable %pwa Workgroup
    %narrow = OpTypeArray %u4 %c4
    %pna = OpTypePointer Workgroup %narrow
    %p4 = OpTypePointer Workgroup %u4
    %x = OpVariable %pna Workgroup
    %pair = OpTypeStruct %u %n64
    %pairs = OpTypeArray %pair %c2
    %ppa = OpTypePointer Workgroup %pairs
    %p64 = OpTypePointer Workgroup %n64
    %y = OpVariable %ppa Workgroup
    %long = OpConstant %n64 77
    %four = OpConstantComposite %u4 %c1 %c2 %c3 %c4
    %more = OpConstantComposite %u4 %c5 %c6 %c7 %c8
    )";
  text.body = R"(
    %p0 = OpAccessChain %spread %w %c0
    %p1 = OpAccessChain %spread %w %c1
    %p2 = OpAccessChain %spread %w %c2
    OpStore %p0 %c0
    OpStore %p1 %c1
    OpStore %p2 %c2
    %q = OpPtrAccessChain %spread %p0 %c1
    %v0 = OpLoad %u %q
    %v1 = OpPtrDiff %u %p2 %p0
    %x0 = OpAccessChain %p4 %x %c0
    %x1 = OpAccessChain %p4 %x %c1
    OpStore %x0 %four
    OpStore %x1 %more
    %whole = OpLoad %u4 %x0
    %v2 = OpCompositeExtract %u %whole 3
    %y0 = OpAccessChain %pw %y %c0 %c0
    %y1 = OpAccessChain %p64 %y %c0 %c1
    %y2 = OpAccessChain %pw %y %c1 %c0
    OpStore %y0 %c9
    OpStore %y1 %long
    OpStore %y2 %c10
    %v3 = OpLoad %u %y0
    %v64 = OpLoad %n64 %y1
    %v4n = OpSConvert %n %v64
    %v4 = OpBitcast %u %v4n
    %v5 = OpLoad %u %y2
    )";
  for (int k = 0; k < 6; ++k) text.body += store(fmt::format("%v{}", k), fmt::format("%c{}", k));
  expect_words(text, {1, 2, 4, 9, 77, 10});
}

constexpr const char* kPair = "OpMemberDecorate %in 0 Offset 0\nOpMemberDecorate %in 1 Offset 4\n";

TEST(WorkgroupMemory, IsNoBlockForACapabilityAlone) {
  Text text;
  text.capabilities += "OpCapability WorkgroupMemoryExplicitLayoutKHR\n";
  text.decorations = kPair;
  text.globals = R"(
    %in = OpTypeStruct %u %u
    %wa = OpTypeArray %in %c2
    %pwa = OpTypePointer Workgroup %wa
    %w = OpVariable %pwa Workgroup
    %other = OpVariable %pwa Workgroup
    )";
  text.body = R"(
    %p0 = OpAccessChain %pw %w %c0 %c0
    %p1 = OpAccessChain %pw %w %c1 %c0
    %p2 = OpAccessChain %pw %other %c0 %c0
    OpStore %p0 %c7
    OpStore %p1 %c9
    OpStore %p2 %c11
    %x = OpLoad %u %p0
    %y = OpLoad %u %p1
    )" + store("%x", "%c0") +
              store("%y", "%c1");
  expect_words(text, {7, 9});
}

// Blocks share one memory, and their decorations count.
TEST(WorkgroupMemory, OfBlocksIsAsDecorated) {
  Text text;
  text.capabilities += "OpCapability WorkgroupMemoryExplicitLayoutKHR\n";
  text.decorations = std::string(kPair) + R"(
    OpDecorate %wa ArrayStride 16
    OpDecorate %words ArrayStride 4
    OpDecorate %blocks Block
    OpMemberDecorate %blocks 0 Offset 0
    OpDecorate %flat Block
    OpMemberDecorate %flat 0 Offset 0
    OpDecorate %w Aliased
    OpDecorate %f Aliased
    )";
  text.globals = R"(
    %in = OpTypeStruct %u %u
    %wa = OpTypeArray %in %c2
    %blocks = OpTypeStruct %wa
    %words = OpTypeArray %u %c8
    %flat = OpTypeStruct %words
    %pwb = OpTypePointer Workgroup %blocks
    %pwf = OpTypePointer Workgroup %flat
    %w = OpVariable %pwb Workgroup
    %f = OpVariable %pwf Workgroup
    )";
  text.body = R"(
    %p0 = OpAccessChain %pw %w %c0 %c0 %c1
    %p1 = OpAccessChain %pw %w %c0 %c1 %c0
    OpStore %p0 %c7
    OpStore %p1 %c9
    %q0 = OpAccessChain %pw %f %c0 %c1
    %q1 = OpAccessChain %pw %f %c0 %c4
    %x = OpLoad %u %q0
    %y = OpLoad %u %q1
    )" + store("%x", "%c0") +
              store("%y", "%c1");
  expect_words(text, {7, 9});
}

TEST(Pointers, ToPrivateMemoryAreCopiedAsOftenAsOneLikes) {
  constexpr int kCopies = 100;
  Text text;
  text.globals =
      "%va = OpTypeArray %u %c4\n%pva = OpTypePointer Private %va\n"
      "%pv = OpTypePointer Private %u\n%v = OpVariable %pva Private\n";
  text.body = "%k = OpBitwiseAnd %u %i %c3\n%v0 = OpAccessChain %pv %v %k\n";
  for (int i = 1; i <= kCopies; ++i)
    text.body += fmt::format("%v{} = OpCopyObject %pv %v{}\n", i, i - 1);
  text.body +=
      fmt::format("OpStore %v{} %i\n%back = OpLoad %u %v0\n", kCopies) + store("%back", "%i");
  expect_words(text, {0, 1, 2, 3, 4, 5});
}

// Arrays of two buffers each, of which one is chosen at run time, and then a buffer of it.
Text chosen_arrays(bool runtime) {
  Text text;
  text.capabilities += "OpCapability RuntimeDescriptorArray\n";
  text.decorations =
      "OpDecorate %first DescriptorSet 1\nOpDecorate %first Binding 0\n"
      "OpDecorate %second DescriptorSet 1\nOpDecorate %second Binding 1\n";
  text.globals = fmt::format(
      "%two = {}\n%ptwo = OpTypePointer StorageBuffer %two\n"
      "%first = OpVariable %ptwo StorageBuffer\n"
      "%second = OpVariable %ptwo StorageBuffer\n"
      "%pptwo = OpTypePointer Function %ptwo\n",
      runtime ? "OpTypeRuntimeArray %bu" : "OpTypeArray %bu %c2");
  text.body = R"(
    %low = OpBitwiseAnd %u %i %c1
    %odd = OpINotEqual %bool %low %c0
    %half = OpShiftRightLogical %u %i %c1
    %number = OpBitwiseAnd %u %half %c1
    %chosen = OpSelect %ptwo %odd %second %first
    %from = OpAccessChain %pu %chosen %number %c0 %half
    %x = OpLoad %u %from
    OpSelectionMerge %met None
    OpBranchConditional %odd %yes %no
    %yes = OpLabel
    OpBranch %met
    %no = OpLabel
    OpBranch %met
    %met = OpLabel
    %either = OpPhi %ptwo %second %yes %first %no
    %from1 = OpAccessChain %pu %either %c1 %c0 %i
    %y = OpLoad %u %from1
    %outside = OpAccessChain %pu %either %c5 %c0 %i
    %z = OpLoad %u %outside
    %to = OpAccessChain %pu %chosen %c0 %c0 %i
    OpStore %to %i
    %xy = OpIAdd %u %x %y
    %xyz = OpIAdd %u %xy %z
    )" + store("%xyz", "%i");
  return text;
}

TEST(Pointers, LeadToArraysOfBuffers) {
  for (const bool runtime : {false, true}) {
    SCOPED_TRACE(runtime);
    const Bytes module = assemble(kernel(chosen_arrays(runtime)));
    TestLaunch launch;
    const auto numbered = [](std::uint32_t from) {
      Words words;
      for (std::uint32_t i = 0; i < kInvocations; ++i) words.push_back(from + i);
      return bytes_of(words);
    };
    launch.buffers = {{0, 0, Bytes(kInvocations * 4)}, {0, 1, numbered(0)}};
    for (std::uint32_t binding = 0; binding < 2; ++binding)
      for (std::uint32_t element = 0; element < 2; ++element)
        launch.buffers.push_back({1, binding, numbered(1000 * binding + 100 * element), element});
    Words expected;
    for (std::uint32_t i = 0; i < kInvocations; ++i)
      expected.push_back(1000 * (i % 2) + 100 * (i / 2 % 2) + i / 2 + 1000 * (i % 2) + 100 + i);
    TestLaunch reference = launch;
    const auto done = run_reference(module, reference);
    ASSERT_TRUE(done) << done.failure().sentence;
    EXPECT_EQ(values_of<std::uint32_t>(reference.buffers[0].data), expected);
    for (const CompileOptions& options : all_options()) {
      TestLaunch actual = launch;
      const auto ran = run_compiled(module, options, actual);
      ASSERT_TRUE(ran) << describe(options) << ": " << ran.failure().sentence;
      for (std::size_t b = 0; b < actual.buffers.size(); ++b)
        EXPECT_EQ(actual.buffers[b].data, reference.buffers[b].data)
            << describe(options) << ", buffer " << b;
    }
  }
}

}  // namespace
}  // namespace sokr::cpu::test
