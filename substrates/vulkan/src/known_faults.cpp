// SPDX-License-Identifier: MIT OR Apache-2.0
#include "known_faults.hpp"

#include <fmt/format.h>
#include <spirv/unified1/GLSL.std.450.h>

#include <array>
#include <charconv>
#include <compare>
#include <span>
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
  bool (*met)(const spirv::Module&);
  const char* what;    // it does
  const char* advice;  // for whoever uses it
};

// Is `is(op, operands)` true of an instruction of the module? The operands are those words behind
// the first.
template <class F>
bool any_instruction(const spirv::Module& module, F is) {
  constexpr std::size_t kHeader = 5;
  const auto words = module.words();
  for (std::size_t at = kHeader; at < words.size();) {
    const std::uint32_t length = words[at] >> 16;
    if (length == 0 || length > words.size() - at) return false;
    if (is(static_cast<spv::Op>(words[at] & 0xFFFF), words.subspan(at + 1, length - 1)))
      return true;
    at += length;
  }
  return false;
}

bool copies_logically(const spirv::Module& module) {
  return any_instruction(module, [](spv::Op op, std::span<const std::uint32_t>) {
    return op == spv::Op::OpCopyLogical;
  });
}

// Ldexp by an exponent of another width than 32.
bool scales_by_other_widths(const spirv::Module& module) {
  return any_instruction(module, [&](spv::Op op, std::span<const std::uint32_t> operands) {
    constexpr std::size_t kSet = 2, kNumber = 3, kExponent = 5;
    return op == spv::Op::OpExtInst && operands.size() > kExponent &&
           operands[kNumber] == GLSLstd450Ldexp &&
           module.instruction_set(operands[kSet]) == spirv::InstructionSet::kGlslStd450 &&
           module.scalar_type(module.type_of(operands[kExponent])).width != 32;
  });
}

// A copy of a value whose parts the compiler keeps one by one, with time that grows faster than
// their number: of 256, 512 and 1,024 words it took 2, 10 and 21 s. A load of which only elements
// are taken is none.
bool copies_large_values(const spirv::Module& module) {
  constexpr std::uint64_t kMostBytes = 8192;
  const auto is_large = [&](spirv::Id type) {
    return type != 0 && module.natural_layout(type).size > kMostBytes;
  };
  return any_instruction(module, [&](spv::Op op, std::span<const std::uint32_t> operands) {
    constexpr std::size_t kFrom = 1, kCopied = 2;
    if (op == spv::Op::OpStore && operands.size() > kFrom)
      return is_large(module.type_of(operands[kFrom]));
    if (op == spv::Op::OpCopyMemory && operands.size() > kFrom) {
      const spirv::Type* place = module.type(module.type_of(operands[kFrom]));
      return place != nullptr && is_large(place->element);
    }
    return op == spv::Op::OpCopyLogical && operands.size() > kCopied &&
           is_large(module.type_of(operands[kCopied]));
  });
}

constexpr const char* kCopyLogical =
    "OpCopyLogical of a structure crashes the SPIR-V reader of Mesa 22.3";
constexpr const char* kNewer = "Mesa 25.0 compiles it";
constexpr Row copy_logical(VkDriverId driver) {
  return {driver, "Mesa ", {22, 0}, {23, 0}, copies_logically, kCopyLogical, kNewer};
}

// Seen on RADV 22.3.6. The reader is common to the drivers of Mesa; lavapipe refuses the kernel.
constexpr auto kRows = std::to_array<Row>({
    copy_logical(VK_DRIVER_ID_MESA_RADV),
    copy_logical(VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA),
    copy_logical(VK_DRIVER_ID_MESA_TURNIP),
    copy_logical(VK_DRIVER_ID_MESA_V3DV),
    copy_logical(VK_DRIVER_ID_MESA_PANVK),
    // Seen with exponents of 8, 16 and 64 bits, when the kernel is first launched.
    {VK_DRIVER_ID_MESA_LLVMPIPE,
     "Mesa ",
     {22, 3},
     {22, 4},
     scales_by_other_widths,
     "Ldexp by an exponent of another width than 32 crashes the compiler of lavapipe 22.3",
     "convert the exponent to 32 bits"},
    {VK_DRIVER_ID_MESA_LLVMPIPE,
     "Mesa ",
     {22, 3},
     {22, 4},
     copies_large_values,
     "a copy of an array or structure of more than 8 KiB as one value takes lavapipe 22.3 minutes",
     "copy it element by element"},
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

}  // namespace

Result<void> check_known_faults(const spirv::Module& module, const PhysicalDevice& device) {
  for (const Row& row : kRows) {
    if (!meets(row, device) || !row.met(module)) continue;
    return fail(SOKR_CAPABILITY_DENIED, "{}, {}, fails at this kernel: {}; {}", device.name(),
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
