// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Kernels for the traps of a SIMD code generator: shaders/<shader>.comp, what its buffers
// hold, how it is launched, and what must come out.
#ifndef SOKR_TESTS_DIFFERENTIAL_PITFALL_HPP_
#define SOKR_TESTS_DIFFERENTIAL_PITFALL_HPP_

#include <cstdint>
#include <functional>
#include <sokr/sokr.hpp>
#include <string>
#include <vector>

namespace sokr::differential {

using Words = std::vector<std::uint32_t>;

struct Situation {
  Launch launch;
  std::vector<Words> buffers;  // of bindings 0, 1, ... of set 0
  // The buffers after the run; empty text = right, otherwise the first thing that is wrong.
  std::function<std::string(const std::vector<Words>&)> judge;
};

struct Pitfall {
  std::string name;
  const char* shader;
  std::function<Situation()> make;
  const char* lavapipe = nullptr;  // why packaged lavapipe is not asked
};

std::vector<Pitfall> pitfalls();

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_PITFALL_HPP_
