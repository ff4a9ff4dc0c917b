// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The symbols that the library exports: for the loader, and for programs that do without it.
#include <algorithm>
#include <cstring>

#include "device.hpp"
#include "entry_points.hpp"
#include "instance.hpp"

#define SOKR_ICD_EXPORT extern "C" __attribute__((visibility("default")))

namespace sokr::icd {
namespace {

// The loader's interface; 7 is the newest that says something new to a driver without windows.
constexpr std::uint32_t kNewestInterface = 7;

// Whether an instance of this version, with these extensions, has the command.
bool is_open(const CommandRow& row, const Instance& instance) {
  if (row.version > instance.api_version) return false;
  return row.instance_extension < 0 ||
         instance.extensions.test(static_cast<std::size_t>(row.instance_extension));
}

bool is_open(const CommandRow& row, const Device& device) {
  if (!is_open(row, *device.physical->instance)) return false;
  return row.extension < 0 || device.extensions.test(static_cast<std::size_t>(row.extension));
}

// Whether one of the rows of this name, the first of which is given, is open to the owner.
template <class Owner>
bool is_one_open(const CommandRow* row, const Owner& owner) {
  const char* const name = row->name;
  for (; row != kCommands + kCommandCount && std::strcmp(row->name, name) == 0; ++row) {
    if (is_open(*row, owner)) return true;
  }
  return false;
}

}  // namespace

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance instance,
                                                               const char* name) {
  const CommandRow* row = name ? find_command(name) : nullptr;
  if (!row) return nullptr;
  if (row->level == Level::Global) return row->function;
  return instance && is_one_open(row, *of(instance)) ? row->function : nullptr;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetDeviceProcAddr(VkDevice handle, const char* name) {
  const CommandRow* row = name ? find_command(name) : nullptr;
  if (!row || row->level != Level::Device) return nullptr;
  return is_one_open(row, *of(handle)) ? row->function : nullptr;
}

}  // namespace sokr::icd

SOKR_ICD_EXPORT VKAPI_ATTR VkResult VKAPI_CALL
vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t* version) {
  if (!version || *version == 0) return VK_ERROR_INCOMPATIBLE_DRIVER;
  *version = std::min(*version, sokr::icd::kNewestInterface);
  return VK_SUCCESS;
}

SOKR_ICD_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetPhysicalDeviceProcAddr(VkInstance, const char* name) {
  const auto* row = name ? sokr::icd::find_command(name) : nullptr;
  return row && row->level == sokr::icd::Level::PhysicalDevice ? row->function : nullptr;
}

// Since interface 7 a loader need not look for symbols: it asks for the driver's other functions
// here, before there is an instance.
SOKR_ICD_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vk_icdGetInstanceProcAddr(VkInstance instance, const char* name) {
  const struct {
    const char* name;
    PFN_vkVoidFunction function;
  } of_loader[] = {
      {"vk_icdNegotiateLoaderICDInterfaceVersion",
       reinterpret_cast<PFN_vkVoidFunction>(vk_icdNegotiateLoaderICDInterfaceVersion)},
      {"vk_icdGetInstanceProcAddr",
       reinterpret_cast<PFN_vkVoidFunction>(vk_icdGetInstanceProcAddr)},
      {"vk_icdGetPhysicalDeviceProcAddr",
       reinterpret_cast<PFN_vkVoidFunction>(vk_icdGetPhysicalDeviceProcAddr)},
  };
  for (const auto& row : of_loader) {
    if (name && std::strcmp(name, row.name) == 0) return row.function;
  }
  return sokr::icd::vkGetInstanceProcAddr(instance, name);
}

// For programs that open the library instead of a loader.
SOKR_ICD_EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance instance,
                                                                               const char* name) {
  return sokr::icd::vkGetInstanceProcAddr(instance, name);
}
