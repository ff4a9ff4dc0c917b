// SPDX-License-Identifier: MIT OR Apache-2.0
//
// More threads launch than there are cores, and no cache line is written by all of them for each
// launch: nothing has to wander from core to core, however many there are. Counted by
// written_lines.hpp, one thread after the other.
#include <gtest/gtest.h>
#include <sokr/kernel.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "support.hpp"
#include "written_lines.hpp"

namespace sokr::cpu::test {
namespace {

constexpr std::size_t kThreads = 16;
// Stripes are given out in turn; a thread of the crew that starts meanwhile takes one, too.
constexpr std::size_t kShare = kThreads / substrate::kStripes + 1;

// The most threads that write one and the same line. Each thread first does it often enough to have
// all that it allocates once.
std::size_t most_writers(const std::function<void(std::size_t thread)>& work) {
  // Not an atomic, whose waiters would ask the system about memory that is closed.
  std::mutex mutex;
  std::condition_variable next;
  std::size_t turn = 0;
  std::map<std::uintptr_t, std::size_t> writers;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      {
        std::unique_lock lock(mutex);
        next.wait(lock, [&] { return turn == i; });
      }
      {
        const Placing placing;
        for (int time = 0; time < 100; ++time) work(i);
      }
      std::set<std::uintptr_t> lines;
      // One run in so many is measured, and noted for all.
      for (std::uint32_t time = 0; time < 2; ++time) {
        const std::set<std::uintptr_t> some = written_lines([&] { work(i); });
        if (time == 0 || some.size() < lines.size()) lines = some;
      }
      for (const std::uintptr_t line : lines) ++writers[line];
      const std::lock_guard lock(mutex);
      ++turn;
      next.notify_all();
    });
  for (std::thread& thread : threads) thread.join();
  std::size_t most = 0;
  for (const auto& [line, count] : writers) most = std::max(most, count);
  return most;
}

#define SOKR_NEEDS_WRITTEN_LINES()                                \
  if (!can_see_written_lines())                                   \
  GTEST_SKIP() << "writes are seen on x86-64 without sanitizers " \
                  "only"

TEST(SharedLines, AreSeenWhereThereAreSome) {
  SOKR_NEEDS_WRITTEN_LINES();
  std::unique_ptr<std::atomic<int>> shared;
  {
    const Placing placing;
    shared = std::make_unique<std::atomic<int>>(0);
  }
  static std::atomic<int> of_the_program{0};
  std::vector<std::unique_ptr<std::atomic<int>>> own(kThreads);
  {
    const Placing placing;
    for (auto& one : own) one = std::make_unique<std::atomic<int>>(0);
  }
  EXPECT_EQ(most_writers([&](std::size_t) { ++*shared; }), kThreads);
  EXPECT_EQ(most_writers([&](std::size_t) { ++of_the_program; }), kThreads);
  EXPECT_EQ(most_writers([&](std::size_t i) { ++*own[i]; }), 1u);
  EXPECT_EQ(most_writers([&](std::size_t i) {
              // What is put back to what it was is written all the same.
              ++*own[i], ++*shared, --*shared;
            }),
            kThreads);
}

