// SPDX-License-Identifier: MIT OR Apache-2.0
//
// VK_EXT_debug_utils, and data that programs attach to objects.
#include <mutex>
#include <unordered_map>

#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {

SOKR_ICD_OBJECT(VkDebugUtilsMessengerEXT, Messenger)

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDebugUtilsMessengerEXT(
    VkInstance, const VkDebugUtilsMessengerCreateInfoEXT* info,
    const VkAllocationCallbacks* callbacks, VkDebugUtilsMessengerEXT* out) {
  const VkResult result = create<Messenger>(callbacks, out);
  if (result != VK_SUCCESS) return result;
  Messenger& messenger = *of(*out);
  messenger.severities = info->messageSeverity;
  messenger.types = info->messageType;
  messenger.callback = info->pfnUserCallback;
  messenger.user = info->pUserData;
  add_messenger(&messenger);
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkDestroyDebugUtilsMessengerEXT(VkInstance,
                                                           VkDebugUtilsMessengerEXT handle,
                                                           const VkAllocationCallbacks* callbacks) {
  if (!handle) return;
  remove_messenger(of(handle));
  destroy(callbacks, of(handle));
}

VKAPI_ATTR void VKAPI_CALL vkSubmitDebugUtilsMessageEXT(
    VkInstance, VkDebugUtilsMessageSeverityFlagBitsEXT severity,
    VkDebugUtilsMessageTypeFlagsEXT types, const VkDebugUtilsMessengerCallbackDataEXT* data) {
  pass_message(severity, types, *data);
}

// Names, tags and labels are for tools; there is none here that would show them.
VKAPI_ATTR VkResult VKAPI_CALL vkSetDebugUtilsObjectNameEXT(VkDevice,
                                                            const VkDebugUtilsObjectNameInfoEXT*) {
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkSetDebugUtilsObjectTagEXT(VkDevice,
                                                           const VkDebugUtilsObjectTagInfoEXT*) {
  return VK_SUCCESS;
}
VKAPI_ATTR void VKAPI_CALL vkQueueBeginDebugUtilsLabelEXT(VkQueue, const VkDebugUtilsLabelEXT*) {}
VKAPI_ATTR void VKAPI_CALL vkQueueEndDebugUtilsLabelEXT(VkQueue) {}
VKAPI_ATTR void VKAPI_CALL vkQueueInsertDebugUtilsLabelEXT(VkQueue, const VkDebugUtilsLabelEXT*) {}
VKAPI_ATTR void VKAPI_CALL vkCmdBeginDebugUtilsLabelEXT(VkCommandBuffer,
                                                        const VkDebugUtilsLabelEXT*) {}
VKAPI_ATTR void VKAPI_CALL vkCmdEndDebugUtilsLabelEXT(VkCommandBuffer) {}
VKAPI_ATTR void VKAPI_CALL vkCmdInsertDebugUtilsLabelEXT(VkCommandBuffer,
                                                         const VkDebugUtilsLabelEXT*) {}

// ---- Private data ------------------------------------------------------------------------------

struct PrivateDataSlot {
  std::mutex mutex;
  std::unordered_map<std::uint64_t, std::uint64_t> values;  // by handle
};
SOKR_ICD_OBJECT(VkPrivateDataSlot, PrivateDataSlot)

VKAPI_ATTR VkResult VKAPI_CALL vkCreatePrivateDataSlot(VkDevice, const VkPrivateDataSlotCreateInfo*,
                                                       const VkAllocationCallbacks* callbacks,
                                                       VkPrivateDataSlot* out) {
  return create<PrivateDataSlot>(callbacks, out);
}
VKAPI_ATTR void VKAPI_CALL vkDestroyPrivateDataSlot(VkDevice, VkPrivateDataSlot handle,
                                                    const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR VkResult VKAPI_CALL vkSetPrivateData(VkDevice, VkObjectType, std::uint64_t object,
                                                VkPrivateDataSlot handle, std::uint64_t data) {
  return guarded([&] {
    std::lock_guard lock(of(handle)->mutex);
    of(handle)->values[object] = data;
    return VK_SUCCESS;
  });
}
VKAPI_ATTR void VKAPI_CALL vkGetPrivateData(VkDevice, VkObjectType, std::uint64_t object,
                                            VkPrivateDataSlot handle, std::uint64_t* out) {
  std::lock_guard lock(of(handle)->mutex);
  const auto found = of(handle)->values.find(object);
  *out = found == of(handle)->values.end() ? 0 : found->second;
}

}  // namespace sokr::icd
