// SPDX-License-Identifier: MIT OR Apache-2.0
#include "log.hpp"

#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string_view>

#include "substrate.hpp"

namespace sokr::icd {
namespace {

constexpr std::array<const char*, 4> kLevels{"error", "warning", "info", "debug"};
constexpr std::array<VkDebugUtilsMessageSeverityFlagBitsEXT, 4> kSeverities{
    VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT, VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT,
    VK_DEBUG_UTILS_MESSAGE_SEVERITY_INFO_BIT_EXT, VK_DEBUG_UTILS_MESSAGE_SEVERITY_VERBOSE_BIT_EXT};

// Sorted by number. Of a process that ends, too.
struct Messengers {
  std::mutex mutex;
  std::condition_variable ended;  // calls
  Messenger* first = nullptr;
  std::uint64_t last_number = 0;
};
Messengers& all() {
  static auto* const the = new Messengers;
  return *the;
}

// Calls of messengers in which this thread is, the innermost first.
struct Call {
  std::uint64_t number;
  const Call* outer;
};
thread_local const Call* calls = nullptr;

// Under the mutex. The first behind number `last` of this instance that wants such.
Messenger* next_of(std::uint64_t last, VkInstance instance,
                   VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                   VkDebugUtilsMessageTypeFlagsEXT types) {
  for (Messenger* m = all().first; m; m = m->next) {
    const bool hears = !instance || m->instance == instance;
    const bool wants = (m->severities & severity) && (m->types & types);
    if (m->number > last && hears && wants && !m->is_leaving) return m;
  }
  return nullptr;
}

// Under the mutex. A call of the messenger is over, which may be gone: its own thread removed it.
void end_call(std::uint64_t number) {
  for (Messenger* m = all().first; m; m = m->next) {
    if (m->number == number) --m->calls;
  }
  all().ended.notify_all();
}

SokrLogLevel wanted() {
  const char* text = std::getenv("SOKR_LOG");
  for (std::size_t i = 0; text && i < kLevels.size(); ++i) {
    if (std::string_view(text) == kLevels[i]) return static_cast<SokrLogLevel>(i);
  }
  return SOKR_LOG_WARNING;
}

void pass_sentence(VkInstance of, SokrLogLevel level, const char* sentence) noexcept {
  VkDebugUtilsMessengerCallbackDataEXT data{};
  data.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CALLBACK_DATA_EXT;
  data.pMessageIdName = "sokr";
  data.pMessage = sentence;
  pass_message(of, kSeverities[level], VK_DEBUG_UTILS_MESSAGE_TYPE_GENERAL_BIT_EXT, data);
}
}  // namespace

void report(VkInstance of, SokrLogLevel level, const char* sentence) noexcept {
  if (level <= wanted()) {
    std::fprintf(stderr, "sokr: %s: vulkan: %s\n", kLevels[level], sentence);
  }
  pass_sentence(of, level, sentence);
}

void pass_line(SokrLogLevel level, const char* line) {
  pass_sentence(VK_NULL_HANDLE, level, line);
}

void pass_message(VkInstance instance, VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                  VkDebugUtilsMessageTypeFlagsEXT types,
                  const VkDebugUtilsMessengerCallbackDataEXT& data) noexcept {
  if (is_forked()) return;
  std::uint64_t last = 0;
  std::unique_lock lock(all().mutex);
  while (Messenger* m = next_of(last, instance, severity, types)) {
    last = m->number;
    ++m->calls;
    const auto callback = m->callback;
    void* const user = m->user;
    lock.unlock();
    const Call call{last, calls};
    calls = &call;
    callback(severity, types, &data, user);
    calls = call.outer;
    lock.lock();
    end_call(last);
  }
}

void add_messenger(Messenger* messenger) {
  if (is_forked()) return;
  std::lock_guard lock(all().mutex);
  messenger->number = ++all().last_number;
  messenger->next = nullptr;
  messenger->is_leaving = false;
  Messenger** at = &all().first;
  while (*at) at = &(*at)->next;
  *at = messenger;
}

namespace {
// Under the mutex. Waits for calls of it in other threads, and takes it out of the list.
void take_out(Messenger* messenger, std::unique_lock<std::mutex>& lock) {
  messenger->is_leaving = true;
  unsigned own = 0;
  for (const Call* call = calls; call; call = call->outer) own += call->number == messenger->number;
  all().ended.wait(lock, [&] { return messenger->calls == own; });
  for (Messenger** at = &all().first; *at; at = &(*at)->next) {
    if (*at == messenger) {
      *at = messenger->next;
      return;
    }
  }
}
}  // namespace

void remove_messenger(Messenger* messenger) {
  if (is_forked()) return;
  std::unique_lock lock(all().mutex);
  take_out(messenger, lock);
}

void remove_messengers(VkInstance of) {
  if (is_forked()) return;
  std::unique_lock lock(all().mutex);
  // From the start each time: while it waits, others may come and go.
  const auto first = [&] {
    Messenger* m = all().first;
    while (m && m->instance != of) m = m->next;
    return m;
  };
  while (Messenger* m = first()) take_out(m, lock);
}

}  // namespace sokr::icd
