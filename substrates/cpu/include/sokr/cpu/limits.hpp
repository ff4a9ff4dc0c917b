// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What kernels of `cpu` may ask for, whatever the machine: the compiler refuses what is beyond it,
// and the substrate says it to programs.
#ifndef SOKR_CPU_LIMITS_HPP_
#define SOKR_CPU_LIMITS_HPP_

#include <cstdint>

namespace sokr::cpu {

inline constexpr std::uint32_t kMaxLocalInvocations = 1024;  // of a workgroup
inline constexpr std::uint32_t kMaxWorkgroupBytes = 256 * 1024;
inline constexpr std::uint64_t kMaxPrivateBytes = 1 << 20;  // of one variable of one invocation
inline constexpr std::uint32_t kMinSubgroupSize = 4;
inline constexpr std::uint32_t kMaxSubgroupSize = 64;
inline constexpr std::uint32_t kDefaultSubgroupSize = 32;

}  // namespace sokr::cpu

#endif  // SOKR_CPU_LIMITS_HPP_
