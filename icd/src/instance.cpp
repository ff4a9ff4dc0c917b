// SPDX-License-Identifier: MIT OR Apache-2.0
#include "instance.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "entry_points.hpp"

namespace sokr::icd {
namespace {

constexpr std::uint32_t kVersion = VK_MAKE_API_VERSION(0, 1, 3, VK_HEADER_VERSION);

VkResult give_extensions(const char* layer, const VkExtensionProperties* table, std::size_t size,
                         std::uint32_t* count, VkExtensionProperties* out) {
  if (layer) return VK_ERROR_LAYER_NOT_PRESENT;
  return give_list(static_cast<std::uint32_t>(size), count, out,
                   [&](std::uint32_t i, VkExtensionProperties& to) { to = table[i]; });
}

// Those of the chain, which hear of the creation of the instance and of its destruction, and of
// nothing between.
std::vector<Messenger> messengers_of(const void* chain) {
  std::vector<Messenger> all;
  const auto* asked = find<VkDebugUtilsMessengerCreateInfoEXT>(chain);
  for (; asked; asked = find<VkDebugUtilsMessengerCreateInfoEXT>(asked->pNext)) {
    if (!asked->pfnUserCallback) continue;
    Messenger one;
    one.severities = asked->messageSeverity;
    one.types = asked->messageType;
    one.callback = asked->pfnUserCallback;
    one.user = asked->pUserData;
    all.push_back(one);
  }
  return all;
}

class Listening {
 public:
  explicit Listening(std::vector<Messenger>& messengers) : messengers_(messengers) {
    for (Messenger& one : messengers_) add_messenger(&one);
  }
  ~Listening() {
    for (Messenger& one : messengers_) remove_messenger(&one);
  }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  std::vector<Messenger>& messengers_;
};

// The substrate vulkan looks for drivers while SOKR looks for substrates: it cannot be given a
// device that would look for a substrate, and would have no use for one.
bool is_substrate(const VkApplicationInfo* application) {
  const auto is = [](const char* name) { return name && std::strcmp(name, "sokr") == 0; };
  return application && is(application->pApplicationName) && is(application->pEngineName);
}

struct Word {
  const char* text;
  VkPhysicalDeviceType type;
};
constexpr Word kTypes[] = {{"cpu", VK_PHYSICAL_DEVICE_TYPE_CPU},
                           {"integrated", VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU},
                           {"discrete", VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU},
                           {"virtual", VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU}};

}  // namespace

VkPhysicalDeviceType reported_type() {
  const char* given = std::getenv("SOKR_ICD_DEVICE_TYPE");
  if (!given || !*given) return VK_PHYSICAL_DEVICE_TYPE_CPU;
  for (const Word& word : kTypes) {
    if (std::string_view(word.text) == given) return word.type;
  }
  report(VK_NULL_HANDLE, SOKR_LOG_WARNING,
         std::string("SOKR_ICD_DEVICE_TYPE is '") + given +
             "'; it takes cpu, integrated, discrete or virtual");
  return VK_PHYSICAL_DEVICE_TYPE_CPU;
}

bool claims_graphics() {
  const char* given = std::getenv("SOKR_ICD_GRAPHICS");
  if (!given || !*given) return false;
  if (std::string_view(given) == "claim") return true;
  // Asked for each feature that may be claimed.
  static std::atomic<bool> said{false};
  if (!said.exchange(true)) {
    report(VK_NULL_HANDLE, SOKR_LOG_WARNING,
           std::string("SOKR_ICD_GRAPHICS is '") + given + "'; it takes claim, or is not set");
  }
  return false;
}

const CommandRow* find_command(const char* name) {
  const CommandRow* end = kCommands + kCommandCount;
  const CommandRow* row = std::lower_bound(
      kCommands, end, name,
      [](const CommandRow& a, const char* b) { return std::strcmp(a.name, b) < 0; });
  return row != end && std::strcmp(row->name, name) == 0 ? row : nullptr;
}

const char* enable(const char* const* names, std::uint32_t count,
                   const VkExtensionProperties* table, std::size_t table_size, Extensions& out) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto* found = std::find_if(table, table + table_size, [&](const auto& row) {
      return std::strcmp(row.extensionName, names[i]) == 0;
    });
    if (found == table + table_size) return names[i];
    out.set(static_cast<std::size_t>(found - table));
  }
  return nullptr;
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateInstanceVersion(std::uint32_t* version) {
  *version = kVersion;
  return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateInstanceExtensionProperties(const char* layer,
                                                                      std::uint32_t* count,
                                                                      VkExtensionProperties* out) {
  return give_extensions(layer, kInstanceExtensions, kInstanceExtensionCount, count, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateInstanceLayerProperties(std::uint32_t* count,
                                                                  VkLayerProperties*) {
  *count = 0;
  return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateDeviceExtensionProperties(VkPhysicalDevice,
                                                                    const char* layer,
                                                                    std::uint32_t* count,
                                                                    VkExtensionProperties* out) {
  return give_extensions(layer, kExtensions, kExtensionCount, count, out);
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumerateDeviceLayerProperties(VkPhysicalDevice,
                                                                std::uint32_t* count,
                                                                VkLayerProperties*) {
  *count = 0;
  return VK_SUCCESS;
}

namespace {
// `of_creation` stands for the instance that is yet to be, with its messengers.
VkResult create_instance(const VkInstanceCreateInfo& info, VkInstance of_creation,
                         const VkAllocationCallbacks* callbacks, Instance*& out) {
  if (info.enabledLayerCount) return VK_ERROR_LAYER_NOT_PRESENT;
  Extensions extensions;
  if (const char* unknown = enable(info.ppEnabledExtensionNames, info.enabledExtensionCount,
                                   kInstanceExtensions, kInstanceExtensionCount, extensions)) {
    report(of_creation, SOKR_LOG_ERROR,
           std::string("vkCreateInstance: there is no instance extension ") + unknown);
    return VK_ERROR_EXTENSION_NOT_PRESENT;
  }
  out = make<Instance>(callbacks, VK_SYSTEM_ALLOCATION_SCOPE_INSTANCE);
  if (!out) return VK_ERROR_OUT_OF_HOST_MEMORY;
  out->extensions = extensions;
  const VkApplicationInfo* application = info.pApplicationInfo;
  if (application) out->api_version = std::max(out->api_version, application->apiVersion);
  out->is_of_sokr = is_substrate(application);
  return VK_SUCCESS;
}
}  // namespace

VKAPI_ATTR VkResult VKAPI_CALL vkCreateInstance(const VkInstanceCreateInfo* info,
                                                const VkAllocationCallbacks* callbacks,
                                                VkInstance* out) {
  *out = VK_NULL_HANDLE;
  return guarded([&] {
    std::vector<Messenger> messengers = messengers_of(info->pNext);
    Instance* instance = nullptr;
    VkResult result = VK_SUCCESS;
    {
      const auto of_creation = reinterpret_cast<VkInstance>(&messengers);
      for (Messenger& one : messengers) one.instance = of_creation;
      const Listening listening(messengers);
      result = create_instance(*info, of_creation, callbacks, instance);
    }
    if (result == VK_SUCCESS) {
      instance->of_creation = std::move(messengers);
      *out = reinterpret_cast<VkInstance>(instance);
    }
    return result;
  });
}

VKAPI_ATTR void VKAPI_CALL vkDestroyInstance(VkInstance handle,
                                             const VkAllocationCallbacks* callbacks) {
  Instance* instance = of(handle);
  if (!instance) return;
  remove_messengers(handle);  // which ought to have been destroyed, and must not be called again
  std::vector<Messenger> messengers = std::move(instance->of_creation);
  for (Messenger& one : messengers) one.instance = handle;
  const Listening listening(messengers);
  destroy(callbacks, instance);
}

namespace {
// The plugins are looked for here, when a program first asks for devices.
bool find_device(Instance& instance) {
  if (is_forked()) {  // another thread may have been finding it, and holds the lock for ever
    // There is none: this says why.
    if (!instance.has_device && !instance.is_of_sokr)
      substrate_in_use(reinterpret_cast<VkInstance>(&instance));
    return instance.has_device;
  }
  std::lock_guard lock(instance.finding);
  if (!instance.has_device && !instance.is_of_sokr) {
    instance.device.instance = &instance;
    try {
      instance.device.substrate = substrate_in_use(reinterpret_cast<VkInstance>(&instance));
    } catch (...) {
      return false;
    }
    instance.has_device = instance.device.substrate != nullptr;
  }
  return instance.has_device;
}
}  // namespace

VKAPI_ATTR VkResult VKAPI_CALL vkEnumeratePhysicalDevices(VkInstance handle, std::uint32_t* count,
                                                          VkPhysicalDevice* out) {
  Instance* instance = of(handle);
  const std::uint32_t available = find_device(*instance) ? 1 : 0;
  return give_list(available, count, out, [&](std::uint32_t, VkPhysicalDevice& to) {
    to = reinterpret_cast<VkPhysicalDevice>(&instance->device);
  });
}

VKAPI_ATTR VkResult VKAPI_CALL vkEnumeratePhysicalDeviceGroups(
    VkInstance handle, std::uint32_t* count, VkPhysicalDeviceGroupProperties* out) {
  Instance* instance = of(handle);
  const std::uint32_t available = find_device(*instance) ? 1 : 0;
  return give_list(available, count, out, [&](std::uint32_t, VkPhysicalDeviceGroupProperties& to) {
    to.physicalDeviceCount = 1;
    to.physicalDevices[0] = reinterpret_cast<VkPhysicalDevice>(&instance->device);
    to.subsetAllocation = VK_FALSE;
  });
}

}  // namespace sokr::icd
