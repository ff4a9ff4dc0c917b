// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which substrates a launch runs on.
#ifndef SOKR_CLI_SELECTION_HPP_
#define SOKR_CLI_SELECTION_HPP_

#include <functional>
#include <optional>
#include <sokr/sokr.hpp>
#include <span>
#include <string>
#include <vector>

#include "plan.hpp"

namespace sokr::cli {

// "vulkan:0 (llvmpipe)"
std::string label(const Substrate& substrate);

// Those of --on, in its order. A name that matches nothing is a UsageError.
std::vector<Substrate> named_substrates(const Context& context,
                                        const std::vector<std::string>& names);

// Where there is no --on: the best that can run the kernel and the launch, and when that fails, the
// next.
class DefaultChoice {
 public:
  // Why the launch does not fit the substrate; none if it does.
  using Reason = std::function<std::optional<std::string>(const Substrate& substrate)>;
  // Context and kernel outlive it.
  DefaultChoice(const Context& context, const Kernel& kernel, Reason why_not);

  // The best that was neither passed over nor failed. Where there is none, throws an Error if the
  // kernel, or a dispatch, is why; a UsageError if the launch is.
  Substrate next();
  // A dispatch on it failed.
  void failed(const Substrate& substrate, const std::string& what);
  // Each once, with the reason.
  const std::vector<Candidate>& passed_over() const { return passed_over_; }

 private:
  [[noreturn]] void give_up() const;
  void pass_over(const Substrate& substrate, std::string sentence, std::string reason);
  void remember(std::string name, std::string reason);

  const Context& context_;
  const Kernel& kernel_;
  Reason why_not_;
  std::vector<Substrate> tried_;
  std::vector<std::string> reasons_;
  std::vector<Candidate> passed_over_;
  bool ran_ = false;
};

// Throws unless each can run the kernel and this launch.
void require_capable(std::span<const Substrate> substrates, const Kernel& kernel, const Plan& plan);

}  // namespace sokr::cli

#endif  // SOKR_CLI_SELECTION_HPP_
