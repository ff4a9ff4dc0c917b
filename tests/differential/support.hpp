// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the differential suites share: choosing a substrate, and a name for a crash.
#ifndef SOKR_TESTS_DIFFERENTIAL_SUPPORT_HPP_
#define SOKR_TESTS_DIFFERENTIAL_SUPPORT_HPP_

#include <cstdint>
#include <optional>
#include <sokr/sokr.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sokr::differential {

inline constexpr int kSkipped = 77;  // ctest's SKIP_RETURN_CODE

// The substrate of that name; "vulkan" is the first Vulkan device. Nothing, and a line that
// says why, if this machine has no Vulkan device or not the instructions that SOKR_CPU_ISA
// asks for. Any other absence throws sokr::Error.
std::optional<Substrate> find_substrate(const Context& context, const std::string& name);

// Packaged lavapipe (Mesa 22.3.6), whose errors are known.
bool is_packaged_lavapipe(const Substrate& substrate);

// Random programs without edge cases that it gets wrong, in ascending order.
extern const std::vector<std::uint64_t> kLavapipeWrong;

// From then on a fatal signal prints the last note before the process dies of it.
void report_crashes();
void crash_note(std::string_view what);

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_SUPPORT_HPP_
