// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the generated bodies of graphics commands do.
#ifndef SOKR_ICD_REFUSED_HPP_
#define SOKR_ICD_REFUSED_HPP_

#include <cstdint>

#include "vk.hpp"

namespace sokr::icd {

// A sentence in the log and to the messengers of the instance, and the result of a command that
// does not exist here.
VkResult refuse(VkInstance of, const char* command);
// The same; the command buffer cannot be ended without an error any more.
void refuse_command(VkCommandBuffer buffer, const char* command);

template <class Handle>
void clear_handles(Handle* handles, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) handles[i] = VK_NULL_HANDLE;
}

}  // namespace sokr::icd

#endif  // SOKR_ICD_REFUSED_HPP_
