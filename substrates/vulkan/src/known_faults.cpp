// SPDX-License-Identifier: MIT OR Apache-2.0
#include "known_faults.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <compare>
#include <string_view>
#include <system_error>
#include <utility>

namespace sokr::vulkan {
namespace {

struct Version {
  std::uint32_t major = 0, minor = 0;
  auto operator<=>(const Version&) const = default;
};

struct Row {
  VkDriverId driver;
  const char* version_after;  // where the version begins in the driver's text
  Version from, until;        // until is the first that is not meant
  spv::Op op;
  const char* what;    // it does
  const char* advice;  // for whoever uses it
};

constexpr const char* kCopyLogical =
    "OpCopyLogical of a structure crashes the SPIR-V reader of Mesa 22.3";
constexpr const char* kNewer = "Mesa 25.0 compiles it";
constexpr Row copy_logical(VkDriverId driver) {
  return {driver, "Mesa ", {22, 0}, {23, 0}, spv::Op::OpCopyLogical, kCopyLogical, kNewer};
}

// Seen on RADV 22.3.6. The reader is common to the drivers of Mesa; lavapipe refuses the kernel.
constexpr auto kRows = std::to_array<Row>({
    copy_logical(VK_DRIVER_ID_MESA_RADV),
    copy_logical(VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA),
    copy_logical(VK_DRIVER_ID_MESA_TURNIP),
    copy_logical(VK_DRIVER_ID_MESA_V3DV),
    copy_logical(VK_DRIVER_ID_MESA_PANVK),
});

// "Mesa 22.3.6 (git-...)": 22.3; 0.0 if it is not there.
Version version_of(const PhysicalDevice& device, std::string_view after) {
  const std::string_view text = device.driver.driverInfo;
  const std::size_t at = text.find(after);
  Version version;
  if (at == std::string_view::npos) return version;
  const char* end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data() + at + after.size(), end, version.major);
  if (error != std::errc{} || dot == end || *dot != '.') return version;
  std::from_chars(dot + 1, end, version.minor);
  return version;
}

bool meets(const Row& row, const PhysicalDevice& device) {
  if (row.driver != device.driver.driverID) return false;
  const Version version = version_of(device, row.version_after);
  return version >= row.from && version < row.until;
}

bool has_instruction(const spirv::Module& module, spv::Op op) {
  constexpr std::size_t kHeader = 5;
  const auto words = module.words();
  for (std::size_t at = kHeader; at < words.size();) {
    const std::uint32_t length = words[at] >> 16;
    if ((words[at] & 0xFFFF) == static_cast<std::uint32_t>(op)) return true;
    if (length == 0) return false;
    at += length;
  }
  return false;
}

}  // namespace

Result<void> check_known_faults(const spirv::Module& module, const PhysicalDevice& device) {
  for (const Row& row : kRows) {
    if (!meets(row, device) || !has_instruction(module, row.op)) continue;
    return fail(SOKR_CAPABILITY_DENIED, "{}, {}, would crash: {}; {}", device.name(),
                device.driver_text(), row.what, row.advice);
  }
  return {};
}

std::string known_faults(const PhysicalDevice& device) {
  std::string text;
  for (const Row& row : kRows) {
    if (meets(row, device))
      text += fmt::format("{}{}; {}", text.empty() ? "" : "; ", row.what, row.advice);
  }
  return text;
}

}  // namespace sokr::vulkan
