// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Modules that were read and judged, by their words: programs make many pipelines of one, with
// other constants each, and often a shader module for each.
#ifndef SOKR_ICD_MODULES_HPP_
#define SOKR_ICD_MODULES_HPP_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <sokr/sokr.hpp>
#include <span>

#include "substrate.hpp"

namespace sokr::icd {

// Any thread.
class ReadModules {
 public:
  // Throws what Context::kernel throws, each time. `instance` is told of what is read.
  Kernel read(const SubstrateInUse& substrate, VkInstance instance,
              std::span<const std::byte> words);

 private:
  using Key = std::array<std::uint8_t, 16>;  // a digest
  std::mutex mutex_;
  std::map<Key, Kernel> modules_;
  std::size_t bytes_ = 0;  // what they count as: at most kMostBytes
};

}  // namespace sokr::icd

#endif  // SOKR_ICD_MODULES_HPP_
