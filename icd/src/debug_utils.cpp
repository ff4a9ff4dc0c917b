// SPDX-License-Identifier: MIT OR Apache-2.0
//
// VK_EXT_debug_utils.
#include "device.hpp"
#include "entry_points.hpp"

namespace sokr::icd {

SOKR_ICD_OBJECT(VkDebugUtilsMessengerEXT, Messenger)

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDebugUtilsMessengerEXT(
    VkInstance instance, const VkDebugUtilsMessengerCreateInfoEXT* info,
    const VkAllocationCallbacks* callbacks, VkDebugUtilsMessengerEXT* out) {
  const VkResult result = create<Messenger>(callbacks, out);
  if (result != VK_SUCCESS) return result;
  Messenger& messenger = *of(*out);
  messenger.instance = instance;
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
    VkInstance instance, VkDebugUtilsMessageSeverityFlagBitsEXT severity,
    VkDebugUtilsMessageTypeFlagsEXT types, const VkDebugUtilsMessengerCallbackDataEXT* data) {
  pass_message(instance, severity, types, *data);
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

}  // namespace sokr::icd
