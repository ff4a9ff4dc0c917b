// SPDX-License-Identifier: MIT OR Apache-2.0
// Contexts with chosen mock plugins, and nothing else that tests would see.
#ifndef SOKR_TESTS_HOST_MOCKS_HPP_
#define SOKR_TESTS_HOST_MOCKS_HPP_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sokr/sokr.hpp>
#include <sstream>
#include <string>

namespace sokr::tests {

inline std::filesystem::path mock(const std::string& name) {
  return std::filesystem::path(SOKR_MOCK_DIR) / (name + ".so");
}

inline ContextOptions mocks(std::initializer_list<const char*> names) {
  ContextOptions options;
  for (const char* name : names) options.plugin_paths.push_back(mock(name));
  return options;
}

inline bool offers(const Context& context, std::string_view name) {
  for (const Substrate& substrate : context.substrates()) {
    if (substrate.name() == name) return true;
  }
  return false;
}

// Why something whose name ends like this was passed over; empty if it was not.
inline std::string why_unavailable(const Context& context, std::string_view name) {
  for (const Unavailable& missing : context.unavailable()) {
    if (missing.name.ends_with(name)) return missing.reason;
  }
  return "";
}

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// What it throws; code SOKR_OK and no sentence if it throws nothing.
template <class Call>
Error failure_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error(SOKR_OK, "");
}

// A folder that is gone after the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "sokr-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void store(const std::filesystem::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The IR mock's kernels need no SPIR-V plugin: "MOCK" and text, lowered to SPIR-V.
inline Kernel mock_kernel(const Context& context) {
  return context.kernel(bytes_of("MOCKtext"));
}

}  // namespace sokr::tests

#endif  // SOKR_TESTS_HOST_MOCKS_HPP_
