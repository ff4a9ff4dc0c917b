// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Shaders whose text is compiled twice: as GLSL inside of frame.comp.in for the substrates, and as
// C++ by the compiler of this test (dialect.hpp) for what has to come out.
//
// A text defines `void run()`, which is called for each invocation below `count`; or PHASES and
// `void phase(uint number)`, with a barrier behind each phase; with EXCHANGE too, the subgroups
// exchange `x` behind each phase. It reads A and B, writes R, and has the words S of its workgroup.
#ifndef SOKR_TESTS_DIFFERENTIAL_TWINS_TWINS_HPP_
#define SOKR_TESTS_DIFFERENTIAL_TWINS_TWINS_HPP_

#include <cstdint>
#include <span>
#include <vector>

namespace sokr::differential {

struct TwinLaunch {
  std::uint32_t groups = 1, width = 64;  // workgroups, and the invocations of each: at most 128
  std::uint32_t lanes = 32;              // of a subgroup
  std::uint32_t count = 64;              // pushed: of those, at most groups * width
  std::vector<std::uint32_t> a, b, r;    // each of groups * width words; r as it is before
};

struct Twin {
  const char* name;  // texts/<name>.glsl, <name>.spv
  bool exchanges;    // by operations of subgroups
  // The words of R after the launch.
  std::vector<std::uint32_t> (*evaluate)(const TwinLaunch& launch);
};

std::span<const Twin> all_twins();

}  // namespace sokr::differential

#endif  // SOKR_TESTS_DIFFERENTIAL_TWINS_TWINS_HPP_
