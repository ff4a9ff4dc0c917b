// SPDX-License-Identifier: MIT OR Apache-2.0
#include "selection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

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

DefaultChoice::DefaultChoice(const Context& context, const Kernel& kernel, Reason why_not)
    : context_(context), kernel_(kernel), why_not_(std::move(why_not)) {}

Substrate DefaultChoice::next() {
  for (;;) {
    std::vector<Candidate> looked_at;
    std::optional<Substrate> substrate;
    try {
      substrate = context_.choose(kernel_, tried_, &looked_at);
    } catch (const Error&) {
      if (tried_.empty()) throw;
      give_up();
    }
    for (Candidate& one : looked_at) {
      if (!one.reason.empty()) remember(std::move(one.name), std::move(one.reason));
    }
    const auto reason = why_not_(*substrate);
    if (!reason) return *substrate;
    pass_over(*substrate, fmt::format("{}: {}", substrate->name(), *reason), *reason);
  }
}

void DefaultChoice::failed(const Substrate& substrate, const std::string& what) {
  ran_ = true;
  pass_over(substrate, what, what);
}

void DefaultChoice::give_up() const {
  const std::string what =
      reasons_.size() == 1
          ? reasons_.front()
          : fmt::format("no substrate could run this launch: {}", fmt::join(reasons_, "; "));
  if (ran_) throw Error(SOKR_DISPATCH_FAILED, what);
  throw UsageError(what);
}

void DefaultChoice::pass_over(const Substrate& substrate, std::string sentence,
                              std::string reason) {
  tried_.push_back(substrate);
  reasons_.push_back(std::move(sentence));
  remember(std::string(substrate.name()), std::move(reason));
}

// Who denies the kernel is asked again, and says it again, each time that another one fails.
void DefaultChoice::remember(std::string name, std::string reason) {
  for (const Candidate& one : passed_over_) {
    if (one.name == name) return;
  }
  passed_over_.push_back({std::move(name), std::move(reason)});
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
