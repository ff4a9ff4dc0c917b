// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels in which what is shared, put together or left out would show: against the reference
// interpreter in every way of compiling. And modules that cost a compiler more than they are worth.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "kernel_runner.hpp"
#include "same_results.hpp"

namespace sokr::cpu::test {
namespace {

using Words = std::vector<std::uint32_t>;

template <class F>
Bytes each(std::uint32_t count, F value) {
  Words words(count);
  for (std::uint32_t i = 0; i < count; ++i) words[i] = value(i);
  return bytes_of(words);
}

Bytes untouched(std::uint32_t count) {
  return Bytes(count * 4, 0xCD);
}

TEST(Hazards, StoresBetweenLoadsOfNeighboursAreSeen) {
  TestLaunch launch;
  launch.groups = {3, 1, 1};
  launch.buffers = {{0, 0, each(192, [](std::uint32_t i) { return i * 37 + 5; })},
                    {0, 1, untouched(192)}};
  expect_same(read_shader("store_between"), launch);
}

TEST(Hazards, TheLowestNumberOfOneLaneIsNothingToOthers) {
  for (const std::uint32_t lane : {0u, 3u, 17u})
    for (const std::uint32_t by : {UINT32_MAX, 1u, 7u, 0u, 0x80000000u}) {
      TestLaunch launch;
      launch.groups = {2, 1, 1};
      launch.buffers = {{0, 0,
                         each(128,
                              [&](std::uint32_t i) {
                                return i % 16 == lane % 16 ? 0x80000000u : i * 77 - 3000;
                              })},
                        {0, 1, untouched(512)}};
      launch.push = bytes_of<std::uint32_t>({by});
      expect_same(read_shader("uniform_quotient"), launch);
    }
}

TEST(Hazards, EachLaneChoosesItsComponentOfABuiltin) {
  TestLaunch launch;
  launch.groups = {2, 3, 5};
  launch.buffers = {{0, 1, untouched(30 * 64)}};
  expect_same(read_shader("chosen_component"), launch);
}

TEST(Hazards, ABufferThatAnArrayDoesNotHaveIsNoOther) {
  TestLaunch launch;
  launch.buffers = {{0, 0, each(64, [](std::uint32_t i) { return i + 1; }), 0},
                    {0, 0, each(64, [](std::uint32_t i) { return 100 * i; }), 1},
                    {0, 1, untouched(64)},
                    {0, 2, untouched(64)}};
  expect_same(read_shader("buffers_in_rounds"), launch);
}

TEST(Hazards, WhatIsInsideIsThereThoughItsNeighbourIsNot) {
  TestLaunch launch;
  launch.groups = {1, 1, 1};
  launch.buffers = {{0, 0, each(64, [](std::uint32_t i) { return (i * 5) % 64; })},
                    {0, 1, untouched(64)},
                    {0, 2, each(63 * 4 + 1, [](std::uint32_t i) { return i + 1; })},
                    {0, 3, untouched(63 * 4 + 1)}};
  expect_same(read_shader("beside_the_start"), launch);
}

// The two last bytes of the first word are all that there is.
TEST(Hazards, BytesThatAreThereAreReadFromAShortBuffer) {
  TestLaunch launch;
  launch.buffers = {
      {0, 0, each(16, [](std::uint32_t i) { return i % 5 == 4 ? UINT32_MAX : i % 3; })},
      {0, 1, untouched(16)},
      {0, 2, Bytes{17, 34, 51, 68}}};
  expect_same(read_shader("bytes_beside_the_start"), launch);
  launch.buffers[2].data.resize(2);
  // The reference sees the same, whatever its buffers' padding.
  expect_same(read_shader("bytes_beside_the_start"), launch);
}

TEST(Hazards, WhatRowsHaveInCommonIsThereForEachRow) {
  for (const char* shader : {"rows_in_part", "short_rows_in_part", "long_rows_in_part"})
    for (const std::uint32_t stride : {1u, 2u, 4u, 32u}) {
      TestLaunch launch;
      launch.buffers = {{0, 0, each(64, [](std::uint32_t i) { return i * 29 % 97; })},
                        {0, 1, untouched(320)},
                        {0, 2, each(2048, [](std::uint32_t i) { return i + 100; })}};
      launch.push = bytes_of<std::uint32_t>({stride});
      expect_same(read_shader(shader), launch);
    }
}

TEST(Hazards, WhatRowsLoadAtomicallyIsThereForEachRow) {
  for (const std::uint32_t stride : {1u, 4u}) {
    TestLaunch launch;
    launch.buffers = {{0, 0, each(256, [](std::uint32_t i) { return i * 29 + 1; })},
                      {0, 1, untouched(64)}};
    launch.push = bytes_of<std::uint32_t>({stride});
    expect_same(read_shader("atomic_loads_in_part"), launch);
  }
}

// Loads, stores and adds to an element whose number is of 64 bits: `base` and the invocation's own,
// or that of row `base` of a table.
std::string far_elements(const std::string& stride, const std::string& base, bool by_row) {
  return R"(
    OpCapability Shader
    OpCapability Int64
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %lid
    OpExecutionMode %main LocalSize 32 1 1
    OpDecorate %lid BuiltIn LocalInvocationIndex
    OpDecorate %data DescriptorSet 0
    OpDecorate %data Binding 0
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 1
    OpDecorate %uints ArrayStride 4
    OpDecorate %row ArrayStride 4
    OpDecorate %elements ArrayStride )" +
         stride + R"(
    OpDecorate %block Block
    OpDecorate %outs Block
    OpMemberDecorate %block 0 Offset 0
    OpMemberDecorate %outs 0 Offset 0
    %void = OpTypeVoid
    %fn = OpTypeFunction %void
    %uint = OpTypeInt 32 0
    %ulong = OpTypeInt 64 0
    %u0 = OpConstant %uint 0
    %u3 = OpConstant %uint 3
    %u1 = OpConstant %uint 1
    %u9 = OpConstant %uint 9
    %base = OpConstant %ulong )" +
         base + R"(
    %zero = OpConstant %ulong 0
    %four = OpConstant %ulong 4
    %row = OpTypeArray %uint %u3
    %elements = OpTypeRuntimeArray %row
    %uints = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %elements
    %outs = OpTypeStruct %uints
    %buffer = OpTypePointer StorageBuffer %block
    %outbuf = OpTypePointer StorageBuffer %outs
    %member = OpTypePointer StorageBuffer %uint
    %input = OpTypePointer Input %uint
    %data = OpVariable %buffer StorageBuffer
    %out = OpVariable %outbuf StorageBuffer
    %lid = OpVariable %input Input
    %main = OpFunction %void None %fn
    %first = OpLabel
    %i = OpLoad %uint %lid
    %wide = OpUConvert %ulong %i
    %far = OpIAdd %ulong %base )" +
         (by_row ? "%zero" : "%wide") + R"(
    %from = OpAccessChain %member %data %u0 %far %u1
    %x = OpLoad %uint %from
    %to = OpAccessChain %member %out %u0 %i
    OpStore %to %x
    %place = OpAccessChain %member %data %u0 %far %u0
    OpStore %place %u9
    %next = OpIAdd %ulong %wide %four
    %sum = OpAccessChain %member %data %u0 %far )" +
         (by_row ? "%next" : "%u1") + R"(
    %old = OpAtomicIAdd %uint %sum %u1 %u0 %u1
    OpReturn
    OpFunctionEnd)";
}

