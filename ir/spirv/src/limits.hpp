// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How much of what a module may have: one row for each limit, with what exceeds it. Those of the
// specification keep their numbers; the others are far above what compilers make, and keep the
// work for a module that was made to hurt in proportion to its size. docs/assurance.md lists
// them for people.
#ifndef SOKR_SPIRV_SRC_LIMITS_HPP_
#define SOKR_SPIRV_SRC_LIMITS_HPP_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sokr::spirv::limits {

inline constexpr std::uint32_t kIdBound = 0x3FFFFF;      // the specification's
inline constexpr std::uint32_t kTypeDepth = 255;         // the specification's
inline constexpr std::uint32_t kControlDepth = 1023;     // the specification's
inline constexpr std::uint32_t kFunctionBlocks = 65536;  // in one function
inline constexpr std::uint32_t kCallDepth = 1024;        // calls inside one another
inline constexpr std::uint32_t kEntryPoints = 4096;
inline constexpr std::uint32_t kTypeParts = 65536;  // a type, its members, theirs and so on
inline constexpr std::uint64_t kTypeBytes = std::uint64_t{1} << 48;

// The following grow with the words of a module.
//
// Parts of the types of all results: of what is walked for each instruction.
constexpr std::uint64_t result_parts(std::size_t words) {
  return (std::uint64_t{1} << 22) + 256 * std::uint64_t{words};
}
// Instructions in the call trees of all entry points.
constexpr std::uint64_t tree_instructions(std::size_t words) {
  return (std::uint64_t{1} << 22) + 256 * std::uint64_t{words};
}
// Parts that constant folding makes, decorations that groups make, globals of entry points.
constexpr std::uint64_t made_parts(std::size_t words) {
  return (std::uint64_t{1} << 20) + 8 * std::uint64_t{words};
}
// Bytes of names that reflection repeats for each entry point: of bindings, of members of push
// constants and of their types; each with kReflectedThing for what else is said of it.
inline constexpr std::uint64_t kReflectedThing = 128;
constexpr std::uint64_t reflected_bytes(std::size_t words) {
  return (std::uint64_t{1} << 24) + 64 * std::uint64_t{words};
}
// Steps of SPIRV-Tools' validator through control flow, each a twentieth to a fifth of a
// microsecond: it visits the blocks before each block, and for each construct the way from
// each of its blocks to its header. Who asks for it by `strict` waits for it; else it is asked
// where it answers soon, for it is asked once by the host and once by each substrate. Of 500 real
// modules the most has 360,000.
constexpr std::uint64_t flow_steps(std::size_t words, bool is_strict) {
  return is_strict ? std::min((std::uint64_t{1} << 23) + 1024 * std::uint64_t{words},
                              std::uint64_t{1} << 26)
                   : std::min((std::uint64_t{1} << 20) + 16 * std::uint64_t{words},
                              std::uint64_t{1} << 21);
}

}  // namespace sokr::spirv::limits

#endif  // SOKR_SPIRV_SRC_LIMITS_HPP_
