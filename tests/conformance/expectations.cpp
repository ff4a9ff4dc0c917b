// SPDX-License-Identifier: MIT OR Apache-2.0
#include "expectations.hpp"

#include <array>
#include <string_view>

namespace sokr::conformance {
namespace {

struct Row {
  std::string_view profile, module, variant;  // variant "*" = all
  Expect expect;
  const char* reason;
};

// Packaged lavapipe (Mesa 22.3.6) is an oracle with known errors. Clocks are not for kernels that
// give the same everywhere.
constexpr auto kRows = std::to_array<Row>({
    {"cpu", "shader_clock", "*", Expect::kUnsupported, "ShaderClockKHR"},
    {"neon", "shader_clock", "*", Expect::kUnsupported, "ShaderClockKHR"},
    {"reference", "shader_clock", "*", Expect::kUnsupported, "ShaderClockKHR"},
    {"lavapipe-22.3", "signed_remainder", "negative", Expect::kWrong,
     "OpSMod of negative numbers takes the sign of the dividend"},
    {"lavapipe-22.3", "long_loop", "100000 iterations", Expect::kWrong,
     "loops end after 65,535 iterations"},
    {"lavapipe-22.3", "copies_and_phis", "one", Expect::kWrong,
     "OpCopyLogical of a structure makes pipeline creation fail"},
    {"lavapipe-22.3", "runtime_descriptors", "*", Expect::kUnsupported,
     "needs runtimeDescriptorArray"},
    {"lavapipe-22.3", "runtime_descriptors_varying", "*", Expect::kUnsupported,
     "needs shaderStorageBufferArrayNonUniformIndexing"},
    {"lavapipe-22.3", "declared", "*", Expect::kUnsupported, "needs runtimeDescriptorArray"},
    {"lavapipe-22.3", "expect_assume", "*", Expect::kUnsupported, "ExpectAssumeKHR"},
    {"lavapipe-22.3", "subgroup_rotate", "*", Expect::kUnsupported, "GroupNonUniformRotateKHR"},
    {"lavapipe-22.3", "subgroup_clusters", "*", Expect::kUnsupported,
     "needs clustered subgroup operations"},
    {"lavapipe-22.3", "descriptor_nonuniform", "*", Expect::kUnsupported,
     "shaderStorageBufferArrayNonUniformIndexing"},
    {"lavapipe-22.3", "workgroup_bytes", "*", Expect::kUnsupported,
     "needs workgroupMemoryExplicitLayout"},
    {"lavapipe-22.3", "atomics_float_all", "*", Expect::kUnsupported,
     "shaderBufferFloat64AtomicMinMax"},
    {"lavapipe-22.3", "two_entry_points", "local size override", Expect::kUnsupported,
     "overrides only sizes that are specialization constants"},
    {"lavapipe-22.3", "float_preserve16", "*", Expect::kUnsupported, "DenormPreserveFloat16"},
    {"lavapipe-22.3", "float_preserve32", "*", Expect::kUnsupported, "DenormPreserveFloat32"},
    {"lavapipe-22.3", "float_preserve64", "*", Expect::kUnsupported, "DenormPreserveFloat64"},
    {"lavapipe-22.3", "float_flush16", "*", Expect::kUnsupported, "DenormFlushToZeroFloat16"},
    {"lavapipe-22.3", "float_flush32", "*", Expect::kUnsupported, "DenormFlushToZeroFloat32"},
    {"lavapipe-22.3", "float_flush64", "*", Expect::kUnsupported, "DenormFlushToZeroFloat64"},
    {"lavapipe-22.3", "float_rtz16", "*", Expect::kUnsupported, "RoundingModeRTZFloat16"},
    {"lavapipe-22.3", "float_rtz32", "*", Expect::kUnsupported, "RoundingModeRTZFloat32"},
    {"lavapipe-22.3", "float_rtz64", "*", Expect::kUnsupported, "RoundingModeRTZFloat64"},
});

bool mentions(const SokrSubstrateInfo& info, std::string_view word) {
  if (std::string_view(info.description).find(word) != std::string_view::npos) return true;
  for (std::uint32_t i = 0; i < info.fact_count; ++i) {
    if (std::string_view(info.facts[i].value).find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Profile profile_of(const SokrSubstrateInfo& info) {
  std::string_view name = info.name;
  if (!name.starts_with("vulkan")) return {std::string(name)};
  if (mentions(info, "llvmpipe") && mentions(info, "Mesa 22.3")) {
    return {"lavapipe-22.3", Precision::kVulkan};
  }
  return {"vulkan", Precision::kVulkan, true};
}

Expectation expectation(const Profile& profile, const Entry& entry) {
  for (const Row& row : kRows) {
    if (row.profile == profile.name && row.module == entry.module &&
        (row.variant == "*" || row.variant == entry.variant)) {
      return {row.expect, row.reason};
    }
  }
  return {};
}

}  // namespace sokr::conformance
