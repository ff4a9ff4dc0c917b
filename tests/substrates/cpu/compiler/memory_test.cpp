// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Accesses where a register's lanes, or what lies between and behind them, lead to memory that is
// not the kernel's; and how much stack a kernel takes. Buffers end at a page that nobody may touch.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <sokr/spirv/module.hpp>
#include <sstream>
#include <string_view>

#include "compiler/analysis/trace.hpp"
#include "kernel_runner.hpp"
#include "same_results.hpp"

namespace sokr::cpu::test {
namespace {

using Words = std::vector<std::uint32_t>;

template <class F>
Bytes numbered(std::uint32_t count, F value) {
  Words words(count);
  for (std::uint32_t i = 0; i < count; ++i) words[i] = value(i);
  return bytes_of(words);
}

// Those that run in this process.
std::vector<CompileOptions> own_options() {
  std::vector<CompileOptions> all = all_options();
  std::erase_if(all, [](const CompileOptions& one) { return !host_supports(one.isa); });
  return all;
}

std::vector<CompileOptions> trusting_options() {
  std::vector<CompileOptions> all = all_options();
  for (CompileOptions& one : all) one.robust = false;
  return all;
}

// One workgroup of 64: invocation %i, its own %index, of binding 0; results are binding 1.
std::string indexed(const std::string& decorations, const std::string& globals,
                    const std::string& body) {
  return R"(
    OpCapability Shader
    OpCapability Int64
    OpCapability PhysicalStorageBufferAddresses
    OpExtension "SPV_KHR_physical_storage_buffer"
    OpMemoryModel PhysicalStorageBuffer64 GLSL450
    OpEntryPoint GLCompute %main "main" %id
    OpExecutionMode %main LocalSize 64 1 1
    OpDecorate %id BuiltIn LocalInvocationIndex
    OpDecorate %uints ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    OpDecorate %in DescriptorSet 0
    OpDecorate %in Binding 0
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 1
    )" + decorations +
         R"(
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %bool = OpTypeBool
    %u = OpTypeInt 32 0
    %u0 = OpConstant %u 0
    %u1 = OpConstant %u 1
    %u4 = OpConstant %u 4
    %v4 = OpTypeVector %u 4
    %uints = OpTypeRuntimeArray %u
    %block = OpTypeStruct %uints
    %blocks = OpTypePointer StorageBuffer %block
    %place = OpTypePointer StorageBuffer %u
    %input = OpTypePointer Input %u
    %id = OpVariable %input Input
    %in = OpVariable %blocks StorageBuffer
    %out = OpVariable %blocks StorageBuffer
    )" + globals +
         R"(
    %main = OpFunction %void None %function
    %start = OpLabel
    %i = OpLoad %u %id
    %at = OpAccessChain %place %in %u0 %i
    %index = OpLoad %u %at
    %to = OpAccessChain %place %out %u0 %i
    )" + body +
         "\nOpReturn\nOpFunctionEnd\n";
}

// ---- By address -------------------------------------------------------------------------------

enum class Way { kAll, kSome, kHandedOn };

