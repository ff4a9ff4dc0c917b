// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <bit>
#include <cstdlib>
#include <functional>
#include <map>
#include <numeric>
#include <span>
#include <utility>

#include "device.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

SokrBuffer create(Bench& bench, std::uint64_t size, std::uint32_t flags = 0) {
  auto buffer = bench->memory().create(size, flags);
  EXPECT_TRUE(buffer) << buffer.failure().sentence;
  return buffer ? *buffer : 0;
}

class Staged : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Vulkan, Staged, testing::Values("direct", "copy"));

TEST_P(Staged, BuffersAreZeroAndKeepWhatKernelsWrite) {
  Bench bench(OptionList{{"vulkan.staging", GetParam()}});
  Saxpy saxpy(1000);
  const std::uint64_t bytes = 1000 * sizeof(float);
  const SokrBuffer x = create(bench, bytes),
                   y = create(bench, bytes + 256, SOKR_BUFFER_HOST_VISIBLE);
  std::vector<float> back(1000, 9.0f);
  ASSERT_TRUE(bench->memory().read(x, 0, back.data(), bytes));
  EXPECT_EQ(back, std::vector<float>(1000, 0.0f));
  ASSERT_TRUE(bench->memory().write(x, 0, saxpy.x.data(), bytes));
  ASSERT_TRUE(bench->memory().write(y, 256, saxpy.y.data(), bytes));
  saxpy.bindings = {buffer_binding(0, 0, x, bytes), buffer_binding(0, 1, y, bytes, 256)};
  saxpy.launch.bindings = saxpy.bindings.data();
  bench.run(shader("saxpy"), saxpy.launch);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ((*bench->session())->recordings().recorded(), 1u);
  ASSERT_TRUE(bench->memory().read(y, 256, saxpy.y.data(), bytes));
  EXPECT_EQ(saxpy.wrong(2), -1);
  auto mapped = bench->memory().map(y);
  ASSERT_TRUE(mapped);
  EXPECT_EQ(static_cast<float*>(*mapped)[64 + 3], saxpy.y[3]);
  EXPECT_TRUE(bench->memory().free(x));
  EXPECT_TRUE(bench->memory().free(y));
}

// However it is reached first, and whatever was in the memory before. Written as a whole, it has no
// zeros at any time.
TEST(Memory, WhatNobodyWroteIsZero) {
  constexpr std::uint64_t kWords = 1024, kSize = 4 * kWords;
  Bench bench;
  using Words = std::vector<std::uint32_t>;
  const Words ones(kWords, 1), zeros(kWords, 0);
  for (const std::uint32_t flags : {0u, std::uint32_t{SOKR_BUFFER_HOST_VISIBLE}}) {
    const auto reached = [&](const std::function<void(SokrBuffer)>& reach, const Words& expected) {
      SokrBuffer used = create(bench, kSize, flags);
      ASSERT_TRUE(bench->memory().write(used, 0, ones.data(), kSize));
      Words words(kWords, 7);
      ASSERT_TRUE(bench->memory().read(used, 0, words.data(), kSize));
      EXPECT_EQ(words, ones);
      ASSERT_TRUE(bench->memory().free(used));
      const SokrBuffer fresh = create(bench, kSize, flags);
      reach(fresh);
      ASSERT_TRUE(bench->memory().read(fresh, 0, words.data(), kSize));
      EXPECT_EQ(words, expected);
      ASSERT_TRUE(bench->memory().free(fresh));
    };
    const auto with = [&](std::size_t index, std::uint32_t word) {
      Words words = zeros;
      words[index] = word;
      return words;
    };
    const SokrBuffer other = create(bench, kSize, flags);
    ASSERT_TRUE(bench->memory().write(other, 0, ones.data(), kSize));
    reached([](SokrBuffer) {}, zeros);
    reached([&](SokrBuffer to) { EXPECT_TRUE(bench->memory().write(to, 12, ones.data(), 4)); },
            with(3, 1));
    reached([&](SokrBuffer to) { EXPECT_TRUE(bench->memory().copy(other, 0, to, 4, 4)); },
            with(1, 1));
    reached([&](SokrBuffer to) { EXPECT_TRUE(bench->memory().copy(other, 0, to, 0, kSize)); },
            ones);
    reached(
        [&](SokrBuffer from) {
          EXPECT_TRUE(bench->memory().copy(from, 0, other, 0, kSize));
          Words words(kWords, 7);
          EXPECT_TRUE(bench->memory().read(other, 0, words.data(), kSize));
          EXPECT_EQ(words, zeros);
        },
        zeros);
    reached(
        [&](SokrBuffer to) {
          Saxpy saxpy(1, 1.0f);
          saxpy.bindings[1] = buffer_binding(0, 1, to, kSize);
          saxpy.x[0] = 1.0f;
          bench.run(shader("saxpy"), saxpy.launch);
        },
        with(0, std::bit_cast<std::uint32_t>(1.0f)));
    if (flags == 0) continue;
    reached(
        [&](SokrBuffer to) {
          const auto mapped = bench->memory().map(to);
          ASSERT_TRUE(mapped) << mapped.failure().sentence;
          const std::span words(static_cast<const std::uint32_t*>(*mapped), kWords);
          EXPECT_EQ(std::ranges::count(words, 0u), std::ssize(words));
        },
        zeros);
  }
}

