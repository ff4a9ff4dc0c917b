// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What generate.py makes of the registry and description.txt.
#ifndef SOKR_ICD_TABLES_HPP_
#define SOKR_ICD_TABLES_HPP_

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "facts.hpp"
#include "structures.hpp"
#include "vk.hpp"

namespace sokr::icd {

inline constexpr std::size_t kMaxExtensions = 128;

enum class Level : std::uint8_t { Global, Instance, PhysicalDevice, Device };

// A command by one of its names, and what has to be there for it.
struct CommandRow {
  const char* name;
  PFN_vkVoidFunction function;
  Level level;
  std::uint32_t version;            // of the core; 0 = of an extension
  std::int16_t extension;           // index in kExtensions, or -1
  std::int16_t instance_extension;  // index in kInstanceExtensions, or -1
};

extern const CommandRow kCommands[];  // sorted by name; one for each extension that has it
extern const std::size_t kCommandCount;
extern const VkExtensionProperties kExtensions[], kInstanceExtensions[];
extern const std::size_t kExtensionCount, kInstanceExtensionCount;

void fill_features(VkPhysicalDeviceFeatures& features);
// False if the structure is none of features.
bool fill_features(VkBaseOutStructure* structure);
// The name of a feature that is asked for and absent; null if there is none.
const char* missing_feature(const VkPhysicalDeviceFeatures& features);
const char* missing_feature(const VkBaseInStructure* structure);
void fill_limits(VkPhysicalDeviceLimits& limits, const DeviceFacts& facts);
bool fill_properties(VkBaseOutStructure* structure, const DeviceFacts& facts);

// Of a structure that holds nothing but `count` features: the name of the first that is set.
inline const char* set_member(const VkBaseInStructure* structure, std::size_t count,
                              std::initializer_list<const char*> names) {
  const auto* members = reinterpret_cast<const VkBool32*>(structure + 1);
  for (std::size_t i = 0; i < count; ++i) {
    if (members[i]) return names.begin()[i];
  }
  return nullptr;
}

// The structure of this type in a chain; null if there is none.
template <class T>
const T* find(const void* chain) {
  static_assert(structure_type<T> != VK_STRUCTURE_TYPE_MAX_ENUM,
                "no structure that extends another");
  for (auto* at = static_cast<const VkBaseInStructure*>(chain); at; at = at->pNext) {
    if (at->sType == structure_type<T>) return reinterpret_cast<const T*>(at);
  }
  return nullptr;
}
template <class T>
T* find_out(void* chain) {
  return const_cast<T*>(find<T>(chain));
}

}  // namespace sokr::icd

#endif  // SOKR_ICD_TABLES_HPP_
