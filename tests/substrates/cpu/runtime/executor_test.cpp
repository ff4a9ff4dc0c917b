// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The executor alone: kernels are functions of this file, and there is neither a token nor a
// buffer.
#include "runtime/executor.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace sokr::cpu::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Counts = std::array<std::uint32_t, 3>;

constexpr Clock::time_point kEndless = Clock::time_point::max();

// What the kernels here find behind their only binding.
struct Board {
  std::vector<std::atomic<std::uint32_t>> runs;   // of each workgroup
  std::atomic<std::uint32_t> begun{0};            // workgroups
  std::atomic<std::uint32_t>* awaited = nullptr;  // a workgroup ends when this is not 0
  explicit Board(std::size_t groups) : runs(groups) {}
};

void count(const KernelContext* context, std::uint32_t begin, std::uint32_t end, void*) {
  auto& board = *static_cast<Board*>(context->bindings[0].data);
  for (std::uint32_t group = begin; group < end; ++group) {
    board.begun.fetch_add(1);
    board.begun.notify_all();
    if (group < board.runs.size()) board.runs[group].fetch_add(1);
    while (board.awaited && board.awaited->load() == 0)
      if (reinterpret_cast<const std::atomic<std::uint32_t>*>(context->abort)->load() != 0) return;
  }
}

std::shared_ptr<Runnable> kernel(float ns_per_group = 0, bool has_loops = false) {
  auto made = std::make_shared<Runnable>();
  made->entry = count;
  made->has_loops = has_loops;
  made->ns_per_group = ns_per_group;
  return made;
}

Bindings on(Board& board) {
  Bindings bindings;
  bindings.push_back({&board, sizeof board});
  return bindings;
}

// An executor that counts what ended, and whose launches can be waited for as `cpu` does it.
struct Machine {
  std::atomic<std::uint32_t> ended{0};
  std::function<void(const Executor::LaunchPointer&)> then;
  Executor executor;

  explicit Machine(unsigned threads)
      : executor(threads, [this](const auto& launch) {
          if (then) then(launch);
          ended.fetch_add(1);
          ended.notify_all();
        }) {}

  Executor::LaunchPointer start(const std::shared_ptr<Runnable>& what, Board& board,
                                const Counts& groups) {
    auto launch = std::make_shared<Launch>(what, on(board), decltype(owners_)(),
                                           std::span<const std::uint8_t>(), Counts{}, false);
    executor.start(launch, groups);
    return launch;
  }
  void await(std::uint32_t launches) {
    for (std::uint32_t seen; (seen = ended.load()) < launches;) ended.wait(seen);
  }

 private:
  std::vector<std::shared_ptr<const substrate::HostBuffer>> owners_;
};

void expect_each_once(const Board& board) {
  for (std::size_t group = 0; group < board.runs.size(); ++group)
    ASSERT_EQ(board.runs[group].load(), 1u) << "workgroup " << group;
}