// Mapped or not, either way round.
TEST(Memory, CopiesWithinAndBetweenBuffers) {
  Bench bench;
  for (const std::uint32_t from_flags : {0u, std::uint32_t{SOKR_BUFFER_HOST_VISIBLE}}) {
    for (const std::uint32_t to_flags : {0u, std::uint32_t{SOKR_BUFFER_HOST_VISIBLE}}) {
      const SokrBuffer a = create(bench, 64, from_flags), b = create(bench, 32, to_flags);
      std::vector<std::uint8_t> in(16), out(16);
      std::iota(in.begin(), in.end(), std::uint8_t{1});
      ASSERT_TRUE(bench->memory().write(a, 8, in.data(), 16));
      const auto copied = bench->memory().copy(a, 8, b, 16, 16);
      ASSERT_TRUE(copied) << copied.failure().sentence;
      ASSERT_TRUE(bench->memory().read(b, 16, out.data(), 16));
      EXPECT_EQ(out, in);
      ASSERT_TRUE(bench->memory().copy(a, 8, a, 40, 16));
      ASSERT_TRUE(bench->memory().read(a, 40, out.data(), 16));
      EXPECT_EQ(out, in);
      EXPECT_EQ(bench->memory().copy(a, 8, a, 16, 16).code(), SOKR_INVALID_INPUT);
      EXPECT_EQ(bench->memory().copy(a, 0, b, 17, 16).code(), SOKR_INVALID_INPUT);
      EXPECT_EQ(bench->memory().copy(a, UINT64_MAX, b, 0, 16).code(), SOKR_INVALID_INPUT);
      EXPECT_EQ(bench->memory().copy(12345, 0, b, 0, 16).code(), SOKR_INVALID_INPUT);
    }
  }
}

TEST(Memory, CountsBuffersAndKernels) {
  Bench bench;
  const auto value = [&](std::string_view name) {
    substrate::StatisticList list;
    bench->statistics(list);
    for (const SokrStatistic& one : list.all())
      if (one.name == name) return one.value;
    ADD_FAILURE() << name;
    return std::uint64_t{0};
  };
  EXPECT_EQ(value("kernels"), 0u);
  EXPECT_EQ(value("buffers"), 0u);
  const SokrBuffer buffer = create(bench, 64);
  EXPECT_EQ(value("buffers"), 1u);
  Saxpy saxpy(100);
  bench.run(shader("saxpy"), saxpy.launch);
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(value("kernels"), 1u);
  EXPECT_EQ(value("kernels_built"), 1u);
  EXPECT_EQ(value("launches"), 2u);
  EXPECT_GT(value("kernel_bytes"), 0u);
  EXPECT_EQ(value("in_flight"), 0u);
  EXPECT_TRUE(bench->memory().free(buffer));
  EXPECT_EQ(value("buffers"), 0u);
}

