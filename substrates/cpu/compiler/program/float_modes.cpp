// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program/float_modes.hpp"

namespace sokr::cpu {
namespace {

constexpr std::uint8_t kSingle = 2, kDouble = 4;

}  // namespace

FloatModes float_modes(const spirv::EntryPoint& entry) {
  const spirv::FloatControls& controls = entry.float_controls;
  FloatModes modes;
  modes.toward_zero = (controls.rounding_rtz & (kSingle | kDouble)) != 0;
  modes.half_toward_zero = (controls.rounding_rtz & 1) != 0;
  modes.flush = controls.denorm_flush_to_zero;
  return modes;
}

Result<void> check_float_modes(const spirv::EntryPoint& entry) {
  const spirv::FloatControls& controls = entry.float_controls;
  const auto crosses = [&](std::uint8_t zero, std::uint8_t even) {
    return (controls.rounding_rtz & zero) && (controls.rounding_rte & even);
  };
  if (!crosses(kSingle, kDouble) && !crosses(kDouble, kSingle)) return {};
  const int zero = crosses(kSingle, kDouble) ? 32 : 64;
  return fail(SOKR_CAPABILITY_DENIED,
              "entry point {} has RoundingModeRTZ {} and RoundingModeRTE {}, this substrate rounds "
              "both widths alike",
              entry.name, zero, 96 - zero);
}

bool processor_may_flush(const spirv::Module& module, const spirv::EntryPoint& entry) {
  const FloatModes modes = float_modes(entry);
  if (!modes.flush) return false;
  for (spirv::Id id = 1; id < module.bound(); ++id)
    if (const spirv::Type* type = module.type(id);
        type && type->kind == spirv::TypeKind::kFloat && !modes.flushes(type->width))
      return false;
  return true;
}

}  // namespace sokr::cpu