// Who reads: all; some, in a branch; some, by the pointer that those who are left come with.
std::string by_address(Way way) {
  const std::string pointer = "%pushed = OpAccessChain %push_place %push %u0\n";
  const std::string load = R"(
    %from = OpAccessChain %far_place %pointer %u0 %index
    %value = OpLoad %u %from Aligned 4
    OpStore %to %value
    )";
  const std::string all = pointer + "%pointer = OpLoad %far %pushed\n" + load;
  const std::string some = pointer + R"(
    %pointer = OpLoad %far %pushed
    %some = OpULessThan %bool %index %u4
    OpSelectionMerge %join None
    OpBranchConditional %some %there %join
    %there = OpLabel
    )" + load + "OpBranch %join\n%join = OpLabel";
  const std::string handed_on = R"(
    OpBranch %head
    %head = OpLabel
    OpLoopMerge %done %more None
    OpBranch %body
    %body = OpLabel
    %some = OpULessThan %bool %index %u4
    OpSelectionMerge %join None
    OpBranchConditional %some %there %away
    %away = OpLabel
    OpBranch %done
    %there = OpLabel
    )" + pointer + R"(
    %first = OpLoad %far %pushed
    OpBranch %join
    %join = OpLabel
    %pointer = OpPhi %far %first %there
    )" + load + R"(
    OpBranch %done
    %more = OpLabel
    OpBranch %head
    %done = OpLabel
    )";
  return indexed(R"(
    OpDecorate %pushes Block
    OpMemberDecorate %pushes 0 Offset 0
    )",
                 R"(
    OpTypeForwardPointer %far PhysicalStorageBuffer
    %pushes = OpTypeStruct %far
    %far = OpTypePointer PhysicalStorageBuffer %block
    %far_place = OpTypePointer PhysicalStorageBuffer %u
    %push_block = OpTypePointer PushConstant %pushes
    %push_place = OpTypePointer PushConstant %far
    %push = OpVariable %push_block PushConstant
    )",
                 way == Way::kAll    ? all
                 : way == Way::kSome ? some
                                     : handed_on);
}

// One pointer for all, and each lane its own element.
TEST(Addresses, EachLaneReadsTheElementOfItsIndex) {
  Words far(64);
  for (std::uint32_t i = 0; i < 64; ++i) far[i] = 1000 + i;
  const auto address = reinterpret_cast<std::uint64_t>(far.data());
  const auto index = [](std::uint32_t i) { return i * 37 % 64; };
  for (const Way way : {Way::kAll, Way::kSome, Way::kHandedOn})
    for (CompileOptions options : own_options())
      for (const bool robust : {true, false}) {
        options.robust = robust;
        TestLaunch launch;
        launch.buffers = {{0, 0, numbered(64, index)}, {0, 1, Bytes(256)}};
        launch.push = bytes_of<std::uint64_t>({address});
        const auto ran = run_compiled(assemble(by_address(way)), options, launch);
        ASSERT_TRUE(ran) << ran.failure().sentence;
        const Bytes expected = numbered(64, [&](std::uint32_t i) {
          return way != Way::kAll && index(i) >= 4 ? 0 : 1000 + index(i);
        });
        EXPECT_EQ(values_of<std::uint32_t>(launch.buffers[1].data),
                  values_of<std::uint32_t>(expected))
            << describe(options) << (robust ? "" : ", trusting") << ", way "
            << static_cast<int>(way);
      }
}

// ---- Lanes that do not take part ---------------------------------------------------------------

// A whole structure whose second member lies far behind the first, for those whose index is small.
TEST(Inactive, LanesReadNothingAtTheOffsetsOfMembers) {
  constexpr std::uint32_t kFar = 16777216;
  const std::string text = indexed(fmt::format(R"(
    OpMemberDecorate %pair 0 Offset 0
    OpMemberDecorate %pair 1 Offset {}
    OpDecorate %pairs ArrayStride {}
    OpDecorate %pair_block Block
    OpMemberDecorate %pair_block 0 Offset 0
    OpDecorate %far DescriptorSet 0
    OpDecorate %far Binding 2
    )",
                                               kFar, kFar + 32),
                                   R"(
    %pair = OpTypeStruct %v4 %v4
    %pairs = OpTypeRuntimeArray %pair
    %pair_block = OpTypeStruct %pairs
    %pair_buffer = OpTypePointer StorageBuffer %pair_block
    %pair_place = OpTypePointer StorageBuffer %pair
    %far = OpVariable %pair_buffer StorageBuffer
    )",
                                   R"(
    %some = OpULessThan %bool %index %u4
    OpSelectionMerge %join None
    OpBranchConditional %some %there %join
    %there = OpLabel
    %from = OpAccessChain %pair_place %far %u0 %index
    %both = OpLoad %pair %from
    %a = OpCompositeExtract %u %both 0 1
    %b = OpCompositeExtract %u %both 1 3
    %sum = OpIAdd %u %a %b
    OpStore %to %sum
    OpBranch %join
    %join = OpLabel
    )");
  const Bytes module = assemble(text);
  Bytes far(kFar + 16);
  const Words first{1, 2, 3, 4}, second{50, 60, 70, 80};
  std::memcpy(far.data(), first.data(), 16);
  std::memcpy(far.data() + kFar, second.data(), 16);
  for (const CompileOptions& options : own_options()) {
    TestLaunch launch;
    launch.buffers = {{0, 0, numbered(64, [](std::uint32_t i) { return i % 3 ? 1000 + i : 0; })},
                      {0, 1, Bytes(256)},
                      {0, 2, far}};
    const auto ran = run_compiled(module, options, launch);
    ASSERT_TRUE(ran) << ran.failure().sentence;
    const Words got = values_of<std::uint32_t>(launch.buffers[1].data);
    for (std::uint32_t i = 0; i < 64; ++i)
      ASSERT_EQ(got[i], i % 3 ? 0u : 82u) << describe(options) << ", element " << i;
  }
}

