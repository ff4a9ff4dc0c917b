// SPDX-License-Identifier: MIT OR Apache-2.0
//
// VK_EXT_debug_utils.
#include <chrono>
#include <sokr/observe.hpp>

#include "command_buffer.hpp"
#include "device.hpp"
#include "entry_points.hpp"
#include "queue.hpp"

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

// Names and tags are for tools; there is none here that would show them.
VKAPI_ATTR VkResult VKAPI_CALL vkSetDebugUtilsObjectNameEXT(VkDevice,
                                                            const VkDebugUtilsObjectNameInfoEXT*) {
  return VK_SUCCESS;
}
VKAPI_ATTR VkResult VKAPI_CALL vkSetDebugUtilsObjectTagEXT(VkDevice,
                                                           const VkDebugUtilsObjectTagInfoEXT*) {
  return VK_SUCCESS;
}

// ---- Labels ------------------------------------------------------------------------------------

void Labels::take(command::Label::What what, const std::string& name) {
  using What = command::Label::What;
  const auto now = static_cast<std::uint64_t>(
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
  if (what == What::Begin) open_.push_back({name, now});
  if (what == What::Insert) trace_slice(lane_, name.c_str(), now, now);
  if (what == What::End && !open_.empty()) {
    trace_slice(lane_, open_.back().name.c_str(), open_.back().begin_ns, now);
    open_.pop_back();
  }
}

namespace {
using What = command::Label::What;

// What is not traced is not even recorded.
void record(VkCommandBuffer buffer, What what, const VkDebugUtilsLabelEXT* label) {
  if (!is_traced()) return;
  of(buffer)->record([&](Recording& r) {
    r.commands.emplace_back(command::Label{what, label ? label->pLabelName : ""});
  });
}

void take(VkQueue queue, What what, const VkDebugUtilsLabelEXT* label) {
  if (!is_traced()) return;
  (void)guarded([&] {
    of(queue)->labels.take(what, label ? label->pLabelName : "");
    return VK_SUCCESS;
  });
}
}  // namespace

VKAPI_ATTR void VKAPI_CALL vkQueueBeginDebugUtilsLabelEXT(VkQueue queue,
                                                          const VkDebugUtilsLabelEXT* label) {
  take(queue, What::Begin, label);
}
VKAPI_ATTR void VKAPI_CALL vkQueueEndDebugUtilsLabelEXT(VkQueue queue) {
  take(queue, What::End, nullptr);
}
VKAPI_ATTR void VKAPI_CALL vkQueueInsertDebugUtilsLabelEXT(VkQueue queue,
                                                           const VkDebugUtilsLabelEXT* label) {
  take(queue, What::Insert, label);
}
VKAPI_ATTR void VKAPI_CALL vkCmdBeginDebugUtilsLabelEXT(VkCommandBuffer buffer,
                                                        const VkDebugUtilsLabelEXT* label) {
  record(buffer, What::Begin, label);
}
VKAPI_ATTR void VKAPI_CALL vkCmdEndDebugUtilsLabelEXT(VkCommandBuffer buffer) {
  record(buffer, What::End, nullptr);
}
VKAPI_ATTR void VKAPI_CALL vkCmdInsertDebugUtilsLabelEXT(VkCommandBuffer buffer,
                                                         const VkDebugUtilsLabelEXT* label) {
  record(buffer, What::Insert, label);
}

}  // namespace sokr::icd
