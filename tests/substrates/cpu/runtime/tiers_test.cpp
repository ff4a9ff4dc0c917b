// SPDX-License-Identifier: MIT OR Apache-2.0
//
// First versions of kernels, and the full ones that replace them.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "runtime/improver.hpp"
#include "runtime/kernel_store.hpp"
#include "support.hpp"

namespace sokr::cpu::test {
namespace {

namespace fs = std::filesystem;

KernelStoreOptions tiered(Tier tier, const fs::path& cache = {}) {
  KernelStoreOptions out = options(cache);
  out.tier = tier;
  return out;
}

// `scale` on 64 numbers, over and over; each result is looked at.
void scale(CpuSubstrate& substrate, int times) {
  std::vector<std::uint32_t> data(64, 7);
  Dispatch dispatch("scale");
  dispatch.bind(0, data).groups(2).push = {1};
  dispatch.specializations = {{3, 4, 3}};
  for (int i = 0; i < times; ++i) {
    std::fill(data.begin(), data.end(), 7u);
    expect_complete(substrate, dispatch.on(substrate));
    ASSERT_EQ(data, std::vector<std::uint32_t>(64, 7 * 3 + 1)) << i;
  }
}

TEST(Tiers, AFirstVersionIsReplacedOnceItHasRunLongEnough) {
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.first_version_lasts = std::chrono::nanoseconds(1);
  CpuSubstrate substrate(log.host(), options, 2);
  scale(substrate, 10);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 1);
  scale(substrate, 1000);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 1);
}

TEST(Tiers, AFirstVersionThatHardlyRunsStays) {
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.first_version_lasts = std::chrono::hours(1);
  CpuSubstrate substrate(log.host(), options, 2);
  scale(substrate, 1000);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 0);
}