// ---- Kernels that are trusted to stay inside
// -----------------------------------------------------

TEST(Trusted, RowsAreNotReadBeyondTheirLastElement) {
  TestLaunch launch;
  launch.buffers = {{0, 0, numbered(128, [](std::uint32_t i) { return 0x3F800000u + i; })},
                    {0, 1, numbered(256, [](std::uint32_t i) { return 0x40000000u + i; })},
                    {0, 2, Bytes(1024)}};
  expect_same(read_shader("behind_rows"), launch, 32, trusting_options());
}

TEST(Trusted, WhatStoodBehindAConditionIsNotReadOutsideOfIt) {
  TestLaunch launch;
  launch.buffers = {
      {0, 0, numbered(64, [](std::uint32_t i) { return i % 3 ? i % 4 : 0x10000000u + i; })},
      {0, 1, Bytes(256)}};
  launch.push = bytes_of<std::uint32_t>({11, 22, 33, 44});
  expect_same(read_shader("pushed_choice"), launch, 32, trusting_options());
}

// An array that nobody has written is all zeros, however long it is.
TEST(Trusted, ALongArrayOfZerosHasThemAll) {
  const std::string text = indexed("",
                                   R"(
    %many = OpConstant %u 200000
    %array = OpTypeArray %u %many
    %arrays = OpTypePointer Function %array
    %own_place = OpTypePointer Function %u
    %zeros = OpConstantNull %array
    )",
                                   R"(
    %table = OpVariable %arrays Function %zeros
    %inside = OpUMod %u %index %many
    %from = OpAccessChain %own_place %table %inside
    %value = OpLoad %u %from
    %more = OpIAdd %u %value %index
    OpStore %to %more
    )");
  // Variables come first in a block.
  std::string ordered = text;
  const std::string variable = "%table = OpVariable %arrays Function %zeros\n";
  ordered.erase(ordered.find(variable), variable.size());
  ordered.insert(ordered.find("%i = OpLoad"), variable);
  TestLaunch launch;
  launch.buffers = {{0, 0, numbered(64, [](std::uint32_t i) { return i * 3001; })},
                    {0, 1, Bytes(256)}};
  expect_same(assemble(ordered), launch, 32, trusting_options());
}

// ---- Arrays of buffers
// ---------------------------------------------------------------------------

TEST(Descriptors, ABindingHasTheSameBuffersInEachOfItsViews) {
  for (const std::uint32_t last : {0u, 2u, 3u, 0x80000000u}) {
    TestLaunch launch;
    launch.buffers = {{0, 0, Bytes(192)}};
    for (std::uint32_t k = 0; k < 5; ++k)
      launch.buffers.push_back(
          {0, 1, numbered(4 + k, [&](std::uint32_t i) { return 100 * (k + 1) + i; }), k});
    launch.buffers.push_back({0, 2, numbered(4, [](std::uint32_t i) { return 7000 + i; })});
    launch.push = bytes_of<std::uint32_t>({last});
    expect_same(read_shader("views_of_an_array"), launch, 32, own_options());
  }
}

