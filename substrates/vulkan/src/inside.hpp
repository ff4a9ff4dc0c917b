// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Whether a kernel keeps within its buffers whatever it is given, as far as its code shows: such a
// kernel needs no device that checks. Any thread; nothing is kept.
#ifndef SOKR_VULKAN_INSIDE_HPP_
#define SOKR_VULKAN_INSIDE_HPP_

#include <cstdint>
#include <sokr/spirv/module.hpp>

namespace sokr::vulkan {

// True if every access of the entry point to storage and uniform buffers is inside of what is bound
// there, provided that each binding holds all data of its block (substrate::Bounds::kUnchecked):
// indices are constants, or below the length of their array by how they are computed or by
// a comparison that they come behind. What is reached by an address is not asked about, which no
// device checks. False says nothing: what takes too many questions is not found out. `asked`, if it
// is given, receives how many there were.
bool keeps_inside(const spirv::Module& module, const spirv::EntryPoint& entry,
                  std::uint64_t* asked = nullptr);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_INSIDE_HPP_
