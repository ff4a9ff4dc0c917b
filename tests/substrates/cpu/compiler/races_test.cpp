// SPDX-License-Identifier: MIT OR Apache-2.0
#include "races.hpp"

#include <gtest/gtest.h>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

struct Step {
  std::uint64_t group;
  std::uint32_t invocation, barriers;
  bool writes, is_atomic;
  std::uint32_t word;
  std::uintptr_t address = 64;
};

void watch(RaceFinder& finder, const std::vector<Step>& steps, bool is_workgroup = false) {
  for (const Step& s : steps) {
    reference::Access access{};
    access.address = s.address;
    access.bytes = 4;
    access.group = s.group;
    access.invocation = s.invocation;
    access.barriers = s.barriers;
    access.is_write = s.writes;
    access.is_atomic = s.is_atomic;
    access.is_workgroup = is_workgroup;
    access.word = s.word;
    finder.access(access);
  }
}

bool is_race(const std::vector<Step>& steps) {
  RaceFinder finder;
  watch(finder, steps);
  return !finder.race().empty();
}

TEST(RaceFinder, SeesTwoInvocationsThatMeetWithoutABarrier) {
  EXPECT_TRUE(is_race({{0, 0, 0, true, false, 9}, {0, 1, 0, false, false, 12}}));
  EXPECT_TRUE(is_race({{0, 0, 0, false, false, 9}, {0, 1, 0, true, false, 12}}));
  EXPECT_TRUE(is_race({{0, 0, 0, true, false, 9}, {0, 1, 0, true, false, 9}}));
  // One byte of a word is enough, and an atomic access beside one that is not.
  EXPECT_TRUE(is_race({{0, 0, 0, true, false, 9, 64}, {0, 1, 0, false, false, 12, 67}}));
  EXPECT_TRUE(is_race({{0, 0, 0, true, true, 9}, {0, 1, 0, true, false, 12}}));
  // No barrier holds two workgroups.
  EXPECT_TRUE(is_race({{0, 0, 0, true, false, 9}, {1, 0, 1, false, false, 12}}));
}

TEST(RaceFinder, LeavesOthersAlone) {
  EXPECT_FALSE(is_race({{0, 0, 0, true, false, 9}, {0, 0, 0, false, false, 12}}));
  EXPECT_FALSE(is_race({{0, 0, 0, false, false, 9}, {0, 1, 0, false, false, 9}}));
  EXPECT_FALSE(is_race({{0, 0, 0, true, false, 9}, {0, 1, 1, true, false, 12}}));
  EXPECT_FALSE(is_race({{0, 0, 0, true, false, 9, 64}, {0, 1, 0, true, false, 9, 68}}));
  EXPECT_FALSE(is_race({{0, 0, 0, true, true, 9}, {1, 1, 0, true, true, 12}}));
}

TEST(RaceFinder, KnowsWhichAtomicOperationsMet) {
  RaceFinder finder;
  watch(finder, {{0, 0, 0, true, true, 9}, {0, 1, 0, true, true, 12}});
  EXPECT_EQ(finder.meetings().count({9, 12}), 1u);
  RaceFinder alone;
  watch(alone, {{0, 0, 0, true, true, 9}, {0, 0, 0, true, true, 12}});
  EXPECT_TRUE(alone.meetings().empty());
}

TEST(RaceFinder, SeesWorkgroupMemoryThatNobodyHasWritten) {
  RaceFinder finder;
  watch(finder, {{0, 0, 0, true, false, 9}, {0, 0, 0, false, false, 12}}, true);
  EXPECT_EQ(finder.unwritten(), "");
  finder.begin_group(64, 4);  // of the next workgroup
  watch(finder, {{1, 0, 0, false, false, 12}}, true);
  EXPECT_NE(finder.unwritten(), "");
}

// Eight invocations with an index each, into four numbers of their own or of a buffer.
std::string indexed(bool variable) {
  return std::string(R"(
    OpCapability Shader
    OpMemoryModel Logical GLSL450
    OpEntryPoint GLCompute %main "main" %index
    OpExecutionMode %main LocalSize 8 1 1
    OpDecorate %index BuiltIn LocalInvocationIndex
    OpDecorate %out DescriptorSet 0
    OpDecorate %out Binding 0
    OpDecorate %many ArrayStride 4
    OpDecorate %block Block
    OpMemberDecorate %block 0 Offset 0
    %void = OpTypeVoid
    %function = OpTypeFunction %void
    %uint = OpTypeInt 32 0
    %n0 = OpConstant %uint 0
    %n4 = OpConstant %uint 4
    %four = OpTypeArray %uint %n4
    %many = OpTypeRuntimeArray %uint
    %block = OpTypeStruct %many
    %to_block = OpTypePointer StorageBuffer %block
    %to_uint = OpTypePointer StorageBuffer %uint
    %to_input = OpTypePointer Input %uint
    %to_four = OpTypePointer Private %four
    %to_own = OpTypePointer Private %uint
    %out = OpVariable %to_block StorageBuffer
    %index = OpVariable %to_input Input
    %own = OpVariable %to_four Private
    %main = OpFunction %void None %function
    %start = OpLabel
    %i = OpLoad %uint %index
  )") +
         (variable ? "%at = OpAccessChain %to_own %own %i\n"
                   : "%at = OpAccessChain %to_uint %out %n0 %i\n") +
         "OpStore %at %i\nOpReturn\nOpFunctionEnd\n";
}

TEST(RaceFinder, TellsVariablesFromBuffers) {
  for (const bool variable : {false, true}) {
    RaceFinder finder;
    TestLaunch launch;
    launch.buffers = {{0, 0, Bytes(16)}};
    const auto ran = run_reference(assemble(indexed(variable)), launch, 32, {{}, &finder});
    ASSERT_TRUE(ran) << ran.failure().sentence;
    EXPECT_EQ(finder.is_outside(), variable);
    EXPECT_EQ(finder.race(), "");
  }
}

}  // namespace
}  // namespace sokr::cpu::test
