// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/support.hpp"

#include <algorithm>
#include <iterator>

#include "compiler/program/program.hpp"

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
    {spv::Op::OpLogicalEqual, spv::Op::OpFUnordGreaterThanEqual, kArithmetic},
    {spv::Op::OpShiftRightLogical, spv::Op::OpBitCount, kArithmetic},
    {spv::Op::OpControlBarrier, spv::Op::OpMemoryBarrier, kMemory},
    {spv::Op::OpAtomicLoad, spv::Op::OpAtomicCompareExchange, kAtomic},
    {spv::Op::OpAtomicIIncrement, spv::Op::OpAtomicXor, kAtomic},
    {spv::Op::OpGroupNonUniformElect, spv::Op::OpGroupNonUniformQuadSwap, kSubgroup},
    {spv::Op::OpCopyLogical, spv::Op::OpCopyLogical, kComposite},
    {spv::Op::OpPtrEqual, spv::Op::OpPtrDiff, kPointerTest},
    {spv::Op::OpGroupNonUniformRotateKHR, spv::Op::OpGroupNonUniformRotateKHR, kSubgroup},
    {spv::Op::OpSubgroupBallotKHR, spv::Op::OpSubgroupFirstInvocationKHR, kSubgroup},
    {spv::Op::OpSubgroupAllKHR, spv::Op::OpSubgroupAllEqualKHR, kSubgroup},
    {spv::Op::OpSubgroupReadInvocationKHR, spv::Op::OpSubgroupReadInvocationKHR, kSubgroup},
    {spv::Op::OpSDotKHR, spv::Op::OpSUDotAccSatKHR, kDotProduct},
    {spv::Op::OpAtomicFMinEXT, spv::Op::OpAtomicFMaxEXT, kAtomic},
    {spv::Op::OpAtomicFAddEXT, spv::Op::OpAtomicFAddEXT, kAtomic},
    {spv::Op::OpExpectKHR, spv::Op::OpExpectKHR, kArithmetic},
    {spv::Op::OpAssumeTrueKHR, spv::Op::OpAssumeTrueKHR, kNothing},
    {spv::Op::OpNop, spv::Op::OpNop, kNothing},
};

struct WithoutScope {
  spv::Op op, with_scope;
};

constexpr WithoutScope kWithoutScope[] = {
    {spv::Op::OpSubgroupBallotKHR, spv::Op::OpGroupNonUniformBallot},
    {spv::Op::OpSubgroupFirstInvocationKHR, spv::Op::OpGroupNonUniformBroadcastFirst},
    {spv::Op::OpSubgroupReadInvocationKHR, spv::Op::OpGroupNonUniformBroadcast},
    {spv::Op::OpSubgroupAllKHR, spv::Op::OpGroupNonUniformAll},
    {spv::Op::OpSubgroupAnyKHR, spv::Op::OpGroupNonUniformAny},
    {spv::Op::OpSubgroupAllEqualKHR, spv::Op::OpGroupNonUniformAllEqual},
};

