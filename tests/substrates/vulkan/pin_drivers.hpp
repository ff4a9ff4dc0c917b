// SPDX-License-Identifier: MIT OR Apache-2.0
//
// For leak checks: Vulkan drivers and layers leak a little of their own, and once they
// are unloaded the leak checker cannot tell whose it was. pin_drivers() keeps what is
// loaded now, and the suppressions name it; leaks of ours are still reported.
#ifndef SOKR_TESTS_VULKAN_PIN_DRIVERS_HPP_
#define SOKR_TESTS_VULKAN_PIN_DRIVERS_HPP_

#include <dlfcn.h>
#include <link.h>

#include <string_view>

#if defined(__SANITIZE_ADDRESS__)
#define SOKR_CHECKS_LEAKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SOKR_CHECKS_LEAKS 1
#endif
#endif

namespace sokr::vulkan::test {

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

}  // namespace sokr::vulkan::test

#ifdef SOKR_CHECKS_LEAKS
extern "C" __attribute__((visibility("default"))) inline const char* __lsan_default_suppressions();
extern "C" __attribute__((visibility("default"), used)) inline const char*
__lsan_default_suppressions() {
  return "leak:libvulkan_\nleak:libLLVM\nleak:libVkLayer\nleak:libvulkan.so\n";
}
#endif

#endif  // SOKR_TESTS_VULKAN_PIN_DRIVERS_HPP_
