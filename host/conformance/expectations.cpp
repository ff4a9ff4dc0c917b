// SPDX-License-Identifier: MIT OR Apache-2.0
#include "expectations.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <system_error>

namespace sokr::conformance {
namespace {

// Numbers of VkDriverId.
constexpr std::uint32_t kSwiftShader = 10, kLavapipe = 13;

// Drivers of which it is known what they lack: all else that they refuse is a fault. Others
// may refuse what they like.
struct Driver {
  std::uint32_t id;
  std::string_view name;
  std::string_view version_after;  // where the version begins in the driver's description
  Version known_from, known_until;
};
constexpr auto kDrivers = std::to_array<Driver>({
    {kLavapipe, "lavapipe", "Mesa ", {22, 3}, {22, 4}},
    {kSwiftShader, "SwiftShader", "", {}, {}},
});

// Simulated devices that lack more than the driver of which they are made.
constexpr auto kLesserDevices = std::to_array<std::string_view>(
    {"simulated mali ", "simulated intel-no-llc ", "simulated minimum "});

struct Row {
  std::uint32_t driver;
  Version from, until;               // of the driver; until is the first that is not meant
  std::string_view module, variant;  // variant "*" = all
  Expect expect;
  const char* reason;
};

// This project's own substrates, by name. Clocks are not for kernels that give the same everywhere.
struct OwnRow {
  std::string_view substrate, module;
  const char* reason;
};
constexpr auto kOwnRows = std::to_array<OwnRow>({
    {"cpu", "shader_clock", "ShaderClockKHR"},
    {"neon", "shader_clock", "ShaderClockKHR"},
    {"reference", "shader_clock", "ShaderClockKHR"},
});

constexpr Version kAny{}, kEver{UINT32_MAX, 0}, k22{22, 3}, k23{23, 0}, k25{25, 0}, k26{26, 0};

// Packaged software drivers are oracles with known errors. What is wrong in Mesa's common code is
// to be expected of its hardware drivers, too.
constexpr auto kRows = std::to_array<Row>({
    {kLavapipe, k25, k26, "float64_arithmetic", "*", Expect::kWrong,
     "a conversion to f32 and back is folded to nothing"},
    {kLavapipe, k22, k23, "long_loop", "100000 iterations", Expect::kWrong,
     "loops end after 65,535 iterations"},
    {kLavapipe, k22, k23, "copies_and_phis", "one", Expect::kWrong,
     "OpCopyLogical of a structure makes pipeline creation fail"},
    {kLavapipe, k22, k23, "runtime_descriptors", "*", Expect::kUnsupported,
     "needs runtimeDescriptorArray"},
    {kLavapipe, k22, k23, "runtime_descriptors_varying", "*", Expect::kUnsupported,
     "needs shaderStorageBufferArrayNonUniformIndexing"},
    {kLavapipe, k22, k23, "declared", "*", Expect::kUnsupported, "needs runtimeDescriptorArray"},
    {kLavapipe, k22, k23, "expect_assume", "*", Expect::kUnsupported, "shaderExpectAssume"},
    {kLavapipe, k22, k23, "subgroup_rotate", "*", Expect::kUnsupported, "shaderSubgroupRotate"},
    {kLavapipe, k22, k23, "subgroup_uniform_flow", "*", Expect::kUnsupported,
     "VK_KHR_shader_subgroup_uniform_control_flow"},
    {kLavapipe, k22, k23, "subgroup_clusters", "*", Expect::kUnsupported,
     "needs clustered subgroup operations"},
    {kLavapipe, k22, k23, "descriptor_nonuniform", "*", Expect::kUnsupported,
     "shaderStorageBufferArrayNonUniformIndexing"},
    {kLavapipe, k22, k23, "workgroup_bytes", "*", Expect::kUnsupported,
     "needs workgroupMemoryExplicitLayout"},
    {kLavapipe, k22, k23, "atomics_float_all", "*", Expect::kUnsupported,
     "shaderBufferFloat64AtomicMinMax"},
    {kLavapipe, kAny, kEver, "two_entry_points", "local size override", Expect::kUnsupported,
     "overrides only sizes that are specialization constants"},
    {kLavapipe, k22, k23, "float_preserve16", "*", Expect::kUnsupported, "DenormPreserveFloat16"},
    {kLavapipe, k22, k23, "float_preserve32", "*", Expect::kUnsupported, "DenormPreserveFloat32"},
    {kLavapipe, k22, k23, "float_preserve64", "*", Expect::kUnsupported, "DenormPreserveFloat64"},
    {kLavapipe, k22, k23, "float_flush16", "*", Expect::kUnsupported, "DenormFlushToZeroFloat16"},
    {kLavapipe, k22, k23, "float_flush32", "*", Expect::kUnsupported, "DenormFlushToZeroFloat32"},
    {kLavapipe, k22, k23, "float_flush64", "*", Expect::kUnsupported, "DenormFlushToZeroFloat64"},
    {kLavapipe, k22, k23, "float_rtz16", "*", Expect::kUnsupported, "RoundingModeRTZFloat16"},
    {kLavapipe, k22, k23, "float_rtz32", "*", Expect::kUnsupported, "RoundingModeRTZFloat32"},
    {kLavapipe, k22, k23, "float_rtz64", "*", Expect::kUnsupported, "RoundingModeRTZFloat64"},
});

std::string_view fact(const SokrSubstrateInfo& info, std::string_view key) {
  for (std::uint32_t i = 0; i < info.fact_count; ++i) {
    if (info.facts[i].key == key) return info.facts[i].value;
  }
  return {};
}

// "22.3.6 (LLVM 15.0.6)"
Version read_version(std::string_view text) {
  Version version;
  const char* end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, version.major);
  if (error == std::errc{} && dot != end) std::from_chars(dot + 1, end, version.minor);
  return version;
}

}  // namespace

Profile profile_of(const SokrSubstrateInfo& info) {
  const std::string_view name = info.name;
  if (!name.starts_with("vulkan")) return {std::string(name)};
  Profile profile{"vulkan", Precision::kVulkan, true};
  const std::string_view id = fact(info, "driver_id");
  std::from_chars(id.data(), id.data() + id.size(), profile.driver);
  for (const Driver& driver : kDrivers) {
    if (driver.id != profile.driver) continue;
    const std::string_view text = fact(info, "driver_info");
    const std::size_t at = text.find(driver.version_after);
    if (at == std::string_view::npos) continue;
    profile.version = read_version(text.substr(at + driver.version_after.size()));
    profile.name = std::string(driver.name) + " " + std::to_string(profile.version.major) + "." +
                   std::to_string(profile.version.minor);
    const bool known = profile.version >= driver.known_from && profile.version < driver.known_until;
    const bool lesser = std::ranges::any_of(kLesserDevices, [&](std::string_view device) {
      return fact(info, "device").starts_with(device);
    });
    profile.may_refuse = !known || lesser;
  }
  return profile;
}

Expectation expectation(const Profile& profile, const Entry& entry) {
  for (const OwnRow& row : kOwnRows) {
    if (row.substrate == profile.name && row.module == entry.module) {
      return {Expect::kUnsupported, row.reason};
    }
  }
  for (const Row& row : kRows) {
    if (row.driver == profile.driver && profile.version >= row.from &&
        profile.version < row.until && row.module == entry.module &&
        (row.variant == "*" || row.variant == entry.variant)) {
      return {row.expect, row.reason};
    }
  }
  return {};
}

}  // namespace sokr::conformance
