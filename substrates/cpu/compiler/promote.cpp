// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/program.hpp"

namespace sokr::cpu {

void promote_variables(Program&) {}

}  // namespace sokr::cpu
