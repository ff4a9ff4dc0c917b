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
  for (const auto& [kind, exprs] : std::vector<std::pair<Kind, std::vector<Expr>>>{
           {Kind::kSharedStore, {square}},
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
