// SPDX-License-Identifier: MIT OR Apache-2.0
#include "selection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

double percentile(std::vector<double> values, double percent) {
  const auto rank =
      static_cast<std::size_t>(std::ceil(percent / 100 * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace sokr::cli
