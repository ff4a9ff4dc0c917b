// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What an entry point's code does with each module-scope variable.
#ifndef SOKR_SPIRV_SRC_ACCESS_HPP_
#define SOKR_SPIRV_SRC_ACCESS_HPP_

#include <sokr/spirv/reflection.hpp>

namespace sokr::spirv {

// SOKR_IR_READ | SOKR_IR_WRITE per id, of everything in the entry point's static call
// tree: what is done through a pointer is also done to each pointer that it may come
// from. Decorations are not looked at. Indexed by id.
std::vector<std::uint8_t> find_accesses(const Module& module, const EntryPoint& entry);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_ACCESS_HPP_
