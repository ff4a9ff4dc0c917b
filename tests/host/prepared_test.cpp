// SPDX-License-Identifier: MIT OR Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mocks.hpp"

namespace sokr::tests {
namespace {

// The mock adds 1, and 100 more where the launch names what is prepared.
struct PreparedTest : testing::Test {
  PreparedTest() { ::setenv("SOKR_MOCK_LOG", log_.c_str(), 1); }
  ~PreparedTest() override {
    ::unsetenv("SOKR_MOCK_LOG");
    std::filesystem::remove(log_);
  }
  std::uint8_t added(const char* on, const Kernel& kernel, Launch launch) {
    std::array<std::uint8_t, 4> data{};
    launch.threads(4).bind(0, 0, write(data));
    context_->substrate(on).dispatch(kernel, launch).wait();
    return data[3];
  }
  std::string log() const {
    std::ifstream file(log_);
    std::string text, line;
    while (std::getline(file, line))
      if (line.find("prepare ") != std::string::npos || line.find("release") != std::string::npos)
        text += line + "\n";
    return text;
  }

  const std::string log_ = testing::TempDir() + "sokr-prepared-" + std::to_string(::getpid());
  std::optional<Context> context_{std::in_place, mocks({"ir", "add", "prepares", "prepares_not"})};
};

TEST_F(PreparedTest, TheSecondLaunchOfAKindIsPrepared) {
  {
    const Kernel kernel = context_->kernel(bytes_of("MOCKtext"));
    EXPECT_EQ(added("mock:prepares", kernel, {}), 1);
    EXPECT_EQ(log(), "");
    for (int i = 0; i < 3; ++i) EXPECT_EQ(added("mock:prepares", kernel, {}), 101);
    EXPECT_EQ(log(), "mock:prepares prepare - 0\n");
    Launch sized;
    sized.local_size(2);
    EXPECT_EQ(added("mock:prepares", kernel, sized), 1);
    EXPECT_EQ(added("mock:prepares", kernel, sized), 101);
    EXPECT_EQ(added("mock:prepares", kernel, {}), 101);
    EXPECT_EQ(log(), "mock:prepares prepare - 0\nmock:prepares prepare - 0\n");
  }
  EXPECT_EQ(log(),
            "mock:prepares prepare - 0\nmock:prepares prepare - 0\n"
            "mock:prepares release\nmock:prepares release\n");
}

TEST_F(PreparedTest, OnRequestTheFirst) {
  const Kernel kernel = context_->kernel(bytes_of("MOCKtext"));
  Launch named;
  named.subgroup_size(8);
  context_->substrate("mock:prepares").prepare(kernel, named);
  context_->substrate("mock:prepares").prepare(kernel, named);
  EXPECT_EQ(log(), "mock:prepares prepare - 0\n");
  EXPECT_EQ(added("mock:prepares", kernel, named), 101);
  EXPECT_EQ(added("mock:prepares", kernel, {}), 1);
}

TEST_F(PreparedTest, WhoPreparesNothingRunsAllTheSame) {
  const Kernel kernel = context_->kernel(bytes_of("MOCKtext"));
  context_->substrate("mock:add").prepare(kernel);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(added("mock:add", kernel, {}), 1);
  // It is asked once.
  for (int i = 0; i < 4; ++i) EXPECT_EQ(added("mock:prepares-not", kernel, {}), 1);
  EXPECT_EQ(log(), "mock:prepares-not prepare - 0\n");
  try {
    context_->substrate("mock:prepares-not").prepare(kernel);
    ADD_FAILURE() << "it prepared";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), SOKR_CAPABILITY_DENIED);
    EXPECT_STREQ(error.what(), "mock:prepares-not: the mock prepares nothing");
  }
}

// A program that never stops to specialize anew keeps a bounded number of handles.
TEST_F(PreparedTest, KindsAreBounded) {
  const Kernel kernel = context_->kernel(bytes_of("MOCKtext"));
  std::size_t prepared = 0;
  for (std::uint32_t size = 1; size <= 200; ++size) {
    Launch launch;
    launch.local_size(size);
    (void)added("mock:prepares", kernel, launch);
    prepared += added("mock:prepares", kernel, launch) == 101 ? 1 : 0;
  }
  EXPECT_EQ(prepared, 64u);
}

// What somebody asked for is bounded by whoever asks, and leaves the others their share.
TEST_F(PreparedTest, WhatIsAskedForDoesNotCount) {
  const Kernel asked = context_->kernel(bytes_of("MOCKtext"));
  for (std::uint32_t size = 1; size <= 300; ++size) {
    Launch launch;
    launch.local_size(size);
    context_->substrate("mock:prepares").prepare(asked, launch);
  }
  for (const Kernel& kernel : {asked, context_->kernel(bytes_of("MOCKother"))}) {
    EXPECT_EQ(added("mock:prepares", kernel, {}), 1);
    EXPECT_EQ(added("mock:prepares", kernel, {}), 101);
  }
}

TEST_F(PreparedTest, ManyThreadsUseOneKernel) {
  const Kernel kernel = context_->kernel(bytes_of("MOCKtext"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (std::uint32_t i = 0; i < 200; ++i) {
        Launch launch;
        launch.local_size(1 + i % 5);
        const std::uint8_t result = added("mock:prepares", kernel, launch);
        EXPECT_TRUE(result == 1 || result == 101) << int(result);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string text = log();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5);
}

}  // namespace
}  // namespace sokr::tests