TEST(Hazards, AnIndexOf64BitsDoesNotComeBack) {
  struct {
    const char *stride, *base;
    bool by_row;
  } const kCases[] = {
      {"12", "1", false},
      {"12", "1", true},
      {"12", "6148914691236517206", false},  // times 12 is 8
      {"12", "6148914691236517206", true},
      {"12", "4611686018427387904", false},  // 2^62
      {"16", "18446744073709551615", false},
      {"16", "13835058055282163712", true},   // 3 * 2^62
      {"1048576", "4503599627370496", false}  // 2^52
  };
  for (const auto& [stride, base, by_row] : kCases) {
    TestLaunch launch;
    launch.buffers = {{0, 0, each(192, [](std::uint32_t i) { return i + 100; })},
                      {0, 1, untouched(32)}};
    expect_same(assemble(far_elements(stride, base, by_row)), launch);
  }
}

TEST(Hazards, AnIndexOf16BitsMayNameAnyElementOfALargerArray) {
  const std::string text = R"(
    OpCapability Shader
    OpCapability Int16
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %lid
    OpExecutionMode %main LocalSize 16 1 1
    OpDecorate %lid BuiltIn LocalInvocationIndex
    OpDecorate %in DescriptorSet 0
    OpDecorate %in Binding 0
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 1
    OpDecorate %uints ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    %void = OpTypeVoid
    %fn = OpTypeFunction %void
    %uint = OpTypeInt 32 0
    %short = OpTypeInt 16 1
    %count = OpConstant %uint 65536
    %u0 = OpConstant %uint 0
    %u9 = OpConstant %uint 9
    %array = OpTypeArray %uint %count
    %uints = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %uints
    %to_block = OpTypePointer StorageBuffer %block
    %to_word = OpTypePointer StorageBuffer %uint
    %to_input = OpTypePointer Input %uint
    %to_array = OpTypePointer Function %array
    %to_cell = OpTypePointer Function %uint
    %in = OpVariable %to_block StorageBuffer
    %out = OpVariable %to_block StorageBuffer
    %lid = OpVariable %to_input Input
    %main = OpFunction %void None %fn
    %start = OpLabel
    %cells = OpVariable %to_array Function
    %i = OpLoad %uint %lid
    %from = OpAccessChain %to_word %in %u0 %i
    %wide = OpLoad %uint %from
    %index = OpSConvert %short %wide
    %cell = OpAccessChain %to_cell %cells %index
    %value = OpIAdd %uint %wide %u9
    OpStore %cell %value
    %again = OpLoad %uint %cell
    %to = OpAccessChain %to_word %out %u0 %i
    OpStore %to %again
    OpReturn
    OpFunctionEnd
)";
  TestLaunch launch;
  launch.buffers = {{0, 0, each(16, [](std::uint32_t i) { return i * 2184; })},
                    {0, 1, untouched(16)}};
  expect_same(assemble(text), launch);
}

