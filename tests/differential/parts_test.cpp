// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The parts that judge the substrates: the generator, the evaluator, the reducer, numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <sokr/spirv/module.hpp>

#include "kernels/element.hpp"
#include "random/program.hpp"

namespace sokr::differential {
namespace {

constexpr std::uint64_t kSeeds = 150;

std::vector<std::uint8_t> bytes_of(const std::vector<std::uint32_t>& words) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(words.data());
  return {first, first + words.size() * 4};
}

bool contains(const Block& block, Kind kind) {
  for (const Stmt& s : block) {
    if (s.kind == kind) return true;
    for (const Block& inner : s.blocks)
      if (contains(inner, kind)) return true;
  }
  return false;
}

TEST(RandomPrograms, AreTheSameForTheSameSeed) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Program a = generate(seed, {}), b = generate(seed, {});
    EXPECT_EQ(print(a), print(b));
    EXPECT_EQ(emit(a), emit(b));
    EXPECT_NE(print(a), print(generate(seed + 1, {})));
  }
}

TEST(RandomPrograms, AreValidAtEveryLevelOfOptimization) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Program program = generate(seed, {.edges = seed % 2 == 0});
    for (program.optimize = 0; program.optimize < 3; ++program.optimize) {
      const auto valid = spirv::validate(bytes_of(emit(program)));
      ASSERT_TRUE(valid) << "seed " << seed << ": " << valid.failure().sentence;
    }
  }
}

TEST(RandomPrograms, EndAndHaveEveryKindOfStatement) {
  std::set<Kind> seen;
  int evaluated = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Program program = generate(seed, {});
    Memory memory = initial_memory(program);
    evaluated += evaluate(program, memory);
    for (const Function& f : program.functions)
      for (int kind = 0; kind <= static_cast<int>(Kind::kReturn); ++kind)
        if (contains(f.body, static_cast<Kind>(kind))) seen.insert(static_cast<Kind>(kind));
  }
  EXPECT_GT(evaluated, static_cast<int>(kSeeds * 9 / 10));
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(Kind::kReturn) + 1);
}

Expr number(std::uint32_t value) {
  return {Op::kConstant, value, {}};
}

// Invocations meet at barriers: each reads what its neighbour wrote in the round before.
TEST(Evaluation, GoesFromBarrierToBarrier) {
  Program program;
  program.local_size = {4, 1, 1};
  program.functions.resize(1);
  program.functions[0].locals = 1;
  Expr neighbour{Op::kAdd, 0, {{Op::kInvocation, 0, {}}, number(1)}};
  Expr square{Op::kMul, 0, {{Op::kInvocation, 0, {}}, {Op::kInvocation, 0, {}}}};
  Block& body = program.functions[0].body;
  const Expr here{Op::kInvocation, 0, {}};
  for (const auto& [kind, exprs] : std::vector<std::pair<Kind, std::vector<Expr>>>{
           {Kind::kSharedStore, {here, square}},
           {Kind::kBarrier, {}},
           {Kind::kSharedLoad, {neighbour}},
           {Kind::kOutput, {number(0), {Op::kLocal, 0, {}}}}}) {
    Stmt s;
    s.kind = kind;
    s.exprs = exprs;
    body.push_back(s);
  }
  Memory memory = initial_memory(program);
  ASSERT_TRUE(evaluate(program, memory));
  for (const auto& [i, expected] : {std::pair{0u, 1u}, {1u, 4u}, {2u, 9u}, {3u, 0u}})
    EXPECT_EQ(memory.output[i * kOutputs], expected);
}

Stmt statement(Kind kind, std::vector<Expr> exprs) {
  Stmt s;
  s.kind = kind;
  s.exprs = std::move(exprs);
  return s;
}

Program program_of(std::uint32_t invocations, Block body) {
  Program program;
  program.local_size = {invocations, 1, 1};
  program.subgroup_size = 4;
  program.functions.resize(1);
  program.functions[0].locals = 2;
  program.functions[0].body = std::move(body);
  return program;
}

Stmt ballot_count(std::uint32_t target) {
  Stmt s = statement(Kind::kTogether, {{Op::kEqual, 0, {number(0), number(0)}}});
  s.callee = static_cast<std::uint32_t>(Together::kBallotCount);
  s.target = target;
  return s;
}

// Those who go through a branch meet in it, all meet behind it, and in each turn of a loop
// those who still take part; 6 invocations are a subgroup of 4 and one of 2.
TEST(Evaluation, LetsASubgroupMeetWhereItsControlFlowDoes) {
  const Expr here{Op::kInvocation, 0, {}};
  Stmt branch = statement(Kind::kIf, {{Op::kULess, 0, {here, number(3)}}});
  branch.blocks = {{ballot_count(0)}, {}};
  Stmt loop = statement(Kind::kLoop,
                        {{Op::kULess, 0, {{Op::kCounter, 0, {}}, here}}, number(0), number(1)});
  Stmt mix = statement(Kind::kOutputMix, {number(2), {Op::kLocal, 0, {}}});
  loop.blocks = {{ballot_count(0), mix}, {}};
  Program program =
      program_of(6, {branch, statement(Kind::kOutput, {number(0), {Op::kLocal, 0, {}}}),
                     ballot_count(1), statement(Kind::kOutput, {number(1), {Op::kLocal, 1, {}}}),
                     statement(Kind::kOutput, {number(2), number(0)}), loop});
  Memory memory = initial_memory(program);
  ASSERT_TRUE(evaluate(program, memory));
  constexpr std::uint32_t kInBranch[] = {3, 3, 3, 0, 0, 0}, kBehind[] = {4, 4, 4, 4, 2, 2};
  // Turns 0, 1, 2 and so on of invocations 0 to 3 with 3, 2, 1 taking part; 4 and 5 likewise.
  constexpr std::uint32_t kInLoop[] = {0,
                                       3,
                                       3 * 31 + 2,
                                       (3 * 31 + 2) * 31 + 1,
                                       ((2 * 31 + 2) * 31 + 2) * 31 + 2,
                                       (((2 * 31 + 2) * 31 + 2) * 31 + 2) * 31 + 1};
  for (std::uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(memory.output[i * kOutputs], kInBranch[i]) << i;
    EXPECT_EQ(memory.output[i * kOutputs + 1], kBehind[i]) << i;
    EXPECT_EQ(memory.output[i * kOutputs + 2], kInLoop[i]) << i;
  }
}

