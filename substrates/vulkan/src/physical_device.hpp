// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A physical device as the loader reports it: what is asked once, before any
// device is created. A value; nothing here is owned by Vulkan.
#ifndef SOKR_VULKAN_PHYSICAL_DEVICE_HPP_
#define SOKR_VULKAN_PHYSICAL_DEVICE_HPP_

#include <sokr/compute.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cooperative.hpp"
#include "features.hpp"
#include "options.hpp"
#include "vk.hpp"

namespace sokr::vulkan {

// Dispatches in which a grid may run that has more workgroups than a device takes at once.
inline constexpr std::uint32_t kMostParts = 4096;

struct PhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  Offer offer;
  FeatureSet usable;  // of offer.features: what will be enabled
  VkPhysicalDeviceProperties properties{};
  VkPhysicalDeviceIDProperties id{};
  VkPhysicalDeviceSubgroupProperties subgroup{};
  VkPhysicalDeviceMaintenance3Properties maintenance3{};
  VkPhysicalDeviceDriverProperties driver{};
  VkPhysicalDeviceSubgroupSizeControlProperties subgroup_size{};
  VkPhysicalDeviceFloatControlsProperties float_controls{};
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host_import{};
  VkPhysicalDeviceMaintenance4Properties maintenance4{};
  VkPhysicalDevicePCIBusInfoPropertiesEXT pci{};
  bool has_pci = false;
  bool has_host_clock = false;      // its timestamps can be compared with CLOCK_MONOTONIC
  CooperativeMatrices cooperative;  // empty without the extension
  VkPhysicalDeviceMemoryProperties memory{};
  std::uint32_t queue_family = UINT32_MAX;     // UINT32_MAX = none computes
  std::uint32_t transfer_family = UINT32_MAX;  // that only copies; UINT32_MAX = none is used
  VkQueueFamilyProperties queue{};
  std::vector<std::string> other_drivers;  // that offer the same GPU, and are passed over

  std::string name() const { return properties.deviceName; }
  SokrSubstrateKind kind() const;
  bool can_set_subgroup_size() const;
  // "16, 32, 64"
  std::string subgroup_sizes() const;
  // Newest SPIR-V that it takes, as in a module's header: 0x00010500.
  std::uint32_t max_spirv() const;
  std::uint64_t device_memory() const;
  SokrComputeLimits limits() const;
  std::vector<std::pair<std::string, std::string>> facts() const;
  // "llvmpipe (LLVM 15.0.6, 256 bits), Mesa 22.3.6"
  std::string description() const;
  // "driver llvmpipe, Mesa 22.3.6 (LLVM 15.0.6), version 0x00000001"
  std::string driver_text() const;
  std::string uuid() const;  // of the device, as the fact device_uuid has it
  // Has its driver passed the conformance suite, as far as it says?
  bool is_conformant() const;
  // Is it the same piece of hardware, under another driver? Never true of software.
  bool is_same_gpu(const PhysicalDevice& other) const;
  // Of a heap, by VK_EXT_memory_budget; nullopt where the driver does not tell.
  struct Budget {
    std::uint64_t used = 0, allowed = 0;  // bytes of this process
  };
  std::optional<Budget> budget(std::uint32_t heap) const;
  // Why this device cannot be a substrate; empty if it can.
  std::string unsuitable() const;
};

// The family whose queue computes: UINT32_MAX if there is none.
std::uint32_t choose_family(std::span<const VkQueueFamilyProperties> families, QueueChoice choice,
                            VkDriverId driver);

// The family whose queues copy and do nothing else: UINT32_MAX if there is none, or none is wanted.
std::uint32_t choose_transfer_family(std::span<const VkQueueFamilyProperties> families,
                                     TransferChoice choice);

// Asks the device everything. The instance functions of volk are loaded. A failing
// extension query is a sentence.
Result<PhysicalDevice> inspect_physical_device(VkInstance instance, VkPhysicalDevice handle,
                                               std::uint32_t instance_api, const Options& options);

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_PHYSICAL_DEVICE_HPP_
