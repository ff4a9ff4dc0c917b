// SPDX-License-Identifier: MIT OR Apache-2.0
// What the formats of sokr/sokr.h are called, and one more.
#ifndef SOKR_BASE_IR_FORMAT_HPP_
#define SOKR_BASE_IR_FORMAT_HPP_

#include <sokr/sokr.h>

#include <cstdint>
#include <utility>

namespace sokr {

// "SPIR-V"; null if the format is none of the core's.
inline const char* known_ir_format(std::uint32_t format) {
  constexpr std::pair<std::uint32_t, const char*> kFormats[] = {
      {SOKR_IR_SPIRV, "SPIR-V"},
      {SOKR_IR_PTX, "PTX"},
      {SOKR_IR_OPENQASM3, "OpenQASM 3"},
      {SOKR_IR_SPIKE_GRAPH, "spike graph"},
      {SOKR_IR_OPTICAL_CIRCUIT, "optical circuit"},
      {SOKR_IR_NATIVE, "SOKR-native"},
      {0x5747534C, "WGSL"},  // as ir/wgsl has it; of no header
  };
  for (const auto& [id, name] : kFormats) {
    if (id == format) return name;
  }
  return nullptr;
}

}  // namespace sokr

#endif  // SOKR_BASE_IR_FORMAT_HPP_
