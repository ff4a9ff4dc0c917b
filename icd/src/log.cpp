// SPDX-License-Identifier: MIT OR Apache-2.0
#include "log.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>

namespace sokr::icd {
namespace {

constexpr std::array<const char*, 4> kLevels{"error", "warning", "info", "debug"};
constexpr std::array<VkDebugUtilsMessageSeverityFlagBitsEXT, 4> kSeverities{
    VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT, VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
    VK_DEBUG_UTILS_MESSAGE_SEVERITY_INFO_BIT_EXT, VK_DEBUG_UTILS_MESSAGE_SEVERITY_VERBOSE_BIT_EXT};

// A messenger may call the driver again, which may have something to say.
std::recursive_mutex& mutex() {
  static auto* const the = new std::recursive_mutex;
  return *the;
}
Messenger* messengers = nullptr;

SokrLogLevel wanted() {
  const char* text = std::getenv("SOKR_LOG");
  for (std::size_t i = 0; text && i < kLevels.size(); ++i) {
    if (std::string_view(text) == kLevels[i]) return static_cast<SokrLogLevel>(i);
  }
  return SOKR_LOG_WARNING;
}

}  // namespace

void report(SokrLogLevel level, const std::string& sentence) noexcept {
  if (level <= wanted()) {
    std::fprintf(stderr, "sokr: %s: vulkan: %s\n", kLevels[level], sentence.c_str());
  }
  pass_line(level, sentence.c_str());
}

void pass_line(SokrLogLevel level, const char* line) {
  VkDebugUtilsMessengerCallbackDataEXT data{};
  data.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CALLBACK_DATA_EXT;
  data.pMessageIdName = "sokr";
  data.pMessage = line;
  pass_message(VK_NULL_HANDLE, kSeverities[level], VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT,
               data);
}

void pass_message(VkInstance instance, VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                  VkDebugUtilsMessageTypeFlagsEXT types,
                  const VkDebugUtilsMessengerCallbackDataEXT& data) noexcept {
  std::lock_guard lock(mutex());
  for (Messenger* m = messengers; m; m = m->next) {
    if (instance && m->instance != instance) continue;
    if ((m->severities & severity) && (m->types & types)) {
      m->callback(severity, types, &data, m->user);
    }
  }
}

void add_messenger(Messenger* messenger) {
  std::lock_guard lock(mutex());
  messenger->next = messengers;
  messengers = messenger;
}

void remove_messenger(Messenger* messenger) {
  std::lock_guard lock(mutex());
  for (Messenger** at = &messengers; *at; at = &(*at)->next) {
    if (*at == messenger) {
      *at = messenger->next;
      return;
    }
  }
}

}  // namespace sokr::icd