// Launches inside of dispatch are measured now and then: each of several that take turns.
TEST(Tiers, KernelsThatTakeTurnsAreAllReplaced) {
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.first_version_lasts = std::chrono::microseconds(50);
  CpuSubstrate substrate(log.host(), options, 2);
  constexpr std::uint32_t kKernels = 4;
  std::vector<std::uint32_t> data(64);
  std::vector<Dispatch> dispatches;
  for (std::uint32_t factor = 0; factor < kKernels; ++factor) {
    dispatches.emplace_back("scale").bind(0, data).groups(2).push = {1};
    dispatches.back().specializations = {{3, 4, factor}};
  }
  for (int round = 0; round < 50'000; ++round)
    for (Dispatch& dispatch : dispatches)
      ASSERT_TRUE(substrate.dispatch(dispatch.request())) << round;
  substrate.await_better_kernels();
  EXPECT_EQ(log.full(), static_cast<int>(kKernels));
}

// The full version takes over in the middle of launches: each sees its own results.
TEST(Tiers, WorkgroupsOfOneLaunchMayRunEither) {
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.first_version_lasts = std::chrono::nanoseconds(1);
  constexpr std::uint32_t kGroups = 1 << 15;
  std::vector<std::uint32_t> data(kGroups * 32);
  for (int round = 0; round < 3; ++round) {
    CpuSubstrate substrate(log.host(), options, 2);
    Dispatch dispatch("scale");
    dispatch.bind(0, data).groups(kGroups).push = {1};
    dispatch.specializations = {{3, 4, 3}};
    for (int launch = 0; launch < 20; ++launch) {
      std::fill(data.begin(), data.end(), 7u);
      expect_complete(substrate, dispatch.on(substrate));
      ASSERT_EQ(std::count(data.begin(), data.end(), 7u * 3 + 1),
                static_cast<std::ptrdiff_t>(data.size()));
    }
  }
  EXPECT_EQ(log.first(), 3);
}

// `scale` by `factor`, prepared with an option.
SokrKernel prepare_scale(CpuSubstrate& substrate, std::uint32_t factor, const char* option) {
  const std::vector<std::uint8_t> ir = read_shader("scale");
  const SokrSpecialization by{3, 4, factor};
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_SPIRV;
  info.ir_data = ir.data();
  info.ir_size = ir.size();
  info.entry = "main";
  info.specializations = &by;
  info.specialization_count = 1;
  info.specialization_size = sizeof by;
  info.options = &option;
  info.option_count = 1;
  const SokrKernelInfo* all[] = {&info};
  SokrKernel kernel = 0;
  const Result<void> prepared = substrate.prepare(all, &kernel);
  EXPECT_TRUE(prepared) << prepared.failure().sentence;
  return kernel;
}

TEST(Later, IsCompiledByTheLaunchThatNeedsIt) {
  TemporaryFolder cache;
  Log log;
  {
    CpuSubstrate substrate(log.host(), tiered(Tier::kQuick, cache.path()), 2);
    prepare_scale(substrate, 3, "compile=later");
    prepare_scale(substrate, 4, "compile=later");
    substrate.await_better_kernels();
    EXPECT_EQ(log.first(), 0);
    scale(substrate, 3);  // by 3
    EXPECT_EQ(log.first(), 1);
    prepare_scale(substrate, 4, "compile=soon");
    substrate.await_better_kernels();
    EXPECT_EQ(log.first(), 2);
  }
  CpuSubstrate substrate(log.host(), tiered(Tier::kQuick, cache.path()), 2);
  prepare_scale(substrate, 4, "compile=soon");
  substrate.await_better_kernels();
  EXPECT_EQ(log.compiled(), 2) << "it was on disk";
}

// What an earlier process judged is not judged again, for which the compiler would be opened.
TEST(Later, IsJudgedOnceForAllProcesses) {
  TemporaryFolder cache;
  struct Opened {
    Opened() {
      info = {sizeof info, SOKR_COMPUTE_VERSION, &take, this, SOKR_LOG_DEBUG, 0, nullptr};
    }
    static void take(void* self, std::uint32_t, const char* text) {
      static_cast<Opened*>(self)->count += std::string_view(text).starts_with("cpu: opened ");
    }
    SokrHostInfo info{};
    std::atomic<int> count{0};
  };
  for (const int process : {1, 2}) {
    Opened opened;
    CpuSubstrate substrate(substrate::Host(&opened.info), tiered(Tier::kAuto, cache.path()), 2);
    prepare_scale(substrate, 3, "compile=later");
    EXPECT_EQ(opened.count, process == 1 ? 1 : 0);
    prepare_scale(substrate, 4, "compile=later");
    EXPECT_EQ(opened.count, process == 1 ? 1 : 0);
    if (process == 1) continue;
    prepare_scale(substrate, 5, "compile=later");
    EXPECT_EQ(opened.count, 1) << "of another constant nothing is known";
  }
}

TEST(Later, APreparedOneIsHastened) {
  Log log;
  CpuSubstrate substrate(log.host(), tiered(Tier::kAuto), 2);
  const SokrPreparedIr ir = sokr_prepared_ir(prepare_scale(substrate, 3, "compile=later"));
  const char* soon = "compile=soon";
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_PREPARED;
  info.ir_data = reinterpret_cast<const std::uint8_t*>(&ir);
  info.ir_size = sizeof ir;
  info.options = &soon;
  info.option_count = 1;
  const SokrKernelInfo* all[] = {&info};
  SokrKernel kernel = 0;
  ASSERT_TRUE(substrate.prepare(all, &kernel));
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
}

// Those that wait their turn when the substrate goes are not waited for.
TEST(Later, ASubstrateGoesBeforeAllIsCompiled) {
  Log log;
  {
    CpuSubstrate substrate(log.host(), tiered(Tier::kAuto), 2);
    for (std::uint32_t factor = 1; factor < 65; ++factor)
      prepare_scale(substrate, factor, "compile=soon");
  }
  EXPECT_LT(log.compiled(), 64);
}

// Of 64 kernels that are released while a thread is with the first of them some are not made.
TEST(Later, WhatIsReleasedIsNotCompiled) {
  Log log;
  CpuSubstrate substrate(log.host(), tiered(Tier::kAuto), 2);
  for (std::uint32_t factor = 1; factor < 65; ++factor)
    ASSERT_TRUE(substrate.release(prepare_scale(substrate, factor, "compile=soon")));
  substrate.await_better_kernels();
  EXPECT_LT(log.compiled(), 64);
}

// Waits for a door to be opened.
class Door {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }
  // False where it stays closed for as long as nothing here takes.
  bool opens() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// Urgent work comes first, and nothing else is begun while some of it waits.
TEST(Improver, UrgentWorkComesFirst) {
  Improver improver(1, 1);
  Door door;
  std::mutex mutex;
  std::string order;
  const auto note = [&](char what) {
    const std::lock_guard lock(mutex);
    order += what;
  };
  ASSERT_TRUE(improver.put_urgent(
      [&](Improver::Turn&) {
        door.wait();
        note('u');
      },
      1));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(improver.put([&](Improver::Turn&) { note('p'); }, false));
  ASSERT_TRUE(improver.put_urgent([&](Improver::Turn&) { note('v'); }, 1));
  door.open();
  improver.drain();
  EXPECT_EQ(order, "uvppp");
}

// What would keep the others waiting for its end if it were the last.
TEST(Improver, TheLargestComesFirst) {
  Improver improver(1, 1);
  Door door;
  std::string order;  // one thread at a time
  ASSERT_TRUE(improver.put_urgent([&](Improver::Turn&) { door.wait(); }, 9));
  const std::size_t sizes[] = {3, 7, 1, 7, 5};
  for (std::size_t i = 0; i < 5; ++i)
    ASSERT_TRUE(improver.put_urgent(
        [&, i](Improver::Turn&) { order += static_cast<char>('a' + i); }, sizes[i]));
  door.open();
  improver.drain();
  EXPECT_EQ(order, "bdeac");
}

// By what is known when their turn comes, not when they were put.
TEST(Improver, OfWhatIsPatientTheMostGainComesFirst) {
  Improver improver(1, 1);
  Door door;
  std::string order;  // one thread at a time
  std::array<std::int64_t, 4> gains{4, 3, 2, 1};
  ASSERT_TRUE(improver.put_urgent([&](Improver::Turn&) { door.wait(); }, 1));
  for (std::size_t i = 0; i < gains.size(); ++i)
    ASSERT_TRUE(improver.put(
        [&, i](Improver::Turn&) {
          order += static_cast<char>('a' + i);
          if (i == 2) gains[3] = 5;
        },
        false, [&, i] { return gains[i]; }));
  gains[2] = 9;
  door.open();
  improver.drain();
  EXPECT_EQ(order, "cdab");
}

// Who computes beside what is patient is not to wait for it.
TEST(Improver, WhatIsPatientLetsOthersGoFirst) {
  const auto niceness = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
  Improver improver(1, 1);
  int urgent = -1, patient = -1;
  ASSERT_TRUE(improver.put_urgent([&](Improver::Turn&) { urgent = niceness(); }, 1));
  improver.drain();
  ASSERT_TRUE(improver.put([&](Improver::Turn&) { patient = niceness(); }, false));
  improver.drain();
  EXPECT_EQ(urgent, niceness());
  EXPECT_GT(patient, std::min(urgent, 18));
}

// One urgent piece of work that lasts does not hold up what may run beside it.
TEST(Improver, WhatIsPatientTakesWhatUrgentWorkLeaves) {
  Improver improver(1, 2);
  Door door, began;
  ASSERT_TRUE(improver.put_urgent([&](Improver::Turn&) { door.wait(); }, 1));
  ASSERT_TRUE(improver.put([&](Improver::Turn&) { began.open(); }, false));
  EXPECT_TRUE(began.opens());
  door.open();
  improver.drain();
}

// The host's log, which holds up the first compilation until another one begins.
class HeldUp {
 public:
  HeldUp() { info_ = {sizeof info_, SOKR_COMPUTE_VERSION, &take, this, SOKR_LOG_INFO, 0, nullptr}; }
  substrate::Host host() const { return substrate::Host(&info_); }
  bool was_passed() const { return was_passed_; }
  int begun() const { return begun_; }

 private:
  static void take(void* context, std::uint32_t, const char* text) {
    auto& self = *static_cast<HeldUp*>(context);
    if (!std::string_view(text).starts_with("cpu: compiling ")) return;
    if (self.begun_.fetch_add(1) == 0)
      self.was_passed_ = self.second_.opens();
    else
      self.second_.open();
  }
  SokrHostInfo info_{};
  std::atomic<int> begun_{0};
  std::atomic<bool> was_passed_{false};
  Door second_;
};

// One kernel, prepared three times, is compiled by one thread, and the other goes on.
TEST(Later, EqualKernelsTakeOneThread) {
  HeldUp log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.ahead_threads = 2;
  CpuSubstrate substrate(log.host(), options, 2);
  for (int i = 0; i < 3; ++i) prepare_scale(substrate, 3, "compile=soon");
  prepare_scale(substrate, 4, "compile=soon");
  substrate.await_better_kernels();
  EXPECT_TRUE(log.was_passed());
  scale(substrate, 1);
}

// `aliased` on the same memory twice, or on memory of its own.
void read_back(CpuSubstrate& substrate, bool overlaps) {
  std::vector<std::uint32_t> a(64, 5), b(64, 6), c(64);
  Dispatch dispatch("aliased");
  dispatch.bind(0, a).bind(1, overlaps ? a : b).bind(2, c).groups(2);
  expect_complete(substrate, dispatch.on(substrate));
  EXPECT_EQ(c, std::vector<std::uint32_t>(64, overlaps ? 5006 : 5005));
}

// Only full versions are made for memory that overlaps and for other.
TEST(Tiers, AFirstVersionIsForAllMemory) {
  for (const bool overlaps : {false, true}) {
    TemporaryFolder cache;
    Log log;
    CpuSubstrate substrate(log.host(), tiered(Tier::kQuick, cache.path()), 2);
    read_back(substrate, overlaps);
    read_back(substrate, !overlaps);
    EXPECT_EQ(log.first(), 1) << overlaps;
    EXPECT_EQ(cache.files().size(), 1U) << overlaps;
  }
  Log log;
  CpuSubstrate substrate(log.host(), tiered(Tier::kFull), 2);
  for (const bool overlaps : {false, true}) read_back(substrate, overlaps);
  EXPECT_EQ(log.full(), 2);
}

// That one of this process is used for other memory does not mean that the kernel has come again.
TEST(Tiers, AFirstVersionForOtherMemoryIsNoReasonForTheFullOne) {
  TemporaryFolder cache;
  Log log;
  KernelStoreOptions options = tiered(Tier::kAuto, cache.path());
  options.first_version_lasts = std::chrono::hours(1);
  {
    CpuSubstrate substrate(log.host(), options, 2);
    for (const bool overlaps : {false, true}) read_back(substrate, overlaps);
  }
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 0);
}

