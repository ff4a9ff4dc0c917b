// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What is tried of a part of a plugin, as steps for children.
#ifndef SOKR_CHECK_STEPS_HPP_
#define SOKR_CHECK_STEPS_HPP_

#include <cstdint>
#include <sokr/ir/conformance.hpp>
#include <sokr/substrate/conformance.hpp>
#include <span>
#include <string>
#include <vector>

#include "check.hpp"
#include "children.hpp"

namespace sokr::check {

// What a step sends. The text is a sentence.
enum Word : std::uint32_t { kFound, kNotTried, kRefused, kKnownWrong };

// A rule, and how it is tried.
struct Trial {
  std::string group, id, says;
  Step step;
  // If it is broken, nothing else of the part can be tried.
  bool is_first = false;
  // Tried in one child with those of its kind beside it.
  bool is_shared = false;
};

// What is known of a part before it is tried.
struct Offered {
  bool is_ir = false;
  std::uint32_t index = 0;  // of the substrate
  std::string name, description;
  std::uint32_t kind = 0;
  std::vector<std::uint32_t> formats;  // that it takes, or reads
};

std::vector<Trial> substrate_trials(const Request& request, const Offered& offered);
std::vector<Trial> ir_trials(const Request& request, const Offered& offered);

// Computations that the command brings along, and those of the request.
std::vector<substrate::Sample> samples_of(const Request& request, const Offered& offered);
std::vector<ir::Sample> kernels_of(const Request& request, std::uint32_t format);

}  // namespace sokr::check

#endif  // SOKR_CHECK_STEPS_HPP_
