// SPDX-License-Identifier: MIT OR Apache-2.0
#include "compiler/codegen/builtins.hpp"

#include "compiler/codegen/link.hpp"

namespace sokr::cpu {

Result<Builtins> Builtins::read(std::span<const std::uint8_t> object) {
  Builtins builtins;
  builtins.object_ = object;
  SOKR_ASSIGN(const std::vector<std::string> names, defined_names(object));
  builtins.names_.insert(names.begin(), names.end());
  return builtins;
}

}  // namespace sokr::cpu
