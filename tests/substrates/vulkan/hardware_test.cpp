// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What the substrate makes of devices unlike the one that is here. Runs on simulated ones.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "simulated.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

// The memory types of sim/profiles.cpp by what they are for.
struct Choice {
  const char* profile;
  std::size_t staging, buffer, visible;
  bool copies;     // kernels use a block of their own, in memory like that of buffers
  bool slow_read;  // buffers are not mapped, or not cached
  bool coherent;   // the memory for staging
};
constexpr auto kChoices = std::to_array<Choice>({
    {"nvidia", 3, 1, 3, true, true, true},
    {"amd-apu", 3, 2, 3, false, true, true},
    {"rebar-first", 1, 0, 1, true, true, true},
    {"mali", 1, 0, 0, false, true, false},
    {"intel-no-llc", 1, 0, 0, false, true, false},
    {"minimum", 1, 0, 1, true, true, true},
});

// Without the import of host memory, which would leave nothing to be staged.
OptionList staged_only() {
  return {{"vulkan.disable", "VK_EXT_external_memory_host"}};
}

class Hardware : public testing::Test {
 protected:
  void SetUp() override {
    if (!simulated()) GTEST_SKIP() << "the device is not simulated";
    for (const Choice& row : kChoices) {
      if (simulated_profile() == row.profile) choice_ = &row;
    }
    ASSERT_NE(choice_, nullptr) << "no row for " << simulated_profile();
  }
  void TearDown() override {
    if (!simulated()) return;
    simulated()->full_heaps = 0;
    simulated()->calls_until_loss = -1;
    simulated()->allocation_limit = 0;
  }
  // Allocations by type since the last call.
  std::array<std::uint64_t, sim::kMostTypes> allocated() {
    std::array<std::uint64_t, sim::kMostTypes> since{};
    for (std::size_t i = 0; i < since.size(); ++i) {
      const std::uint64_t now = simulated()->allocations[i].load();
      since[i] = now - std::exchange(before_[i], now);
    }
    return since;
  }
  const Choice* choice_ = nullptr;

 private:
  std::array<std::uint64_t, sim::kMostTypes> before_{};
};