TEST(Memory, AFreedBufferLivesUntilItsLaunchEnds) {
  Bench bench(Gate::options());
  Gate gate(bench);
  const std::uint64_t bytes = gate.out.size() * sizeof gate.out[0];
  const SokrBuffer v = create(bench, bytes);
  gate.bindings[1] = buffer_binding(0, 1, v, bytes);
  const std::uint64_t token = gate.start();
  EXPECT_TRUE(bench->memory().free(v));
  // Nothing else may get its memory.
  const SokrBuffer other = create(bench, bytes, SOKR_BUFFER_HOST_VISIBLE);
  auto again = bench.dispatch(shader("gate"), gate.launch);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.failure().sentence,
            fmt::format("buffer {} is gone: it was freed, or lost with its device", v));
  EXPECT_EQ(bench->completion(token, 0).signal, SOKR_COMPLETION_PENDING);
  gate.open();
  EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  std::vector<std::uint32_t> back(gate.out.size(), 9);
  ASSERT_TRUE(bench->memory().read(other, 0, back.data(), bytes));
  EXPECT_EQ(std::ranges::count(back, 0u), std::ssize(back));
}

TEST(Memory, AddressesReachBuffers) {
  Bench bench;
  if (!bench.physical().usable.has("bufferDeviceAddress")) {
    auto refused = bench->memory().create(16, SOKR_BUFFER_ADDRESS);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.code(), SOKR_CAPABILITY_DENIED);
    EXPECT_NE(refused.failure().sentence.find("needs bufferDeviceAddress"), std::string::npos)
        << refused.failure().sentence;
    GTEST_SKIP() << "no bufferDeviceAddress";
  }
  const SokrBuffer v = create(bench, 16, SOKR_BUFFER_ADDRESS);
  auto address = bench->memory().address(v);
  ASSERT_TRUE(address) << address.failure().sentence;
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.push = &*address;
  launch.push_size = 8;
  bench.run(shader("address"), launch);
  std::vector<std::uint32_t> back(4);
  ASSERT_TRUE(bench->memory().read(v, 0, back.data(), 16));
  EXPECT_EQ(back, std::vector<std::uint32_t>(4, 5));
}

// Buffers of mixed sizes, made and freed in random order: none lies on another.
TEST(Memory, BuffersThatShareMemoryDoNotOverlap) {
  Bench bench;
  struct Live {
    SokrBuffer buffer = 0;
    std::span<std::uint32_t> words;
    std::uint32_t value = 0;
  };
  std::vector<Live> live;
  std::uint64_t seed = 1;
  const auto random = [&] {
    return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33;
  };
  const auto free_one = [&](std::size_t at) {
    const Live one = live[at];
    live[at] = live.back();
    live.pop_back();
    ASSERT_EQ(std::ranges::count(one.words, one.value), std::ssize(one.words));
    ASSERT_TRUE(bench->memory().free(one.buffer));
  };
  for (std::uint32_t step = 1; step <= 3000; ++step) {
    if (live.size() > 200 || (!live.empty() && random() % 3 == 0)) {
      free_one(random() % live.size());
      continue;
    }
    const std::uint64_t words = 1 + random() % (1u << random() % (step % 100 == 0 ? 21 : 12));
    const SokrBuffer buffer = create(bench, 4 * words, SOKR_BUFFER_HOST_VISIBLE);
    auto mapped = bench->memory().map(buffer);
    ASSERT_TRUE(mapped) << mapped.failure().sentence;
    Live one{buffer, {static_cast<std::uint32_t*>(*mapped), words}, step};
    ASSERT_EQ(std::ranges::count(one.words, 0u), std::ssize(one.words)) << "it is not zero";
    std::ranges::fill(one.words, step);
    live.push_back(one);
  }
  while (!live.empty()) free_one(0);
}

// Bytes of device memory that are allocated, as the driver is asked for them.
class HeldMemory {
 public:
  HeldMemory() {
    held_ = 0;
    sizes_.clear();
    device_table_hook = [](VolkDeviceTable& table) {
      allocate_ = std::exchange(table.vkAllocateMemory, allocate);
      free_ = std::exchange(table.vkFreeMemory, free);
    };
  }
  ~HeldMemory() { device_table_hook = nullptr; }
  HeldMemory(const HeldMemory&) = delete;
  HeldMemory& operator=(const HeldMemory&) = delete;
  std::uint64_t bytes() const { return held_; }

