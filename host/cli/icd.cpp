// SPDX-License-Identifier: MIT OR Apache-2.0
//
// `sokr icd`: how Vulkan programs come to run on the Vulkan driver, and running one so.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "command.hpp"
#include "output.hpp"

namespace sokr::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kManifest = "sokr_icd.x86_64.json";
// What loaders look at: the newer name first, which some do not know.
constexpr const char* kVariables[] = {"VK_DRIVER_FILES", "VK_ICD_FILENAMES"};

// Beside the library of the driver: of an installed SOKR, or of a build tree.
fs::path manifest() {
  const fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
  const fs::path places[] = {programs / SOKR_LIBRARIES_FROM_PROGRAMS / kManifest,
                             programs / "../lib" / kManifest};
  for (const fs::path& place : places) {
    std::error_code none;
    if (fs::is_regular_file(place, none)) return fs::canonical(place);
  }
  throw std::runtime_error(fmt::format(
      "there is no Vulkan driver here: no {}; it is built where libvulkan-dev is installed",
      places[0].lexically_normal().string()));
}

// A word as the shell reads it again.
std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

int icd(const IcdFlags& flags) {
  const std::string file = manifest().string();
  if (flags.program.empty()) {
    for (const char* name : kVariables) print(fmt::format("export {}={}\n", name, quoted(file)));
    return kDone;
  }
  for (const char* name : kVariables) setenv(name, file.c_str(), 1);
  std::vector<char*> words;
  for (const std::string& word : flags.program) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::signal(SIGPIPE, SIG_DFL);  // a program is started as the shell would
  execvp(words[0], words.data());
  throw std::runtime_error(fmt::format("cannot run {}: {}", words[0], std::strerror(errno)));
}

}  // namespace sokr::cli
