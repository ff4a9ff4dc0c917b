// SPDX-License-Identifier: MIT OR Apache-2.0
#include "selection.hpp"

#include <fmt/format.h>

namespace sokr::cli {

std::string label(const Substrate& substrate) {
  return *substrate.info().description
             ? fmt::format("{} ({})", substrate.name(), substrate.info().description)
             : std::string(substrate.name());
}

std::vector<Substrate> named_substrates(const Context& context,
                                        const std::vector<std::string>& names) {
  std::vector<Substrate> substrates;
  for (const std::string& name : names) {
    try {
      substrates.push_back(context.substrate(name));
    } catch (const Error& error) {
      throw UsageError(fmt::format("--on: {}", error.what()));
    }
  }
  return substrates;
}

void require_capable(std::span<const Substrate> substrates, const Kernel& kernel,
                     const Plan& plan) {
  for (const Substrate& substrate : substrates) {
    if (const auto reason = substrate.why_not(kernel)) {
      throw Error(SOKR_CAPABILITY_DENIED,
                  fmt::format("{} cannot run this kernel: {}", substrate.name(), *reason));
    }
    if (const auto reason = why_not(plan, substrate)) {
      throw UsageError(fmt::format("{} cannot run this launch: {}", substrate.name(), *reason));
    }
  }
}

}  // namespace sokr::cli
