// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What reading a module cost, in steps: an instruction or an operand looked at, a part of a type
// or constant, an edge of the flow graph, a construct around it. Tests compare it with the
// module's size; it is the same on every machine.
#ifndef SOKR_SPIRV_SRC_WORK_HPP_
#define SOKR_SPIRV_SRC_WORK_HPP_

#include <cstdint>

namespace sokr::spirv {

inline thread_local std::uint64_t work_steps = 0;

inline void count_work(std::uint64_t steps = 1) {
  work_steps += steps;
}

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_WORK_HPP_