// ---- Functions that are shared --------------------------------------------------------------

// A function that is too heavy to be inlined: what it computes is used, and not simple.
std::string heavy(std::string_view from, int count) {
  std::string text;
  std::string last(from);
  for (int i = 0; i < count; ++i) {
    text += fmt::format("%h{0} = OpIMul %uint {1} %u9\n%x{0} = OpBitwiseXor %uint %h{0} %u7\n", i,
                        last);
    last = fmt::format("%x{}", i);
  }
  return text + "%heavy_end = OpCopyObject %uint " + last + "\n";
}

constexpr const char* kModule = R"(
    OpCapability Shader
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %lid
    OpExecutionMode %main LocalSize 16 1 1
    OpDecorate %lid BuiltIn LocalInvocationIndex
    OpDecorate %in DescriptorSet 0
    OpDecorate %in Binding 0
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 1
    OpDecorate %hundred ArrayStride 4
    OpDecorate %big ArrayStride 400
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    %void = OpTypeVoid
    %fn = OpTypeFunction %void
    %uint = OpTypeInt 32 0
    %u0 = OpConstant %uint 0
    %u1 = OpConstant %uint 1
    %u7 = OpConstant %uint 7
    %u9 = OpConstant %uint 9
    %c16 = OpConstant %uint 16
    %c100 = OpConstant %uint 100
    %hundred = OpTypeArray %uint %c100
    %big = OpTypeArray %hundred %c16
    %block = OpTypeStruct %big
    %to_block = OpTypePointer StorageBuffer %block
    %to_hundred = OpTypePointer StorageBuffer %hundred
    %to_word = OpTypePointer StorageBuffer %uint
    %to_input = OpTypePointer Input %uint
    %to_own = OpTypePointer Function %uint
    %in = OpVariable %to_block StorageBuffer
    %out = OpVariable %to_block StorageBuffer
    %lid = OpVariable %to_input Input
)";

