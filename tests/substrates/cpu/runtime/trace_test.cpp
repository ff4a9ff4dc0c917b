// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the host's trace is told: which thread ran which workgroups of a launch, which one compiled,
// and when.
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support.hpp"

namespace sokr::cpu::test {
namespace {

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

// A host that traces.
class Tracing {
 public:
  struct Told {
    SokrTraceSlice slice;
    std::string thread, name;  // empty: null
    std::thread::id on;
  };

  Tracing() {
    info_.struct_size = sizeof info_;
    info_.compute_version = SOKR_COMPUTE_VERSION;
    info_.trace = &take;
    info_.trace_context = this;
  }
  // As a host of this size is seen: what lies behind is something else.
  substrate::Host host(std::size_t size = sizeof(SokrHostInfo)) {
    info_.struct_size = static_cast<std::uint32_t>(size);
    return substrate::Host(&info_);
  }
  // Of launches.
  std::vector<Told> told() { return told(false); }
  std::vector<Told> compilations() { return told(true); }

 private:
  std::vector<Told> told(bool compiled) {
    const std::lock_guard lock(mutex_);
    std::vector<Told> found;
    for (const Told& one : told_)
      if ((one.slice.group_count == 0) == compiled) found.push_back(one);
    return found;
  }
  static void take(void* self, const SokrTraceSlice* slice) {
    auto& tracing = *static_cast<Tracing*>(self);
    const auto text = [](const char* given) { return std::string(given ? given : ""); };
    const std::lock_guard lock(tracing.mutex_);
    EXPECT_EQ(slice->struct_size, sizeof *slice);
    EXPECT_STREQ(slice->substrate, "cpu");
    tracing.told_.push_back(
        {*slice, text(slice->thread), text(slice->name), std::this_thread::get_id()});
  }

  SokrHostInfo info_{};
  std::mutex mutex_;
  std::vector<Told> told_;
};

// Two workgroups, each of which waits for the other: two threads have to run them.
std::uint64_t meet(CpuSubstrate& substrate) {
  std::vector<std::uint32_t> data{2, 0, 0, 0};
  Dispatch dispatch("meet");
  const auto token = dispatch.bind(0, data).groups(2).on(substrate);
  expect_complete(substrate, token);
  return token ? *token : 0;
}

TEST(Trace, TellsWhichThreadRanWhichWorkgroups) {
  Tracing tracing;
  CpuSubstrate substrate(tracing.host(), options(), 2);
  const std::uint64_t begin = now_ns();
  const std::uint64_t token = meet(substrate);
  const std::uint64_t end = now_ns();
  const auto told = tracing.told();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE(told[0].on, told[1].on);
  EXPECT_EQ(told[0].slice.first_group + told[1].slice.first_group, 1u);
  for (const Tracing::Told& one : told) {
    EXPECT_EQ(one.name, "main");
    EXPECT_EQ(one.slice.plugin_token, token);
    EXPECT_EQ(one.slice.group_count, 1u);
    EXPECT_LE(begin, one.slice.begin_ns);
    EXPECT_LE(one.slice.begin_ns, one.slice.end_ns);
    EXPECT_LE(one.slice.end_ns, end);
    // Those of the crew have a name, and the one that waits has none.
    EXPECT_EQ(one.thread.empty(), one.on == std::this_thread::get_id());
    EXPECT_TRUE(one.thread.empty() || one.thread.starts_with("worker ")) << one.thread;
  }
  // Both had to be at it at once.
  EXPECT_LT(told[0].slice.begin_ns, told[1].slice.end_ns);
  EXPECT_LT(told[1].slice.begin_ns, told[0].slice.end_ns);
}

TEST(Trace, HasEveryWorkgroupOfALaunchOnceAndAThreadsSlicesOneBehindTheOther) {
  constexpr std::uint32_t kGroups = 20'000;
  Tracing tracing;
  CpuSubstrate substrate(tracing.host(), options(), 2);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::uint32_t> data{0, kGroups, 0, 0};
    Dispatch dispatch("meet");
    expect_complete(substrate, dispatch.bind(0, data).groups(kGroups).on(substrate));
  }
  std::map<std::uint64_t, std::vector<std::uint32_t>> runs;  // by token, of each workgroup
  std::map<std::thread::id, std::uint64_t> ended;
  std::map<std::thread::id, std::set<std::string>> names;
  for (const Tracing::Told& one : tracing.told()) {
    auto& of_launch = runs[one.slice.plugin_token];
    of_launch.resize(kGroups);
    ASSERT_LE(one.slice.first_group + one.slice.group_count, kGroups);
    for (std::uint64_t i = 0; i < one.slice.group_count; ++i)
      ++of_launch[one.slice.first_group + i];
    EXPECT_LE(ended[one.on], one.slice.begin_ns);
    ended[one.on] = one.slice.end_ns;
    names[one.on].insert(one.thread);
  }
  EXPECT_EQ(runs.size(), 3u);
  for (const auto& [token, of_launch] : runs)
    EXPECT_EQ(of_launch, std::vector<std::uint32_t>(kGroups, 1)) << token;
  std::set<std::string> all;
  for (const auto& [thread, of_thread] : names) {
    EXPECT_EQ(of_thread.size(), 1u) << "a thread has one name";
    all.insert(of_thread.begin(), of_thread.end());
  }
  EXPECT_EQ(all.size(), names.size()) << "threads have different names";
}

// Whoever launches compiles, or a thread in the background: it is that one's slice.
TEST(Trace, TellsWhichThreadCompiled) {
  Tracing tracing;
  CpuSubstrate substrate(tracing.host(), options(), 2);
  const std::uint64_t begin = now_ns();
  meet(substrate);
  const std::uint64_t end = now_ns();
  auto told = tracing.compilations();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].name, "compile");
  EXPECT_EQ(told[0].on, std::this_thread::get_id());
  EXPECT_EQ(told[0].thread, "");
  EXPECT_EQ(told[0].slice.plugin_token, 0u);
  EXPECT_LE(begin, told[0].slice.begin_ns);
  EXPECT_LT(told[0].slice.begin_ns, told[0].slice.end_ns);
  EXPECT_LE(told[0].slice.end_ns, end);

  const std::vector<std::uint8_t> ir = read_shader("endless");
  const char* soon = "compile=soon";
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = SOKR_IR_SPIRV;
  info.ir_data = ir.data();
  info.ir_size = ir.size();
  info.options = &soon;
  info.option_count = 1;
  const SokrKernelInfo* all[] = {&info};
  SokrKernel kernel = 0;
  ASSERT_TRUE(substrate.prepare(all, &kernel));
  meet(substrate);  // in whose time it may be compiled
  substrate.await_better_kernels();
  told = tracing.compilations();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE(told[1].on, std::this_thread::get_id());
  EXPECT_TRUE(told[1].thread.starts_with("compiler ")) << told[1].thread;
}

TEST(Trace, AHostThatDoesNotTraceIsToldNothing) {
  Tracing older;
  // Version 1.1 ended before it.
  CpuSubstrate substrate(older.host(offsetof(SokrHostInfo, trace)), options(), 2);
  meet(substrate);
  EXPECT_TRUE(older.told().empty());
  SokrHostInfo silent{};
  silent.struct_size = sizeof silent;
  silent.compute_version = SOKR_COMPUTE_VERSION;
  EXPECT_FALSE(substrate::Host(&silent).traces());
  EXPECT_FALSE(substrate::Host().traces());
}

}  // namespace
}  // namespace sokr::cpu::test
