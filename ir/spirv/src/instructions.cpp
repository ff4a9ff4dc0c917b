// SPDX-License-Identifier: MIT OR Apache-2.0
#include <spirv/unified1/GLSL.std.450.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <sokr/spirv/instructions.hpp>

#include "grammar.hpp"
#include "physical_layout.hpp"

namespace sokr::spirv {
namespace {

using spv::Op;

// Sorted by number.
constexpr InstructionRow kRows[] = {
    {Op::OpNop, ResultRule::kNoResult, Effect::kPure},
    {Op::OpUndef, ResultRule::kCustom, Effect::kPure},
    {Op::OpExtInst, ResultRule::kCustom, Effect::kWrites},
    {Op::OpFunctionCall, ResultRule::kCustom, Effect::kUpdates},
    {Op::OpLoad, ResultRule::kCustom, Effect::kReads},
    {Op::OpStore, ResultRule::kNoResult, Effect::kWrites},
    {Op::OpCopyMemory, ResultRule::kNoResult, Effect::kUpdates},
    {Op::OpAccessChain, ResultRule::kMerged, Effect::kPure},
    {Op::OpInBoundsAccessChain, ResultRule::kMerged, Effect::kPure},
    {Op::OpPtrAccessChain, ResultRule::kMerged, Effect::kPure},
    {Op::OpArrayLength, ResultRule::kMerged, Effect::kPure},
    {Op::OpVectorExtractDynamic, ResultRule::kMerged, Effect::kPure},
    {Op::OpVectorInsertDynamic, ResultRule::kMerged, Effect::kPure},
    {Op::OpVectorShuffle, ResultRule::kCustom, Effect::kPure},
    {Op::OpCompositeConstruct, ResultRule::kCustom, Effect::kPure},
    {Op::OpCompositeExtract, ResultRule::kCustom, Effect::kPure},
    {Op::OpCompositeInsert, ResultRule::kCustom, Effect::kPure},
    {Op::OpCopyObject, ResultRule::kCustom, Effect::kPure},
    {Op::OpTranspose, ResultRule::kMerged, Effect::kPure},
    {Op::OpConvertFToU, ResultRule::kElementwise, Effect::kPure},
    {Op::OpConvertFToS, ResultRule::kElementwise, Effect::kPure},
    {Op::OpConvertSToF, ResultRule::kElementwise, Effect::kPure},
    {Op::OpConvertUToF, ResultRule::kElementwise, Effect::kPure},
    {Op::OpUConvert, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSConvert, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFConvert, ResultRule::kElementwise, Effect::kPure},
    {Op::OpQuantizeToF16, ResultRule::kElementwise, Effect::kPure},
    {Op::OpConvertPtrToU, ResultRule::kMerged, Effect::kPure},
    {Op::OpConvertUToPtr, ResultRule::kMerged, Effect::kPure},
    {Op::OpBitcast, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSNegate, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFNegate, ResultRule::kElementwise, Effect::kPure},
    {Op::OpIAdd, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFAdd, ResultRule::kElementwise, Effect::kPure},
    {Op::OpISub, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFSub, ResultRule::kElementwise, Effect::kPure},
    {Op::OpIMul, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFMul, ResultRule::kElementwise, Effect::kPure},
    {Op::OpUDiv, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSDiv, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFDiv, ResultRule::kElementwise, Effect::kPure},
    {Op::OpUMod, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSRem, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSMod, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFRem, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFMod, ResultRule::kElementwise, Effect::kPure},
    {Op::OpVectorTimesScalar, ResultRule::kElementwise, Effect::kPure},
    {Op::OpMatrixTimesScalar, ResultRule::kElementwise, Effect::kPure},
    {Op::OpVectorTimesMatrix, ResultRule::kMerged, Effect::kPure},
    {Op::OpMatrixTimesVector, ResultRule::kMerged, Effect::kPure},
    {Op::OpMatrixTimesMatrix, ResultRule::kMerged, Effect::kPure},
    {Op::OpOuterProduct, ResultRule::kMerged, Effect::kPure},
    {Op::OpDot, ResultRule::kMerged, Effect::kPure},
    {Op::OpIAddCarry, ResultRule::kMerged, Effect::kPure},
    {Op::OpISubBorrow, ResultRule::kMerged, Effect::kPure},
    {Op::OpUMulExtended, ResultRule::kMerged, Effect::kPure},
    {Op::OpSMulExtended, ResultRule::kMerged, Effect::kPure},
    {Op::OpAny, ResultRule::kMerged, Effect::kPure},
    {Op::OpAll, ResultRule::kMerged, Effect::kPure},
    {Op::OpIsNan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpIsInf, ResultRule::kElementwise, Effect::kPure},
    {Op::OpLogicalEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpLogicalNotEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpLogicalOr, ResultRule::kElementwise, Effect::kPure},
    {Op::OpLogicalAnd, ResultRule::kElementwise, Effect::kPure},
    {Op::OpLogicalNot, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSelect, ResultRule::kCustom, Effect::kPure},
    {Op::OpIEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpINotEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpUGreaterThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSGreaterThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpUGreaterThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSGreaterThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpULessThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSLessThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpULessThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpSLessThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFOrdEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFUnordEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFOrdNotEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFUnordNotEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFOrdLessThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFUnordLessThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFOrdGreaterThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFUnordGreaterThan, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFOrdLessThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFUnordLessThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFOrdGreaterThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpFUnordGreaterThanEqual, ResultRule::kElementwise, Effect::kPure},
    {Op::OpShiftRightLogical, ResultRule::kElementwise, Effect::kPure},
    {Op::OpShiftRightArithmetic, ResultRule::kElementwise, Effect::kPure},
    {Op::OpShiftLeftLogical, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitwiseOr, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitwiseXor, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitwiseAnd, ResultRule::kElementwise, Effect::kPure},
    {Op::OpNot, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitFieldInsert, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitFieldSExtract, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitFieldUExtract, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitReverse, ResultRule::kElementwise, Effect::kPure},
    {Op::OpBitCount, ResultRule::kElementwise, Effect::kPure},
    {Op::OpControlBarrier, ResultRule::kNoResult, Effect::kOrders},
    {Op::OpMemoryBarrier, ResultRule::kNoResult, Effect::kOrders},
    {Op::OpAtomicLoad, ResultRule::kMerged, Effect::kReads},
    {Op::OpAtomicStore, ResultRule::kNoResult, Effect::kWrites},
    {Op::OpAtomicExchange, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicCompareExchange, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicIIncrement, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicIDecrement, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicIAdd, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicISub, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicSMin, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicUMin, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicSMax, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicUMax, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicAnd, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicOr, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicXor, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpGroupNonUniformElect, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformAll, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpGroupNonUniformAny, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpGroupNonUniformAllEqual, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpGroupNonUniformBroadcast, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformBroadcastFirst, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpGroupNonUniformBallot, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpGroupNonUniformInverseBallot, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformBallotBitExtract, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformBallotBitCount, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformBallotFindLSB, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformBallotFindMSB, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformShuffle, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformShuffleXor, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformShuffleUp, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformShuffleDown, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformIAdd, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformFAdd, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformIMul, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformFMul, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformSMin, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformUMin, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformFMin, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformSMax, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformUMax, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformFMax, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformBitwiseAnd, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformBitwiseOr, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformBitwiseXor, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformLogicalAnd, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformLogicalOr, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformLogicalXor, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpGroupNonUniformQuadBroadcast, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpGroupNonUniformQuadSwap, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpCopyLogical, ResultRule::kCustom, Effect::kPure},
    {Op::OpPtrEqual, ResultRule::kMerged, Effect::kPure},
    {Op::OpPtrNotEqual, ResultRule::kMerged, Effect::kPure},
    {Op::OpPtrDiff, ResultRule::kMerged, Effect::kPure},
    {Op::OpSubgroupBallotKHR, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpSubgroupFirstInvocationKHR, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpSubgroupAllKHR, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpSubgroupAnyKHR, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpSubgroupAllEqualKHR, ResultRule::kSubgroupUniform, Effect::kExchanges},
    {Op::OpGroupNonUniformRotateKHR, ResultRule::kVarying, Effect::kExchanges},
    {Op::OpSubgroupReadInvocationKHR, ResultRule::kCustom, Effect::kExchanges},
    {Op::OpSDotKHR, ResultRule::kMerged, Effect::kPure},
    {Op::OpUDotKHR, ResultRule::kMerged, Effect::kPure},
    {Op::OpSUDotKHR, ResultRule::kMerged, Effect::kPure},
    {Op::OpSDotAccSatKHR, ResultRule::kMerged, Effect::kPure},
    {Op::OpUDotAccSatKHR, ResultRule::kMerged, Effect::kPure},
    {Op::OpSUDotAccSatKHR, ResultRule::kMerged, Effect::kPure},
    {Op::OpAtomicFMinEXT, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAtomicFMaxEXT, ResultRule::kVarying, Effect::kUpdates},
    {Op::OpAssumeTrueKHR, ResultRule::kNoResult, Effect::kPure},
    {Op::OpExpectKHR, ResultRule::kElementwise, Effect::kPure},
    {Op::OpAtomicFAddEXT, ResultRule::kVarying, Effect::kUpdates},
};
static_assert(std::ranges::is_sorted(kRows, {}, &InstructionRow::op));

struct GlslRow {
  std::uint32_t instruction;
  ResultRule result;
};

// Sorted by number.
constexpr GlslRow kGlslRows[] = {
    {GLSLstd450Round, ResultRule::kElementwise},
    {GLSLstd450RoundEven, ResultRule::kElementwise},
    {GLSLstd450Trunc, ResultRule::kElementwise},
    {GLSLstd450FAbs, ResultRule::kElementwise},
    {GLSLstd450SAbs, ResultRule::kElementwise},
    {GLSLstd450FSign, ResultRule::kElementwise},
    {GLSLstd450SSign, ResultRule::kElementwise},
    {GLSLstd450Floor, ResultRule::kElementwise},
    {GLSLstd450Ceil, ResultRule::kElementwise},
    {GLSLstd450Fract, ResultRule::kElementwise},
    {GLSLstd450Radians, ResultRule::kElementwise},
    {GLSLstd450Degrees, ResultRule::kElementwise},
    {GLSLstd450Sin, ResultRule::kElementwise},
    {GLSLstd450Cos, ResultRule::kElementwise},
    {GLSLstd450Tan, ResultRule::kElementwise},
    {GLSLstd450Asin, ResultRule::kElementwise},
    {GLSLstd450Acos, ResultRule::kElementwise},
    {GLSLstd450Atan, ResultRule::kElementwise},
    {GLSLstd450Sinh, ResultRule::kElementwise},
    {GLSLstd450Cosh, ResultRule::kElementwise},
    {GLSLstd450Tanh, ResultRule::kElementwise},
    {GLSLstd450Asinh, ResultRule::kElementwise},
    {GLSLstd450Acosh, ResultRule::kElementwise},
    {GLSLstd450Atanh, ResultRule::kElementwise},
    {GLSLstd450Atan2, ResultRule::kElementwise},
    {GLSLstd450Pow, ResultRule::kElementwise},
    {GLSLstd450Exp, ResultRule::kElementwise},
    {GLSLstd450Log, ResultRule::kElementwise},
    {GLSLstd450Exp2, ResultRule::kElementwise},
    {GLSLstd450Log2, ResultRule::kElementwise},
    {GLSLstd450Sqrt, ResultRule::kElementwise},
    {GLSLstd450InverseSqrt, ResultRule::kElementwise},
    {GLSLstd450Determinant, ResultRule::kMerged},
    {GLSLstd450MatrixInverse, ResultRule::kMerged},
    {GLSLstd450Modf, ResultRule::kMerged},
    {GLSLstd450ModfStruct, ResultRule::kMerged},
    {GLSLstd450FMin, ResultRule::kElementwise},
    {GLSLstd450UMin, ResultRule::kElementwise},
    {GLSLstd450SMin, ResultRule::kElementwise},
    {GLSLstd450FMax, ResultRule::kElementwise},
    {GLSLstd450UMax, ResultRule::kElementwise},
    {GLSLstd450SMax, ResultRule::kElementwise},
    {GLSLstd450FClamp, ResultRule::kElementwise},
    {GLSLstd450UClamp, ResultRule::kElementwise},
    {GLSLstd450SClamp, ResultRule::kElementwise},
    {GLSLstd450FMix, ResultRule::kElementwise},
    {GLSLstd450Step, ResultRule::kElementwise},
    {GLSLstd450SmoothStep, ResultRule::kElementwise},
    {GLSLstd450Fma, ResultRule::kElementwise},
    {GLSLstd450Frexp, ResultRule::kMerged},
    {GLSLstd450FrexpStruct, ResultRule::kMerged},
    {GLSLstd450Ldexp, ResultRule::kElementwise},
    {GLSLstd450PackSnorm4x8, ResultRule::kMerged},
    {GLSLstd450PackUnorm4x8, ResultRule::kMerged},
    {GLSLstd450PackSnorm2x16, ResultRule::kMerged},
    {GLSLstd450PackUnorm2x16, ResultRule::kMerged},
    {GLSLstd450PackHalf2x16, ResultRule::kMerged},
    {GLSLstd450PackDouble2x32, ResultRule::kMerged},
    {GLSLstd450UnpackSnorm2x16, ResultRule::kMerged},
    {GLSLstd450UnpackUnorm2x16, ResultRule::kMerged},
    {GLSLstd450UnpackHalf2x16, ResultRule::kMerged},
    {GLSLstd450UnpackSnorm4x8, ResultRule::kMerged},
    {GLSLstd450UnpackUnorm4x8, ResultRule::kMerged},
    {GLSLstd450UnpackDouble2x32, ResultRule::kMerged},
    {GLSLstd450Length, ResultRule::kMerged},
    {GLSLstd450Distance, ResultRule::kMerged},
    {GLSLstd450Cross, ResultRule::kMerged},
    {GLSLstd450Normalize, ResultRule::kMerged},
    {GLSLstd450FaceForward, ResultRule::kMerged},
    {GLSLstd450Reflect, ResultRule::kMerged},
    {GLSLstd450Refract, ResultRule::kMerged},
    {GLSLstd450FindILsb, ResultRule::kElementwise},
    {GLSLstd450FindSMsb, ResultRule::kElementwise},
    {GLSLstd450FindUMsb, ResultRule::kElementwise},
    {GLSLstd450NMin, ResultRule::kElementwise},
    {GLSLstd450NMax, ResultRule::kElementwise},
    {GLSLstd450NClamp, ResultRule::kElementwise},
};
static_assert(std::ranges::is_sorted(kGlslRows, {}, &GlslRow::instruction));

constexpr auto kRowOf = [] {
  std::array<std::uint8_t, kOpcodeSpace> places{};
  static_assert(std::size(kRows) < 255);
  for (std::size_t i = 0; i < std::size(kRows); ++i)
    places[static_cast<std::size_t>(kRows[i].op)] = static_cast<std::uint8_t>(i + 1);
  return places;
}();

}  // namespace

const InstructionRow* instruction_row(Op op) {
  const auto number = static_cast<std::size_t>(op);
  return number < kOpcodeSpace && kRowOf[number] != 0 ? &kRows[kRowOf[number] - 1] : nullptr;
}

OperandKind operand_kind(Op op, std::size_t index) {
  const OpcodeRow* row = opcode_row(static_cast<std::uint32_t>(op));
  if (row == nullptr) return OperandKind::kUnknown;
  for (const char* letter = row->operands; *letter != 0; ++letter) {
    switch (*letter) {
      case 'i':
      case 'k':
      case 'n':
        if (index == 0 || letter[1] == '*') return OperandKind::kId;
        break;
      case 'm':
      case 'g':
        return OperandKind::kLiteral;
      case 's':
      case 'c':
      case 'P':
      case 'Q':
      case 'R':
      case 'D':
      case 'E':
      case 'L':
      case 'x':
        return OperandKind::kUnknown;
      default:
        if (index == 0 || letter[1] == '*') return OperandKind::kLiteral;
    }
    if (letter[1] == '?') ++letter;
    --index;
  }
  return OperandKind::kUnknown;
}

std::optional<ResultRule> glsl_result_rule(std::uint32_t instruction) {
  const auto* row = std::ranges::lower_bound(kGlslRows, instruction, {}, &GlslRow::instruction);
  if (row == std::end(kGlslRows) || row->instruction != instruction) return std::nullopt;
  return row->result;
}

}  // namespace sokr::spirv
