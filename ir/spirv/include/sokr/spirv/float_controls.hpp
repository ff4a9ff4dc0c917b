// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr/spirv/float_controls.hpp - which results the float controls speak of.
#ifndef SOKR_SPIRV_FLOAT_CONTROLS_HPP_
#define SOKR_SPIRV_FLOAT_CONTROLS_HPP_

#include <cstdint>
#include <spirv/unified1/spirv.hpp11>

namespace sokr::spirv {

// Is a denormal result of the instruction flushed where the execution mode says so? Not what only
// moves bits: loads, phis, selections, composites, bit casts. `extended` is the number of an
// instruction of GLSL.std.450 if `op` is OpExtInst.
bool flushes_result(spv::Op op, std::uint32_t extended);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_FLOAT_CONTROLS_HPP_
