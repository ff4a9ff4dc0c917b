// SPDX-License-Identifier: MIT OR Apache-2.0
#include "physical_device.hpp"

#include <algorithm>
#include <array>

namespace sokr::vulkan {
namespace {

Result<std::vector<std::string>> device_extensions(VkPhysicalDevice handle, std::string_view name,
                                                   const Options& options) {
  std::vector<VkExtensionProperties> properties;
  VkResult result = VK_INCOMPLETE;
  while (result == VK_INCOMPLETE) {
    std::uint32_t count = 0;
    result = vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, nullptr);
    if (result != VK_SUCCESS) break;
    properties.resize(count);
    result = vkEnumerateDeviceExtensionProperties(handle, nullptr, &count, properties.data());
    properties.resize(count);
  }
  if (result != VK_SUCCESS) {
    return vk_failure(result, "vkEnumerateDeviceExtensionProperties", name);
  }
  std::vector<std::string> names;
  for (const VkExtensionProperties& property : properties) {
    if (!options.is_disabled(property.extensionName)) names.emplace_back(property.extensionName);
  }
  return names;
}

template <class T>
void chain(VkPhysicalDeviceProperties2& head, T& node, VkStructureType type) {
  node.sType = type;
  node.pNext = head.pNext;
  head.pNext = &node;
}

template <class... T>
void unchain(T&... nodes) {
  ((nodes.pNext = nullptr), ...);
}

bool compares_clocks(const PhysicalDevice& device) {
  if (!device.offer.has_extension("VK_EXT_calibrated_timestamps")) return false;
  if (!vkGetPhysicalDeviceCalibrateableTimeDomainsEXT) return false;
  std::vector<VkTimeDomainEXT> domains(16);
  auto count = static_cast<std::uint32_t>(domains.size());
  const VkResult result =
      vkGetPhysicalDeviceCalibrateableTimeDomainsEXT(device.handle, &count, domains.data());
  if (result != VK_SUCCESS && result != VK_INCOMPLETE) return false;
  domains.resize(count);
  auto has = [&](VkTimeDomainEXT one) { return std::ranges::find(domains, one) != domains.end(); };
  return has(VK_TIME_DOMAIN_DEVICE_EXT) && has(VK_TIME_DOMAIN_CLOCK_MONOTONIC_EXT);
}

void query_properties(PhysicalDevice& device) {
  const Offer& offer = device.offer;
  VkPhysicalDeviceProperties2 head{};
  head.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  chain(head, device.id, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES);
  chain(head, device.subgroup, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
  chain(head, device.maintenance3, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES);
  if (offer.has(VK_API_VERSION_1_2, "VK_KHR_driver_properties")) {
    chain(head, device.driver, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
  }
  if (offer.has(VK_API_VERSION_1_2, "VK_KHR_shader_float_controls")) {
    chain(head, device.float_controls, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES);
  }
  if (offer.has(VK_API_VERSION_1_3, "VK_EXT_subgroup_size_control")) {
    chain(head, device.subgroup_size,
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES);
  }
  if (offer.has(VK_API_VERSION_1_3, "VK_KHR_maintenance4")) {
    chain(head, device.maintenance4, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES);
  }
  if (offer.has_extension("VK_EXT_pci_bus_info")) {
    chain(head, device.pci, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT);
    device.has_pci = true;
  }
  if (offer.has_extension("VK_EXT_external_memory_host")) {
    chain(head, device.host_import,
          VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT);
  }
  vkGetPhysicalDeviceProperties2(device.handle, &head);
  device.properties = head.properties;
  unchain(device.id, device.subgroup, device.maintenance3, device.driver, device.float_controls,
          device.subgroup_size, device.host_import, device.maintenance4, device.pci);
}

// Whether buffers can be made of host memory at all; the extension alone does not say so.
void check_import(PhysicalDevice& device) {
  if (device.host_import.minImportedHostPointerAlignment == 0) return;
  VkPhysicalDeviceExternalBufferInfo info{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO};
  info.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
               VK_BUFFER_USAGE_INDIRECT_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
               VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  info.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  VkExternalBufferProperties can{VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
  vkGetPhysicalDeviceExternalBufferProperties(device.handle, &info, &can);
  if (!(can.externalMemoryProperties.externalMemoryFeatures &
        VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT)) {
    device.host_import.minImportedHostPointerAlignment = 0;
  }
}

// A family that only computes has no graphics work in front of ours. Where a driver's other queues
// are known to be the quicker ones, its row says so.
struct QueueRow {
  VkDriverId driver;
  QueueChoice choice;
};
constexpr auto kQueues = std::to_array<QueueRow>({
    {VK_DRIVER_ID_MESA_RADV, QueueChoice::kGraphics},
});

void choose_queues(PhysicalDevice& device, const Options& options) {
  std::uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device.handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device.handle, &count, families.data());
  families.resize(count);
  device.queue_family = choose_family(families, options.queue, device.driver.driverID);
  device.transfer_family = choose_transfer_family(families, options.transfer);
  if (device.queue_family != UINT32_MAX) device.queue = families[device.queue_family];
}

std::string uuid_string(const std::uint8_t (&bytes)[VK_UUID_SIZE]) {
  std::string text;
  for (std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

// "1.3.1.1"; "none" of a driver that has not passed, empty where it does not say.
std::string conformance_string(const VkPhysicalDeviceDriverProperties& driver) {
  const VkConformanceVersion& v = driver.conformanceVersion;
  if (driver.driverID == 0) return {};
  if (v.major == 0) return "none";
  return fmt::format("{}.{}.{}.{}", v.major, v.minor, v.subminor, v.patch);
}

const char* type_name(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "CPU";
    default:
      return "other";
  }
}

}  // namespace

std::uint32_t choose_family(std::span<const VkQueueFamilyProperties> families, QueueChoice choice,
                            VkDriverId driver) {
  for (const QueueRow& row : kQueues) {
    if (choice == QueueChoice::kAuto && row.driver == driver) choice = row.choice;
  }
  std::uint32_t any = UINT32_MAX;
  for (std::uint32_t i = 0; i < families.size(); ++i) {
    if (!(families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) || families[i].queueCount == 0) continue;
    const bool draws = families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT;
    if (draws == (choice == QueueChoice::kGraphics)) return i;
    if (any == UINT32_MAX) any = i;
  }
  return any;
}

// One that draws, computes or decodes videos as well shares its hardware with that work.
std::uint32_t choose_transfer_family(std::span<const VkQueueFamilyProperties> families,
                                     TransferChoice choice) {
  constexpr VkQueueFlags kBesides = VK_QUEUE_SPARSE_BINDING_BIT | VK_QUEUE_PROTECTED_BIT;
  if (choice == TransferChoice::kOff) return UINT32_MAX;
  for (std::uint32_t i = 0; i < families.size(); ++i) {
    if ((families[i].queueFlags & ~kBesides) == VK_QUEUE_TRANSFER_BIT && families[i].queueCount > 0)
      return i;
  }
  return UINT32_MAX;
}

bool PhysicalDevice::is_conformant() const {
  // Software, and drivers that are too old to say, are taken as they are.
  if (driver.driverID == 0 || properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) return true;
  return driver.conformanceVersion.major != 0;
}

bool PhysicalDevice::is_same_gpu(const PhysicalDevice& other) const {
  if (properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ||
      other.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ||
      properties.vendorID != other.properties.vendorID ||
      properties.deviceID != other.properties.deviceID ||
      driver.driverID == other.driver.driverID) {
    return false;
  }
  if (has_pci && other.has_pci) {
    return pci.pciDomain == other.pci.pciDomain && pci.pciBus == other.pci.pciBus &&
           pci.pciDevice == other.pci.pciDevice && pci.pciFunction == other.pci.pciFunction;
  }
  return std::ranges::equal(id.deviceUUID, other.id.deviceUUID);
}

std::optional<PhysicalDevice::Budget> PhysicalDevice::budget(std::uint32_t heap) const {
  if (!offer.has_extension("VK_EXT_memory_budget") || heap >= VK_MAX_MEMORY_HEAPS)
    return std::nullopt;
  VkPhysicalDeviceMemoryBudgetPropertiesEXT now{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 head{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  head.pNext = &now;
  vkGetPhysicalDeviceMemoryProperties2(handle, &head);
  if (now.heapBudget[heap] == 0) return std::nullopt;
  return Budget{now.heapUsage[heap], now.heapBudget[heap]};
}

SokrSubstrateKind PhysicalDevice::kind() const {
  switch (properties.deviceType) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return SOKR_KIND_DISCRETE_GPU;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return SOKR_KIND_INTEGRATED_GPU;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return SOKR_KIND_VIRTUAL_GPU;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return SOKR_KIND_SOFTWARE_GPU;
    default:
      return SOKR_KIND_OTHER;
  }
}

bool PhysicalDevice::can_set_subgroup_size() const {
  return usable.has("subgroupSizeControl") &&
         (subgroup_size.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0;
}

std::string PhysicalDevice::subgroup_sizes() const {
  if (!can_set_subgroup_size()) return std::to_string(subgroup.subgroupSize);
  std::string text;
  for (std::uint64_t size = subgroup_size.minSubgroupSize; size <= subgroup_size.maxSubgroupSize;
       size *= 2) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", size);
    if (size == 0) break;
  }
  return text;
}

std::uint32_t PhysicalDevice::max_spirv() const {
  if (offer.api >= VK_API_VERSION_1_3) return 0x00010600;
  if (offer.api >= VK_API_VERSION_1_2) return 0x00010500;
  return offer.has_extension("VK_KHR_spirv_1_4") ? 0x00010400 : 0x00010300;
}

std::uint64_t PhysicalDevice::device_memory() const {
  std::uint64_t largest = 0;
  for (std::uint32_t i = 0; i < memory.memoryHeapCount; ++i) {
    if (memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) {
      largest = std::max(largest, memory.memoryHeaps[i].size);
    }
  }
  return largest;
}

SokrComputeLimits PhysicalDevice::limits() const {
  const VkPhysicalDeviceLimits& from = properties.limits;
  SokrComputeLimits limits{};
  limits.struct_size = sizeof limits;
  for (int i = 0; i < 3; ++i) {
    limits.max_group_count[i] = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        UINT32_MAX, std::uint64_t{from.maxComputeWorkGroupCount[i]} * kMostParts));
    limits.max_local_size[i] = from.maxComputeWorkGroupSize[i];
  }
  limits.max_local_invocations = from.maxComputeWorkGroupInvocations;
  limits.max_shared_memory = from.maxComputeSharedMemorySize;
  limits.max_push_constant_size = from.maxPushConstantsSize;
  limits.subgroup_size = subgroup.subgroupSize;
  if (can_set_subgroup_size()) {
    limits.min_subgroup_size = subgroup_size.minSubgroupSize;
    limits.max_subgroup_size = subgroup_size.maxSubgroupSize;
  } else {
    limits.min_subgroup_size = limits.max_subgroup_size = subgroup.subgroupSize;
  }
  limits.max_descriptor_sets = from.maxBoundDescriptorSets;
  limits.host_import_alignment =
      static_cast<std::uint32_t>(host_import.minImportedHostPointerAlignment);
  limits.max_binding_size = from.maxStorageBufferRange;
  limits.memory_size = device_memory();
  return limits;
}

std::vector<std::pair<std::string, std::string>> PhysicalDevice::facts() const {
  std::vector<std::pair<std::string, std::string>> facts;
  auto add = [&](const char* key, std::string value) {
    if (!value.empty()) facts.emplace_back(key, std::move(value));
  };
  const VkPhysicalDeviceLimits& from = properties.limits;
  add("device", properties.deviceName);
  add("device_type", type_name(properties.deviceType));
  add("driver", driver.driverName);
  add("driver_id", driver.driverID ? fmt::format("{}", static_cast<int>(driver.driverID)) : "");
  add("driver_info", driver.driverInfo);
  add("driver_version", fmt::format("0x{:08x}", properties.driverVersion));
  add("vendor_id", fmt::format("0x{:04x}", properties.vendorID));
  add("device_id", fmt::format("0x{:04x}", properties.deviceID));
  add("device_uuid", uuid());
  add("driver_uuid", uuid_string(id.driverUUID));
  add("conformance", conformance_string(driver));
  add("other_drivers", fmt::format("{}", fmt::join(other_drivers, "; ")));
  add("vulkan", version_string(properties.apiVersion));
  add("vulkan_used",
      fmt::format("{}.{}", VK_API_VERSION_MAJOR(offer.api), VK_API_VERSION_MINOR(offer.api)));
  add("spirv", fmt::format("1.{}", (max_spirv() >> 8) & 0xFF));
  add("queue_family", fmt::format("{}", queue_family));
  add("transfer_family",
      transfer_family != UINT32_MAX ? fmt::format("{}", transfer_family) : std::string());
  add("subgroup_sizes", subgroup_sizes());
  add("cooperative_matrices", describe(cooperative));
  add("max_storage_buffer", fmt::format("{}", from.maxStorageBufferRange));
  add("max_uniform_buffer", fmt::format("{}", from.maxUniformBufferRange));
  add("timestamp_ns", queue.timestampValidBits ? fmt::format("{}", from.timestampPeriod) : "");
  return facts;
}

std::string PhysicalDevice::description() const {
  std::string text = properties.deviceName;
  if (*driver.driverInfo) text += fmt::format(", {}", driver.driverInfo);
  return text;
}

std::string PhysicalDevice::uuid() const {
  return uuid_string(id.deviceUUID);
}

std::string PhysicalDevice::driver_text() const {
  std::string text = "driver";
  if (*driver.driverName) text += fmt::format(" {},", driver.driverName);
  if (*driver.driverInfo) text += fmt::format(" {},", driver.driverInfo);
  return text + fmt::format(" version 0x{:08x}", properties.driverVersion);
}

std::string PhysicalDevice::unsuitable() const {
  // Its name, in icd: it computes on a substrate that is offered by itself.
  if (std::string_view(driver.driverName) == "SOKR") {
    return fmt::format("{}: it is SOKR's own Vulkan driver", name());
  }
  if (std::string reason = missing_minimum(offer); !reason.empty()) {
    return fmt::format("{}: {}", name(), reason);
  }
  if (!usable.has("timelineSemaphore")) {
    return fmt::format("{}: its timeline semaphores are disabled by an option", name());
  }
  if (queue_family == UINT32_MAX) return fmt::format("{}: it has no compute queue", name());
  return {};
}

Result<PhysicalDevice> inspect_physical_device(VkInstance instance, VkPhysicalDevice handle,
                                               std::uint32_t instance_api, const Options& options) {
  PhysicalDevice device;
  device.handle = handle;
  vkGetPhysicalDeviceProperties(handle, &device.properties);
  device.offer.api = std::min(
      {device.properties.apiVersion, instance_api, options.api | VK_API_VERSION_PATCH(UINT32_MAX)});
  if (device.offer.api < VK_API_VERSION_1_1) return device;
  SOKR_ASSIGN(device.offer.extensions,
              device_extensions(handle, device.properties.deviceName, options));
  query_properties(device);
  vkGetPhysicalDeviceFeatures2(handle, link_features(device.offer.features, device.offer));
  device.usable = usable_features(device.offer, options);
  if (device.offer.has_extension("VK_KHR_cooperative_matrix")) {
    SOKR_ASSIGN(device.cooperative,
                query_cooperative_matrices(instance, handle, device.properties.deviceName));
  }
  vkGetPhysicalDeviceMemoryProperties(handle, &device.memory);
  device.has_host_clock = compares_clocks(device);
  check_import(device);
  choose_queues(device, options);
  return device;
}

}  // namespace sokr::vulkan