TEST(Hazards, ALargeValueIsThatOfBeforeASharedCall) {
  std::string text = std::string(kModule) + R"(
    %takes = OpTypeFunction %uint %uint
    %f = OpFunction %uint None %takes
    %x = OpFunctionParameter %uint
    %fstart = OpLabel
)" + heavy("%x", 800) +
                     R"(
    %fi = OpLoad %uint %lid
    %place = OpAccessChain %to_word %out %u0 %fi %u7
    OpStore %place %heavy_end
    OpReturnValue %heavy_end
    OpFunctionEnd
    %main = OpFunction %void None %fn
    %start = OpLabel
    %i = OpLoad %uint %lid
    %row = OpAccessChain %to_hundred %out %u0 %i
    %s0 = OpCopyObject %uint %i
)";
  for (int k = 0; k < 10; ++k)
    text += fmt::format(
        "%v{0} = OpLoad %hundred %row\n%r{0} = OpFunctionCall %uint %f %s{0}\n"
        "%e{0} = OpCompositeExtract %uint %v{0} 7\n%t{0} = OpIMul %uint %e{0} %u9\n"
        "%s{1} = OpIAdd %uint %t{0} %r{0}\n",
        k, k + 1);
  text += R"(
    %last = OpAccessChain %to_word %out %u0 %i %u0
    OpStore %last %s10
    OpReturn
    OpFunctionEnd
)";
  TestLaunch launch;
  launch.buffers = {{0, 0, untouched(1600)}, {0, 1, each(1600, [](std::uint32_t i) { return i; })}};
  expect_same(assemble(text), launch);
}

TEST(Hazards, PointersToOneVariableStayThatThroughCalls) {
  std::string text = std::string(kModule) + R"(
    %takes = OpTypeFunction %uint %to_own %to_own
    %g = OpFunction %uint None %takes
    %gp = OpFunctionParameter %to_own
    %gq = OpFunctionParameter %to_own
    %gstart = OpLabel
    %x = OpLoad %uint %gp
)" + heavy("%x", 800) +
                     R"(
    OpStore %gp %heavy_end
    %seen = OpLoad %uint %gq
    %sum = OpIAdd %uint %seen %u9
    OpStore %gq %sum
    %result = OpLoad %uint %gp
    OpReturnValue %result
    OpFunctionEnd
    %f = OpFunction %uint None %takes
    %fp = OpFunctionParameter %to_own
    %fq = OpFunctionParameter %to_own
    %fstart = OpLabel
)";
  for (int k = 0; k < 10; ++k) text += fmt::format("%r{} = OpFunctionCall %uint %g %fp %fq\n", k);
  text += R"(
    OpReturnValue %r9
    OpFunctionEnd
    %main = OpFunction %void None %fn
    %start = OpLabel
    %own = OpVariable %to_own Function
    %i = OpLoad %uint %lid
    OpStore %own %i
    %both = OpFunctionCall %uint %f %own %own
    %last = OpAccessChain %to_word %out %u0 %i %u0
    OpStore %last %both
    OpReturn
    OpFunctionEnd
)";
  TestLaunch launch;
  launch.buffers = {{0, 0, untouched(1600)}, {0, 1, each(1600, [](std::uint32_t i) { return i; })}};
  expect_same(assemble(text), launch);
}

// ---- Work -----------------------------------------------------------------------------------

// Binding 0 is read, binding 1 written; `body` computes from the invocation's %i and two numbers of
// all.
Bytes module_with(const std::string& body, const std::string& end) {
  std::string text = kModule;
  const std::string_view few = "LocalSize 16";
  text.replace(text.find(few), few.size(), "LocalSize 64");  // several chunks
  text += "%bool = OpTypeBool\n%main = OpFunction %void None %fn\n%start = OpLabel\n";
  text += "%i = OpLoad %uint %lid\n%from = OpAccessChain %to_word %in %u0 %u1 %u1\n";
  text += "%first = OpLoad %uint %from\n%next = OpAccessChain %to_word %in %u0 %u1 %u7\n";
  text += "%second = OpLoad %uint %next\n";
  return assemble(text + body + end + "OpReturn\nOpFunctionEnd\n");
}

