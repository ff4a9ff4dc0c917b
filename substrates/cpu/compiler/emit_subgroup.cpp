// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emitter.hpp"
namespace sokr::cpu {
Leaves Emitter::emit_subgroup(const Op&) { internal_error("subgroup"); return {}; }
}  // namespace sokr::cpu
