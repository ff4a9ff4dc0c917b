// SPDX-License-Identifier: MIT OR Apache-2.0
#include "counters.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace sokr::measure {
namespace {

TEST(Counters, WhatIsNotToBeHadSaysWhy) {
  const std::string names[] = {"instructions", "nonsense", "task-clock"};
  const Counters counters(names);
  ASSERT_EQ(counters.all().size(), 3u);
  for (const Counters::One& one : counters.all()) {
    EXPECT_EQ(one.descriptor < 0, !one.reason.empty()) << one.name;
  }
  EXPECT_EQ(counters.all()[1].reason, "there is no such counter");
  std::vector<double> values;
  counters.read(values);
  EXPECT_EQ(values.size(), counters.available().size());
}

// Processor time is counted without any hardware, where the system allows it at all.
TEST(Counters, ThreadsThatComeLaterCount) {
  const std::string names[] = {"task-clock"};
  const Counters counters(names);
  if (counters.available().empty()) GTEST_SKIP() << counters.all()[0].reason;
  std::vector<double> before, after;
  counters.read(before);
  std::thread([] {
    volatile std::uint64_t sum = 0;
    for (int i = 0; i < 20'000'000; ++i) sum = sum + 1;
  }).join();
  counters.read(after);
  EXPECT_GT(after[0] - before[0], 1e6);
  // The system counts time by itself.
  EXPECT_TRUE(counters.interrupted().empty());
}

}  // namespace
}  // namespace sokr::measure
