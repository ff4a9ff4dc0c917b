// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_BENCH_LAVAPIPE_HPP_
#define SOKR_BENCH_LAVAPIPE_HPP_

#include <filesystem>
#include <string>
#include <system_error>

namespace sokr::bench {

// lavapipe's manifest, so that a Vulkan program loads no other driver; several, of several
// architectures, as the loader's variables take them; empty if it is not installed.
inline std::string lavapipe_manifest() {
  for (const char* folder :
       {"/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d"}) {
    std::error_code ignored;
    std::string all;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      if (entry.path().filename().string().starts_with("lvp_icd"))
        all += (all.empty() ? "" : ":") + entry.path().string();
    }
    if (!all.empty()) return all;
  }
  return {};
}

}  // namespace sokr::bench

#endif  // SOKR_BENCH_LAVAPIPE_HPP_
