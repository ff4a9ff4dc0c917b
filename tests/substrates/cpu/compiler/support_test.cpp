// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The compiler knows every instruction that it takes, and nothing of any other.
#include "compiler/program/support.hpp"

#include <gtest/gtest.h>

#include "compiler/program/program.hpp"

namespace sokr::cpu {
namespace {

TEST(Support, EveryInstructionThatIsTakenHasARow) {
  std::size_t taken = 0;
  for (std::uint32_t number = 0; number < 0x2000; ++number) {
    const auto op = static_cast<spv::Op>(number);
    if (handler_of(op) == Handler::kUnknown || !spirv::op_name(op).starts_with("Op")) continue;
    ++taken;
    EXPECT_NE(spirv::instruction_row(op), nullptr) << spirv::op_name(op);
  }
  EXPECT_GT(taken, 160u);
}

TEST(Support, OfAnUnknownInstructionNothingIsAssumed) {
  Inst inst;
  inst.op = spv::Op::OpImageSampleImplicitLod;
  inst.args = {1, 2, 3};
  EXPECT_FALSE(result_rule(inst));
  EXPECT_TRUE(has_effects(inst.op)) << "it may have";
  inst.op = static_cast<spv::Op>(4711);
  EXPECT_FALSE(result_rule(inst));
  EXPECT_FALSE(operand_is_value(inst.op, 0, inst.args)) << "or a literal would be renumbered";
  inst.op = spv::Op::OpExtInst;
  inst.args = {1, 4711, 3};
  EXPECT_FALSE(result_rule(inst));
}

TEST(Support, DoingTwiceIsNotDoingOnce) {
  for (spv::Op op :
       {spv::Op::OpStore, spv::Op::OpCopyMemory, spv::Op::OpAtomicIAdd, spv::Op::OpAtomicStore,
        spv::Op::OpControlBarrier, kCopyAggregate, kCall, kReturn})
    EXPECT_TRUE(has_effects(op)) << static_cast<std::uint32_t>(op);
  for (spv::Op op : {spv::Op::OpLoad, spv::Op::OpIAdd, spv::Op::OpAccessChain,
                     spv::Op::OpGroupNonUniformAny, kParameter, kCallResult})
    EXPECT_FALSE(has_effects(op)) << static_cast<std::uint32_t>(op);
}

TEST(Support, OperandsOfItsOwnInstructions) {
  const std::uint32_t everyone[] = {7, 8, 0, 9}, some[] = {7, 8, 5, 9};
  EXPECT_TRUE(operand_is_value(kCopyAggregate, 1, everyone));
  EXPECT_FALSE(operand_is_value(kCopyAggregate, 2, everyone));
  EXPECT_TRUE(operand_is_value(kCopyAggregate, 2, some));
  EXPECT_FALSE(operand_is_value(kCopyAggregate, 3, some)) << "a type";
  EXPECT_FALSE(operand_is_value(kCall, 0, some)) << "a function";
  EXPECT_TRUE(operand_is_value(kCall, 1, some));
  EXPECT_FALSE(operand_is_value(kParameter, 0, some));
  EXPECT_TRUE(operand_is_value(kReturn, 0, some));
}

}  // namespace
}  // namespace sokr::cpu