TEST_F(Hardware, MemoryIsChosenByWhatItIsFor) {
  Bench bench(staged_only());
  // A device for each purpose: on one they may share memory.
  const auto anew = [&] {
    bench.renew();
    allocated();
  };
  std::array<std::uint64_t, sim::kMostTypes> expected{};
  anew();
  auto buffer = bench->memory().create(100000, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  expected[choice_->buffer] = 1;
  EXPECT_EQ(allocated(), expected) << "a buffer";
  anew();
  auto visible = bench->memory().create(100000, SOKR_BUFFER_HOST_VISIBLE);
  ASSERT_TRUE(visible) << visible.failure().sentence;
  expected = {};
  expected[choice_->visible] = 1;
  EXPECT_EQ(allocated(), expected) << "a buffer that the host maps";
  anew();
  Saxpy saxpy(10000);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
  expected = {};
  expected[choice_->staging] += 1;
  if (choice_->copies) expected[choice_->buffer] += 1;
  EXPECT_EQ(allocated(), expected) << "host memory of a launch";
}

TEST_F(Hardware, TheHostReadsNoMemoryWithoutACache) {
  Bench bench;
  std::vector<std::uint32_t> in(5'000'000), out(in.size());
  std::iota(in.begin(), in.end(), 1u);
  const std::uint64_t bytes = in.size() * sizeof in[0];
  auto buffer = bench->memory().create(bytes, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  ASSERT_TRUE(bench->memory().write(*buffer, 0, in.data(), bytes));
  const std::uint64_t before = simulated()->submissions;
  ASSERT_TRUE(bench->memory().read(*buffer, 0, out.data(), bytes));
  EXPECT_EQ(in, out);
  // Two at a time; before them, what was written and is not yet there, unless it is on the way on a
  // queue of its own.
  const bool beside = bench.physical().transfer_family != UINT32_MAX;
  const bool mapped = (*(*bench->session())->buffers().find(*buffer))->mapped() != nullptr;
  EXPECT_EQ(simulated()->submissions - before,
            choice_->slow_read ? (mapped || beside ? 2u : 3u) : 0u);
  // Some bytes, at odd places.
  ASSERT_TRUE(bench->memory().write(*buffer, 4001, in.data(), 5003));
  std::vector<unsigned char> some(5003), wanted(5003);
  std::memcpy(wanted.data(), in.data(), wanted.size());
  ASSERT_TRUE(bench->memory().read(*buffer, 4001, some.data(), some.size()));
  EXPECT_EQ(some, wanted);
}

TEST_F(Hardware, MemoryThatIsNotCoherentIsFlushedAndInvalidated) {
  Bench bench(staged_only());
  sim::State& state = *simulated();
  const std::uint64_t flushes = state.flushes, invalidations = state.invalidations;
  for (std::size_t n : {1u, 63u, 4096u, 1000003u}) {
    Saxpy saxpy(n);
    bench.run(shader("saxpy"), saxpy.launch);
    bench.run(shader("saxpy"), saxpy.launch);
    EXPECT_EQ(saxpy.wrong(2), -1) << n;
  }
  // Two bindings each time; only one of them comes back.
  EXPECT_EQ(state.flushes - flushes, choice_->coherent ? 0u : 16u);
  EXPECT_EQ(state.invalidations - invalidations, choice_->coherent ? 0u : 8u);
}

// 5,000 of them where the device allows 64 allocations, and more launches under way than that.
TEST_F(Hardware, SmallBuffersShareMemory) {
  Bench bench(staged_only());
  sim::State& state = *simulated();
  const std::uint64_t before = state.memories;
  state.allocation_limit = 64;
  std::vector<SokrBuffer> buffers;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    auto buffer =
        bench->memory().create(4 + i % 997 * 4, i % 3 == 0 ? SOKR_BUFFER_HOST_VISIBLE : 0);
    ASSERT_TRUE(buffer) << i << ": " << buffer.failure().sentence;
    buffers.push_back(*buffer);
    if (i % 10 == 0) {
      ASSERT_TRUE(bench->memory().write(*buffer, 0, &i, sizeof i));
    }
  }
  EXPECT_LT(state.memories - before, 64u);
  for (std::uint32_t i = 0; i < 5000; i += 10) {
    std::uint32_t back = 0;
    ASSERT_TRUE(bench->memory().read(buffers[i], 0, &back, sizeof back));
    EXPECT_EQ(back, i);
  }
  std::vector<std::unique_ptr<Saxpy>> launches;
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < 200; ++i) {
    launches.push_back(std::make_unique<Saxpy>(256));
    const auto token = bench.dispatch(shader("saxpy"), launches.back()->launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  for (std::uint64_t token : tokens) bench->completion(token, UINT64_MAX);
  for (const auto& saxpy : launches) EXPECT_EQ(saxpy->wrong(), -1);
  for (SokrBuffer buffer : buffers) EXPECT_TRUE(bench->memory().free(buffer));
  bench.verify_clean();
  EXPECT_EQ(state.memories, before);
}

TEST_F(Hardware, WhatDoesNotFitTheDevicesMemoryGoesElsewhereOrSaysSo) {
  Bench bench(staged_only());
  const auto ir = shader("saxpy");
  simulated()->full_heaps = ~0u;
  auto none = bench->memory().create(5000, 0);
  ASSERT_FALSE(none);
  EXPECT_NE(none.failure().sentence.find("out of memory: 5000 bytes"), std::string::npos)
      << none.failure().sentence;
  Saxpy refused(1000);
  auto token = bench.dispatch(ir, refused.launch);
  ASSERT_FALSE(token);
  EXPECT_NE(token.failure().sentence.find("out of memory"), std::string::npos)
      << token.failure().sentence;
  simulated()->full_heaps = 1;  // of the memory that is near the device, if there are two
  if (bench.physical().memory.memoryHeapCount > 1) {
    auto elsewhere = bench->memory().create(5000, 0);
    ASSERT_TRUE(elsewhere) << elsewhere.failure().sentence;
    Saxpy far(1000);
    bench.run(ir, far.launch);
    EXPECT_EQ(far.wrong(), -1);
  }
  simulated()->full_heaps = 0;
  Saxpy after(1000);
  bench.run(ir, after.launch);
  EXPECT_EQ(after.wrong(), -1);
}

// What a submission takes is measured by the first part of a kernel's first launch.
TEST_F(Hardware, LongGridsAreCutIntoSubmissions) {
  const auto submissions = [](Bench& bench, const std::vector<std::uint8_t>& ir,
                              const SokrLaunch& launch) {
    const std::uint64_t before = simulated()->submissions;
    bench.run(ir, launch);
    return simulated()->submissions - before;
  };
  const auto ir = shader("saxpy");
  {
    OptionList options = staged_only();
    options.emplace_back("vulkan.slice_ms", "5");
    Bench bench(std::move(options));
    std::vector<std::uint32_t> v(4000), expected(v.size());
    const std::uint32_t rounds = 10'000;
    for (std::uint32_t i = 0; i < expected.size(); ++i) {
      expected[i] = i;
      for (std::uint32_t k = 0; k < rounds; ++k) expected[i] = expected[i] * 1664525u + 1013904223u;
    }
    SokrBinding binding = host_binding(0, 0, v);
    SokrLaunch launch{};
    launch.groups[0] = static_cast<std::uint32_t>(v.size());
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = &binding;
    launch.binding_count = 1;
    launch.push = &rounds;
    launch.push_size = sizeof rounds;
    EXPECT_GT(submissions(bench, shader("spin"), launch), 3u);
    EXPECT_EQ(v, expected);
    std::ranges::fill(v, 0u);
    EXPECT_GT(submissions(bench, shader("spin"), launch), 2u);
    EXPECT_EQ(v, expected);
    // While the device is busy nothing can be measured.
    launch.groups[0] = 900;
    const std::uint64_t before = simulated()->submissions;
    const auto busy = bench.dispatch(shader("spin"), launch);
    ASSERT_TRUE(busy);
    Saxpy unknown(100'000);
    bench.run(ir, unknown.launch);
    EXPECT_EQ(unknown.wrong(), -1);
    EXPECT_GE(simulated()->submissions - before, 2u);
    EXPECT_EQ(bench->completion(*busy, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  }
  {
    OptionList options = staged_only();
    options.emplace_back("vulkan.slice_ms", "1000000");
    Bench bench(std::move(options));
    Saxpy saxpy(3'000'000);
    // A first part that brings host memory along is not what is measured.
    const std::uint64_t upload = (*bench->session())->recordings().copies() ? 1 : 0;
    EXPECT_EQ(submissions(bench, ir, saxpy.launch), 2u + upload);
    EXPECT_EQ(submissions(bench, ir, saxpy.launch), 1u);
    EXPECT_EQ(submissions(bench, ir, saxpy.launch), 1u);
    EXPECT_EQ(saxpy.wrong(3), -1);
  }
  OptionList options = staged_only();
  options.emplace_back("vulkan.slice_ms", "0");
  Bench bench(std::move(options));
  Saxpy saxpy(3'000'000);
  EXPECT_EQ(submissions(bench, ir, saxpy.launch), 1u);
}

// What is recorded for a device that has nothing to do is recorded anew for one that has.
TEST_F(Hardware, GridsStayCutWhateverTheyComeBehind) {
  OptionList options = staged_only();
  options.emplace_back("vulkan.slice_ms", "5");
  Bench bench(std::move(options));
  constexpr std::uint32_t kCount = 4000, kRounds = 10'000;
  const auto buffer = bench->memory().create(4 * kCount, 0);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  const SokrBinding binding = buffer_binding(0, 0, *buffer, 4 * kCount);
  SokrLaunch launch{};
  launch.groups[0] = kCount;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  launch.push = &kRounds;
  launch.push_size = sizeof kRounds;
  const auto ir = shader("spin");
  const auto start = [&](std::uint64_t& submissions) {
    const std::uint64_t before = simulated()->submissions;
    const auto token = bench.dispatch(ir, launch);
    EXPECT_TRUE(token) << (token ? "" : token.failure().sentence);
    submissions = simulated()->submissions - before;
    return token ? *token : 0;
  };
  const auto expect_complete = [&](std::uint64_t token) {
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  };
  std::uint64_t measured = 0, alone = 0, behind = 0;
  expect_complete(start(measured));
  expect_complete(start(alone));
  EXPECT_GT(alone, 1u);
  Gate gate(bench, 16);
  const std::uint64_t busy = gate.start();
  const std::uint64_t token = start(behind);
  // How many says what was measured, on a machine with other work perhaps nothing yet.
  EXPECT_GT(behind, 1u);
  gate.open();
  expect_complete(token);
  expect_complete(busy);
}

// The first part lasts longer than a submission should: the rest is submitted behind it.
TEST_F(Hardware, DispatchDoesNotWaitForAFirstPartThatLasts) {
  OptionList options = staged_only();
  options.emplace_back("vulkan.slice_ms", "1");
  Bench bench(std::move(options));
  Gate gate(bench);
  const std::uint64_t before = simulated()->submissions;
  const std::uint64_t token = gate.start();
  EXPECT_GT(simulated()->submissions - before, 2u);
  EXPECT_EQ(bench->completion(token, 0).signal, SOKR_COMPLETION_PENDING);
  gate.open();
  EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(gate.wrong(), -1);
}

TEST_F(Hardware, SubgroupsAreRequiredToBeFullWhereAKernelUsesThem) {
  Bench bench;
  sim::State& state = *simulated();
  const std::uint64_t before = state.full_subgroups;
  Saxpy saxpy(100);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(state.full_subgroups, before);
  if (!bench.capability(shader("subgroup_size"))) GTEST_SKIP() << "no subgroups in buffers here";
  std::vector<std::uint32_t> sizes(128);
  SokrBinding binding = host_binding(0, 0, sizes);
  SokrLaunch launch{};
  launch.groups[0] = 2;
  launch.groups[1] = launch.groups[2] = 1;
  launch.bindings = &binding;
  launch.binding_count = 1;
  bench.run(shader("subgroup_size"), launch);
  EXPECT_EQ(state.full_subgroups - before, bench.physical().usable.has("computeFullSubgroups"));
}

// The driver loses it at any call, and forgets nothing of what it had begun.
// A range that is copied because of its offset is copied back to where the host reads it by itself.
TEST_F(Hardware, WhatIsCopiedBackIsShownToTheHost) {
  Bench bench;
  const VkDeviceSize alignment = bench.physical().properties.limits.minStorageBufferOffsetAlignment;
  if (alignment <= 4) GTEST_SKIP() << "every offset can be bound";
  Saxpy saxpy(100);
  const auto buffer = bench->memory().create(4 * 101, SOKR_BUFFER_HOST_VISIBLE);
  ASSERT_TRUE(buffer) << buffer.failure().sentence;
  auto* mapped = static_cast<float*>(*bench->memory().map(*buffer));
  std::fill_n(mapped, 101, 1.0f);
  saxpy.bindings[1] = buffer_binding(0, 1, *buffer, 4 * 100, 4);
  const std::uint64_t before = simulated()->shown_copies;
  bench.run(shader("saxpy"), saxpy.launch);
  std::copy_n(mapped + 1, 100, saxpy.y.begin());
  EXPECT_EQ(saxpy.wrong(), -1);
  EXPECT_EQ(mapped[0], 1.0f);
  const bool copies_host_memory = (*bench->session())->recordings().copies();
  EXPECT_EQ(simulated()->shown_copies - before, copies_host_memory ? 2u : 1u);
}

// Where the device decides by pipeline: which are made, and which of them ask for no checks.
TEST_F(Hardware, OnlyKernelsThatKeepInsideAreNotChecked) {
  if (simulated_profile() != "nvidia") GTEST_SKIP() << "no robustness by pipeline here";
  const sim::State& state = *simulated();
  using Counts = std::pair<std::uint64_t, std::uint64_t>;
  std::vector<std::uint32_t> factors(64), values(1000);
  std::iota(factors.begin(), factors.end(), 1u);
  SokrLaunch launch{};
  launch.groups[0] = 16;
  launch.groups[1] = launch.groups[2] = 1;
  launch.binding_count = 2;
  // The device still has its part of the table where a launch binds less.
  const auto run_inside = [&](Bench& bench, std::uint64_t table_bytes) {
    const Counts before{state.pipelines, state.unchecked};
    std::ranges::fill(values, 2u);
    std::vector<SokrBinding> bindings{host_binding(0, 0, factors, SOKR_ACCESS_READ),
                                      host_binding(0, 1, values)};
    bindings[0].size = table_bytes;
    launch.bindings = bindings.data();
    bench.run(shader("inside"), launch);
    for (std::size_t i = 0; i < values.size() && table_bytes == 256; ++i)
      EXPECT_EQ(values[i], 2 * (i % 64 + 1)) << i;
    return Counts{state.pipelines - before.first, state.unchecked - before.second};
  };
  // The array begins behind 16 bytes.
  const auto run_behind = [&](Bench& bench, std::uint64_t bytes) {
    const Counts before{state.pipelines, state.unchecked};
    std::vector<std::uint32_t> words(64, 5);
    std::vector<SokrBinding> bindings{host_binding(0, 0, words)};
    bindings[0].size = bytes;
    SokrLaunch one{};
    one.groups[0] = one.groups[1] = one.groups[2] = 1;
    one.bindings = bindings.data();
    one.binding_count = 1;
    bench.run(shader("behind"), one);
    for (std::size_t i = 0; i < words.size(); ++i)
      EXPECT_EQ(words[i], i >= 4 && i < bytes / 4 ? 6u : 5u) << i;
    return Counts{state.pipelines - before.first, state.unchecked - before.second};
  };
  const auto run_saxpy = [&](Bench& bench) {
    const Counts before{state.pipelines, state.unchecked};
    Saxpy saxpy(1000);
    bench.run(shader("saxpy"), saxpy.launch);
    EXPECT_EQ(saxpy.wrong(), -1);
    return Counts{state.pipelines - before.first, state.unchecked - before.second};
  };
  {
    Bench bench;
    EXPECT_EQ(run_inside(bench, 256), Counts(1, 1));
    EXPECT_EQ(run_inside(bench, 256), Counts(0, 0));
    EXPECT_EQ(run_inside(bench, 128), Counts(1, 0)) << "what it declares is not there";
    EXPECT_EQ(run_inside(bench, 64), Counts(0, 0));
    EXPECT_EQ(run_inside(bench, 256), Counts(0, 0));
    EXPECT_EQ(run_saxpy(bench), Counts(1, 0)) << "its length is what the launch says";
    EXPECT_EQ(run_behind(bench, 256), Counts(1, 1));
    EXPECT_EQ(run_behind(bench, 16), Counts(0, 0)) << "it has no elements";
    EXPECT_EQ(run_behind(bench, 8), Counts(1, 0)) << "nobody can say how many it has";
  }
  {
    Bench bench;
    // Of launches that all bind less, only the first is decoded for.
    EXPECT_EQ(run_inside(bench, 128), Counts(1, 0));
    const auto planned = [&] { return (*bench->session())->planned(); };
    const std::uint64_t first = planned();
    EXPECT_GT(first, 0u);
    for (const std::uint64_t bytes : {128, 64, 128}) EXPECT_EQ(run_inside(bench, bytes), Counts());
    EXPECT_EQ(planned(), first);
    EXPECT_EQ(run_inside(bench, 256), Counts(1, 1));
    EXPECT_EQ(planned(), first + 1);
    for (const std::uint64_t bytes : {128, 256}) EXPECT_EQ(run_inside(bench, bytes), Counts());
    EXPECT_EQ(planned(), first + 1);
  }
  {
    Bench bench(OptionList{{"vulkan.robust", "off"}});
    EXPECT_EQ(run_inside(bench, 256), Counts(1, 1));
    EXPECT_EQ(run_saxpy(bench), Counts(1, 1)) << "nobody wants it checked";
  }
  for (const char* disabled : {"pipelineRobustness", "VK_EXT_pipeline_robustness"}) {
    Bench bench(OptionList{{"vulkan.disable", disabled}});
    EXPECT_EQ(run_inside(bench, 256), Counts(1, 0)) << disabled;
    EXPECT_EQ(run_inside(bench, 128), Counts(0, 0)) << disabled;
    EXPECT_EQ(run_saxpy(bench), Counts(1, 0)) << disabled;
  }
}

TEST_F(Hardware, ALossAtTheKthCallEndsInASentence) {
  const auto ir = shader("saxpy");
  int k = 0;
  for (bool lost = true; lost; ++k) {
    ASSERT_LT(k, 100);
    Bench bench;
    Saxpy first(300), second(300);
    first.launch.flags = SOKR_LAUNCH_PROFILE;
    auto buffer = bench->memory().create(8192, 0);
    ASSERT_TRUE(buffer) << buffer.failure().sentence;
    simulated()->calls_until_loss = k;
    for (Saxpy* saxpy : {&first, &second}) {
      const auto token = bench.dispatch(ir, saxpy->launch);
      if (!token) {
        EXPECT_NE(token.failure().sentence.find("VK_ERROR_DEVICE_LOST"), std::string::npos)
            << token.failure().sentence;
        EXPECT_NE(token.failure().sentence.find("watchdog"), std::string::npos)
            << token.failure().sentence;
        continue;
      }
      if (bench->completion(*token, UINT64_MAX).signal == SOKR_COMPLETION_COMPLETE) {
        EXPECT_EQ(saxpy->wrong(), -1);
      } else {
        EXPECT_FALSE(bench->completion_error(*token).empty());
      }
    }
    std::vector<char> bytes(8192);
    if (auto read = bench->memory().read(*buffer, 0, bytes.data(), bytes.size()); !read) {
      EXPECT_FALSE(read.failure().sentence.empty());
    }
    lost = simulated()->calls_until_loss < 0;
    simulated()->calls_until_loss = -1;
    Saxpy after(200);
    bench.run(ir, after.launch);
    EXPECT_EQ(after.wrong(), -1) << "lost at call " << k;
  }
  EXPECT_GT(k, 4);
}

}  // namespace
}  // namespace sokr::vulkan::test
