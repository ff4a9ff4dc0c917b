// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Sentences for people: on stderr as SOKR_LOG says (error, warning, info, debug; the default is
// warning), and to messengers of VK_EXT_debug_utils. Any thread. In a child of the process there
// are no messengers: a thread of the parent may have held their mutex.
#ifndef SOKR_ICD_LOG_HPP_
#define SOKR_ICD_LOG_HPP_

#include <sokr/compute.h>

#include <cstdint>
#include <string>

#include "vk.hpp"

namespace sokr::icd {

// A sentence about what belongs to this instance, for its messengers. Null is for what belongs to
// none: all messengers hear of that. The driver needs no memory for it.
void report(VkInstance of, SokrLogLevel level, const char* sentence) noexcept;
inline void report(VkInstance of, SokrLogLevel level, const std::string& sentence) noexcept {
  report(of, level, sentence.c_str());
}
// What a substrate says, which is on stderr already and belongs to no instance.
void pass_line(SokrLogLevel level, const char* line);

// Called without the allocation of anything, and without a lock: by several threads at a time, and
// it may call the driver again.
struct Messenger {
  VkInstance instance = VK_NULL_HANDLE;
  VkDebugUtilsMessageSeverityFlagsEXT severities = 0;
  VkDebugUtilsMessageTypeFlagsEXT types = 0;
  PFN_vkDebugUtilsMessengerCallbackEXT callback = nullptr;
  void* user = nullptr;
  // Of the list of messengers.
  Messenger* next = nullptr;
  std::uint64_t number = 0;  // of no other, ever
  unsigned calls = 0;        // that are under way
  bool is_leaving = false;   // it gets no new ones
};
// The messenger stays where it is until it is removed.
void add_messenger(Messenger* messenger);
// Returns when no other thread is in a call of it.
void remove_messenger(Messenger* messenger);
// The same for all of an instance, which goes: they are called no more, and whoever destroys one
// later does no harm.
void remove_messengers(VkInstance of);
// To every messenger of the instance that wants such; to those of all instances if it is null.
void pass_message(VkInstance instance, VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                  VkDebugUtilsMessageTypeFlagsEXT types,
                  const VkDebugUtilsMessengerCallbackDataEXT& data) noexcept;

}  // namespace sokr::icd

#endif  // SOKR_ICD_LOG_HPP_
