// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The layer as the loader meets it: negotiation, creation and destruction, and which
// function answers to which name.
#include "layer.hpp"

#include <unistd.h>

#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <shared_mutex>
#include <string>

namespace sokr::vulkan::sim {
namespace {

std::shared_mutex tables_mutex;
std::unordered_map<const void*, std::unique_ptr<Instance>> instances;  // by dispatch key
std::unordered_map<const void*, std::unique_ptr<Device>> devices;

const void* key_of(const void* handle) {
  return *static_cast<const void* const*>(handle);
}

template <class Link>
Link* find_link(const void* chain, VkStructureType type) {
  for (auto* node = static_cast<const Link*>(chain); node;
       node = static_cast<const Link*>(node->pNext)) {
    if (node->sType == type && node->function == VK_LAYER_LINK_INFO) return const_cast<Link*>(node);
  }
  return nullptr;
}

template <class Function, class Find>
void load(Function& function, const std::string& name, Find find) {
  function = reinterpret_cast<Function>(find(name.c_str()));
  if (!function) function = reinterpret_cast<Function>(find((name + "KHR").c_str()));
}

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* info,
                                               const VkAllocationCallbacks* allocator,
                                               VkInstance* out) {
  auto* link = find_link<VkLayerInstanceCreateInfo>(info->pNext,
                                                    VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  auto instance = std::make_unique<Instance>();
  instance->proc_addr = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  auto create = reinterpret_cast<PFN_vkCreateInstance>(
      instance->proc_addr(VK_NULL_HANDLE, "vkCreateInstance"));
  const VkResult result = create(info, allocator, out);
  if (result != VK_SUCCESS) return result;
  instance->handle = *out;
  const auto find = [&](const char* name) { return instance->proc_addr(*out, name); };
#define SOKR_SIM_LOAD(name) load(instance->next.name, "vk" #name, find);
  SOKR_SIM_INSTANCE_FUNCTIONS(SOKR_SIM_LOAD)
#undef SOKR_SIM_LOAD
  std::unique_lock lock(tables_mutex);
  instances[key_of(*out)] = std::move(instance);
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL destroy_instance(VkInstance handle,
                                            const VkAllocationCallbacks* allocator) {
  if (!handle) return;
  std::unique_ptr<Instance> instance;
  {
    std::unique_lock lock(tables_mutex);
    auto found = instances.find(key_of(handle));
    instance = std::move(found->second);
    instances.erase(found);
  }
  instance->next.DestroyInstance(handle, allocator);
}

// The structure whose next is of this type.
VkBaseOutStructure* find_before(VkDeviceCreateInfo& info, VkStructureType type) {
  auto* at = reinterpret_cast<VkBaseOutStructure*>(&info);
  while (at->pNext && at->pNext->sType != type) at = at->pNext;
  return at->pNext ? at : nullptr;
}

VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                             const VkDeviceCreateInfo* info,
                                             const VkAllocationCallbacks* allocator,
                                             VkDevice* out) {
  auto* link =
      find_link<VkLayerDeviceCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  if (!link) return VK_ERROR_INITIALIZATION_FAILED;
  if (const VkResult lacks = check_enabled(*info); lacks != VK_SUCCESS) return lacks;
  auto device = std::make_unique<Device>();
  device->instance = &instance_of(physical);
  device->proc_addr = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  auto create = reinterpret_cast<PFN_vkCreateDevice>(
      link->u.pLayerInfo->pfnNextGetInstanceProcAddr(device->instance->handle, "vkCreateDevice"));
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  // The driver has no family for the queue that only copies.
  const std::uint32_t families = own_families(physical);
  VkDeviceCreateInfo real = *info;
  std::vector<VkDeviceQueueCreateInfo> queues(info->pQueueCreateInfos,
                                              info->pQueueCreateInfos + info->queueCreateInfoCount);
  const bool copies = std::erase_if(queues, [&](const VkDeviceQueueCreateInfo& queue) {
                        return profile().copies && queue.queueFamilyIndex == families;
                      }) != 0;
  real.queueCreateInfoCount = static_cast<std::uint32_t>(queues.size());
  real.pQueueCreateInfos = queues.data();
  // Robustness by pipeline is the layer's own, and nothing that the driver hears of.
  std::vector<const char*> extensions(info->ppEnabledExtensionNames,
                                      info->ppEnabledExtensionNames + info->enabledExtensionCount);
  VkBaseOutStructure* before = nullptr;
  if (profile().unchecked) {
    std::erase_if(extensions, [](std::string_view name) {
      return name == VK_EXT_PIPELINE_ROBUSTNESS_EXTENSION_NAME;
    });
    before = find_before(real, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_ROBUSTNESS_FEATURES_EXT);
  }
  real.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  real.ppEnabledExtensionNames = extensions.data();
  VkBaseOutStructure* const taken = before ? before->pNext : nullptr;
  if (taken) before->pNext = taken->pNext;
  const VkResult result = create(physical, &real, allocator, out);
  if (taken) before->pNext = taken;
  if (result != VK_SUCCESS) return result;
  device->handle = *out;
  const auto find = [&](const char* name) { return device->proc_addr(*out, name); };
#define SOKR_SIM_LOAD(name) load(device->next.name, "vk" #name, find);
  SOKR_SIM_DEVICE_FUNCTIONS(SOKR_SIM_LOAD)
#undef SOKR_SIM_LOAD
  fill_simulated(*device, physical);
  if (copies) {
    device->copy_family = families;
    device->copy_queue = std::make_unique<CopyQueue>(*device);
  }
  std::unique_lock lock(tables_mutex);
  devices[key_of(*out)] = std::move(device);
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice handle, const VkAllocationCallbacks* allocator) {
  if (!handle) return;
  std::unique_ptr<Device> device;
  {
    std::unique_lock lock(tables_mutex);
    auto found = devices.find(key_of(handle));
    device = std::move(found->second);
    devices.erase(found);
  }
  device->copy_queue.reset();
  if (!device->allocations.empty()) {
    violation("%zu allocations are alive at vkDestroyDevice", device->allocations.size());
  }
  device->next.DestroyDevice(handle, allocator);
}

PFN_vkVoidFunction find_device_function(std::string_view name) {
  if (name == "vkDestroyDevice") return reinterpret_cast<PFN_vkVoidFunction>(destroy_device);
  if (PFN_vkVoidFunction function = find_memory(name)) return function;
  if (PFN_vkVoidFunction function = find_copies(name)) return function;
  return find_work(name);
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_proc_addr(VkDevice device, const char* name);

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_instance_proc_addr(VkInstance instance,
                                                                const char* name) {
  const std::string_view wanted = name;
  PFN_vkVoidFunction ours = nullptr;
  if (wanted == "vkGetInstanceProcAddr") {
    ours = reinterpret_cast<PFN_vkVoidFunction>(get_instance_proc_addr);
  } else if (wanted == "vkGetDeviceProcAddr") {
    ours = reinterpret_cast<PFN_vkVoidFunction>(get_device_proc_addr);
  } else if (wanted == "vkCreateInstance") {
    ours = reinterpret_cast<PFN_vkVoidFunction>(create_instance);
  } else if (wanted == "vkDestroyInstance") {
    ours = reinterpret_cast<PFN_vkVoidFunction>(destroy_instance);
  } else if (wanted == "vkCreateDevice") {
    ours = reinterpret_cast<PFN_vkVoidFunction>(create_device);
  } else {
    ours = find_physical(wanted);
    if (!ours) ours = find_device_function(wanted);
  }
  if (!instance) return ours;
  PFN_vkVoidFunction next = instance_of(instance).proc_addr(instance, name);
  return next && ours ? ours : next;
}

VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_proc_addr(VkDevice device, const char* name) {
  const std::string_view wanted = name;
  if (wanted == "vkGetDeviceProcAddr") {
    return reinterpret_cast<PFN_vkVoidFunction>(get_device_proc_addr);
  }
  PFN_vkVoidFunction next = device_of(device).proc_addr(device, name);
  PFN_vkVoidFunction ours = find_device_function(wanted);
  return next && ours ? ours : next;
}

}  // namespace

const Profile& profile() {
  return *chosen_profile();
}

State& state() {
  static State shared;
  return shared;
}

Instance& instance_of(const void* handle) {
  std::shared_lock lock(tables_mutex);
  return *instances.at(key_of(handle));
}

Device& device_of(const void* handle) {
  std::shared_lock lock(tables_mutex);
  return *devices.at(key_of(handle));
}

void maybe_die(std::string_view function) {
  const auto is_named = [&](const char* variable) {
    const char* named = std::getenv(variable);
    return named && function == named;
  };
  // Not abort(): a driver that writes where nothing is.
  if (is_named("SOKR_SIM_CRASH")) {
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
  }
  while (is_named("SOKR_SIM_HANG")) pause();
}

void violation(const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  state().violations.fetch_add(1);
  static const bool counts = [] {
    const char* wanted = std::getenv("SOKR_SIM_VIOLATIONS");
    return wanted && std::string_view(wanted) == "count";
  }();
  std::fprintf(stderr, "sokr-sim: %s\n", text);
  if (!counts) std::abort();
}

bool loses(Device& device) {
  if (device.lost.load()) return true;
  State& told = state();
  if (told.calls_until_loss.load() < 0) return false;
  if (told.calls_until_loss.fetch_sub(1) != 0) return false;
  device.lost.store(true);
  return true;
}

}  // namespace sokr::vulkan::sim

extern "C" {

sokr::vulkan::sim::State* sokr_sim_state() {
  return sokr::vulkan::sim::chosen_profile() ? &sokr::vulkan::sim::state() : nullptr;
}

__attribute__((visibility("default"))) VKAPI_ATTR VkResult VKAPI_CALL
vkNegotiateLoaderLayerInterfaceVersion(VkNegotiateLayerInterface* version) {
  using namespace sokr::vulkan::sim;
  if (!chosen_profile()) {
    std::fprintf(stderr, "sokr-sim: the layer is enabled, and SOKR_SIM_PROFILE is not set\n");
    return VK_ERROR_INITIALIZATION_FAILED;
  }
  if (version->loaderLayerInterfaceVersion < 2) return VK_ERROR_INITIALIZATION_FAILED;
  version->loaderLayerInterfaceVersion = 2;
  version->pfnGetInstanceProcAddr = get_instance_proc_addr;
  version->pfnGetDeviceProcAddr = get_device_proc_addr;
  version->pfnGetPhysicalDeviceProcAddr = nullptr;
  return VK_SUCCESS;
}
}
