// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Copies on a queue beside that which computes. What the two do has no order but that which the
// substrate makes: each of these tests holds the one queue or the other until it wants the wrong
// order to show. Runs where the device, or the simulated one, has a queue that only copies.
#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "simulated.hpp"
#include "support.hpp"

namespace sokr::vulkan::test {
namespace {

constexpr std::uint64_t kMega = 1 << 20;
constexpr std::size_t kFloats = kMega;  // 4 MiB of them
// Of a gate: two seconds of an H200, where a kernel that is under way need not see that it is
// opened.
constexpr std::uint32_t kGroups = 2'000, kRounds = 4 * Gate::kRounds;

class Transfer : public testing::TestWithParam<const char*> {
 protected:
  VulkanSubstrate::Memory& memory() { return (*bench_)->memory(); }
  // False if there is no such queue, or the host writes to buffers by itself.
  bool begin(OptionList options = {}) {
    bench_ = std::make_unique<Bench>(Gate::options(std::move(options)));
    if (bench_->physical().transfer_family == UINT32_MAX) return false;
    return !bench_->is_mapped(create(64));
  }
  SokrBuffer create(std::uint64_t bytes, std::uint32_t flags = 0) {
    auto buffer = memory().create(bytes, flags);
    EXPECT_TRUE(buffer) << (buffer ? "" : buffer.failure().sentence);
    return buffer ? *buffer : 0;
  }
  SokrBuffer create(const std::vector<float>& values, std::uint32_t flags = 0) {
    const SokrBuffer buffer = create(4 * values.size(), flags);
    write(buffer, values);
    return buffer;
  }
  void write(SokrBuffer buffer, const std::vector<float>& values, std::uint64_t offset = 0) {
    const auto written = memory().write(buffer, offset, values.data(), 4 * values.size());
    EXPECT_TRUE(written) << (written ? "" : written.failure().sentence);
  }
  std::vector<float> read(SokrBuffer buffer, std::size_t count, std::uint64_t offset = 0) {
    std::vector<float> values(count, -1.0f);
    const auto done = memory().read(buffer, offset, values.data(), 4 * count);
    EXPECT_TRUE(done) << (done ? "" : done.failure().sentence);
    return values;
  }
  void copy(SokrBuffer from, SokrBuffer to, std::size_t count) {
    const auto copied = memory().copy(from, 0, to, 0, 4 * count);
    EXPECT_TRUE(copied) << (copied ? "" : copied.failure().sentence);
  }
  bool is_under_way(std::uint64_t token) {
    return (*bench_)->completion(token, 0).signal == SOKR_COMPLETION_PENDING;
  }
  void expect_complete(std::uint64_t token) {
    EXPECT_EQ((*bench_)->completion(token, UINT64_MAX).signal, SOKR_COMPLETION_COMPLETE)
        << (*bench_)->completion_error(token);
  }
  std::unique_ptr<Bench> bench_;
};

std::vector<float> all(float value, std::size_t count = kFloats) {
  return std::vector<float>(count, value);
}

// A kernel under way that uses one large buffer, and a copy into that, which waits for it and which
// all others on its queue are behind. open() lets both go on.
class Held {
 public:
  Held(Bench& bench, std::function<SokrBuffer(std::uint64_t)> create) : gate_(bench) {
    const std::vector<float> values(16 * kMega / 4, 1.0f);
    buffer_ = create(16 * kMega);
    gate_.bindings[1] = buffer_binding(0, 1, buffer_, 16 * kMega);
    gate_.launch.bindings = gate_.bindings.data();
    token_ = gate_.start();
    const auto written = bench->memory().write(buffer_, 0, values.data(), 16 * kMega);
    EXPECT_TRUE(written) << (written ? "" : written.failure().sentence);
  }
  std::uint64_t token() const { return token_; }
  void open() { gate_.open(); }
  // Once one more submission was made, from a thread of its own: for calls that block.
  template <class Call>
  void open_behind(Call&& call) {
    const std::uint64_t before = simulated()->submissions;
    std::thread opener([&] {
      while (simulated()->submissions == before) std::this_thread::yield();
      open();
    });
    call();
    opener.join();
  }

