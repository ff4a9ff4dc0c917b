// SPDX-License-Identifier: MIT OR Apache-2.0
#include "runtime/descriptors.hpp"

#include <algorithm>

namespace sokr::cpu {

Bindings descriptor_table(const ir::EntryReflection& reflection,
                          std::span<const std::uint32_t> places, const Bindings& descriptors) {
  Bindings table, elements;
  std::uint64_t place = 0;  // of the first of `elements`
  for (const ir::Binding& binding : reflection.bindings) place += std::max(binding.count, 1u);
  for (std::size_t i = 0; i < reflection.bindings.size(); ++i) {
    const std::uint32_t first = places[i], count = places[i + 1] - first;
    const bool is_runtime = reflection.bindings[i].count == 0;
    if (is_runtime)
      table.push_back({nullptr, std::uint64_t{count} << 32 | (place + elements.size())});
    (is_runtime ? elements : table).append(descriptors.data() + first, count);
  }
  table.append(elements.data(), elements.size());
  return table;
}

}  // namespace sokr::cpu
