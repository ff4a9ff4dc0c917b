// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/emitter.hpp"
namespace sokr::cpu {
Leaves Emitter::emit_ext(const Op&) { internal_error("ext"); return {}; }
}  // namespace sokr::cpu
