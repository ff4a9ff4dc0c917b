// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A kernel whose grid is run in parts, for devices that take fewer workgroups at once than a
// launch has.
#ifndef SOKR_SPIRV_GRID_HPP_
#define SOKR_SPIRV_GRID_HPP_

#include <cstdint>
#include <optional>
#include <sokr/spirv/module.hpp>
#include <vector>

namespace sokr::spirv {

struct SlicedModule {
  std::vector<std::uint32_t> words;  // no other entry point but the one that was asked for
  // Where the push constants of a part have three u32 each: what is added to every workgroup's
  // id, and the counts of the whole grid. Absent if the kernel does not read them.
  std::optional<std::uint32_t> origin, counts;
  std::uint32_t push_size = 0;  // bytes of all push constants, the kernel's own first
};

// specialized_words() of a module, with built-ins of this entry point that tell of the whole grid
// when a part of it is dispatched. `module` is decoded with the launch's values. A sentence about
// what is not understood if the kernel uses a built-in or its push constants in an unusual way.
Result<SlicedModule> sliced_words(const Module& module, const EntryPoint& entry);

}  // namespace sokr::spirv

#endif  // SOKR_SPIRV_GRID_HPP_
