// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/spirv/newer.hpp - enumerants that are understood here and that the oldest headers which
// this is built with do not have. tools/added.py has their syntax.
#ifndef SOKR_SPIRV_NEWER_HPP_
#define SOKR_SPIRV_NEWER_HPP_

#include <cstdint>
#include <spirv/unified1/spirv.hpp11>

namespace sokr::spirv {

inline constexpr auto kCooperativeMatrixCapability = static_cast<spv::Capability>(6022);
inline constexpr auto kFloatControls2Capability = static_cast<spv::Capability>(6029);

inline constexpr auto kTypeCooperativeMatrix = static_cast<spv::Op>(4456);
inline constexpr auto kCooperativeMatrixLoad = static_cast<spv::Op>(4457);
inline constexpr auto kCooperativeMatrixStore = static_cast<spv::Op>(4458);
inline constexpr auto kCooperativeMatrixMulAdd = static_cast<spv::Op>(4459);
inline constexpr auto kCooperativeMatrixLength = static_cast<spv::Op>(4460);

inline constexpr auto kMaximallyReconverges = static_cast<spv::ExecutionMode>(6023);
inline constexpr auto kFPFastMathDefault = static_cast<spv::ExecutionMode>(6028);

// Operands of OpCooperativeMatrixMulAddKHR.
namespace cooperative_operands {
inline constexpr std::uint32_t kMatrixASigned = 0x1, kMatrixBSigned = 0x2, kMatrixCSigned = 0x4,
                               kResultSigned = 0x8, kSaturating = 0x10, kAll = 0x1F;
}  // namespace cooperative_operands

// How a cooperative matrix lies in memory: the values of the constant that loads and stores name.
inline constexpr std::uint32_t kRowMajorMatrix = 0, kColumnMajorMatrix = 1;

// Bits of FPFastMathMode.
namespace fast_math {
inline constexpr std::uint32_t kNotNaN = 0x1, kNotInf = 0x2, kNoSignedZeros = 0x4,
                               kAllowRecip = 0x8, kAllowContract = 0x10000, kAllowReassoc = 0x20000,
                               kAllowTransform = 0x40000;
// All three are said where zeros, infinities and NaN need not be preserved.
inline constexpr std::uint32_t kSpecialValues = kNotNaN | kNotInf | kNoSignedZeros;
}  // namespace fast_math

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_NEWER_HPP_
