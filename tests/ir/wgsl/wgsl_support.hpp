// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The WGSL plugin as its file, and the kernels of these tests.
#ifndef SOKR_TESTS_WGSL_SUPPORT_HPP_
#define SOKR_TESTS_WGSL_SUPPORT_HPP_

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sokr/ir.h>

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace sokr::tests {

// The examples are material too.
inline std::string kernel_text(const std::string& name) {
  std::ifstream file(SOKR_TEST_WGSL_DIR "/" + name + ".wgsl", std::ios::binary);
  if (!file) file.open(SOKR_SHADER_SOURCES "/" + name + ".wgsl", std::ios::binary);
  EXPECT_TRUE(file) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The table of a plugin's file, which stays open.
inline const SokrIrPlugin* open_plugin(const char* path) {
  void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr) << dlerror();
  if (library == nullptr) return nullptr;
  const auto entry = reinterpret_cast<SokrIrPluginMainFn>(dlsym(library, SOKR_IR_PLUGIN_MAIN));
  EXPECT_NE(entry, nullptr) << path;
  return entry == nullptr ? nullptr : entry();
}

struct Verdict {
  SokrResult code = SOKR_OK;
  std::string sentence;
};

inline Verdict validate(const SokrIrPlugin& plugin, std::string_view text) {
  char sentence[512] = "unwritten";
  const SokrResult code = plugin.validate(reinterpret_cast<const std::uint8_t*>(text.data()),
                                          text.size(), sentence, sizeof sentence);
  return {code, sentence};
}

}  // namespace sokr::tests

#endif  // SOKR_TESTS_WGSL_SUPPORT_HPP_
