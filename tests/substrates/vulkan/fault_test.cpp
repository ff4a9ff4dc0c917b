// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Every device call fails in turn. Whatever fails: nothing hangs, leaks (the layer
// counts objects at the device's end) or lies, and what comes later works.
#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "device.hpp"
#include "simulated.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

std::atomic<int> countdown{-1};  // the call with 0 left fails; negative = none
std::atomic<int> injected{0};
std::atomic<VkResult> injected_result{VK_ERROR_OUT_OF_HOST_MEMORY};
std::atomic<const char*> only{nullptr};  // or the one function that always fails

bool fails(const char* name) {
  if (const char* chosen = only.load()) {
    if (std::string_view(chosen) != name) return false;
    ++injected;
    return true;
  }
  if (countdown.load() < 0) return false;
  if (countdown.fetch_sub(1) != 0) return false;
  ++injected;
  return true;
}

template <class Function, Function VolkDeviceTable::* Member>
struct Wrapped;
template <class... A, VkResult (VKAPI_PTR* VolkDeviceTable::*Member)(A...)>
struct Wrapped<VkResult(VKAPI_PTR*)(A...), Member> {
  static inline VkResult(VKAPI_PTR* original)(A...) = nullptr;
  static inline const char* name = "";
  static VkResult VKAPI_PTR call(A... arguments) {
    if (fails(name)) return injected_result.load();
    return original(arguments...);
  }
  static void install(VolkDeviceTable& table, const char* function) {
    if (!(table.*Member)) return;
    name = function;
    original = table.*Member;
    table.*Member = call;
  }
};

void wrap(VolkDeviceTable& table) {
#define SOKR_WRAP(f) Wrapped<decltype(VolkDeviceTable::f), &VolkDeviceTable::f>::install(table, #f)
  SOKR_WRAP(vkCreateSemaphore);
  SOKR_WRAP(vkCreateBuffer);
  SOKR_WRAP(vkAllocateMemory);
  SOKR_WRAP(vkBindBufferMemory);
  SOKR_WRAP(vkMapMemory);
  SOKR_WRAP(vkFlushMappedMemoryRanges);
  SOKR_WRAP(vkInvalidateMappedMemoryRanges);
  SOKR_WRAP(vkGetMemoryHostPointerPropertiesEXT);
  SOKR_WRAP(vkCreatePipelineCache);
  SOKR_WRAP(vkGetPipelineCacheData);
  SOKR_WRAP(vkCreateDescriptorSetLayout);
  SOKR_WRAP(vkCreatePipelineLayout);
  SOKR_WRAP(vkCreateShaderModule);
  SOKR_WRAP(vkCreateComputePipelines);
  SOKR_WRAP(vkCreateCommandPool);
  SOKR_WRAP(vkResetCommandPool);
  SOKR_WRAP(vkAllocateCommandBuffers);
  SOKR_WRAP(vkBeginCommandBuffer);
  SOKR_WRAP(vkEndCommandBuffer);
  SOKR_WRAP(vkCreateDescriptorPool);
  SOKR_WRAP(vkResetDescriptorPool);
  SOKR_WRAP(vkAllocateDescriptorSets);
  SOKR_WRAP(vkCreateQueryPool);
  SOKR_WRAP(vkGetQueryPoolResults);
  SOKR_WRAP(vkQueueSubmit);
  SOKR_WRAP(vkQueueSubmit2);
  SOKR_WRAP(vkGetSemaphoreCounterValue);
  SOKR_WRAP(vkWaitSemaphores);
#undef SOKR_WRAP
}

class Fault : public testing::TestWithParam<std::pair<const char*, VkResult>> {
 protected:
  void SetUp() override {
    injected = 0;
    countdown = -1;
    only = nullptr;
    device_table_hook = wrap;
  }
  void TearDown() override {
    countdown = -1;
    only = nullptr;
    device_table_hook = nullptr;
  }
};

