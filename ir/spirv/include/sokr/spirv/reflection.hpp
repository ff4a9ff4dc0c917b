// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The reflection of a decoded Module (sokr/ir/reflection.hpp). Names of bindings are those of the
// variable, or of its block if that has none; several variables on the same (set, binding) are one
// binding: sizes are the largest, accesses are joined. There are no ports: SPIR-V names by set and
// binding.
#ifndef SOKR_SPIRV_REFLECTION_HPP_
#define SOKR_SPIRV_REFLECTION_HPP_

#include <sokr/ir/reflection.hpp>
#include <sokr/spirv/module.hpp>

namespace sokr::spirv {

ir::EntryReflection reflect_entry(const Module& module, const EntryPoint& entry);
ir::Reflection reflect(const Module& module);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_REFLECTION_HPP_