// A kernel that is to be compiled for both kinds of memory takes one thread, and the other goes on.
TEST(Later, AFirstVersionForAllMemoryTakesOneThread) {
  HeldUp log;
  KernelStoreOptions options = tiered(Tier::kAuto);
  options.ahead_threads = 2;
  CpuSubstrate substrate(log.host(), options, 2);
  const SokrPreparedIr ir = sokr_prepared_ir(prepare_scale(substrate, 3, "compile=later"));
  for (const char* bindings : {"bindings=apart", "bindings=overlap"}) {
    const char* options_of_it[] = {"compile=soon", bindings};
    SokrKernelInfo info{};
    info.struct_size = sizeof info;
    info.ir_format = SOKR_IR_PREPARED;
    info.ir_data = reinterpret_cast<const std::uint8_t*>(&ir);
    info.ir_size = sizeof ir;
    info.options = options_of_it;
    info.option_count = 2;
    const SokrKernelInfo* all[] = {&info};
    SokrKernel kernel = 0;
    ASSERT_TRUE(substrate.prepare(all, &kernel));
  }
  prepare_scale(substrate, 4, "compile=soon");
  substrate.await_better_kernels();
  EXPECT_TRUE(log.was_passed());
  EXPECT_EQ(log.begun(), 2);
  scale(substrate, 1);
}

