// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_ICD_INSTANCE_HPP_
#define SOKR_ICD_INSTANCE_HPP_

#include <bitset>
#include <mutex>
#include <vector>

#include "log.hpp"
#include "object.hpp"
#include "substrate.hpp"
#include "tables.hpp"

namespace sokr::icd {

using Extensions = std::bitset<kMaxExtensions>;  // by index in the table of extensions

struct Instance;

struct PhysicalDevice : Dispatchable {
  Instance* instance = nullptr;
  const SubstrateInUse* substrate = nullptr;
};

struct Instance : Dispatchable {
  std::uint32_t api_version = VK_API_VERSION_1_0;
  Extensions extensions;
  PhysicalDevice device;  // the only one
  std::mutex finding;     // of the next
  bool has_device = false;
  bool is_of_sokr = false;  // it belongs to the substrate vulkan, which asks for other drivers
  std::vector<Messenger> of_creation;  // of the pNext chain
};
SOKR_ICD_OBJECT(VkInstance, Instance)
SOKR_ICD_OBJECT(VkPhysicalDevice, PhysicalDevice)

// SOKR_ICD_DEVICE_TYPE and SOKR_ICD_GRAPHICS: what programs that look before they leap are told.
VkPhysicalDeviceType reported_type();
bool claims_graphics();

// The command of this name; null if the driver has none. The first of several rows, if several
// extensions have it.
const CommandRow* find_command(const char* name);
// Marks the named extensions in `out`. The first that is not in the table; null if all are.
const char* enable(const char* const* names, std::uint32_t count,
                   const VkExtensionProperties* table, std::size_t table_size, Extensions& out);

}  // namespace sokr::icd

#endif  // SOKR_ICD_INSTANCE_HPP_
