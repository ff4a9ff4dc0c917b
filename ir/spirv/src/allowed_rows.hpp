// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The rows of allowed.hpp: numbers of the enumerants that compute kernels may use.
#ifndef SOKR_SPIRV_SRC_ALLOWED_ROWS_HPP_
#define SOKR_SPIRV_SRC_ALLOWED_ROWS_HPP_

#include <array>
#include <cstdint>
#include <sokr/spirv/newer.hpp>
#include <spirv/unified1/spirv.hpp11>

namespace sokr::spirv::rows {

template <class Enum, std::size_t size>
constexpr std::array<std::uint32_t, size> numbers(const Enum (&rows)[size]) {
  std::array<std::uint32_t, size> result{};
  for (std::size_t i = 0; i < size; ++i) result[i] = static_cast<std::uint32_t>(rows[i]);
  return result;
}

inline constexpr auto kAddressingModel = numbers<spv::AddressingModel>({
    spv::AddressingModel::Logical,
    spv::AddressingModel::PhysicalStorageBuffer64,
});

inline constexpr auto kMemoryModel = numbers<spv::MemoryModel>({
    spv::MemoryModel::Simple,  // ordered like GLSL450
    spv::MemoryModel::GLSL450,
    spv::MemoryModel::Vulkan,
});

using Cap = spv::Capability;
inline constexpr auto kCapability = numbers<spv::Capability>({
    Cap::Matrix,
    Cap::Shader,
    Cap::Float16,
    Cap::Float64,
    Cap::Int8,
    Cap::Int16,
    Cap::Int64,
    Cap::Int64Atomics,
    Cap::DeviceGroup,
    Cap::UniformBufferArrayDynamicIndexing,
    Cap::StorageBufferArrayDynamicIndexing,
    Cap::ShaderNonUniform,
    Cap::UniformBufferArrayNonUniformIndexing,
    Cap::StorageBufferArrayNonUniformIndexing,
    Cap::RuntimeDescriptorArray,
    Cap::StorageBuffer16BitAccess,
    Cap::UniformAndStorageBuffer16BitAccess,
    Cap::StoragePushConstant16,
    Cap::StorageBuffer8BitAccess,
    Cap::UniformAndStorageBuffer8BitAccess,
    Cap::StoragePushConstant8,
    Cap::WorkgroupMemoryExplicitLayoutKHR,
    Cap::WorkgroupMemoryExplicitLayout8BitAccessKHR,
    Cap::WorkgroupMemoryExplicitLayout16BitAccessKHR,
    Cap::VariablePointersStorageBuffer,
    Cap::VariablePointers,
    Cap::PhysicalStorageBufferAddresses,
    Cap::VulkanMemoryModel,
    Cap::VulkanMemoryModelDeviceScope,
    Cap::GroupNonUniform,
    Cap::GroupNonUniformVote,
    Cap::GroupNonUniformArithmetic,
    Cap::GroupNonUniformBallot,
    Cap::GroupNonUniformShuffle,
    Cap::GroupNonUniformShuffleRelative,
    Cap::GroupNonUniformClustered,
    Cap::GroupNonUniformQuad,
    Cap::GroupNonUniformRotateKHR,
    Cap::SubgroupBallotKHR,
    Cap::SubgroupVoteKHR,
    Cap::AtomicFloat16AddEXT,
    Cap::AtomicFloat32AddEXT,
    Cap::AtomicFloat64AddEXT,
    Cap::AtomicFloat16MinMaxEXT,
    Cap::AtomicFloat32MinMaxEXT,
    Cap::AtomicFloat64MinMaxEXT,
    Cap::DotProduct,
    Cap::DotProductInputAll,
    Cap::DotProductInput4x8Bit,
    Cap::DotProductInput4x8BitPacked,
    Cap::DenormPreserve,
    Cap::DenormFlushToZero,
    Cap::SignedZeroInfNanPreserve,
    Cap::RoundingModeRTE,
    Cap::RoundingModeRTZ,
    kFloatControls2Capability,
    kCooperativeMatrixCapability,
    Cap::ExpectAssumeKHR,
    Cap::ShaderClockKHR,
    // What these allow is refused where a kernel uses it: it has buffers only. Compilers declare
    // them for the whole module.
    Cap::Sampled1D,
    Cap::Image1D,
    Cap::SampledBuffer,
    Cap::ImageBuffer,
    Cap::ImageQuery,
});

inline constexpr auto kExecutionMode = numbers<spv::ExecutionMode>({
    spv::ExecutionMode::LocalSize,
    spv::ExecutionMode::LocalSizeId,
    spv::ExecutionMode::DenormPreserve,
    spv::ExecutionMode::DenormFlushToZero,
    spv::ExecutionMode::SignedZeroInfNanPreserve,
    spv::ExecutionMode::RoundingModeRTE,
    spv::ExecutionMode::RoundingModeRTZ,
    kFPFastMathDefault,
    kMaximallyReconverges,
    spv::ExecutionMode::SubgroupUniformControlFlowKHR,
});

inline constexpr auto kDecoration = numbers<spv::Decoration>({
    spv::Decoration::RelaxedPrecision,
    spv::Decoration::SpecId,
    spv::Decoration::Block,
    spv::Decoration::BufferBlock,
    spv::Decoration::RowMajor,
    spv::Decoration::ColMajor,
    spv::Decoration::ArrayStride,
    spv::Decoration::MatrixStride,
    spv::Decoration::BuiltIn,
    spv::Decoration::Restrict,
    spv::Decoration::Aliased,
    spv::Decoration::Volatile,
    spv::Decoration::Coherent,
    spv::Decoration::NonWritable,
    spv::Decoration::NonReadable,
    spv::Decoration::Uniform,
    spv::Decoration::UniformId,
    spv::Decoration::Binding,
    spv::Decoration::DescriptorSet,
    spv::Decoration::Offset,
    spv::Decoration::FPRoundingMode,
    spv::Decoration::FPFastMathMode,
    spv::Decoration::NoContraction,
    spv::Decoration::Alignment,
    spv::Decoration::AlignmentId,
    spv::Decoration::NoSignedWrap,
    spv::Decoration::NoUnsignedWrap,
    spv::Decoration::NonUniform,
    spv::Decoration::RestrictPointer,
    spv::Decoration::AliasedPointer,
    spv::Decoration::CounterBuffer,
    spv::Decoration::UserSemantic,
    spv::Decoration::UserTypeGOOGLE,
    // Of what other stages of a module exchange; nothing that a compute kernel may use has them.
    spv::Decoration::NoPerspective,
    spv::Decoration::Flat,
    spv::Decoration::Patch,
    spv::Decoration::Centroid,
    spv::Decoration::Sample,
    spv::Decoration::Invariant,
    spv::Decoration::Stream,
    spv::Decoration::Location,
    spv::Decoration::Component,
    spv::Decoration::Index,
    spv::Decoration::XfbBuffer,
    spv::Decoration::XfbStride,
    spv::Decoration::InputAttachmentIndex,
});

// Of FPFastMathMode and FPFastMathDefault, one bit each. Fast is OpenCL's.
inline constexpr auto kFPFastMathMode = std::to_array<std::uint32_t>({
    0,
    fast_math::kNotNaN,
    fast_math::kNotInf,
    fast_math::kNoSignedZeros,
    fast_math::kAllowRecip,
    fast_math::kAllowContract,
    fast_math::kAllowReassoc,
    fast_math::kAllowTransform,
});

// Of FPRoundingMode.
inline constexpr auto kFPRoundingMode = numbers<spv::FPRoundingMode>({
    spv::FPRoundingMode::RTE,
    spv::FPRoundingMode::RTZ,
});

// Of pointer types and variables.
inline constexpr auto kStorageClass = numbers<spv::StorageClass>({
    spv::StorageClass::UniformConstant,
    spv::StorageClass::Input,
    spv::StorageClass::Uniform,
    spv::StorageClass::Output,  // of other stages
    spv::StorageClass::Workgroup,
    spv::StorageClass::Private,
    spv::StorageClass::Function,
    spv::StorageClass::PushConstant,
    spv::StorageClass::Image,  // of images, which are refused where they are bound
    spv::StorageClass::StorageBuffer,
    spv::StorageClass::PhysicalStorageBuffer,
});

// Of the variables, beside built-in Input, that a compute kernel may use. What is in
// UniformConstant is judged with the bindings.
inline constexpr spv::StorageClass kVariableStorage[] = {
    spv::StorageClass::UniformConstant, spv::StorageClass::Uniform,
    spv::StorageClass::Workgroup,       spv::StorageClass::Private,
    spv::StorageClass::PushConstant,    spv::StorageClass::StorageBuffer,
};

inline constexpr auto kBuiltIn = numbers<spv::BuiltIn>({
    spv::BuiltIn::NumWorkgroups,
    spv::BuiltIn::WorkgroupSize,
    spv::BuiltIn::WorkgroupId,
    spv::BuiltIn::LocalInvocationId,
    spv::BuiltIn::GlobalInvocationId,
    spv::BuiltIn::LocalInvocationIndex,
    spv::BuiltIn::SubgroupSize,
    spv::BuiltIn::NumSubgroups,
    spv::BuiltIn::SubgroupId,
    spv::BuiltIn::SubgroupLocalInvocationId,
    spv::BuiltIn::SubgroupEqMask,
    spv::BuiltIn::SubgroupGeMask,
    spv::BuiltIn::SubgroupGtMask,
    spv::BuiltIn::SubgroupLeMask,
    spv::BuiltIn::SubgroupLtMask,
    spv::BuiltIn::DeviceIndex,
});

inline constexpr auto kGroupOperation = numbers<spv::GroupOperation>({
    spv::GroupOperation::Reduce,
    spv::GroupOperation::InclusiveScan,
    spv::GroupOperation::ExclusiveScan,
    spv::GroupOperation::ClusteredReduce,
});

inline constexpr auto kPackedVectorFormat = numbers<spv::PackedVectorFormat>({
    spv::PackedVectorFormat::PackedVectorFormat4x8Bit,
});

inline constexpr auto kScope = numbers<spv::Scope>({
    spv::Scope::Device,
    spv::Scope::Workgroup,
    spv::Scope::Subgroup,
    spv::Scope::Invocation,
    spv::Scope::QueueFamily,
});

using Semantics = spv::MemorySemanticsMask;
inline constexpr auto kMemorySemantics = numbers<Semantics>({
    Semantics::MaskNone,
    Semantics::Acquire,
    Semantics::Release,
    Semantics::AcquireRelease,
    Semantics::SequentiallyConsistent,
    Semantics::UniformMemory,
    Semantics::SubgroupMemory,
    Semantics::WorkgroupMemory,
    Semantics::CrossWorkgroupMemory,
    Semantics::AtomicCounterMemory,
    Semantics::ImageMemory,
    Semantics::OutputMemory,
    Semantics::MakeAvailable,
    Semantics::MakeVisible,
    Semantics::Volatile,
});

inline constexpr auto kMemoryAccess = numbers<spv::MemoryAccessMask>({
    spv::MemoryAccessMask::MaskNone,
    spv::MemoryAccessMask::Volatile,
    spv::MemoryAccessMask::Aligned,
    spv::MemoryAccessMask::Nontemporal,
    spv::MemoryAccessMask::MakePointerAvailable,
    spv::MemoryAccessMask::MakePointerVisible,
    spv::MemoryAccessMask::NonPrivatePointer,
});

inline constexpr auto kSelectionControl = numbers<spv::SelectionControlMask>({
    spv::SelectionControlMask::MaskNone,
    spv::SelectionControlMask::Flatten,
    spv::SelectionControlMask::DontFlatten,
});

inline constexpr auto kLoopControl = numbers<spv::LoopControlMask>({
    spv::LoopControlMask::MaskNone,
    spv::LoopControlMask::Unroll,
    spv::LoopControlMask::DontUnroll,
    spv::LoopControlMask::DependencyInfinite,
    spv::LoopControlMask::DependencyLength,
    spv::LoopControlMask::MinIterations,
    spv::LoopControlMask::MaxIterations,
    spv::LoopControlMask::IterationMultiple,
    spv::LoopControlMask::PeelCount,
    spv::LoopControlMask::PartialCount,
});

inline constexpr auto kFunctionControl = numbers<spv::FunctionControlMask>({
    spv::FunctionControlMask::MaskNone,
    spv::FunctionControlMask::Inline,
    spv::FunctionControlMask::DontInline,
    spv::FunctionControlMask::Pure,
    spv::FunctionControlMask::Const,
});

}  // namespace sokr::spirv::rows

#endif  // SOKR_SPIRV_SRC_ALLOWED_ROWS_HPP_
