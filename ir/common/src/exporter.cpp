// SPDX-License-Identifier: MIT OR Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <sokr/ir/exporter.hpp>

namespace sokr::ir::detail {

Result<void> check_target(std::uint32_t target, std::span<const std::uint32_t> targets) {
  if (std::find(targets.begin(), targets.end(), target) != targets.end()) return {};
  std::string known;
  for (const std::uint32_t each : targets) {
    known += fmt::format("{}{:#010x}", known.empty() ? "" : ", ", each);
  }
  return fail(SOKR_INVALID_INPUT, "the target {:#010x} is none that this plugin lowers to: {}",
              target, known);
}

}  // namespace sokr::ir::detail