TEST(SharedLines, NoneForATokenThatIsCompleteOrEndsOnItsThread) {
  SOKR_NEEDS_WRITTEN_LINES();
  std::unique_ptr<substrate::InFlightTable> table;
  {
    const Placing placing;
    table = std::make_unique<substrate::InFlightTable>();
  }
  EXPECT_LE(most_writers([&](std::size_t) {
              EXPECT_EQ(table->poll(table->issue_complete()).signal, SOKR_COMPLETION_COMPLETE);
            }),
            kShare);
  EXPECT_LE(most_writers([&](std::size_t) {
              EXPECT_TRUE(table->await_room(65536, std::chrono::milliseconds(0)));
              const std::uint64_t token = table->begin();
              EXPECT_TRUE(table->finish(token));
              EXPECT_EQ(table->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
            }),
            kShare);
}

TEST(SharedLines, NoneForTheCountOfTasks) {
  SOKR_NEEDS_WRITTEN_LINES();
  std::unique_ptr<TaskCounts> counts;
  {
    const Placing placing;
    counts = std::make_unique<TaskCounts>();
  }
  EXPECT_LE(most_writers([&](std::size_t) {
              const std::size_t stripe = counts->add();
              EXPECT_GT(counts->left(), 0u);
              counts->end(stripe);
            }),
            kShare);
  counts->await_none();
  EXPECT_EQ(counts->put(), 2u * kThreads + 100u * kThreads);
}

// A launch of each kind for every thread, with memory of its own.
struct Launched {
  std::vector<std::uint32_t> data = std::vector<std::uint32_t>(64);
  std::unique_ptr<Dispatch> dispatch;
  SokrPreparedIr prepared{};
  SokrDispatchRequest request{};
};

std::vector<Launched> launches_of(CpuSubstrate& substrate, const char* shader) {
  Dispatch source(shader);
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_SPIRV;
  info.ir_data = source.ir.data();
  info.ir_size = source.ir.size();
  const SokrKernelInfo* all[] = {&info};
  SokrKernel kernel = 0;
  const Result<void> done = substrate.prepare(all, &kernel);
  EXPECT_TRUE(done) << done.failure().sentence;
  std::vector<Launched> launches(kThreads);
  for (Launched& one : launches) {
    one.prepared = sokr_prepared_ir(kernel);
    one.dispatch = std::make_unique<Dispatch>(shader);
    one.dispatch->bind(0, one.data).groups(2);
    one.dispatch->push = {1};
    one.request = one.dispatch->request();
    one.request.ir_data = reinterpret_cast<const std::uint8_t*>(&one.prepared);
    one.request.ir_data_len = sizeof one.prepared;
  }
  return launches;
}

TEST(SharedLines, NoneForALaunchThatRunsInsideDispatch) {
  SOKR_NEEDS_WRITTEN_LINES();
  std::unique_ptr<CpuSubstrate> substrate;
  std::vector<Launched> launches;
  {
    const Placing placing;
    substrate = make(2);
    launches = launches_of(*substrate, "scale");
    // It has to be known as short.
    for (int time = 0; time < 100; ++time)
      expect_complete(*substrate, substrate->dispatch(launches[0].request));
  }
  const std::uint64_t tasks = substrate->tasks_put();
  EXPECT_LE(most_writers([&](std::size_t i) {
              const Result<std::uint64_t> token = substrate->dispatch(launches[i].request);
              EXPECT_EQ(substrate->completion(*token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
            }),
            kShare);
  EXPECT_EQ(substrate->tasks_put(), tasks) << "they did not run inside dispatch";
}

// What the dispatching thread does of one that others run.
TEST(SharedLines, NoneForADispatchToOthers) {
  SOKR_NEEDS_WRITTEN_LINES();
  std::unique_ptr<CpuSubstrate> substrate;
  std::vector<Launched> launches;
  {
    const Placing placing;
    substrate = make(2);
    launches = launches_of(*substrate, "rounds");  // has a loop, so nobody knows how long it takes
    expect_complete(*substrate, substrate->dispatch(launches[0].request));
  }
  const std::uint64_t tasks = substrate->tasks_put();
  std::array<std::vector<std::uint64_t>, kThreads> tokens;
  for (auto& some : tokens) some.reserve(256);
  EXPECT_LE(most_writers([&](std::size_t i) {
              tokens[i].push_back(*substrate->dispatch(launches[i].request));
            }),
            kShare);
  EXPECT_GT(substrate->tasks_put(), tasks);
  for (const auto& some : tokens)
    for (const std::uint64_t token : some) expect_complete(*substrate, token);
}

}  // namespace
}  // namespace sokr::cpu::test
