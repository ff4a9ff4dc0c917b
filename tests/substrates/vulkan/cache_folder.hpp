// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A cache on disk that one test has for itself.
#ifndef SOKR_TESTS_VULKAN_CACHE_FOLDER_HPP_
#define SOKR_TESTS_VULKAN_CACHE_FOLDER_HPP_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace sokr::vulkan::test {

// SOKR_CACHE_DIR points to a fresh folder for the life of this object.
class CacheFolder {
 public:
  explicit CacheFolder(const std::string& name)
      : folder_(std::filesystem::path(testing::TempDir()) /
                (name + "_" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(folder_);
    if (const char* old = std::getenv("SOKR_CACHE_DIR")) old_ = old;
    setenv("SOKR_CACHE_DIR", folder_.c_str(), 1);
  }
  ~CacheFolder() {
    setenv("SOKR_CACHE_DIR", old_.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    if (!std::filesystem::exists(folder_)) return found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (entry.is_regular_file()) found.push_back(entry.path());
    }
    return found;
  }
  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path folder_;
  std::string old_;
};

}  // namespace sokr::vulkan::test

#endif  // SOKR_TESTS_VULKAN_CACHE_FOLDER_HPP_
