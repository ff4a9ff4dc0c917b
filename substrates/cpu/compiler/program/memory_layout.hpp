// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Where the parts of a type lie in memory: as decorated where decorations have a meaning, else
// (`natural`: Workgroup memory that is no block, constants) one behind the other, each at a
// multiple of its largest scalar. A bool takes four bytes.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_MEMORY_LAYOUT_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_MEMORY_LAYOUT_HPP_

#include <cstdint>
#include <sokr/spirv/module.hpp>
#include <vector>

namespace sokr::cpu {

// A type at a place in memory, with what its parents decided about it.
struct Placed {
  spirv::Id type = 0;
  spirv::MatrixLayout matrix;          // of the matrices in it
  std::uint32_t component_stride = 0;  // of a vector's components; 0 = packed
  bool natural = false;                // decorations mean nothing
};

struct PlacedLeaf {
  std::uint64_t offset = 0;
  spirv::Id type = 0;  // the scalar
};

// From the first byte of some leaves to behind the last one; both 0 if there are none.
struct Extent {
  std::int64_t low = 0, high = 0;
};

std::uint32_t scalar_size(const spirv::Module& module, spirv::Id type);
Extent extent_of(const spirv::Module& module, const std::vector<PlacedLeaf>& leaves);
// 0 for a runtime array.
std::uint64_t placed_size(const spirv::Module& module, const Placed& placed);
// Bytes between elements of an array, columns of a matrix, components of a vector.
std::uint64_t placed_stride(const spirv::Module& module, const Placed& placed);
// An element, or member `index` of a struct; for a struct, *offset is the member's.
Placed placed_part(const spirv::Module& module, const Placed& placed, std::uint32_t index,
                   std::uint64_t* offset);
void placed_leaves(const spirv::Module& module, const Placed& placed, std::uint64_t offset,
                   std::vector<PlacedLeaf>& out);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_PROGRAM_MEMORY_LAYOUT_HPP_
