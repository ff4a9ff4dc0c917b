// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Which scalars lie in a block, and where. Any thread. The work is bounded by the number of
// types, and by ir::kMaxPushScalars, however types are nested.
#ifndef SOKR_SPIRV_SRC_BLOCK_SCALARS_HPP_
#define SOKR_SPIRV_SRC_BLOCK_SCALARS_HPP_

#include <sokr/spirv/reflection.hpp>

namespace sokr::spirv {

// Of a bool, an integer or a float.
SokrIrScalar scalar_of(const Type& type);

// 1 << SokrIrScalar for every scalar type in `type`; a pointer is a u64.
std::uint32_t scalars_in(const Module& module, Id type);

// Adds those of a block, sorted by offset together with what is there.
void add_push_scalars(const Module& module, Id block, std::vector<SokrIrPushScalar>& scalars);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_BLOCK_SCALARS_HPP_
