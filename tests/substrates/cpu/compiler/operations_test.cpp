// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every operation of the differential suite, on numbers and on vectors, for every instruction set:
// the code has to stand alone (LLVM calls libraries where a processor has no instruction, and a
// kernel reaches none), and where this processor runs it, to give what the row says.
//
// Operands of every kind at every instruction set where SOKR_EXTENT=all; else they take turns.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <element.hpp>
#include <extent.hpp>

#include "kernel_runner.hpp"

namespace sokr::cpu::test {
namespace {

using differential::Bits;
using differential::Operands;
using differential::Row;

constexpr std::uint32_t kLocalSizes[] = {64, 1, 7, 32, 33};

struct Case {
  const Row& row;
  Operands kind;
  std::uint32_t local_size;
  std::vector<std::vector<Bits>> operands;
  Bytes module;

  std::string name() const { return row.name + ", " + differential::name_of(kind); }
};

// `turn`: which cases are visited, of those whose operands all vary and of the others; kEveryTurn
// is all of them.
constexpr std::size_t kEveryTurn = ~std::size_t{0};
template <class Visit>
void each_case(std::size_t turn, Visit visit) {
  std::size_t n = 0;
  for (const Row& row : differential::all_rows())
    for (const Operands kind : differential::kAllOperands) {
      if (!differential::has_operands(row, kind)) continue;
      const std::size_t mine = n++;
      const std::size_t turns = kind == Operands::kVarying ? 6 : 24;
      if (turn != kEveryTurn && !differential::is_its_turn(mine, turn, turns, 4 * turns)) continue;
      Case one{row,
               kind,
               kLocalSizes[mine % std::size(kLocalSizes)],
               differential::combinations(row, true),
               {}};
      const auto count = static_cast<std::uint32_t>(one.operands[0].size());
      const auto words =
          differential::assemble(differential::element_module(row, one.local_size, count, kind));
      one.module.resize(words.size() * 4);
      std::memcpy(one.module.data(), words.data(), one.module.size());
      visit(one);
    }
}

Bytes packed(const std::string& type, const std::vector<Bits>& values) {
  const std::size_t size = differential::width_of(type) / 8;
  Bytes bytes(values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i) std::memcpy(&bytes[i * size], &values[i], size);
  return bytes;
}

TestLaunch launch_of(const Case& one) {
  TestLaunch launch;
  const std::size_t count = one.operands[0].size();
  launch.groups = {differential::groups_for(one.kind, one.local_size, count), 1, 1};
  std::uint32_t binding = 0;
  for (; binding < one.operands.size(); ++binding)
    launch.buffers.push_back({0, binding, packed(one.row.inputs[binding], one.operands[binding])});
  launch.buffers.push_back(
      {0, binding, Bytes(count * differential::width_of(one.row.output) / 8, 0xEE)});
  return launch;
}

// The first element that is not what the row says; empty if there is none.
std::string first_wrong(const Case& one, const Bytes& output) {
  const std::size_t size = differential::width_of(one.row.output) / 8;
  for (std::size_t n = 0; n < one.operands[0].size(); ++n) {
    std::vector<Bits> arguments;
    for (std::size_t i = 0; i < one.operands.size(); ++i)
      arguments.push_back(one.operands[i][differential::source_of(one.kind, one.local_size, n, i)]);
    Bits got = 0;
    std::memcpy(&got, &output[n * size], size);
    const Bits expected = one.row.expect(arguments);
    if (differential::agrees(one.row.output, expected, got, one.row.ulp)) continue;
    std::string text = fmt::format("element {}: {:#x}, expected {:#x}, of", n, got, expected);
    for (const Bits x : arguments) text += fmt::format(" {:#x}", x);
    return text;
  }
  return {};
}

bool is_of_halves(const Row& row) {
  return row.name.find("Half2x16") != std::string::npos || row.output == "f16" ||
         std::ranges::find(row.inputs, "f16") != row.inputs.end();
}

class Operations : public testing::TestWithParam<Isa> {};

TEST_P(Operations, StandAloneAndGiveWhatTheyAreFor) {
  std::size_t right = 0;
  each_case(static_cast<std::size_t>(GetParam()), [&](const Case& one) {
    CompileOptions options;
    options.isa = GetParam();
    // Libraries are called by what makes instructions. Of halves, other passes have a part in it.
    options.effort = is_of_halves(one.row) ? Effort::kFull : Effort::kQuick;
    if (host_supports(options.isa)) {
      TestLaunch launch = launch_of(one);
      const auto ran = run_compiled(one.module, options, launch);
      ASSERT_TRUE(ran) << one.name() << ": " << ran.failure().sentence;
      const std::string wrong = first_wrong(one, launch.buffers.back().data);
      EXPECT_EQ(wrong, "") << one.name();
      right += wrong.empty();
      return;
    }
    const auto module = spirv::decode(one.module);
    ASSERT_TRUE(module) << one.name() << ": " << module.failure().sentence;
    const auto kernel = compile(**module, (*module)->entry_points()[0], options);
    EXPECT_TRUE(kernel) << one.name() << ": " << kernel.failure().sentence;
    right += kernel.ok();
  });
  EXPECT_GT(right, differential::extent() == differential::Extent::kAll ? 1500u : 20u);
}

INSTANTIATE_TEST_SUITE_P(Isas, Operations, testing::ValuesIn(kIsas),
                         [](const auto& isa) { return std::string(isa_name(isa.param)); });

// Without instructions that convert halves, LLVM's tests for infinities can be made of calls of the
// function whose code they stand in.
TEST(Halves, AreConvertedByCodeThatEnds) {
  std::size_t n = 0;
  each_case(kEveryTurn, [&](const Case& one) {
    if (!is_of_halves(one.row)) return;
    if (n++ % 16 != 0 && one.row.name.find("Half2x16") == std::string::npos) return;
    for (const Effort effort : {Effort::kQuick, Effort::kFull}) {
      CompileOptions options;
      options.isa = Isa::kSse4;
      options.interleave = 1;
      options.effort = effort;
      if (!host_supports(options.isa)) return;
      TestLaunch launch = launch_of(one);
      const auto ran = run_compiled(one.module, options, launch);
      ASSERT_TRUE(ran) << one.name() << ": " << ran.failure().sentence;
      EXPECT_EQ(first_wrong(one, launch.buffers.back().data), "") << one.name();
    }
  });
  EXPECT_GT(n, 50u);
}

TEST(Interpreter, GivesWhatOperationsAreFor) {
  each_case(kEveryTurn, [](const Case& one) {
    TestLaunch launch = launch_of(one);
    const auto ran = run_reference(one.module, launch);
    ASSERT_TRUE(ran) << one.name() << ": " << ran.failure().sentence;
    EXPECT_EQ(first_wrong(one, launch.buffers.back().data), "") << one.name();
  });
}

}  // namespace
}  // namespace sokr::cpu::test
