// SPDX-License-Identifier: MIT OR Apache-2.0
#include "instance.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <array>

#include "pin_drivers.hpp"

namespace sokr::vulkan {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

// By the names that it has on Linux, on Android and in development packages, and on Apple's
// systems, where MoltenVK may be there without any loader.
constexpr auto kLoaders =
    std::to_array<const char*>({"libvulkan.so.1", "libvulkan.so", "libvulkan.1.dylib",
                                "libvulkan.dylib", "libMoltenVK.dylib"});
#ifdef __APPLE__
constexpr const char* kPackage = "the Vulkan SDK, or MoltenVK";
#else
constexpr const char* kPackage = "libvulkan1";
#endif

std::vector<std::string> instance_extensions(const char* layer) {
  std::uint32_t count = 0;
  if (vkEnumerateInstanceExtensionProperties(layer, &count, nullptr) != VK_SUCCESS) return {};
  std::vector<VkExtensionProperties> properties(count);
  if (vkEnumerateInstanceExtensionProperties(layer, &count, properties.data()) < VK_SUCCESS) {
    return {};
  }
  std::vector<std::string> names;
  for (const VkExtensionProperties& property : properties) {
    names.emplace_back(property.extensionName);
  }
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool has_validation_layer() {
  std::uint32_t count = 0;
  if (vkEnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkLayerProperties> layers(count);
  if (vkEnumerateInstanceLayerProperties(&count, layers.data()) < VK_SUCCESS) return false;
  return std::any_of(layers.begin(), layers.end(), [](const VkLayerProperties& layer) {
    return std::string_view(layer.layerName) == kValidationLayer;
  });
}

VKAPI_ATTR VkBool32 VKAPI_CALL take_down(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                         VkDebugUtilsMessageTypeFlagsEXT,
                                         const VkDebugUtilsMessengerCallbackDataEXT* data,
                                         void* lines) {
  if (data->pMessage) static_cast<std::vector<std::string>*>(lines)->emplace_back(data->pMessage);
  return VK_FALSE;
}

// What the loader has to say about why there is no instance, as the end of a sentence: which driver
// it could not load, and for want of what.
std::string reasons_of_loader(VkInstanceCreateInfo info) {
  constexpr std::size_t kMost = 4;
  std::vector<std::string> lines;
  VkDebugUtilsMessengerCreateInfoEXT listener{
      VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  listener.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                             VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  listener.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT;
  listener.pfnUserCallback = take_down;
  listener.pUserData = &lines;
  std::vector<const char*> extensions(info.ppEnabledExtensionNames,
                                      info.ppEnabledExtensionNames + info.enabledExtensionCount);
  if (std::ranges::find(extensions, std::string_view(VK_EXT_DEBUG_UTILS_EXTENSION_NAME)) ==
      extensions.end())
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
  info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  info.pNext = &listener;
  VkInstance instance = VK_NULL_HANDLE;
  if (vkCreateInstance(&info, nullptr, &instance) == VK_SUCCESS) {
    const auto destroy = reinterpret_cast<PFN_vkDestroyInstance>(
        vkGetInstanceProcAddr(instance, "vkDestroyInstance"));
    if (destroy) destroy(instance, nullptr);
    return {};
  }
  if (lines.size() > kMost) lines.resize(kMost);
  return lines.empty() ? "" : fmt::format(". It says: {}", fmt::join(lines, "; "));
}

}  // namespace

VKAPI_ATTR VkBool32 VKAPI_CALL Instance::on_message(
    VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
    const VkDebugUtilsMessengerCallbackDataEXT* data, void* self) {
  auto* instance = static_cast<Instance*>(self);
  // The loader reports drivers that it could not load as general messages.
  const char* text = data->pMessage ? data->pMessage : "";
  const bool counts = ((types & VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT) ||
                       (types & VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT)) &&
                      !is_beyond_layer(text);
  if (counts) instance->messages_.fetch_add(1);
  const bool error = counts && (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT);
  if (error) {
    instance->host_.log_error("vulkan: {}", text);
  } else if (counts) {
    instance->host_.log_warning("vulkan: {}", text);
  } else {
    instance->host_.log_debug("vulkan: {}", text);
  }
  return VK_FALSE;
}

Result<void> Instance::open_loader() {
  void* loader = nullptr;
  std::string name = options_.loader, why;
  for (const char* usual : kLoaders) {
    if (options_.loader.empty()) name = usual;
    loader = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (loader) break;
    const char* said = dlerror();
    if (why.empty()) why = said ? said : name;
    if (!options_.loader.empty()) break;
  }
  if (!loader) {
    std::string looked_for;
    if (options_.loader.empty())
      looked_for = fmt::format(" (looked for {})", fmt::join(kLoaders, ", "));
    return fail(SOKR_NOT_FOUND, "no Vulkan loader on this machine: {}{}; install {}", why,
                looked_for, kPackage);
  }
  auto entry = reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(loader, "vkGetInstanceProcAddr"));
  if (!entry) {
    dlclose(loader);
    return fail(SOKR_NOT_FOUND, "{} is not a Vulkan loader: it has no vkGetInstanceProcAddr", name);
  }
  volkInitializeCustom(entry);
  if (!vkEnumerateInstanceVersion) {
    return fail(SOKR_NOT_FOUND,
                "the Vulkan loader {} is of version 1.0, and 1.1 is the oldest "
                "that is supported",
                name);
  }
  return {};
}

Result<void> Instance::create_instance() {
  std::uint32_t loader_api = VK_API_VERSION_1_0;
  vkEnumerateInstanceVersion(&loader_api);
  api_ = std::min<std::uint32_t>(VK_API_VERSION_1_3, options_.api);
  if (VK_API_VERSION_MINOR(loader_api) < VK_API_VERSION_MINOR(api_)) api_ = loader_api;

  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  // By these names SOKR's own Vulkan driver knows who asks, and offers no device.
  application.pApplicationName = "sokr";
  application.pEngineName = "sokr";
  application.apiVersion = api_;

  const std::vector<std::string> offered = instance_extensions(nullptr);
  std::vector<const char*> extensions;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  if (contains(offered, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
    extensions.push_back(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME);
    info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
  }

  VkDebugUtilsMessengerCreateInfoEXT messenger{
      VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
  messenger.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                              VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  messenger.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT |
                          VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                          VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
  messenger.pfnUserCallback = on_message;
  messenger.pUserData = this;

  const auto checks = std::to_array({VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT});
  VkValidationFeaturesEXT features{VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT};
  features.enabledValidationFeatureCount = static_cast<std::uint32_t>(checks.size());
  features.pEnabledValidationFeatures = checks.data();

  if (options_.validation) {
    if (!has_validation_layer()) {
      return fail(SOKR_NOT_FOUND,
                  "validation was asked for and {} is not installed; install "
                  "vulkan-validationlayers or unset SOKR_VULKAN_VALIDATION",
                  kValidationLayer);
    }
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidationLayer;
    extensions.push_back(VK_EXT_DEBUG_UTILS_EXTENSION_NAME);
    if (contains(instance_extensions(kValidationLayer),
                 VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME)) {
      extensions.push_back(VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME);
      features.pNext = &messenger;
      info.pNext = &features;
    } else {
      info.pNext = &messenger;
    }
  }
  info.pApplicationInfo = &application;
  info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();

  if (VkResult result = vkCreateInstance(&info, nullptr, &instance_); result != VK_SUCCESS) {
    instance_ = VK_NULL_HANDLE;
    return fail(SOKR_NOT_FOUND, "the Vulkan loader could not make an instance: {}{}",
                describe(result), reasons_of_loader(info));
  }
  volkLoadInstanceOnly(instance_);
  if (options_.validation && vkCreateDebugUtilsMessengerEXT) {
    VkResult result = vkCreateDebugUtilsMessengerEXT(instance_, &messenger, nullptr, &messenger_);
    if (result != VK_SUCCESS) {
      messenger_ = VK_NULL_HANDLE;
      return vk_failure(result, "vkCreateDebugUtilsMessengerEXT", "the instance");
    }
    destroy_messenger_ = vkDestroyDebugUtilsMessengerEXT;
  }
  return {};
}

Result<std::unique_ptr<Instance>> Instance::create(const Options& options,
                                                   const substrate::Host& host) {
  std::unique_ptr<Instance> instance(new Instance(options, host));
  SOKR_TRY(instance->open_loader());
  SOKR_TRY(instance->create_instance());
  return instance;
}

Instance::~Instance() {
  pin_drivers();
  if (messenger_) destroy_messenger_(instance_, messenger_, nullptr);
  if (instance_) vkDestroyInstance(instance_, nullptr);
}

Result<Instance::Found> Instance::devices(const Options& options) const {
  std::vector<VkPhysicalDevice> handles;
  VkResult result = VK_INCOMPLETE;
  while (result == VK_INCOMPLETE) {
    std::uint32_t count = 0;
    result = vkEnumeratePhysicalDevices(instance_, &count, nullptr);
    if (result != VK_SUCCESS) break;
    handles.resize(count);
    result = vkEnumeratePhysicalDevices(instance_, &count, handles.data());
    handles.resize(count);
  }
  if (result != VK_SUCCESS) {
    return fail(SOKR_NOT_FOUND, "the Vulkan loader found no device: {}", describe(result));
  }
  Found found;
  for (VkPhysicalDevice handle : handles) {
    Result<PhysicalDevice> device = inspect_physical_device(instance_, handle, api_, options);
    if (!device) {
      found.unsuitable.push_back(device.failure().sentence);
    } else if (std::string reason = device->unsuitable(); !reason.empty()) {
      found.unsuitable.push_back(std::move(reason));
    } else {
      found.usable.push_back(*std::move(device));
    }
  }
  settle_devices(found);
  return found;
}

void settle_devices(Instance::Found& found) {
  std::ranges::stable_partition(found.usable, &PhysicalDevice::is_conformant);
  std::vector<PhysicalDevice> kept;
  for (PhysicalDevice& device : found.usable) {
    auto same = std::ranges::find_if(
        kept, [&](const PhysicalDevice& other) { return device.is_same_gpu(other); });
    if (same == kept.end()) {
      kept.push_back(std::move(device));
      continue;
    }
    same->other_drivers.push_back(device.driver_text());
    found.unsuitable.push_back(
        fmt::format("{} under {}: the same GPU is offered under {}; name one driver's manifest in "
                    "VK_DRIVER_FILES to choose it",
                    device.name(), device.driver_text(), same->driver_text()));
  }
  found.usable = std::move(kept);
}

}  // namespace sokr::vulkan