// Where the array has no buffer at all, or fewer than one of its views.
TEST(Descriptors, AViewHasNoMoreBuffersThanTheBinding) {
  for (const std::uint32_t count : {0u, 1u, 2u}) {
    TestLaunch launch;
    launch.buffers = {{0, 0, Bytes(192)}};
    for (std::uint32_t k = 0; k < count; ++k)
      launch.buffers.push_back({0, 1, numbered(4, [&](std::uint32_t i) { return 50 * k + i; }), k});
    launch.buffers.push_back({0, 2, numbered(4, [](std::uint32_t i) { return 7000 + i; })});
    launch.push = bytes_of<std::uint32_t>({1});
    expect_same(read_shader("views_of_an_array"), launch, 32, own_options());
  }
}

// ---- Sums
// ----------------------------------------------------------------------------------------

TEST(Sums, OfNobodyAreZero) {
  TestLaunch launch;
  launch.buffers = {
      {0, 0, numbered(64, [](std::uint32_t i) { return i % 7 < 3 ? 0x80000000u : 0x3F800000u; })},
      {0, 1, Bytes(512)}};
  for (const std::uint32_t subgroup : {4u, 32u, 64u})
    expect_same(read_shader("exclusive_sums"), launch, subgroup);
}

// ---- The stack
// -----------------------------------------------------------------------------------

std::string many_of(std::uint32_t count, bool shuffles) {
  std::string body;
  for (std::uint32_t n = 0; n < count; ++n)
    body += shuffles ? fmt::format("%s{0} = OpGroupNonUniformShuffle %u %subgroup %{1} %index\n", n,
                                   n == 0 ? "i" : fmt::format("s{}", n - 1))
                     : fmt::format(
                           "%p{0} = OpAccessChain %place %out %u0 %{1}\n"
                           "%s{0} = OpAtomicExchange %u %p{0} %u1 %u0 %i\n",
                           n, n == 0 ? "index" : fmt::format("s{}", n - 1));
  body += fmt::format("OpStore %to %s{}\n", count - 1);
  std::string text = indexed("", "%subgroup = OpConstant %u 3\n", body);
  const std::string first = "OpCapability Int64\n";
  return text.insert(text.find(first),
                     "OpCapability GroupNonUniform\nOpCapability GroupNonUniformShuffle\n");
}

std::size_t places_on_stack(const Bytes& module, const CompileOptions& chosen) {
  std::string emitted;
  constexpr std::array kWanted{Stage::kEmit};
  Trace trace(kWanted,
              [&](Stage, std::string_view, std::string_view text) { emitted = std::string(text); });
  CompileOptions options = chosen;
  options.trace = &trace;
  const auto decoded = spirv::decode(module);
  EXPECT_TRUE(decoded.ok());
  const auto entry = (*decoded)->entry_point("");
  const auto kernel = compile(**decoded, **entry, options);
  EXPECT_TRUE(kernel.ok()) << kernel.failure().sentence;
  std::size_t places = 0;
  std::istringstream lines(emitted);
  for (std::string line; std::getline(lines, line);) places += line.find("= alloca ") != line.npos;
  return places;
}

TEST(Stack, DoesNotGrowWithTheInstructionsOfAKernel) {
  for (const bool shuffles : {true, false}) {
    CompileOptions options;
    options.effort = Effort::kVerify;
    const std::size_t some = places_on_stack(assemble(many_of(1200, shuffles)), options),
                      many = places_on_stack(assemble(many_of(1500, shuffles)), options);
    EXPECT_GT(some, 0u);
    EXPECT_EQ(some, many) << (shuffles ? "shuffles" : "exchanges");
  }
}

// What shares a place is right all the same.
TEST(Stack, PlacesThatAreSharedHoldWhatEachNeeds) {
  TestLaunch launch;
  launch.buffers = {{0, 0, numbered(64, [](std::uint32_t i) { return (i * 13 + 5) % 32; })},
                    {0, 1, Bytes(256)}};
  std::vector<CompileOptions> ways = own_options();
  for (CompileOptions& one : ways) one.effort = Effort::kQuick;
  expect_same(assemble(many_of(400, true)), launch, 32, ways);
}

}  // namespace
}  // namespace sokr::cpu::test
