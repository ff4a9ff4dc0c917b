// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Loops around barriers: as many rounds are copied as there are, or none.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "compiler/program/program.hpp"
#include "programs.hpp"

namespace sokr::cpu::test {
namespace {

constexpr const char* kShared =
    "%u264 = OpConstant %uint 264\n%u64 = OpConstant %uint 64\n%row = OpTypeArray %uint %u64\n"
    "%row_place = OpTypePointer Workgroup %row\n%cell_place = OpTypePointer Workgroup %uint\n"
    "%shared = OpVariable %row_place Workgroup\n";

std::string loop_text(std::uint32_t first, const std::string& test, std::uint32_t bound,
                      const std::string& step, std::uint32_t by, bool barrier = true) {
  const std::string declared = fmt::format(
      "{}%first = OpConstant %uint {}\n%bound = OpConstant %uint {}\n"
      "%by = OpConstant %uint {}\n",
      kShared, first, bound, by);
  return kernel_text(
      64,
      fmt::format("%cell = OpAccessChain %cell_place %shared %l\nOpBranch %head\n"
                  "%head = OpLabel\n%i = OpPhi %uint %first %start %i_new %next\n"
                  "OpLoopMerge %after %next None\nOpBranch %tests\n%tests = OpLabel\n"
                  "%goes = {} %bool %i %bound\nOpBranchConditional %goes %round %after\n"
                  "%round = OpLabel\nOpStore %cell %i\n{}OpBranch %next\n%next = OpLabel\n"
                  "%i_new = {} %uint %i %by\nOpBranch %head\n%after = OpLabel\n"
                  "%y = OpLoad %uint %cell\nOpStore %out_place %y\n",
                  test, barrier ? "OpControlBarrier %u2 %u2 %u264\n" : "", step),
      declared);
}

struct Seen {
  bool changed = false;
  std::size_t loops = 0;
  std::vector<std::uint32_t> stored;  // constants that are stored to Workgroup memory
};

Seen unrolled(const std::string& text, std::size_t most = 2000) {
  Lowered lowered = lower_text(text);
  Program& program = lowered.program;
  promote_variables(program);
  simplify(program);
  Seen seen;
  seen.changed = unroll(program, most);
  for (const auto& construct : program.constructs)
    seen.loops += construct.kind == ConstructKind::kLoop ? 1 : 0;
  for (const auto& block : program.blocks)
    for (const auto& inst : block.body)
      if (inst.op == spv::Op::OpStore)
        if (const spirv::Constant* c = program.constant(inst.args[1]))
          seen.stored.push_back(static_cast<std::uint32_t>(c->bits));
  return seen;
}

struct Counting {
  const char* name;
  std::uint32_t first;
  const char* test;
  std::uint32_t bound;
  const char* step;
  std::uint32_t by;
  std::vector<std::uint32_t> rounds;
};

class Unroll : public testing::TestWithParam<Counting> {};

TEST_P(Unroll, CopiesEachRoundWithItsNumber) {
  const Counting& c = GetParam();
  const Seen seen = unrolled(loop_text(c.first, c.test, c.bound, c.step, c.by));
  EXPECT_TRUE(seen.changed);
  EXPECT_EQ(seen.loops, 0u);
  EXPECT_EQ(seen.stored, c.rounds);
}

INSTANTIATE_TEST_SUITE_P(
    Loops, Unroll,
    testing::Values(
        Counting{"Up", 0, "OpULessThan", 4, "OpIAdd", 1, {0, 1, 2, 3}},
        Counting{"UpBySeveral", 1, "OpSLessThan", 10, "OpIAdd", 4, {1, 5, 9}},
        Counting{"UpToTheBound", 0, "OpULessThanEqual", 2, "OpIAdd", 1, {0, 1, 2}},
        Counting{"Down", 3, "OpUGreaterThan", 0, "OpISub", 1, {3, 2, 1}},
        Counting{
            "Halving", 32, "OpUGreaterThan", 0, "OpShiftRightLogical", 1, {32, 16, 8, 4, 2, 1}},
        Counting{"Doubling", 1, "OpULessThan", 20, "OpShiftLeftLogical", 1, {1, 2, 4, 8, 16}},
        Counting{"Times", 1, "OpINotEqual", 81, "OpIMul", 3, {1, 3, 9, 27}},
        Counting{
            "ThroughZero", 0xFFFFFFFE, "OpINotEqual", 1, "OpIAdd", 1, {0xFFFFFFFE, 0xFFFFFFFF, 0}},
        Counting{"Signed", 0xFFFFFFFE, "OpSLessThan", 1, "OpIAdd", 1, {0xFFFFFFFE, 0xFFFFFFFF, 0}},
        Counting{"Never", 5, "OpULessThan", 5, "OpIAdd", 1, {}}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(UnrollNot, WhatNeverEnds) {
  const Seen seen = unrolled(loop_text(0, "OpINotEqual", 5, "OpIAdd", 2));
  EXPECT_FALSE(seen.changed);
  EXPECT_EQ(seen.loops, 1u);
}

TEST(UnrollNot, BeyondTheBudget) {
  const std::string text = loop_text(0, "OpULessThan", 16, "OpIAdd", 1);
  EXPECT_TRUE(unrolled(text, 2000).changed);
  EXPECT_FALSE(unrolled(text, 20).changed);
}

TEST(UnrollNot, WithoutABarrierInTheKernel) {
  EXPECT_FALSE(unrolled(loop_text(0, "OpULessThan", 4, "OpIAdd", 1, false)).changed);
}

// Indices of a private array out of one long chain of sums: as many as code of a stack machine has.
TEST(Unroll, LooksAtLongChainsOfArithmeticOnce) {
  constexpr int kLength = 40'000, kEvery = 10;
  std::string body = "%n0 = OpIAdd %uint %u1 %u3\n";
  for (int i = 1; i < kLength; ++i) {
    body += fmt::format("%n{} = OpIAdd %uint %n{} %u1\n", i, i - 1);
    if (i % kEvery == 0)
      body += fmt::format(
          "%k{0} = OpBitwiseAnd %uint %n{0} %u3\n"
          "%p{0} = OpAccessChain %to_cell %cells %k{0}\nOpStore %p{0} %x\n",
          i);
  }
  Lowered lowered = lower_text(
      kernel_text(64, body,
                  "%row = OpTypeArray %uint %u4\n%to_row = OpTypePointer Private %row\n"
                  "%to_cell = OpTypePointer Private %uint\n%cells = OpVariable %to_row Private\n"));
  EXPECT_FALSE(unroll_private(lowered.program, 2000));
}

}  // namespace
}  // namespace sokr::cpu::test
