// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the analyses say of random expressions is true of their values, for every instruction set's
// width and several interleavings. And what they should find, they find.
#include "compiler/analysis/transfer.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>

#include "compiler/analysis/print.hpp"
#include "compiler/analysis/ranges.hpp"
#include "expressions.hpp"
#include "programs.hpp"

namespace sokr::cpu::test {
namespace {

struct Way {
  Isa isa;
  std::uint32_t interleave, size;
};

constexpr Way kWays[] = {{Isa::kSse4, 1, 64},   {Isa::kSse4, 4, 64},   {Isa::kAvx2, 2, 64},
                         {Isa::kAvx512, 1, 64}, {Isa::kAvx512, 4, 64}, {Isa::kAvx512, 2, 128},
                         {Isa::kAvx512, 2, 40}, {Isa::kSse4, 3, 36}};

// Values of the lanes of a pass, [chunk][lane].
using Pass = std::vector<std::vector<std::uint32_t>>;

// Why the shape is wrong; empty if it is right.
std::string wrong(const Shape& s, const Geometry& g, const Pass& v) {
  if (!s.known) return "nothing is known";
  const auto at = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
  for (std::uint32_t c = 0; c < g.chunks; ++c) {
    std::uint32_t base = s.affine ? (s.chunk ? v[c][0] : v[0][0] + at(s.chunk_offset(c))) : 0;
    if (s.table) base = v[s.chunk ? c : 0][0] - at((*s.table)[0]);
    if ((c == 0 || s.chunk) && (s.affine || s.table) && base % s.align)
      return fmt::format("chunk {} begins at {}", c, base);
    for (std::uint32_t l = 0; l < g.width; ++l) {
      std::uint32_t expected = s.affine  ? base + at(s.ls * l)
                               : s.table ? base + at((*s.table)[l])
                               : s.chunk ? v[c][l]
                                         : v[0][l];
      if (v[c][l] != expected)
        return fmt::format("chunk {} lane {} is {}, not {}", c, l, v[c][l], expected);
    }
  }
  return "";
}

struct Judged {
  std::size_t shapes = 0, ranges = 0, affine = 0, tables = 0;
};

void judge(std::uint32_t seed, const Way& way, Judged& judged) {
  std::mt19937 random(seed);
  const Expressions expressions(random, 24);
  const Lowered lowered = lower_text(expressions.text(way.size));
  CompileOptions options;
  options.isa = way.isa;
  options.interleave = way.interleave;
  const Geometry g = choose_geometry(lowered.program, options);
  const Analysis analysis = analyse(lowered.program, g);
  Ranges ranges(lowered.program, analysis, g);
  const std::uint32_t group = random() % 1000, same = random();
  std::vector<std::vector<std::uint32_t>> all;  // by invocation; those beyond the workgroup, too
  for (std::uint32_t i = 0; i < g.passes() * g.lanes(); ++i)
    all.push_back(
        expressions.values({group * way.size + i, i, same, static_cast<std::uint32_t>(random())}));
  for (std::uint32_t n = 0; n < expressions.nodes().size(); ++n) {
    const Id id = lowered.value(fmt::format("n{}", n));
    if (!id) continue;
    const Shapes& shapes = analysis.values[id - lowered.module->bound()];
    ASSERT_EQ(shapes.size(), 1u);
    judged.affine += shapes[0].affine && !shapes[0].is_uniform() ? 1 : 0;
    judged.tables += shapes[0].table ? 1 : 0;
    for (std::uint32_t pass = 0; pass < g.passes(); ++pass) {
      Pass values(g.chunks);
      for (std::uint32_t c = 0; c < g.chunks; ++c)
        for (std::uint32_t l = 0; l < g.width; ++l)
          values[c].push_back(all[pass * g.lanes() + c * g.width + l][n]);
      ASSERT_EQ(wrong(shapes[0], g, values), "")
          << "seed " << seed << ", " << isa_name(way.isa) << " x " << way.interleave << ", pass "
          << pass << ": " << expressions.describe(n) << " is not " << to_text(shapes[0]);
      ++judged.shapes;
    }
    const auto range = ranges.of(id, lowered.program.definition(id)->block);
    if (!range) continue;
    ++judged.ranges;
    for (std::uint32_t i = 0; i < way.size; ++i)
      ASSERT_TRUE(all[i][n] >= range->low && all[i][n] <= range->high)
          << "seed " << seed << ": " << expressions.describe(n) << " is " << all[i][n]
          << ", not in " << range->low << " to " << range->high;
  }
}

TEST(Transfer, WhatIsSaidOfRandomExpressionsIsTrue) {
  Judged judged;
  for (std::uint32_t seed = 1; seed <= 150 && !HasFatalFailure(); ++seed)
    for (const Way& way : kWays)
      if (!HasFatalFailure()) judge(seed, way, judged);
  // Of nothing but freely varying values all would be true.
  EXPECT_GT(judged.shapes, 20000u);
  EXPECT_GT(judged.affine, 1000u);
  EXPECT_GT(judged.tables, 100u);
  EXPECT_GT(judged.ranges, 1000u);
}

// ---- What is found

struct Found {
  const char* name;
  const char* expression;  // makes %n1
  const char* shape;       // with 16 lanes, four chunks, one pass of 64
};

class FindsShape : public testing::TestWithParam<Found> {};

TEST_P(FindsShape, OfResults) {
  const Lowered lowered = lower_text(kernel_text(
      64, fmt::format("{}OpStore %out_place %n1\n", GetParam().expression),
      "%u8 = OpConstant %uint 8\n%u15 = OpConstant %uint 15\n%u16 = OpConstant %uint 16\n"));
  CompileOptions options;
  options.isa = Isa::kAvx512;
  options.interleave = 4;
  const Geometry g = choose_geometry(lowered.program, options);
  const Analysis analysis = analyse(lowered.program, g);
  const Id id = lowered.value("n1");
  ASSERT_NE(id, 0u);
  EXPECT_EQ(to_text(analysis.values[id - lowered.module->bound()][0]), GetParam().shape);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, FindsShape,
    testing::Values(
        Found{"Place", "%n1 = OpIAdd %uint %x %u0\n", "affine lane 1 chunk 16 align 64"},
        Found{"Product", "%n1 = OpIMul %uint %x %u4\n", "affine lane 4 chunk 64 align 256"},
        Found{"UniformProduct", "%n1 = OpIMul %uint %same %same\n", "uniform"},
        Found{"VaryingProduct", "%n1 = OpIMul %uint %x %same\n", "varying"},
        Found{"Difference", "%n1 = OpISub %uint %same %x\n", "affine lane -1 chunk -16"},
        Found{"Negated", "%n1 = OpSNegate %uint %x\n", "affine lane -1 chunk -16 align 64"},
        Found{"ShiftedUp", "%n1 = OpShiftLeftLogical %uint %x %u2\n",
              "affine lane 4 chunk 64 align 256"},
        Found{"ShiftedDown", "%n1 = OpShiftRightLogical %uint %x %u1\n",
              "table 0 0 1 1 2 2 3 3 4 4 5 5 6 6 7 7 align 8"},
        Found{"ByRegisters", "%n1 = OpUDiv %uint %x %u16\n", "affine lane 0 chunk 1"},
        Found{"ByRegistersFromAnywhere", "%d = OpISub %uint %x %u16\n%n1 = OpUDiv %uint %d %u16\n",
              "uniform for each chunk"},
        Found{"WithinRegisters", "%n1 = OpBitwiseAnd %uint %x %u15\n",
              "affine lane 1 chunk 0 align 65536"},
        Found{"Partner", "%n1 = OpBitwiseXor %uint %x %u1\n",
              "table 1 0 3 2 5 4 7 6 9 8 11 10 13 12 15 14 align 16"},
        Found{"OwnLoad", "%n1 = OpIAdd %uint %own %u1\n", "varying"},
        Found{"Comparison", "%c = OpULessThan %bool %same %u4\n%n1 = OpSelect %uint %c %x %u1\n",
              "varying"},
        Found{"SameSides",
              "%c = OpULessThan %bool %same %u4\n%d = OpIAdd %uint %x %u8\n"
              "%n1 = OpSelect %uint %c %x %d\n",
              "affine lane 1 chunk 16 align 8"}),
    [](const auto& one) { return std::string(one.param.name); });

// ---- Where values come from later, or from nowhere ------------------------------------------

void expect_all_known(const std::string& text) {
  const Lowered lowered = lower_text(text);
  const Program& program = lowered.program;
  for (const Way& way : kWays) {
    if (way.size != 64) continue;
    CompileOptions options;
    options.isa = way.isa;
    options.interleave = way.interleave;
    const Analysis analysis = analyse(program, choose_geometry(program, options));
    for (const Block& block : program.blocks)
      for (const Inst& inst : block.body) {
        if (!inst.id || leaf_count(*program.module, inst.type) == 0) continue;
        const Shapes& shapes = analysis.values[inst.id - lowered.module->bound()];
        const bool is_private = private_place(program, inst.id).has_value();
        EXPECT_TRUE(is_private || !shapes.empty()) << program.module->name(inst.origin);
        for (const Shape& one : shapes) EXPECT_TRUE(one.known) << program.module->name(inst.origin);
      }
  }
}

constexpr const char* kPrivateArray =
    "%row = OpTypeArray %uint %u4\n%to_row = OpTypePointer Private %row\n"
    "%to_cell = OpTypePointer Private %uint\n%cells = OpVariable %to_row Private\n";

// In every round but the first, what the round before has stored behind `uses`.
std::string stored_later(const std::string& index, const std::string& uses) {
  return kernel_text(
      64,
      fmt::format("OpBranch %head\n%head = OpLabel\n%i = OpPhi %uint %u0 %start %i_new %next\n"
                  "OpLoopMerge %after %next None\nOpBranch %tests\n%tests = OpLabel\n"
                  "%goes = OpULessThan %bool %i %same\n"
                  "OpBranchConditional %goes %round %after\n%round = OpLabel\n"
                  "%sum = OpIAdd %uint %i %x\n%low = OpBitwiseAnd %uint %sum %u3\n"
                  "%cell = OpAccessChain %to_cell %cells {0}\n"
                  "%later = OpUGreaterThan %bool %i %u0\nOpSelectionMerge %stores None\n"
                  "OpBranchConditional %later %reads %stores\n%reads = OpLabel\n"
                  "%loaded = OpLoad %uint %cell\n{1}OpStore %out_place %used\n"
                  "OpBranch %stores\n%stores = OpLabel\nOpStore %cell %sum\nOpBranch %next\n"
                  "%next = OpLabel\n%i_new = OpIAdd %uint %i %u1\nOpBranch %head\n"
                  "%after = OpLabel\n",
                  index, uses),
      kPrivateArray);
}

TEST(Shapes, OfWhatIsStoredBehindItsFirstUse) {
  for (const char* index : {"%u0", "%low"})
    for (const char* uses :
         {"%used = OpSNegate %uint %loaded\n",
          "%more = OpIAdd %uint %loaded %u1\n%used = OpSNegate %uint %more\n",
          "%more = OpIAdd %uint %loaded %u1\n%large = OpUGreaterThan %bool %more %u3\n"
          "%used = OpSelect %uint %large %more %i\n",
          "%large = OpUGreaterThan %bool %x %u3\n%used = OpSelect %uint %large %loaded %i\n",
          "%two = OpCompositeConstruct %uvec3 %loaded %i %x\n%minus = OpSNegate %uvec3 %two\n"
          "%used = OpCompositeExtract %uint %minus 1\n"}) {
      SCOPED_TRACE(uses);
      expect_all_known(stored_later(index, uses));
    }
}

// A call of a function that never returns, with control flow behind it.
std::string never_returns() {
  return kernel_text(64,
                     "%few = OpULessThan %bool %x %u3\nOpSelectionMerge %all None\n"
                     "OpBranchConditional %few %calls %all\n%calls = OpLabel\n"
                     "%given = OpFunctionCall %uint %never\n%minus = OpSNegate %uint %given\n"
                     "%more = OpULessThan %bool %minus %same\nOpSelectionMerge %both None\n"
                     "OpBranchConditional %more %stores %both\n%stores = OpLabel\n"
                     "OpStore %out_place %minus\nOpBranch %both\n%both = OpLabel\n"
                     "OpBranch %all\n%all = OpLabel\n",
                     "%gives = OpTypeFunction %uint\n") +
         "%never = OpFunction %uint None %gives\n%never_at_all = OpLabel\nOpUnreachable\n"
         "OpFunctionEnd\n";
}

TEST(Shapes, OfWhatAFunctionGivesThatNeverReturns) {
  expect_all_known(never_returns());
}

TEST(Blocks, BehindACallThatNeverReturnsAreNobodysSuccessors) {
  const Lowered lowered = lower_text(never_returns());
  const Program& program = lowered.program;
  for (const char* name : {"minus", "more"}) {
    const std::uint32_t block = program.definition(lowered.value(name))->block;
    EXPECT_TRUE(program.blocks[block].predecessors.empty()) << name;
  }
  std::size_t dead = 0;
  for (std::uint32_t b = 1; b < program.blocks.size(); ++b) {
    dead += program.blocks[b].predecessors.empty() ? 1 : 0;
    for (const std::uint32_t from : program.blocks[b].predecessors)
      EXPECT_TRUE(from == 0 || !program.blocks[from].predecessors.empty()) << from << " to " << b;
    for (const Inst& inst : program.blocks[b].body)
      EXPECT_NE(inst.op, spv::Op::OpStore) << "the one way on is left out";
  }
  EXPECT_EQ(2u, dead) << "where the call comes back, and where both meet, which a construct names";
}

}  // namespace
}  // namespace sokr::cpu::test