// Something of everything. Each step may fail, with a sentence, and must not lie.
void scenario(Bench& bench) {
  const auto ir = shader("saxpy");
  Saxpy saxpy(300);
  saxpy.launch.flags = SOKR_LAUNCH_PROFILE;
  const auto token = bench.dispatch(ir, saxpy.launch);
  if (!token) {
    EXPECT_FALSE(token.failure().sentence.empty());
  } else {
    const auto answer = bench->completion(*token, UINT64_MAX);
    ASSERT_EQ(answer.result, SOKR_OK);
    if (answer.signal == SOKR_COMPLETION_COMPLETE) {
      EXPECT_EQ(saxpy.wrong(), -1);
    } else {
      EXPECT_EQ(answer.signal, SOKR_COMPLETION_FAILED);
      EXPECT_FALSE(bench->completion_error(*token).empty());
    }
    EXPECT_EQ(bench->completion(*token, 0), answer);
  }
  const auto buffer = bench->memory().create(1000, 0);
  if (!buffer) {
    EXPECT_FALSE(buffer.failure().sentence.empty());
    return;
  }
  std::vector<char> out(1000, 'x'), in(1000, 'y');
  const auto written = bench->memory().write(*buffer, 0, out.data(), 1000);
  const auto read = bench->memory().read(*buffer, 0, in.data(), 1000);
  if (written && read) {
    EXPECT_EQ(in, out);
  }
  (void)bench->memory().free(*buffer);
  // On a queue that only copies, where there is one: a part of a new buffer, and all of it.
  constexpr std::size_t kLarge = 2 << 20;
  const auto large = bench->memory().create(kLarge, 0);
  if (!large) {
    EXPECT_FALSE(large.failure().sentence.empty());
    return;
  }
  out.assign(kLarge, 'x');
  in.assign(kLarge, 'y');
  const bool sent =
      static_cast<bool>(bench->memory().write(*large, kLarge / 2, out.data(), kLarge / 2));
  const bool received = static_cast<bool>(bench->memory().read(*large, 0, in.data(), kLarge));
  std::fill_n(out.begin(), kLarge / 2, '\0');
  if (received && (sent || in.back() == 'x')) {
    EXPECT_EQ(in, out);
  } else if (received) {
    EXPECT_EQ(in, std::vector<char>(kLarge, '\0')) << "a write that failed shows what was there";
  }
  (void)bench->memory().free(*large);
}

TEST_P(Fault, TheKthCallFails) {
  injected_result = GetParam().second;
  int k = 0;
  for (bool hit = true; hit; ++k) {
    ASSERT_LT(k, 300);
    injected = 0;
    Bench bench(OptionList{{"vulkan.staging", GetParam().first}});
    countdown = k;
    scenario(bench);
    countdown = -1;
    hit = injected != 0;
    // Whatever failed: the next launch works.
    Saxpy after(200);
    bench.run(shader("saxpy"), after.launch);
    EXPECT_EQ(after.wrong(), -1) << "call " << k;
    if (testing::Test::HasFailure()) {
      FAIL() << "call " << k << "\n" << bench.host().all();
    }
  }
  EXPECT_GT(k, 20);
}

INSTANTIATE_TEST_SUITE_P(Vulkan, Fault,
                         testing::Values(std::pair{"direct", VK_ERROR_OUT_OF_HOST_MEMORY},
                                         std::pair{"copy", VK_ERROR_OUT_OF_DEVICE_MEMORY},
                                         std::pair{"copy", VK_ERROR_DEVICE_LOST}));

// Who asks hears that nothing has ended yet: the device seems busy, and who waits has to wait.
void seem_busy(VolkDeviceTable& table) {
  wrap(table);
  table.vkGetSemaphoreCounterValue = [](VkDevice, VkSemaphore, std::uint64_t* out) {
    *out = 0;
    return VK_SUCCESS;
  };
}

