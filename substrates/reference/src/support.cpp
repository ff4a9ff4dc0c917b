// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <sokr/reference/interpreter.hpp>

namespace sokr::reference {

namespace {

using enum spv::Capability;

constexpr spv::Capability kSupported[] = {
    Matrix,
    Shader,
    Float16,
    Float64,
    Int64,
    Int64Atomics,
    Int16,
    Int8,
    UniformBufferArrayDynamicIndexing,
    StorageBufferArrayDynamicIndexing,
    UniformBufferArrayNonUniformIndexing,
    StorageBufferArrayNonUniformIndexing,
    ShaderNonUniform,
    RuntimeDescriptorArray,
    GroupNonUniform,
    GroupNonUniformVote,
    GroupNonUniformArithmetic,
    GroupNonUniformBallot,
    GroupNonUniformShuffle,
    GroupNonUniformShuffleRelative,
    GroupNonUniformClustered,
    GroupNonUniformQuad,
    GroupNonUniformRotateKHR,
    SubgroupBallotKHR,
    SubgroupVoteKHR,
    StorageBuffer16BitAccess,
    UniformAndStorageBuffer16BitAccess,
    StoragePushConstant16,
    StorageBuffer8BitAccess,
    UniformAndStorageBuffer8BitAccess,
    StoragePushConstant8,
    VariablePointersStorageBuffer,
    VariablePointers,
    DeviceGroup,
    DenormPreserve,
    DenormFlushToZero,
    SignedZeroInfNanPreserve,
    RoundingModeRTE,
    RoundingModeRTZ,
    VulkanMemoryModel,
    VulkanMemoryModelDeviceScope,
    PhysicalStorageBufferAddresses,
    WorkgroupMemoryExplicitLayoutKHR,
    WorkgroupMemoryExplicitLayout8BitAccessKHR,
    WorkgroupMemoryExplicitLayout16BitAccessKHR,
    ExpectAssumeKHR,
    AtomicFloat16AddEXT,
    AtomicFloat32AddEXT,
    AtomicFloat64AddEXT,
    AtomicFloat16MinMaxEXT,
    AtomicFloat32MinMaxEXT,
    AtomicFloat64MinMaxEXT,
    DotProductInputAll,
    DotProductInput4x8Bit,
    DotProductInput4x8BitPacked,
    DotProduct,
    // Images are refused where they are used.
    Sampled1D,
    Image1D,
    SampledBuffer,
    ImageBuffer,
    ImageQuery,
};

}  // namespace

Result<void> check_capabilities(const spirv::Module& module) {
  for (const spv::Capability capability : module.capabilities())
    if (std::find(std::begin(kSupported), std::end(kSupported), capability) == std::end(kSupported))
      return fail(SOKR_CAPABILITY_DENIED,
                  "the module needs capability {}, which the reference "
                  "interpreter does not have",
                  spirv::capability_name(capability));
  return {};
}

}  // namespace sokr::reference