TEST(Evaluation, RefusesRaces) {
  const Expr here{Op::kInvocation, 0, {}};
  const Expr next{Op::kUMod, 0, {{Op::kAdd, 0, {here, number(1)}}, number(4)}};
  const Stmt store = statement(Kind::kSharedStore, {here, here});
  const Stmt read = statement(Kind::kAssign, {{Op::kShared, 0, {next}}});
  const Stmt barrier = statement(Kind::kBarrier, {});
  const auto is_accepted = [](Block body) {
    Program program = program_of(4, std::move(body));
    Memory memory = initial_memory(program);
    return evaluate(program, memory);
  };
  EXPECT_TRUE(is_accepted({store, barrier, read, barrier, store}));
  EXPECT_FALSE(is_accepted({store, read}));                  // read after another's write
  EXPECT_FALSE(is_accepted({store, barrier, read, store}));  // write after another's read
  EXPECT_FALSE(is_accepted({statement(Kind::kSharedStore, {number(0), here})}));
  EXPECT_FALSE(is_accepted({read}));  // nobody has written
  EXPECT_FALSE(is_accepted({statement(Kind::kSharedStore, {number(8), here})}));
}

TEST(Evaluation, RefusesInvocationsThatDisagreeAboutABarrier) {
  Program program;
  program.local_size = {2, 1, 1};
  program.functions.resize(1);
  Stmt test;
  test.kind = Kind::kIf;
  test.exprs = {{Op::kEqual, 0, {{Op::kInvocation, 0, {}}, number(0)}}};
  test.blocks.resize(2);
  test.blocks[0].resize(1);  // a barrier
  program.functions[0].body.push_back(test);
  Memory memory = initial_memory(program);
  EXPECT_FALSE(evaluate(program, memory));
}

TEST(Reduction, KeepsWhatFailsAndLittleElse) {
  int tried = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const Program program = generate(seed, {});
    Memory memory = initial_memory(program);
    if (!contains(program.functions[0].body, Kind::kSwitch) || !evaluate(program, memory)) continue;
    const Program small = shrink(
        program, [](const Program& p) { return contains(p.functions[0].body, Kind::kSwitch); },
        3000);
    EXPECT_TRUE(contains(small.functions[0].body, Kind::kSwitch));
    EXPECT_LE(statements(small), 4u) << print(small);
    EXPECT_TRUE(spirv::validate(bytes_of(emit(small))));
    ++tried;
  }
  EXPECT_GT(tried, 5);
}

TEST(Numbers, HalvesRoundToNearestEven) {
  const std::pair<double, Bits> table[] = {
      {1.0, 0x3C00},         {-2.0, 0xC000},          {65504, 0x7BFF},
      {65519.99, 0x7BFF},    {65520, 0x7C00},         {0x1p-24, 1},
      {0x1p-25, 0},          {0x1.8p-24, 2},          {0x1p-14, 0x0400},
      {1 + 0x1p-11, 0x3C00}, {1 + 0x1.8p-10, 0x3C02}, {-0.0, 0x8000}};
  for (const auto& [number_value, bits] : table)
    EXPECT_EQ(to_bits("f16", number_value), bits) << number_value;
  for (Bits bits = 0; bits < 0x7C00; ++bits)
    ASSERT_EQ(to_bits("f16", to_number("f16", bits)), bits);
}

TEST(Numbers, AgreeWithinUnitsInTheLastPlace) {
  const Bits one = to_bits("f32", 1), nan = to_bits("f32", std::nan(""));
  EXPECT_TRUE(agrees("f32", one, one + 2, 2));
  EXPECT_FALSE(agrees("f32", one, one + 3, 2));
  EXPECT_FALSE(agrees("f32", one, one + 1, 0));
  EXPECT_TRUE(agrees("f32", nan, nan ^ 1, 0));
  EXPECT_FALSE(agrees("f32", nan, one, 100));
  EXPECT_FALSE(agrees("f32", 0, 0x80000000, 0));
  EXPECT_TRUE(agrees("f32", 0, 0x80000000, 1));
  EXPECT_FALSE(agrees("f64", to_bits("f64", 1e308), to_bits("f64", -1e308), 4));
  EXPECT_FALSE(agrees("u32", 1, 2, 4));
}

TEST(SmallKernels, AreManyAndHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  const std::vector<Row> rows = all_rows();
  for (const Row& row : rows) EXPECT_TRUE(names.insert(row.name).second) << row.name;
  EXPECT_GE(rows.size(), 300u);
}

}  // namespace
}  // namespace sokr::differential
