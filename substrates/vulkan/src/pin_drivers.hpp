// SPDX-License-Identifier: MIT OR Apache-2.0
//
// For leak checks: Vulkan drivers and layers leak a little of their own, and once they
// are unloaded the leak checker cannot tell whose it was. In builds that check leaks,
// pin_drivers() keeps what is loaded now, so that tests/lsan.supp can name it; leaks of
// ours are still reported. In other builds it does nothing.
#ifndef SOKR_VULKAN_PIN_DRIVERS_HPP_
#define SOKR_VULKAN_PIN_DRIVERS_HPP_

#if defined(__SANITIZE_ADDRESS__)
#define SOKR_CHECKS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SOKR_CHECKS_LEAKS 1
#endif
#endif

#ifdef SOKR_CHECKS_LEAKS
#include <dlfcn.h>
#include <link.h>

#include <string_view>
#endif

namespace sokr::vulkan {

inline void pin_drivers() {
#ifdef SOKR_CHECKS_LEAKS
  dl_iterate_phdr(
      [](dl_phdr_info* module, std::size_t, void*) {
        const std::string_view name = module->dlpi_name;
        for (const char* part : {"libvulkan", "libLLVM", "VkLayer", "libdrm", "libxcb", "libX"}) {
          if (name.find(part) == std::string_view::npos) continue;
          dlopen(module->dlpi_name, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
        }
        return 0;
      },
      nullptr);
#endif
}

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_PIN_DRIVERS_HPP_
