// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A module as words (SPIR-V specification, 2.3 "Physical Layout of a SPIR-V Module and
// Instruction").
#ifndef SOKR_SPIRV_SRC_PHYSICAL_LAYOUT_HPP_
#define SOKR_SPIRV_SRC_PHYSICAL_LAYOUT_HPP_

#include <cstddef>
#include <cstdint>
#include <span>

namespace sokr::spirv {

inline constexpr std::size_t kHeaderWords = 5;

// Tables by opcode have a place for each one below this; all that the grammar has are.
inline constexpr std::uint32_t kOpcodeSpace = 8192;

// Of the header: 6 for SPIR-V 1.6.
inline std::uint32_t minor_version(std::span<const std::uint32_t> words) {
  return words[1] >> 8 & 0xFF;
}

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_PHYSICAL_LAYOUT_HPP_
