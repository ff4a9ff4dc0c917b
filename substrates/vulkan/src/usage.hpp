// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The features that the code and the types of an entry point need, beyond the capabilities that its
// module declares: one capability stands for several features, and some features have none. Atomics
// are told apart by where they work and what they do, subgroup operations by their types, blocks by
// their layout, descriptor arrays by how they are indexed.
#ifndef SOKR_VULKAN_USAGE_HPP_
#define SOKR_VULKAN_USAGE_HPP_

#include <sokr/spirv/module.hpp>
#include <string>
#include <vector>

namespace sokr::vulkan {

struct Need {
  std::string feature;      // "shaderSharedFloat32AtomicAdd"
  std::string alternative;  // does as well; may be empty
  bool operator==(const Need&) const = default;
};

// Of everything that the entry point reaches, each once, in the order of the code. Any thread.
std::vector<Need> needs_of(const spirv::Module& module, const spirv::EntryPoint& entry);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_USAGE_HPP_
