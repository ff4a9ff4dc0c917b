// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The rows of instructions: against the grammar, and what has none.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spirv/unified1/GLSL.std.450.h>

#include <sokr/spirv/instructions.hpp>
#include <sokr/spirv/module.hpp>
#include <string>

#include "grammar.hpp"

namespace sokr::spirv {
namespace {

using spv::Op;

constexpr std::uint32_t kOpcodes = 0x2000;

TEST(Instructions, ARowHasAResultRuleWhereThereIsAResult) {
  std::size_t rows = 0;
  for (std::uint32_t number = 0; number < kOpcodes; ++number) {
    const InstructionRow* row = instruction_row(static_cast<Op>(number));
    if (!row) continue;
    ++rows;
    EXPECT_EQ(static_cast<std::uint32_t>(row->op), number);
    const OpcodeRow* grammar = opcode_row(number);
    ASSERT_NE(grammar, nullptr) << number;
    EXPECT_EQ(row->result != ResultRule::kNoResult, grammar->has_result) << grammar->name;
  }
  EXPECT_GT(rows, 160u);
}

TEST(Instructions, WhatNobodyHasLookedAtHasNoRow) {
  for (Op op :
       {Op::OpImageSampleImplicitLod, Op::OpEmitVertex, Op::OpDPdx, Op::OpTypeInt, Op::OpBranch,
        Op::OpPhi, Op::OpSatConvertSToU, static_cast<Op>(4711), static_cast<Op>(70000)})
    EXPECT_EQ(instruction_row(op), nullptr) << op_name(op);
}

// A letter for each operand word: i an id, l a literal, ? not known.
std::string kinds(Op op, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    const OperandKind kind = operand_kind(op, i);
    out += kind == OperandKind::kId ? 'i' : kind == OperandKind::kLiteral ? 'l' : '?';
  }
  return out;
}

TEST(Instructions, SayWhichOperandsAreIds) {
  EXPECT_EQ(kinds(Op::OpIAdd, 3), "ii?");
  EXPECT_EQ(kinds(Op::OpSelect, 4), "iii?");
  EXPECT_EQ(kinds(Op::OpUndef, 1), "?");
  EXPECT_EQ(kinds(Op::OpLoad, 4), "illl");
  EXPECT_EQ(kinds(Op::OpStore, 4), "iill");
  EXPECT_EQ(kinds(Op::OpCopyMemory, 5), "iilll");
  EXPECT_EQ(kinds(Op::OpAccessChain, 5), "iiiii");
  EXPECT_EQ(kinds(Op::OpArrayLength, 3), "il?");
  EXPECT_EQ(kinds(Op::OpCompositeConstruct, 4), "iiii");
  EXPECT_EQ(kinds(Op::OpCompositeExtract, 4), "illl");
  EXPECT_EQ(kinds(Op::OpCompositeInsert, 4), "iill");
  EXPECT_EQ(kinds(Op::OpVectorShuffle, 6), "iillll");
  EXPECT_EQ(kinds(Op::OpExtInst, 5), "iliii");
  EXPECT_EQ(kinds(Op::OpControlBarrier, 4), "iii?");
  EXPECT_EQ(kinds(Op::OpAtomicIAdd, 5), "iiii?");
  EXPECT_EQ(kinds(Op::OpAtomicCompareExchange, 7), "iiiiii?");
  EXPECT_EQ(kinds(Op::OpGroupNonUniformElect, 2), "i?");
  EXPECT_EQ(kinds(Op::OpGroupNonUniformBroadcast, 4), "iii?");
  EXPECT_EQ(kinds(Op::OpGroupNonUniformIAdd, 5), "ilii?");
  EXPECT_EQ(kinds(Op::OpGroupNonUniformBallotBitCount, 4), "ili?");
  EXPECT_EQ(kinds(Op::OpSDotKHR, 4), "iil?");
  EXPECT_EQ(kinds(Op::OpSDotAccSatKHR, 5), "iiil?");
  EXPECT_EQ(kinds(Op::OpFunctionCall, 4), "iiii");
}

TEST(Instructions, OfUnknownOnesNothingIsSaid) {
  EXPECT_EQ(kinds(static_cast<Op>(4711), 3), "???");
  EXPECT_EQ(kinds(static_cast<Op>(70000), 2), "??");
  EXPECT_EQ(kinds(Op::OpSwitch, 4), "ii??") << "a case takes as many words as the selector";
  EXPECT_EQ(kinds(Op::OpSource, 4), "lli?");
}

TEST(Instructions, OfGlslAreThoseOfComputeKernels) {
  std::size_t known = 0;
  for (std::uint32_t number = 0; number < 200; ++number)
    known += glsl_result_rule(number).has_value() ? 1 : 0;
  EXPECT_EQ(known, 77u);
  EXPECT_EQ(glsl_result_rule(GLSLstd450Sin), ResultRule::kElementwise);
  EXPECT_EQ(glsl_result_rule(GLSLstd450Normalize), ResultRule::kMerged);
  for (std::uint32_t packs = GLSLstd450PackSnorm4x8; packs <= GLSLstd450UnpackDouble2x32; ++packs)
    EXPECT_EQ(glsl_result_rule(packs), ResultRule::kMerged) << glsl_std_450_name(packs);
  EXPECT_EQ(glsl_result_rule(GLSLstd450FindUMsb), ResultRule::kElementwise);
  for (std::uint32_t number : {0u, std::uint32_t{GLSLstd450IMix},
                               std::uint32_t{GLSLstd450InterpolateAtOffset}, 82u, UINT32_MAX})
    EXPECT_FALSE(glsl_result_rule(number)) << number;
}

}  // namespace
}  // namespace sokr::spirv