 private:
  Gate gate_;
  SokrBuffer buffer_ = 0;
  std::uint64_t token_ = 0;
};

// y = a * x + y over all of two buffers.
struct Kernel {
  Saxpy saxpy{64, 2.0f};
  Kernel(SokrBuffer x, SokrBuffer y) {
    saxpy.push.n = kFloats;
    saxpy.launch.groups[0] = kFloats / 64;
    saxpy.bindings = {buffer_binding(0, 0, x, 4 * kFloats, 0, SOKR_ACCESS_READ),
                      buffer_binding(0, 1, y, 4 * kFloats)};
    saxpy.launch.bindings = saxpy.bindings.data();
  }
  std::uint64_t start(Bench& bench) {
    const auto token = bench.dispatch(shader("saxpy"), saxpy.launch);
    EXPECT_TRUE(token) << (token ? "" : token.failure().sentence);
    return token ? *token : 0;
  }
};

#define SOKR_BEGIN(...)                                                          \
  if (!simulated()) GTEST_SKIP() << "nobody tells when something was submitted"; \
  if (!begin(__VA_ARGS__)) GTEST_SKIP() << "no queue that only copies"

TEST_F(Transfer, OfOtherBuffersEndsWhileAKernelRuns) {
  if (!begin()) GTEST_SKIP() << "no queue that only copies";
  const SokrBuffer old = create(all(3)), mapped = create(4 * kFloats, SOKR_BUFFER_HOST_VISIBLE);
  ASSERT_EQ(read(old, 1), all(3, 1));
  Gate gate(*bench_, kGroups, kRounds);
  const std::uint64_t token = gate.start();
  std::vector<float> values(5 * kFloats);  // more than one block
  std::iota(values.begin(), values.end(), 0.0f);
  write(old, all(4));
  EXPECT_EQ(read(old, kFloats), all(4));
  const SokrBuffer made = create(values);
  EXPECT_EQ(read(made, values.size()), values);
  copy(old, mapped, kFloats);
  EXPECT_EQ(static_cast<const float*>(*memory().map(mapped))[kFloats - 1], 4.0f);
  static_cast<float*>(*memory().map(mapped))[5] = 5.0f;
  copy(mapped, old, kFloats);
  std::vector<float> expected = all(4);
  expected[5] = 5.0f;
  EXPECT_EQ(read(old, kFloats), expected);
  EXPECT_TRUE(is_under_way(token))
      << "one of them waited for a kernel that has nothing to do with it";
  gate.open();
  expect_complete(token);
  EXPECT_EQ(gate.wrong(), -1);
}

// Zeros go along, of what is not written.
TEST_F(Transfer, ANewBufferIsZeroWhileAKernelRuns) {
  if (!begin()) GTEST_SKIP() << "no queue that only copies";
  Gate gate(*bench_, kGroups, kRounds);
  const std::uint64_t token = gate.start();
  const SokrBuffer part = create(4 * kFloats), none = create(4 * kFloats);
  write(part, all(7, kFloats / 2), kFloats);
  std::vector<float> expected = all(0);
  std::fill_n(expected.begin() + kFloats / 4, kFloats / 2, 7.0f);
  EXPECT_EQ(read(part, kFloats), expected);
  EXPECT_EQ(read(none, kFloats), all(0));
  EXPECT_TRUE(is_under_way(token));
  gate.open();
  expect_complete(token);
}

TEST_P(Transfer, AKernelComesBeforeALargeWriteBehindIt) {
  SOKR_BEGIN({{"vulkan.disable", GetParam()}});
  const SokrBuffer x = create(all(1)), y = create(all(0));
  ASSERT_EQ(read(x, kFloats), all(1));
  Kernel kernel(x, y);
  for (int round = 0; round < 3; ++round) {  // the last is a launch that is known
    Gate gate(*bench_);
    const std::uint64_t before = gate.start(), token = kernel.start(*bench_);
    write(x, all(100));
    gate.open();
    expect_complete(before);
    expect_complete(token);
    EXPECT_EQ(read(y, kFloats), all(2)) << round;
    EXPECT_EQ(read(x, kFloats), all(100)) << round;
    write(x, all(1));
    write(y, all(0));
  }
}

TEST_P(Transfer, ALargeWriteComesBeforeAKernelBehindIt) {
  SOKR_BEGIN({{"vulkan.disable", GetParam()}});
  const SokrBuffer x = create(all(1)), y = create(all(0));
  ASSERT_EQ(read(x, kFloats), all(1));
  Kernel kernel(x, y);
  for (int round = 0; round < 3; ++round) {
    Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
    write(x, all(5));
    const std::uint64_t first = kernel.start(*bench_), second = kernel.start(*bench_);
    EXPECT_TRUE(is_under_way(held.token())) << "the write or a dispatch waited";
    held.open();
    expect_complete(first);
    expect_complete(second);
    EXPECT_EQ(read(y, kFloats), all(20)) << round;
    write(x, all(1));
    write(y, all(0));
  }
}

TEST_P(Transfer, ALargeReadOrCopyComesBehindAKernel) {
  SOKR_BEGIN({{"vulkan.disable", GetParam()}});
  const SokrBuffer x = create(all(1)), y = create(all(0));
  const SokrBuffer mapped = create(4 * kFloats, SOKR_BUFFER_HOST_VISIBLE);
  ASSERT_EQ(read(x, kFloats), all(1));
  Kernel kernel(x, y);
  for (int round = 1; round <= 2; ++round) {
    Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
    kernel.start(*bench_);
    held.open_behind([&] {
      if (round == 2) return copy(y, mapped, kFloats);
      EXPECT_EQ(read(y, kFloats), all(2));
    });
  }
  const auto* values = static_cast<const float*>(*memory().map(mapped));
  EXPECT_EQ(std::vector<float>(values, values + kFloats), all(4));
}

// From a buffer that the host maps, and the counts of an indirect launch.
TEST_P(Transfer, AKernelComesBehindALargeCopyAndReadsItsCounts) {
  SOKR_BEGIN({{"vulkan.disable", GetParam()}});
  const SokrBuffer x = create(all(1)), y = create(all(0)), counts = create(all(0));
  ASSERT_EQ(read(x, kFloats), all(1));
  ASSERT_EQ(read(counts, kFloats), all(0));
  Kernel kernel(x, y);
  kernel.saxpy.launch.indirect = counts;
  Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
  std::vector<float> groups = all(0);
  const std::uint32_t wanted[3] = {kFloats / 64, 1, 1};
  std::memcpy(groups.data(), wanted, sizeof wanted);
  write(counts, groups);
  const std::uint64_t token = kernel.start(*bench_);
  held.open();
  expect_complete(token);
  EXPECT_EQ(read(y, kFloats), all(2)) << "the counts were not there yet";
}

TEST_P(Transfer, LargeAndSmallWritesKeepTheirOrder) {
  SOKR_BEGIN({{"vulkan.disable", GetParam()}});
  const SokrBuffer x = create(all(1)), y = create(all(1));
  ASSERT_EQ(read(x, kFloats), all(1));
  ASSERT_EQ(read(y, kFloats), all(1));
  {
    // The queue that only copies is held: who comes behind it must wait for it.
    Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
    write(x, all(2));
    write(x, all(3, 1), 4 * (kFloats - 1));
    held.open();
    std::vector<float> expected = all(2);
    expected.back() = 3.0f;
    EXPECT_EQ(read(x, kFloats), expected);
  }
  {
    Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
    write(y, all(2));
    held.open_behind([&] { EXPECT_EQ(read(y, 1, 4 * (kFloats - 1)), all(2, 1)); });
  }
  {
    // The other is.
    Gate gate(*bench_);
    const std::uint64_t before = gate.start();
    write(x, all(4, 1), 4 * (kFloats - 1));
    write(x, all(5));
    gate.open();
    EXPECT_EQ(read(y, 1), all(2, 1)) << "behind the small write";
    EXPECT_EQ(read(x, kFloats), all(5));
    expect_complete(before);
  }
}

TEST_P(Transfer, ACopyOfTheDeviceKeepsItsPlaceAmongLargeWrites) {
  SOKR_BEGIN({{"vulkan.disable", GetParam()}});
  const SokrBuffer x = create(all(1)), y = create(all(1));
  ASSERT_EQ(read(x, kFloats), all(1));
  ASSERT_EQ(read(y, kFloats), all(1));
  Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
  write(x, all(2));
  copy(x, y, kFloats);
  write(x, all(3));
  write(y, all(9, 1));
  held.open_behind([&] {
    std::vector<float> expected = all(2);
    expected[0] = 9.0f;
    EXPECT_EQ(read(y, kFloats), expected);
  });
  EXPECT_EQ(read(x, kFloats), all(3));
  // The source is not written before it was copied.
  Gate gate(*bench_);
  const std::uint64_t before = gate.start();
  copy(x, y, kFloats);
  write(x, all(7));
  gate.open();
  expect_complete(before);
  EXPECT_EQ(read(y, kFloats), all(3));
  EXPECT_EQ(read(x, kFloats), all(7));
}

INSTANTIATE_TEST_SUITE_P(Vulkan, Transfer, testing::Values("", "synchronization2"));

TEST_F(Transfer, SmallOnesAndThoseOfAddressesStayWithTheKernels) {
  SOKR_BEGIN();
  const std::uint64_t before = simulated()->copies;
  const SokrBuffer small = create(all(3, 1000));
  EXPECT_EQ(read(small, 1000), all(3, 1000));
  if (bench_->physical().usable.has("bufferDeviceAddress")) {
    const SokrBuffer reached = create(all(3), SOKR_BUFFER_ADDRESS);
    EXPECT_EQ(read(reached, kFloats), all(3));
  }
  EXPECT_EQ(simulated()->copies, before);
  const SokrBuffer large = create(all(3));
  EXPECT_EQ(read(large, kFloats), all(3));
  EXPECT_EQ(simulated()->copies, before + 2);
}

TEST_F(Transfer, CanBeSwitchedOff) {
  if (!simulated()) GTEST_SKIP() << "nobody counts copies";
  EXPECT_FALSE(begin({{"vulkan.transfer", "off"}}));
  const std::uint64_t before = simulated()->copies;
  const SokrBuffer large = create(all(3));
  EXPECT_EQ(read(large, kFloats), all(3));
  EXPECT_EQ(simulated()->copies, before);
}

// The layer ends the process if a buffer goes before its copy is done.
TEST_F(Transfer, ABufferMayBeFreedWhileItIsCopied) {
  SOKR_BEGIN();
  const std::uint64_t memories = simulated()->memories;
  {
    Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
    const SokrBuffer large = create(all(1, 5 * kFloats));
    ASSERT_TRUE(memory().free(large));
    EXPECT_GT(simulated()->memories, memories);
    held.open();
    expect_complete(held.token());
  }
  // A launch that ends, and the next one, which looks.
  Saxpy saxpy(100);
  const auto held_by_blocks = [&] { return simulated()->memories - memories; };
  const std::uint64_t most = held_by_blocks();
  for (int i = 0; i < 100'000 && held_by_blocks() >= most; ++i)
    bench_->run(shader("saxpy"), saxpy.launch);
  EXPECT_LT(held_by_blocks(), most) << "the memory of a freed buffer is never given back";
}

// Nobody hears that a copy is done; who wants memory asks.
TEST_F(Transfer, WhatCopiesThatAreDoneHeldIsThereForALaunch) {
  SOKR_BEGIN();
  Saxpy first(100), large(kFloats);
  bench_->run(shader("saxpy"), first.launch);
  {
    Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(memory().free(create(all(1))));
    held.open();
    expect_complete(held.token());
  }
  simulated()->allocation_limit = static_cast<std::uint32_t>(simulated()->memories);
  const auto token = bench_->dispatch(shader("saxpy"), large.launch);
  EXPECT_TRUE(token) << (token ? "" : token.failure().sentence);
  simulated()->allocation_limit = 0;
  ASSERT_TRUE(token);
  expect_complete(*token);
  EXPECT_EQ(large.wrong(), -1);
}

// What was lost is said, and what was not is right.
TEST_F(Transfer, ALossAtTheKthCallEndsInASentence) {
  SOKR_BEGIN();
  int k = 0;
  for (bool lost = true; lost; ++k) {
    ASSERT_LT(k, 100);
    ASSERT_TRUE(begin());
    const SokrBuffer x = create(all(1)), y = create(all(0));
    Kernel kernel(x, y);
    simulated()->calls_until_loss = k;
    const std::vector<float> values = all(2);
    std::vector<float> back(kFloats);
    const auto written = memory().write(x, 0, values.data(), 4 * kFloats);
    const auto token = written ? bench_->dispatch(shader("saxpy"), kernel.saxpy.launch)
                               : Result<std::uint64_t>(written.failure());
    const auto done =
        token ? memory().read(y, 0, back.data(), 4 * kFloats) : Result<void>(token.failure());
    if (done) {
      EXPECT_EQ(back, all(4));
    } else {
      EXPECT_NE(done.failure().sentence.find("lost"), std::string::npos) << done.failure().sentence;
    }
    if (token) (void)(*bench_)->completion(*token, UINT64_MAX);
    lost = simulated()->calls_until_loss < 0;
    simulated()->calls_until_loss = -1;
    Saxpy after(200);
    bench_->run(shader("saxpy"), after.launch);
    EXPECT_EQ(after.wrong(), -1) << "lost at call " << k;
    const SokrBuffer again = create(all(6));
    EXPECT_EQ(read(again, kFloats), all(6));
  }
  EXPECT_GT(k, 5);
}

// A kernel holds the copies into a buffer that it uses, more than may be under way: who writes them
// waits for it, and nobody else does.
TEST_F(Transfer, TooManyCopiesHoldUpOnlyWhoMakesThem) {
  if (!simulated()) GTEST_SKIP() << "nobody tells when somebody waits";
  for (const char* queue : {"auto", "off"}) {
    begin({{"vulkan.transfer", queue}, {"vulkan.spin_us", "0"}});
    if (bench_->is_mapped(create(64))) GTEST_SKIP() << "the host writes to buffers by itself";
    const SokrBuffer large = create(16 * kMega), x = create(all(1)), y = create(all(0));
    ASSERT_EQ(read(x, 1), all(1, 1));
    ASSERT_EQ(read(y, 1), all(0, 1));
    ASSERT_EQ(read(large, 1), all(0, 1));
    Kernel kernel(x, y);
    Gate gate(*bench_, kGroups, kRounds);
    gate.bindings[1] = buffer_binding(0, 1, large, 16 * kMega);
    gate.launch.bindings = gate.bindings.data();
    const std::uint64_t held = gate.start(), sleeps = simulated()->sleeps;
    std::atomic<bool> is_done{false};
    std::thread copier([&] {
      for (int i = 1; i <= 6; ++i) write(large, all(static_cast<float>(i), 4 * kFloats));
      is_done = true;
    });
    while (simulated()->sleeps == sleeps && !is_done) std::this_thread::yield();
    EXPECT_FALSE(is_done) << "as many were under way at once";
    std::vector<std::uint64_t> tokens;
    for (int i = 0; i < 3; ++i) {
      tokens.push_back(kernel.start(*bench_));
      write(x, all(2, 100));
    }
    EXPECT_TRUE(memory().free(create(64)));
    EXPECT_TRUE(is_under_way(held)) << "somebody waited for the kernel: " << queue;
    gate.open();
    copier.join();
    for (const std::uint64_t token : tokens) expect_complete(token);
    std::vector<float> expected = all(6);
    std::fill_n(expected.begin(), 100, 10.0f);
    EXPECT_EQ(read(y, kFloats), expected);
    EXPECT_EQ(read(large, 4 * kFloats), all(6, 4 * kFloats));
  }
}

// Each thread its own buffers; kernels of all of them on the one queue, copies on the other.
// What is done on the one queue, though nobody saw it, makes room before a copy that waits on the
// other is waited for.
TEST_F(Transfer, WhatIsDoneMakesRoomBesideACopyThatWaits) {
  SOKR_BEGIN({{"vulkan.spin_us", "0"}, {"vulkan.collect", "1"}});
  constexpr std::size_t kHalf = kMega / 8;  // floats of half a MiB
  const SokrBuffer some = create(4 * kHalf);
  const std::vector<float> half = all(1, kHalf);
  const auto write_halves = [&](int count) {
    for (int i = 0; i < count; ++i) write(some, half);
  };
  write_halves(96);
  Saxpy saxpy(64);
  const auto flushed = bench_->dispatch(shader("saxpy"), saxpy.launch);
  ASSERT_TRUE(flushed) << flushed.failure().sentence;
  const Device& device = (*(*bench_)->session())->device();
  ASSERT_EQ(device.vk().vkDeviceWaitIdle(device.handle()), VK_SUCCESS);
  ASSERT_LT(device.seen(), device.last_submitted()) << "somebody saw it";
  Held held(*bench_, [&](std::uint64_t bytes) { return create(bytes); });
  const std::uint64_t sleeps = simulated()->sleeps;
  write_halves(33);
  EXPECT_EQ(simulated()->sleeps, sleeps);
  EXPECT_TRUE(is_under_way(held.token()));
  held.open();
  expect_complete(held.token());
  expect_complete(*flushed);
  EXPECT_EQ(read(some, kHalf), half);
}

TEST_F(Transfer, ThreadsCopyAndComputeAtOnce) {
  if (!begin()) GTEST_SKIP() << "no queue that only copies";
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const SokrBuffer x = create(all(1)), y = create(all(0));
      Kernel kernel(x, y);
      for (int round = 1; round <= 8; ++round) {
        const auto value = static_cast<float>(10 * i + round);
        write(x, all(value));
        const std::uint64_t token = kernel.start(*bench_);
        if (round % 2 == 0) write(y, all(value, 16), 64);
        std::vector<float> expected = all(2 * value);
        if (round % 2 == 0) std::fill_n(expected.begin() + 16, 16, value);
        EXPECT_EQ(read(y, kFloats), expected) << i << ", " << round;
        expect_complete(token);
        write(y, all(0));
      }
      EXPECT_TRUE(memory().free(x));
      EXPECT_TRUE(memory().free(y));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace sokr::vulkan::test
