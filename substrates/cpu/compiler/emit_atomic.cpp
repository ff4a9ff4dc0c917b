// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emitter.hpp"
namespace sokr::cpu {
Leaves Emitter::emit_atomic(const Op&) { internal_error("atomic"); return {}; }
void Emitter::emit_fence(const Inst&) {}
}  // namespace sokr::cpu