 private:
  static VKAPI_ATTR VkResult VKAPI_CALL allocate(VkDevice device, const VkMemoryAllocateInfo* info,
                                                 const VkAllocationCallbacks* callbacks,
                                                 VkDeviceMemory* out) {
    const VkResult result = allocate_(device, info, callbacks, out);
    if (result == VK_SUCCESS) held_ += sizes_[*out] = info->allocationSize;
    return result;
  }
  static VKAPI_ATTR void VKAPI_CALL free(VkDevice device, VkDeviceMemory memory,
                                         const VkAllocationCallbacks* callbacks) {
    if (const auto found = sizes_.find(memory); found != sizes_.end()) {
      held_ -= found->second;
      sizes_.erase(found);
    }
    free_(device, memory, callbacks);
  }
  static inline PFN_vkAllocateMemory allocate_ = nullptr;
  static inline PFN_vkFreeMemory free_ = nullptr;
  static inline std::map<VkDeviceMemory, std::uint64_t> sizes_;
  static inline std::uint64_t held_ = 0;
};

// 10,000 buffers of mixed sizes take the place of others at random: of the memory that is held, 85
// % can be in use at once. Slabs of 4, 8 and 16 MiB have room for them if little is lost in gaps;
// the next would have 32 MiB.
TEST(Memory, BuffersThatComeAndGoLeaveFewGaps) {
  HeldMemory held;
  Bench bench;
  constexpr std::size_t kAlive = 745, kReplaced = 10'000;
  std::uint64_t seed = 7, live = 0;
  const auto random = [&] {
    return (seed = seed * 6364136223846793005u + 1442695040888963407u) >> 33;
  };
  std::vector<std::pair<SokrBuffer, std::uint64_t>> buffers(kAlive);
  const auto make = [&](auto& at) {
    at.second = 256 + random() % 65536;
    at.first = create(bench, at.second, SOKR_BUFFER_HOST_VISIBLE);
    live += at.second;
  };
  for (auto& one : buffers) make(one);
  std::uint64_t most_live = live, most_held = held.bytes();
  for (std::size_t i = 0; i < kReplaced; ++i) {
    auto& one = buffers[random() % kAlive];
    ASSERT_TRUE(bench->memory().free(one.first));
    live -= one.second;
    make(one);
    most_live = std::max(most_live, live);
    most_held = std::max(most_held, held.bytes());
  }
  EXPECT_GE(static_cast<double>(most_live), 0.85 * static_cast<double>(most_held))
      << most_live << " bytes in use, and " << most_held << " held";
  for (const auto& one : buffers) EXPECT_TRUE(bench->memory().free(one.first));
}

// Where the device binds multiples of 16, 64 or 256 only, what is bound is a copy.
TEST(Memory, OffsetsOfAnyWordCanBeBound) {
  Bench bench;
  constexpr std::size_t kFloats = 1000;
  const SokrBuffer v = create(bench, 4 * kFloats);
  std::vector<float> all(kFloats);
  std::iota(all.begin(), all.end(), 0.0f);
  ASSERT_TRUE(bench->memory().write(v, 0, all.data(), 4 * kFloats));
  for (std::size_t first : {1u, 2u, 3u, 5u, 63u, 64u, 129u}) {
    Saxpy saxpy(100);
    saxpy.bindings[0] = buffer_binding(0, 0, v, 400, 4 * (first + 500), SOKR_ACCESS_READ);
    saxpy.bindings[1] = buffer_binding(0, 1, v, 400, 4 * first);
    bench.run(shader("saxpy"), saxpy.launch);
    for (std::size_t i = 0; i < 100; ++i) all[first + i] += 2.0f * all[first + 500 + i];
    // The same recording again.
    bench.run(shader("saxpy"), saxpy.launch);
    for (std::size_t i = 0; i < 100; ++i) all[first + i] += 2.0f * all[first + 500 + i];
    std::vector<float> back(kFloats);
    ASSERT_TRUE(bench->memory().read(v, 0, back.data(), 4 * kFloats));
    EXPECT_EQ(back, all) << first;
  }
}