TEST_F(Fault, ALossEndsEveryWaitAndTheDeviceComesBack) {
  device_table_hook = seem_busy;
  Bench bench;
  const auto ir = shader("saxpy");
  auto lost_buffer = bench->memory().create(64, 0);
  ASSERT_TRUE(lost_buffer);
  Saxpy first(300), second(300), dependent(300);
  const auto a = bench.dispatch(ir, first.launch), b = bench.dispatch(ir, second.launch);
  ASSERT_TRUE(a && b);
  injected_result = VK_ERROR_DEVICE_LOST;
  only = "vkWaitSemaphores";
  std::vector<std::thread> waiters;
  for (std::uint64_t token : {*a, *b, *a, *b}) {
    waiters.emplace_back([&, token] {
      EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
    });
  }
  for (std::thread& waiter : waiters) waiter.join();
  only = nullptr;
  EXPECT_NE(bench->completion_error(*a).find("VK_ERROR_DEVICE_LOST"), std::string::npos)
      << bench->completion_error(*a);

  SokrCompletionToken wait = sokr_token_encode(1, *a);
  dependent.launch.waits = &wait;
  dependent.launch.wait_count = 1;
  const auto c = bench.dispatch(ir, dependent.launch);
  ASSERT_TRUE(c) << c.failure().sentence;
  EXPECT_EQ(bench->completion(*c, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  EXPECT_NE(bench->completion_error(*c).find("waited for"), std::string::npos);
  EXPECT_EQ(dependent.y[5], 1.0f) << "a launch ran though what it waited for had failed";

  const auto gone = bench->memory().read(*lost_buffer, 0, first.x.data(), 4);
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.failure().sentence.find("lost with its device"), std::string::npos);
  Saxpy after(200);
  bench.run(ir, after.launch);
  EXPECT_EQ(after.wrong(), -1);
}

// Launches that were taken, and whose common submission fails afterwards.
TEST_F(Fault, LaunchesThatAreCollectedFailWithTheirSubmission) {
  device_table_hook = seem_busy;
  for (const VkResult result : {VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_DEVICE_LOST}) {
    std::vector<std::unique_ptr<Saxpy>> launches;
    Bench bench;
    const auto ir = shader("saxpy");
    std::vector<std::uint64_t> tokens;
    SokrCompletionToken wait = 0;
    for (int i = 0; i < 4; ++i) {
      launches.push_back(std::make_unique<Saxpy>(100));
      if (i == 3) {
        wait = sokr_token_encode(1, tokens[1]);
        launches[i]->launch.waits = &wait;
        launches[i]->launch.wait_count = 1;
      }
      const auto token = bench.dispatch(ir, launches.back()->launch);
      ASSERT_TRUE(token) << i << ": " << token.failure().sentence;
      tokens.push_back(*token);
      // From now on; the first one was submitted by itself.
      injected_result = result;
      only = bench.physical().usable.has("synchronization2") ? "vkQueueSubmit2" : "vkQueueSubmit";
    }
    for (int i = 1; i < 4; ++i) {
      EXPECT_EQ(bench->completion(tokens[i], UINT64_MAX).signal, SOKR_COMPLETION_FAILED) << i;
      EXPECT_FALSE(bench->completion_error(tokens[i]).empty()) << i;
      EXPECT_EQ(launches[i]->y[5], 1.0f) << i;
    }
    EXPECT_NE(bench->completion_error(tokens[2]).find("vkQueueSubmit"), std::string::npos)
        << bench->completion_error(tokens[2]);
    only = nullptr;
    EXPECT_EQ(bench->completion(tokens[0], UINT64_MAX).signal,
              result == VK_ERROR_DEVICE_LOST ? SOKR_COMPLETION_FAILED : SOKR_COMPLETION_COMPLETE);
    Saxpy after(200);
    bench.run(ir, after.launch);
    EXPECT_EQ(after.wrong(), -1);
  }
}

// Callbacks run on the thread that ends a launch, whatever else it is at.
TEST_F(Fault, ACallbackMayDispatchWhenWhatWasCollectedFails) {
  device_table_hook = seem_busy;
  Saxpy first(100), second(100), third(100), again(100), dependent(100);
  Bench bench;
  const auto ir = shader("saxpy");
  const auto a = bench.dispatch(ir, first.launch);
  const auto b = bench.dispatch(ir, second.launch), c = bench.dispatch(ir, third.launch);
  ASSERT_TRUE(a && b && c);
  const SokrCompletionToken wait = sokr_token_encode(1, *c);
  dependent.launch.waits = &wait;
  dependent.launch.wait_count = 1;
  std::vector<std::uint64_t> tokens;
  ASSERT_EQ(bench->tokens().when_terminal(*b,
                                          [&](bool failed) {
                                            EXPECT_TRUE(failed);
                                            only = nullptr;
                                            for (Saxpy* saxpy : {&again, &dependent}) {
                                              const auto token = bench.dispatch(ir, saxpy->launch);
                                              ASSERT_TRUE(token) << token.failure().sentence;
                                              tokens.push_back(*token);
                                            }
                                          }),
            SOKR_OK);
  injected_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  only = bench.physical().usable.has("synchronization2") ? "vkQueueSubmit2" : "vkQueueSubmit";
  EXPECT_EQ(bench->completion(*c, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  ASSERT_EQ(tokens.size(), 2u);
  EXPECT_EQ(bench->completion(tokens[0], UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(again.wrong(), -1);
  EXPECT_EQ(bench->completion(tokens[1], UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  EXPECT_NE(bench->completion_error(tokens[1]).find("waited for"), std::string::npos);
  EXPECT_EQ(dependent.y[5], 1.0f) << "it ran though what it waited for had failed";
}

// The one that ends is under way no more by then: nobody waits for it to make room.
TEST_F(Fault, ACallbackMayDispatchWhereAsManyAreUnderWayAsMayBe) {
  Saxpy first(100), second(100), third(100);
  Bench bench(OptionList{{"vulkan.in_flight", "2"}});
  const auto ir = shader("saxpy");
  const auto a = bench.dispatch(ir, first.launch), b = bench.dispatch(ir, second.launch);
  ASSERT_TRUE(a && b);
  std::uint64_t c = 0;
  const auto dispatch = [&](bool) {
    const auto token = bench.dispatch(ir, third.launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    c = *token;
  };
  ASSERT_EQ(bench->tokens().when_terminal(*a, dispatch), SOKR_OK);
  EXPECT_EQ(bench->completion(*a, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(bench->completion(*b, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  ASSERT_NE(c, 0u);
  EXPECT_EQ(bench->completion(c, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(third.wrong(), -1);
}

TEST_F(Fault, ACallbackMayDispatchWhenTheDeviceIsMadeAnew) {
  device_table_hook = seem_busy;
  Saxpy first(100), second(100), third(100), after(100);
  Bench bench(OptionList{{"vulkan.collect", "1"}});
  const auto ir = shader("saxpy");
  const auto a = bench.dispatch(ir, first.launch);
  ASSERT_TRUE(a);
  std::uint64_t c = 0;
  const auto dispatch = [&](bool failed) {
    EXPECT_TRUE(failed);
    const auto token = bench.dispatch(ir, third.launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    c = *token;
  };
  ASSERT_EQ(bench->tokens().when_terminal(*a, dispatch), SOKR_OK);
  injected_result = VK_ERROR_DEVICE_LOST;
  only = bench.physical().usable.has("synchronization2") ? "vkQueueSubmit2" : "vkQueueSubmit";
  EXPECT_FALSE(bench.dispatch(ir, second.launch));
  only = nullptr;
  bench.run(ir, after.launch);
  EXPECT_EQ(after.wrong(), -1);
  ASSERT_NE(c, 0u);
  EXPECT_EQ(bench->completion(c, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  EXPECT_EQ(third.wrong(), -1);
}

// What was answered with a failure is not done later: neither over what was written since, nor is
// what memory held before to be seen.
TEST_F(Fault, ACopyThatFailsIsNotDoneLater) {
  constexpr std::uint64_t kWords = 256, kSize = 4 * kWords;
  using Words = std::vector<std::uint32_t>;
  Bench bench;
  auto& memory = bench->memory();
  const auto from = memory.create(kSize, 0);
  ASSERT_TRUE(from);
  if (bench.is_mapped(*from)) GTEST_SKIP() << "the host copies by itself";
  ASSERT_TRUE(memory.write(*from, 0, Words(kWords, 5).data(), kSize));
  const auto used = memory.create(kSize, SOKR_BUFFER_HOST_VISIBLE);
  ASSERT_TRUE(used);
  ASSERT_TRUE(memory.write(*used, 0, Words(kWords, 9).data(), kSize));
  ASSERT_TRUE(memory.free(*used));
  const auto to = memory.create(kSize, SOKR_BUFFER_HOST_VISIBLE);
  ASSERT_TRUE(to);
  injected_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  const auto fail_submissions = [&](bool fails) {
    const bool newer = bench.physical().usable.has("synchronization2");
    only = fails ? (newer ? "vkQueueSubmit2" : "vkQueueSubmit") : nullptr;
  };
  fail_submissions(true);
  EXPECT_FALSE(memory.copy(*from, 0, *to, 0, kSize));
  fail_submissions(false);
  Words back(kWords, 1);
  ASSERT_TRUE(memory.read(*to, 0, back.data(), kSize));
  EXPECT_EQ(back, Words(kWords, 0)) << "what somebody else wrote there";
  fail_submissions(true);
  EXPECT_FALSE(memory.copy(*from, 0, *to, 0, kSize));
  fail_submissions(false);
  ASSERT_TRUE(memory.write(*to, 0, Words(kWords, 7).data(), kSize));
  Saxpy saxpy(100);
  bench.run(shader("saxpy"), saxpy.launch);
  ASSERT_TRUE(memory.read(*to, 0, back.data(), kSize));
  EXPECT_EQ(back, Words(kWords, 7));
}

// So much that it is submitted at once.
TEST_F(Fault, AWriteThatFailsIsNotDoneLater) {
  constexpr std::uint64_t kWords = 4 << 20, kSize = 4 * kWords;
  Bench bench;
  auto& memory = bench->memory();
  const auto to = memory.create(kSize, 0);
  ASSERT_TRUE(to);
  if (bench.is_mapped(*to)) GTEST_SKIP() << "the host writes by itself";
  std::vector<std::uint32_t> words(kWords, 9);
  injected_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  only = bench.physical().usable.has("synchronization2") ? "vkQueueSubmit2" : "vkQueueSubmit";
  EXPECT_FALSE(memory.write(*to, 0, words.data(), kSize));
  only = nullptr;
  ASSERT_TRUE(memory.write(*to, 4, words.data(), 4));
  ASSERT_TRUE(memory.read(*to, 0, words.data(), kSize));
  EXPECT_EQ(words[1], 9u);
  words[1] = 0;
  EXPECT_EQ(words, std::vector<std::uint32_t>(kWords, 0));
}

// Results that do not reach the host: whoever waits for them does not run on what is there instead.
TEST_F(Fault, WhatCannotBeBroughtInFailsWhatWaitsForIt) {
  Saxpy first(300), second(300);
  Bench bench(OptionList{{"vulkan.disable", "VK_EXT_external_memory_host"}});
  const auto ir = shader("saxpy");
  second.bindings[0] = host_binding(0, 0, first.y, SOKR_ACCESS_READ);
  const auto a = bench.dispatch(ir, first.launch);
  ASSERT_TRUE(a) << a.failure().sentence;
  const SokrCompletionToken wait = sokr_token_encode(1, *a);
  second.launch.waits = &wait;
  second.launch.wait_count = 1;
  injected_result = VK_ERROR_OUT_OF_HOST_MEMORY;
  only = "vkInvalidateMappedMemoryRanges";
  const auto b = bench.dispatch(ir, second.launch);
  only = nullptr;
  if (injected == 0) GTEST_SKIP() << "the host sees all memory as it is";
  ASSERT_TRUE(b) << b.failure().sentence;
  EXPECT_EQ(bench->completion(*a, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  EXPECT_EQ(bench->completion(*b, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  EXPECT_NE(bench->completion_error(*b).find("waited for"), std::string::npos)
      << bench->completion_error(*b);
  EXPECT_EQ(second.y[5], 1.0f);
}

PFN_vkAllocateMemory allocate = nullptr;
PFN_vkWaitSemaphores wait_for = nullptr;
Device* losing = nullptr;

// Blocks are rounded up, to 9 MiB here; what was asked for still fits.
TEST_F(Fault, ABlockOfJustTheSizeIsTakenWhereNoMoreIsThere) {
  constexpr VkDeviceSize kMost = 9'200'000;
  device_table_hook = [](VolkDeviceTable& table) {
    allocate = table.vkAllocateMemory;
    table.vkAllocateMemory = [](VkDevice device, const VkMemoryAllocateInfo* info,
                                const VkAllocationCallbacks* callbacks, VkDeviceMemory* out) {
      if (info->allocationSize > kMost) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
      return allocate(device, info, callbacks, out);
    };
  };
  Bench bench(OptionList{{"vulkan.disable", "VK_EXT_external_memory_host"}});
  Saxpy saxpy(2'250'001);
  ASSERT_GT(block_size(saxpy.x.size() * sizeof(float)), kMost);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
}

// A device that another call has lost meanwhile may end any wait well.
TEST_F(Fault, AWaitThatEndsAfterTheLossSaysNothing) {
  device_table_hook = [](VolkDeviceTable& table) {
    seem_busy(table);
    wait_for = table.vkWaitSemaphores;
    table.vkWaitSemaphores = [](VkDevice device, const VkSemaphoreWaitInfo* info,
                                std::uint64_t timeout) {
      if (!losing) return wait_for(device, info, timeout);
      (void)losing->check(VK_ERROR_DEVICE_LOST, "vkQueueSubmit");
      return VK_SUCCESS;
    };
  };
  Bench bench;
  Saxpy saxpy(300);
  const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_TRUE(token) << token.failure().sentence;
  losing = &(*bench->session())->device();
  EXPECT_EQ(bench->completion(*token, UINT64_MAX).signal, SOKR_COMPLETION_FAILED);
  losing = nullptr;
  Saxpy after(200);
  bench.run(shader("saxpy"), after.launch);
  EXPECT_EQ(after.wrong(), -1);
}

// In parts: one that has begun is not refused, for its caller would take it not to have run.
TEST_F(Fault, ALaunchThatIsRefusedHasNotRun) {
  if (simulated() && simulated_profile() != "nvidia") GTEST_SKIP() << "it would show the same";
  injected_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  constexpr std::size_t kCount = 64 * 4096, kBytes = kCount * sizeof(float);
  std::vector<float> values(kCount);
  int failed = 0;
  bool hit = true;
  for (int k = 0; hit && k < 80; ++k) {  // what comes later is as the parts before it
    Bench bench(OptionList{{"vulkan.slice_ms", "1"}});
    Saxpy saxpy(kCount);
    std::array<SokrBuffer, 2> buffers{};
    for (std::uint32_t i : {0u, 1u}) {
      const auto buffer = bench->memory().create(kBytes, 0);
      ASSERT_TRUE(buffer);
      buffers[i] = *buffer;
      const auto& from = i == 0 ? saxpy.x : saxpy.y;
      ASSERT_TRUE(bench->memory().write(*buffer, 0, from.data(), kBytes));
      saxpy.bindings[i] = buffer_binding(0, i, *buffer, kBytes);
    }
    ASSERT_TRUE(bench->memory().read(buffers[1], 0, values.data(), kBytes));
    injected = 0;
    countdown = k;
    const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
    countdown = -1;
    hit = injected != 0;
    const bool complete =
        token && bench->completion(*token, UINT64_MAX).signal == SOKR_COMPLETION_COMPLETE;
    ASSERT_TRUE(bench->memory().read(buffers[1], 0, saxpy.y.data(), kBytes));
    if (complete) {
      EXPECT_EQ(saxpy.wrong(), -1) << k;
    } else if (token) {
      EXPECT_FALSE(bench->completion_error(*token).empty());
      ++failed;
    } else {
      EXPECT_EQ(saxpy.y, values) << k << ": " << token.failure().sentence;
    }
  }
  EXPECT_GT(failed, 0) << "none failed in the middle";
}

TEST_F(Fault, AFailingPipelineIsNotKept) {
  Bench bench;
  injected_result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  only = "vkCreateComputePipelines";
  Saxpy saxpy(200);
  const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.code(), SOKR_DISPATCH_FAILED);
  EXPECT_NE(token.failure().sentence.find("vkCreateComputePipelines"), std::string::npos);
  only = nullptr;
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
}

}  // namespace
}  // namespace sokr::vulkan::test
