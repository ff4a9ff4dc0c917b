// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Threads that look out for tasks: each task is had once, by who looks, and none is lost between
// who stops looking and who gives.
#include "runtime/lookout.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace sokr::cpu::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kStay = [] { return true; };
constexpr auto kGo = [] { return false; };

TEST(Lookout, NobodyTakesATaskWhereNobodyLooks) {
  Lookout lookout(2);
  int task = 0;
  EXPECT_FALSE(lookout.give(&task, 0, 2));
  EXPECT_EQ(lookout.look(0, 1us, kStay), nullptr);
  EXPECT_EQ(lookout.look(1, 1us, kGo), nullptr);
  EXPECT_FALSE(lookout.anybody_at(0));
  EXPECT_FALSE(lookout.give(&task, 0, 2)) << "both have gone";
}

TEST(Lookout, WhoLooksGetsWhatIsGivenToItsPlace) {
  Lookout lookout(3);
  int task = 0;
  void* given = nullptr;
  std::thread looker([&] { given = lookout.look(1, 1h, kStay); });
  while (!lookout.anybody_at(1)) std::this_thread::yield();
  EXPECT_FALSE(lookout.give(&task, 0, 1));
  EXPECT_FALSE(lookout.give(&task, 2, 3));
  EXPECT_TRUE(lookout.give(&task, 0, 3));
  EXPECT_FALSE(lookout.give(&task, 0, 3)) << "one task at a time";
  looker.join();
  EXPECT_EQ(given, &task);
}

TEST(Lookout, APlaceThatThereIsNotIsNotLookedAt) {
  Lookout lookout(1);
  EXPECT_EQ(lookout.look(1, 1h, kStay), nullptr);
  lookout.note_begun(0), lookout.note_begun(1), lookout.note_begun(7);
  EXPECT_EQ(lookout.begun(), 3u);
}

// As the executor does it: who gives says so first, who looks asks once whether somebody did.
TEST(Lookout, ATaskIsGivenOrTold) {
  constexpr int kTasks = 20'000;
  Lookout lookout(2);
  std::vector<std::atomic<int>> taken(kTasks);
  std::atomic<int> told{0}, had{0};
  std::atomic<bool> ending{false};
  std::vector<std::thread> lookers;
  for (std::size_t place = 0; place < 2; ++place)
    lookers.emplace_back([&, place] {
      while (!ending.load()) {
        void* const task = lookout.look(place, 5us, [&] { return told.load() == had.load(); });
        if (task == nullptr) continue;
        static_cast<std::atomic<int>*>(task)->fetch_add(1);
        had.fetch_add(1);
      }
    });
  for (std::atomic<int>& task : taken) {
    told.fetch_add(1);
    if (lookout.give(&task, 0, 2)) continue;
    task.fetch_add(1);
    had.fetch_add(1);
  }
  while (had.load() != kTasks) std::this_thread::yield();
  ending = true;
  for (std::thread& looker : lookers) looker.join();
  for (const std::atomic<int>& task : taken) ASSERT_EQ(task.load(), 1);
}

}  // namespace
}  // namespace sokr::cpu::test