void expect_compiles(const Bytes& module, Effort effort) {
  auto decoded = spirv::decode(module);
  ASSERT_TRUE(decoded.ok()) << decoded.failure().sentence;
  auto entry = (*decoded)->entry_point("");
  ASSERT_TRUE(entry.ok());
  CompileOptions options;
  options.effort = effort;
  options.assume_no_alias = true;
  auto kernel = compile(**decoded, **entry, options);
  EXPECT_TRUE(kernel.ok()) << kernel.failure().sentence;
}

const std::string kStoreLast = "%to = OpAccessChain %to_word %out %u0 %i %u0\nOpStore %to %last\n";

// Each visit of all that a value is made of would be 2^40.
TEST(Work, ConditionsMadeOfThemselves) {
  std::string body = "%a0 = OpULessThan %bool %i %first\n%b0 = OpULessThan %bool %i %second\n";
  for (int k = 0; k < 40; ++k)
    body += fmt::format(
        "%a{1} = OpLogicalAnd %bool %a{0} %b{0}\n%b{1} = OpLogicalOr %bool %a{0} %b{0}\n", k,
        k + 1);
  body += "OpSelectionMerge %after None\nOpBranchConditional %a40 %yes %after\n%yes = OpLabel\n";
  expect_compiles(module_with(body,
                              "%to = OpAccessChain %to_word %out %u0 %i %u0\nOpStore %to %i\n"
                              "OpBranch %after\n%after = OpLabel\n"),
                  Effort::kFull);
}

// As deep as a module is long: a call for each would take more than a thread's stack.
TEST(Work, ChainsOfAnyLength) {
  std::string body = "%s0 = OpIAdd %uint %i %first\n";
  constexpr int kLong = 100000;
  for (int k = 0; k < kLong; ++k)
    body += fmt::format("%s{1} = {2} %uint %s{0} %u9\n", k, k + 1,
                        k % 2 == 0 ? "OpIAdd" : "OpBitwiseXor");
  body += fmt::format("%at = OpAccessChain %to_word %out %u0 %u7 %s{}\n%last = OpLoad %uint %at\n",
                      kLong);
  expect_compiles(module_with(body, kStoreLast), Effort::kVerify);
}

// ---- Kernels that nobody waits for any more ---------------------------------------------------

class Abandoned : public testing::TestWithParam<std::uint32_t> {};

TEST_P(Abandoned, LoopsThatMayNotEndLookWhetherTheyShall) {
  auto decoded = spirv::decode(read_shader("endless_counts"));
  ASSERT_TRUE(decoded.ok());
  auto entry = (*decoded)->entry_point("");
  for (const Effort effort : {Effort::kFull, Effort::kDraft}) {
    CompileOptions options;
    options.effort = effort;
    if (effort == Effort::kDraft) options.builtins = &builtins_of_test(options.isa);
    auto kernel = compile(**decoded, **entry, options);
    ASSERT_TRUE(kernel.ok()) << kernel.failure().sentence;
    auto code = MappedKernel::map(*kernel);
    ASSERT_TRUE(code.ok());
    Words in(64, 1), out(64, 0);
    KernelBinding bindings[] = {{in.data(), 256}, {out.data(), 256}};
    std::uint32_t push[16] = {GetParam(), UINT32_MAX, 0}, abort = 0;
    alignas(64) static std::uint8_t scratch[65536];
    ASSERT_LE(kernel->scratch_size, sizeof scratch);
    KernelContext context;
    context.bindings = bindings;
    context.push_constants = push;
    context.abort = &abort;
    std::thread running([&] { code->entry()(&context, 0, 1, scratch); });
    // The first pass over invocations does not end, so that others may never begin.
    while (std::atomic_ref(out[0]).load() == 0) std::this_thread::yield();
    std::atomic_ref(abort).store(1);
    running.join();
    EXPECT_EQ(out[0], 1u) << "it ended by itself";
  }
}

INSTANTIATE_TEST_SUITE_P(Loops, Abandoned, testing::Values(0, 1, 2, 3));

}  // namespace
}  // namespace sokr::cpu::test
