// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which ranges are found, and where there must be none. That they hold: transfer_test.cpp.
#include "compiler/analysis/ranges.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "programs.hpp"

namespace sokr::cpu::test {
namespace {

constexpr const char* kConstants =
    "%u5 = OpConstant %uint 5\n%u16 = OpConstant %uint 16\n%u40 = OpConstant %uint 40\n"
    "%most = OpConstant %uint 4294967295\n%half = OpConstant %uint 2147483648\n";

// "low to high" of the value that the text names so; "unknown" without a range.
std::string range_of(const Lowered& lowered, const char* name, std::uint32_t user) {
  CompileOptions options;
  options.isa = Isa::kAvx512;
  const Geometry g = choose_geometry(lowered.program, options);
  const Analysis analysis = analyse(lowered.program, g);
  Ranges ranges(lowered.program, analysis, g);
  const auto range = ranges.of(lowered.value(name), user);
  return range ? fmt::format("{} to {}", range->low, range->high) : "unknown";
}

std::string range_of(const std::string& body, std::uint32_t size = 64) {
  const Lowered lowered =
      lower_text(kernel_text(size, body + "OpStore %out_place %n1\n", kConstants));
  return range_of(lowered, "n1", lowered.program.definition(lowered.value("n1"))->block);
}

struct Row {
  const char* name;
  const char* body;
  const char* range;
};

class FindsRange : public testing::TestWithParam<Row> {};

TEST_P(FindsRange, OfResults) {
  EXPECT_EQ(range_of(GetParam().body), GetParam().range);
}

INSTANTIATE_TEST_SUITE_P(
    Ranges, FindsRange,
    testing::Values(
        Row{"Place", "%n1 = OpCopyObject %uint %l\n", "0 to 63"},
        Row{"GridIsAnything", "%n1 = OpCopyObject %uint %x\n", "unknown"},
        Row{"MemoryIsAnything", "%n1 = OpIAdd %uint %same %u0\n", "unknown"},
        Row{"Sum", "%n1 = OpIAdd %uint %l %u5\n", "5 to 68"},
        Row{"SumThatMayWrap", "%n1 = OpIAdd %uint %l %most\n", "unknown"},
        Row{"Difference", "%a = OpIAdd %uint %l %u40\n%n1 = OpISub %uint %a %u5\n", "35 to 98"},
        Row{"DifferenceThatMayWrap", "%n1 = OpISub %uint %l %u1\n", "unknown"},
        Row{"Product", "%n1 = OpIMul %uint %l %u5\n", "0 to 315"},
        Row{"ProductThatMayWrap", "%n1 = OpIMul %uint %l %half\n", "unknown"},
        Row{"Quotient", "%n1 = OpUDiv %uint %l %u5\n", "0 to 12"},
        Row{"Remainder", "%n1 = OpUMod %uint %l %u5\n", "0 to 4"},
        Row{"RemainderOfAnything", "%n1 = OpUMod %uint %same %u5\n", "0 to 4"},
        Row{"RemainderOfLess", "%n1 = OpUMod %uint %l %most\n", "0 to 63"},
        Row{"Mask", "%n1 = OpBitwiseAnd %uint %same %u16\n", "0 to 16"},
        Row{"Or", "%n1 = OpBitwiseOr %uint %l %u16\n", "16 to 63"},
        Row{"Xor", "%n1 = OpBitwiseXor %uint %l %u40\n", "0 to 63"},
        Row{"ShiftUp", "%n1 = OpShiftLeftLogical %uint %l %u4\n", "0 to 1008"},
        Row{"ShiftDown", "%n1 = OpShiftRightLogical %uint %l %u4\n", "0 to 3"},
        Row{"ShiftDownOfAnything", "%n1 = OpShiftRightLogical %uint %same %u4\n", "0 to 268435455"},
        Row{"Choice",
            "%c = OpULessThan %bool %same %u4\n%a = OpIAdd %uint %l %u40\n"
            "%n1 = OpSelect %uint %c %u5 %a\n",
            "5 to 103"},
        Row{"ChoiceOfAnything",
            "%c = OpULessThan %bool %same %u4\n%n1 = OpSelect %uint %c %u5 %same\n", "unknown"}),
    [](const auto& one) { return std::string(one.param.name); });

// Lanes beyond the workgroup compute, too, with places that are none.
TEST(Ranges, ThereAreNoneWithATail) {
  EXPECT_EQ(range_of("%n1 = OpIAdd %uint %l %u5\n", 64), "5 to 68");
  EXPECT_EQ(range_of("%n1 = OpIAdd %uint %l %u5\n", 60), "unknown");
}

std::string counted(const char* first, const char* test, const char* step) {
  return fmt::format(
      "OpBranch %head\n%head = OpLabel\n%n1 = OpPhi %uint {} %start %n2 %next\n"
      "OpLoopMerge %after %next None\nOpBranch %tests\n%tests = OpLabel\n{}"
      "OpBranchConditional %goes %round %after\n%round = OpLabel\nOpStore %out_place %n1\n"
      "OpBranch %next\n%next = OpLabel\n%n2 = OpIAdd %uint %n1 {}\nOpBranch %head\n"
      "%after = OpLabel\n",
      first, test, step);
}

std::string counter_range(const std::string& body) {
  const Lowered lowered = lower_text(kernel_text(64, body, kConstants));
  const auto block = lowered.program.definition(lowered.value("n2"))->block;
  return range_of(lowered, "n1", block - 1);
}

TEST(Ranges, ACounterStaysBelowItsBound) {
  EXPECT_EQ(counter_range(counted("%u0", "%goes = OpULessThan %bool %n1 %u16\n", "%u1")),
            "0 to 15");
  EXPECT_EQ(counter_range(counted("%u5", "%goes = OpSLessThan %bool %n1 %u40\n", "%u4")),
            "5 to 37");
}

TEST(Ranges, ACounterWithoutAFixedBoundHasNone) {
  EXPECT_EQ(counter_range(counted("%u0", "%goes = OpULessThan %bool %n1 %same\n", "%u1")),
            "unknown");
  EXPECT_EQ(counter_range(counted("%same", "%goes = OpULessThan %bool %n1 %u16\n", "%u1")),
            "unknown");
  EXPECT_EQ(counter_range(counted("%u0", "%goes = OpULessThan %bool %n1 %u16\n", "%same")),
            "unknown");
  EXPECT_EQ(counter_range(counted("%u0", "%goes = OpINotEqual %bool %n1 %u16\n", "%u5")), "unknown")
      << "it may step over the bound";
  EXPECT_EQ(counter_range(counted("%u0", "%goes = OpULessThan %bool %n1 %most\n", "%u5")),
            "unknown")
      << "it may wrap";
}

}  // namespace
}  // namespace sokr::cpu::test
