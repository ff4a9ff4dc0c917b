// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs one case on one substrate.
#ifndef SOKR_CONFORMANCE_RUN_HPP_
#define SOKR_CONFORMANCE_RUN_HPP_

#include <filesystem>

#include "case.hpp"

namespace sokr::conformance {

enum class Verdict { kPassed, kUnsupported, kFailed };

struct Outcome {
  Verdict verdict = Verdict::kFailed;
  std::string text;  // the reason of a refusal or of a failure
  Outputs outputs;   // every buffer that the kernel may write, if it ran
};

// Outputs are poisoned, every buffer stands between guard bytes, inputs must come out
// unchanged. kUnsupported only if the substrate refuses the kernel or the launch before
// it starts. `modules` is the folder of the compiled kernels.
Outcome run(const Context& context, const Substrate& substrate,
            const std::filesystem::path& modules, const Entry& entry, const Case& test,
            Precision precision);

// The same for a kernel of whatever form.
Outcome run(const Substrate& substrate, const Kernel& kernel, const Case& test,
            Precision precision);

// The same, launched in parts: each count of workgroups is cut in two, so that up to eight launches
// that start at different workgroups (Launch::base_groups) do what one did. Only for a kernel
// that does not ask how many workgroups there are. One workgroup alone is not cut.
Outcome run_in_parts(const Substrate& substrate, const Kernel& kernel, const Case& test,
                     Precision precision);

}  // namespace sokr::conformance

#endif  // SOKR_CONFORMANCE_RUN_HPP_
