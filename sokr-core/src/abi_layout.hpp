// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The ABI as numbers: every size, alignment and offset of sokr.h, for targets with
// 32-bit and with 64-bit pointers. A port on which one of these fails has another ABI.
#ifndef SOKR_CORE_ABI_LAYOUT_HPP_
#define SOKR_CORE_ABI_LAYOUT_HPP_

#include <sokr/sokr.h>
#include <stddef.h>
#include <stdint.h>

namespace sokr::core::abi {

inline constexpr bool k64 = sizeof(void*) == 8;
static_assert(k64 || sizeof(void*) == 4, "pointers are 32 or 64 bits wide");
static_assert(sizeof(size_t) == sizeof(void*), "size_t is as wide as a pointer");
static_assert(sizeof(void (*)()) == sizeof(void*), "functions and data have equal pointers");

// i386 alone aligns 64-bit members to 4 bytes; `at` and `size` then count without padding.
inline constexpr size_t k64BitAlign = alignof(SokrDispatchResponse);

#define SOKR_SIZE(type, on32, on64) static_assert(sizeof(type) == (k64 ? (on64) : (on32)))
#define SOKR_AT(type, member, on32, on64) \
  static_assert(offsetof(type, member) == (k64 ? (on64) : (on32)))

SOKR_SIZE(SokrResult, 4, 4);
SOKR_SIZE(SokrCompletionSignal, 4, 4);
SOKR_SIZE(SokrCompletionToken, 8, 8);

SOKR_SIZE(SokrVersion, 12, 12);
SOKR_AT(SokrVersion, major, 0, 0);
SOKR_AT(SokrVersion, minor, 4, 4);
SOKR_AT(SokrVersion, patch, 8, 8);

SOKR_SIZE(SokrComputationId, 16, 16);
static_assert(alignof(SokrComputationId) == 1);

SOKR_SIZE(SokrCapabilityQuery, 28, 40);
SOKR_AT(SokrCapabilityQuery, computation_id, 0, 0);
SOKR_AT(SokrCapabilityQuery, ir_format, 16, 16);
SOKR_AT(SokrCapabilityQuery, ir_data, 20, 24);
SOKR_AT(SokrCapabilityQuery, ir_data_len, 24, 32);

SOKR_SIZE(SokrCapabilityResponse, 16, 16);
SOKR_AT(SokrCapabilityResponse, result, 0, 0);
SOKR_AT(SokrCapabilityResponse, substrate_id, 4, 4);
SOKR_AT(SokrCapabilityResponse, estimated_latency_ns, 8, 8);

SOKR_SIZE(SokrDispatchRequest, 36, 56);
SOKR_AT(SokrDispatchRequest, computation_id, 0, 0);
SOKR_AT(SokrDispatchRequest, substrate_id, 16, 16);
SOKR_AT(SokrDispatchRequest, ir_data, 20, 24);
SOKR_AT(SokrDispatchRequest, ir_data_len, 24, 32);
SOKR_AT(SokrDispatchRequest, params, 28, 40);
SOKR_AT(SokrDispatchRequest, params_len, 32, 48);

static_assert(sizeof(SokrDispatchResponse) == 8 + k64BitAlign);
SOKR_AT(SokrDispatchResponse, result, 0, 0);
static_assert(offsetof(SokrDispatchResponse, completion_token) == k64BitAlign);
static_assert(sizeof(SokrDispatchResponse) == 16 || (!k64 && k64BitAlign == 4));

SOKR_SIZE(SokrCompletionQuery, 16, 16);
SOKR_AT(SokrCompletionQuery, completion_token, 0, 0);
SOKR_AT(SokrCompletionQuery, timeout_ns, 8, 8);

SOKR_SIZE(SokrSubstratePlugin, 28, 48);
SOKR_AT(SokrSubstratePlugin, version, 0, 0);
SOKR_AT(SokrSubstratePlugin, capability_fn, 12, 16);
SOKR_AT(SokrSubstratePlugin, dispatch_fn, 16, 24);
SOKR_AT(SokrSubstratePlugin, completion_fn, 20, 32);
SOKR_AT(SokrSubstratePlugin, destroy_fn, 24, 40);

#undef SOKR_SIZE
#undef SOKR_AT

}  // namespace sokr::core::abi

#endif  // SOKR_CORE_ABI_LAYOUT_HPP_
