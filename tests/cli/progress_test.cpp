// SPDX-License-Identifier: MIT OR Apache-2.0
#include "progress.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace sokr::cli {
namespace {

Progress::Clock::time_point g_now;

// What a terminal gets to see.
class Screen {
 public:
  ~Screen() {
    std::fclose(file_);
    std::free(text_);
  }
  Screen() = default;
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {text_, size_};
  }

 private:
  char* text_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_ = open_memstream(&text_, &size_);
};

TEST(Progress, SaysNothingOfWhatIsOverSoonAndTakesTheRestAway) {
  Screen screen;
  {
    Progress progress(screen.file(), [] { return g_now; });
    progress.at("cpu", 1, 0);
    EXPECT_EQ(screen.text(), "");
    g_now += std::chrono::milliseconds(1500);
    progress.at("cpu", 2, 0);
    g_now += std::chrono::milliseconds(1);
    progress.at("cpu", 3, 0);  // too soon for another line
    g_now += std::chrono::minutes(3);
    progress.at("cpu", 4, 9);
    EXPECT_EQ(screen.text(),
              "\r\x1b[Ksokr: cpu: 2 dispatches, 1 s\r\x1b[Ksokr: cpu: 4 of 9 dispatches, 3 min");
    progress.clear();
    progress.clear();
  }
  EXPECT_TRUE(screen.text().ends_with("3 min\r\x1b[K"));
}

TEST(Progress, NobodyReads) {
  Progress progress(nullptr, [] { return g_now; });
  g_now += std::chrono::minutes(1);
  progress.at("cpu", 1, 2);
  progress.clear();
}

}  // namespace
}  // namespace sokr::cli
