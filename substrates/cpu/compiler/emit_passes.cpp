// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emitter.hpp"

namespace sokr::cpu {

void Emitter::plan_regions() { region_.assign(p_.blocks.size(), 0); }

void Emitter::emit_regions(std::uint32_t) { internal_error("barriers"); }

}  // namespace sokr::cpu