TEST(Tiers, AreFixedWhereTheOptionSaysSo) {
  {
    Log log;
    CpuSubstrate substrate(log.host(), tiered(Tier::kFull), 2);
    scale(substrate, 2);
    EXPECT_EQ(log.first(), 0);
    EXPECT_EQ(log.full(), 1);
  }
  Log log;
  CpuSubstrate substrate(log.host(), tiered(Tier::kQuick), 2);
  scale(substrate, 100'000);
  substrate.await_better_kernels();
  EXPECT_EQ(log.first(), 1);
  EXPECT_EQ(log.full(), 0);
}

TEST(Tiers, HaveNames) {
  for (const Tier tier : {Tier::kAuto, Tier::kQuick, Tier::kFull})
    EXPECT_EQ(*tier_from_name(tier_name(tier)), tier);
  EXPECT_EQ(*tier_from_name(""), Tier::kAuto);
  EXPECT_EQ(tier_from_name("Full").failure().sentence,
            "'Full' is no tier; there are auto, quick and full");
}

// What a process leaves on disk before it has a full version is enough for the next to begin
// with; that it came again makes the full one worth its compilation, even beyond the end.
TEST(Tiers, TheSecondProcessMakesTheFullVersionForTheThird) {
  TemporaryFolder cache;
  for (const int process : {1, 2, 3}) {
    Log log;
    {
      KernelStoreOptions options = tiered(Tier::kAuto, cache.path());
      options.first_version_lasts = std::chrono::hours(1);
      CpuSubstrate substrate(log.host(), options, 2);
      scale(substrate, 100);
      if (process == 1) {
        EXPECT_EQ(log.full(), 0);
      }
    }
    EXPECT_EQ(log.first(), process == 1 ? 1 : 0) << process;
    EXPECT_EQ(log.full(), process == 2 ? 1 : 0) << process;
  }
  EXPECT_EQ(cache.files().size(), 2U);
}

// A process that ends without taking anything down leaves the full version of a large kernel
// unmade: who finds that it had been begun in vain waits for it.
TEST(Tiers, WhatTheSecondProcessBeganInVainTheThirdMakesAtOnce) {
  TemporaryFolder cache;
  KernelStoreOptions large = tiered(Tier::kAuto, cache.path());
  large.first_version_lasts = std::chrono::hours(1);
  large.small_draft = 0;
  large.most_in_vain = 1;
  {
    CpuSubstrate substrate(substrate::Host(), large, 2);
    scale(substrate, 1);
  }
  const auto of_first = cache.files();
  ASSERT_EQ(of_first.size(), 1U);
  {
    Log log;
    {
      CpuSubstrate substrate(log.host(), large, 2);
      scale(substrate, 10);
    }
    EXPECT_EQ(log.first(), 0);
    EXPECT_EQ(log.full(), 1);  // beside the first version, which is as far as others come
  }
  // What it made is lost; that it began is not.
  fs::path made;
  for (const fs::path& file : cache.files())
    if (file != of_first[0] && (made.empty() || fs::file_size(file) > fs::file_size(made)))
      made = file;
  ASSERT_EQ(cache.files().size(), 3U);
  ASSERT_TRUE(fs::remove(made));
  Log log;
  CpuSubstrate substrate(log.host(), large, 2);
  scale(substrate, 1);
  EXPECT_EQ(log.first(), 0);
  EXPECT_EQ(log.full(), 1);
}

// Nobody waits for all of many kernels at once: the others have a first version.
TEST(Tiers, AProcessWaitsForOneOfManyFullVersions) {
  TemporaryFolder cache;
  const auto launch_all = [](CpuSubstrate& substrate) {
    for (std::uint32_t factor = 2; factor < 8; ++factor) {
      std::vector<std::uint32_t> data(64, 7);
      Dispatch dispatch("scale");
      dispatch.bind(0, data).groups(2).push = {1};
      dispatch.specializations = {{3, 4, factor}};
      expect_complete(substrate, dispatch.on(substrate));
      ASSERT_EQ(data, std::vector<std::uint32_t>(64, 7 * factor + 1));
    }
  };
  KernelStoreOptions options = tiered(Tier::kAuto, cache.path());
  options.first_version_lasts = std::chrono::hours(1);
  {
    CpuSubstrate substrate(substrate::Host(), options, 2);
    launch_all(substrate);
  }
  // Each of them is small, and waiting for the first one takes longer than that.
  options.most_wait = std::chrono::nanoseconds(1);
  options.compiler_threads = 0;  // so that nothing is made by anybody else
  {
    Log log;
    CpuSubstrate substrate(log.host(), options, 2);
    launch_all(substrate);
    EXPECT_EQ(log.first(), 0);
    EXPECT_EQ(log.full(), 1);
  }
}

// In a process that finds no full version, but how often one was begun in vain.
TEST(Tiers, ALargeFullVersionIsWaitedForWhenItWasBegunInVainSomeTimes) {
  TemporaryFolder cache;
  KernelStoreOptions large = tiered(Tier::kAuto, cache.path());
  large.first_version_lasts = std::chrono::hours(1);
  large.small_draft = 0;
  large.compiler_threads = 0;  // as if each process ended before it was made
  for (int process = 1; process <= 2 + large.most_in_vain; ++process) {
    Log log;
    CpuSubstrate substrate(log.host(), large, 2);
    scale(substrate, 10);
    EXPECT_EQ(log.first(), process == 1 ? 1 : 0) << process;
    EXPECT_EQ(log.full(), process == 2 + large.most_in_vain ? 1 : 0) << process;
  }
}

TEST(Tiers, WhatIsOnDiskInFullIsTakenAtOnce) {
  TemporaryFolder cache;
  {
    CpuSubstrate substrate(substrate::Host(), tiered(Tier::kFull, cache.path()), 2);
    scale(substrate, 1);
  }
  Log log;
  CpuSubstrate substrate(log.host(), tiered(Tier::kAuto, cache.path()), 2);
  scale(substrate, 1);
  EXPECT_EQ(log.first() + log.full(), 0);
}

TEST(Improver, DoesAllThatItIsGivenAndOutlivesWhatFails) {
  std::atomic<int> done{0};
  Improver improver(2);
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(improver.put(
        [&done, i](auto&) {
          ++done;
          if (i % 3 == 0) throw std::runtime_error("no");
        },
        false));
  improver.drain();
  EXPECT_EQ(done, 100);
}

TEST(Improver, DropsAtItsEndWhatHasNotBegunAndIsNotPromised) {
  std::atomic<int> promised{0}, dropped{0};
  Door begun;
  {
    Improver improver(1);
    improver.put(
        [&](Improver::Turn& turn) {
          const std::unique_lock stays(turn, std::try_to_lock);
          begun.open();
          while (!turn.cancelled().load()) std::this_thread::yield();
        },
        false);
    begun.wait();
    improver.put([&](auto&) { ++dropped; }, false);
    improver.put([&](Improver::Turn& turn) { promised += turn.cancelled() ? 0 : 1; }, true);
  }
  EXPECT_EQ(dropped, 0);
  EXPECT_EQ(promised, 1);
}

// A stage of LLVM may take long, and cannot be told to end.
TEST(Improver, DoesNotWaitAtItsEndForWhatIsUnderWay) {
  struct Seen {
    Door begun, go_on, done;
    bool before = false, after = true, cancelled = false;
  };
  const auto seen = std::make_shared<Seen>();
  {
    Improver improver(1);
    improver.put(
        [seen](Improver::Turn& turn) {
          std::unique_lock stays(turn, std::try_to_lock);
          seen->before = stays.owns_lock();
          if (stays) stays.unlock();
          seen->begun.open();
          seen->go_on.wait();  // which is opened when the improver is gone
          seen->after = stays.try_lock();
          seen->cancelled = turn.cancelled();
          seen->done.open();
        },
        false);
    seen->begun.wait();
  }
  seen->go_on.open();
  seen->done.wait();
  EXPECT_TRUE(seen->before);
  EXPECT_FALSE(seen->after);
  EXPECT_TRUE(seen->cancelled);
}

TEST(Improver, WaitsAtItsEndForWhoUsesWhatGoesWithIt) {
  Door begun;
  std::atomic<bool> used{false};
  {
    Improver improver(1);
    improver.put(
        [&](Improver::Turn& turn) {
          const std::unique_lock stays(turn, std::try_to_lock);
          begun.open();
          while (!turn.cancelled()) std::this_thread::yield();  // set when the end waits
          used = true;
        },
        false);
    begun.wait();
  }
  EXPECT_TRUE(used);
}

}  // namespace
}  // namespace sokr::cpu::test
