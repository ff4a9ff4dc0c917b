// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/support.hpp"

#include <spirv/unified1/GLSL.std.450.h>

namespace sokr::cpu {
namespace {

struct Span {
  spv::Op first, last;
  Handler handler;
};

using enum Handler;

constexpr Span kSpans[] = {
    {spv::Op::OpUndef, spv::Op::OpUndef, kComposite},
    {spv::Op::OpExtInst, spv::Op::OpExtInst, kExtension},
    {spv::Op::OpLoad, spv::Op::OpCopyMemory, kMemory},
    {spv::Op::OpAccessChain, spv::Op::OpPtrAccessChain, kPointer},
    {spv::Op::OpArrayLength, spv::Op::OpArrayLength, kMemory},
    {spv::Op::OpInBoundsPtrAccessChain, spv::Op::OpInBoundsPtrAccessChain, kPointer},
    {spv::Op::OpVectorExtractDynamic, spv::Op::OpCopyObject, kComposite},
    {spv::Op::OpTranspose, spv::Op::OpTranspose, kMatrix},
    {spv::Op::OpConvertFToU, spv::Op::OpConvertPtrToU, kConversion},
    {spv::Op::OpConvertUToPtr, spv::Op::OpConvertUToPtr, kConversion},
    {spv::Op::OpBitcast, spv::Op::OpBitcast, kConversion},
    {spv::Op::OpSNegate, spv::Op::OpMatrixTimesScalar, kArithmetic},
    {spv::Op::OpVectorTimesMatrix, spv::Op::OpDot, kMatrix},
    {spv::Op::OpIAddCarry, spv::Op::OpSMulExtended, kWideInteger},
    {spv::Op::OpAny, spv::Op::OpAll, kMatrix},
    {spv::Op::OpIsNan, spv::Op::OpIsInf, kArithmetic},
    {spv::Op::OpOrdered, spv::Op::OpFUnordGreaterThanEqual, kArithmetic},
    {spv::Op::OpShiftRightLogical, spv::Op::OpBitCount, kArithmetic},
    {spv::Op::OpControlBarrier, spv::Op::OpMemoryBarrier, kMemory},
    {spv::Op::OpAtomicLoad, spv::Op::OpAtomicCompareExchange, kAtomic},
    {spv::Op::OpAtomicIIncrement, spv::Op::OpAtomicXor, kAtomic},
    {spv::Op::OpGroupNonUniformElect, spv::Op::OpGroupNonUniformQuadSwap, kSubgroup},
    {spv::Op::OpCopyLogical, spv::Op::OpCopyLogical, kComposite},
    {spv::Op::OpGroupNonUniformRotateKHR, spv::Op::OpGroupNonUniformRotateKHR, kSubgroup},
    {spv::Op::OpSDotKHR, spv::Op::OpSUDotAccSatKHR, kDotProduct},
    {spv::Op::OpAtomicFMinEXT, spv::Op::OpAtomicFMaxEXT, kAtomic},
    {spv::Op::OpAtomicFAddEXT, spv::Op::OpAtomicFAddEXT, kAtomic},
    {spv::Op::OpExpectKHR, spv::Op::OpExpectKHR, kArithmetic},
    {spv::Op::OpAssumeTrueKHR, spv::Op::OpAssumeTrueKHR, kNothing},
    {spv::Op::OpNop, spv::Op::OpNop, kNothing},
};

}  // namespace

Handler handler_of(spv::Op op) {
  if (op == spv::Op::OpQuantizeToF16) return kConversion;
  if (op == spv::Op::OpSatConvertSToU || op == spv::Op::OpSatConvertUToS) return kUnknown;
  for (const auto& span : kSpans)
    if (op >= span.first && op <= span.last) return span.handler;
  return kUnknown;
}

bool supports_glsl_std_450(std::uint32_t instruction) {
  if (instruction >= GLSLstd450InterpolateAtCentroid &&
      instruction <= GLSLstd450InterpolateAtOffset)
    return false;
  return instruction >= GLSLstd450Round && instruction <= GLSLstd450NClamp;
}

}  // namespace sokr::cpu
