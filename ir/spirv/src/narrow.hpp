// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SPIRV_SRC_NARROW_HPP_
#define SOKR_SPIRV_SRC_NARROW_HPP_

#include <set>
#include <sokr/spirv/module.hpp>

#include "strip.hpp"

namespace sokr::spirv {

// The capabilities that the constants of a module need, of types of 8 and 16 bits that it has for
// storage only: optimisers fold a conversion to such a type into a constant. A capability is for
// the whole module, so none is named with whose type it does more than load, store, copy and
// convert: what computes, or keeps such values where it may not, is to be judged as it stands.
std::set<spv::Capability> needs_of_constants(const Stripped& module, const Module& decoded);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_SRC_NARROW_HPP_
