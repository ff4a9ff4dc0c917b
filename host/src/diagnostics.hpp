// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A plugin's sentences, and the words for results where it has none.
#ifndef SOKR_HOST_DIAGNOSTICS_HPP_
#define SOKR_HOST_DIAGNOSTICS_HPP_

#include <sokr/compute.h>

#include <cstdint>
#include <optional>
#include <string>

namespace sokr::host {

// "the substrate could not start the work"
const char* describe(SokrResult result);

// Why the calling thread's last failed call to this substrate failed; never empty.
std::string last_error(const SokrSubstrateInfo& info, SokrResult result);

// Why this launch ended as FAILED; never empty.
std::string completion_error(const SokrSubstrateInfo& info, SokrCompletionToken token);

// Of a launch that was profiled and has ended; empty if the substrate has nothing of it.
std::optional<SokrTiming> timing_of(const SokrSubstrateInfo& info, SokrCompletionToken token);

// "SPIR-V" or "format 0x12345678".
std::string format_name(std::uint32_t format);

}  // namespace sokr::host

#endif  // SOKR_HOST_DIAGNOSTICS_HPP_