TEST(Executor, EveryWorkgroupRunsOnceWhoeverTakesPart) {
  for (const unsigned threads : {1u, 2u, 3u, 7u})
    for (const Counts groups : {Counts{1, 1, 1}, Counts{3, 5, 7}, Counts{1000, 2, 1}})
      for (const float known : {0.0f, 100.0f, 200'000.0f})
        for (const int waiters : {0, 1, 3}) {
          Machine machine(threads);
          Board board(std::size_t{groups[0]} * groups[1] * groups[2]);
          const auto launch = machine.start(kernel(known), board, groups);
          std::vector<std::thread> others;
          for (int i = 0; i < waiters; ++i)
            others.emplace_back([&] { machine.executor.take_part(launch, kEndless); });
          machine.await(1);
          for (std::thread& other : others) other.join();
          expect_each_once(board);
          EXPECT_EQ(machine.ended.load(), 1u);
        }
}

TEST(Executor, NothingToRunEndsAtOnce) {
  Machine machine(2);
  Board board(0);
  machine.start(kernel(), board, {4, 0, 4});
  EXPECT_EQ(machine.ended.load(), 1u);
  EXPECT_EQ(board.begun.load(), 0u);
  EXPECT_EQ(machine.executor.tasks_put(), 0u);
}

TEST(Executor, WhatIsKnownToBeShortMayRunInline) {
  const auto is_short = [](float known, bool loops, const Counts& groups) {
    return Executor::is_short(*kernel(known, loops), groups);
  };
  EXPECT_TRUE(is_short(10, false, {100, 1, 1}));
  EXPECT_FALSE(is_short(0, false, {1, 1, 1})) << "how long it takes is not known";
  EXPECT_FALSE(is_short(10, true, {1, 1, 1})) << "other data may make it endless";
  EXPECT_FALSE(is_short(10, false, {UINT32_MAX, UINT32_MAX, UINT32_MAX}));
  Machine machine(2);
  Board board(6);
  machine.executor.run_here(*kernel(10), on(board), {}, {3, 2, 1}, {});
  expect_each_once(board);
  EXPECT_EQ(machine.executor.tasks_put(), 0u);
}

TEST(Executor, AWaiterWithALimitIsLetGoAndOthersGoOn) {
  Machine machine(2);
  std::atomic<std::uint32_t> open{0};
  Board board(64);
  board.awaited = &open;
  const auto launch = machine.start(kernel(1'000, true), board, {64, 1, 1});
  for (int i = 0; i < 3; ++i) machine.executor.take_part(launch, Clock::now() + 1ms);
  EXPECT_EQ(machine.ended.load(), 0u);
  open = 1;
  machine.await(1);
  expect_each_once(board);
}

TEST(Executor, WhatIsAbandonedEndsWithoutItsOtherWorkgroups) {
  Machine machine(2);
  std::atomic<std::uint32_t> never{0};
  Board board(1'000'000);
  board.awaited = &never;
  const auto launch = machine.start(kernel(), board, {1'000'000, 1, 1});
  board.begun.wait(0);
  launch->abandon();
  machine.await(1);
  EXPECT_TRUE(launch->abandoned());
  EXPECT_LT(board.begun.load(), 1'000'000u);
}

TEST(Executor, AChainOfShortOnesIsGivenToTheCrewOnce) {
  constexpr std::uint32_t kLength = 100;
  Machine machine(3);
  Board board(0);
  const auto brief = kernel(10, true);
  std::vector<std::thread::id> ran;
  std::uint32_t started = 1;
  machine.then = [&](const auto&) {
    ran.push_back(std::this_thread::get_id());
    if (started++ < kLength) machine.start(brief, board, {1, 1, 1});
  };
  machine.start(brief, board, {1, 1, 1});
  machine.await(kLength);
  EXPECT_EQ(board.begun.load(), kLength);
  // A turn may have ended in between, where the machine is busy.
  std::size_t changes = 0;
  for (std::size_t i = 1; i < ran.size(); ++i) changes += ran[i] != ran[i - 1];
  EXPECT_LE(changes, machine.executor.tasks_put() - 1);
  EXPECT_LT(machine.executor.tasks_put(), kLength / 2);
}

// More launches that keep their threads than threads: those of another executor go on.
TEST(Executor, OneThatIsFullStarvesNoOther) {
  std::atomic<std::uint32_t> open{0};
  Machine full(2), other(2);
  Board kept(8);
  kept.awaited = &open;
  for (int i = 0; i < 4; ++i) full.start(kernel(), kept, {8, 1, 1});
  kept.begun.wait(0);
  for (int i = 0; i < 20; ++i) {
    Board board(100);
    other.start(kernel(i < 10 ? 0.0f : 100'000.0f), board, {100, 1, 1});
    other.await(static_cast<std::uint32_t>(i) + 1);  // nobody takes part
    expect_each_once(board);
  }
  EXPECT_EQ(full.ended.load(), 0u);
  open = 1;
  full.await(4);
}

TEST(Executor, ManyLaunchesAtOnceShareTheThreads) {
  Machine machine(4);
  std::vector<std::unique_ptr<Board>> boards;
  for (int i = 0; i < 50; ++i) {
    boards.push_back(std::make_unique<Board>(257));
    machine.start(kernel(i % 2 ? 0.0f : 50'000.0f), *boards.back(), {257, 1, 1});
  }
  machine.await(50);
  for (const auto& board : boards) expect_each_once(*board);
}

}  // namespace
}  // namespace sokr::cpu::test