// Launches that do not wait for each other: each is bound to all that follows, and writes to 64
// words of it. None undoes what another has written.
TEST(Memory, CopiesOfARangeDoNotUndoEachOther) {
  Bench bench;
  constexpr std::size_t kFloats = 1024, kLaunches = 15;
  const SokrBuffer v = create(bench, 4 * kFloats);
  std::vector<float> expected(kFloats), back(kFloats);
  ASSERT_TRUE(bench->memory().write(v, 0, expected.data(), 4 * kFloats));
  std::vector<std::unique_ptr<Saxpy>> launches;
  std::vector<std::uint64_t> tokens;
  for (std::size_t i = 0; i < kLaunches; ++i) {
    const std::size_t first = 1 + 64 * i;
    launches.push_back(std::make_unique<Saxpy>(kFloats));
    Saxpy& saxpy = *launches.back();
    saxpy.bindings[1] = buffer_binding(0, 1, v, 4 * (kFloats - first), 4 * first);
    saxpy.launch.groups[0] = 1;
    for (std::size_t k = 0; k < 64; ++k) expected[first + k] = 2.0f * saxpy.x[k];
    const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    tokens.push_back(*token);
  }
  for (std::uint64_t token : tokens)
    EXPECT_EQ(bench->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE);
  ASSERT_TRUE(bench->memory().read(v, 0, back.data(), 4 * kFloats));
  EXPECT_EQ(back, expected);
}

TEST(Memory, IndirectCountsComeFromABuffer) {
  Bench bench;
  Saxpy saxpy(1000);
  const SokrBuffer counts = create(bench, 32);
  const std::uint32_t groups[3] = {16, 1, 1};
  ASSERT_TRUE(bench->memory().write(counts, 8, groups, 12));
  saxpy.launch.indirect = counts;
  saxpy.launch.indirect_offset = 8;
  saxpy.launch.groups[0] = 0;
  bench.run(shader("saxpy"), saxpy.launch);
  EXPECT_EQ(saxpy.wrong(), -1);
  saxpy.launch.indirect_offset = 24;
  auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.code(), SOKR_INVALID_INPUT);
}

TEST(Memory, HostMemoryIsImportedInPlace) {
  Bench bench;
  const std::uint32_t alignment = bench.physical().limits().host_import_alignment;
  if (alignment == 0) GTEST_SKIP() << "no VK_EXT_external_memory_host";
  const std::uint64_t bytes = alignment * 2ull;
  auto* memory = static_cast<float*>(std::aligned_alloc(alignment, bytes));
  std::fill(memory, memory + bytes / 4, 1.0f);
  auto imported = bench->memory().import_host(memory, bytes);
  ASSERT_TRUE(imported) << imported.failure().sentence;
  Saxpy saxpy(bytes / 4);
  saxpy.bindings[1] = buffer_binding(0, 1, *imported, bytes);
  bench.run(shader("saxpy"), saxpy.launch);
  std::copy(memory, memory + bytes / 4, saxpy.y.begin());
  EXPECT_EQ(saxpy.wrong(), -1);
  auto odd = bench->memory().import_host(memory + 1, bytes);
  ASSERT_FALSE(odd);
  EXPECT_NE(odd.failure().sentence.find("multiples of"), std::string::npos);
  EXPECT_TRUE(bench->memory().free(*imported));
  bench.renew();
  std::free(memory);
}

TEST(Memory, BadArgumentsAreSentences) {
  Bench bench;
  const SokrBuffer v = create(bench, 16);
  char bytes[16];
  const auto refused = [](auto result, const std::string& text) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.code(), SOKR_INVALID_INPUT);
    EXPECT_NE(result.failure().sentence.find(text), std::string::npos) << result.failure().sentence;
  };
  refused(bench->memory().create(0, 0), "at least 1");
  refused(bench->memory().create(4, 64), "0x40");
  refused(bench->memory().read(v, 8, bytes, 9), "end beyond");
  refused(bench->memory().read(v, UINT64_MAX, bytes, 2), "end beyond");
  refused(bench->memory().write(v, 0, nullptr, 4), "null");
  refused(bench->memory().write(0, 0, bytes, 4), "no buffer");
  refused(bench->memory().free(v + 100), "no buffer");
  refused(bench->memory().map(v), "SOKR_BUFFER_HOST_VISIBLE");
  refused(bench->memory().address(v), "SOKR_BUFFER_ADDRESS");
  auto huge = bench->memory().create(UINT64_MAX / 2, 0);
  ASSERT_FALSE(huge);
  EXPECT_EQ(huge.code(), SOKR_DISPATCH_FAILED);
  EXPECT_NE(huge.failure().sentence.find("out of memory"), std::string::npos);
}

}  // namespace
}  // namespace sokr::vulkan::test