constexpr spv::Capability kCapabilities[] = {
    spv::Capability::Matrix,
    spv::Capability::Shader,
    spv::Capability::Float16,
    spv::Capability::Float64,
    spv::Capability::Int64,
    spv::Capability::Int64Atomics,
    spv::Capability::Int16,
    spv::Capability::Int8,
    spv::Capability::UniformBufferArrayDynamicIndexing,
    spv::Capability::StorageBufferArrayDynamicIndexing,
    spv::Capability::UniformBufferArrayNonUniformIndexing,
    spv::Capability::StorageBufferArrayNonUniformIndexing,
    spv::Capability::ShaderNonUniform,
    spv::Capability::RuntimeDescriptorArray,
    spv::Capability::GroupNonUniform,
    spv::Capability::GroupNonUniformVote,
    spv::Capability::GroupNonUniformArithmetic,
    spv::Capability::GroupNonUniformBallot,
    spv::Capability::GroupNonUniformShuffle,
    spv::Capability::GroupNonUniformShuffleRelative,
    spv::Capability::GroupNonUniformClustered,
    spv::Capability::GroupNonUniformQuad,
    spv::Capability::GroupNonUniformRotateKHR,
    spv::Capability::SubgroupBallotKHR,
    spv::Capability::SubgroupVoteKHR,
    spv::Capability::StorageBuffer16BitAccess,
    spv::Capability::UniformAndStorageBuffer16BitAccess,
    spv::Capability::StoragePushConstant16,
    spv::Capability::StorageBuffer8BitAccess,
    spv::Capability::UniformAndStorageBuffer8BitAccess,
    spv::Capability::StoragePushConstant8,
    spv::Capability::VariablePointersStorageBuffer,
    spv::Capability::VariablePointers,
    spv::Capability::DeviceGroup,
    spv::Capability::DenormPreserve,
    spv::Capability::DenormFlushToZero,
    spv::Capability::SignedZeroInfNanPreserve,
    spv::Capability::RoundingModeRTE,
    spv::Capability::RoundingModeRTZ,
    spv::Capability::VulkanMemoryModel,
    spv::Capability::VulkanMemoryModelDeviceScope,
    spv::Capability::PhysicalStorageBufferAddresses,
    spv::Capability::WorkgroupMemoryExplicitLayoutKHR,
    spv::Capability::WorkgroupMemoryExplicitLayout8BitAccessKHR,
    spv::Capability::WorkgroupMemoryExplicitLayout16BitAccessKHR,
    spv::Capability::ExpectAssumeKHR,
    spv::Capability::AtomicFloat16AddEXT,
    spv::Capability::AtomicFloat32AddEXT,
    spv::Capability::AtomicFloat64AddEXT,
    spv::Capability::AtomicFloat16MinMaxEXT,
    spv::Capability::AtomicFloat32MinMaxEXT,
    spv::Capability::AtomicFloat64MinMaxEXT,
    spv::Capability::DotProductInputAll,
    spv::Capability::DotProductInput4x8Bit,
    spv::Capability::DotProductInput4x8BitPacked,
    spv::Capability::DotProduct,
    // Images are refused where they are bound.
    spv::Capability::Sampled1D,
    spv::Capability::Image1D,
    spv::Capability::SampledBuffer,
    spv::Capability::ImageBuffer,
    spv::Capability::ImageQuery,
};

}  // namespace

bool is_group_operation(spv::Op op) {
  const spirv::InstructionRow* row = spirv::instruction_row(op);
  return row && row->effect == spirv::Effect::kExchanges && with_scope(op) == spv::Op::OpNop;
}

spv::Op with_scope(spv::Op op) {
  for (const auto& row : kWithoutScope)
    if (row.op == op) return row.with_scope;
  return spv::Op::OpNop;
}

bool supports(spv::Capability capability) {
  return std::find(std::begin(kCapabilities), std::end(kCapabilities), capability) !=
         std::end(kCapabilities);
}

Handler handler_of(spv::Op op) {
  if (op == kCopyAggregate || (op >= kReturn && op <= kCall)) return kMemory;
  if (is_fused(op)) return kArithmetic;
  if (is_fused_dot(op)) return kMatrix;
  if (op == spv::Op::OpQuantizeToF16) return kConversion;
  if (op == spv::Op::OpSatConvertSToU || op == spv::Op::OpSatConvertUToS) return kUnknown;
  for (const auto& span : kSpans)
    if (op >= span.first && op <= span.last) return span.handler;
  return kUnknown;
}

bool supports_glsl_std_450(std::uint32_t instruction) {
  return spirv::glsl_result_rule(instruction).has_value();
}

std::optional<spirv::ResultRule> result_rule(const Inst& inst) {
  using spirv::ResultRule;
  if (inst.op == kCallResult || inst.op == kParameter) return ResultRule::kVarying;
  if (is_fused(inst.op)) return ResultRule::kElementwise;
  if (is_fused_dot(inst.op)) return ResultRule::kMerged;
  if (inst.op == kCall || inst.op == kReturn || inst.op == kCopyAggregate)
    return ResultRule::kNoResult;
  if (inst.op == spv::Op::OpExtInst) return spirv::glsl_result_rule(inst.args[1]);
  const spirv::InstructionRow* row = spirv::instruction_row(inst.op);
  return row ? std::optional(row->result) : std::nullopt;
}

bool has_effects(spv::Op op) {
  using spirv::Effect;
  if (op == kCallResult || op == kParameter || is_fused(op) || is_fused_dot(op)) return false;
  const spirv::InstructionRow* row = spirv::instruction_row(op);
  if (!row) return true;
  return row->effect == Effect::kWrites || row->effect == Effect::kUpdates ||
         row->effect == Effect::kOrders;
}

bool ends_a_block(spv::Op op) {
  switch (op) {
    case spv::Op::OpBranch:
    case spv::Op::OpBranchConditional:
    case spv::Op::OpSwitch:
    case spv::Op::OpReturn:
    case spv::Op::OpReturnValue:
    case spv::Op::OpUnreachable:
      return true;
    default:
      return false;
  }
}

}  // namespace sokr::cpu
